//! Upserts: one statement where nothing else belongs to the write, else document in hand.

use std::slice;

use den_backend::{
    Capability, CompareOp, ConflictTarget, Error, ErrorKind, Expr, Field, IndexMeta, LockMode,
    OnConflict, Patch, Query, RawDocument, ReadWrite, Result, UpsertOutcome, Value,
    evaluate::matches,
};
use futures_util::TryStreamExt;

use crate::{
    Document, Id, SaveOptions, Tx, Upserted,
    attachments::counting,
    document::{declared_of, decode},
    encode,
    executor::Handle,
    links::{LinkPlan, SaveRun},
    loading,
    query::{ChangesDraft, Ready, with_own_changes},
    write::{
        arithmetic::arithmetic,
        atomically,
        chain::put_in,
        draft::{Draft, MayChange, check, encoded, prepare, written},
        mark::{own_field, settle},
        put::{Intent, is_plain, put_one},
        update::{change_one, checked_after_change},
    },
};

/// So often a race is run again, in which others insert and delete what is in the way by turns.
const TRIES: usize = 10;

/// What makes a stored document be in the way.
#[derive(Debug, Clone)]
pub(crate) enum Aim {
    /// It has the same id.
    Id,
    /// It has the same values under this unique index.
    Index(Box<IndexMeta>),
}

/// What to do about a document that is in the way.
#[derive(Debug)]
pub(crate) enum OnHit {
    /// Change it.
    Update(ChangesDraft),
    /// Leave it alone.
    Keep,
    /// Put the new one in its place.
    Replace,
    /// Leave it alone, and look for it first.
    Get,
}

/// The same, checked.
enum Hit {
    Update(Ready),
    Keep,
    Replace,
    Get,
}

pub(crate) async fn upsert<D: Document>(
    handle: &Handle,
    mut document: D,
    aim: &Aim,
    on_hit: OnHit,
) -> Result<Upserted<D>> {
    let db = handle.db();
    db.registered::<D>()?;
    counting::check::<D>(db)?;
    let hit = match on_hit {
        OnHit::Update(changes) => {
            db.require(Capability::Patches)?;
            let ready = changes.into_patch(db, || Some(declared_of::<D>()));
            Hit::Update(ready.map_err(|it| it.with_collection(D::COLLECTION))?)
        }
        OnHit::Keep => Hit::Keep,
        OnHit::Replace => Hit::Replace,
        OnHit::Get => Hit::Get,
    };
    settle(&mut document);
    // Whatever may be wrong with it is said before anything is asked.
    encoded(&document)?;
    let is_plain = is_plain::<D>(false);
    if is_plain {
        db.require(Capability::Upserts)?;
    }
    let mut last = None;
    for _ in 0..TRIES {
        let outcome = match &hit {
            Hit::Get => get_or_create(handle, &mut document, aim, is_plain).await?,
            Hit::Update(_) | Hit::Keep if is_plain => {
                at_once(handle, &mut document, aim, &hit).await?
            }
            Hit::Update(_) | Hit::Keep | Hit::Replace => {
                step_by_step(handle, &mut document, aim, &hit).await?
            }
        };
        return Ok(match outcome {
            Step::Inserted => Upserted::Inserted(document),
            Step::Replaced => Upserted::Updated(document),
            Step::Updated(it) => Upserted::Updated(it),
            Step::Kept(it) => Upserted::Kept(it),
            Step::Again(why) => {
                last = why;
                continue;
            }
        });
    }
    // In a snapshot, what others have put in the way shows in the write alone, however often.
    let why =
        "others put something in the way of this document, or take it away again, all the time";
    let error = Error::new(ErrorKind::Serialization, why).with_collection(D::COLLECTION);
    Err(match last {
        Some(last) => error.with_source(last),
        None => error,
    })
}

/// What one try of an upsert came to.
enum Step<D> {
    Inserted,
    /// The document in hand took the place of another.
    Replaced,
    Updated(D),
    Kept(D),
    /// Somebody else was faster, which may have shown in this error.
    Again(Option<Error>),
}

