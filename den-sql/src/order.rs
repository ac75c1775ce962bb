//! Orders: the sort keys of a query as SQL terms.

use den_backend::{Direction, FieldKind, Nulls, Query, Sort, Value};

use crate::{
    filter::Filters,
    source::{Place, Scalar, Source},
    writer::SqlWriter,
};

/// One term of an order. The id, which ends every order, is not among them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) term: Term<'a>,
    pub(crate) direction: Direction,
    pub(crate) nulls: Nulls,
}

/// What a term orders by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Term<'a> {
    /// The values of one type; NULL for any other.
    Typed(Place<'a>, Scalar),
    /// The rank of the type; never NULL.
    Rank(Place<'a>, &'static str),
}

/// A whole order.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) keys: Vec<Key<'a>>,
    pub(crate) id: Direction,
}

/// Null ranks below every type where it sorts as the smallest value, else above.
const NULL_SMALLEST: &str = "0";
const NULL_LARGEST: &str = "6";

impl<'a> Order<'a> {
    pub(crate) fn of(filters: &Filters<'a>, query: &'a Query) -> Self {
        let mut keys = Vec::with_capacity(query.sort.len());
        for sort in &query.sort {
            // Nothing ties with an id, so what comes after it orders nothing.
            if is_id(sort) {
                return Self {
                    keys,
                    id: sort.direction,
                };
            }
            push_keys(&mut keys, filters.place(&sort.field.path), sort);
        }
        Self {
            keys,
            id: query.id_direction,
        }
    }

    /// Writes the `ORDER BY` of a statement that reads the table.
    pub(crate) fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        sql.push("\nORDER BY ");
        for key in &self.keys {
            key.term.write(filters, sql);
            sql.push(key.suffix()).push(", ");
        }
        self.write_id(sql);
    }

    /// Writes the `ORDER BY` of a statement over branches that selected the keys as `k1`, `k2` ..
    pub(crate) fn write_selected(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        sql.push("\nORDER BY ");
        for (i, key) in self.keys.iter().enumerate() {
            filters.dialect.selected_key(sql, i + 1, key.term.scalar());
            sql.push(key.suffix()).push(", ");
        }
        self.write_id(sql);
    }

    fn write_id(&self, sql: &mut SqlWriter) {
        // The id is never null, and every index has it in the engine's own order of nulls.
        sql.push(match self.id {
            Direction::Asc => "d.id",
            Direction::Desc => "d.id DESC",
        });
    }
}

impl Key<'_> {
    /// Whether nulls go where the indexes have them.
    pub(crate) fn has_default_nulls(&self) -> bool {
        self.nulls == self.direction.default_nulls()
    }

    fn suffix(&self) -> &'static str {
        match (self.direction, self.nulls) {
            (Direction::Asc, Nulls::First) => " ASC NULLS FIRST",
            (Direction::Asc, Nulls::Last) => " ASC NULLS LAST",
            (Direction::Desc, Nulls::First) => " DESC NULLS FIRST",
            (Direction::Desc, Nulls::Last) => " DESC NULLS LAST",
        }
    }
}

impl Term<'_> {
    pub(crate) fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        match self {
            Self::Typed(place, scalar) => {
                filters.dialect.typed(sql, &Source::Place(*place), *scalar);
            }
            Self::Rank(place, null_rank) => filters.dialect.rank(sql, place, null_rank),
        }
    }

    fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Typed(_, scalar) => Some(*scalar),
            Self::Rank(..) => None,
        }
    }
}

/// Whether this key is the id: as text, which is all it can be.
pub(crate) fn is_id(sort: &Sort) -> bool {
    match sort.field.kind {
        FieldKind::Text | FieldKind::Any => sort.field.path.is_id(),
        FieldKind::Number | FieldKind::Bool | FieldKind::Array | FieldKind::Object => false,
    }
}

/// The rank of a value's type, as [`Term::Rank`] writes it.
pub(crate) fn rank_of(value: &Value, null_rank: &'static str) -> &'static str {
    match value {
        Value::Null => null_rank,
        Value::Int(_) | Value::Float(_) => "1",
        Value::Text(_) => "2",
        Value::Bool(_) => "3",
        Value::Array(_) => "4",
        Value::Object(_) => "5",
    }
}

fn push_keys<'a>(keys: &mut Vec<Key<'a>>, place: Place<'a>, sort: &Sort) {
    let direction = sort.direction;
    match sort.field.kind {
        FieldKind::Text | FieldKind::Number | FieldKind::Bool if place.is_id() => {}
        FieldKind::Text | FieldKind::Number | FieldKind::Bool => {
            keys.extend(Scalar::of_kind(sort.field.kind).map(|scalar| Key {
                term: Term::Typed(place, scalar),
                direction,
                nulls: sort.nulls,
            }));
        }
        // Every value counts as null, so nothing is ordered.
        FieldKind::Array | FieldKind::Object => {}
        FieldKind::Any => {
            let null_rank = if sort.nulls == direction.default_nulls() {
                NULL_SMALLEST
            } else {
                NULL_LARGEST
            };
            keys.push(Key {
                term: Term::Rank(place, null_rank),
                direction,
                nulls: direction.default_nulls(),
            });
            keys.extend(Scalar::ALL.map(|scalar| Key {
                term: Term::Typed(place, scalar),
                direction,
                nulls: direction.default_nulls(),
            }));
        }
    }
}
