//! A query as plain data: what a `QuerySet` becomes before it reaches a backend.

use crate::{Expr, Field, FieldKind, FieldPath, Search, Value};

/// Which documents of one collection, in which order, and what of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The collection.
    pub collection: String,
    /// One row for each element of the array at this path, in which fields with
    /// [`Root::Element`](crate::Root::Element) lie, in the filter too; none for what is no array. Only with
    /// [`Select::Values`], without sort and position, and in what is grouped or counted.
    pub unwind: Option<FieldPath>,
    /// Which documents; [`Expr::always`] for all.
    pub filter: Expr,
    /// Only documents in which these words are found.
    pub search: Option<Search>,
    /// Of documents that have the same values for these, only the first in the order of the query;
    /// what is the same is said by [`Grouping::keys`](crate::Grouping::keys). Position and window apply to what is left.
    pub distinct_by: Vec<Expr>,
    /// The order; ties are broken by the next key, and at last by the id.
    pub sort: Vec<Sort>,
    /// The direction of the id, which ends every order and makes it total.
    pub id_direction: Direction,
    /// Only rows that follow this position in the total order.
    pub seek: Option<Seek>,
    /// How many rows to leave out at the start.
    pub skip: u64,
    /// At most how many rows; none means all.
    pub limit: Option<u64>,
    /// What of each document to return.
    pub select: Select,
    /// Locks the rows returned, until the transaction ends.
    pub lock: Option<LockMode>,
}

/// One sort key.
///
/// # Behavior
///
/// - With a kind of `Text`, `Number` or `Bool`, values of that kind are ordered
///   ([`Value::compare`]) and everything else counts as null.
/// - With `Array` or `Object`, every value counts as null.
/// - With `Any`: null < numbers < text < bool < array < object; arrays tie with arrays, and objects
///   with objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// What to order by: a field of the document (the path `_id` is the id itself), or a value
    /// computed from it. Its [kind](Expr::kind) decides how.
    pub key: Expr,
    /// Smallest or largest first.
    pub direction: Direction,
    /// Where nulls go; den's default is `First` ascending and `Last` descending.
    pub nulls: Nulls,
}

/// A direction of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// Where nulls go in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// A position in the total order of a query: the row with these keys and this id, which need not
/// exist any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Seek {
    /// One value per sort key: null, or a value of the key's kind. For a key of kind `Any`, an
    /// array or object stands for any array or object.
    pub keys: Vec<Value>,
    /// The id.
    pub id: String,
}

/// What of each document to return.
#[derive(Debug, Clone, PartialEq)]
pub enum Select {
    /// The whole document.
    Document,
    /// Only the id; the body is empty.
    Id,
    /// The value at a path; the body is its JSON, `null` where it is missing.
    Value(FieldPath),
    /// Several values; the body is a JSON array of them, null where there is none.
    Values(Vec<Expr>),
    /// The whole document and how well it fits the search, which the query has; the body is a JSON
    /// array of both. More is better; the number means nothing else.
    Scored,
}

/// What to do about a row that someone else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// Wait until it is free.
    Wait,
    /// Leave the row out.
    SkipLocked,
    /// Fail with `Locked`.
    NoWait,
}

impl Query {
    /// All documents of a collection, by id.
    pub fn new(collection: impl Into<String>) -> Self {
        Self {
            collection: collection.into(),
            unwind: None,
            filter: Expr::always(),
            search: None,
            distinct_by: Vec::new(),
            sort: Vec::new(),
            id_direction: Direction::Asc,
            seek: None,
            skip: 0,
            limit: None,
            select: Select::Document,
            lock: None,
        }
    }

    /// Whether a window (skip, limit or position) cuts the result.
    pub fn has_window(&self) -> bool {
        self.skip > 0 || self.limit.is_some() || self.seek.is_some()
    }

    /// The same query in exactly the opposite order: what comes before a position in the one
    /// comes after it in the other.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        for key in &mut self.sort {
            key.direction = key.direction.reversed();
            key.nulls = key.nulls.reversed();
        }
        self.id_direction = self.id_direction.reversed();
        self
    }
}

impl Sort {
    /// An order by a field, nulls where they go by default.
    pub fn field(field: Field, direction: Direction) -> Self {
        Self {
            key: Expr::Field(field),
            direction,
            nulls: direction.default_nulls(),
        }
    }

    /// The field, if this is an order by one.
    pub fn as_field(&self) -> Option<&Field> {
        self.key.as_field()
    }

    /// Whether this is an order by the id.
    pub fn is_id(&self) -> bool {
        self.as_field().is_some_and(|it| it.path.is_id())
    }

    /// What kind of values it orders.
    pub fn kind(&self) -> FieldKind {
        self.key.kind()
    }
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }

    /// Where nulls go when nothing else is said: null is the smallest value.
    pub const fn default_nulls(self) -> Nulls {
        match self {
            Self::Asc => Nulls::First,
            Self::Desc => Nulls::Last,
        }
    }
}

impl Nulls {
    /// The other end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::First => Self::Last,
            Self::Last => Self::First,
        }
    }
}
