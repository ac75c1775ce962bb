//! The contract of a storage, for those who write one.

use std::{fmt, ops::Range, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use den_backend::Result;
use futures_core::stream::BoxStream;

use crate::{
    Timestamp,
    attachments::{Attachment, ContentHash, ContentReader},
};

/// Keeps content under its SHA-256.
///
/// # Contract
///
/// - It stores bytes and knows nothing of documents: who still needs content is counted by den,
///   which alone calls [`delete`](Self::delete).
/// - Where content lies MUST follow from the hash alone.
/// - It MUST be safe to use from many tasks and processes at once.
/// - Dropping a returned future leaves content as it was or does all of what was asked, never half.
///
/// [`FolderStorage`](crate::attachments::FolderStorage) is the one to read first.
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// Starts to take in content whose hash is not known yet.
    async fn upload(&self) -> Result<Box<dyn Upload>>;

    /// Opens content, or the half-open range of it.
    ///
    /// # Errors
    ///
    /// - `NotFound` where there is no such content: [`ContentReader::missing`].
    /// - `InvalidQuery` for a range that ends before it starts or beyond the content;
    ///   [`ContentReader::within`] checks that.
    async fn open(&self, hash: &ContentHash, range: Option<Range<u64>>) -> Result<ContentReader>;

    /// The size of content in bytes; `None` where there is no such content.
    async fn size(&self, hash: &ContentHash) -> Result<Option<u64>>;

    /// Deletes content; says whether there was any.
    ///
    /// # Behavior
    ///
    /// - A reader that is open already MAY go on or fail, but MUST NOT end early without an error.
    async fn delete(&self, hash: &ContentHash) -> Result<bool>;

    /// Where a browser may fetch the content; `None` where the storage serves nobody.
    fn url(&self, attachment: &Attachment) -> Option<String>;

    /// Everything that is stored, in any order.
    ///
    /// # Behavior
    ///
    /// - Uploads that are under way and things that are not content are not listed.
    /// - A storage that cannot be reached MUST be an error, never an empty list.
    fn list(&self) -> BoxStream<'_, Result<Stored>>;

    /// Removes what uploads left behind that were interrupted, if nothing was written to them for
    /// `age`; answers how many.
    async fn sweep_uploads(&self, age: Duration) -> Result<u64>;
}

/// Content on its way into a [`Storage`].
///
/// # Contract
///
/// - Until [`finish`](Self::finish) nobody can read it.
/// - Dropping it, or any of its futures, gives the upload up: what is left behind, if anything, is
///   found by [`Storage::sweep_uploads`].
/// - It is not used after an error.
#[async_trait]
pub trait Upload: Send {
    /// Appends bytes.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Puts everything written in place, as one step, under the hash that it has.
    ///
    /// # Behavior
    ///
    /// - Content that is there already is kept, and its time of change set to now, so that a sweep
    ///   with a grace period leaves it alone.
    /// - The content MUST be durable when this answers: a commit is going to refer to it.
    async fn finish(self: Box<Self>, hash: &ContentHash) -> Result<()>;
}

/// One entry of [`Storage::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The name of the content.
    pub hash: ContentHash,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last put.
    pub modified: Timestamp,
}