/// The one statement, and what is to be done with its answer.
async fn at_once<D: Document>(
    handle: &Handle,
    document: &mut D,
    aim: &Aim,
    hit: &Hit,
) -> Result<Step<D>> {
    let patch = match hit {
        Hit::Update(ready) => Some(with_own_changes(
            ready.patch.clone(),
            D::REVISION,
            handle.db().now(),
        )?),
        Hit::Keep | Hit::Replace | Hit::Get => None,
    };
    // A document that breaks a rule may still change the one in the way.
    let is_valid = check(document);
    if patch.is_none() && is_valid.is_err() {
        // It can only find one.
        let found = find(handle, aim, document, None).await?;
        return match found {
            Some(row) => read(handle, &row).await.map(Step::Kept),
            None => is_valid.map(|()| Step::Again(None)),
        };
    }
    let looks_at_new = match hit {
        Hit::Update(ready) => D::VALIDATED || ready.reads_back,
        Hit::Keep | Hit::Replace | Hit::Get => false,
    };
    let may_be_taken_back = looks_at_new || patch.is_some() && loads::<D>();
    let mut run = async |handle: &Handle| {
        let before = document.base().snapshot();
        let write = prepare(document, Intent::Insert, handle.db().now())?;
        let upsert = den_backend::Upsert {
            id: &write.id,
            body: &write.body,
            target: match aim {
                Aim::Id => ConflictTarget::Id,
                Aim::Index(index) => ConflictTarget::Index(index),
            },
            on_conflict: match &patch {
                Some(patch) => OnConflict::Change(patch),
                None => OnConflict::Nothing,
            },
        };
        let session = handle.write().await?;
        let outcome = session.get().upsert(D::COLLECTION, &upsert).await;
        let outcome = outcome.map_err(|it| match &patch {
            Some(patch) => arithmetic(it, patch),
            None => it,
        })?;
        match outcome {
            UpsertOutcome::Inserted => {
                is_valid.clone()?;
                written(document, handle.scope().as_ref(), before, &write.body);
                Ok(Step::Inserted)
            }
            UpsertOutcome::Changed(row) => {
                drop(session);
                checked_after_change::<D>(&row, looks_at_new)?;
                read(handle, &row).await.map(Step::Updated)
            }
            UpsertOutcome::Kept => {
                drop(session);
                document.base_mut().restore(before);
                match find(handle, aim, document, None).await? {
                    Some(row) => read(handle, &row).await.map(Step::Kept),
                    None => Ok(Step::Again(None)),
                }
            }
        }
    };
    if !may_be_taken_back {
        return run(handle).await;
    }
    Box::pin(atomically(handle, async |tx| run(&Handle::Tx(tx)).await)).await
}

/// Whether documents that were read have something loaded along, which may fail.
fn loads<D: Document>() -> bool {
    D::HOOKS || !LinkPlan::default().is_idle::<D>()
}

/// A document ready for the application.
async fn read<D: Document>(handle: &Handle, row: &RawDocument) -> Result<D> {
    let mut document = decode(row)?;
    if loading::is_needed::<D>() {
        let documents = slice::from_mut(&mut document);
        loading::finish(handle, documents, &LinkPlan::default()).await?;
    }
    Ok(document)
}

/// Looks for the document, and inserts it if it is not there.
async fn get_or_create<D: Document>(
    handle: &Handle,
    document: &mut D,
    aim: &Aim,
    is_plain: bool,
) -> Result<Step<D>> {
    if let Some(row) = find(handle, aim, document, None).await? {
        return read(handle, &row).await.map(Step::Kept);
    }
    if is_plain {
        check(document)?;
        return at_once(handle, document, aim, &Hit::Keep).await;
    }
    let options = SaveOptions::new();
    match put_one(handle, document, Intent::Insert, options).await {
        Ok(()) => Ok(Step::Inserted),
        Err(error) if is_in_the_way::<D>(aim, &error) => Ok(Step::Again(Some(error))),
        Err(error) => Err(error),
    }
}

