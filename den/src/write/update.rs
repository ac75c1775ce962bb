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
    query::{Done, Job, Ready, with_own_changes},
    raw::named_in,
    write::{
        RunHooks,
        arithmetic::{arithmetic, computes},
        atomically,
        chain::{after_write, before_write},
        draft::{check, prepare, written},
        own_field,
        put::Intent,
        refusal::accept,
        unknown::Unknown,
    },
};

/// So many documents are in memory at once while they are changed one by one.
const CHUNK: usize = 256;

/// Changes documents of a type.
pub(crate) async fn update<D: Document>(mut job: Job) -> Result<Done<D>> {
    let handle = job.handle.clone();
    let draft = std::mem::take(&mut job.draft);
    let Ready { patch, reads_back } = draft
        .into_patch(handle.db(), || Some(declared_of::<D>()))
        .map_err(|it| named::<D>(it))?;
    let runs_hooks = D::HOOKS && job.hooks == RunHooks::Yes;
    let looks_at_new = D::VALIDATED || reads_back;
    // What is to be said about the new document cannot be said where the old one comes back.
    let sees_too_little = looks_at_new && job.returning == Returning::Old;
    if runs_hooks || D::ATTACHMENTS || sees_too_little {
        counting::check::<D>(handle.db())?;
        return Box::pin(by_document(&handle, &job, &patch, runs_hooks)).await;
    }
    let patch = with_own_changes(patch, D::REVISION, handle.db().now())?;
    // What comes back is read before the change is there for good.
    let comes_back = job.returning != Returning::Nothing;
    if looks_at_new || comes_back || !job.has_any_count() {
        return Box::pin(atomically(&handle, async |tx| {
            at_once(&Handle::Tx(tx), &job, &patch, looks_at_new).await
        }))
        .await;
    }
    at_once(&handle, &job, &patch, false).await
}

/// The one statement, and what is to be done with its answer.
async fn at_once<D: Document>(
    handle: &Handle,
    job: &Job,
    patch: &Patch,
    looks_at_new: bool,
) -> Result<Done<D>> {
    let asks = match looks_at_new {
        true => Returning::New,
        false => job.returning,
    };
    let updated = statement(handle, job, patch, asks).await?;
    let mut documents = Vec::new();
    for row in &updated.rows {
        let document = checked_after_change::<D>(row, looks_at_new)?;
        if job.returning != Returning::Nothing {
            documents.push(document);
        }
    }
    finish(handle, job, updated.count, documents).await
}

/// A document that was changed where it lies, if it still is what its type and rules say. One that
/// does not read is the fault of the change, where that may be.
pub(super) fn checked_after_change<D: Document>(
    row: &RawDocument,
    looks_at_new: bool,
) -> Result<D> {
    let document: D = match decode(row) {
        Err(why) if looks_at_new => return Err(unreadable(D::COLLECTION, &row.id, why)),
        outcome => outcome?,
    };
    check(&document)?;
    Ok(document)
}

fn unreadable(collection: &str, id: &str, why: Error) -> Error {
    Error::new(
        ErrorKind::InvalidDocument,
        "the changed document would not read as its type",
    )
    .with_collection(collection)
    .with_id(id)
    .with_source(why)
}

