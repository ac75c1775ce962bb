//! Several documents, with an outcome for each.

use std::{collections::HashMap, slice};

use den_backend::{
    Capability, Constraint, Error, ErrorKind, LockMode, OnRefusal, Put, PutOutcome, Refusal, Result,
};

use crate::{
    BulkMode, Document, Outcome, Timestamp, Tx,
    executor::Handle,
    links::SaveRun,
    write::{
        atomically,
        batch::last_of_each_id,
        chain::put_in,
        draft::{Draft, Expect, MayChange, Write, as_stored, checked},
        put::{Intent, is_plain},
        refusal::{accept, nth},
    },
};

/// Writes documents as `intent` and `mode` say: an outcome for each, in their order.
pub(crate) async fn bulk<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    intent: Intent,
    mode: BulkMode,
) -> Result<Vec<Outcome>> {
    let db = handle.db();
    db.registered::<D>()?;
    if mode == BulkMode::OverwriteIfRevision && !D::REVISION {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "`OverwriteIfRevision` compares revisions, which documents of this type do not have; \
             for that, say `#[den(revision)]`",
        )
        .with_collection(D::COLLECTION));
    }
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    if !is_plain::<D>(false) {
        return Box::pin(one_by_one(handle, documents, intent, mode)).await;
    }
    if documents.len() > 1 {
        db.require(Capability::AtomicBatches)?;
    }
    let mut draft = Draft::new(documents, MayChange::Base);
    let outcome = together(handle, &mut draft, intent, mode).await;
    if let Ok(outcomes) = &outcome {
        for (at, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Outcome::Inserted | Outcome::Updated => {}
                Outcome::Superseded | Outcome::Skipped(_) => draft.put_back(at),
            }
        }
    }
    draft.end(outcome)
}

/// One document of a batch, ready to be put.
struct Item {
    /// Its place in the list.
    at: usize,
    write: Write,
    /// Whether it is inserted where no document has its id, though it was to be compared with one.
    may_be_new: bool,
}

/// Writes all in one call; in two, where some with a revision turn out not to be stored.
async fn together<D: Document>(
    handle: &Handle,
    draft: &mut Draft<'_, D>,
    intent: Intent,
    mode: BulkMode,
) -> Result<Vec<Outcome>> {
    let total = draft.documents.len();
    let mut items = Vec::with_capacity(total);
    for (at, document) in draft.documents.iter_mut().enumerate() {
        let item = item(document, at, (intent, mode), handle.db().now());
        items.push(item.map_err(|it| nth(it, at, total))?);
    }
    // Of several documents with one id the last is stored.
    let mut last: HashMap<String, usize> = HashMap::with_capacity(total);
    for item in &items {
        last.insert(item.write.id.clone(), item.at);
    }
    items.retain(|it| last.get(&it.write.id) == Some(&it.at));
    let mut outcomes = vec![Outcome::Superseded; total];
    if items.iter().any(|it| it.may_be_new) {
        let (items, outcomes) = (&mut items, &mut outcomes);
        Box::pin(atomically(handle, async |tx| {
            put_twice::<D>(&Handle::Tx(tx), items, mode, outcomes).await
        }))
        .await?;
    } else {
        put::<D>(handle, items.iter(), mode, &mut outcomes).await?;
    }
    let scope = handle.scope();
    for item in &items {
        match outcomes.get(item.at) {
            Some(Outcome::Inserted | Outcome::Updated) => {
                draft.written_at(item.at, scope.as_ref(), &item.write);
            }
            Some(Outcome::Superseded | Outcome::Skipped(_)) | None => {}
        }
    }
    Ok(outcomes)
}

/// Makes a document ready, and says what must be true of the stored one.
fn item<D: Document>(
    document: &mut D,
    at: usize,
    (intent, mode): (Intent, BulkMode),
    now: Timestamp,
) -> Result<Item> {
    let is_insert = intent.is_insert(document);
    let rev = document.base().rev.clone();
    let mut write = checked(document, intent, now)?;
    let mut may_be_new = false;
    match mode {
        BulkMode::Fail | BulkMode::SkipExisting => {}
        BulkMode::Overwrite if is_insert => write.expect = Expect::Any,
        BulkMode::Overwrite => write.expect = as_stored(document),
        BulkMode::OverwriteIfRevision if is_insert && rev.is_none() => {}
        BulkMode::OverwriteIfRevision => {
            write.expect = Expect::Revision(rev);
            may_be_new = is_insert;
        }
    }
    Ok(Item {
        at,
        write,
        may_be_new,
    })
}

