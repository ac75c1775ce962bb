//! What a patch makes of one document: the rules of [`Change`], one match arm each.

use std::cmp::Ordering;

use super::{arithmetic, evaluate};
use crate::{
    ArithmeticOp, Change, Error, FieldKind, FieldPath, Patch, Result, Value, check::MAX_NESTING,
};

/// Makes the changes of a patch in a document, in order.
///
/// # Errors
///
/// - `InvalidDocument` for a parent that can hold no field, for a value of the wrong type, and for one that
///   would lie deeper than a document may nest.
/// - `OutOfRange` for a number that cannot be computed.
///
/// The document is then left half changed, and the error names neither collection nor id.
pub fn apply(patch: &Patch, document: &mut Value) -> Result<()> {
    let computed = compute(patch, document)?;
    change(patch, computed, document)
}

/// As [`apply`], with values computed from `from`: the document as it was, and more beside that.
///
/// # Errors
///
/// As [`apply`].
pub fn apply_from(patch: &Patch, from: &Value, document: &mut Value) -> Result<()> {
    change(patch, compute(patch, from)?, document)
}

/// The computed values of a patch, in order.
fn compute(patch: &Patch, from: &Value) -> Result<Vec<Value>> {
    let computed = patch.changes.iter().filter_map(|change| match change {
        Change::SetExpr { path: _, value } => Some(evaluate(value, from)),
        Change::Set { .. }
        | Change::Unset { .. }
        | Change::Inc { .. }
        | Change::Mul { .. }
        | Change::Min { .. }
        | Change::Max { .. }
        | Change::Push { .. }
        | Change::AddToSet { .. }
        | Change::Pull { .. }
        | Change::PopFirst { .. }
        | Change::PopLast { .. }
        | Change::Rename { .. } => None,
    });
    computed.collect()
}

fn change(patch: &Patch, computed: Vec<Value>, document: &mut Value) -> Result<()> {
    let mut computed = computed.into_iter();
    for change in &patch.changes {
        match change {
            Change::Set { path, value } => *place(document, path)? = value.clone(),
            Change::Unset { path } => drop(take(document, path)),
            Change::SetExpr { path, value: _ } => {
                let at = place(document, path)?;
                *at = fitting(path, computed.next().unwrap_or_default())?;
            }
            Change::Inc { path, by } => count(document, change, path, ArithmeticOp::Add, by)?,
            Change::Mul { path, by } => count(document, change, path, ArithmeticOp::Mul, by)?,
            Change::Min { path, value } => {
                let at = checked(place(document, path)?, change)?;
                if at.is_null() || value.compare(at).is_some_and(Ordering::is_lt) {
                    *at = value.clone();
                }
            }
            Change::Max { path, value } => {
                let at = checked(place(document, path)?, change)?;
                if at.is_null() || value.compare(at).is_some_and(Ordering::is_gt) {
                    *at = value.clone();
                }
            }
            Change::Push { path, value } => {
                array(document, change, path)?.push(value.clone());
            }
            Change::AddToSet { path, value } => {
                let items = array(document, change, path)?;
                if !items.contains(value) {
                    items.push(value.clone());
                }
            }
            Change::Pull { path, value } => {
                if let Some(items) = existing_array(document, change, path)? {
                    items.retain(|it| it != value);
                }
            }
            Change::PopFirst { path } => {
                if let Some(items) = existing_array(document, change, path)?
                    && !items.is_empty()
                {
                    items.remove(0);
                }
            }
            Change::PopLast { path } => {
                if let Some(items) = existing_array(document, change, path)? {
                    items.pop();
                }
            }
            Change::Rename { from, to } => {
                if let Some(value) = take(document, from) {
                    let at = place(document, to)?;
                    *at = fitting(to, value)?;
                }
            }
        }
    }
    Ok(())
}

/// The same value, if a document with it at that path can be read again.
fn fitting(path: &FieldPath, value: Value) -> Result<Value> {
    let room = MAX_NESTING.saturating_sub(path.segments().len());
    match is_deeper(&value, room) {
        true => Err(Error::nested_too_deep(path)),
        false => Ok(value),
    }
}

/// Whether arrays and objects nest deeper than so many levels.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return matches!(value, Value::Array(_) | Value::Object(_));
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => false,
        Value::Array(items) => items.iter().any(|it| is_deeper(it, below)),
        Value::Object(map) => map.values().any(|it| is_deeper(it, below)),
    }
}

/// The value at a path, made together with its parents where it is missing.
fn place<'a>(document: &'a mut Value, path: &FieldPath) -> Result<&'a mut Value> {
    let mut at = document;
    for (depth, segment) in path.segments().iter().enumerate() {
        if at.is_null() {
            *at = Value::Object(Default::default());
        }
        at = match at {
            Value::Object(map) => map.entry(segment.clone()).or_default(),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Array(_) => {
                let parent = FieldPath::from_segments(path.segments().iter().take(depth).cloned())?;
                return Err(Error::parent_holds(path, &parent, at.kind()));
            }
        };
    }
    Ok(at)
}

/// The value at a path, if it is there.
fn existing<'a>(document: &'a mut Value, segments: &[String]) -> Option<&'a mut Value> {
    segments.iter().try_fold(document, |at, segment| match at {
        Value::Object(map) => map.get_mut(segment),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_) => None,
    })
}

/// Takes a key away and returns what it held.
fn take(document: &mut Value, path: &FieldPath) -> Option<Value> {
    let (key, parents) = path.segments().split_last()?;
    match existing(document, parents)? {
        Value::Object(map) => map.remove(key),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_) => None,
    }
}

