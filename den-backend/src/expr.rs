//! Expressions: what a filter is made of, and what each operator means.
//!
//! An expression is computed for one document. A filter is an expression of type bool; two-valued
//! logic holds throughout: every predicate is true or false, never unknown, so `Not` is the exact
//! complement and a filter with its negation returns every document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{FieldPath, Pattern, Value};

/// An expression over one document.
///
/// "Null" below means missing or JSON `null`.
///
/// It is written as JSON, always the same text for the same expression, so that a backend can keep
/// the filter of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A constant.
    Value(Value),
    /// The value at a path; null where there is none.
    Field(Field),
    /// The number of elements of an array; null for anything that is not an array.
    Len(Box<Expr>),

    /// Compares two values of one type (see [`Value::compare`]); false if either is null or the
    /// types differ. `Eq` also compares arrays and objects, structurally; they have no order.
    /// A literal null is refused by [`check`](crate::check): say [`Expr::IsNull`].
    Compare {
        /// How.
        op: CompareOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// True if the operand equals one of the values, as `Compare` with `Eq` would say. False for
    /// no values. A null among the values is refused by [`check`](crate::check).
    In {
        /// What to look for.
        operand: Box<Expr>,
        /// Where to look for it.
        values: Vec<Value>,
    },
    /// True if the operand is missing or JSON `null`.
    IsNull(Box<Expr>),
    /// True if the path leads to a value, JSON `null` included.
    Exists(Field),

    /// Tests text; false for anything that is not text.
    Text {
        /// How.
        op: TextOp,
        /// Whether ASCII letters of either case count as equal. Other letters never fold.
        ignore_case: bool,
        /// The text to look at.
        operand: Box<Expr>,
        /// The text to look for, taken literally.
        needle: String,
    },
    /// True if the pattern is found anywhere in the text; false for anything that is not text.
    Matches {
        /// The text to look at.
        operand: Box<Expr>,
        /// The pattern.
        pattern: Pattern,
    },

    /// True if the operand is an array with an element equal to the value; a null value matches
    /// a null element. False for anything that is not an array.
    Contains {
        /// The array.
        array: Box<Expr>,
        /// The element.
        value: Value,
    },
    /// True for an array without elements, and for null; false for anything else.
    IsEmpty(Box<Expr>),
    /// True if one element of the array satisfies the predicate, in which fields with
    /// [`Root::Element`] lie in that element. False for anything that is not an array.
    AnyElement {
        /// The array.
        array: Box<Expr>,
        /// The predicate over one element.
        predicate: Box<Expr>,
    },
    /// True if every element of the array satisfies the predicate, so true for an array without
    /// elements. False for anything that is not an array.
    AllElements {
        /// The array.
        array: Box<Expr>,
        /// The predicate over one element.
        predicate: Box<Expr>,
    },
    /// True if the operand is an object with this key, taken literally; its value may be `null`.
    HasKey {
        /// The object.
        object: Box<Expr>,
        /// The key.
        key: String,
    },

    /// True if the operand is text, and the document of another collection with that id
    /// satisfies the predicate, in which fields with [`Root::Document`] lie in that document. False
    /// if there is no such document. Predicates of this kind nest.
    Linked {
        /// The id.
        operand: Box<Expr>,
        /// The other collection; it may be the same one.
        collection: String,
        /// The predicate over the document with that id.
        predicate: Box<Expr>,
    },

    /// True if all are; true for none.
    And(Vec<Expr>),
    /// True if any is; false for none.
    Or(Vec<Expr>),
    /// True if the operand is false.
    Not(Box<Expr>),
}

/// A place in the document, and the kind of value the caller looks for there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// What the path starts from.
    pub root: Root,
    /// The way from there.
    pub path: FieldPath,
    /// The declared kind, `Any` when unknown. It never changes which rows a comparison with a
    /// literal matches; it decides how a sort treats values of other kinds, and which index serves.
    pub kind: FieldKind,
}

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// The document.
    Document,
    /// The array element of the innermost [`Expr::AnyElement`] or [`Expr::AllElements`].
    Element,
}

