//! A value computed from a document.

use std::{fmt, marker::PhantomData};

use den_backend::{CompareOp, Direction, Expr, Result};

use crate::{Field, Filter, Nullability, Nullable, Operand, Order, Ordered, Required};

/// A value of type `T`, computed from documents of type `D`; with `N` = [`Nullable`] it may be null.
///
/// Made from fields by operators and functions. It can be compared, sorted by, selected, grouped by,
/// and written by an update, where the database computes it.
///
/// # Behavior
///
/// - The meaning is the same on every backend. Integers are exact: a result outside of `i64` is an
///   error of kind `OutOfRange`. If one side is a float, so is the result; a division always
///   answers a float.
/// - What is given another type than it asks for answers null; so does a division by zero.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64, stock: i64, category: Option<String> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// let p = Product::fields();
/// let worth = p.price * p.stock;
/// let valuable = Product::query(&db)
///     .filter(worth.clone().gt(100.0) & p.category.coalesce("none").ne("junk"))
///     .sort(worth.desc())
///     .all()
///     .await?;
/// # let _ = valuable; Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[must_use = "a computed value does nothing until it is given to a query"]
pub struct Computed<D, T, N = Required> {
    expr: Result<Expr>,
    types: PhantomData<fn(D, N) -> T>,
}

/// A selected value under a name; made by `label`.
#[must_use = "a selected value does nothing until it is given to a query"]
#[derive(Debug, Clone)]
pub struct Labeled<S> {
    pub(crate) selected: S,
    pub(crate) label: String,
}

impl<D, T, N> Computed<D, T, N> {
    pub(crate) fn new(expr: Result<Expr>) -> Self {
        Self {
            expr,
            types: PhantomData,
        }
    }

    /// Takes an expression of the contract as it is: for tools that build queries from data. That
    /// its value is a `T` is up to the caller.
    pub fn from_expr(expr: Expr) -> Self {
        Self::new(Ok(expr))
    }

    pub(crate) fn into_result(self) -> Result<Expr> {
        self.expr
    }

    /// The same value, which may be null as far as the type says: where branches or alternatives
    /// are to have one type.
    pub fn nullable(self) -> Computed<D, T, Nullable> {
        Computed::new(self.expr)
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

    /// True if the value equals one of these; false for none.
    pub fn is_in<V: Operand<D, T>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        let equal = |value: V| self.clone().eq(value);
        Filter::any(values.into_iter().map(equal))
    }

    /// The exact complement of [`is_in`](Self::is_in): true for null too.
    pub fn not_in<V: Operand<D, T>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        !self.is_in(values)
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

impl<D, T: Ordered, N> Computed<D, T, N> {
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
}

impl<D, T> Computed<D, T, Nullable> {
    /// True if the value is null.
    pub fn is_null(self) -> Filter<D> {
        Filter::new(self.expr.map(|it| Expr::IsNull(Box::new(it))))
    }

    /// True if the value is not null.
    pub fn is_not_null(self) -> Filter<D> {
        !self.is_null()
    }
}

impl<D> Computed<D, bool, Required> {
    /// The value as a filter.
    pub fn holds(self) -> Filter<D> {
        self.eq(true)
    }
}

macro_rules! labels {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)*> $type {
            /// Names the value where it is selected.
            pub fn label(self, label: impl Into<String>) -> Labeled<Self> {
                Labeled {
                    selected: self,
                    label: label.into(),
                }
            }
        }
    )+};
}

labels!(
    [D, T, N] Field<D, T, N>,
    [D, T, N] Computed<D, T, N>,
    [D, T, N] crate::Aggregated<D, T, N>,
    [D] Filter<D>,
    [] crate::Untyped,
);

impl<D, T, N: Nullability> Field<D, T, N> {
    /// The field as a computed value: where several of them are to have one type.
    pub fn computed(self) -> Computed<D, T, N> {
        Computed::new(self.into_result())
    }
}

// Written out, because derives would ask the same of the parameters.

impl<D, T, N> Clone for Computed<D, T, N> {
    fn clone(&self) -> Self {
        Self::new(self.expr.clone())
    }
}

impl<D, T, N> fmt::Debug for Computed<D, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Computed").field(&self.expr).finish()
    }
}
