//! Patches as trees: what a patch comes to, worked out before any document is seen.
//!
//! Changes fold into one tree over the document as it was: a statement reads each place of it once,
//! however many changes there are. What stays to be found out in the document is whether the parents
//! of a value are objects, and whether a value that is changed by what it is has the right type.
//!
//! A change that looks at a place that an earlier one has touched starts another [stage](stages): a
//! tree over what the stage before has made.

use std::collections::BTreeMap;

use den_backend::{Change, FieldKind, Patch, Value};

use crate::filter::Filters;

/// What one stage of a patch comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes<'a> {
    /// If this is a move: the keys that lead to what is moved. Where nothing is there, nothing is
    /// asked and nothing changes.
    pub moved: Option<&'a [String]>,
    /// What must hold of the document as it was, in the order it is asked.
    pub guards: Vec<Guard<'a>>,
    /// What the document becomes, if all that holds and nothing else fails.
    pub document: Kept<'a>,
    /// Why no document can be changed, if none can.
    pub failure: Option<Failure>,
}

/// The value at a place must be of a kind, null or missing, for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard<'a> {
    /// The number of the change in the patch, from 0.
    pub change: usize,
    /// The keys that lead to the place: the first of the change's path, or all of them.
    pub keys: &'a [String],
    /// What must be there: an object, if the change is made below.
    pub kind: FieldKind,
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
    /// It becomes what this change, with its number in the patch, makes of it; of a `Rename` what lies
    /// at the other path.
    Computed(usize, &'a Change),
    /// It becomes an array with these values at its end.
    Pushed(Vec<&'a Value>),
}

/// A value that is kept, but for some of its keys. If it is no object they are not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept<'a> {
    /// Whether it becomes an object where it is null or missing.
    pub is_made: bool,
    /// What becomes of its keys.
    pub keys: BTreeMap<&'a str, Node<'a>>,
}

/// The document that a stage starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The row: `d.data`.
    Row,
    /// What the stage before made of it: `s.data`.
    Stage,
}

impl Base {
    /// The document itself.
    pub(crate) const fn data(self) -> &'static str {
        match self {
            Self::Row => "d.data",
            Self::Stage => "s.data",
        }
    }
}

/// Where a stage is written.
#[derive(Debug, Clone, Copy)]
pub struct Staged<'a> {
    /// What it starts from.
    pub base: Base,
    /// Where the fields of computed values lie: in the row as it was, at any stage.
    pub(crate) filters: Filters<'a>,
}

/// What `patch` comes to, stage by stage: at least one.
pub fn stages(patch: &Patch) -> Vec<Changes<'_>> {
    let mut done = Vec::new();
    let mut stage = Changes::default();
    for (number, change) in patch.changes.iter().enumerate() {
        if !stage.can_take(change) {
            done.push(std::mem::take(&mut stage));
        }
        stage.take(number, change);
        if stage.failure.is_some() {
            break;
        }
    }
    done.push(stage);
    done
}

impl<'a> Changes<'a> {
    /// Whether a change can be made in this stage, beside those that are in it.
    fn can_take(&mut self, change: &Change) -> bool {
        match change {
            Change::Set { path, .. } | Change::Unset { path } => {
                self.moved.is_none() && !self.document.computes(path.segments())
            }
            Change::Push { path, .. } if self.document.pushed(path.segments()).is_some() => true,
            Change::SetExpr { path, .. }
            | Change::Inc { path, .. }
            | Change::Mul { path, .. }
            | Change::Min { path, .. }
            | Change::Max { path, .. }
            | Change::Push { path, .. }
            | Change::AddToSet { path, .. }
            | Change::Pull { path, .. }
            | Change::PopFirst { path }
            | Change::PopLast { path } => {
                self.moved.is_none() && !self.document.touches(path.segments())
            }
            Change::Rename { .. } => *self == Self::default(),
        }
    }