/// The kind of value a field is declared to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text, also times, ids and enums written as text.
    Text,
    /// Integers and floats.
    Number,
    /// `true` and `false`.
    Bool,
    /// A list.
    Array,
    /// Values by key.
    Object,
    /// Not known: any of these.
    Any,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// How text is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    /// The whole text is the needle (of use with `ignore_case`).
    Equals,
    /// The text starts with the needle.
    StartsWith,
    /// The text ends with the needle.
    EndsWith,
    /// The needle occurs in the text.
    Contains,
}

impl Expr {
    /// The expression that every document satisfies.
    pub const fn always() -> Self {
        Self::And(Vec::new())
    }

    /// The expression that no document satisfies.
    pub const fn never() -> Self {
        Self::Or(Vec::new())
    }

    /// Whether this is [`always`](Self::always), the empty filter.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::And(all) if all.is_empty())
    }

    /// Compares two expressions.
    pub fn compare(op: CompareOp, left: Self, right: Self) -> Self {
        Self::Compare {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    /// Whether this is [`never`](Self::never), the filter nothing passes.
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Or(any) if any.is_empty())
    }

    /// Both, flattened: a chain of `and` is one list. `always` adds nothing, `never` stays `never`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.is_never() || other.is_never() {
            return Self::never();
        }
        match (self, other) {
            (Self::And(mut left), Self::And(right)) => {
                left.extend(right);
                Self::And(left)
            }
            (Self::And(mut left), right) => {
                left.push(right);
                Self::And(left)
            }
            (left, Self::And(mut right)) => {
                right.insert(0, left);
                Self::And(right)
            }
            (left, right) => Self::And(vec![left, right]),
        }
    }

    /// Either, flattened: a chain of `or` is one list. `never` adds nothing, `always` stays
    /// `always`, so that a filter that lets everything pass is known as such.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.is_always() || other.is_always() {
            return Self::always();
        }
        match (self, other) {
            (Self::Or(mut left), Self::Or(right)) => {
                left.extend(right);
                Self::Or(left)
            }
            (Self::Or(mut left), right) => {
                left.push(right);
                Self::Or(left)
            }
            (left, Self::Or(mut right)) => {
                right.insert(0, left);
                Self::Or(right)
            }
            (left, right) => Self::Or(vec![left, right]),
        }
    }

    /// The complement. A double negation is taken away.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "data, built by name")]
    pub fn not(self) -> Self {
        if self.is_always() {
            return Self::never();
        }
        if self.is_never() {
            return Self::always();
        }
        if let Self::Not(inner) = self {
            return *inner;
        }
        Self::Not(Box::new(self))
    }

    /// The collections that [`Linked`](Self::Linked) predicates look into, at any depth, once each.
    pub fn linked_collections(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.collect_linked(&mut found);
        found
    }

    fn collect_linked<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Self::Value(_) | Self::Field(_) | Self::Exists(_) => {}
            Self::Len(inner) | Self::IsNull(inner) | Self::IsEmpty(inner) | Self::Not(inner) => {
                inner.collect_linked(found);
            }
            Self::Compare {
                left: one,
                right: other,
                op: _,
            }
            | Self::AnyElement {
                array: one,
                predicate: other,
            }
            | Self::AllElements {
                array: one,
                predicate: other,
            } => {
                one.collect_linked(found);
                other.collect_linked(found);
            }
            Self::In { operand, .. }
            | Self::Text { operand, .. }
            | Self::Matches { operand, .. } => {
                operand.collect_linked(found);
            }
            Self::Contains { array, .. } => array.collect_linked(found),
            Self::HasKey { object, .. } => object.collect_linked(found),
            Self::Linked {
                operand,
                collection,
                predicate,
            } => {
                found.insert(collection);
                operand.collect_linked(found);
                predicate.collect_linked(found);
            }
            Self::And(all) | Self::Or(all) => all.iter().for_each(|it| it.collect_linked(found)),
        }
    }
}

