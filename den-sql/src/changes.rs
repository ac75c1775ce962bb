//! Patches as trees: what a patch comes to, worked out before any document is seen.
//!
//! A patch only puts values and takes keys away, so the changes fold into one tree over the document
//! as it was: a statement reads each place of it once, however many changes there are. What stays
//! to be found out in the document is whether the parents of a value are objects.

use std::collections::BTreeMap;

use den_backend::{Change, FieldKind, Patch, Value};

/// What a patch comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes<'a> {
    /// What must hold of the document as it was, in the order it is asked.
    pub guards: Vec<Guard<'a>>,
    /// What the document becomes, if all that holds and nothing else fails.
    pub document: Kept<'a>,
    /// Why no document can be changed, if none can.
    pub failure: Option<Failure>,
}

/// The value at a place must be an object, null or missing, for a change to be made below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard<'a> {
    /// The number of the change in the patch, from 0.
    pub change: usize,
    /// The keys that lead to the place: the first of the change's path.
    pub keys: &'a [String],
}

/// A change that fails in every document: an earlier one put a value there that is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The number of the change in the patch, from 0.
    pub change: usize,
    /// So many keys of its path lead to the parent that is no object.
    pub keys: usize,
    /// What the parent holds.
    pub kind: FieldKind,
}

/// What becomes of the value at a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// It is kept, but for what lies below it.
    Kept(Kept<'a>),
    /// The key is taken away.
    Gone,
    /// It is replaced.
    Replaced(Value),
}

/// A value that is kept, but for some of its keys. If it is no object they are not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept<'a> {
    /// Whether it becomes an object where it is null or missing.
    pub is_made: bool,
    /// What becomes of its keys.
    pub keys: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Changes<'a> {
    /// What `patch` comes to.
    pub fn of(patch: &'a Patch) -> Self {
        let mut it = Self::default();
        for (number, change) in patch.changes.iter().enumerate() {
            let keys = change.path().segments();
            match change {
                Change::Set { value, .. } => {
                    it.failure = it.set(number, keys, value);
                    if it.failure.is_some() {
                        return it;
                    }
                }
                Change::Unset { .. } => it.unset(keys),
            }
        }
        it
    }

    fn set(&mut self, change: usize, path: &'a [String], value: &Value) -> Option<Failure> {
        let (last, parents) = path.split_last()?;
        let mut kept = &mut self.document;
        for (i, key) in parents.iter().enumerate() {
            let node = kept.keys.entry(key).or_default();
            match node {
                Node::Kept(below) => {
                    // One that is made already was asked for by an earlier change.
                    if !below.is_made {
                        let keys = path.get(..=i)?;
                        self.guards.push(Guard { change, keys });
                        below.is_made = true;
                    }
                    kept = below;
                }
                Node::Replaced(constant) => {
                    let below = path.get(i + 1..)?;
                    let failed = put(constant, below, value);
                    return failed.map(|(depth, kind)| Failure {
                        change,
                        keys: i + 1 + depth,
                        kind,
                    });
                }
                Node::Gone => {
                    let mut constant = Value::Null;
                    put(&mut constant, path.get(i + 1..)?, value);
                    *node = Node::Replaced(constant);
                    return None;
                }
            }
        }
        kept.keys.insert(last, Node::Replaced(value.clone()));
        None
    }

    fn unset(&mut self, path: &'a [String]) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut kept = &mut self.document;
        for (i, key) in parents.iter().enumerate() {
            match kept.keys.entry(key).or_default() {
                Node::Kept(below) => kept = below,
                Node::Gone => return,
                Node::Replaced(constant) => {
                    return take(constant, path.get(i + 1..).unwrap_or_default());
                }
            }
        }
        kept.keys.insert(last, Node::Gone);
    }
}

impl Default for Node<'_> {
    fn default() -> Self {
        Self::Kept(Kept::default())
    }
}

