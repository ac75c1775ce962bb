//! What a field can be compared with.

use std::borrow::Cow;

use den_backend::{Expr, Result};
use serde::Serialize;

use crate::{Field, Id, encode};

/// A value or another field of the same document, to compare a field of type `T` with.
///
/// A `T`, a `&T`, a `&str` where `T` is text or an id, or a [`Field`] of the same document.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with a field of type `{T}`",
    label = "wrong operand type",
    note = "compare with a value of type `{T}` or with another field that holds one; a float is written `20.0`, not `20`",
    note = "null is no operand: a field declared as `Option` has `is_null()`, and `filter_opt` takes an `Option`"
)]
pub trait Operand<D, T> {
    /// The operand as an expression.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a value that JSON cannot hold.
    #[doc(hidden)]
    fn into_operand(self) -> Result<Expr>;
}

impl<D, T: Serialize> Operand<D, T> for T {
    fn into_operand(self) -> Result<Expr> {
        encode::operand(&self).map(Expr::Value)
    }
}

impl<D, T: Serialize> Operand<D, T> for &T {
    fn into_operand(self) -> Result<Expr> {
        encode::operand(self).map(Expr::Value)
    }
}

impl<D> Operand<D, String> for &str {
    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D> Operand<D, Cow<'static, str>> for &str {
    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T> Operand<D, Id<T>> for &str {
    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T> Operand<D, Id<T>> for String {
    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T, N> Operand<D, T> for Field<D, T, N> {
    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Field(self.to_contract()))
    }
}
