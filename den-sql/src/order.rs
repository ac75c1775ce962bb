//! Orders: the sort keys of a query as SQL terms.

use den_backend::{Direction, FieldKind, Nulls, Query, Search, Sort, Value};

use crate::{
    filter::Filters,
    source::{Scalar, Source},
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
    Typed(Source<'a>, Scalar),
    /// The rank of the type; never NULL.
    Rank(Source<'a>, &'static str),
    /// How well a row fits a search.
    Score(&'a Search),
}

/// A whole order.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) keys: Vec<Key<'a>>,
    /// The direction of the id; none for rows without one.
    pub(crate) id: Option<Direction>,
}

/// Null ranks below every type where it sorts as the smallest value, else above.
const NULL_SMALLEST: &str = "0";
const NULL_LARGEST: &str = "6";

impl<'a> Order<'a> {
    pub(crate) fn of(filters: &Filters<'a>, query: &'a Query) -> Self {
        let mut keys = Vec::with_capacity(query.sort.len());
        if let Some(search) = query.search.as_ref().filter(|it| it.ranked) {
            keys.push(Key {
                term: Term::Score(search),
                direction: Direction::Desc,
                nulls: Direction::Desc.default_nulls(),
            });
        }
        for sort in &query.sort {
            // Nothing ties with an id, so what comes after it orders nothing.
            if is_id(sort) {
                return Self {
                    keys,
                    id: Some(sort.direction),
                };
            }
            push_keys(&mut keys, Source::of(&sort.key, *filters, 0), sort);
        }
        Self {
            keys,
            id: Some(query.id_direction),
        }
    }

    /// The order of rows that have no id.
    pub(crate) fn of_rows(filters: &Filters<'a>, sorts: impl Iterator<Item = &'a Sort>) -> Self {
        let mut keys = Vec::new();
        for sort in sorts {
            push_keys(&mut keys, Source::of(&sort.key, *filters, 0), sort);
        }
        Self { keys, id: None }
    }

    /// Writes the `ORDER BY` of a statement that reads the table.
    pub(crate) fn write(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        if self.keys.is_empty() && self.id.is_none() {
            return;
        }
        sql.push("\nORDER BY ");
        for (i, key) in self.keys.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            key.term.write(filters, sql);
            sql.push(key.suffix());
        }
        self.write_id(sql);
    }

    /// Writes the `ORDER BY` of a statement over branches that selected the keys as `k1`, `k2` ..
    pub(crate) fn write_selected(&self, filters: &Filters<'_>, sql: &mut SqlWriter) {
        sql.push("\nORDER BY ");
        for (i, key) in self.keys.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            filters.dialect.selected_key(sql, i + 1, key.term.scalar());
            sql.push(key.suffix());
        }
        self.write_id(sql);
    }

    fn write_id(&self, sql: &mut SqlWriter) {
        let Some(direction) = self.id else { return };
        if !self.keys.is_empty() {
            sql.push(", ");
        }
        // The id is never null, and every index has it in the engine's own order of nulls.
        sql.push(match direction {
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
            Self::Typed(source, scalar) => filters.dialect.typed(sql, source, *scalar),
            Self::Rank(source, null_rank) => filters.dialect.rank(sql, source, null_rank),
            Self::Score(search) => filters.dialect.score(sql, filters.layout, search),
        }
    }

    fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Typed(_, scalar) => Some(*scalar),
            Self::Rank(..) | Self::Score(_) => None,
        }
    }
}

/// Whether this key is the id: as text, which is all it can be.
pub(crate) fn is_id(sort: &Sort) -> bool {
    match sort.kind() {
        FieldKind::Text | FieldKind::Any => sort.is_id(),
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

fn push_keys<'a>(keys: &mut Vec<Key<'a>>, source: Source<'a>, sort: &Sort) {
    let direction = sort.direction;
    match sort.kind() {
        FieldKind::Text | FieldKind::Number | FieldKind::Bool if sort.is_id() => {}
        FieldKind::Text | FieldKind::Number | FieldKind::Bool => {
            keys.extend(Scalar::of_kind(sort.kind()).map(|scalar| Key {
                term: Term::Typed(source, scalar),
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
                term: Term::Rank(source, null_rank),
                direction,
                nulls: direction.default_nulls(),
            });
            keys.extend(Scalar::ALL.map(|scalar| Key {
                term: Term::Typed(source, scalar),
                direction,
                nulls: direction.default_nulls(),
            }));
        }
    }
}
