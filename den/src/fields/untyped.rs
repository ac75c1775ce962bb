//! Fields by path, for tools, free-form data and keys that only exist at run time.

use den_backend::{
    CompareOp, Direction, Error, ErrorKind, Expr, Field, FieldKind, FieldPath, Pattern, Result,
    Root, TextOp,
};
use serde::Serialize;

use crate::{Computed, Filter, Length, Nullability, Order, encode};

/// A field by its path, of any document, or a value computed from such. What it holds is not known,
/// so any operator may be used; a value of another type than the operand simply does not match.
#[derive(Debug, Clone)]
pub struct Untyped {
    expr: Result<Expr>,
}

/// What an untyped field is compared and computed with: a value, or another one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with an untyped field",
    label = "expected a value that serde can write, or another field"
)]
pub trait IntoUntyped {
    /// The operand as an expression.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a value that JSON cannot hold, and for a bad path.
    #[doc(hidden)]
    fn into_untyped(self) -> Result<Expr>;
}

impl<T: Serialize> IntoUntyped for T {
    fn into_untyped(self) -> Result<Expr> {
        encode::operand(&self).map(Expr::Value)
    }
}

impl IntoUntyped for Untyped {
    fn into_untyped(self) -> Result<Expr> {
        self.expr
    }
}

impl IntoUntyped for &Untyped {
    fn into_untyped(self) -> Result<Expr> {
        self.expr.clone()
    }
}

impl<D, T, N: Nullability> IntoUntyped for crate::Field<D, T, N> {
    fn into_untyped(self) -> Result<Expr> {
        self.into_result()
    }
}

impl<D, T, N> IntoUntyped for Computed<D, T, N> {
    fn into_untyped(self) -> Result<Expr> {
        self.into_result()
    }
}

/// What can be read as a field path: text that is split on dots, or a list of keys taken
/// literally.
pub trait IntoFieldPath {
    /// The path.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for an empty path or key, or a control character.
    fn into_field_path(self) -> Result<FieldPath>;
}

/// The field at a path: `field("address.city")`, or `field(["a.b", "US Gross"])` for keys with
/// dots in them.
///
/// A bad path is reported when the query is run.
///
/// ```
/// use den::{Filter, Json, field};
///
/// let filter: Filter<Json> = field("address.city").eq("Oslo") & field(["US Gross"]).gt(1_000_000);
/// let dear: Filter<Json> = (field("price") * 2 + field("tax")).gt(field("budget"));
/// # let _ = (filter, dear);
/// ```
pub fn field(path: impl IntoFieldPath) -> Untyped {
    Untyped::at(path.into_field_path())
}

pub(super) fn below(path: &FieldPath, key: String) -> Untyped {
    Untyped::at(path.child(key))
}

impl IntoFieldPath for &str {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::parse(self)
    }
}

impl IntoFieldPath for &String {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::parse(self)
    }
}

impl IntoFieldPath for String {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::parse(&self)
    }
}

impl<S: Into<String>, const N: usize> IntoFieldPath for [S; N] {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::from_segments(self)
    }
}

impl<S: Into<String>> IntoFieldPath for Vec<S> {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::from_segments(self)
    }
}

impl<S: Into<String> + Clone> IntoFieldPath for &[S] {
    fn into_field_path(self) -> Result<FieldPath> {
        FieldPath::from_segments(self.iter().cloned())
    }
}

impl IntoFieldPath for FieldPath {
    fn into_field_path(self) -> Result<FieldPath> {
        Ok(self)
    }
}

impl Untyped {
    pub(crate) fn new(expr: Result<Expr>) -> Self {
        Self { expr }
    }

    fn at(path: Result<FieldPath>) -> Self {
        let field = path.map(|path| Field::document(path, FieldKind::Any));
        Self::new(field.map(Expr::Field))
    }

    pub(crate) fn into_result(self) -> Result<Expr> {
        self.expr
    }