/// Puts a value at a path of keys below a constant. If a parent is no object, answers how many keys
/// lead to it and what it is.
fn put(constant: &mut Value, path: &[String], value: &Value) -> Option<(usize, FieldKind)> {
    let mut at = constant;
    for (depth, key) in path.iter().enumerate() {
        if at.is_null() {
            *at = Value::Object(BTreeMap::new());
        }
        let kind = kind_of(at);
        let Value::Object(map) = at else {
            return Some((depth, kind));
        };
        at = map.entry(key.clone()).or_default();
    }
    *at = value.clone();
    None
}

/// Takes the key at the end of a path away from a constant.
fn take(constant: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut at = constant;
    for key in parents {
        let Value::Object(map) = at else { return };
        let Some(below) = map.get_mut(key) else {
            return;
        };
        at = below;
    }
    if let Value::Object(map) = at {
        map.remove(last);
    }
}

fn kind_of(value: &Value) -> FieldKind {
    match value {
        Value::Null => FieldKind::Any,
        Value::Bool(_) => FieldKind::Bool,
        Value::Int(_) | Value::Float(_) => FieldKind::Number,
        Value::Text(_) => FieldKind::Text,
        Value::Array(_) => FieldKind::Array,
        Value::Object(_) => FieldKind::Object,
    }
}

#[cfg(test)]
mod tests {
    use den_backend::FieldPath;

    use super::*;

    fn set(path: &str, value: &str) -> Change {
        Change::Set {
            path: FieldPath::parse(path).unwrap(),
            value: serde_json::from_str(value).unwrap(),
        }
    }

    fn unset(path: &str) -> Change {
        Change::Unset {
            path: FieldPath::parse(path).unwrap(),
        }
    }

    /// The tree as text: `=` replaced, `-` gone, `+` made, `~` kept.
    #[track_caller]
    fn check(changes: Vec<Change>, expected: &str) {
        fn show(kept: &Kept<'_>) -> String {
            let keys = kept.keys.iter().map(|(key, node)| match node {
                Node::Kept(below) if below.is_made => format!("{key}+{}", show(below)),
                Node::Kept(below) => format!("{key}~{}", show(below)),
                Node::Gone => format!("{key}-"),
                Node::Replaced(value) => format!("{key}={value}"),
            });
            format!("({})", keys.collect::<Vec<_>>().join(" "))
        }
        let patch = Patch::new(changes);
        let changes = Changes::of(&patch);
        let mut text = show(&changes.document);
        for guard in &changes.guards {
            text.push_str(&format!(" {}:{}", guard.change, guard.keys.join(".")));
        }
        if let Some(it) = changes.failure {
            text.push_str(&format!(" fails {}:{} {:?}", it.change, it.keys, it.kind));
        }
        assert_eq!(text, expected);
    }

    #[test]
    fn changes_fold_into_one_tree() {
        check(vec![set("a", "1"), set("a", "2")], "(a=2)");
        check(
            vec![set("a.b.c", "1"), set("a.d", "2")],
            "(a+(b+(c=1) d=2)) 0:a 0:a.b",
        );
        check(vec![unset("a.b"), set("a.c", "1")], "(a+(b- c=1)) 1:a");
        check(vec![unset("a.b.c")], "(a~(b~(c-)))");
        check(vec![set("a.b", "1"), unset("a")], "(a-) 0:a");
        check(vec![unset("a"), set("a.b", "1")], r#"(a={"b":1})"#);
        check(vec![unset("a"), unset("a.b")], "(a-)");
    }

    #[test]
    fn what_was_put_is_changed_in_place() {
        check(
            vec![set("a", r#"{"b":null}"#), set("a.b.0", "1"), unset("a.x.y")],
            r#"(a={"b":{"0":1}})"#,
        );
        check(vec![set("a", r#"{"b":1}"#), unset("a.b")], "(a={})");
        check(vec![set("a", "5"), unset("a.b")], "(a=5)");
    }

    #[test]
    fn a_change_below_a_scalar_that_was_put_fails_everywhere() {
        check(
            vec![set("x.y", "1"), set("x.y.z", "2"), set("b", "3")],
            "(x+(y=1)) 0:x fails 1:2 Number",
        );
        check(
            vec![set("a", r#"{"b":[1]}"#), set("a.b.0", "2")],
            r#"(a={"b":[1]}) fails 1:2 Array"#,
        );
    }
}