/// The same value, if the change can be made to it.
fn checked<'a>(at: &'a mut Value, change: &Change) -> Result<&'a mut Value> {
    match change.needs() {
        Some(needed) if !at.is_null() && at.kind() != needed => {
            Err(Error::field_holds(change.path(), at.kind(), needed))
        }
        Some(_) | None => Ok(at),
    }
}

fn count(
    document: &mut Value,
    change: &Change,
    path: &FieldPath,
    op: ArithmeticOp,
    by: &Value,
) -> Result<()> {
    let at = checked(place(document, path)?, change)?;
    let zero = Value::Int(0);
    let before = if at.is_null() { &zero } else { &*at };
    *at = arithmetic(op, before, by)?;
    Ok(())
}

/// The array at a path, an empty one where null is.
fn array<'a>(
    document: &'a mut Value,
    change: &Change,
    path: &FieldPath,
) -> Result<&'a mut Vec<Value>> {
    let at = checked(place(document, path)?, change)?;
    if at.is_null() {
        *at = Value::Array(Vec::new());
    }
    match at {
        Value::Array(items) => Ok(items),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Object(_) => Err(Error::field_holds(path, at.kind(), FieldKind::Array)),
    }
}

/// The array at a path, if there is one and not null.
fn existing_array<'a>(
    document: &'a mut Value,
    change: &Change,
    path: &FieldPath,
) -> Result<Option<&'a mut Vec<Value>>> {
    let Some(at) = existing(document, path.segments()) else {
        return Ok(None);
    };
    match checked(at, change)? {
        Value::Array(items) => Ok(Some(items)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Object(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expr, Field};

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    /// What the patch, given as JSON, makes of a document; or the error.
    fn apply_to(document: &str, changes: &str) -> String {
        let patch: Patch = serde_json::from_str(&format!("{{\"changes\":{changes}}}")).unwrap();
        let mut document = json(document);
        match apply(&patch, &mut document) {
            Ok(()) => document.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_patch_is_the_same_after_json() {
        let text = concat!(
            r#"{"changes":[{"inc":{"path":["n"],"by":1}},{"pop_first":{"path":["a","b"]}},"#,
            r#"{"rename":{"from":["a"],"to":["b"]}},"#,
            r#"{"set_expr":{"path":["x"],"value":{"value":1.0}}}]}"#
        );
        let patch: Patch = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&patch).unwrap(), text);
    }

    #[test]
    fn numbers_are_counted() {
        let inc = |by: &str| format!(r#"[{{"inc":{{"path":["o","n"],"by":{by}}}}}]"#);
        for (document, by, expected) in [
            ("{}", "2", r#"{"o":{"n":2}}"#),
            (r#"{"o":null}"#, "2.5", r#"{"o":{"n":2.5}}"#),
            (r#"{"o":{"n":null}}"#, "2", r#"{"o":{"n":2}}"#),
            (r#"{"o":{"n":1}}"#, "2", r#"{"o":{"n":3}}"#),
            (r#"{"o":{"n":1}}"#, "2.0", r#"{"o":{"n":3.0}}"#),
            (
                r#"{"o":{"n":"1"}}"#,
                "2",
                "the field `o.n` holds text, but the change needs a number",
            ),
            (
                r#"{"o":[]}"#,
                "2",
                "the field `o.n` cannot be set, because `o` holds an array",
            ),
            (
                r#"{"o":{"n":9223372036854775807}}"#,
                "1",
                "a computed number is too large or too small for its type",
            ),
        ] {
            assert_eq!(apply_to(document, &inc(by)), expected, "{document}");
        }
    }

    #[test]
    fn computed_values_come_from_the_document_before() {
        let n = Expr::Field(Field::document(path("n"), FieldKind::Number));
        let set_expr = |to: &str, value| Change::SetExpr {
            path: path(to),
            value,
        };
        let patch = Patch::new(vec![
            Change::Inc {
                path: path("n"),
                by: Value::Int(5),
            },
            set_expr("m", n.clone()),
            Change::Unset { path: path("n") },
            set_expr("k", n),
        ]);
        let mut document = json(r#"{"n":1}"#);
        apply(&patch, &mut document).unwrap();
        assert_eq!(document, json(r#"{"m":1,"k":1}"#));
    }

    #[test]
    fn a_document_stays_readable() {
        let nested = |depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        let rename = |to: &str| Change::Rename {
            from: path("a"),
            to: path(to),
        };
        let copy = |to: &str| Change::SetExpr {
            path: path(to),
            value: Expr::Field(Field::document(path("a"), FieldKind::Any)),
        };
        for (depth, to, fits) in [
            (126, "b", true),
            (127, "b", false),
            (120, "b.c.d.e.f.g.h", true),
            (121, "b.c.d.e.f.g.h", false),
        ] {
            for change in [rename(to), copy(to)] {
                let map = [("a".to_owned(), nested(depth))];
                let mut document = Value::Object(map.into_iter().collect());
                let outcome = apply(&Patch::new(vec![change]), &mut document);
                assert_eq!(outcome.is_ok(), fits, "{depth} {to}");
                let text = document.to_string();
                assert!(!fits || serde_json::from_str::<Value>(&text).is_ok());
            }
        }
    }

    #[test]
    fn nothing_is_made_where_nothing_is_taken() {
        for change in ["pop_first", "pop_last", "unset"] {
            let changes = format!(r#"[{{"{change}":{{"path":["o","x"]}}}}]"#);
            for document in ["{}", r#"{"o":null}"#, r#"{"o":1}"#, r#"{"o":{}}"#] {
                assert_eq!(apply_to(document, &changes), document, "{change}");
            }
        }
        let rename = r#"[{"rename":{"from":["o","x"],"to":["p","x"]}}]"#;
        assert_eq!(apply_to(r#"{"o":[1],"p":1}"#, rename), r#"{"o":[1],"p":1}"#);
    }
}
