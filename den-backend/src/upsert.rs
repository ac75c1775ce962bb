//! Upserts: insert, or change what is in the way.

use crate::{IndexMeta, Patch, RawDocument};

/// One document to be inserted, and what to do about one that is in the way.
#[derive(Debug, Clone, Copy)]
pub struct Upsert<'a> {
    /// The id to insert under.
    pub id: &'a str,
    /// The document, as in [`Put`](crate::Put).
    pub body: &'a [u8],
    /// What makes a stored document be in the way.
    pub target: ConflictTarget<'a>,
    /// What to do about it.
    pub on_conflict: OnConflict<'a>,
}

/// What makes a stored document be in the way of an [`Upsert`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConflictTarget<'a> {
    /// It has the same id.
    Id,
    /// It has the same values under this unique index, which exists as it is described.
    Index(&'a IndexMeta),
}

/// What to do about a document that is in the way of an [`Upsert`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OnConflict<'a> {
    /// Leave it alone.
    Nothing,
    /// Change it.
    Change(&'a Patch),
}

/// What an [`Upsert`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpsertOutcome {
    /// The document was inserted.
    Inserted,
    /// Another one was in the way and was changed; this is what it is now.
    Changed(RawDocument),
    /// Another one is in the way and was left alone.
    Kept,
}
