//! Aggregates: what many documents are together.

use std::{fmt, marker::PhantomData};

use den_backend::{
    Aggregate, AggregateFunction, CompareOp, Direction, Error, ErrorKind, Expr, Function, Native,
    NativeKind, Result,
};

use super::functions::call;
use crate::{
    Computed, Field, Filter, Nullability, Nullable, Number, Operand, Order, Ordered, Required,
    Untyped,
};

/// A value of type `T`, computed over a group of documents of type `D`, or over all of a query; with
/// `N` = [`Nullable`] it is null for no documents.
///
/// Made by [`count`] and by `.count() .count_distinct() .sum() .avg() .min() .max()` of fields and
/// computed values. It can be selected, compared in `having`, and sorted by, in
/// [groups](crate::QuerySet::group_by); and computed with.
#[must_use = "an aggregate does nothing until it is given to a query"]
pub struct Aggregated<D, T, N = Required> {
    expr: Result<Expr>,
    types: PhantomData<fn(D, N) -> T>,
}

/// Aggregates travel in expressions as what only the engine of this name can compute, until the
/// groups of a query put columns in their places.
const GROUPS: &str = "group_by";

/// The number of documents; of elements, in a query that unwinds.
pub fn count<D>() -> Aggregated<D, u64> {
    Aggregated::new(Ok(aggregated(AggregateFunction::Count, None)))
}

fn aggregated(function: AggregateFunction, operand: Option<Expr>) -> Expr {
    Expr::Native(Native {
        engine: GROUPS,
        feature: name(function),
        pieces: Vec::new(),
        arguments: operand.into_iter().collect(),
        kind: NativeKind::Json,
    })
}

const fn name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "count",
        AggregateFunction::CountDistinct => "count_distinct",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Avg => "avg",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
    }
}

/// The aggregate that an expression stands for.
pub(crate) fn aggregate_of(expr: &Expr) -> Option<Aggregate> {
    let Expr::Native(native) = expr else {
        return None;
    };
    if native.engine != GROUPS {
        return None;
    }
    let functions = [
        AggregateFunction::Count,
        AggregateFunction::CountDistinct,
        AggregateFunction::Sum,
        AggregateFunction::Avg,
        AggregateFunction::Min,
        AggregateFunction::Max,
    ];
    let mut functions = functions.into_iter();
    let function = functions.find(|it| name(*it) == native.feature)?;
    Some(Aggregate {
        function,
        operand: native.arguments.first().cloned(),
    })
}

