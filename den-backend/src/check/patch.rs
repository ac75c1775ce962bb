//! What a patch may do.

use super::{Checker, Depth, stages::check_stages};
use crate::{
    Capabilities, Capability, Change, Error, ErrorKind, Expr, FieldPath, Patch, Result, Root, Value,
};

/// The deepest nesting of a document: `serde_json` reads no deeper one.
pub const MAX_NESTING: usize = 127;

impl Patch {
    /// Checks that the patch can be applied to any document.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a patch without changes, for a change of the document as a whole or of its
    ///   `_id`, and for a patch that changes what it has changed before more than 64 times; several
    ///   constants for one field count as one change, and so do several values pushed to one array.
    /// - `InvalidDocument` for a value that no document can hold there: NaN or an infinity, text
    ///   or a key with NUL, nesting deeper than 127 levels.
    /// - `Unsupported` for a computed value, if the backend cannot compute.
    pub fn check(&self, capabilities: Capabilities) -> Result<()> {
        if self.changes.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "a patch without changes",
            ));
        }
        let mut changes = self.changes.iter();
        changes.try_for_each(|it| check_change(it, capabilities))?;
        check_stages(&self.changes)
    }

    /// Checks that the patch is meant for the engine of this name.
    ///
    /// # Errors
    ///
    /// `Unsupported` for what another engine alone can compute.
    pub fn check_engine(&self, engine: &str) -> Result<()> {
        let mut changes = self.changes.iter();
        changes.try_for_each(|it| {
            if let Change::SetExpr { path: _, value } = it {
                return value.check_engine(engine);
            }
            Ok(())
        })
    }
}

fn check_change(change: &Change, capabilities: Capabilities) -> Result<()> {
    let path = change.path();
    check_path(path)?;
    let fits = |value: &Value, depth: usize| {
        let problem = check_value(value, depth);
        problem.map_err(|it| Error::cannot_be_set(path, it))
    };
    let depth = path.segments().len();
    match change {
        Change::Set { path: _, value } => fits(value, depth),
        Change::Push { path: _, value }
        | Change::AddToSet { path: _, value }
        | Change::Pull { path: _, value } => fits(value, depth + 1),
        Change::Inc { path: _, by: value } | Change::Mul { path: _, by: value } => {
            if !matches!(value, Value::Int(_) | Value::Float(_)) {
                return Err(wrong(path, "can only be changed by a number"));
            }
            fits(value, depth)
        }
        Change::Min { path: _, value } | Change::Max { path: _, value } => match value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => fits(value, depth),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(wrong(
                path,
                "can only be compared with a number, text or a bool",
            )),
        },
        Change::SetExpr { path: _, value } => {
            let checker = Checker { capabilities };
            checker.needs(Capability::Expressions)?;
            // A constant is put as `Set` would put it.
            if let Expr::Value(value) = value {
                return fits(value, depth);
            }
            fits(&Value::Null, depth)?;
            checker.argument(value, Root::Document, Depth::default())
        }
        Change::Rename { from, to } => {
            check_path(from)?;
            let shorter = from.segments().len().min(to.segments().len());
            if from.segments().get(..shorter) == to.segments().get(..shorter) {
                return Err(wrong(from, "cannot be moved into or out of itself"));
            }
            fits(&Value::Null, depth)
        }
        Change::Unset { .. } | Change::PopFirst { .. } | Change::PopLast { .. } => Ok(()),
    }
}

fn check_path(path: &FieldPath) -> Result<()> {
    let Some(first) = path.segments().first() else {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "a patch changes fields, not the document as a whole",
        ));
    };
    if first == "_id" {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "the `_id` of a document never changes",
        ));
    }
    Ok(())
}

fn wrong(path: &FieldPath, why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, format!("the field `{path}` {why}"))
}

/// `depth` is how many arrays and objects the value lies in.
fn check_value(value: &Value, depth: usize) -> Result<(), &'static str> {
    let nul = "text with a NUL character cannot be stored";
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) => check_depth(depth),
        Value::Float(it) if it.is_finite() => check_depth(depth),
        Value::Float(_) => Err("NaN and infinities are not JSON"),
        Value::Text(it) if it.contains('\0') => Err(nul),
        Value::Text(_) => check_depth(depth),
        Value::Array(items) => {
            check_depth(depth + 1)?;
            items.iter().try_for_each(|it| check_value(it, depth + 1))
        }
        Value::Object(map) => {
            check_depth(depth + 1)?;
            map.iter()
                .try_for_each(|(key, it)| match key.contains('\0') {
                    true => Err(nul),
                    false => check_value(it, depth + 1),
                })
        }
    }
}

/// What is wrong with a value that nests too deep.
pub(crate) const TOO_DEEP: &str = "the document would be nested deeper than 127 levels";

fn check_depth(depth: usize) -> Result<(), &'static str> {
    match depth > MAX_NESTING {
        true => Err(TOO_DEEP),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldPath;

    fn check(path: &str, value: Value) -> Option<ErrorKind> {
        let path = FieldPath::parse(path).unwrap();
        let patch = Patch::new(vec![Change::Set { path, value }]);
        patch.check(Capabilities::all()).err().map(|it| it.kind())
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn a_patch_changes_fields_but_the_id() {
        assert_eq!(
            Patch::default()
                .check(Capabilities::all())
                .unwrap_err()
                .kind(),
            ErrorKind::InvalidQuery
        );
        assert_eq!(check("_id", Value::Null), Some(ErrorKind::InvalidQuery));
        assert_eq!(check("_id.x", Value::Null), Some(ErrorKind::InvalidQuery));
        assert_eq!(check("x._id", Value::Null), None);
        assert_eq!(check("_rev", Value::Null), None);
        let path = FieldPath::root();
        let patch = Patch::new(vec![Change::Unset { path }]);
        assert_eq!(
            patch.check(Capabilities::all()).unwrap_err().kind(),
            ErrorKind::InvalidQuery
        );
    }

    #[test]
    fn a_value_must_fit_into_a_document() {
        let invalid = Some(ErrorKind::InvalidDocument);
        assert_eq!(check("x", Value::Float(f64::NAN)), invalid);
        assert_eq!(
            check("x", Value::Array(vec![Value::Float(f64::INFINITY)])),
            invalid
        );
        assert_eq!(check("x", "a\0".into()), invalid);
        let key = [("a\0".to_owned(), Value::Null)];
        assert_eq!(
            check("x", Value::Object(key.into_iter().collect())),
            invalid
        );
        assert_eq!(check("x", "a\u{1}".into()), None);
    }

    #[test]
    fn a_document_stays_readable() {
        assert_eq!(check("x", nested(126)), None);
        assert_eq!(check("x", nested(127)), Some(ErrorKind::InvalidDocument));
        assert_eq!(check("a.b.c", nested(124)), None);
        assert_eq!(
            check("a.b.c", nested(125)),
            Some(ErrorKind::InvalidDocument)
        );
        let deep = vec!["a"; 128].join(".");
        assert_eq!(check(&deep, Value::Null), Some(ErrorKind::InvalidDocument));
        let document = format!("{{\"x\":{}}}", nested(126));
        assert!(serde_json::from_str::<Value>(&document).is_ok());
    }
}
