//! Which fields can be changed how, and by which values.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet, VecDeque},
};

use den_backend::{Expr, FieldKind, FieldPath, Result, Value};
use serde::Serialize;

use crate::{
    Assign, Document, Field, Id, IntoComputed, IntoId, Json, Link, Nullable, Number, Ordered,
    Required, Untyped, encode, write::no_id,
};

/// Where a change is made.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) path: FieldPath,
    /// Whether the compiler has seen that there is such a field and what it holds.
    pub(crate) is_known: bool,
}

/// A field of documents of type `D` that can be changed: a handle such as `p.name`, or
/// [`field("a.b")`](crate::field).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no field of `{D}` that can be changed",
    label = "not a field of this document",
    note = "give one of `{D}::fields()`, or `field(\"a.b\")`; a nested struct has no handle of its own, so change its fields, or say `field(\"address\")`"
)]
pub trait Target<D> {
    /// The same field, where it is known to hold something.
    type Filled: Target<D>;

    /// Where it lies.
    #[doc(hidden)]
    fn __place(self) -> Result<Place>;
}

/// A value for a field of type `F`: what the field holds, or a reference to it, a `&str` for text
/// and ids, an id or a document for a link, an `Option` of it for an optional field, and anything for
/// [`field("a.b")`](crate::field).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be put into a field of type `{F}`",
    label = "wrong type",
    note = "give a value of the type that the field holds; a float is written `20.0`, not `20`",
    note = "what is computed from the document is put there by `set_expr`"
)]
pub trait ValueFor<F> {
    /// The value.
    #[doc(hidden)]
    fn __value(self) -> Result<Value>;
}

/// What [`set_expr`](crate::Update::set_expr) can compute for a field of type `F` of documents of
/// type `D`: whatever [fits](crate::Assign), and anything for [`field("a.b")`](crate::field).
#[diagnostic::on_unimplemented(
    message = "`{Self}` computes nothing that a field of type `{F}` can hold",
    label = "wrong type, or it may be null where the field may not",
    note = "give an expression over fields of the same document, such as `p.price * 2.0`; `.coalesce(..)` says what to put in the place of null"
)]
pub trait ExprFor<D, F> {
    /// The expression.
    #[doc(hidden)]
    fn __expr(self) -> Result<Expr>;

    /// Whether it is known to be of the type of the field.
    #[doc(hidden)]
    const __FITS: bool = true;
}

/// A field that may be null, so that it can be taken away.
#[diagnostic::on_unimplemented(
    message = "`{Self}` always holds a value, so it cannot be taken away",
    label = "not an optional field",
    note = "only a field that is declared as `Option` can be missing"
)]
pub trait OptionalField<D>: Target<D> {
    /// Whether a document certainly reads without it.
    #[doc(hidden)]
    const __MAY_BE_MISSING: bool = true;
}

/// A field that holds a number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no number, so it cannot be counted up or multiplied",
    label = "not a field with a number"
)]
pub trait NumberField<D>: Target<D> {
    /// The least and the greatest integer that it holds, where that is known.
    #[doc(hidden)]
    const __RANGE: Option<(i64, i64)> = None;
}

/// A field whose values have an order.
#[diagnostic::on_unimplemented(
    message = "what `{Self}` holds has no order den knows",
    label = "cannot be changed by `min` and `max`"
)]
pub trait OrderedField<D>: Target<D> {}

/// A field that holds an array or a set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no array",
    label = "not a field with an array"
)]
pub trait ArrayField<D>: Target<D> {
    /// A field that would hold one of the elements.
    type Element;
}

/// A field that holds an array whose elements have places.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no array whose elements have places",
    label = "not a field with a list",
    note = "a set knows `add_to_set` and `pull`"
)]
pub trait ListField<D>: ArrayField<D> {}

impl<D, T, N> Target<D> for Field<D, T, N> {
    type Filled = Field<D, T, Required>;

    fn __place(self) -> Result<Place> {
        Ok(Place {
            path: self.path(),
            is_known: true,
        })
    }
}

impl<D> Target<D> for Untyped {
    type Filled = Self;

    fn __place(self) -> Result<Place> {
        Ok(Place {
            path: self.to_contract()?.path,
            is_known: false,
        })
    }
}

