//! Documents as a backend sees them: an id and JSON bytes.

/// One stored document, or what a query selected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDocument {
    /// The id, equal to the document's `_id`.
    pub id: String,
    /// What [`Select`](crate::Select) asked for, as JSON text in UTF-8: the whole document, one
    /// value of it (`null` where it is missing), or nothing (empty) for `Select::Id`.
    pub body: Vec<u8>,
}

/// One document to be written.
///
/// # Behavior
///
/// - `body` is a JSON object in UTF-8 whose `_id` equals `id`; den has checked that numbers are
///   finite and fit, that no text holds NUL, and that no key occurs twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put<'a> {
    /// The id to write under.
    pub id: &'a str,
    /// The document.
    pub body: &'a [u8],
    /// What must be true of the stored document for the write to happen.
    pub expect: Expectation<'a>,
}

/// What must be true of the stored document for a write to happen. Checked and written in one
/// atomic step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation<'a> {
    /// Nothing: insert or overwrite.
    Any,
    /// No document has this id.
    Absent,
    /// A document has this id.
    Present,
    /// A document has this id, and its `_deleted_at` is missing or null; else it is refused as
    /// missing.
    Live,
    /// The stored document's `_rev` is this text, or for `None` it has no `_rev` (missing or null).
    Revision(Option<&'a str>),
}

/// What a put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The document is new.
    Inserted,
    /// The document replaced another.
    Updated,
    /// The expectation did not hold; nothing was written.
    Refused(Refusal),
}

/// What becomes of a batch in which one document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnRefusal {
    /// None is written.
    #[default]
    Abort,
    /// The others are written.
    Skip,
}

/// What a delete did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The document is gone.
    Deleted,
    /// The expectation did not hold; nothing was deleted. Deleting what is not there is
    /// `Refused(Refusal::Missing)`.
    Refused(Refusal),
}

/// Why a write did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A document with this id exists.
    Exists,
    /// No document with this id exists, or none that is [`Live`](Expectation::Live).
    Missing,
    /// The stored document has another revision.
    OtherRevision,
}