/// Refuses an aggregate where single documents are looked at.
pub(crate) fn refuse_aggregates(expr: &Expr) -> Result<()> {
    if let Some(aggregate) = aggregate_of(expr) {
        let message = format!(
            "the aggregate `{}` is about many documents, not about each; it belongs into `aggregate`, \
             or after `group_by` into `select`, `having` and `sort`",
            name(aggregate.function)
        );
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    let mut parts = expr.parts();
    parts.try_for_each(refuse_aggregates)
}

impl<D, T, N> Aggregated<D, T, N> {
    pub(crate) fn new(expr: Result<Expr>) -> Self {
        Self {
            expr,
            types: PhantomData,
        }
    }

    fn of(function: AggregateFunction, operand: Result<Expr>) -> Self {
        Self::new(operand.map(|it| aggregated(function, Some(it))))
    }

    pub(crate) fn into_result(self) -> Result<Expr> {
        self.expr
    }

    fn compare<O: Operand<D, T>>(self, op: CompareOp, operand: O) -> Filter<D> {
        Filter::compare(op, self.expr, operand.into_operand())
    }

    /// True if the value equals the operand. Null equals nothing.
    pub fn eq(self, operand: impl Operand<D, T>) -> Filter<D> {
        self.compare(CompareOp::Eq, operand)
    }

    /// The exact complement of [`eq`](Self::eq): true for null too.
    pub fn ne(self, operand: impl Operand<D, T>) -> Filter<D> {
        !self.eq(operand)
    }

    /// True if the value is less than the operand.
    pub fn lt(self, operand: impl Operand<D, T>) -> Filter<D> {
        self.compare(CompareOp::Lt, operand)
    }

    /// True if the value is less than the operand or equal.
    pub fn le(self, operand: impl Operand<D, T>) -> Filter<D> {
        self.compare(CompareOp::Le, operand)
    }

    /// True if the value is greater than the operand.
    pub fn gt(self, operand: impl Operand<D, T>) -> Filter<D> {
        self.compare(CompareOp::Gt, operand)
    }

    /// True if the value is greater than the operand or equal.
    pub fn ge(self, operand: impl Operand<D, T>) -> Filter<D> {
        self.compare(CompareOp::Ge, operand)
    }

    /// True if the value is at least `low` and at most `high`.
    pub fn between(self, low: impl Operand<D, T>, high: impl Operand<D, T>) -> Filter<D> {
        self.clone().ge(low) & self.le(high)
    }

    /// Smallest first; null before all values.
    pub fn asc(self) -> Order<D> {
        Order::new(self.expr, Direction::Asc)
    }

    /// Largest first; null after all values.
    pub fn desc(self) -> Order<D> {
        Order::new(self.expr, Direction::Desc)
    }
}

impl<D, T, N: Nullability> Aggregated<D, T, N> {
    /// The value, or the other one where it is null.
    pub fn coalesce<O: Operand<D, T>>(self, other: O) -> Aggregated<D, T, N::Both<O::Nulls>> {
        let both = [self.expr, other.into_operand()];
        let both = both.into_iter().collect::<Result<_>>();
        Aggregated::new(both.map(Expr::Coalesce))
    }
}

impl<D, T> Aggregated<D, T, Nullable> {
    /// True if the value is null.
    pub fn is_null(self) -> Filter<D> {
        Filter::new(self.expr.map(|it| Expr::IsNull(Box::new(it))))
    }

    /// True if the value is not null.
    pub fn is_not_null(self) -> Filter<D> {
        !self.is_null()
    }
}

impl<D, T: Number, N: Nullability> Aggregated<D, T, N> {
    /// The number rounded to so many decimal digits, at most 15, half away from zero.
    pub fn round(self, digits: u8) -> Aggregated<D, T::Wide, N> {
        Aggregated::new(call(Function::Round { digits }, [self.expr]))
    }
}

macro_rules! aggregates {
    ($($handle:ident),+) => {$(
        impl<D, T, N> $handle<D, T, N> {
            /// The aggregate: how many values there are that are not null.
            pub fn count(self) -> Aggregated<D, u64> {
                Aggregated::of(AggregateFunction::Count, self.into_result())
            }

            /// The aggregate: how many different values there are that are not null.
            pub fn count_distinct(self) -> Aggregated<D, u64> {
                Aggregated::of(AggregateFunction::CountDistinct, self.into_result())
            }
        }

        impl<D, T: Number, N> $handle<D, T, N> {
            /// The aggregate: the sum of the numbers, 0 for none. Integers are added exactly; a sum
            /// that does not fit is an error of kind `OutOfRange`.
            pub fn sum(self) -> Aggregated<D, T> {
                Aggregated::of(AggregateFunction::Sum, self.into_result())
            }

            /// The aggregate: the average of the numbers, null for none.
            pub fn avg(self) -> Aggregated<D, f64, Nullable> {
                Aggregated::of(AggregateFunction::Avg, self.into_result())
            }
        }

        impl<D, T: Ordered, N> $handle<D, T, N> {
            /// The aggregate: the smallest value, null for none.
            pub fn min(self) -> Aggregated<D, T, Nullable> {
                Aggregated::of(AggregateFunction::Min, self.into_result())
            }

            /// The aggregate: the largest value, null for none.
            pub fn max(self) -> Aggregated<D, T, Nullable> {
                Aggregated::of(AggregateFunction::Max, self.into_result())
            }
        }
    )+};
}

aggregates!(Field, Computed);

impl Untyped {
    /// The aggregate: how many values there are that are not null.
    pub fn count<D>(&self) -> Aggregated<D, u64> {
        self.clone().computed().count()
    }

    /// The aggregate: how many different values there are that are not null.
    pub fn count_distinct<D>(&self) -> Aggregated<D, u64> {
        self.clone().computed().count_distinct()
    }

    /// The aggregate: the sum of the numbers, 0 for none.
    pub fn sum<D>(&self) -> Aggregated<D, crate::Json> {
        self.clone().computed().sum()
    }

    /// The aggregate: the average of the numbers, null for none.
    pub fn avg<D>(&self) -> Aggregated<D, f64, Nullable> {
        self.clone().computed().avg()
    }

    /// The aggregate: the smallest value, null for none; numbers < text < bool.
    pub fn min<D>(&self) -> Aggregated<D, crate::Json, Nullable> {
        self.clone().computed().min()
    }

    /// The aggregate: the largest value, null for none; numbers < text < bool.
    pub fn max<D>(&self) -> Aggregated<D, crate::Json, Nullable> {
        self.clone().computed().max()
    }
}

impl<D, T, N> Clone for Aggregated<D, T, N> {
    fn clone(&self) -> Self {
        Self::new(self.expr.clone())
    }
}

impl<D, T, N> fmt::Debug for Aggregated<D, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aggregated").field(&self.expr).finish()
    }
}
