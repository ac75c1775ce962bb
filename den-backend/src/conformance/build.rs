//! Short names for the expressions and queries that the cases ask.

use crate::{
    Aggregate, AggregateFunction, ArithmeticOp, Change, CompareOp, Direction, Expr, Field,
    FieldKind, FieldPath, Function, Grouping, Nulls, Query, Root, Select, Sort, TextOp,
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
        key: Expr::Field(Field::document(path(key), kind)),
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

/// A change that puts a computed value at a dotted path.
pub(super) fn set_expr(at: &str, value: Expr) -> Change {
    Change::SetExpr {
        path: path(at),
        value,
    }
}

/// Arithmetic.
pub(super) fn arithmetic(op: ArithmeticOp, left: Expr, right: Expr) -> Expr {
    Expr::Arithmetic {
        op,
        left: Box::new(left),
        right: Box::new(right),
    }
}

/// A function of these arguments.
pub(super) fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    Expr::Call {
        function,
        arguments,
    }
}

/// The value beside the first condition that holds.
pub(super) fn case_when(branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    Expr::Case {
        branches,
        otherwise: Box::new(otherwise),
    }
}

/// The first value that is not null.
pub(super) fn coalesce(all: Vec<Expr>) -> Expr {
    Expr::Coalesce(all)
}

/// These values of all documents of `items`, by id.
pub(super) fn selected(values: Vec<Expr>) -> Query {
    Query {
        select: Select::Values(values),
        ..Query::new(ITEMS)
    }
}

/// The number of documents.
pub(super) fn count_all() -> Aggregate {
    Aggregate {
        function: AggregateFunction::Count,
        operand: None,
    }
}

/// An aggregate of an operand.
pub(super) fn aggregate(function: AggregateFunction, operand: Expr) -> Aggregate {
    Aggregate {
        function,
        operand: Some(operand),
    }
}

/// The field at a dotted path, of this kind.
pub(super) fn typed(text: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(text), kind))
}

/// A change that adds a number, written as JSON.
pub(super) fn inc(at: &str, by: &str) -> Change {
    Change::Inc {
        path: path(at),
        by: json(by),
    }
}

/// A change that multiplies by a number, written as JSON.
pub(super) fn mul(at: &str, by: &str) -> Change {
    Change::Mul {
        path: path(at),
        by: json(by),
    }
}

/// A change that puts a value, written as JSON, where it is less than what is there.
pub(super) fn min(at: &str, value: &str) -> Change {
    Change::Min {
        path: path(at),
        value: json(value),
    }
}

/// A change that puts a value, written as JSON, where it is greater than what is there.
pub(super) fn max(at: &str, value: &str) -> Change {
    Change::Max {
        path: path(at),
        value: json(value),
    }
}

/// A change that appends a value, written as JSON.
pub(super) fn push(at: &str, value: &str) -> Change {
    Change::Push {
        path: path(at),
        value: json(value),
    }
}

/// A change that appends a value, written as JSON, unless it is there.
pub(super) fn add_to_set(at: &str, value: &str) -> Change {
    Change::AddToSet {
        path: path(at),
        value: json(value),
    }
}

/// A change that takes all equal elements out.
pub(super) fn pull(at: &str, value: &str) -> Change {
    Change::Pull {
        path: path(at),
        value: json(value),
    }
}

/// A change that takes the first element out.
pub(super) fn pop_first(at: &str) -> Change {
    Change::PopFirst { path: path(at) }
}

/// A change that takes the last element out.
pub(super) fn pop_last(at: &str) -> Change {
    Change::PopLast { path: path(at) }
}

/// A change that moves a value.
pub(super) fn rename(from: &str, to: &str) -> Change {
    Change::Rename {
        from: path(from),
        to: path(to),
    }
}

/// An order by a column of a group, descending where the number begins with `-`.
pub(super) fn by_column(number: &str, kind: FieldKind) -> Sort {
    by(number, kind)
}

/// A column of a group.
pub(super) fn column(number: usize, kind: FieldKind) -> Expr {
    Expr::Field(Grouping::column(number, kind).unwrap())
}

/// One row for each element of the array `x`, these values of each.
pub(super) fn unwound(values: Vec<Expr>) -> Query {
    Query {
        unwind: Some(path("x")),
        ..selected(values)
    }
}
