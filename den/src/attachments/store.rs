//! What an application puts and reads content with.

use std::{
    ops::{Bound, Range, RangeBounds},
    sync::Arc,
};

use den_backend::{Error, ErrorKind, Result};
use futures_util::TryStreamExt;

use crate::{
    Db,
    attachments::{
        Attachment, Content, ContentHash, ContentReader, PutOptions, Storage, hasher::Hasher,
        upload,
    },
};

/// The content of a storage, as far as documents refer to it; a cheap handle.
///
/// # Behavior
///
/// - There is no `delete`: den deletes content when the last document that refers to it is gone.
#[derive(Debug, Clone)]
pub struct Attachments {
    storage: Arc<dyn Storage>,
    db: Option<Db>,
}

impl Db {
    /// The content to which documents of this database refer.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` where the database was opened without a
    /// [`storage`](crate::DbBuilder::storage).
    pub fn attachments(&self) -> Result<Attachments> {
        let storage = self.storage().ok_or_else(|| {
            invalid(
                "this database was opened without a storage for content: say where it lies with \
                 `Db::builder().storage(..)`",
            )
        })?;
        Ok(Attachments {
            storage: Arc::clone(storage),
            db: Some(self.clone()),
        })
    }
}

impl Attachments {
    /// The content of this storage, without a database; see [`Db::attachments`].
    pub fn new(storage: impl Storage) -> Self {
        Self::from_shared(Arc::new(storage))
    }

    /// The content of a storage that others use as well.
    pub fn from_shared(storage: Arc<dyn Storage>) -> Self {
        Self { storage, db: None }
    }

    /// The database whose documents refer to the content.
    pub(super) fn db(&self) -> Result<&Db> {
        self.db.as_ref().ok_or_else(|| {
            invalid("these attachments belong to no database; get them by `db.attachments()`")
        })
    }

    /// The storage itself.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Stores content and answers what a document keeps of it.
    ///
    /// # Behavior
    ///
    /// - The content is never in memory as a whole, and it is on disk when this answers.
    /// - The same content is stored once. No content at all is content too.
    /// - Content to which no document refers after a while is removed by a sweep.
    /// - After an error, or when the future is dropped, nothing is stored.
    ///
    /// # Errors
    ///
    /// - `InvalidDocument` for a media type that is none, a name that is a path, and content
    ///   beyond the limit.
    /// - `Hook` if the content cannot be read to its end; the stream's error is the `source`.
    pub async fn put<'a>(
        &self,
        content: impl Into<Content<'a>>,
        options: PutOptions,
    ) -> Result<Attachment> {
        upload::put(&*self.storage, content.into(), options).await
    }

    /// Opens the content of an attachment.
    ///
    /// # Errors
    ///
    /// `NotFound` if it is not stored.
    pub async fn open(&self, attachment: &Attachment) -> Result<ContentReader> {
        self.storage.open(attachment.sha256(), None).await
    }

    /// Opens a range of the content: `0..1024`, `1024..`, `..=9`.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` if the range ends before it starts, or beyond the content.
    /// - `NotFound` if the content is not stored.
    pub async fn open_range(
        &self,
        attachment: &Attachment,
        range: impl RangeBounds<u64>,
    ) -> Result<ContentReader> {
        let range = half_open(&range, attachment.size())?;
        self.storage.open(attachment.sha256(), Some(range)).await
    }

    /// Whether the content is stored.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn exists(&self, attachment: &Attachment) -> Result<bool> {
        let size = self.storage.size(attachment.sha256()).await?;
        Ok(size.is_some())
    }

    /// Reads the content and compares its size and its SHA-256 with what they should be.
    ///
    /// # Errors
    ///
    /// `Corrupt` if they differ, `NotFound` if the content is not stored.
    pub async fn verify(&self, attachment: &Attachment) -> Result<()> {
        let mut reader = self.open(attachment).await?;
        if reader.total() != attachment.size() {
            return Err(damaged(attachment.sha256()));
        }
        let mut hasher = Hasher::default();
        while let Some(bytes) = reader.try_next().await? {
            hasher = upload::hash(hasher, bytes).await?;
        }
        if hasher.finish() != *attachment.sha256() {
            return Err(damaged(attachment.sha256()));
        }
        Ok(())
    }

    /// Where a browser may fetch the content; `None` where the storage was given no URL.
    pub fn url(&self, attachment: &Attachment) -> Option<String> {
        self.storage.url(attachment)
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

fn damaged(hash: &ContentHash) -> Error {
    Error::new(ErrorKind::Corrupt, "the stored content is damaged").with_id(hash.as_str())
}

fn half_open(range: &impl RangeBounds<u64>, size: u64) -> Result<Range<u64>> {
    let start = match range.start_bound() {
        Bound::Included(it) => *it,
        Bound::Excluded(it) => it.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(it) => it.saturating_add(1),
        Bound::Excluded(it) => *it,
        Bound::Unbounded => size,
    };
    ContentReader::within(Some(start..end), size)
}
