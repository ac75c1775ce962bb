//! Reading and writing documents in hand.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use den_backend::{
    Capability, Constraint, DeleteOutcome, Error, ErrorKind, Expectation, LockMode, Put,
    PutOutcome, Refusal, Result,
};
use futures_util::future::join_all;

use crate::{
    Base, Document, Id, Timestamp, Tx,
    base::Snapshot,
    document::{decode, not_found},
    encode,
    executor::Handle,
    transaction::Own,
};

/// So many deletes of one transaction are under way at once.
const DELETES_AT_ONCE: usize = 100;

pub(crate) async fn get<D: Document>(handle: &Handle, id: &Id<D>) -> Result<Option<D>> {
    handle.db().registered::<D>()?;
    if !id.is_storable() {
        return Ok(None);
    }
    let session = handle.read().await?;
    let found = session.get().get(D::COLLECTION, id.as_str()).await?;
    found.map(|raw| decode(&raw)).transpose()
}

pub(crate) async fn get_many<D: Document>(handle: &Handle, ids: &[Id<D>]) -> Result<Vec<D>> {
    handle.db().registered::<D>()?;
    let wanted: Vec<&str> = ids
        .iter()
        .filter(|it| it.is_storable())
        .map(Id::as_str)
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let session = handle.read().await?;
    let rows = session.get().get_many(D::COLLECTION, &wanted).await?;
    let mut by_id: HashMap<String, D> = HashMap::with_capacity(rows.len());
    for raw in rows {
        let document = decode(&raw)?;
        by_id.insert(raw.id, document);
    }
    Ok(ids
        .iter()
        .filter_map(|id| by_id.remove(id.as_str()))
        .collect())
}

pub(crate) async fn insert<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    put_one(handle, document, Intent::Insert).await
}

pub(crate) async fn update<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    put_one(handle, document, Intent::Update).await
}

pub(crate) async fn save<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    put_one(handle, document, Intent::Save).await
}

/// What the caller asked for.
#[derive(Debug, Clone, Copy)]
enum Intent {
    Insert,
    Update,
    /// Insert if new, else update.
    Save,
    /// Overwrite whatever its revision.
    Replace,
}

async fn put_one<D: Document>(handle: &Handle, document: &mut D, intent: Intent) -> Result<()> {
    handle.db().registered::<D>()?;
    let mut draft = Draft::new(std::slice::from_mut(document));
    let outcome = put_one_in(handle, &mut draft, intent).await;
    draft.end(handle, outcome)
}

async fn put_one_in<D: Document>(
    handle: &Handle,
    draft: &mut Draft<'_, D>,
    intent: Intent,
) -> Result<()> {
    let write = draft.prepare(0, intent)?;
    let session = handle.write().await?;
    let outcome = session.get().put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)
}

pub(crate) async fn replace<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    handle.db().registered::<D>()?;
    let mut draft = Draft::new(std::slice::from_mut(document));
    let id = draft.documents[0].id().clone();
    if id.is_empty() {
        return Err(no_id::<D>());
    }
    let own = Own::begin(handle).await?;
    let outcome = replace_in(&own, &mut draft, &id).await;
    let outcome = own.end(outcome).await;
    draft.end(handle, outcome)
}

async fn replace_in<D: Document>(own: &Own, draft: &mut Draft<'_, D>, id: &Id<D>) -> Result<()> {
    let session = own.tx().session().await?;
    let stored = if !id.is_storable() {
        None
    } else if own.tx().db().capabilities().has(Capability::RowLocks) {
        session
            .get_for_update(D::COLLECTION, id.as_str(), LockMode::Wait)
            .await?
    } else {
        session.get(D::COLLECTION, id.as_str()).await?
    };
    let stored = stored.ok_or_else(|| not_found::<D>(id.as_str()))?;
    let stored: Base<D> = encode::decode(D::COLLECTION, id.as_str(), &stored.body)?;
    let base = draft.documents[0].base_mut();
    base.created_at = stored.created_at;
    base.updated_at = stored.updated_at;
    let write = draft.prepare(0, Intent::Replace)?;
    let outcome = session.put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)
}

pub(crate) async fn insert_many<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    put_many(handle, documents, Intent::Insert).await
}

pub(crate) async fn save_all<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    put_many(handle, documents, Intent::Save).await
}

