//! What can be made a computed value.

use std::borrow::Cow;

use den_backend::{Expr, Result};
use serde::Serialize;

use crate::{
    Computed, Field, Filter, Id, Json, Nullability, Nullable, Number, Required, Timestamp, Untyped,
    encode, expr::fitting::fitting,
};

/// A plain value that can stand where a computed one is asked for.
///
/// # Contract
///
/// - `&str` and `String`, `i64`, `f64`, `bool`, [`Timestamp`], [`Id`], [`Json`], and what derives
///   [`Embedded`](derive@crate::Embedded) and is stored as one value, such as an enum.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value that den can compute with",
    label = "no field, no computed value and no plain value",
    note = "integers are written as `i64`, floats as `f64`: `i64::from(it)`"
)]
pub trait Literal {
    /// The type of the computed value.
    type Value;
}

macro_rules! literals {
    ($([$($generics:tt)*] $type:ty => $value:ty),+ $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Literal for $type {
            type Value = $value;
        }
    )+};
}

literals!(
    [] i64 => i64,
    [] f64 => f64,
    [] bool => bool,
    [] &str => String,
    [] String => String,
    [] &String => String,
    [] Cow<'static, str> => String,
    [] char => String,
    [] Timestamp => Timestamp,
    [] Json => Json,
    [T] Id<T> => Id<T>,
    [T] &Id<T> => Id<T>,
);

/// What can stand where a computed value is asked for: a field, a computed value, a filter (which is
/// a bool), or a plain value ([`Literal`]).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be computed with",
    label = "expected a field, a computed value or a plain value",
    note = "integers are written as `i64`, floats as `f64`: `i64::from(it)`"
)]
pub trait IntoComputed<D> {
    /// The type of the value.
    type Value;

    /// Whether it may be null.
    type Nulls: Nullability;

    /// The computed value.
    fn into_computed(self) -> Computed<D, Self::Value, Self::Nulls>;
}

impl<D, L: Literal + Serialize> IntoComputed<D> for L {
    type Value = L::Value;
    type Nulls = Required;

    fn into_computed(self) -> Computed<D, L::Value, Required> {
        Computed::new(encode::operand(&self).map(Expr::Value))
    }
}

impl<D, T, N: Nullability> IntoComputed<D> for Field<D, T, N> {
    type Value = T;
    type Nulls = N;

    fn into_computed(self) -> Computed<D, T, N> {
        self.computed()
    }
}

impl<D, T, N: Nullability> IntoComputed<D> for Computed<D, T, N> {
    type Value = T;
    type Nulls = N;

    fn into_computed(self) -> Self {
        self
    }
}

impl<D> IntoComputed<D> for Filter<D> {
    type Value = bool;
    type Nulls = Required;

    fn into_computed(self) -> Computed<D, bool, Required> {
        Computed::new(self.into_expr())
    }
}

impl<D> IntoComputed<D> for Untyped {
    type Value = Json;
    type Nulls = Nullable;

    fn into_computed(self) -> Computed<D, Json, Nullable> {
        Computed::new(self.into_result())
    }
}

/// A plain value, where an operator or function needs a computed one to start from.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
/// let seven = den::value::<Product, _>(5) + 2;
/// # let _ = seven;
/// ```
pub fn value<D, L: Literal + Serialize>(value: L) -> Computed<D, L::Value, Required> {
    value.into_computed()
}

/// Null, of any type.
pub fn null<D, T>() -> Computed<D, T, Nullable> {
    Computed::new(Ok(Expr::Value(den_backend::Value::Null)))
}

/// A computed value that fits into a field of type `T`, which with `N` = [`Nullable`] may be null.
///
/// # Behavior
///
/// - A field that is required takes no value that may be null: say `.coalesce(..)`.
/// - A field of integers takes no float.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit into a field of type `{T}` that is `{N}`",
    label = "of another type, or it may be null where the field may not",
    note = "`.coalesce(..)` says what to put in the place of null"
)]
pub trait Assign<D, T, N> {
    /// Whether it is known to be of the type of the field.
    #[doc(hidden)]
    const __FITS: bool = true;

    /// The expression.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a mistake made while building.
    #[doc(hidden)]
    fn into_assigned(self) -> Result<Expr>;
}

/// Which computed type fits into which field.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a computed value of type `{U}` does not fit into a field of type `{Self}`",
    label = "of another type than the field"
)]
pub trait Holds<U> {
    /// The least and the greatest value, where not all of `U` fit.
    const __RANGE: Option<(i64, i64)> = None;
}

impl<T> Holds<T> for T {}

macro_rules! holds {
    ($($type:ty: $($with:ty),+;)+) => {$($(
        #[diagnostic::do_not_recommend]
        impl Holds<$with> for $type {}
    )+)+};
}

macro_rules! holds_some {
    ($($type:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl Holds<i64> for $type {
            const __RANGE: Option<(i64, i64)> = <$type as Number>::__RANGE;
        }
    )+};
}

holds_some!(i8, i16, i32, isize, u8, u16, u32, u64, usize);

holds! {
    f32: i64, f64;
    f64: i64;
    Cow<'static, str>: String;
    &'static str: String;
}

impl<T> Holds<String> for Id<T> {}

/// Which field takes null.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a value that may be null does not fit into a field that is always there",
    label = "this may be null",
    note = "say what to put in the place of null: `.coalesce(..)`"
)]
pub trait Takes<N> {
    /// Whether it is null itself at times.
    const __NULLS: bool;
}

impl Takes<Required> for Required {
    const __NULLS: bool = false;
}

impl Takes<Required> for Nullable {
    const __NULLS: bool = true;
}

impl Takes<Nullable> for Nullable {
    const __NULLS: bool = true;
}

impl<D, T: Holds<U>, U, N: Takes<M>, M> Assign<D, T, N> for Computed<D, U, M> {
    fn into_assigned(self) -> Result<Expr> {
        Ok(fitting(self.into_result()?, T::__RANGE, N::__NULLS))
    }
}

impl<D, T: Holds<U>, U, N: Takes<M>, M> Assign<D, T, N> for Field<D, U, M> {
    fn into_assigned(self) -> Result<Expr> {
        Ok(fitting(self.into_result()?, T::__RANGE, N::__NULLS))
    }
}

impl<D, T, N> Assign<D, T, N> for Untyped {
    const __FITS: bool = false;

    fn into_assigned(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, N: Takes<Required>> Assign<D, bool, N> for Filter<D> {
    fn into_assigned(self) -> Result<Expr> {
        self.into_expr()
    }
}
