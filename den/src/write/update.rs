//! Changes to all documents of a query: one statement, or document by document.

use std::{collections::HashMap, slice};

use den_backend::{
    Capability, Error, ErrorKind, Expr, LockMode, Patch, Query, RawDocument, Result, Returning,
    Select, Updated, Value, evaluate::apply,
};
use futures_util::TryStreamExt;

use crate::{
    Document, Json, Tx,
    attachments::counting,
    document::{declared_of, decode, decode_body},
    encode,
    executor::Handle,
    links::SaveRun,
    loading,
    query::{Done, Job, with_own_changes},
    write::{
        RunHooks, atomically,
        chain::{after_write, before_write},
        draft::{check, prepare, written},
        own_field,
        put::Intent,
        refusal::accept,
    },
};

/// So many documents are in memory at once while they are changed one by one.
const CHUNK: usize = 256;

/// Changes documents of a type.
pub(crate) async fn update<D: Document>(mut job: Job) -> Result<Done<D>> {
    let handle = job.handle.clone();
    let draft = std::mem::take(&mut job.draft);
    let patch = draft
        .into_patch(handle.db(), || Some(declared_of::<D>()))
        .map_err(|it| named::<D>(it))?;
    let runs_hooks = D::HOOKS && job.hooks == RunHooks::Yes;
    // What a rule says about the new document cannot be asked where the old one comes back.
    let sees_too_little = D::VALIDATED && job.returning == Returning::Old;
    if runs_hooks || D::ATTACHMENTS || sees_too_little {
        counting::check::<D>(handle.db())?;
        return Box::pin(by_document(&handle, &job, &patch, runs_hooks)).await;
    }
    let patch = with_own_changes(patch, D::REVISION, handle.db().now())?;
    let loads = job.returning != Returning::Nothing && (D::HOOKS || !job.links.is_idle::<D>());
    if D::VALIDATED || loads || !job.has_any_count() {
        return Box::pin(atomically(&handle, async |tx| {
            at_once(&Handle::Tx(tx), &job, &patch).await
        }))
        .await;
    }
    at_once(&handle, &job, &patch).await
}

/// The one statement, and what is to be done with its answer.
async fn at_once<D: Document>(handle: &Handle, job: &Job, patch: &Patch) -> Result<Done<D>> {
    let asks = match D::VALIDATED {
        true => Returning::New,
        false => job.returning,
    };
    let updated = statement(handle, job, patch, asks).await?;
    let mut documents = Vec::new();
    for row in &updated.rows {
        let document = checked_after_change::<D>(row)?;
        if job.returning != Returning::Nothing {
            documents.push(document);
        }
    }
    finish(handle, job, updated.count, documents).await
}

/// A document that was changed where it lies, if it still is what its type and rules say. Without
/// rules that is not asked for: what has been written then stays.
pub(super) fn checked_after_change<D: Document>(row: &RawDocument) -> Result<D> {
    let document: D = match decode(row) {
        Err(why) if D::VALIDATED => return Err(unreadable::<D>(&row.id, why)),
        outcome => outcome?,
    };
    check(&document)?;
    Ok(document)
}

fn unreadable<D: Document>(id: &str, why: Error) -> Error {
    let error = Error::new(
        ErrorKind::InvalidDocument,
        "the changed document would not read as its type",
    );
    named::<D>(error).with_id(id).with_source(why)
}

async fn statement(
    handle: &Handle,
    job: &Job,
    patch: &Patch,
    returning: Returning,
) -> Result<Updated> {
    let session = handle.write().await?;
    let updated = session.get().update(&job.query, patch, returning).await?;
    job.check_count(updated.count)?;
    Ok(updated)
}

async fn finish<D: Document>(
    handle: &Handle,
    job: &Job,
    count: u64,
    mut documents: Vec<D>,
) -> Result<Done<D>> {
    if loading::is_needed::<D>() {
        loading::finish(handle, &mut documents, &job.links).await?;
    }
    Ok(Done { count, documents })
}

/// Changes documents one after the other, each with all that belongs to an update.
async fn by_document<D: Document>(
    handle: &Handle,
    job: &Job,
    patch: &Patch,
    runs_hooks: bool,
) -> Result<Done<D>> {
    atomically(handle, async |tx| {
        let ids = locked(&tx, job).await?;
        job.check_count(ids.len() as u64)?;
        let mut count = 0;
        let mut documents = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut rows = read::<D>(&tx, chunk).await?;
            for (at, id) in chunk.iter().enumerate() {
                // Hooks of those before it may have changed it.
                let row = match runs_hooks && at > 0 {
                    true => tx.session().await?.get(D::COLLECTION, id).await?,
                    false => rows.remove(id),
                };
                let Some(row) = row else {
                    continue;
                };
                let body = change_one::<D>(&tx, &row, patch, runs_hooks).await?;
                count += 1;
                match job.returning {
                    Returning::Nothing => {}
                    Returning::Old => documents.push(decode(&row)?),
                    Returning::New => documents.push(decode(&RawDocument { id: row.id, body })?),
                }
            }
        }
        finish(&Handle::Tx(tx), job, count, documents).await
    })
    .await
}

