//! What a patch makes of one document: the rules of [`Change`], one match arm each.

use crate::{Change, Error, FieldKind, FieldPath, Patch, Result, Value};

/// Makes the changes of a patch in a document, in order.
///
/// # Errors
///
/// `InvalidDocument` for a parent that can hold no field; the document is then left half changed,
/// and the error names neither collection nor id.
pub fn apply(patch: &Patch, document: &mut Value) -> Result<()> {
    for change in &patch.changes {
        match change {
            Change::Set { path, value } => set(document, path, value)?,
            Change::Unset { path } => unset(document, path),
        }
    }
    Ok(())
}

fn set(document: &mut Value, path: &FieldPath, value: &Value) -> Result<()> {
    let mut at = document;
    for (depth, segment) in path.segments().iter().enumerate() {
        if at.is_null() {
            *at = Value::Object(Default::default());
        }
        let kind = match at {
            Value::Object(map) => {
                at = map.entry(segment.clone()).or_default();
                continue;
            }
            Value::Bool(_) => FieldKind::Bool,
            Value::Int(_) | Value::Float(_) => FieldKind::Number,
            Value::Text(_) => FieldKind::Text,
            Value::Array(_) => FieldKind::Array,
            Value::Null => FieldKind::Any,
        };
        let parent = FieldPath::from_segments(path.segments().iter().take(depth).cloned())?;
        return Err(Error::parent_holds(path, &parent, kind));
    }
    *at = value.clone();
    Ok(())
}

fn unset(document: &mut Value, path: &FieldPath) {
    let Some((key, parents)) = path.segments().split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(document, |at, segment| match at {
        Value::Object(map) => map.get_mut(segment),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_) => None,
    });
    if let Some(Value::Object(map)) = parent {
        map.remove(key);
    }
}
