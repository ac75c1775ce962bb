//! Filters and orders: typed shells over the contract's expressions.

use std::{
    fmt,
    marker::PhantomData,
    ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not},
};

use den_backend::{CompareOp, Direction, Error, Expr, Nulls, Result, Sort};

/// A predicate over documents of type `D`.
///
/// One concrete type, so filters can be kept in a `Vec`, returned from functions and put together
/// at run time. A mistake made while building one (a bad path, a bad pattern) is reported by the
/// terminal method that runs the query.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, name: String }
/// let p = Product::fields();
/// let cheap = p.price.lt(20.0);
/// let named = Filter::any(["Ada", "Bob"].map(|name| p.name.eq(name)));
/// let either: Filter<Product> = cheap | !named;
/// # let _ = either;
/// ```
#[must_use = "a filter does nothing until it is given to a query"]
pub struct Filter<D> {
    expr: Result<Expr>,
    document: PhantomData<fn(D)>,
}

/// An order of documents of type `D` by one field or [computed value](crate::Computed).
#[must_use = "an order does nothing until it is given to a query"]
pub struct Order<D> {
    sort: Result<Sort>,
    document: PhantomData<fn(D)>,
}

impl<D> Filter<D> {
    pub(crate) fn new(expr: Result<Expr>) -> Self {
        Self {
            expr,
            document: PhantomData,
        }
    }

    pub(crate) fn into_expr(self) -> Result<Expr> {
        self.expr
    }

    /// The filter that every document passes.
    pub fn always() -> Self {
        Self::new(Ok(Expr::always()))
    }

    /// The filter that no document passes.
    pub fn never() -> Self {
        Self::new(Ok(Expr::never()))
    }

    /// True if all filters are; true for none.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        filters.into_iter().fold(Self::always(), |all, it| all & it)
    }

    /// True if any filter is; false for none.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        filters.into_iter().fold(Self::never(), |any, it| any | it)
    }

    /// Takes an expression of the contract as it is: for tools that build queries from data.
    pub fn from_expr(expr: Expr) -> Self {
        Self::new(Ok(expr))
    }

    pub(crate) fn compare(op: CompareOp, left: Result<Expr>, right: Result<Expr>) -> Self {
        // The first mistake is the one to report.
        Self::new(left.and_then(|left| Ok(Expr::compare(op, left, right?))))
    }

    fn combine(self, other: Self, with: fn(Expr, Expr) -> Expr) -> Self {
        // The first mistake is the one to report.
        Self::new(match (self.expr, other.expr) {
            (Ok(left), Ok(right)) => Ok(with(left, right)),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        })
    }
}

impl<D> BitAnd for Filter<D> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.combine(other, Expr::and)
    }
}

impl<D> BitOr for Filter<D> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.combine(other, Expr::or)
    }
}

impl<D> BitAndAssign for Filter<D> {
    fn bitand_assign(&mut self, other: Self) {
        *self = std::mem::replace(self, Self::always()) & other;
    }
}

impl<D> BitOrAssign for Filter<D> {
    fn bitor_assign(&mut self, other: Self) {
        *self = std::mem::replace(self, Self::always()) | other;
    }
}

impl<D> Not for Filter<D> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(self.expr.map(Expr::not))
    }
}

impl<D> Clone for Filter<D> {
    fn clone(&self) -> Self {
        Self::new(self.expr.clone())
    }
}

impl<D> fmt::Debug for Filter<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.expr).finish()
    }
}

impl<D> Order<D> {
    pub(crate) fn new(key: Result<Expr>, direction: Direction) -> Self {
        Self {
            sort: key.map(|key| Sort {
                key,
                direction,
                nulls: direction.default_nulls(),
            }),
            document: PhantomData,
        }
    }

    pub(crate) fn from_sort(sort: Sort) -> Self {
        Self {
            sort: Ok(sort),
            document: PhantomData,
        }
    }

    pub(crate) fn into_sort(self) -> Result<Sort, Error> {
        self.sort
    }

    /// Puts null and missing before all values.
    pub fn nulls_first(mut self) -> Self {
        if let Ok(sort) = &mut self.sort {
            sort.nulls = Nulls::First;
        }
        self
    }

    /// Puts null and missing after all values.
    pub fn nulls_last(mut self) -> Self {
        if let Ok(sort) = &mut self.sort {
            sort.nulls = Nulls::Last;
        }
        self
    }
}

impl<D> Clone for Order<D> {
    fn clone(&self) -> Self {
        Self {
            sort: self.sort.clone(),
            document: PhantomData,
        }
    }
}

impl<D> fmt::Debug for Order<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Order").field(&self.sort).finish()
    }
}
