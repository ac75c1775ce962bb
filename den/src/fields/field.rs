//! Field handles: what `Product::fields().price` is.

use std::{fmt, marker::PhantomData};

use den_backend::{CompareOp, Direction, Expr, FieldKind, FieldPath, Result};

use crate::{Filter, Id, Json, Operand, Order, Timestamp, fields::path::Path};

/// A field of documents of type `D` that holds a `T`; with `N` = [`Nullable`] it may be null.
///
/// Plain `const` data that knows the document, the value type and the stored name, so that a
/// wrong operand, a misspelt field or another document's filter does not compile.
pub struct Field<D, T, N = Required> {
    path: Path,
    kind: FieldKind,
    types: PhantomData<fn(D, N) -> T>,
}

/// A field that always holds a value.
#[derive(Debug, Clone, Copy)]
pub struct Required;

/// A field declared as `Option`: it may be null or missing.
#[derive(Debug, Clone, Copy)]
pub struct Nullable;

/// Whether a value may be null: [`Required`] or [`Nullable`].
pub trait Nullability: 'static {
    /// What it is read as: `T` if it is required, `Option<T>` if it may be null.
    type Value<T>;

    /// What is null if this or the other is: [`Nullable`] unless both are required.
    type Either<N: Nullability>: Nullability;

    /// What is null only if both are: [`Required`] if one of them is.
    type Both<N: Nullability>: Nullability;
}

impl Nullability for Required {
    type Value<T> = T;
    type Either<N: Nullability> = N;
    type Both<N: Nullability> = Self;
}

impl Nullability for Nullable {
    type Value<T> = Option<T>;
    type Either<N: Nullability> = Self;
    type Both<N: Nullability> = N;
}

/// A type whose values have an order that is the same in every backend: numbers, text (by the
/// bytes of its UTF-8), times, ids, bool.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` have no order den knows",
    label = "cannot be used with `lt`, `le`, `gt`, `ge` and `between`",
    note = "implement `den::Ordered` for a type of your own whose stored form sorts as it does"
)]
pub trait Ordered {}

macro_rules! ordered {
    ($($type:ty),+) => { $(impl Ordered for $type {})+ };
}

ordered!(
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64,
    bool,
    char,
    String,
    &'static str,
    std::borrow::Cow<'static, str>,
    Timestamp,
    Json
);
impl<T> Ordered for Id<T> {}

impl<D, T, N> Field<D, T, N> {
    #[doc(hidden)]
    pub const fn __new(path: Path, kind: FieldKind) -> Self {
        Self {
            path,
            kind,
            types: PhantomData,
        }
    }

    /// Where the field lies, in stored names.
    pub fn path(&self) -> FieldPath {
        self.path.to_field_path()
    }

    /// What the field is declared to hold.
    pub const fn kind(&self) -> FieldKind {
        self.kind
    }

    pub(crate) const fn to_path(self) -> Path {
        self.path
    }

    pub(crate) fn to_contract(self) -> den_backend::Field {
        den_backend::Field {
            root: self.path.root(),
            path: self.path.to_field_path(),
            kind: self.kind,
        }
    }

    pub(crate) fn to_expr(self) -> Expr {
        Expr::Field(self.to_contract())
    }

    pub(crate) fn into_result(self) -> Result<Expr> {
        Ok(self.to_expr())
    }

    pub(crate) fn expr(self) -> Box<Expr> {
        Box::new(self.to_expr())
    }

    /// True if the field equals the operand. Null equals nothing.
    pub fn eq(self, operand: impl Operand<D, T>) -> Filter<D> {
        Filter::compare(CompareOp::Eq, self.into_result(), operand.into_operand())
    }

    /// The exact complement of [`eq`](Self::eq): true for null and missing too.
    pub fn ne(self, operand: impl Operand<D, T>) -> Filter<D> {
        !self.eq(operand)
    }

    /// True if the field equals one of the values; false for no values.
    pub fn is_in<V: Operand<D, T>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        let mut literals = Vec::new();
        let mut filter = Filter::never();
        for value in values {
            match value.into_operand() {
                Ok(Expr::Value(value)) => literals.push(value),
                Ok(other) => {
                    filter |= Filter::compare(CompareOp::Eq, self.into_result(), Ok(other));
                }
                Err(error) => return Filter::new(Err(error)),
            }
        }
        if literals.is_empty() {
            return filter;
        }
        filter
            | Filter::new(Ok(Expr::In {
                operand: self.expr(),
                values: literals,
            }))
    }

    /// The exact complement of [`is_in`](Self::is_in): true for null and missing too.
    pub fn not_in<V: Operand<D, T>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        !self.is_in(values)
    }

    /// True if the stored document has this field, be it `null`.
    pub fn exists(self) -> Filter<D> {
        Filter::new(Ok(Expr::Exists(self.to_contract())))
    }

    /// True if the stored document does not have this field at all.
    pub fn is_missing(self) -> Filter<D> {
        !self.exists()
    }

    /// Smallest first; null before all values.
    pub fn asc(self) -> Order<D> {
        Order::new(Ok(self.to_expr()), Direction::Asc)
    }

    /// Largest first; null after all values.
    pub fn desc(self) -> Order<D> {
        Order::new(Ok(self.to_expr()), Direction::Desc)
    }
}

impl<D, T, N> Field<D, T, N> {
    /// True if the field is less than the operand.
    pub fn lt(self, operand: impl Operand<D, T>) -> Filter<D>
    where
        T: Ordered,
    {
        Filter::compare(CompareOp::Lt, self.into_result(), operand.into_operand())
    }

    /// True if the field is less than the operand or equal.
    pub fn le(self, operand: impl Operand<D, T>) -> Filter<D>
    where
        T: Ordered,
    {
        Filter::compare(CompareOp::Le, self.into_result(), operand.into_operand())
    }

    /// True if the field is greater than the operand.
    pub fn gt(self, operand: impl Operand<D, T>) -> Filter<D>
    where
        T: Ordered,
    {
        Filter::compare(CompareOp::Gt, self.into_result(), operand.into_operand())
    }

    /// True if the field is greater than the operand or equal.
    pub fn ge(self, operand: impl Operand<D, T>) -> Filter<D>
    where
        T: Ordered,
    {
        Filter::compare(CompareOp::Ge, self.into_result(), operand.into_operand())
    }

    /// True if the field is at least `low` and at most `high`.
    pub fn between(self, low: impl Operand<D, T>, high: impl Operand<D, T>) -> Filter<D>
    where
        T: Ordered,
    {
        self.ge(low) & self.le(high)
    }
}

impl<D, T> Field<D, T, Nullable> {
    /// True if the field is missing or `null`.
    pub fn is_null(self) -> Filter<D> {
        Filter::new(Ok(Expr::IsNull(self.expr())))
    }

    /// True if the field holds a value.
    pub fn is_not_null(self) -> Filter<D> {
        !self.is_null()
    }
}

impl<D> Field<D, Json, Required> {
    /// True if the field is missing or `null`, which JSON may be.
    pub fn is_null(self) -> Filter<D> {
        Filter::new(Ok(Expr::IsNull(self.expr())))
    }

    /// True if the field holds a value.
    pub fn is_not_null(self) -> Filter<D> {
        !self.is_null()
    }
}

impl<D, T, N> Clone for Field<D, T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, T, N> Copy for Field<D, T, N> {}

impl<D, T, N> fmt::Debug for Field<D, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({}: {:?})", self.path(), self.kind)
    }
}