async fn put_many<D: Document>(handle: &Handle, documents: &mut [D], intent: Intent) -> Result<()> {
    handle.db().registered::<D>()?;
    if documents.is_empty() {
        return Ok(());
    }
    if documents.len() > 1 {
        handle.db().require(Capability::AtomicBatches)?;
    }
    let mut draft = Draft::new(documents);
    let outcome = put_many_in(handle, &mut draft, intent).await;
    draft.end(handle, outcome)
}

async fn put_many_in<D: Document>(
    handle: &Handle,
    draft: &mut Draft<'_, D>,
    intent: Intent,
) -> Result<()> {
    let total = draft.documents.len();
    let mut writes = Vec::with_capacity(total);
    for at in 0..total {
        writes.push(draft.prepare(at, intent).map_err(|it| nth(it, at, total))?);
    }
    // Of several documents with one id the last is stored.
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(total);
    for (at, write) in writes.iter().enumerate() {
        last.insert(&write.id, at);
    }
    let kept = || {
        writes
            .iter()
            .enumerate()
            .filter(|(at, it)| last.get(it.id.as_str()) == Some(at))
    };
    let puts: Vec<Put<'_>> = kept().map(|(_, write)| write.put()).collect();
    let session = handle.write().await?;
    let outcomes = session.get().put_many(D::COLLECTION, &puts).await;
    let outcomes =
        outcomes.map_err(
            |error| match error.id().and_then(|id| last.get(id).copied()) {
                Some(at) => nth(error, at, total),
                None => error,
            },
        )?;
    for ((at, write), outcome) in kept().zip(outcomes) {
        accept::<D>(write, outcome).map_err(|it| nth(it, at, total))?;
    }
    Ok(())
}

pub(crate) async fn delete<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    handle.db().registered::<D>()?;
    document.base_mut().settle();
    let session = handle.write().await?;
    delete_in(session.get(), document).await
}

pub(crate) async fn delete_all<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    handle.db().registered::<D>()?;
    if documents.is_empty() {
        return Ok(());
    }
    for document in documents.iter_mut() {
        document.base_mut().settle();
    }
    match handle {
        Handle::Db(db) => {
            let tx = db.begin().await?;
            let outcome = delete_all_in(&tx, documents).await;
            Own::Mine(tx).end(outcome).await
        }
        // What was deleted before one is refused comes back.
        Handle::Tx(tx) => {
            tx.savepoint(async |tx| delete_all_in(&tx, documents).await)
                .await
        }
    }
}

async fn delete_all_in<D: Document>(tx: &Tx, documents: &[D]) -> Result<()> {
    let session = tx.session().await?;
    let session: &dyn den_backend::ReadWrite = &*session;
    let total = documents.len();
    let mut seen = HashSet::with_capacity(total);
    let distinct: Vec<(usize, &D)> = documents
        .iter()
        .enumerate()
        .filter(|(_, it)| it.id().is_empty() || seen.insert(it.id().as_str()))
        .collect();
    for chunk in distinct.chunks(DELETES_AT_ONCE) {
        let deletes = chunk.iter().map(|(at, document)| async move {
            let deleted = delete_in(session, *document).await;
            deleted.map_err(|it| nth(it, *at, total))
        });
        // All are waited for, so that none is still under way when the first refusal is answered.
        join_all(deletes)
            .await
            .into_iter()
            .collect::<Result<()>>()?;
    }
    Ok(())
}

async fn delete_in<D: Document>(session: &dyn den_backend::ReadWrite, document: &D) -> Result<()> {
    let base = document.base();
    if base.id.is_empty() {
        return Err(no_id::<D>());
    }
    if !base.id.is_storable() {
        return Err(not_found::<D>(base.id.as_str()));
    }
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

/// Documents that are being written, and what they were before.
struct Draft<'a, D: Document> {
    documents: &'a mut [D],
    before: Vec<Option<Snapshot<D>>>,
}

/// One document, ready to be put.
struct Write {
    id: String,
    body: Vec<u8>,
    expect: Expect,
}

/// An expectation, owned.
enum Expect {
    Absent,
    Present,
    Revision(Option<String>),
}

impl<'a, D: Document> Draft<'a, D> {
    fn new(documents: &'a mut [D]) -> Self {
        let before = documents
            .iter_mut()
            .map(|it| {
                it.base_mut().settle();
                Some(it.base().snapshot())
            })
            .collect();
        Self { documents, before }
    }