impl Field {
    /// A place in the document.
    pub fn document(path: FieldPath, kind: FieldKind) -> Self {
        Self {
            root: Root::Document,
            path,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_lets_all_pass_is_known_as_such() {
        let test = || Expr::Value(Value::Bool(false));
        assert!(Expr::never().or(Expr::always()).is_always());
        assert!(test().or(Expr::always()).is_always());
        assert!(Expr::never().not().is_always());
        assert!(Expr::always().and(Expr::always()).is_always());
        assert!(test().and(Expr::never()).is_never());
        assert!(!test().or(Expr::never()).is_always());
    }

    #[test]
    fn an_expression_is_the_same_after_json() {
        let x = || {
            let path = FieldPath::from_segments(["a.b", "0"]).unwrap();
            Box::new(Expr::Field(Field::document(path, FieldKind::Number)))
        };
        let element = Field {
            root: Root::Element,
            path: FieldPath::root(),
            kind: FieldKind::Any,
        };
        let values: Vec<Value> = [
            "null",
            "true",
            "9007199254740993",
            "1.0",
            "1e300",
            "\"é'\"",
            r#"[{"k":[]}]"#,
        ]
        .iter()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
        let literals = values.iter().cloned().map(|it| {
            let right = Expr::Value(it);
            Expr::compare(CompareOp::Ge, *x(), right)
        });
        let needle = "%_".to_owned();
        let all = literals.chain([
            Expr::In {
                operand: x(),
                values: values.clone(),
            },
            Expr::IsNull(Box::new(Expr::Len(x()))),
            Expr::Exists(element),
            Expr::Text {
                op: TextOp::StartsWith,
                ignore_case: true,
                operand: x(),
                needle,
            },
            Expr::Matches {
                operand: x(),
                pattern: Pattern::parse("^a+$").unwrap(),
            },
            Expr::Linked {
                operand: x(),
                collection: "c".to_owned(),
                predicate: Box::new(Expr::never()),
            },
            Expr::always().not(),
        ]);
        let expr = Expr::Not(Box::new(Expr::And(all.collect())));
        let text = serde_json::to_string(&expr).unwrap();
        let read: Expr = serde_json::from_str(&text).unwrap();
        assert_eq!(read, expr);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(format!("{read:?}"), format!("{expr:?}"));
    }

    #[test]
    fn bad_json_is_no_expression() {
        for bad in [
            r#"{"exists":{"root":"document","path":[""],"kind":"any"}}"#,
            r#"{"exists":{"root":"document","path":["a\u0000"],"kind":"any"}}"#,
            r#"{"matches":{"operand":{"value":"x"},"pattern":"("}}"#,
            r#"{"maybe":[]}"#,
        ] {
            assert!(serde_json::from_str::<Expr>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expression_in_json_is_short() {
        let path = FieldPath::parse("_deleted_at").unwrap();
        let live = Expr::IsNull(Box::new(Expr::Field(Field::document(path, FieldKind::Any))));
        assert_eq!(
            serde_json::to_string(&live).unwrap(),
            r#"{"is_null":{"field":{"root":"document","path":["_deleted_at"],"kind":"any"}}}"#
        );
    }

    #[test]
    fn linked_collections_are_found_at_any_depth() {
        let linked = |collection: &str, predicate| Expr::Linked {
            operand: Box::new(Expr::Value(Value::Null)),
            collection: collection.to_owned(),
            predicate: Box::new(predicate),
        };
        let any = Expr::AnyElement {
            array: Box::new(Expr::Value(Value::Null)),
            predicate: Box::new(linked("b", linked("a", Expr::always()))),
        };
        let filter = Expr::Or(vec![any.not(), linked("c", linked("a", Expr::never()))]);
        let found = filter.linked_collections();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
