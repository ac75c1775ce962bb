//! Fields by path, for tools, free-form data and keys that only exist at run time.

use den_backend::{CompareOp, Direction, Expr, FieldKind, FieldPath, Pattern, Result, TextOp};
use serde::Serialize;

use crate::{Filter, Length, Order, encode};

/// A field by its path, of any document. What it holds is not known, so any operator may be used;
/// a value of another type than the operand simply does not match.
#[derive(Debug, Clone)]
pub struct Untyped {
    path: Result<FieldPath>,
    kind: FieldKind,
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
/// # let _ = filter;
/// ```
pub fn field(path: impl IntoFieldPath) -> Untyped {
    Untyped {
        path: path.into_field_path(),
        kind: FieldKind::Any,
    }
}

pub(super) fn below(path: &FieldPath, key: String) -> Untyped {
    Untyped {
        path: path.child(key),
        kind: FieldKind::Any,
    }
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
    /// Says what the field holds. Comparisons do not change; a sort then orders values of this
    /// kind, counts all others as null, and can use an index.
    #[must_use]
    pub fn of_kind(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn to_contract(&self) -> Result<den_backend::Field> {
        let path = self.path.clone()?;
        Ok(den_backend::Field::document(path, self.kind))
    }

    fn expr(&self) -> Result<Box<Expr>> {
        Ok(Box::new(Expr::Field(self.to_contract()?)))
    }

    fn build<D>(&self, build: impl FnOnce(Box<Expr>) -> Result<Expr>) -> Filter<D> {
        Filter::new(self.expr().and_then(build))
    }

    fn compare<D>(&self, op: CompareOp, operand: impl Serialize) -> Filter<D> {
        self.build(|left| {
            let right = Expr::Value(encode::operand(&operand)?);
            Ok(Expr::compare(op, *left, right))
        })
    }

    fn compare_field<D>(&self, op: CompareOp, other: &Self) -> Filter<D> {
        self.build(|left| Ok(Expr::compare(op, *left, *other.expr()?)))
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

    /// True if the field equals the value. Null equals nothing: use [`is_null`](Self::is_null).
    pub fn eq<D>(&self, value: impl Serialize) -> Filter<D> {
        self.compare(CompareOp::Eq, value)
    }

    /// The exact complement of [`eq`](Self::eq): true for null and missing too.
    pub fn ne<D>(&self, value: impl Serialize) -> Filter<D> {
        !self.eq(value)
    }

    /// True if the field is less than the value, which is of the same type.
    pub fn lt<D>(&self, value: impl Serialize) -> Filter<D> {
        self.compare(CompareOp::Lt, value)
    }

    /// True if the field is less than the value or equal.
    pub fn le<D>(&self, value: impl Serialize) -> Filter<D> {
        self.compare(CompareOp::Le, value)
    }

    /// True if the field is greater than the value, which is of the same type.
    pub fn gt<D>(&self, value: impl Serialize) -> Filter<D> {
        self.compare(CompareOp::Gt, value)
    }

    /// True if the field is greater than the value or equal.
    pub fn ge<D>(&self, value: impl Serialize) -> Filter<D> {
        self.compare(CompareOp::Ge, value)
    }

    /// True if the field is at least `low` and at most `high`.
    pub fn between<D>(&self, low: impl Serialize, high: impl Serialize) -> Filter<D> {
        self.ge(low) & self.le(high)
    }

    /// True if the field equals another field of the same document.
    pub fn eq_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare_field(CompareOp::Eq, other)
    }

    /// True if the field is less than another field of the same document.
    pub fn lt_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare_field(CompareOp::Lt, other)
    }

    /// True if the field is less than another field of the same document, or equal.
    pub fn le_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare_field(CompareOp::Le, other)
    }

    /// True if the field is greater than another field of the same document.
    pub fn gt_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare_field(CompareOp::Gt, other)
    }

    /// True if the field is greater than another field of the same document, or equal.
    pub fn ge_field<D>(&self, other: &Self) -> Filter<D> {
        self.compare_field(CompareOp::Ge, other)
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
        Length::new(self.expr().map(Expr::Len))
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
        Order::new(self.to_contract(), Direction::Asc)
    }

    /// Largest first.
    pub fn desc<D>(&self) -> Order<D> {
        Order::new(self.to_contract(), Direction::Desc)
    }
}
