//! One insert, update, save or replace.

use std::slice;

use den_backend::{Capability, LockMode, Result};

use crate::{
    Base, Document, SaveOptions, SoftDelete, Tx, encode,
    executor::Handle,
    links::SaveRun,
    transaction::Own,
    write::{
        atomically,
        chain::put_in,
        draft::{Draft, MayChange, Write, checked},
        refusal::{accept, no_id, not_found},
    },
};

/// What the caller asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Intent {
    Insert,
    Update,
    /// Insert if new, else update.
    Save,
    /// Overwrite whatever its revision; what den keeps of the stored one stays.
    Replace,
    /// Overwrite whatever is stored.
    Overwrite,
    /// Overwrite what is stored and as live as the copy at hand, whatever its revision.
    OverwriteStored,
}

impl Intent {
    pub(super) fn is_insert<D: Document>(self, document: &D) -> bool {
        match self {
            Self::Insert => true,
            Self::Update | Self::Replace | Self::Overwrite | Self::OverwriteStored => false,
            Self::Save => !document.base().is_stored(),
        }
    }
}

/// Whether a write of this type is one statement, with nothing before or after it.
pub(super) fn is_plain<D: Document>(with_links: bool) -> bool {
    !(D::HOOKS || D::ATTACHMENTS || D::OWNED || D::LINKS && with_links)
}

pub(crate) async fn put_one<D: Document>(
    handle: &Handle,
    document: &mut D,
    intent: Intent,
    options: SaveOptions,
) -> Result<()> {
    handle.db().registered::<D>()?;
    if !is_plain::<D>(options.with_links) {
        // Boxed, so that plain writes stay small.
        return Box::pin(put_with_all(handle, document, intent, options.with_links)).await;
    }
    if let Intent::Replace = intent {
        return replace(handle, document).await;
    }
    let mut draft = Draft::new(slice::from_mut(document), MayChange::Base);
    let outcome = put_plain(handle, &mut draft, intent).await;
    draft.end(outcome)
}

async fn put_plain<D: Document>(
    handle: &Handle,
    draft: &mut Draft<'_, D>,
    intent: Intent,
) -> Result<()> {
    let write = checked(&mut draft.documents[0], intent, handle.db().now())?;
    let session = handle.write().await?;
    let outcome = session.get().put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)?;
    draft.written(handle.scope().as_ref(), slice::from_ref(&write));
    Ok(())
}

async fn put_with_all<D: Document>(
    handle: &Handle,
    document: &mut D,
    intent: Intent,
    with_links: bool,
) -> Result<()> {
    let draft = Draft::new(slice::from_mut(document), MayChange::Anything);
    let document = &mut draft.documents[0];
    let run = SaveRun::default();
    let outcome = atomically(handle, async |tx| {
        put_in(&run, &tx, document, intent, with_links).await
    })
    .await;
    draft.end(outcome)
}

async fn replace<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    if document.id().is_empty() {
        return Err(no_id::<D>());
    }
    let mut draft = Draft::new(slice::from_mut(document), MayChange::Anything);
    let own = Own::begin(handle).await?;
    let outcome = replace_in(own.tx(), &mut draft.documents[0]).await;
    match own.end(outcome).await {
        Ok(write) => {
            draft.written(handle.scope().as_ref(), slice::from_ref(&write));
            draft.end(Ok(()))
        }
        Err(error) => draft.end(Err(error)),
    }
}

async fn replace_in<D: Document>(tx: &Tx, document: &mut D) -> Result<Write> {
    let kept = kept_of_stored(tx, document).await?;
    keep(tx, document, kept);
    let write = checked(document, Intent::Replace, tx.db().now())?;
    let outcome = tx.session().await?.put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)?;
    Ok(write)
}

/// What den keeps of a stored document when another takes its place.
pub(super) struct Kept<D> {
    base: Base<D>,
    deletion: Option<SoftDelete>,
}

/// What is kept of the stored document, which is locked until the transaction ends.
pub(super) async fn kept_of_stored<D: Document>(tx: &Tx, document: &D) -> Result<Kept<D>> {
    let id = document.id();
    let session = tx.session().await?;
    let stored = if !id.is_storable() {
        None
    } else if tx.db().capabilities().has(Capability::RowLocks) {
        session
            .get_for_update(D::COLLECTION, id.as_str(), LockMode::Wait)
            .await?
    } else {
        session.get(D::COLLECTION, id.as_str()).await?
    };
    let stored = stored.ok_or_else(|| not_found::<D>(id.as_str()))?;
    let deletion = match D::SOFT_DELETE {
        true => Some(encode::decode(D::COLLECTION, id.as_str(), &stored.body)?),
        false => None,
    };
    Ok(Kept {
        base: encode::decode(D::COLLECTION, id.as_str(), &stored.body)?,
        deletion,
    })
}

/// The times go on from those of the stored document, and its mark of deletion stays.
pub(super) fn keep<D: Document>(tx: &Tx, document: &mut D, kept: Kept<D>) {
    let base = document.base_mut();
    base.created_at = kept.base.created_at;
    base.updated_at = kept.base.updated_at;
    if let (Some(it), Some(deletion)) = (document.__deletion_mut(), kept.deletion) {
        it.mark_changed(Some(&tx.scope()), deletion.into_mark());
    }
}
