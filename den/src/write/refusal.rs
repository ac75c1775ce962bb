//! Why a write did not happen.

use den_backend::{Constraint, Error, ErrorKind, PutOutcome, Refusal, Result};

use crate::{Document, write::draft::Write};

/// What to say of a live copy whose document is not live.
pub(super) const GONE: &str = "the document was deleted, or marked as deleted, since it was loaded";

pub(super) fn accept<D: Document>(write: &Write, outcome: PutOutcome) -> Result<()> {
    match outcome {
        PutOutcome::Inserted | PutOutcome::Updated => Ok(()),
        PutOutcome::Refused(Refusal::Missing) if write.is_for_live() => {
            Err(gone_or_marked::<D>(&write.id))
        }
        PutOutcome::Refused(refusal) => Err(refused::<D>(refusal, &write.id)),
    }
}

pub(super) fn refused<D: Document>(refusal: Refusal, id: &str) -> Error {
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

pub(crate) fn not_found<D: Document>(id: &str) -> Error {
    refused::<D>(Refusal::Missing, id)
}

/// The error for a live copy of a document that is not live.
fn gone_or_marked<D: Document>(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, GONE)
        .with_collection(D::COLLECTION)
        .with_id(id)
}

pub(crate) fn no_id<D: Document>() -> Error {
    Error::new(
        ErrorKind::InvalidDocument,
        "the document has no id; insert it first",
    )
    .with_collection(D::COLLECTION)
}

/// Says which document of a batch the error is about.
pub(super) fn nth(error: Error, at: usize, total: usize) -> Error {
    error.with_context(format!("document {} of {total}", at + 1))
}