    pub(crate) fn to_result(&self) -> Result<Expr> {
        self.expr.clone()
    }

    /// Says what the field holds. Comparisons do not change; a sort then orders values of this
    /// kind, counts all others as null, and can use an index. A computed value stays as it is.
    #[must_use]
    pub fn of_kind(mut self, kind: FieldKind) -> Self {
        if let Ok(Expr::Field(field)) = &mut self.expr {
            field.kind = kind;
        }
        self
    }

    /// The field, unless this is a computed value.
    pub(crate) fn to_contract(&self) -> Result<Field> {
        if let Expr::Field(field) = self.to_result()? {
            return Ok(field);
        }
        Err(Error::new(
            ErrorKind::InvalidQuery,
            "a field is asked for here, not a computed value",
        ))
    }

    fn expr(&self) -> Result<Box<Expr>> {
        self.to_result().map(Box::new)
    }

    fn build<D>(&self, build: impl FnOnce(Box<Expr>) -> Result<Expr>) -> Filter<D> {
        Filter::new(self.expr().and_then(build))
    }

    fn compare<D>(&self, op: CompareOp, operand: impl IntoUntyped) -> Filter<D> {
        Filter::compare(op, self.to_result(), operand.into_untyped())
    }

    fn text<D>(&self, op: TextOp, ignore_case: bool, needle: String) -> Filter<D> {
        self.build(|operand| {
            Ok(Expr::Text {
                op,
                ignore_case,
                operand,
                needle,
            })
        })
    }

