//! Change tracking: what a document was when it was loaded or saved.

use std::{fmt, sync::Arc};

use den_backend::{Patch, Result};

use crate::{base::Scope, changes::patched};

/// Remembers what is stored, so that a document can tell what was changed since; a field of the
/// document with `#[serde(skip)]`. What can be asked then is in [`Tracking`](crate::Tracking).
#[derive(Clone, Default)]
pub struct Tracked {
    /// As JSON; the newest last.
    snapshots: Vec<Snapshot>,
}

/// What was stored, and the transaction that wrote it, if it was one.
type Snapshot = (Option<Arc<Scope>>, Arc<[u8]>);

impl Tracked {
    /// What is stored, looking through a transaction that was rolled back.
    pub(crate) fn current(&self) -> Option<&[u8]> {
        let newest = self.snapshots.iter().rev().find(|(it, _)| !is_void(it));
        newest.map(|(_, body)| &**body)
    }

    /// Remembers what was loaded, or what was written in `scope`.
    pub(crate) fn remember(&mut self, scope: Option<Arc<Scope>>, body: &[u8]) {
        self.settle();
        // The last write of a transaction is the one that counts.
        self.snapshots.retain(|(it, _)| !is_same(it, &scope));
        // What lies behind something that stays is never needed again.
        if let Some(at) = self.snapshots.iter().rposition(|(it, _)| is_final(it)) {
            self.snapshots.drain(..at);
        }
        if is_final(&scope) {
            self.snapshots.clear();
        }
        self.snapshots.push((scope, Arc::from(body)));
    }

    /// Forgets what was rolled back, and what a later write of the same part has replaced.
    fn settle(&mut self) {
        let mut settled: Vec<Snapshot> = Vec::with_capacity(self.snapshots.len());
        for (scope, body) in self.snapshots.drain(..) {
            if is_void(&scope) {
                continue;
            }
            let scope = scope.map(|it| it.owner());
            settled.pop_if(|(earlier, _)| is_same(earlier, &scope));
            settled.push((scope, body));
        }
        self.snapshots = settled;
    }

    /// Remembers that a patch of the stored document was written in `scope`. What was never
    /// remembered stays unknown.
    pub(crate) fn patch(&mut self, scope: Option<Arc<Scope>>, patch: &Patch) -> Result<()> {
        let Some(stored) = self.current() else {
            return Ok(());
        };
        let body = patched(stored, patch)?;
        self.remember(scope, &body);
        Ok(())
    }
}

/// Whether the transaction that wrote this was rolled back.
fn is_void(scope: &Option<Arc<Scope>>) -> bool {
    scope.as_ref().is_some_and(|it| it.is_rolled_back())
}

/// Whether nothing can take this back any more.
fn is_final(scope: &Option<Arc<Scope>>) -> bool {
    scope.as_ref().is_none_or(|it| it.is_final())
}

fn is_same(one: &Option<Arc<Scope>>, other: &Option<Arc<Scope>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, _) | (_, None) => false,
    }
}

impl PartialEq for Tracked {
    /// What is remembered is no part of what a document says, so all are equal.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Tracked {}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked")
            .field("has_snapshot", &self.current().is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_savepoints_leave_two_snapshots() {
        let whole = Arc::new(Scope::default());
        let mut it = Tracked::default();
        it.remember(None, b"0");
        for body in [b"1", b"2", b"3"] {
            let part = Scope::within(&whole);
            it.remember(Some(Arc::clone(&part)), body);
            part.mark_committed();
        }
        it.remember(Some(Arc::clone(&whole)), b"4");
        assert_eq!(it.snapshots.len(), 2);
        let part = Scope::within(&whole);
        it.remember(Some(Arc::clone(&part)), b"5");
        assert_eq!(it.current(), Some(b"5".as_slice()));
        part.mark_rolled_back();
        assert_eq!(it.current(), Some(b"4".as_slice()));
        whole.mark_rolled_back();
        assert_eq!(it.current(), Some(b"0".as_slice()));
        it.remember(None, b"6");
        assert_eq!(it.snapshots.len(), 1);
    }
}
