//! What a save or delete does to linked documents.

use std::{any::TypeId, collections::BTreeMap};

use den_backend::{Error, ErrorKind, Result};

use super::{
    any_link::AnyLink,
    incoming::{self, Incoming},
    kind::Kind,
    rules::{OnDelete, Trail},
    run::{DeleteRun, SaveRun, Unlinked},
};
use crate::{Db, DeleteOptions, Document, Tx};

/// Saves the documents at hand in links, before their holder: those of `owned` fields, or of all
/// with `with_links`.
///
/// The caller makes one `SaveRun` per operation (one for a whole `save_all`) and rolls back `tx`,
/// a transaction or a savepoint, if anything fails: links then show what they carried before.
pub(crate) async fn on_save<D: Document>(
    run: &SaveRun,
    tx: &Tx,
    document: &mut D,
    with_links: bool,
) -> Result<()> {
    if !D::LINKS || !(D::OWNED || with_links) {
        return Ok(());
    }
    let is_saved_along = |trail: &Trail| with_links || trail.rules().owned;
    let mut load = Vec::new();
    document.visit_links(&mut Trail::default(), &mut |trail, link| {
        if is_saved_along(trail)
            && let Some(cargo) = link.cargo()
        {
            load.push(cargo);
        }
    });
    if load.is_empty() {
        return Ok(());
    }
    for cargo in load {
        let carried = cargo.document();
        if run.saved(&carried).is_none() {
            let saved = cargo.save(run, tx).await?;
            run.remember(carried, saved);
        }
    }
    document.visit_links(&mut Trail::default(), &mut |trail, link| {
        if is_saved_along(trail)
            && let Some(cargo) = link.cargo()
            && let Some(saved) = run.saved(&cargo.document())
        {
            link.replace_saved(saved, tx);
        }
    });
    Ok(())
}

/// Refuses a document with a link that carries a document which is not stored yet: it would be
/// written without an id. For every write of a type with `LINKS`, right before it is encoded.
pub(crate) fn refuse_unstored<D: Document>(document: &mut D) -> Result<()> {
    if !D::LINKS {
        return Ok(());
    }
    let mut refused = None;
    document.visit_links(&mut Trail::default(), &mut |trail, link| {
        if refused.is_none() && link.is_unstored() {
            refused = Some(trail.dotted());
        }
    });
    let Some(path) = refused else {
        return Ok(());
    };
    let error = Error::new(
        ErrorKind::InvalidDocument,
        format!(
            "`{path}` links to a document that is not stored yet: insert it first, or save with \
             links"
        ),
    );
    Err(error.with_collection(D::COLLECTION))
}

/// Whether a delete with these options concerns linked documents.
pub(crate) fn concerns<D: Document>(db: &Db, options: &DeleteOptions) -> bool {
    D::OWNED
        || (options.with_links && D::LINKS)
        || options.links_here.is_some()
        || db.has_rules_for(TypeId::of::<D>())
}

/// Does what the rules say about the documents that link to this one, and deletes those it owns.
///
/// # Behavior
///
/// - Only where `concerns` says so, between `before_delete` and the write. The caller calls
///   `after_delete` at the end of the run.
pub(crate) async fn on_delete<D: Document>(
    run: &DeleteRun,
    tx: &Tx,
    document: &mut D,
) -> Result<()> {
    let below = run.below()?;
    let id = document.id().as_str().to_owned();
    let is_for_good = !D::SOFT_DELETE || run.options.is_hard();
    // A mark can be taken away again, so it destroys nothing: what can only be deleted for good
    // stays until this document is.
    let follows = |kind: &dyn Kind| is_for_good || kind.can_be_marked();
    let (mut is_restricted, mut is_taken_out) = (false, false);
    let incoming = tx.db().links_to(TypeId::of::<D>());
    if let Some(rule) = run.options.links_here {
        // What is declared was checked when it was registered.
        incoming.iter().try_for_each(|it| it.check(rule))?;
    }
    for it in incoming {
        match run.options.links_here.unwrap_or(it.link.rules.on_delete) {
            OnDelete::Ignore => {}
            OnDelete::Cascade if follows(it.kind) => {
                it.kind.delete(&below, tx, it.pointing_to(&[&id])?).await?;
            }
            OnDelete::Cascade => {}
            // Links to a document that is marked as deleted still find it.
            OnDelete::SetNull => is_taken_out = is_for_good,
            OnDelete::Restrict => is_restricted = true,
        }
    }
    if is_restricted {
        run.unlink(D::COLLECTION, &id);
    }
    if is_taken_out {
        run.take_out(D::COLLECTION, &id);
    }
    for (kind, ids) in owned(document, run.options.with_links).into_values() {
        if !follows(kind) {
            continue;
        }
        for ids in ids.chunks(IDS) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            kind.delete(&below, tx, incoming::with_ids(&ids)).await?;
        }
    }
    Ok(())
}

