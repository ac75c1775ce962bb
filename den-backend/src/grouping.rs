//! Groups and aggregates as plain data.

use crate::{Expr, Field, FieldKind, FieldPath, Result, Root, Sort};

/// What to compute over the documents of a query, group by group.
///
/// A group becomes a row: a JSON array of its keys followed by its aggregates. `having` and `sort`
/// look at that row as a document whose fields are numbers: [`column`](Self::column).
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// What is equal within a group. Without keys there is exactly one group, also of no documents.
    ///
    /// A key of kind `Text`, `Number` or `Bool` counts values of other kinds as null; one of another
    /// kind tells all values apart, arrays and objects structurally. Null is a key like any other.
    pub keys: Vec<Expr>,
    /// What to compute of each group.
    pub aggregates: Vec<Aggregate>,
    /// Which rows to return; [`Expr::always`] for all.
    pub having: Expr,
    /// The order of the rows. Ties are broken by the keys in their order, each ascending with nulls
    /// first; arrays tie with arrays and objects with objects.
    pub sort: Vec<Sort>,
    /// How many rows to leave out at the start.
    pub skip: u64,
    /// At most how many rows.
    pub limit: Option<u64>,
}

/// One value computed over a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// How.
    pub function: AggregateFunction,
    /// Of what; `None` only for [`Count`](AggregateFunction::Count): documents (elements, of a query
    /// that unwinds) are counted.
    pub operand: Option<Expr>,
}

/// How a group becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// How many values there are that are not null.
    Count,
    /// How many different values there are that are not null; by kind as a key of a group, where
    /// another kind counts as null.
    CountDistinct,
    /// The sum of the numbers, 0 for none. Integers are added exactly; a sum outside of `i64` is
    /// `OutOfRange`. If one of them is a float, all are added exactly as the decimal numbers they
    /// are written as, and the sum is rounded to the nearest double once, so no order of rows
    /// matters.
    Sum,
    /// The sum of the numbers as the nearest double, divided by how many there are; null for none.
    Avg,
    /// The smallest value, null for none: of the operand's kind, `Text`, `Number` or `Bool`; of
    /// another kind numbers < text < bool, arrays and objects passed over.
    Min,
    /// The largest value; else as `Min`.
    Max,
}

impl Grouping {
    /// These keys and aggregates, all groups, in the order of the keys.
    pub fn new(keys: Vec<Expr>, aggregates: Vec<Aggregate>) -> Self {
        Self {
            keys,
            aggregates,
            having: Expr::always(),
            sort: Vec::new(),
            skip: 0,
            limit: None,
        }
    }

    /// The place of a value in the row of a group: the keys come first, from 0, then the aggregates.
    ///
    /// # Errors
    ///
    /// None in practice: a number is a good segment of a path.
    pub fn column(number: usize, kind: FieldKind) -> Result<Field> {
        Ok(Field {
            root: Root::Document,
            path: FieldPath::from_segments([number.to_string()])?,
            kind,
        })
    }
}

impl Aggregate {
    /// What kind of value it is.
    pub fn kind(&self) -> FieldKind {
        match self.function {
            AggregateFunction::Count
            | AggregateFunction::CountDistinct
            | AggregateFunction::Sum
            | AggregateFunction::Avg => FieldKind::Number,
            AggregateFunction::Min | AggregateFunction::Max => {
                self.operand.as_ref().map_or(FieldKind::Any, Expr::kind)
            }
        }
    }
}
