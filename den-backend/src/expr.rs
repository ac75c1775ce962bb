//! Expressions: what a filter is made of, and what each operator means.
//!
//! An expression is computed for one document. A filter is an expression of type bool; two-valued
//! logic holds throughout: every predicate is true or false, never unknown, so `Not` is the exact
//! complement and a filter with its negation returns every document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ArithmeticOp, FieldPath, Function, Native, Pattern, Value};

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
    /// The result of arithmetic; null unless both operands are numbers, and for a division by zero.
    /// See [`ArithmeticOp`].
    Arithmetic {
        /// Which.
        op: ArithmeticOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// The value beside the first condition that holds, else `otherwise`. What is not chosen is not
    /// computed.
    Case {
        /// Conditions, which are predicates, and values.
        branches: Vec<(Expr, Expr)>,
        /// The value if no condition holds.
        otherwise: Box<Expr>,
    },
    /// The first of these that is not null; null if all are.
    Coalesce(Vec<Expr>),
    /// The result of a function; see [`Function`] for what it is given and answers.
    Call {
        /// Which.
        function: Function,
        /// What it is given.
        arguments: Vec<Expr>,
    },
    /// What one engine alone can compute. It is not written as JSON.
    #[serde(skip)]
    Native(Native),

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

    /// The expressions this one is directly made of.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        let mut parts: Vec<&Self> = Vec::new();
        match self {
            Self::Value(_) | Self::Field(_) | Self::Exists(_) => {}
            Self::Len(it) | Self::IsNull(it) | Self::IsEmpty(it) | Self::Not(it) => parts.push(it),
            Self::Arithmetic { left, right, .. } | Self::Compare { left, right, .. } => {
                parts.extend([&**left, &**right]);
            }
            Self::Case {
                branches,
                otherwise,
            } => {
                parts.extend(branches.iter().flat_map(|(condition, it)| [condition, it]));
                parts.push(otherwise);
            }
            Self::Coalesce(all) | Self::And(all) | Self::Or(all) => parts.extend(all),
            Self::Call { arguments, .. } => parts.extend(arguments),
            Self::Native(native) => parts.extend(&native.arguments),
            Self::In { operand, .. }
            | Self::Text { operand, .. }
            | Self::Matches { operand, .. } => parts.push(operand),
            Self::Contains { array, .. } => parts.push(array),
            Self::HasKey { object, .. } => parts.push(object),
            Self::AnyElement { array, predicate } | Self::AllElements { array, predicate } => {
                parts.extend([&**array, &**predicate]);
            }
            Self::Linked {
                operand, predicate, ..
            } => parts.extend([&**operand, &**predicate]),
        }
        parts.into_iter()
    }

    /// Whether the value is the same for every document.
    pub fn is_constant(&self) -> bool {
        let looks = matches!(
            self,
            Self::Field(_) | Self::Exists(_) | Self::Linked { .. } | Self::Native(_)
        );
        !looks && self.parts().all(Self::is_constant)
    }

    /// Whether this is a value that is made of others: arithmetic, a choice, a function, or what an
    /// engine computes.
    pub fn is_computed(&self) -> bool {
        matches!(
            self,
            Self::Arithmetic { .. }
                | Self::Case { .. }
                | Self::Coalesce(_)
                | Self::Call { .. }
                | Self::Native(_)
        )
    }

    /// Whether this is a test, and no value as such. What an engine computes is none.
    pub fn is_predicate(&self) -> bool {
        match self {
            Self::Compare { .. }
            | Self::In { .. }
            | Self::IsNull(_)
            | Self::Exists(_)
            | Self::Text { .. }
            | Self::Matches { .. }
            | Self::Contains { .. }
            | Self::IsEmpty(_)
            | Self::AnyElement { .. }
            | Self::AllElements { .. }
            | Self::HasKey { .. }
            | Self::Linked { .. }
            | Self::And(_)
            | Self::Or(_)
            | Self::Not(_) => true,
            Self::Value(_)
            | Self::Field(_)
            | Self::Len(_)
            | Self::Arithmetic { .. }
            | Self::Case { .. }
            | Self::Coalesce(_)
            | Self::Call { .. }
            | Self::Native(_) => false,
        }
    }

    /// The field, if this is one as it is.
    pub fn as_field(&self) -> Option<&Field> {
        if let Self::Field(field) = self {
            return Some(field);
        }
        None
    }

    /// What kind of value this is, as far as that is known without a document: the declared kind of
    /// a field, what a function answers. A value of another kind is possible only for a field, and
    /// for what passes a field on ([`Case`](Self::Case), [`Coalesce`](Self::Coalesce)).
    pub fn kind(&self) -> FieldKind {
        match self {
            Self::Value(value) => value.kind(),
            Self::Field(field) => field.kind,
            Self::Len(_) | Self::Arithmetic { .. } => FieldKind::Number,
            Self::Case {
                branches,
                otherwise,
            } => common_kind(branches.iter().map(|(_, it)| it).chain([&**otherwise])),
            Self::Coalesce(all) => common_kind(all),
            Self::Call { function, .. } => function.kind(),
            Self::Native(native) => native.kind.field_kind(),
            Self::Compare { .. }
            | Self::In { .. }
            | Self::IsNull(_)
            | Self::Exists(_)
            | Self::Text { .. }
            | Self::Matches { .. }
            | Self::Contains { .. }
            | Self::IsEmpty(_)
            | Self::AnyElement { .. }
            | Self::AllElements { .. }
            | Self::HasKey { .. }
            | Self::Linked { .. }
            | Self::And(_)
            | Self::Or(_)
            | Self::Not(_) => FieldKind::Bool,
        }
    }

    /// The collections that [`Linked`](Self::Linked) predicates look into, at any depth, once each.
    pub fn linked_collections(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.collect_linked(&mut found);
        found
    }

    fn collect_linked<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        if let Self::Linked { collection, .. } = self {
            found.insert(collection);
        }
        self.parts().for_each(|it| it.collect_linked(found));
    }
}

/// The kind that all of these have, nulls left out.
fn common_kind<'a>(all: impl IntoIterator<Item = &'a Expr>) -> FieldKind {
    let mut common = None;
    for it in all {
        if matches!(it, Expr::Value(Value::Null)) {
            continue;
        }
        match common {
            None => common = Some(it.kind()),
            Some(kind) if kind == it.kind() => {}
            Some(_) => return FieldKind::Any,
        }
    }
    common.unwrap_or(FieldKind::Any)
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
mod tests;
