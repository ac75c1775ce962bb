//! Loading the documents that links point to: one call per target type and level, whatever the
//! number of documents, fields and ids.

use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap, HashSet},
};

use den_backend::{Error, ErrorKind, Result};

use super::{
    Link,
    any_link::AnyLink,
    kind::{Bare, Batch, Holders, Kind, Read, Shelf},
    plan::LinkPlan,
    rules::Trail,
};
use crate::{Document, executor::Handle};

/// Loads the links of these documents as the plan says.
///
/// # Behavior
///
/// - What a link carries already is kept, and empty links are skipped.
/// - Links to one document share it, within a level.
/// - `after_load` of a target runs when its own links are loaded.
pub(crate) async fn fill<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    plan: &LinkPlan,
) -> Result<()> {
    if documents.is_empty() || plan.is_idle::<D>() {
        return Ok(());
    }
    load(handle, &mut Read(documents), plan).await
}

/// Loads the targets of these links.
pub(super) async fn fetch<T: Document + Clone>(
    handle: &Handle,
    links: &mut [Link<T>],
) -> Result<()> {
    load(handle, &mut Bare(links), &LinkPlan::fetch()).await
}

/// The documents of one level, by type.
type Level = BTreeMap<TypeId, Box<dyn Batch>>;

async fn load(handle: &Handle, roots: &mut dyn Holders, plan: &LinkPlan) -> Result<()> {
    // Down: each level is what the links of the one before point to.
    let mut levels: Vec<Level> = Vec::new();
    while levels.len() < plan.depth() {
        let number = levels.len() + 1;
        let mut holders = Holding::of(roots, &mut levels);
        let wanted = Wanted::collect(&mut holders, plan, number);
        if wanted.0.is_empty() {
            break;
        }
        let level = wanted.load(handle).await?;
        if plan.fails_when_dangling() {
            holders.refuse_dangling(plan, number, &level)?;
        }
        levels.push(level);
    }
    // Up again: a document is shared once it is complete.
    while let Some(level) = levels.pop() {
        let shelves = finish(handle, level).await?;
        let number = levels.len() + 1;
        let mut holders = Holding::of(roots, &mut levels);
        holders.visit(&mut |trail, link| {
            if is_wanted(plan, number, trail, link)
                && let Some(shelf) = shelves.get(&link.target_type())
            {
                shelf.give(link);
            }
        });
    }
    Ok(())
}

async fn finish(handle: &Handle, level: Level) -> Result<HashMap<TypeId, Box<dyn Shelf>>> {
    let mut shelves = HashMap::with_capacity(level.len());
    for (target, mut batch) in level {
        batch.finish(handle).await?;
        shelves.insert(target, batch.share());
    }
    Ok(shelves)
}

fn is_wanted(plan: &LinkPlan, level: usize, trail: &Trail, link: &dyn AnyLink) -> bool {
    !link.is_loaded() && !link.id().is_empty() && plan.picks(level, trail)
}

/// The documents whose links are loaded next.
enum Holding<'a> {
    Roots(&'a mut dyn Holders),
    Level(&'a mut Level),
}

impl<'a> Holding<'a> {
    fn of(roots: &'a mut dyn Holders, levels: &'a mut [Level]) -> Self {
        match levels.last_mut() {
            None => Self::Roots(roots),
            Some(level) => Self::Level(level),
        }
    }

    fn visit(&mut self, visit: &mut dyn FnMut(&Trail, &mut dyn AnyLink)) {
        match self {
            Self::Roots(roots) => roots.visit(visit),
            Self::Level(level) => level.values_mut().for_each(|it| it.visit(visit)),
        }
    }

    fn refuse_dangling(&mut self, plan: &LinkPlan, number: usize, level: &Level) -> Result<()> {
        let mut refused = Ok(());
        self.visit(&mut |trail, link| {
            if refused.is_err() || !is_wanted(plan, number, trail, link) {
                return;
            }
            let target = level.get(&link.target_type());
            if !target.is_some_and(|it| it.has(link.id())) {
                refused = Err(dangling(trail, link));
            }
        });
        refused
    }
}

/// What links point to, by type.
struct Wanted(BTreeMap<TypeId, (&'static dyn Kind, HashSet<String>)>);

impl Wanted {
    fn collect(holders: &mut Holding<'_>, plan: &LinkPlan, level: usize) -> Self {
        let mut wanted = BTreeMap::new();
        holders.visit(&mut |trail, link| {
            if !is_wanted(plan, level, trail, link) {
                return;
            }
            let (_, ids) = wanted
                .entry(link.target_type())
                .or_insert_with(|| (link.kind(), HashSet::new()));
            if !ids.contains(link.id()) {
                ids.insert(link.id().to_owned());
            }
        });
        Self(wanted)
    }

    async fn load(self, handle: &Handle) -> Result<Level> {
        let mut level = Level::new();
        for (target, (kind, ids)) in self.0 {
            let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            // As they lie in the primary key.
            ids.sort_unstable();
            level.insert(target, kind.load(handle, ids).await?);
        }
        Ok(level)
    }
}

/// The error for a link in a document to one that is not there.
fn dangling(trail: &Trail, link: &dyn AnyLink) -> Error {
    let error = not_there(link.target(), link.id());
    match trail.dotted() {
        path if path.is_empty() => error,
        path => error.with_message(format!("`{path}` links to a document that is not there")),
    }
}

/// The error for a link to a document that is not there.
pub(super) fn not_there(collection: &'static str, id: &str) -> Error {
    let message = "the link points to a document that is not there";
    Error::new(ErrorKind::DanglingLink, message)
        .with_collection(collection)
        .with_id(id)
}