/// The ids of the documents, which are locked until the transaction ends.
///
/// All of them at first, because changes may move documents within the order of the query.
async fn locked(tx: &Tx, job: &Job) -> Result<Vec<String>> {
    let mut query = job.query.clone();
    query.select = Select::Id;
    if tx.db().capabilities().has(Capability::RowLocks) {
        query.lock.get_or_insert(LockMode::Wait);
    }
    let session = tx.session().await?;
    let rows = session.query(&query).await?;
    rows.map_ok(|it| it.id).try_collect().await
}

async fn read<D: Document>(tx: &Tx, ids: &[String]) -> Result<HashMap<String, RawDocument>> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let session = tx.session().await?;
    let rows = session.get_many(D::COLLECTION, &ids).await?;
    Ok(rows.into_iter().map(|it| (it.id.clone(), it)).collect())
}

/// Changes one stored document, with all that belongs to an update; answers with what is stored now.
pub(super) async fn change_one<D: Document>(
    tx: &Tx,
    row: &RawDocument,
    patch: &Patch,
    runs_hooks: bool,
) -> Result<Vec<u8>> {
    let mut document: D = patched(row, patch)?;
    let before = document.base().snapshot();
    if runs_hooks {
        loading::after_load(&Handle::Tx(tx.clone()), slice::from_mut(&mut document)).await?;
        before_write(&SaveRun::default(), tx, &mut document, false, false).await?;
    } else {
        check(&document)?;
    }
    let write = prepare(&mut document, Intent::Update, tx.db().now())?;
    let held = counting::held_by_stored(tx, &document).await?;
    let outcome = tx.session().await?.put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)?;
    counting::count_written::<D>(tx, &write.id, &held, &write.body).await?;
    written(&mut document, Some(&tx.scope()), before, &write.body);
    if runs_hooks {
        after_write(tx, &mut document, false).await?;
    }
    Ok(write.body)
}

/// A stored document with changes made, remembering what is stored.
fn patched<D: Document>(row: &RawDocument, patch: &Patch) -> Result<D> {
    let mut value: Value = encode::decode(D::COLLECTION, &row.id, &row.body)?;
    apply(patch, &mut value).map_err(|it| named::<D>(it).with_id(row.id.as_str()))?;
    let body = encode::document(&value).map_err(|it| named::<D>(it).with_id(row.id.as_str()))?;
    let mut document: D =
        decode_body(&row.id, &body).map_err(|why| unreadable::<D>(&row.id, why))?;
    if let Some(it) = document.__tracked_mut() {
        it.remember(None, &row.body);
    }
    Ok(document)
}

fn named<D: Document>(error: Error) -> Error {
    error.with_collection(D::COLLECTION)
}

/// Changes documents without a type.
pub(crate) async fn update_json(mut job: Job) -> Result<Done<Json>> {
    let handle = job.handle.clone();
    let draft = std::mem::take(&mut job.draft);
    let collection = job.query.collection.clone();
    let declared = handle.db().declared(&collection);
    let known_revision = declared.as_ref().map(|it| it.has_revision);
    let patch = draft
        .into_patch(handle.db(), || declared)
        .map_err(|it| it.with_collection(collection.as_str()))?;
    let has_revision = match known_revision {
        Some(it) => it,
        None => some_have_revision(&handle, &job).await?,
    };
    let patch = with_own_changes(patch, has_revision, handle.db().now())?;
    let updated = if job.has_any_count() {
        statement(&handle, &job, &patch, job.returning).await?
    } else {
        Box::pin(atomically(&handle, async |tx| {
            statement(&Handle::Tx(tx), &job, &patch, job.returning).await
        }))
        .await?
    };
    let documents = updated
        .rows
        .iter()
        .map(|it| encode::decode(&collection, &it.id, &it.body))
        .collect::<Result<_>>()?;
    Ok(Done {
        count: updated.count,
        documents,
    })
}

/// Whether a document of the query has a revision, which says of all of them that they have one.
async fn some_have_revision(handle: &Handle, job: &Job) -> Result<bool> {
    let mut query = Query::new(job.query.collection.clone());
    query.search = job.query.search.clone();
    let has_one = Expr::IsNull(Box::new(own_field("_rev")?)).not();
    query.filter = job.query.filter.clone().and(has_one);
    handle.write().await?.get().exists(&query).await
}
