//! What documents were before a write, and how they are made ready for it.

use std::{sync::Arc, time::Duration};

use den_backend::{Error, ErrorKind, Expectation, Put, Result};

use crate::{
    Base, Document, Id, SoftDelete, Timestamp, Tracked,
    base::{Scope, Snapshot},
    encode,
    links::cascade,
    write::{mark::settle, put::Intent, refusal::no_id},
};

/// Documents that are being written, and what they were before.
pub(super) struct Draft<'a, D: Document> {
    pub(super) documents: &'a mut [D],
    before: Vec<Option<Before<D>>>,
}

/// How much of a document an operation may change before it is known to succeed.
#[derive(Debug, Clone, Copy)]
pub(super) enum MayChange {
    /// The id, times and revision.
    Base,
    /// Anything, since hooks run.
    Anything,
}

/// What a document was.
struct Before<D: Document> {
    base: Snapshot<D>,
    deletion: Option<SoftDelete>,
    tracked: Option<Tracked>,
    /// All of it, where hooks may change it.
    whole: Option<D>,
}

/// One document, ready to be put.
pub(super) struct Write {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    pub(super) expect: Expect,
}

/// An expectation, owned.
pub(super) enum Expect {
    Any,
    Absent,
    Present,
    Live,
    Revision(Option<String>),
}

impl<'a, D: Document> Draft<'a, D> {
    pub(super) fn new(documents: &'a mut [D], may_change: MayChange) -> Self {
        let before = documents
            .iter_mut()
            .map(|it| Some(Before::of(it, may_change)))
            .collect();
        Self { documents, before }
    }

    /// Notes that all documents were written as these say.
    pub(super) fn written(&mut self, scope: Option<&Arc<Scope>>, writes: &[Write]) {
        let all = self.documents.iter_mut().zip(&mut self.before);
        for ((document, before), write) in all.zip(writes) {
            if let Some(before) = before.take() {
                written(document, scope, before.base, &write.body);
            }
        }
    }

    /// Notes that the document at this place was written.
    pub(super) fn written_at(&mut self, at: usize, scope: Option<&Arc<Scope>>, write: &Write) {
        if let (Some(document), Some(before)) =
            (self.documents.get_mut(at), self.before.get_mut(at))
            && let Some(before) = before.take()
        {
            written(document, scope, before.base, &write.body);
        }
    }

    /// Takes back what was changed of the document at this place, which was not written.
    pub(super) fn put_back(&mut self, at: usize) {
        if let (Some(document), Some(before)) =
            (self.documents.get_mut(at), self.before.get_mut(at))
            && let Some(before) = before.take()
        {
            before.put_back(document);
        }
    }

    /// Keeps the changes if the operation went through, else takes all of them back; a generated id
    /// is kept where nobody knows whether it went through.
    pub(super) fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        if outcome.as_ref().is_err_and(may_have_happened) {
            return outcome;
        }
        let before = std::mem::take(&mut self.before);
        if outcome.is_err() {
            for (document, before) in self.documents.iter_mut().zip(before) {
                if let Some(before) = before {
                    before.put_back(document);
                }
            }
        }
        outcome
    }
}

/// Whether the write may have happened although this is the answer to it.
fn may_have_happened(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CommitUnknown | ErrorKind::ConnectionLost
    )
}

impl<D: Document> Drop for Draft<'_, D> {
    /// The operation was cancelled, or its answer was lost: it may have happened or not. A generated
    /// id is kept, so that another try is refused as a duplicate instead of storing the document
    /// twice.
    fn drop(&mut self) {
        for (document, before) in self.documents.iter_mut().zip(&mut self.before) {
            if let Some(before) = before.take() {
                let id = std::mem::take(&mut document.base_mut().id);
                before.put_back(document);
                document.base_mut().id = id;
            }
        }
    }
}

impl<D: Document> Before<D> {
    fn of(document: &mut D, may_change: MayChange) -> Self {
        settle(document);
        let base = document.base().snapshot();
        match may_change {
            MayChange::Base => Self {
                base,
                deletion: None,
                tracked: None,
                whole: None,
            },
            MayChange::Anything => Self {
                base,
                deletion: document.__deletion().cloned(),
                tracked: document.__tracked().cloned(),
                whole: document.__backup(),
            },
        }
    }

    fn put_back(self, document: &mut D) {
        if let Some(whole) = self.whole {
            *document = whole;
            return;
        }
        document.base_mut().restore(self.base);
        if let (Some(it), Some(before)) = (document.__deletion_mut(), self.deletion) {
            *it = before;
        }
        if let (Some(it), Some(before)) = (document.__tracked_mut(), self.tracked) {
            *it = before;
        }
    }
}