/// So many ids are asked for at once.
const IDS: usize = 1000;

type Targets = BTreeMap<TypeId, (&'static dyn Kind, Vec<String>)>;

/// What is deleted along with its holder.
fn owned<D: Document>(document: &mut D, with_links: bool) -> Targets {
    let mut targets = Targets::new();
    if !D::LINKS || !(D::OWNED || with_links) {
        return targets;
    }
    let mut visit = |trail: &Trail, link: &mut dyn AnyLink| {
        if (with_links || trail.rules().owned) && !link.id().is_empty() {
            let (_, ids) = targets
                .entry(link.target_type())
                .or_insert_with(|| (link.kind(), Vec::new()));
            ids.push(link.id().to_owned());
        }
    };
    document.visit_links(&mut Trail::default(), &mut visit);
    targets
}

/// Makes sure at the end of a delete that nothing links to what is gone where a rule forbids it, and
/// takes what is gone out of other links.
///
/// Both wait for the end, so that it does not matter in which order documents are deleted: one that
/// is deleted in the same run restricts nothing, and is not changed under the eyes of its own delete.
pub(crate) async fn after_delete(run: &DeleteRun, tx: &Tx) -> Result<()> {
    for unlinked in run.take_unlinked() {
        for link in links_to(tx, &unlinked, OnDelete::Restrict) {
            refuse_linked(tx, &unlinked, &link).await?;
        }
    }

    for gone in run.gone() {
        for link in links_to(tx, &gone, OnDelete::SetNull) {
            for ids in gone.ids.chunks(IDS) {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let filter = link.pointing_to(&ids)?;
                link.kind.unlink(tx, filter, &link.link, &ids).await?;
            }
        }
    }
    Ok(())
}

/// The fields that link to these documents, of those with this rule.
fn links_to(tx: &Tx, to: &Unlinked, rule: OnDelete) -> Vec<Incoming> {
    let mut links = tx.db().links_to_collection(to.collection);
    links.retain(|it| to.rule.unwrap_or(it.link.rules.on_delete) == rule);
    links
}

/// So many documents are named that still link to one.
const NAMED: usize = 5;

async fn refuse_linked(tx: &Tx, unlinked: &Unlinked, link: &Incoming) -> Result<()> {
    for ids in unlinked.ids.chunks(IDS) {
        let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut found = first(tx, link, &ids).await?;
        if found.is_empty() {
            continue;
        }
        // Which one is it? Half of them hold it, or the other half does.
        while ids.len() > 1 {
            let other = ids.split_off(ids.len() / 2);
            found = first(tx, link, &ids).await?;
            if found.is_empty() {
                found = first(tx, link, &other).await?;
                ids = other;
            }
        }
        return Err(restricted(unlinked, link, &ids, &found));
    }
    Ok(())
}

async fn first(tx: &Tx, link: &Incoming, ids: &[&str]) -> Result<Vec<String>> {
    let filter = link.pointing_to(ids)?;
    link.kind.first_live(tx, filter, NAMED as u64 + 1).await
}

fn restricted(unlinked: &Unlinked, link: &Incoming, ids: &[&str], found: &[String]) -> Error {
    let more = if found.len() > NAMED { " and more" } else { "" };
    let named: Vec<&str> = found.iter().take(NAMED).map(String::as_str).collect();
    let message = format!(
        "documents still link to this one: `{}` of {} in {}{more}",
        link.path(),
        link.kind.collection(),
        named.join(", "),
    );
    let error = Error::new(ErrorKind::Restricted, message).with_collection(unlinked.collection);
    match ids {
        [id] => error.with_id(*id),
        _ => error,
    }
}
