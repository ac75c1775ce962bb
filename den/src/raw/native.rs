//! What one engine alone can compute, in typed queries.

use den_backend::{Expr, Result, native::IntoExpr};

use crate::{Computed, Field, Filter, Nullability, Nullable, Untyped};

impl<D> Filter<D> {
    /// A predicate that one engine alone can compute, such as those of `den::postgres::pg`.
    ///
    /// # Errors
    ///
    /// Reported by the terminal: `Unsupported` on another engine, `InvalidQuery` for what is no
    /// predicate.
    pub fn native(predicate: impl IntoExpr) -> Self {
        Self::new(predicate.into_expr())
    }
}

impl<D, T> Computed<D, T, Nullable> {
    /// A value that one engine alone can compute, such as those of `den::postgres::pg`. That it is a `T`
    /// is up to the caller.
    ///
    /// # Errors
    ///
    /// Reported by the terminal: `Unsupported` on another engine.
    pub fn native(value: impl IntoExpr) -> Self {
        Self::new(value.into_expr())
    }
}

impl<D, T, N: Nullability> IntoExpr for Field<D, T, N> {
    fn into_expr(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, T, N> IntoExpr for Computed<D, T, N> {
    fn into_expr(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D> IntoExpr for Filter<D> {
    fn into_expr(self) -> Result<Expr> {
        Self::into_expr(self)
    }
}

impl IntoExpr for Untyped {
    fn into_expr(self) -> Result<Expr> {
        self.into_result()
    }
}