impl Write {
    pub(super) fn put(&self) -> Put<'_> {
        Put {
            id: &self.id,
            body: &self.body,
            expect: match &self.expect {
                Expect::Any => Expectation::Any,
                Expect::Absent => Expectation::Absent,
                Expect::Present => Expectation::Present,
                Expect::Live => Expectation::Live,
                Expect::Revision(rev) => Expectation::Revision(rev.as_deref()),
            },
        }
    }

    /// Whether the stored document must not be marked as deleted.
    pub(super) fn is_for_live(&self) -> bool {
        matches!(self.expect, Expect::Live)
    }
}

/// Makes sure that the document may be written, and makes it ready.
pub(super) fn checked<D: Document>(
    document: &mut D,
    intent: Intent,
    now: Timestamp,
) -> Result<Write> {
    if !intent.is_insert(document) && document.base().id.is_empty() {
        return Err(no_id::<D>());
    }
    check(document)?;
    prepare(document, intent, now)
}

/// Checks the declared rules.
pub(super) fn check<D: Document>(document: &D) -> Result<()> {
    if !D::VALIDATED {
        return Ok(());
    }
    document.__validate().map_err(|it| invalid(document, it))
}

/// Says which document breaks a rule, unless the error says so itself.
pub(super) fn invalid<D: Document>(document: &D, error: Error) -> Error {
    if error.kind() != ErrorKind::Validation || error.collection().is_some() {
        return error;
    }
    let error = error.with_collection(D::COLLECTION);
    match document.id().as_str() {
        "" => error,
        id => error.with_id(id),
    }
}

/// Fills in id, times and revision of one document and encodes it.
pub(super) fn prepare<D: Document>(
    document: &mut D,
    intent: Intent,
    now: Timestamp,
) -> Result<Write> {
    if D::LINKS {
        cascade::refuse_unstored(document)?;
    }
    let is_insert = intent.is_insert(document);
    let expect = expectation(document, intent);
    let base = document.base_mut();
    if is_insert {
        prepare_insert(base)?;
    }
    let may_be_new = is_insert || matches!(intent, Intent::Overwrite);
    if may_be_new && base.created_at == Timestamp::default() {
        base.created_at = now;
        base.updated_at = base.created_at;
    } else {
        base.updated_at = next_update_time(base, now);
    }
    if D::REVISION {
        base.rev = Some(new_revision());
    }
    let id = base.id.as_str().to_owned();
    let body = encoded(document)?;
    Ok(Write { id, body, expect })
}

/// The stored form.
pub(crate) fn encoded<D: Document>(document: &D) -> Result<Vec<u8>> {
    encode::document(document).map_err(|it| {
        it.with_collection(D::COLLECTION)
            .with_id(document.id().as_str())
    })
}

/// A later write has a later time, even within a microsecond or after the clock was set back a
/// little.
pub(super) fn next_update_time<D>(base: &Base<D>, now: Timestamp) -> Timestamp {
    now.max(base.updated_at + Duration::from_micros(1))
}

fn expectation<D: Document>(document: &D, intent: Intent) -> Expect {
    if intent.is_insert(document) {
        return Expect::Absent;
    }
    if let Intent::Overwrite = intent {
        return Expect::Any;
    }
    if D::REVISION && !matches!(intent, Intent::Replace | Intent::OverwriteStored) {
        return Expect::Revision(document.base().rev.clone());
    }
    as_stored(document)
}

/// That the document is stored, whatever its revision; and not marked as deleted, unless this copy
/// is one of a document that was.
pub(super) fn as_stored<D: Document>(document: &D) -> Expect {
    let is_live = document
        .__deletion()
        .is_some_and(|it| !it.is_stored_deleted());
    match D::SOFT_DELETE && is_live {
        true => Expect::Live,
        false => Expect::Present,
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

/// Notes that a document was written, in a transaction if there is a scope.
pub(super) fn written<D: Document>(
    document: &mut D,
    scope: Option<&Arc<Scope>>,
    before: Snapshot<D>,
    body: &[u8],
) {
    document.base_mut().mark_written(scope, before);
    if let Some(it) = document.__deletion_mut() {
        it.mark_written(scope);
    }
    if let Some(it) = document.__tracked_mut() {
        it.remember(scope.cloned(), body);
    }
}

/// 64 random bits in hex, the predecessor's format.
pub(crate) fn new_revision() -> String {
    let bits: u64 = rand::random();
    format!("{bits:016x}")
}
