//! Comparing what a document says with what is stored.

use std::collections::BTreeSet;

use den_backend::{Change as PatchChange, Error, ErrorKind, FieldPath, Result};
use serde_json::Map;

use super::{
    Change,
    patch::{apply, change_of, replacing},
    snapshot,
};
use crate::{Document, Json, document::decode_body, encode, write::encoded};

/// What den itself changes with each write.
const OWN: [&str; 3] = ["_id", "_updated_at", "_rev"];

/// A document beside what is stored of it.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// As it is stored.
    stored: Json,
    /// As the document says.
    now: Map<String, Json>,
    changes: Vec<Change>,
}

impl Comparison {
    pub(crate) fn of<D: Document>(document: &D) -> Result<Self> {
        let body = snapshot(document)?;
        let id = document.id().as_str();
        let stored: Json = encode::decode(D::COLLECTION, id, body)?;
        if stored.get("_id").and_then(Json::as_str) != Some(id) {
            return Err(Error::new(
                ErrorKind::InvalidDocument,
                "the id was changed since the document was loaded or saved, so there is nothing \
                 to compare it with",
            )
            .with_collection(D::COLLECTION)
            .with_id(id));
        }
        let now = object::<D>(document)?;
        let before = normal::<D>(id, body, &stored, &now)?;
        let changes = difference(&before, &now)?;
        Ok(Self {
            stored,
            now,
            changes,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// The objects of the stored document that changed values lie in, the document itself left out.
    pub(crate) fn parents(&self) -> Result<BTreeSet<FieldPath>> {
        let mut parents = BTreeSet::new();
        for change in &self.changes {
            let Some((_, parent)) = change.path.segments().split_last() else {
                continue;
            };
            let stored = parent.iter().try_fold(&self.stored, |it, key| it.get(key));
            if !parent.is_empty() && stored.is_some_and(Json::is_object) {
                parents.insert(FieldPath::from_segments(parent)?);
            }
        }
        Ok(parents)
    }

    /// The changes that make the stored document say what the document says.
    pub(crate) fn into_patch<D: Document>(self) -> Result<Vec<PatchChange>> {
        let changes: Vec<PatchChange> =
            self.changes.iter().map(change_of).collect::<Result<_>>()?;
        // What is stored may have another form than what den writes: an old name that serde still
        // reads, a parent that is not there. So make sure that the small patch leads to the
        // document, and else replace the top level.
        let mut patched = self.stored.clone();
        if apply(&mut patched, &changes) && self.is_met_by::<D>(&patched) {
            return Ok(changes);
        }
        replacing(&self.stored, &self.now, &OWN)
    }

    fn is_met_by<D: Document>(&self, stored: &Json) -> bool {
        let (Ok(body), Some(id)) = (serde_json::to_vec(stored), stored["_id"].as_str()) else {
            return false;
        };
        normal::<D>(id, &body, stored, &self.now).is_ok_and(|it| it == self.now)
    }
}

/// What den would store for what is stored.
fn normal<D: Document>(
    id: &str,
    body: &[u8],
    stored: &Json,
    now: &Map<String, Json>,
) -> Result<Map<String, Json>> {
    let mut normal = object::<D>(&decode_body::<D>(id, body)?)?;
    // A field may be written and never read, as with `#[serde(skip_deserializing)]`.
    for (key, value) in now {
        if stored.get(key) == Some(value) {
            normal.insert(key.clone(), value.clone());
        }
    }
    Ok(normal)
}

/// The stored form, without what den itself changes.
fn object<D: Document>(document: &D) -> Result<Map<String, Json>> {
    let body = encoded(document)?;
    let mut object: Map<String, Json> =
        encode::decode(D::COLLECTION, document.id().as_str(), &body)?;
    for key in OWN {
        object.remove(key);
    }
    Ok(object)
}

/// Where two objects differ.
pub(super) fn difference(
    before: &Map<String, Json>,
    after: &Map<String, Json>,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for key in keys(before, after) {
        let path = FieldPath::from_segments([key])?;
        descend(path, before.get(key), after.get(key), &mut changes);
    }
    Ok(changes)
}

fn descend(
    path: FieldPath,
    before: Option<&Json>,
    after: Option<&Json>,
    changes: &mut Vec<Change>,
) {
    if before == after {
        return;
    }
    if let (Some(Json::Object(before)), Some(Json::Object(after))) = (before, after) {
        let inner: Result<Vec<_>> = keys(before, after)
            .into_iter()
            .map(|key| Ok((path.child(key)?, before.get(key), after.get(key))))
            .collect();
        // With a key that no path can name, the object is one value.
        if let Ok(inner) = inner {
            for (path, before, after) in inner {
                descend(path, before, after, changes);
            }
            return;
        }
    }
    changes.push(Change {
        path,
        before: before.cloned(),
        after: after.cloned(),
    });
}

fn keys<'a>(one: &'a Map<String, Json>, other: &'a Map<String, Json>) -> BTreeSet<&'a str> {
    one.keys().chain(other.keys()).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check((before, after): (Json, Json), expected: &str) {
        let changes = difference(before.as_object().unwrap(), after.as_object().unwrap()).unwrap();
        let said: Vec<String> = changes
            .iter()
            .map(|it| {
                let text = |it: &Option<Json>| it.as_ref().map_or("-".into(), Json::to_string);
                format!("{}: {} > {}", it.path, text(&it.before), text(&it.after))
            })
            .collect();
        assert_eq!(said.join("; "), expected);
        let mut patched = before.clone();
        let patch: Vec<_> = changes.iter().map(|it| change_of(it).unwrap()).collect();
        assert!(apply(&mut patched, &patch));
        assert_eq!(patched, after);
    }

    #[test]
    fn objects_are_looked_into_and_arrays_are_one_value() {
        check((json!({"a": 1}), json!({"a": 1})), "");
        check((json!({"a": 1}), json!({"a": 2})), "a: 1 > 2");
        check((json!({"a": 1}), json!({"b": 1})), "a: 1 > -; b: - > 1");
        check(
            (
                json!({"a": {"b": 1, "c": {"d": 1}}}),
                json!({"a": {"b": 1, "c": {"d": null, "e": 2}}}),
            ),
            "a.c.d: 1 > null; a.c.e: - > 2",
        );
        check(
            (json!({"a": [1, 2]}), json!({"a": [1, 3]})),
            "a: [1,2] > [1,3]",
        );
        check(
            (json!({"a": null}), json!({"a": {"b": 1}})),
            r#"a: null > {"b":1}"#,
        );
        check((json!({"a": {"b": 1}}), json!({"a": {}})), "a.b: 1 > -");
        check((json!({"a": {}}), json!({"a": 7})), "a: {} > 7");
    }

    #[test]
    fn odd_keys_are_no_obstacle() {
        check(
            (
                json!({"a": {"x.y": 1, "0": 2}}),
                json!({"a": {"x.y": 2, "0": 3}}),
            ),
            r#"a.0: 2 > 3; a."x.y": 1 > 2"#,
        );
        check(
            (json!({"a": {"": 1, "b": 2}}), json!({"a": {"": 1, "b": 3}})),
            r#"a: {"":1,"b":2} > {"":1,"b":3}"#,
        );
    }
}