impl<D, T> OptionalField<D> for Field<D, T, Nullable> {}
impl<D> OptionalField<D> for Field<D, Json, Required> {
    const __MAY_BE_MISSING: bool = false;
}
impl<D, T> OptionalField<D> for Field<D, Link<T>, Required> {
    const __MAY_BE_MISSING: bool = false;
}
impl<D> OptionalField<D> for Untyped {}

impl<D, T: Number, N> NumberField<D> for Field<D, T, N> {
    const __RANGE: Option<(i64, i64)> = T::__RANGE;
}
impl<D> NumberField<D> for Untyped {}

impl<D, T: Ordered, N> OrderedField<D> for Field<D, T, N> {}
impl<D> OrderedField<D> for Untyped {}

macro_rules! arrays {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<D, N, T, $($generics)*> ArrayField<D> for Field<D, $type, N> {
            type Element = Field<D, T, Required>;
        }
    )+};
}

arrays!([] Vec<T>, [] VecDeque<T>, [] BTreeSet<T>, [S] HashSet<T, S>);

impl<D, N> ArrayField<D> for Field<D, Json, N> {
    type Element = Self;
}

impl<D> ArrayField<D> for Untyped {
    type Element = Self;
}

impl<D, T, N> ListField<D> for Field<D, Vec<T>, N> {}
impl<D, T, N> ListField<D> for Field<D, VecDeque<T>, N> {}
impl<D, N> ListField<D> for Field<D, Json, N> {}
impl<D> ListField<D> for Untyped {}

impl<D, T: Serialize, N> ValueFor<Field<D, T, N>> for T {
    fn __value(self) -> Result<Value> {
        encode::operand(&self)
    }
}

impl<D, T: Serialize, N> ValueFor<Field<D, T, N>> for &T {
    fn __value(self) -> Result<Value> {
        encode::operand(self)
    }
}

impl<D, T: Serialize> ValueFor<Field<D, T, Nullable>> for Option<T> {
    fn __value(self) -> Result<Value> {
        encode::operand(&self)
    }
}

impl<D, T: Serialize> ValueFor<Field<D, T, Nullable>> for &Option<T> {
    fn __value(self) -> Result<Value> {
        encode::operand(self)
    }
}

impl<V: Serialize> ValueFor<Untyped> for V {
    fn __value(self) -> Result<Value> {
        encode::operand(&self)
    }
}

macro_rules! texts {
    ($([$($generics:tt)*] $type:ty => $field:ty),+ $(,)?) => {$(
        impl<D, N, $($generics)*> ValueFor<Field<D, $field, N>> for $type {
            fn __value(self) -> Result<Value> {
                Ok(Value::Text(self.into()))
            }
        }
    )+};
}

texts!(
    [] &str => String,
    [] &str => Cow<'static, str>,
    [] String => Cow<'static, str>,
    [T] &str => Id<T>,
    [T] String => Id<T>,
);

macro_rules! ids {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)* D, T, N> ValueFor<Field<D, Link<T>, N>> for $type {
            fn __value(self) -> Result<Value> {
                let id: Id<T> = self.into_id();
                Ok(Value::Text(id.into_string()))
            }
        }
    )+};
}

ids!([] Id<T>, [] &Id<T>, [] &str, [] String, [] &String);

impl<D, T: Document, N> ValueFor<Field<D, Link<T>, N>> for &T {
    fn __value(self) -> Result<Value> {
        match self.id().as_str() {
            "" => Err(no_id::<T>()),
            id => Ok(id.into()),
        }
    }
}

impl<D, T, N, E: Assign<D, T, N>> ExprFor<D, Field<D, T, N>> for E {
    fn __expr(self) -> Result<Expr> {
        self.into_assigned()
    }

    const __FITS: bool = E::__FITS;
}

impl<D, E: IntoComputed<D>> ExprFor<D, Untyped> for E {
    fn __expr(self) -> Result<Expr> {
        self.into_computed().into_result()
    }
}

/// What kind of value a change needs, or puts, at a field.
pub(super) fn kind_of(value: &Value) -> Option<FieldKind> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(FieldKind::Bool),
        Value::Int(_) | Value::Float(_) => Some(FieldKind::Number),
        Value::Text(_) => Some(FieldKind::Text),
        Value::Array(_) => Some(FieldKind::Array),
        Value::Object(_) => Some(FieldKind::Object),
    }
}
