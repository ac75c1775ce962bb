//! Short names for the expressions and queries that the cases ask.

use crate::{
    Change, CompareOp, Direction, Expr, Field, FieldKind, FieldPath, Nulls, Query, Root, Sort,
    TextOp,
    conformance::support::{ITEMS, json},
};

/// The documents of `items` that satisfy a filter, by id.
pub(super) fn filtered(filter: Expr) -> Query {
    Query {
        filter,
        ..Query::new(ITEMS)
    }
}

/// `items` in this order.
pub(super) fn sorted(sort: &[Sort]) -> Query {
    Query {
        sort: sort.to_vec(),
        ..Query::new(ITEMS)
    }
}

/// A sort key: `x` ascending, `-x` descending, with nulls where they go by default.
pub(super) fn by(key: &str, kind: FieldKind) -> Sort {
    let (direction, key) = match key.strip_prefix('-') {
        Some(key) => (Direction::Desc, key),
        None => (Direction::Asc, key),
    };
    Sort {
        field: Field::document(path(key), kind),
        direction,
        nulls: direction.default_nulls(),
    }
}

/// The same sort key with its nulls elsewhere.
pub(super) fn with_nulls(sort: Sort, nulls: Nulls) -> Sort {
    Sort { nulls, ..sort }
}

/// A dotted path.
pub(super) fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

/// The field at a dotted path, of a kind not known.
pub(super) fn field(text: &str) -> Expr {
    Expr::Field(place(text))
}

/// The place at a dotted path, of a kind not known.
pub(super) fn place(text: &str) -> Field {
    Field::document(path(text), FieldKind::Any)
}

/// The field at literal segments, of a kind not known.
pub(super) fn keys(segments: &[&str]) -> Expr {
    let path = FieldPath::from_segments(segments.iter().copied()).unwrap();
    Expr::Field(Field::document(path, FieldKind::Any))
}

/// The array element at hand.
pub(super) fn element() -> Expr {
    Expr::Field(Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Any,
    })
}

/// A field of the array element at hand.
pub(super) fn element_field(text: &str) -> Expr {
    Expr::Field(Field {
        root: Root::Element,
        path: path(text),
        kind: FieldKind::Any,
    })
}

/// A literal, written as JSON.
pub(super) fn literal(text: &str) -> Expr {
    Expr::Value(json(text))
}

/// `left = right`.
pub(super) fn eq(left: Expr, right: Expr) -> Expr {
    Expr::compare(CompareOp::Eq, left, right)
}

/// `left < right`.
pub(super) fn lt(left: Expr, right: Expr) -> Expr {
    Expr::compare(CompareOp::Lt, left, right)
}

/// `left <= right`.
pub(super) fn le(left: Expr, right: Expr) -> Expr {
    Expr::compare(CompareOp::Le, left, right)
}

/// `left > right`.
pub(super) fn gt(left: Expr, right: Expr) -> Expr {
    Expr::compare(CompareOp::Gt, left, right)
}

/// `left >= right`.
pub(super) fn ge(left: Expr, right: Expr) -> Expr {
    Expr::compare(CompareOp::Ge, left, right)
}

/// A membership test; `values` is a JSON array.
pub(super) fn is_in(operand: Expr, values: &str) -> Expr {
    Expr::In {
        operand: Box::new(operand),
        values: serde_json::from_str(values).unwrap(),
    }
}

/// A null test.
pub(super) fn is_null(operand: Expr) -> Expr {
    Expr::IsNull(Box::new(operand))
}

/// A text test on the field `x`.
pub(super) fn text(op: TextOp, needle: &str) -> Expr {
    Expr::Text {
        op,
        ignore_case: false,
        operand: Box::new(field("x")),
        needle: needle.to_owned(),
    }
}

/// A text test on the field `x` in which ASCII case counts for nothing.
pub(super) fn text_ci(op: TextOp, needle: &str) -> Expr {
    Expr::Text {
        op,
        ignore_case: true,
        operand: Box::new(field("x")),
        needle: needle.to_owned(),
    }
}

/// A test for an element of an array; `value` is JSON.
pub(super) fn contains(array: Expr, value: &str) -> Expr {
    Expr::Contains {
        array: Box::new(array),
        value: json(value),
    }
}

/// One element satisfies the predicate.
pub(super) fn any_element(array: Expr, predicate: Expr) -> Expr {
    Expr::AnyElement {
        array: Box::new(array),
        predicate: Box::new(predicate),
    }
}

/// Every element satisfies the predicate.
pub(super) fn all_elements(array: Expr, predicate: Expr) -> Expr {
    Expr::AllElements {
        array: Box::new(array),
        predicate: Box::new(predicate),
    }
}

/// A test for a key of an object.
pub(super) fn has_key(object: Expr, key: &str) -> Expr {
    Expr::HasKey {
        object: Box::new(object),
        key: key.to_owned(),
    }
}

/// The document that the operand links to satisfies the predicate.
pub(super) fn linked(operand: Expr, collection: &str, predicate: Expr) -> Expr {
    Expr::Linked {
        operand: Box::new(operand),
        collection: collection.to_owned(),
        predicate: Box::new(predicate),
    }
}

/// A change that puts a value, written as JSON, at a dotted path.
pub(super) fn set(at: &str, value: &str) -> Change {
    Change::Set {
        path: path(at),
        value: json(value),
    }
}

/// A change that takes the key at a dotted path away.
pub(super) fn unset(at: &str) -> Change {
    Change::Unset { path: path(at) }
}