/// Puts those with a revision where that is stored, then those where nothing is.
async fn put_twice<D: Document>(
    handle: &Handle,
    items: &mut [Item],
    mode: BulkMode,
    outcomes: &mut [Outcome],
) -> Result<()> {
    put::<D>(handle, items.iter(), mode, outcomes).await?;
    let mut new = Vec::new();
    for item in items {
        let is_missing = outcomes.get(item.at) == Some(&Outcome::Skipped(Refusal::Missing));
        if item.may_be_new && is_missing {
            item.write.expect = Expect::Absent;
            new.push(&*item);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    put::<D>(handle, new.into_iter(), mode, outcomes).await
}

/// The one call.
async fn put<'a, D: Document>(
    handle: &Handle,
    items: impl Iterator<Item = &'a Item> + Clone + Send,
    mode: BulkMode,
    outcomes: &mut [Outcome],
) -> Result<()> {
    let total = outcomes.len();
    let puts: Vec<Put<'_>> = items.clone().map(|it| it.write.put()).collect();
    let on_refusal = match mode {
        BulkMode::Fail => OnRefusal::Abort,
        BulkMode::SkipExisting | BulkMode::Overwrite | BulkMode::OverwriteIfRevision => {
            OnRefusal::Skip
        }
    };
    let session = handle.write().await?;
    let answers = session
        .get()
        .put_many(D::COLLECTION, &puts, on_refusal)
        .await;
    let answers = answers.map_err(|error| {
        let culprit = items.clone().find(|it| error.id() == Some(&it.write.id));
        match culprit {
            Some(it) => nth(error, it.at, total),
            None => error,
        }
    })?;
    for (item, answer) in items.zip(answers) {
        if mode == BulkMode::Fail {
            accept::<D>(&item.write, answer).map_err(|it| nth(it, item.at, total))?;
        }
        if let Some(outcome) = outcomes.get_mut(item.at) {
            *outcome = match answer {
                PutOutcome::Inserted => Outcome::Inserted,
                PutOutcome::Updated => Outcome::Updated,
                PutOutcome::Refused(why) => Outcome::Skipped(why),
            };
        }
    }
    Ok(())
}

/// Writes one after the other, each with all that belongs to it.
async fn one_by_one<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    intent: Intent,
    mode: BulkMode,
) -> Result<Vec<Outcome>> {
    let draft = Draft::new(documents, MayChange::Anything);
    let documents = &mut *draft.documents;
    let outcome = atomically(handle, async |tx| {
        let run = SaveRun::default();
        let total = documents.len();
        let last = last_of_each_id(documents);
        let mut outcomes = vec![Outcome::Superseded; total];
        let all = documents.iter_mut().zip(&mut outcomes).enumerate();
        for (at, (document, outcome)) in all {
            if last.get(document.id().as_str()).is_some_and(|it| *it != at) {
                continue;
            }
            *outcome = one(&run, &tx, document, intent, mode)
                .await
                .map_err(|it| nth(it, at, total))?;
        }
        Ok(outcomes)
    })
    .await;
    draft.end(outcome)
}

/// Writes one document; what hooks of a refused one did is taken back.
async fn one<D: Document>(
    run: &SaveRun,
    tx: &Tx,
    document: &mut D,
    intent: Intent,
    mode: BulkMode,
) -> Result<Outcome> {
    if mode == BulkMode::Fail {
        let is_insert = intent.is_insert(document);
        put_in(run, tx, document, intent, false).await?;
        return Ok(written_as(is_insert));
    }
    let draft = Draft::new(slice::from_mut(document), MayChange::Anything);
    let document = &mut draft.documents[0];
    let outcome = tx
        .savepoint(async |part| {
            let intent = decided(&part, document, intent, mode).await?;
            let is_insert = intent.is_insert(document);
            put_in(run, &part, document, intent, false).await?;
            Ok(written_as(is_insert))
        })
        .await;
    let id = document.id().as_str().to_owned();
    match draft.end(outcome) {
        Err(error) => match refusal_of::<D>(&error, &id) {
            Some(why) => Ok(Outcome::Skipped(why)),
            None => Err(error),
        },
        outcome => outcome,
    }
}

/// What is to be done with a document that may be stored already.
async fn decided<D: Document>(
    tx: &Tx,
    document: &D,
    intent: Intent,
    mode: BulkMode,
) -> Result<Intent> {
    let is_insert = intent.is_insert(document);
    let has_id = !document.id().is_empty() && document.id().is_storable();
    let has_revision = document.base().rev.is_some();
    match mode {
        BulkMode::Overwrite if !is_insert => return Ok(Intent::OverwriteStored),
        BulkMode::Overwrite if has_id => {}
        // Without a revision, only what is not there fits.
        BulkMode::OverwriteIfRevision if is_insert && has_id && has_revision => {}
        BulkMode::Fail
        | BulkMode::SkipExisting
        | BulkMode::Overwrite
        | BulkMode::OverwriteIfRevision => return Ok(intent),
    }
    let session = tx.session().await?;
    let id = document.id().as_str();
    let stored = if tx.db().capabilities().has(Capability::RowLocks) {
        session
            .get_for_update(D::COLLECTION, id, LockMode::Wait)
            .await?
    } else {
        session.get(D::COLLECTION, id).await?
    };
    Ok(match (stored, mode) {
        (None, _) => Intent::Insert,
        (Some(_), BulkMode::Overwrite) => Intent::Overwrite,
        (Some(_), BulkMode::Fail | BulkMode::SkipExisting | BulkMode::OverwriteIfRevision) => {
            Intent::Update
        }
    })
}

const fn written_as(is_insert: bool) -> Outcome {
    match is_insert {
        true => Outcome::Inserted,
        false => Outcome::Updated,
    }
}

/// Why this document was refused, if that is what the error says.
fn refusal_of<D: Document>(error: &Error, id: &str) -> Option<Refusal> {
    if error.collection() != Some(D::COLLECTION) || error.id() != Some(id) {
        return None;
    }
    let is_of_id = |it: &Constraint| it.fields() == ["_id"];
    let exists = error.constraint().is_some_and(is_of_id);
    let reasons = [
        (ErrorKind::NotFound, true, Refusal::Missing),
        (ErrorKind::RevisionConflict, true, Refusal::OtherRevision),
        (ErrorKind::Duplicate, exists, Refusal::Exists),
    ];
    let mut reasons = reasons.into_iter();
    let (_, _, why) = reasons.find(|(kind, fits, _)| error.kind() == *kind && *fits)?;
    Some(why)
}
