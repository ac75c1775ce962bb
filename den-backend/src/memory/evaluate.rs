//! What an expression is for one document: the rules of [`Expr`], one match arm each.

use std::{borrow::Cow, cmp::Ordering};

use crate::{CompareOp, Expr, Field, Root, TextOp, Value};

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
pub fn matches(filter: &Expr, document: &Value) -> bool {
    matches_linked(filter, document, &())
}

/// Whether a document satisfies a filter, with links followed.
pub fn matches_linked(filter: &Expr, document: &Value, links: &dyn Links) -> bool {
    let scope = Scope {
        document,
        element: None,
        links,
    };
    scope.holds(filter)
}

/// The value of an operand for a document; null where there is none. A predicate is a bool.
pub fn evaluate(expr: &Expr, document: &Value) -> Value {
    let scope = Scope {
        document,
        element: None,
        links: &(),
    };
    scope.value(expr).into_owned()
}

/// What fields are looked up in.
#[derive(Clone, Copy)]
struct Scope<'a> {
    document: &'a Value,
    /// The element at hand, inside of an element predicate.
    element: Option<&'a Value>,
    links: &'a dyn Links,
}

impl<'a> Scope<'a> {
    fn value(self, expr: &'a Expr) -> Cow<'a, Value> {
        match expr {
            Expr::Value(value) => Cow::Borrowed(value),
            Expr::Field(field) => match self.lookup(field) {
                Some(value) => Cow::Borrowed(value),
                None => Cow::Owned(Value::Null),
            },
            Expr::Len(array) => Cow::Owned(match &*self.value(array) {
                // A longer array than `i64::MAX` does not fit in memory.
                Value::Array(items) => i64::try_from(items.len()).map_or(Value::Null, Value::Int),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Object(_) => Value::Null,
            }),
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
            | Expr::Not(_) => Cow::Owned(Value::Bool(self.holds(expr))),
        }
    }

    fn holds(self, expr: &'a Expr) -> bool {
        match expr {
            Expr::Value(_) | Expr::Field(_) | Expr::Len(_) => {
                matches!(&*self.value(expr), Value::Bool(true))
            }
            Expr::Compare { op, left, right } => {
                compare(*op, &self.value(left), &self.value(right))
            }
            Expr::In { operand, values } => {
                let operand = self.value(operand);
                values.iter().any(|it| compare(CompareOp::Eq, &operand, it))
            }
            Expr::IsNull(operand) => self.value(operand).is_null(),
            Expr::Exists(field) => self.lookup(field).is_some(),
            Expr::Text {
                op,
                ignore_case,
                operand,
                needle,
            } => match &*self.value(operand) {
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
            Expr::Matches { operand, pattern } => match &*self.value(operand) {
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
                let array = self.value(array);
                elements(&array).is_some_and(|items| items.contains(value))
            }
            Expr::IsEmpty(operand) => match &*self.value(operand) {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Object(_) => false,
            },
            Expr::AnyElement { array, predicate } => {
                let array = self.value(array);
                let items = elements(&array);
                items.is_some_and(|it| it.iter().any(|it| self.within(it).holds(predicate)))
            }
            Expr::AllElements { array, predicate } => {
                let array = self.value(array);
                let items = elements(&array);
                items.is_some_and(|it| it.iter().all(|it| self.within(it).holds(predicate)))
            }
            Expr::HasKey { object, key } => match &*self.value(object) {
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
            } => match &*self.value(operand) {
                Value::Text(id) => match self.links.document(collection, id) {
                    Some(document) => self.at(document).holds(predicate),
                    None => false,
                },
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            },
            Expr::And(all) => all.iter().all(|it| self.holds(it)),
            Expr::Or(all) => all.iter().any(|it| self.holds(it)),
            Expr::Not(inner) => !self.holds(inner),
        }
    }

    fn within<'b>(self, element: &'b Value) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope {
            document: self.document,
            element: Some(element),
            links: self.links,
        }
    }

    /// Another document, where no element is at hand.
    fn at(self, document: &'a Value) -> Self {
        Scope {
            document,
            element: None,
            links: self.links,
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