    fn take(&mut self, number: usize, change: &'a Change) {
        let path = change.path().segments();
        match change {
            Change::Set { value, .. } => self.failure = self.set(number, path, value),
            Change::Unset { .. } => self.unset(path),
            Change::SetExpr { .. }
            | Change::Inc { .. }
            | Change::Mul { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::AddToSet { .. } => {
                self.compute(
                    number,
                    change,
                    Parents::Made,
                    Node::Computed(number, change),
                );
            }
            Change::Push { value, .. } => match self.document.pushed(path) {
                Some(values) => values.push(value),
                None => self.compute(number, change, Parents::Made, Node::Pushed(vec![value])),
            },
            Change::Pull { .. } | Change::PopFirst { .. } | Change::PopLast { .. } => {
                self.compute(
                    number,
                    change,
                    Parents::Kept,
                    Node::Computed(number, change),
                );
            }
            Change::Rename { from, .. } => {
                self.moved = Some(from.segments());
                self.unset(from.segments());
                self.compute(
                    number,
                    change,
                    Parents::Made,
                    Node::Computed(number, change),
                );
            }
        }
    }

    /// Puts a computed value at a place that nothing else of this stage touches.
    fn compute(&mut self, number: usize, change: &'a Change, of: Parents, node: Node<'a>) {
        let path = change.path().segments();
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut kept = &mut self.document;
        for (i, key) in parents.iter().enumerate() {
            let Node::Kept(below) = kept.keys.entry(key).or_default() else {
                return;
            };
            if of == Parents::Made && !below.is_made {
                let keys = path.get(..=i).unwrap_or_default();
                self.guards.push(Guard {
                    change: number,
                    keys,
                    kind: FieldKind::Object,
                });
                below.is_made = true;
            }
            kept = below;
        }
        kept.keys.insert(last, node);
        if let Some(kind) = change.needs() {
            self.guards.push(Guard {
                change: number,
                keys: path,
                kind,
            });
        }
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
                        let kind = FieldKind::Object;
                        self.guards.push(Guard { change, keys, kind });
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
                // Such a change starts a stage of its own.
                Node::Computed(..) | Node::Pushed(_) => return None,
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
                Node::Gone | Node::Computed(..) | Node::Pushed(_) => return,
                Node::Replaced(constant) => {
                    return take(constant, path.get(i + 1..).unwrap_or_default());
                }
            }
        }
        kept.keys.insert(last, Node::Gone);
    }
}

impl<'a> Kept<'a> {
    /// What is pushed to an array, if nothing else is done to it.
    fn pushed(&mut self, path: &[String]) -> Option<&mut Vec<&'a Value>> {
        let (last, parents) = path.split_last()?;
        let mut kept = self;
        for key in parents {
            let Node::Kept(below) = kept.keys.get_mut(key.as_str())? else {
                return None;
            };
            kept = below;
        }
        match kept.keys.get_mut(last.as_str())? {
            Node::Pushed(values) => Some(values),
            Node::Kept(_) | Node::Gone | Node::Replaced(_) | Node::Computed(..) => None,
        }
    }

    /// Whether anything at, above or below a place is changed.
    fn touches(&self, path: &[String]) -> bool {
        let mut kept = self;
        for (i, key) in path.iter().enumerate() {
            match kept.keys.get(key.as_str()) {
                None => return false,
                Some(Node::Kept(below)) if i + 1 < path.len() => kept = below,
                Some(
                    Node::Kept(_)
                    | Node::Gone
                    | Node::Replaced(_)
                    | Node::Computed(..)
                    | Node::Pushed(_),
                ) => return true,
            }
        }
        true
    }

    /// Whether anything at, above or below a place is computed.
    fn computes(&self, path: &[String]) -> bool {
        let mut kept = self;
        for key in path {
            match kept.keys.get(key.as_str()) {
                None | Some(Node::Gone | Node::Replaced(_)) => return false,
                Some(Node::Computed(..) | Node::Pushed(_)) => return true,
                Some(Node::Kept(below)) => kept = below,
            }
        }
        kept.computes_any()
    }

    fn computes_any(&self) -> bool {
        self.keys.values().any(|it| match it {
            Node::Kept(below) => below.computes_any(),
            Node::Computed(..) | Node::Pushed(_) => true,
            Node::Gone | Node::Replaced(_) => false,
        })
    }
}