    /// The field under a key of this one, which is taken literally.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        let below = |field: Field| {
            let path = field.path.child(key.into())?;
            Ok(Expr::Field(Field {
                path,
                kind: FieldKind::Any,
                ..field
            }))
        };
        Self::new(self.to_contract().and_then(below))
    }

    /// Stands for one element at a time, in a query that [unwinds](crate::QuerySet::unwind) the field.
    #[must_use]
    pub fn element(&self) -> Self {
        let element = Field {
            root: Root::Element,
            path: FieldPath::root(),
            kind: FieldKind::Any,
        };
        Self::new(self.to_contract().map(|_| Expr::Field(element)))
    }

    /// True if the field equals the value. Null equals nothing: use [`is_null`](Self::is_null).
    pub fn eq<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        self.compare(CompareOp::Eq, value)
    }

    /// The exact complement of [`eq`](Self::eq): true for null and missing too.
    pub fn ne<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        !self.eq(value)
    }

    /// True if the field is less than the value, which is of the same type.
    pub fn lt<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        self.compare(CompareOp::Lt, value)
    }

    /// True if the field is less than the value or equal.
    pub fn le<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        self.compare(CompareOp::Le, value)
    }

    /// True if the field is greater than the value, which is of the same type.
    pub fn gt<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        self.compare(CompareOp::Gt, value)
    }

    /// True if the field is greater than the value or equal.
    pub fn ge<D>(&self, value: impl IntoUntyped) -> Filter<D> {
        self.compare(CompareOp::Ge, value)
    }

    /// True if the field is at least `low` and at most `high`.
    pub fn between<D>(&self, low: impl IntoUntyped, high: impl IntoUntyped) -> Filter<D> {
        self.ge(low) & self.le(high)
    }

    /// True if the field equals another field of the same document.
    pub fn eq_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare(CompareOp::Eq, other)
    }

    /// True if the field is less than another field of the same document.
    pub fn lt_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare(CompareOp::Lt, other)
    }

    /// True if the field is less than another field of the same document, or equal.
    pub fn le_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare(CompareOp::Le, other)
    }

    /// True if the field is greater than another field of the same document.
    pub fn gt_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare(CompareOp::Gt, other)
    }

    /// True if the field is greater than another field of the same document, or equal.
    pub fn ge_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare(CompareOp::Ge, other)
    }

    /// True if the field equals one of the values; false for no values.
    pub fn is_in<D, V: Serialize>(&self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        self.build(|operand| {
            let values: Result<_> = values.into_iter().map(|it| encode::operand(&it)).collect();
            Ok(Expr::In {
                operand,
                values: values?,
            })
        })
    }

    /// The exact complement of [`is_in`](Self::is_in): true for null and missing too.
    pub fn not_in<D, V: Serialize>(&self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        !self.is_in(values)
    }

    /// True if the field is missing or `null`.
    pub fn is_null<D>(&self) -> Filter<D> {
        self.build(|operand| Ok(Expr::IsNull(operand)))
    }

    /// True if the field holds a value other than `null`.
    pub fn is_not_null<D>(&self) -> Filter<D> {
        !self.is_null()
    }

    /// True if the document has this field, be it `null`.
    pub fn exists<D>(&self) -> Filter<D> {
        Filter::new(self.to_contract().map(Expr::Exists))
    }

    /// True if the document does not have this field at all.
    pub fn is_missing<D>(&self) -> Filter<D> {
        !self.exists()
    }

    /// True if the field is text that starts with this.
    pub fn starts_with<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::StartsWith, false, needle.into())
    }

    /// True if the field is text that ends with this.
    pub fn ends_with<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::EndsWith, false, needle.into())
    }

    /// True if the field is text in which this occurs.
    pub fn contains_text<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::Contains, false, needle.into())
    }

    /// True if the field is this text, where ASCII letters of either case count as equal.
    pub fn eq_ci<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::Equals, true, needle.into())
    }

    /// As [`starts_with`](Self::starts_with), where ASCII letters of either case count as equal.
    pub fn starts_with_ci<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::StartsWith, true, needle.into())
    }

    /// As [`ends_with`](Self::ends_with), where ASCII letters of either case count as equal.
    pub fn ends_with_ci<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::EndsWith, true, needle.into())
    }

    /// As [`contains_text`](Self::contains_text), where ASCII letters of either case count as
    /// equal.
    pub fn contains_text_ci<D>(&self, needle: impl Into<String>) -> Filter<D> {
        self.text(TextOp::Contains, true, needle.into())
    }

    /// True if the field is text in which the regular expression is found.
    pub fn matches<D>(&self, pattern: &str) -> Filter<D> {
        self.build(|operand| {
            let pattern = Pattern::parse(pattern)?;
            Ok(Expr::Matches { operand, pattern })
        })
    }

    /// True if the field is an array with an element that equals the value.
    pub fn contains<D>(&self, value: impl Serialize) -> Filter<D> {
        self.build(|array| {
            let value = encode::operand(&value)?;
            Ok(Expr::Contains { array, value })
        })
    }

    /// True if the field is an array with an element that equals one of the values.
    pub fn contains_any<D, V: Serialize>(&self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        Filter::any(values.into_iter().map(|it| self.contains(it)))
    }

    /// True if the field is an array in which each of the values occurs; true for no values.
    pub fn contains_all<D, V: Serialize>(&self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        Filter::all(values.into_iter().map(|it| self.contains(it)))
    }

    /// The number of elements, null for anything that is not an array.
    pub fn len<D>(&self) -> Length<D> {
        Computed::new(self.expr().map(Expr::Len))
    }

    /// True for an array without elements, and for null.
    pub fn is_empty<D>(&self) -> Filter<D> {
        self.build(|operand| Ok(Expr::IsEmpty(operand)))
    }

    /// True if the field is an object with this key, taken literally.
    pub fn has_key<D>(&self, key: impl Into<String>) -> Filter<D> {
        let key = key.into();
        self.build(|object| Ok(Expr::HasKey { object, key }))
    }

    /// Smallest first: null < numbers < text < bool < array < object.
    pub fn asc<D>(&self) -> Order<D> {
        Order::new(self.to_result(), Direction::Asc)
    }

    /// Largest first.
    pub fn desc<D>(&self) -> Order<D> {
        Order::new(self.to_result(), Direction::Desc)
    }
}
