//! Changes as a patch of the stored document.

use den_backend::{Change as PatchChange, Error, ErrorKind, FieldPath, Patch, Result, Value};
use serde_json::Map;

use super::Change;
use crate::{Json, encode};

/// The change that makes one value what the document says.
pub(super) fn change_of(change: &Change) -> Result<PatchChange> {
    let path = change.path.clone();
    Ok(match &change.after {
        Some(value) => PatchChange::Set {
            path,
            value: encode::operand(value)?,
        },
        None => PatchChange::Unset { path },
    })
}

/// The changes that make the top level of `stored` that of `now`, but for the keys `except`.
pub(super) fn replacing(
    stored: &Json,
    now: &Map<String, Json>,
    except: &[&str],
) -> Result<Vec<PatchChange>> {
    let mut changes = Vec::new();
    for key in stored.as_object().into_iter().flat_map(Map::keys) {
        if !now.contains_key(key) && !except.contains(&key.as_str()) {
            let path = FieldPath::from_segments([key])?;
            changes.push(PatchChange::Unset { path });
        }
    }
    for (key, value) in now {
        if stored.get(key) != Some(value) {
            changes.push(PatchChange::Set {
                path: FieldPath::from_segments([key])?,
                value: encode::operand(value)?,
            });
        }
    }
    Ok(changes)
}

/// Makes the changes in `document`; `false` if one of them cannot be made.
pub(super) fn apply(document: &mut Json, changes: &[PatchChange]) -> bool {
    changes.iter().all(|it| match it {
        PatchChange::Set { path, value } => set(document, path.segments(), value),
        PatchChange::Unset { path } => {
            unset(document, path.segments());
            true
        }
        // What differs between two documents comes to no others.
        PatchChange::SetExpr { .. }
        | PatchChange::Inc { .. }
        | PatchChange::Mul { .. }
        | PatchChange::Min { .. }
        | PatchChange::Max { .. }
        | PatchChange::Push { .. }
        | PatchChange::AddToSet { .. }
        | PatchChange::Pull { .. }
        | PatchChange::PopFirst { .. }
        | PatchChange::PopLast { .. }
        | PatchChange::Rename { .. } => false,
    })
}

fn set(at: &mut Json, path: &[String], value: &Value) -> bool {
    let Some((key, deeper)) = path.split_first() else {
        let Ok(value) = serde_json::to_value(value) else {
            return false;
        };
        *at = value;
        return true;
    };
    if at.is_null() {
        *at = Json::Object(Map::new());
    }
    match at {
        Json::Object(map) => set(map.entry(key).or_insert(Json::Null), deeper, value),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => false,
    }
}

fn unset(at: &mut Json, path: &[String]) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(at, |it, key| it.get_mut(key));
    if let Some(Json::Object(map)) = parent {
        map.remove(last);
    }
}

/// The stored document after a patch.
pub(crate) fn patched(stored: &[u8], patch: &Patch) -> Result<Vec<u8>> {
    let broken = |why| {
        Error::new(
            ErrorKind::Corrupt,
            "what is remembered of the document cannot be read",
        )
        .with_source(why)
    };
    let mut document: Json = serde_json::from_slice(stored).map_err(broken)?;
    if !apply(&mut document, &patch.changes) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "what is remembered of the document is not what is stored",
        ));
    }
    serde_json::to_vec(&document).map_err(broken)
}
