//! Positions: the rows that follow one, as ranges that an index can bound.
//!
//! In the order `a, b, id` the rows after `(x, y, i)` are those with `a = x AND b = y AND id > i`,
//! then those with `a = x AND b > y`, then those with `a > x`; where a key may be null, its nulls
//! come before or after all that. Each of these is a [`Branch`], no row lies in two, and each is one
//! range of an index. A chain of `OR` over them is no range: engines walk the whole index for it.

use den_backend::{Direction, FieldKind, Nulls, Query, Value};

use crate::{
    filter::Filters,
    order::{Key, Order, Term, is_id, rank_of},
    source::{Scalar, Source},
    statement::Param,
    writer::SqlWriter,
};

/// One range of rows after a position: all its conditions hold.
#[derive(Debug)]
pub(crate) struct Branch<'a> {
    conditions: Vec<Condition<'a>>,
}

#[derive(Debug, Clone)]
enum Condition<'a> {
    /// The key ties with the position.
    Equal(Term<'a>, Bound),
    /// The key lies after the position's, nulls aside.
    After(Term<'a>, Direction, Bound),
    /// The key is null.
    IsNull(Term<'a>),
    /// The key is not null.
    IsNotNull(Term<'a>),
    /// The id lies after the position's.
    IdAfter(Direction, &'a str),
    /// All keys and the id, compared as one row.
    RowAfter(Vec<(Term<'a>, Bound)>, Direction, &'a str),
}

/// The position's value of one key.
#[derive(Debug, Clone)]
enum Bound {
    Null,
    Rank(&'static str),
    Value(Value),
}

/// A key and its value at the position.
struct Bounded<'a> {
    key: Key<'a>,
    bound: Bound,
}

/// The ranges of the rows that follow the position of `query`; none if it has no position.
pub(crate) fn branches<'a>(order: &Order<'a>, query: &'a Query) -> Vec<Branch<'a>> {
    let Some(seek) = &query.seek else {
        return Vec::new();
    };
    let bounded = bounds(order, query, &seek.keys);
    // A value of an id key is the id.
    let id = query
        .sort
        .iter()
        .zip(&seek.keys)
        .find(|(sort, _)| is_id(sort))
        .and_then(|(_, value)| match value {
            Value::Text(id) => Some(id.as_str()),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        })
        .unwrap_or(&seek.id);

    let id_direction = order.id.unwrap_or(query.id_direction);
    let is_row = bounded.iter().all(|it| {
        it.key.direction == id_direction
            && it.key.has_default_nulls()
            && !matches!(it.bound, Bound::Null)
    });
    let mut branches = Vec::with_capacity(bounded.len() + 1);
    if is_row && !bounded.is_empty() {
        let row = bounded
            .iter()
            .map(|it| (it.key.term, it.bound.clone()))
            .collect();
        branches.push(Branch {
            conditions: vec![Condition::RowAfter(row, id_direction, id)],
        });
    } else {
        let mut conditions: Vec<Condition<'a>> = bounded.iter().map(Bounded::tie).collect();
        conditions.push(Condition::IdAfter(id_direction, id));
        branches.push(Branch { conditions });
    }
    for (i, last) in bounded.iter().enumerate().rev() {
        let ties = || bounded.iter().take(i).map(Bounded::tie);
        let after = if is_row { None } else { last.after() };
        for condition in after.into_iter().chain(last.nulls_after()) {
            branches.push(Branch {
                conditions: ties().chain([condition]).collect(),
            });
        }
    }
    branches
}

impl<'a> Bounded<'a> {
    fn tie(&self) -> Condition<'a> {
        match &self.bound {
            Bound::Null => Condition::IsNull(self.key.term),
            bound @ (Bound::Rank(_) | Bound::Value(_)) => {
                Condition::Equal(self.key.term, bound.clone())
            }
        }
    }

    /// The values after the position's.
    fn after(&self) -> Option<Condition<'a>> {
        match (&self.bound, self.key.nulls) {
            (Bound::Null, Nulls::First) => Some(Condition::IsNotNull(self.key.term)),
            (Bound::Null, Nulls::Last) => None,
            (bound @ (Bound::Rank(_) | Bound::Value(_)), _) => Some(Condition::After(
                self.key.term,
                self.key.direction,
                bound.clone(),
            )),
        }
    }

    /// The nulls, if they come after the position's value.
    fn nulls_after(&self) -> Option<Condition<'a>> {
        match (&self.bound, self.key.nulls) {
            (Bound::Value(_), Nulls::Last) => Some(Condition::IsNull(self.key.term)),
            (Bound::Value(_), Nulls::First) | (Bound::Null | Bound::Rank(_), _) => None,
        }
    }
}

/// Pairs the keys with their values. A mixed order has keys for all types; of these only the rank
/// and that of the position's own type tell rows after it apart.
fn bounds<'a>(order: &Order<'a>, query: &'a Query, values: &'a [Value]) -> Vec<Bounded<'a>> {
    let mut bounded = Vec::with_capacity(order.keys.len());
    let mut keys = order.keys.iter();
    for (sort, value) in query.sort.iter().zip(values) {
        if is_id(sort) {
            break;
        }
        let count = match sort.kind() {
            // An id is no number, so as one it orders nothing.
            FieldKind::Number | FieldKind::Bool if sort.is_id() => 0,
            FieldKind::Text | FieldKind::Number | FieldKind::Bool => 1,
            FieldKind::Any => 1 + Scalar::ALL.len(),
            FieldKind::Array | FieldKind::Object => 0,
        };
        for key in keys.by_ref().take(count) {
            let bound = match key.term {
                Term::Rank(_, null_rank) => Bound::Rank(rank_of(value, null_rank)),
                // An order by relevance has no positions.
                Term::Score(_) => continue,
                Term::Typed(_, scalar) if Scalar::of(value) == Some(scalar) => {
                    Bound::Value(value.clone())
                }
                Term::Typed(..) if sort.kind() == FieldKind::Any => continue,
                Term::Typed(..) => Bound::Null,
            };
            bounded.push(Bounded { key: *key, bound });
        }
    }
    bounded
}