    /// Fills in id, times and revision of one document and encodes it.
    fn prepare(&mut self, at: usize, intent: Intent) -> Result<Write> {
        let document = &mut self.documents[at];
        let base = document.base_mut();
        let is_insert = match intent {
            Intent::Insert => true,
            Intent::Update | Intent::Replace => false,
            Intent::Save => !base.is_stored(),
        };
        if is_insert {
            prepare_insert(base)?;
        } else if base.id.is_empty() {
            return Err(no_id::<D>());
        }
        let now = Timestamp::now();
        if is_insert && base.created_at == Timestamp::default() {
            base.created_at = now;
            base.updated_at = now;
        } else {
            // A later write has a later time, even within a microsecond or after the clock was
            // set back a little.
            base.updated_at = now.max(base.updated_at + Duration::from_micros(1));
        }
        let expect = if is_insert {
            Expect::Absent
        } else if D::REVISION && !matches!(intent, Intent::Replace) {
            Expect::Revision(base.rev.clone())
        } else {
            Expect::Present
        };
        if D::REVISION {
            base.rev = Some(new_revision());
        }
        let id = base.id.as_str().to_owned();
        let body = encode::document(document)
            .map_err(|it| it.with_collection(D::COLLECTION).with_id(id.as_str()))?;
        Ok(Write { id, body, expect })
    }

    /// Keeps the changes if the write went through, else takes all of them back.
    fn end(mut self, handle: &Handle, outcome: Result<()>) -> Result<()> {
        let scope = handle.scope();
        for (document, before) in self.documents.iter_mut().zip(&mut self.before) {
            let Some(before) = before.take() else {
                continue;
            };
            match outcome {
                Ok(()) => document.base_mut().mark_written(scope.as_ref(), before),
                Err(_) => document.base_mut().restore(before),
            }
        }
        outcome
    }
}

impl<D: Document> Drop for Draft<'_, D> {
    /// The write was cancelled: it may have happened or not. A generated id is kept, so that
    /// another try is refused as a duplicate instead of storing the document twice.
    fn drop(&mut self) {
        for (document, before) in self.documents.iter_mut().zip(&mut self.before) {
            if let Some(before) = before.take() {
                let base = document.base_mut();
                let id = std::mem::take(&mut base.id);
                base.restore(before);
                base.id = id;
            }
        }
    }
}

impl Write {
    fn put(&self) -> Put<'_> {
        Put {
            id: &self.id,
            body: &self.body,
            expect: match &self.expect {
                Expect::Absent => Expectation::Absent,
                Expect::Present => Expectation::Present,
                Expect::Revision(rev) => Expectation::Revision(rev.as_deref()),
            },
        }
    }
}

fn prepare_insert<D: Document>(base: &mut Base<D>) -> Result<()> {
    if base.id.is_empty() {
        base.id = Id::generate();
    } else if !base.id.is_storable() {
        return Err(Error::new(
            ErrorKind::InvalidDocument,
            "the id holds a control character",
        )
        .with_collection(D::COLLECTION));
    }
    Ok(())
}

/// 64 random bits in hex, the predecessor's format.
pub(crate) fn new_revision() -> String {
    let bits: u64 = rand::random();
    format!("{bits:016x}")
}

fn accept<D: Document>(write: &Write, outcome: PutOutcome) -> Result<()> {
    match outcome {
        PutOutcome::Inserted | PutOutcome::Updated => Ok(()),
        PutOutcome::Refused(refusal) => Err(refused::<D>(refusal, &write.id)),
    }
}

fn refused<D: Document>(refusal: Refusal, id: &str) -> Error {
    refusal_error(D::COLLECTION, refusal, id)
}

/// The error for a write that was refused.
pub(crate) fn refusal_error(collection: &str, refusal: Refusal, id: &str) -> Error {
    let error = match refusal {
        Refusal::Missing => Error::new(ErrorKind::NotFound, "no such document"),
        Refusal::OtherRevision => Error::new(
            ErrorKind::RevisionConflict,
            "the document was changed by someone else since it was loaded",
        ),
        Refusal::Exists => Error::new(
            ErrorKind::Duplicate,
            "a document with this id exists already",
        )
        .with_constraint(Constraint::new("_id", vec!["_id".to_owned()])),
    };
    error.with_collection(collection).with_id(id)
}

fn no_id<D: Document>() -> Error {
    Error::new(
        ErrorKind::InvalidDocument,
        "the document has no id; insert it first",
    )
    .with_collection(D::COLLECTION)
}

/// Says which document of a batch the error is about.
fn nth(error: Error, at: usize, total: usize) -> Error {
    error.with_context(format!("document {} of {total}", at + 1))
}