/// What becomes of the parents of a computed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parents {
    /// They are made where they are missing.
    Made,
    /// They stay as they are.
    Kept,
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

    fn inc(path: &str) -> Change {
        Change::Inc {
            path: FieldPath::parse(path).unwrap(),
            by: Value::Int(1),
        }
    }

    fn pop(path: &str) -> Change {
        Change::PopLast {
            path: FieldPath::parse(path).unwrap(),
        }
    }

    fn push(path: &str) -> Change {
        Change::Push {
            path: FieldPath::parse(path).unwrap(),
            value: Value::Int(1),
        }
    }

    fn rename(from: &str, to: &str) -> Change {
        Change::Rename {
            from: FieldPath::parse(from).unwrap(),
            to: FieldPath::parse(to).unwrap(),
        }
    }

    /// The trees as text: `=` replaced, `-` gone, `+` made, `~` kept, `*` computed, `<` pushed; stages by
    /// `|`.
    #[track_caller]
    fn check(changes: Vec<Change>, expected: &str) {
        fn show(kept: &Kept<'_>) -> String {
            let keys = kept.keys.iter().map(|(key, node)| match node {
                Node::Kept(below) if below.is_made => format!("{key}+{}", show(below)),
                Node::Kept(below) => format!("{key}~{}", show(below)),
                Node::Gone => format!("{key}-"),
                Node::Replaced(value) => format!("{key}={value}"),
                Node::Computed(..) => format!("{key}*"),
                Node::Pushed(values) => format!("{key}<{}", values.len()),
            });
            format!("({})", keys.collect::<Vec<_>>().join(" "))
        }
        let patch = Patch::new(changes);
        let texts = stages(&patch).into_iter().map(|changes| {
            let mut text = show(&changes.document);
            for guard in &changes.guards {
                text.push_str(&format!(" {}:{}", guard.change, guard.keys.join(".")));
                if guard.kind != FieldKind::Object {
                    text.push_str(&format!(":{:?}", guard.kind));
                }
            }
            if let Some(it) = changes.failure {
                text.push_str(&format!(" fails {}:{} {:?}", it.change, it.keys, it.kind));
            }
            if let Some(from) = changes.moved {
                text.push_str(&format!(" moves {}", from.join(".")));
            }
            text
        });
        assert_eq!(texts.collect::<Vec<_>>().join(" | "), expected);
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

    #[test]
    fn what_is_computed_shares_a_stage_with_what_lies_elsewhere() {
        check(
            vec![inc("a.n"), set("a.m", "1"), pop("a.l"), set("b", "2")],
            "(a+(l* m=1 n*) b=2) 0:a 0:a.n:Number 2:a.l:Array",
        );
        check(vec![pop("a.b.c")], "(a~(b~(c*))) 0:a.b.c:Array");
    }

    #[test]
    fn pushes_to_one_array_are_one() {
        check(
            vec![push("a.l"), inc("n"), push("a.l"), push("m")],
            "(a+(l<2) m<1 n*) 0:a 0:a.l:Array 1:n:Number 3:m:Array",
        );
        check(
            vec![push("l"), pop("l"), push("l"), push("l"), set("l.x", "1")],
            "(l<1) 0:l:Array | (l*) 1:l:Array | (l<2) 2:l:Array | (l+(x=1)) 4:l",
        );
        check(
            vec![set("l", "[]"), push("l"), push("l"), unset("l")],
            "(l=[]) | (l<2) 1:l:Array | (l-)",
        );
    }

    #[test]
    fn what_looks_at_a_changed_place_starts_a_stage() {
        check(
            vec![inc("a"), inc("a")],
            "(a*) 0:a:Number | (a*) 1:a:Number",
        );
        check(vec![inc("a"), set("a", "1")], "(a*) 0:a:Number | (a=1)");
        check(vec![set("a", "1"), inc("a")], "(a=1) | (a*) 1:a:Number");
        check(
            vec![inc("a.b"), unset("a")],
            "(a+(b*)) 0:a 0:a.b:Number | (a-)",
        );
        check(
            vec![unset("a"), inc("a.b")],
            "(a-) | (a+(b*)) 1:a 1:a.b:Number",
        );
        check(
            vec![set("a.b", "1"), pop("a")],
            "(a+(b=1)) 0:a | (a*) 1:a:Array",
        );
        check(
            vec![pop("a"), set("a.b", "1")],
            "(a*) 0:a:Array | (a+(b=1)) 1:a",
        );
    }

    #[test]
    fn a_move_is_a_stage() {
        check(
            vec![set("x", "1"), rename("a.b", "a.c"), inc("y")],
            "(x=1) | (a+(b- c*)) 1:a moves a.b | (y*) 2:y:Number",
        );
    }
}
