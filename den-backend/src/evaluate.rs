//! What an expression is for one document: the rules of [`Expr`], one match arm each; and what a
//! patch makes of one ([`apply`]).

pub mod aggregate;
mod compute;
mod patch;
mod sets;
mod time;

use std::{borrow::Cow, cmp::Ordering};

use crate::{CompareOp, Expr, Field, Result, Root, TextOp, Value};

pub use self::{
    compute::arithmetic,
    patch::{apply, apply_from},
    sets::Sets,
};

/// Where [`Expr::Linked`] finds the documents of other collections.
pub trait Links {
    /// The document of this collection with this id.
    fn document(&self, collection: &str, id: &str) -> Option<&Value>;
}

/// No other collections.
impl Links for () {
    fn document(&self, _collection: &str, _id: &str) -> Option<&Value> {
        None
    }
}

/// Whether a document satisfies a filter.
///
/// # Behavior
///
/// - Every predicate is true or false, never unknown.
/// - What [`Query::check`](crate::Query::check) refuses (a filter that is no predicate, say) is
///   false here.
/// - There are no other collections: every [`Expr::Linked`] is false. [`matches_linked`] has some.
/// - What only an engine can compute ([`Expr::Native`]) is null.
///
/// # Errors
///
/// `OutOfRange` for a value that cannot be computed.
pub fn matches(filter: &Expr, document: &Value) -> Result<bool> {
    Scope::of(document).holds(filter)
}

/// Whether a document satisfies a filter, with links followed.
///
/// # Errors
///
/// As [`matches()`].
pub fn matches_linked(filter: &Expr, document: &Value, links: &dyn Links) -> Result<bool> {
    let scope = Scope {
        links,
        ..Scope::of(document)
    };
    scope.holds(filter)
}

/// The value of an operand for a document; null where there is none. A predicate is a bool.
///
/// # Errors
///
/// As [`matches()`].
pub fn evaluate(expr: &Expr, document: &Value) -> Result<Value> {
    Ok(Scope::of(document).value(expr)?.into_owned())
}

/// Whether a text is a time that exists, in the form in which den writes times:
/// `2024-02-29T23:59:58.123456Z`.
pub fn is_time(text: &str) -> bool {
    time::Moment::parse(text).is_some()
}

/// What fields are looked up in.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "collections are not shown")]
pub struct Scope<'a> {
    /// The document.
    pub document: &'a Value,
    /// The element at hand: inside of an element predicate, or of what is unwound.
    pub element: Option<&'a Value>,
    /// The other collections.
    pub links: &'a dyn Links,
    /// The long lists of the expression, where it is evaluated often.
    pub sets: Option<&'a Sets>,
}

impl<'a> Scope<'a> {
    /// A document without an element at hand, and no other collections.
    pub fn of(document: &'a Value) -> Self {
        Self {
            document,
            element: None,
            links: &(),
            sets: None,
        }
    }

