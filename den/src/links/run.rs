//! What one save or delete has done so far, with all that follows from it.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use den_backend::{Error, ErrorKind, Result};

use crate::{DeleteOptions, OnDelete};

/// So deep a delete may cascade: each level is a call within a call.
const MAX_LEVELS: usize = 64;

/// One save with all that is saved along; also one `save_all`.
///
/// Made once for the whole operation, so that a document which several links carry is saved once.
#[derive(Default)]
pub struct SaveRun {
    /// What was carried by links, by its address, and what was saved instead. It is kept, so that no
    /// address is used twice.
    saved: Mutex<HashMap<usize, (Shared, Shared)>>,
}

/// A document that links carry, of any type.
pub(super) type Shared = Arc<dyn Any + Send + Sync>;

impl SaveRun {
    /// What was saved for this document, if it was saved in this run.
    pub(super) fn saved(&self, carried: &Shared) -> Option<Shared> {
        let saved = lock(&self.saved);
        let found = saved.get(&address(carried));
        found.map(|(_, it)| Arc::clone(it))
    }

    pub(super) fn remember(&self, carried: Shared, saved: Shared) {
        lock(&self.saved).insert(address(&carried), (carried, saved));
    }
}

impl fmt::Debug for SaveRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveRun")
            .field("saved", &lock(&self.saved).len())
            .finish()
    }
}

fn address(document: &Shared) -> usize {
    Arc::as_ptr(document).cast::<()>().addr()
}

/// One delete with all that follows from it.
#[derive(Debug, Clone)]
pub struct DeleteRun {
    /// How the document at hand is deleted.
    pub(crate) options: Arc<DeleteOptions>,
    whole: Arc<Mutex<Whole>>,
    level: usize,
}

/// What all parts of a run share.
#[derive(Debug, Default)]
struct Whole {
    /// What is being deleted or was, by collection and id: cycles end here.
    begun: HashMap<&'static str, HashSet<String>>,
    /// What was deleted and may not be linked to at the end.
    unlinked: Vec<Unlinked>,
    /// What was deleted for good and is taken out of the links to it at the end.
    gone: Vec<Unlinked>,
}

/// Documents that nothing may link to at the end of a run.
#[derive(Debug, Clone)]
pub(super) struct Unlinked {
    /// Their collection.
    pub(super) collection: &'static str,
    /// The rule that the caller gave for all links to them.
    pub(super) rule: Option<OnDelete>,
    /// Their ids.
    pub(super) ids: Vec<String>,
}

impl DeleteRun {
    pub(crate) fn new(options: Arc<DeleteOptions>) -> Self {
        Self {
            options,
            whole: Arc::default(),
            level: 0,
        }
    }

    /// Notes that a document is about to be deleted; `false` if it is under way already.
    pub(crate) fn begin(&self, collection: &'static str, id: &str) -> bool {
        let begun = &mut lock(&self.whole).begun;
        begun.entry(collection).or_default().insert(id.to_owned())
    }

    /// Whether the document is being deleted in this run, or was.
    pub(super) fn has_begun(&self, collection: &'static str, id: &str) -> bool {
        let begun = &lock(&self.whole).begun;
        begun.get(collection).is_some_and(|it| it.contains(id))
    }

    /// Whether a document of this collection is being deleted in this run, or was.
    pub(super) fn has_begun_in(&self, collection: &'static str) -> bool {
        lock(&self.whole).begun.contains_key(collection)
    }

    /// The run for what follows from this delete: what was said about the links of the first
    /// document does not hold for the next.
    pub(super) fn below(&self) -> Result<Self> {
        if self.level == MAX_LEVELS {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the delete cascades through more than 64 levels of links; delete from the far \
                 end, or in several steps",
            ));
        }
        let options = DeleteOptions {
            links_here: None,
            with_links: false,
            ..(*self.options).clone()
        };
        Ok(Self {
            options: Arc::new(options),
            whole: Arc::clone(&self.whole),
            level: self.level + 1,
        })
    }

    /// Notes that nothing may link to this document at the end of the run.
    pub(super) fn unlink(&self, collection: &'static str, id: &str) {
        let rule = self.options.links_here;
        note(&mut lock(&self.whole).unlinked, collection, rule, id);
    }

    /// Notes that this document is taken out of links at the end of the run.
    pub(super) fn take_out(&self, collection: &'static str, id: &str) {
        let rule = self.options.links_here;
        note(&mut lock(&self.whole).gone, collection, rule, id);
    }

    /// What nothing may link to at the end.
    pub(super) fn take_unlinked(&self) -> Vec<Unlinked> {
        std::mem::take(&mut lock(&self.whole).unlinked)
    }

    /// What is taken out of links at the end.
    pub(super) fn gone(&self) -> Vec<Unlinked> {
        lock(&self.whole).gone.clone()
    }
}

fn note(all: &mut Vec<Unlinked>, collection: &'static str, rule: Option<OnDelete>, id: &str) {
    let id = id.to_owned();
    match all
        .iter_mut()
        .find(|it| it.collection == collection && it.rule == rule)
    {
        Some(it) => it.ids.push(id),
        None => all.push(Unlinked {
            collection,
            rule,
            ids: vec![id],
        }),
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here is left half-changed by a panic.
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
