//! How many changes of a patch build on one another.

use std::collections::BTreeSet;

use crate::{Change, Error, ErrorKind, Result};

/// So many stages a patch may have. A statement is planned in a time that grows with their cube, and
/// deeper ones exceed what a server can read.
pub(crate) const MAX_STAGES: usize = 64;

/// Changes that do not look at what one another makes: they can be made in any order.
#[derive(Default)]
struct Stage<'a> {
    touched: BTreeSet<&'a [String]>,
    computed: BTreeSet<&'a [String]>,
    /// What of it is pushed to only.
    pushed: BTreeSet<&'a [String]>,
    is_move: bool,
}

/// Checks that not too many changes look at what earlier ones make.
pub(super) fn check_stages(changes: &[Change]) -> Result<()> {
    let mut stage = Stage::default();
    let mut count = 1;
    for change in changes {
        if !stage.has_room(change) {
            stage = Stage::default();
            count += 1;
        }
        stage.take(change);
    }
    if count > MAX_STAGES {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "the patch changes what it has changed before more than {MAX_STAGES} times; make one \
                 change of several to the same field, or update several times in a transaction"
            ),
        ));
    }
    Ok(())
}

impl<'a> Stage<'a> {
    fn has_room(&self, change: &Change) -> bool {
        let path = change.path().segments();
        match change {
            // What puts constants folds into one.
            Change::Set { .. } | Change::Unset { .. } => {
                !self.is_move && !overlaps(&self.computed, path)
            }
            // As several pushes to one array do.
            Change::Push { .. } if self.pushed.contains(path) => true,
            Change::SetExpr { .. }
            | Change::Inc { .. }
            | Change::Mul { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::Push { .. }
            | Change::AddToSet { .. }
            | Change::Pull { .. }
            | Change::PopFirst { .. }
            | Change::PopLast { .. } => !self.is_move && !overlaps(&self.touched, path),
            // It is made as a whole or not at all.
            Change::Rename { .. } => self.touched.is_empty(),
        }
    }

    fn take(&mut self, change: &'a Change) {
        let path = change.path().segments();
        self.touched.insert(path);
        match change {
            Change::Set { .. } | Change::Unset { .. } => {}
            Change::Push { .. } => {
                self.computed.insert(path);
                self.pushed.insert(path);
            }
            Change::SetExpr { .. }
            | Change::Inc { .. }
            | Change::Mul { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::AddToSet { .. }
            | Change::Pull { .. }
            | Change::PopFirst { .. }
            | Change::PopLast { .. } => {
                self.computed.insert(path);
            }
            Change::Rename { .. } => self.is_move = true,
        }
    }
}

/// Whether one of these places is this one, or lies above or below it.
fn overlaps(places: &BTreeSet<&[String]>, path: &[String]) -> bool {
    let mut above = (1..=path.len()).filter_map(|length| path.get(..length));
    above.any(|it| places.contains(it))
        // What lies below comes right after it.
        || places.range(path..).next().is_some_and(|it| it.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FieldPath, Value};

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    fn inc(at: &str) -> Change {
        Change::Inc {
            path: path(at),
            by: Value::Int(1),
        }
    }

    fn set(at: &str) -> Change {
        Change::Set {
            path: path(at),
            value: Value::Int(1),
        }
    }

    fn is_refused(changes: &[Change]) -> bool {
        match check_stages(changes) {
            Ok(()) => false,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidQuery);
                true
            }
        }
    }

    #[test]
    fn changes_of_one_place_are_limited() {
        let same = |count| vec![inc("a.b"); count];
        assert!(!is_refused(&same(MAX_STAGES)));
        assert!(is_refused(&same(MAX_STAGES + 1)));
        let above_and_below: Vec<Change> = (0..=MAX_STAGES / 2)
            .flat_map(|_| [inc("a"), inc("a.b.c")])
            .collect();
        assert!(is_refused(&above_and_below));
        let renames = vec![
            Change::Rename {
                from: path("a"),
                to: path("b")
            };
            MAX_STAGES + 1
        ];
        assert!(is_refused(&renames));
    }

    #[test]
    fn changes_of_many_places_are_not() {
        let places: Vec<Change> = (0..2000).map(|it| inc(&format!("a{it}.b"))).collect();
        let twice: Vec<Change> = [places.clone(), places].concat();
        assert!(!is_refused(&twice));
        assert!(!is_refused(&vec![set("a"); 2000]));
        let push = |at: &str| Change::Push {
            path: path(at),
            value: Value::Int(1),
        };
        assert!(!is_refused(&vec![push("a"); 2000]));
        let mixed: Vec<Change> = (0..MAX_STAGES)
            .flat_map(|_| [push("a"), inc("a.b")])
            .collect();
        assert!(is_refused(&mixed));
    }
}
