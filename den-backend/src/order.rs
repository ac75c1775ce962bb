//! The total order of a query: sort keys of a document, and positions between rows.
//!
//! den takes the keys of a page's last row from here, and backends without an engine of their own
//! sort by it.

use std::cmp::Ordering;

use crate::{Direction, FieldKind, Nulls, Query, Result, Seek, Sort, Value, evaluate::evaluate};

/// The value a document is sorted by under one sort key.
///
/// # Behavior
///
/// - A missing value, and with a declared kind a value of any other kind, is null.
/// - With `Any`, an array is an empty array and an object an empty one: they tie among themselves.
///
/// # Errors
///
/// `OutOfRange` for a key that cannot be computed.
pub fn sort_key(document: &Value, sort: &Sort) -> Result<Value> {
    if let Some(field) = sort.as_field() {
        let value = document.at(field.path.segments());
        return Ok(value.map_or(Value::Null, |it| key_of(it, field.kind)));
    }
    Ok(key_of(&evaluate(&sort.key, document)?, sort.kind()))
}

/// The values a document is sorted by, one per sort key.
///
/// # Errors
///
/// As [`sort_key`].
pub fn sort_keys(document: &Value, sort: &[Sort]) -> Result<Vec<Value>> {
    sort.iter().map(|it| sort_key(document, it)).collect()
}

/// Compares two sort keys as this sort orders them, its direction and place of nulls included.
pub fn compare_keys(a: &Value, b: &Value, sort: &Sort) -> Ordering {
    let nulls_side = match sort.nulls {
        Nulls::First => Ordering::Less,
        Nulls::Last => Ordering::Greater,
    };
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls_side,
        (false, true) => nulls_side.reverse(),
        (false, false) => directed(compare_values(a, b), sort.direction),
    }
}

/// Compares two rows, each given by its sort keys and id, in the total order of a query.
///
/// # Behavior
///
/// - Keys that come after `_id` never matter: the same id is the same row, even if the row has
///   changed since one of the two was read.
pub fn compare_rows(a: (&[Value], &str), b: (&[Value], &str), query: &Query) -> Ordering {
    let keys = query.sort.iter().zip(a.0.iter().zip(b.0));
    for (sort, (key_a, key_b)) in keys {
        let by_key = compare_keys(key_a, key_b, sort);
        let is_decided = sort.is_id() && !key_a.is_null();
        if by_key.is_ne() || is_decided {
            return by_key;
        }
    }
    let by_id = a.1.as_bytes().cmp(b.1.as_bytes());
    directed(by_id, query.id_direction)
}

/// Whether the row with these sort keys and this id follows a position in the order of a query.
pub fn follows(row: (&[Value], &str), seek: &Seek, query: &Query) -> bool {
    compare_rows(row, (&seek.keys, &seek.id), query).is_gt()
}

/// The order over all values: null < numbers < text < bool < array < object. Arrays tie with
/// arrays, and objects with objects.
pub fn compare_values(a: &Value, b: &Value) -> Ordering {
    let by_kind = rank(a).cmp(&rank(b));
    by_kind.then_with(|| a.compare(b).unwrap_or(Ordering::Equal))
}

fn key_of(value: &Value, kind: FieldKind) -> Value {
    let fits = match value {
        Value::Null => false,
        Value::Bool(_) => matches!(kind, FieldKind::Bool | FieldKind::Any),
        Value::Int(_) | Value::Float(_) => matches!(kind, FieldKind::Number | FieldKind::Any),
        Value::Text(_) => matches!(kind, FieldKind::Text | FieldKind::Any),
        Value::Array(_) | Value::Object(_) => matches!(kind, FieldKind::Any),
    };
    if !fits {
        return Value::Null;
    }
    match value {
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Default::default()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
            value.clone()
        }
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Int(_) | Value::Float(_) => 1,
        Value::Text(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn directed(ordering: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Asc => ordering,
        Direction::Desc => ordering.reverse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, FieldPath};

    fn sort(kind: FieldKind, direction: Direction, nulls: Nulls) -> Sort {
        let field = Field::document(FieldPath::parse("x").unwrap(), kind);
        Sort {
            nulls,
            ..Sort::field(field, direction)
        }
    }

    fn key(document: &str, kind: FieldKind) -> String {
        let document: Value = serde_json::from_str(document).unwrap();
        sort_key(&document, &sort(kind, Direction::Asc, Nulls::First))
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_value_of_another_kind_counts_as_null() {
        assert_eq!(key(r#"{"x":1}"#, FieldKind::Number), "1");
        assert_eq!(key(r#"{"x":"1"}"#, FieldKind::Number), "null");
        assert_eq!(key(r#"{"x":true}"#, FieldKind::Text), "null");
        assert_eq!(key(r#"{"x":[1]}"#, FieldKind::Array), "null");
        assert_eq!(key(r#"{}"#, FieldKind::Any), "null");
    }

    #[test]
    fn arrays_and_objects_tie() {
        assert_eq!(key(r#"{"x":[1]}"#, FieldKind::Any), "[]");
        assert_eq!(key(r#"{"x":{"y":1}}"#, FieldKind::Any), "{}");
    }

    #[test]
    fn nulls_go_where_they_are_told_in_both_directions() {
        let one = Value::Int(1);
        for direction in [Direction::Asc, Direction::Desc] {
            let first = sort(FieldKind::Number, direction, Nulls::First);
            let last = sort(FieldKind::Number, direction, Nulls::Last);
            assert!(compare_keys(&Value::Null, &one, &first).is_lt());
            assert!(compare_keys(&Value::Null, &one, &last).is_gt());
        }
    }

    #[test]
    fn kinds_have_an_order() {
        let all = ["null", "2", "\"1\"", "false", "[]", "{}"];
        let all: Vec<Value> = all
            .iter()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        for pair in all.windows(2) {
            assert!(compare_values(&pair[0], &pair[1]).is_lt());
        }
    }
}
