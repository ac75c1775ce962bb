//! Deletes, with all that belongs to them.

use std::{collections::HashSet, slice, sync::Arc};

use den_backend::{DeleteOutcome, Expectation, ReadWrite, Result};
use futures_util::future::join_all;

use crate::{
    Db, DeleteOptions, Document, HookContext, Tx,
    attachments::counting::{self, Held},
    base::Scope,
    executor::Handle,
    hooks::Hook,
    links::{DeleteRun, cascade},
    write::{
        atomically,
        draft::{Draft, MayChange},
        mark::{mark_deleted, settle},
        refusal::{no_id, not_found, nth, refused},
    },
};

/// So many deletes of one transaction are under way at once.
const DELETES_AT_ONCE: usize = 100;

/// Whether the hooks of a document run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunHooks {
    Yes,
    No,
}

/// Whether a delete is one statement, with nothing before or after it.
pub(crate) fn is_plain_delete<D: Document>(
    db: &Db,
    options: &DeleteOptions,
    hooks: RunHooks,
) -> bool {
    let with_hooks = D::HOOKS && hooks == RunHooks::Yes;
    // A document that is marked as deleted keeps its content.
    let with_attachments = D::ATTACHMENTS && !marks::<D>(options);
    !(with_hooks || with_attachments || cascade::concerns::<D>(db, options))
}

pub(crate) async fn delete<D: Document>(
    handle: &Handle,
    document: &mut D,
    options: DeleteOptions,
) -> Result<()> {
    let db = handle.db();
    db.registered::<D>()?;
    if !is_plain_delete::<D>(db, &options, RunHooks::Yes) {
        // Boxed, so that plain deletes stay small.
        let document = slice::from_mut(document);
        return Box::pin(delete_each(handle, document, options, |error, _| error)).await;
    }
    settle(document);
    let session = handle.write().await?;
    let scope = handle.scope();
    delete_plain(db, session.get(), scope.as_ref(), document, &options).await
}

pub(crate) async fn delete_all<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    options: DeleteOptions,
) -> Result<()> {
    let db = handle.db();
    db.registered::<D>()?;
    if documents.is_empty() {
        return Ok(());
    }
    if !is_plain_delete::<D>(db, &options, RunHooks::Yes) {
        let total = documents.len();
        let nth = |error, at| nth(error, at, total);
        return Box::pin(delete_each(handle, documents, options, nth)).await;
    }
    let draft = Draft::new(documents, MayChange::Anything);
    let documents = &mut *draft.documents;
    let outcome = atomically(handle, async |tx| {
        delete_together(&tx, documents, &options).await
    })
    .await;
    draft.end(outcome)
}

/// Deletes documents with nothing before or after, many at once.
async fn delete_together<D: Document>(
    tx: &Tx,
    documents: &mut [D],
    options: &DeleteOptions,
) -> Result<()> {
    let session = tx.session().await?;
    let session: &dyn ReadWrite = &*session;
    let scope = tx.scope();
    let total = documents.len();
    let mut distinct = distinct(documents);
    for chunk in distinct.chunks_mut(DELETES_AT_ONCE) {
        let deletes = chunk.iter_mut().map(|(at, document)| {
            let (at, scope) = (*at, &scope);
            async move {
                let deleted = delete_plain(tx.db(), session, Some(scope), *document, options);
                deleted.await.map_err(|it| nth(it, at, total))
            }
        });
        // All are waited for, so that none is still under way when the first refusal is answered.
        join_all(deletes)
            .await
            .into_iter()
            .collect::<Result<()>>()?;
    }
    Ok(())
}

/// The documents with their places; of several with one id only the first.
fn distinct<D: Document>(documents: &mut [D]) -> Vec<(usize, &mut D)> {
    let mut seen = HashSet::with_capacity(documents.len());
    documents
        .iter_mut()
        .enumerate()
        .filter(|(_, it)| it.id().is_empty() || seen.insert(it.id().as_str().to_owned()))
        .collect()
}