    /// The value of an operand; null where there is none. A predicate is a bool.
    ///
    /// # Errors
    ///
    /// As [`matches()`].
    pub fn value(self, expr: &'a Expr) -> Result<Cow<'a, Value>> {
        Ok(match expr {
            Expr::Value(value) => Cow::Borrowed(value),
            Expr::Field(field) => match self.lookup(field) {
                Some(value) => Cow::Borrowed(value),
                None => Cow::Owned(Value::Null),
            },
            Expr::Len(array) => Cow::Owned(match &*self.value(array)? {
                // A longer array than `i64::MAX` does not fit in memory.
                Value::Array(items) => i64::try_from(items.len()).map_or(Value::Null, Value::Int),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Object(_) => Value::Null,
            }),
            Expr::Arithmetic { op, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Cow::Owned(arithmetic(*op, &left, &right)?)
            }
            Expr::Case {
                branches,
                otherwise,
            } => {
                for (condition, value) in branches {
                    if self.holds(condition)? {
                        return self.value(value);
                    }
                }
                return self.value(otherwise);
            }
            Expr::Coalesce(all) => {
                for it in all {
                    let value = self.value(it)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Cow::Owned(Value::Null)
            }
            Expr::Call {
                function,
                arguments,
            } => {
                let arguments: Vec<_> = arguments
                    .iter()
                    .map(|it| self.value(it))
                    .collect::<Result<_>>()?;
                Cow::Owned(compute::call(*function, &arguments)?)
            }
            Expr::Native(_) => Cow::Owned(Value::Null),
            Expr::Compare { .. }
            | Expr::In { .. }
            | Expr::IsNull(_)
            | Expr::Exists(_)
            | Expr::Text { .. }
            | Expr::Matches { .. }
            | Expr::Contains { .. }
            | Expr::IsEmpty(_)
            | Expr::AnyElement { .. }
            | Expr::AllElements { .. }
            | Expr::HasKey { .. }
            | Expr::Linked { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_) => Cow::Owned(Value::Bool(self.holds(expr)?)),
        })
    }

    /// Whether a predicate holds.
    ///
    /// # Errors
    ///
    /// As [`matches()`].
    pub fn holds(self, expr: &'a Expr) -> Result<bool> {
        Ok(match expr {
            Expr::Value(_)
            | Expr::Field(_)
            | Expr::Len(_)
            | Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_) => matches!(&*self.value(expr)?, Value::Bool(true)),
            Expr::Compare { op, left, right } => {
                compare(*op, &*self.value(left)?, &*self.value(right)?)
            }
            Expr::In { operand, values } => {
                let operand = self.value(operand)?;
                match self.sets.and_then(|it| it.find(values, &operand)) {
                    Some(found) => found,
                    None => values.iter().any(|it| compare(CompareOp::Eq, &operand, it)),
                }
            }
            Expr::IsNull(operand) => self.value(operand)?.is_null(),
            Expr::Exists(field) => self.lookup(field).is_some(),
            Expr::Text {
                op,
                ignore_case,
                operand,
                needle,
            } => match &*self.value(operand)? {
                Value::Text(text) if *ignore_case => {
                    let (text, needle) = (text.to_ascii_lowercase(), needle.to_ascii_lowercase());
                    test_text(*op, &text, &needle)
                }
                Value::Text(text) => test_text(*op, text, needle),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            },
            Expr::Matches { operand, pattern } => match &*self.value(operand)? {
                Value::Text(text) => pattern.is_match(text),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            },
            // Here alone null equals null: an element that is null is there.
            Expr::Contains { array, value } => {
                let array = self.value(array)?;
                elements(&array).is_some_and(|items| items.contains(value))
            }
            Expr::IsEmpty(operand) => match &*self.value(operand)? {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Object(_) => false,
            },
            Expr::AnyElement { array, predicate } => {
                let array = self.value(array)?;
                for it in elements(&array).unwrap_or_default() {
                    if self.within(it).holds(predicate)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expr::AllElements { array, predicate } => {
                let array = self.value(array)?;
                let Some(items) = elements(&array) else {
                    return Ok(false);
                };
                for it in items {
                    if !self.within(it).holds(predicate)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expr::HasKey { object, key } => match &*self.value(object)? {
                Value::Object(map) => map.contains_key(key),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Array(_) => false,
            },
            Expr::Linked {
                operand,
                collection,
                predicate,
            } => match &*self.value(operand)? {
                Value::Text(id) => match self.links.document(collection, id) {
                    Some(document) => self.at(document).holds(predicate)?,
                    None => false,
                },
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            },
            Expr::And(all) => {
                for it in all {
                    if !self.holds(it)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expr::Or(all) => {
                for it in all {
                    if self.holds(it)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expr::Not(inner) => !self.holds(inner)?,
        })
    }

    fn within<'b>(self, element: &'b Value) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope {
            document: self.document,
            element: Some(element),
            links: self.links,
            sets: self.sets,
        }
    }

    /// Another document, where no element is at hand.
    fn at(self, document: &'a Value) -> Self {
        Scope {
            document,
            element: None,
            links: self.links,
            sets: self.sets,
        }
    }

    fn lookup(self, field: &Field) -> Option<&'a Value> {
        let root = match field.root {
            Root::Document => self.document,
            Root::Element => self.element?,
        };
        root.at(field.path.segments())
    }
}

fn compare(op: CompareOp, left: &Value, right: &Value) -> bool {
    if left.is_null() || right.is_null() {
        return false;
    }
    let ordering = left.compare(right);
    match op {
        CompareOp::Eq => left == right,
        CompareOp::Lt => ordering.is_some_and(Ordering::is_lt),
        CompareOp::Le => ordering.is_some_and(Ordering::is_le),
        CompareOp::Gt => ordering.is_some_and(Ordering::is_gt),
        CompareOp::Ge => ordering.is_some_and(Ordering::is_ge),
    }
}

fn test_text(op: TextOp, text: &str, needle: &str) -> bool {
    match op {
        TextOp::Equals => text == needle,
        TextOp::StartsWith => text.starts_with(needle),
        TextOp::EndsWith => text.ends_with(needle),
        TextOp::Contains => text.contains(needle),
    }
}

fn elements(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Object(_) => None,
    }
}
