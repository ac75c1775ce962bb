//! What a field can be compared with.

use std::borrow::Cow;

use den_backend::{Expr, Result};
use serde::Serialize;

use crate::{Aggregated, Computed, Field, Id, Nullability, Nullable, Required, Untyped, encode};

/// A value, or something computed from the same document, to compare a field of type `T` with.
///
/// A `T`, a `&T`, a `&str` where `T` is text or an id, a [`Field`] of the same document, a
/// [`Computed`] value (`p.price.gt(p.cost * 2)`), or an [`Untyped`] field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with a field of type `{T}`",
    label = "wrong operand type",
    note = "compare with a value of type `{T}` or with another field that holds one; a float is written `20.0`, not `20`",
    note = "null is no operand: a field declared as `Option` has `is_null()`, and `filter_opt` takes an `Option`"
)]
pub trait Operand<D, T> {
    /// Whether it may be null.
    #[doc(hidden)]
    type Nulls: Nullability;

    /// The operand as an expression.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a value that JSON cannot hold.
    #[doc(hidden)]
    fn into_operand(self) -> Result<Expr>;
}

impl<D, T: Serialize> Operand<D, T> for T {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        encode::operand(&self).map(Expr::Value)
    }
}

impl<D, T: Serialize> Operand<D, T> for &T {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        encode::operand(self).map(Expr::Value)
    }
}

impl<D> Operand<D, String> for &str {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D> Operand<D, Cow<'static, str>> for &str {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T> Operand<D, Id<T>> for &str {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T> Operand<D, Id<T>> for String {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, T: Comparable<U>, U, N: Nullability> Operand<D, T> for Field<D, U, N> {
    type Nulls = N;

    fn into_operand(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, T: Comparable<U>, U, N: Nullability> Operand<D, T> for Computed<D, U, N> {
    type Nulls = N;

    fn into_operand(self) -> Result<Expr> {
        self.into_result()
    }
}

/// In what is said about groups.
impl<D, T: Comparable<U>, U, N: Nullability> Operand<D, T> for Aggregated<D, U, N> {
    type Nulls = N;

    fn into_operand(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, T> Operand<D, T> for Untyped {
    type Nulls = Nullable;

    fn into_operand(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, T> Operand<D, T> for &Untyped {
    type Nulls = Nullable;

    fn into_operand(self) -> Result<Expr> {
        self.clone().into_result()
    }
}

/// A type whose values can be compared with fields and computed values of type `T`: with its own
/// kind, any number with any number, text with text.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be compared with those of a field of type `{T}`",
    label = "the two sides have different types"
)]
pub trait Comparable<T> {}

impl<T> Comparable<T> for T {}

macro_rules! comparable {
    ($($type:ty: $($with:ty),+;)+) => {$($(
        #[diagnostic::do_not_recommend]
        impl Comparable<$with> for $type {}
    )+)+};
}

comparable! {
    i8: i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    i16: i8, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    i32: i8, i16, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    i64: i8, i16, i32, isize, u8, u16, u32, u64, usize, f32, f64;
    isize: i8, i16, i32, i64, u8, u16, u32, u64, usize, f32, f64;
    u8: i8, i16, i32, i64, isize, u16, u32, u64, usize, f32, f64;
    u16: i8, i16, i32, i64, isize, u8, u32, u64, usize, f32, f64;
    u32: i8, i16, i32, i64, isize, u8, u16, u64, usize, f32, f64;
    u64: i8, i16, i32, i64, isize, u8, u16, u32, usize, f32, f64;
    usize: i8, i16, i32, i64, isize, u8, u16, u32, u64, f32, f64;
    f32: i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f64;
    f64: i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32;
    char: String;
    &'static str: String;
    Cow<'static, str>: String;
    String: Cow<'static, str>;
}

impl<T> Comparable<String> for Id<T> {}