/// Deletes documents one after the other, each with all that belongs to it.
async fn delete_each<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    options: DeleteOptions,
    place: impl Fn(den_backend::Error, usize) -> den_backend::Error,
) -> Result<()> {
    let run = DeleteRun::new(Arc::new(options));
    let draft = Draft::new(documents, MayChange::Anything);
    let documents = &mut *draft.documents;
    let outcome = atomically(handle, async |tx| {
        let mut distinct = distinct(documents);
        // All are noted first: what one of them leads to leaves the others to their own turn.
        for (at, document) in &mut distinct {
            begin_delete(&run, *document).map_err(|it| place(it, *at))?;
        }
        for (at, document) in &mut distinct {
            let deleted = delete_begun(&run, &tx, *document, RunHooks::Yes).await;
            deleted.map_err(|it| place(it, *at))?;
        }
        cascade::after_delete(&run, &tx).await
    })
    .await;
    draft.end(outcome)
}

/// Deletes a document as a part of a run, with all that belongs to it; does nothing if the run
/// deletes it already. If it fails, the caller rolls `tx` back to where it began and puts the
/// document back.
pub(crate) async fn delete_one<D: Document>(
    run: &DeleteRun,
    tx: &Tx,
    document: &mut D,
) -> Result<()> {
    match begin_delete(run, document)? {
        true => delete_begun(run, tx, document, RunHooks::Yes).await,
        false => Ok(()),
    }
}

/// Notes that a run deletes this document; `false` if it does already.
pub(crate) fn begin_delete<D: Document>(run: &DeleteRun, document: &mut D) -> Result<bool> {
    settle(document);
    check_id(document)?;
    Ok(run.begin(D::COLLECTION, document.id().as_str()))
}

/// As [`delete_one`], for a document that was noted with [`begin_delete`].
pub(crate) async fn delete_begun<D: Document>(
    run: &DeleteRun,
    tx: &Tx,
    document: &mut D,
    hooks: RunHooks,
) -> Result<()> {
    let marks = marks::<D>(&run.options);
    if !marks {
        counting::check::<D>(tx.db())?;
    }
    let cx = (D::HOOKS && hooks == RunHooks::Yes)
        .then(|| HookContext::of_delete(Handle::Tx(tx.clone()), Arc::clone(&run.options)));
    if let Some(cx) = &cx {
        document.__run_hook(Hook::BeforeDelete, cx).await?;
        if marks {
            document.__run_hook(Hook::BeforeSoftDelete, cx).await?;
        }
    }
    if cascade::concerns::<D>(tx.db(), &run.options) {
        cascade::on_delete(run, tx, document).await?;
    }
    let held = match marks {
        true => Held::default(),
        false => counting::held_by_stored(tx, document).await?,
    };
    let session = tx.session().await?;
    let scope = tx.scope();
    delete_plain(tx.db(), &*session, Some(&scope), document, &run.options).await?;
    counting::count_deleted::<D>(tx, &held).await?;
    if let Some(cx) = &cx {
        if marks {
            document.__run_hook(Hook::AfterSoftDelete, cx).await?;
        }
        document.__run_hook(Hook::AfterDelete, cx).await?;
    }
    Ok(())
}

/// Whether the document is marked as deleted only.
pub(crate) fn marks<D: Document>(options: &DeleteOptions) -> bool {
    D::SOFT_DELETE && !options.hard
}

fn check_id<D: Document>(document: &D) -> Result<()> {
    let id = document.id();
    if id.is_empty() {
        return Err(no_id::<D>());
    }
    if !id.is_storable() {
        return Err(not_found::<D>(id.as_str()));
    }
    Ok(())
}

/// The one statement of a delete.
async fn delete_plain<D: Document>(
    db: &Db,
    session: &dyn ReadWrite,
    scope: Option<&Arc<Scope>>,
    document: &mut D,
    options: &DeleteOptions,
) -> Result<()> {
    check_id(document)?;
    if marks::<D>(options) {
        return mark_deleted(db, session, scope, document, options).await;
    }
    let base = document.base();
    let expect = if D::REVISION {
        Expectation::Revision(base.rev.as_deref())
    } else {
        Expectation::Present
    };
    let outcome = session
        .delete(D::COLLECTION, base.id.as_str(), expect)
        .await?;
    match outcome {
        DeleteOutcome::Deleted => Ok(()),
        DeleteOutcome::Refused(refusal) => Err(refused::<D>(refusal, base.id.as_str())),
    }
}
