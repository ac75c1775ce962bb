//! How documents are saved and deleted, where the default is not what is meant.

use den_backend::Refusal;

use crate::OnDelete;

/// How a document is deleted; the default does what `delete` does.
///
/// ```
/// use den::DeleteOptions;
///
/// let for_good = DeleteOptions::new().hard();
/// let with_trace = DeleteOptions::new().by("ada").because("spam");
/// # let _ = (for_good, with_trace);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a delete"]
pub struct DeleteOptions {
    pub(crate) hard: bool,
    pub(crate) by: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) links_here: Option<OnDelete>,
    pub(crate) with_links: bool,
}

impl DeleteOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes for good, also a document that would only be marked as deleted.
    pub fn hard(mut self) -> Self {
        self.hard = true;
        self
    }

    /// Who deletes; kept in `_deleted_by` of a document that is marked as deleted.
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = Some(who.into());
        self
    }

    /// Why; kept in `_delete_reason` of a document that is marked as deleted.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What happens to documents that link to this one, whatever their fields declare.
    pub fn links_here(mut self, rule: OnDelete) -> Self {
        self.links_here = Some(rule);
        self
    }

    /// Deletes the documents this one links to as well, whether or not the fields are
    /// `#[den(owned)]`; one level deep.
    pub fn with_links(mut self) -> Self {
        self.with_links = true;
        self
    }

    /// Whether the document is deleted for good.
    pub fn is_hard(&self) -> bool {
        self.hard
    }

    /// Who deletes.
    pub fn who(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// Why.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// How a document is saved; the default does what `save` does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a save"]
pub struct SaveOptions {
    pub(crate) with_links: bool,
}

impl SaveOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Saves the documents at hand in links first: new ones are inserted, those that were changed
    /// through [`Link::get_mut`](crate::Link::get_mut) updated, others left alone.
    pub fn with_links(mut self) -> Self {
        self.with_links = true;
        self
    }
}

/// What becomes of a document of a batch whose id is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BulkMode {
    /// It fails, and nothing of the batch is written; as `insert_many` and `save_all` do.
    #[default]
    Fail,
    /// It is skipped, and the others are written. So is a document to be updated that is gone, or has
    /// another revision by now.
    SkipExisting,
    /// It takes the place of the stored one, whatever that is, also of one that is marked as deleted,
    /// which it brings back. A document that was loaded or saved before is skipped if it is gone, and
    /// if it was marked as deleted since.
    Overwrite,
    /// It takes the place of the stored one if that has the same revision, and is skipped if not; on
    /// types with a revision.
    OverwriteIfRevision,
}

/// What became of one document of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was inserted.
    Inserted,
    /// It took the place of a stored one.
    Updated,
    /// It was left out, for this reason.
    Skipped(Refusal),
    /// It was left out, because a later one in the batch has the same id.
    Superseded,
}

impl Outcome {
    /// Whether the document was written.
    pub const fn is_written(self) -> bool {
        match self {
            Self::Inserted | Self::Updated => true,
            Self::Skipped(_) | Self::Superseded => false,
        }
    }
}