/// Looks for what is in the way and does what is to be done about it, or inserts, each with all that
/// belongs to it.
async fn step_by_step<D: Document>(
    handle: &Handle,
    document: &mut D,
    aim: &Aim,
    hit: &Hit,
) -> Result<Step<D>> {
    let draft = Draft::new(slice::from_mut(document), MayChange::Anything);
    let document = &mut draft.documents[0];
    let mut inserts = false;
    let outcome = Box::pin(atomically(handle, async |tx| {
        let locks = tx.db().capabilities().has(Capability::RowLocks);
        let inside = Handle::Tx(tx.clone());
        let lock = locks.then_some(LockMode::Wait);
        let Some(row) = find(&inside, aim, document, lock).await? else {
            inserts = true;
            let run = SaveRun::default();
            put_in(&run, &tx, document, Intent::Insert, false).await?;
            return Ok(Step::Inserted);
        };
        match hit {
            Hit::Update(ready) => update_one(&tx, &inside, row, &ready.patch).await,
            Hit::Keep | Hit::Get => read(&inside, &row).await.map(Step::Kept),
            Hit::Replace => {
                document.base_mut().id = Id::new(row.id);
                let run = SaveRun::default();
                put_in(&run, &tx, document, Intent::Replace, false).await?;
                Ok(Step::Replaced)
            }
        }
    }))
    .await;
    match draft.end(outcome) {
        Err(error) if inserts && is_in_the_way::<D>(aim, &error) => Ok(Step::Again(Some(error))),
        outcome => outcome,
    }
}

async fn update_one<D: Document>(
    tx: &Tx,
    inside: &Handle,
    row: RawDocument,
    patch: &Patch,
) -> Result<Step<D>> {
    let body = change_one::<D>(tx, &row, patch, D::HOOKS).await?;
    let row = RawDocument { id: row.id, body };
    read(inside, &row).await.map(Step::Updated)
}

/// Whether this says that a document is in the way, which was inserted a moment ago.
fn is_in_the_way<D: Document>(aim: &Aim, error: &Error) -> bool {
    if error.kind() != ErrorKind::Duplicate || error.collection() != Some(D::COLLECTION) {
        return false;
    }
    error.constraint().is_some_and(|it| match aim {
        Aim::Id => it.fields() == ["_id"],
        Aim::Index(index) => it.name() == index.name,
    })
}

/// The stored document that is in the way of this one.
async fn find<D: Document>(
    handle: &Handle,
    aim: &Aim,
    document: &D,
    lock: Option<LockMode>,
) -> Result<Option<RawDocument>> {
    let Some(filter) = in_the_way(aim, document)? else {
        return Ok(None);
    };
    let mut query = Query::new(D::COLLECTION);
    query.filter = filter;
    query.limit = Some(1);
    query.lock = lock;
    let session = match lock {
        Some(_) => handle.write().await?,
        None => handle.read().await?,
    };
    first(session.get(), &query).await
}

async fn first(session: &dyn ReadWrite, query: &Query) -> Result<Option<RawDocument>> {
    session.query(query).await?.try_next().await
}

/// The filter for what is in the way of a document; none where nothing can be.
fn in_the_way<D: Document>(aim: &Aim, document: &D) -> Result<Option<Expr>> {
    let equals = |left: Expr, right: Value| Expr::compare(CompareOp::Eq, left, Expr::Value(right));
    let index = match aim {
        Aim::Id if document.id().is_empty() || !document.id().is_storable() => return Ok(None),
        Aim::Id => {
            let id = document.id().as_str().into();
            return Ok(Some(equals(own_field("_id")?, id)));
        }
        Aim::Index(index) => index,
    };
    let body = encoded(document)?;
    let value: Value = encode::decode(D::COLLECTION, document.id().as_str(), &body)?;
    if !matches(&index.filter, &value)? {
        return Ok(None);
    }
    let mut filter = index.filter.clone();
    for (field, _) in &index.fields {
        let Some(value) = value.at(field.path.segments()).filter(|it| !it.is_null()) else {
            return Ok(None);
        };
        let field = Field::document(field.path.clone(), field.kind);
        filter = filter.and(equals(Expr::Field(field), value.clone()));
    }
    Ok(Some(filter))
}