impl Branch<'_> {
    /// Writes the conditions joined by `AND`.
    pub(crate) fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                sql.push(" AND ");
            }
            condition.write(filters, sql);
        }
    }
}

impl Condition<'_> {
    fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        match self {
            Self::Equal(term, bound) => {
                term.write(filters, sql);
                sql.push(" = ");
                bound.write(filters, sql);
            }
            Self::After(term, direction, bound) => {
                term.write(filters, sql);
                sql.push(after(*direction));
                bound.write(filters, sql);
            }
            Self::IsNull(term) => {
                sql.push("(");
                term.write(filters, sql);
                sql.push(") IS NULL");
            }
            Self::IsNotNull(term) => {
                sql.push("(");
                term.write(filters, sql);
                sql.push(") IS NOT NULL");
            }
            Self::IdAfter(direction, id) => {
                sql.push("d.id").push(after(*direction));
                sql.bind(Param::Text((*id).to_owned()));
            }
            Self::RowAfter(row, direction, id) => {
                sql.push("(");
                for (term, _) in row {
                    term.write(filters, sql);
                    sql.push(", ");
                }
                sql.push("d.id)").push(after(*direction)).push("(");
                for (_, bound) in row {
                    bound.write(filters, sql);
                    sql.push(", ");
                }
                sql.bind(Param::Text((*id).to_owned())).push(")");
            }
        }
    }
}

impl Bound {
    fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        match self {
            Self::Null => {
                sql.push("NULL");
            }
            Self::Rank(rank) => {
                sql.push(rank);
            }
            Self::Value(value) => {
                if let Some(scalar) = Scalar::of(value) {
                    filters.dialect.typed(sql, &Source::Value(value), scalar);
                }
            }
        }
    }
}

fn after(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => " > ",
        Direction::Desc => " < ",
    }
}