async fn statement(
    handle: &Handle,
    job: &Job,
    patch: &Patch,
    returning: Returning,
) -> Result<Updated> {
    let session = handle.write().await?;
    let updated = session.get().update(&job.query, patch, returning).await;
    let updated =
        updated
            .map_err(named_in(&job.query))
            .map_err(|it| match computes(&job.query) {
                // Nobody knows whether it was a change that could not be computed.
                true => it,
                false => arithmetic(it, patch).with_collection(&job.query.collection),
            })?;
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
        let ids = locked(&tx, &job.query).await?;
        job.check_count(ids.len() as u64)?;
        let mut count = 0;
        let mut documents = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut rows = rows::<D>(&tx, chunk).await?;
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

/// The ids of the documents of a query, which are locked until the transaction ends.
///
/// All of them at first, because what is done to one may change what the query answers with.
pub(crate) async fn locked(tx: &Tx, query: &Query) -> Result<Vec<String>> {
    let mut query = query.clone();
    query.select = Select::Id;
    if tx.db().capabilities().has(Capability::RowLocks) {
        query.lock.get_or_insert(LockMode::Wait);
    }
    let session = tx.session().await?;
    let rows = session.query(&query).await.map_err(named_in(&query))?;
    let ids = rows.map_ok(|it| it.id).try_collect().await;
    ids.map_err(named_in(&query))
}

/// The stored documents with these ids, by id.
pub(crate) async fn rows<D: Document>(
    tx: &Tx,
    ids: &[String],
) -> Result<HashMap<String, RawDocument>> {
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
    let (mut document, unknown) = patched::<D>(row, patch)?;
    let before = document.base().snapshot();
    if runs_hooks {
        loading::after_load(&Handle::Tx(tx.clone()), slice::from_mut(&mut document)).await?;
        before_write(&SaveRun::default(), tx, &mut document, false, false).await?;
    } else {
        check(&document)?;
    }
    let mut write = prepare(&mut document, Intent::Update, tx.db().now())?;
    unknown.put_back::<D>(&mut write)?;
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

/// A stored document with changes made, remembering what is stored, and what its type leaves out of
/// it.
fn patched<D: Document>(row: &RawDocument, patch: &Patch) -> Result<(D, Unknown)> {
    let changed = changed(D::COLLECTION, row, patch).map_err(|it| arithmetic(it, patch))?;
    let mut document: D = decode_body(&row.id, &changed.body)
        .map_err(|why| unreadable(D::COLLECTION, &row.id, why))?;
    if let Some(it) = document.__tracked_mut() {
        it.remember(None, &row.body);
    }
    let unknown = Unknown::of(&document, &changed)?;
    Ok((document, unknown))
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
    let read = declared.as_ref().and_then(|it| it.read);
    let Ready { patch, reads_back } = draft
        .into_patch(handle.db(), || declared)
        .map_err(|it| it.with_collection(collection.as_str()))?;
    let read = read.filter(|_| reads_back);
    let has_revision = match known_revision {
        Some(it) => it,
        None => some_have_revision(&handle, &job).await?,
    };
    let patch = with_own_changes(patch, has_revision, handle.db().now())?;
    let at_once = async |handle: &Handle| {
        let asks = match (job.returning, read) {
            (Returning::Nothing, Some(_)) => Returning::New,
            (asks, _) => asks,
        };
        let updated = statement(handle, &job, &patch, asks).await?;
        if let Some(read) = read {
            for row in &updated.rows {
                let now = match asks {
                    Returning::Old => &changed(&collection, row, &patch)?,
                    Returning::New | Returning::Nothing => row,
                };
                read(now).map_err(|why| unreadable(&collection, &row.id, why))?;
            }
        }
        let rows = match job.returning {
            Returning::Nothing => &[],
            Returning::New | Returning::Old => updated.rows.as_slice(),
        };
        let read = |it: &RawDocument| encode::decode(&collection, &it.id, &it.body);
        Ok(Done {
            count: updated.count,
            documents: rows.iter().map(read).collect::<Result<_>>()?,
        })
    };
    if read.is_none() && job.has_any_count() {
        return at_once(&handle).await;
    }
    Box::pin(atomically(&handle, async |tx| {
        at_once(&Handle::Tx(tx)).await
    }))
    .await
}

/// What a patch makes of a stored document.
fn changed(collection: &str, row: &RawDocument, patch: &Patch) -> Result<RawDocument> {
    let of_row = |it: Error| it.with_collection(collection).with_id(row.id.as_str());
    let mut value: Value = encode::decode(collection, &row.id, &row.body)?;
    apply(patch, &mut value).map_err(of_row)?;
    Ok(RawDocument {
        id: row.id.clone(),
        body: encode::document(&value).map_err(of_row)?,
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
