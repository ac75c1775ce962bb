//! Content in a folder of the local file system.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use den_backend::{Error, ErrorKind, Result};
use futures_core::{Stream, stream::BoxStream};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::attachments::{
    Attachment, ContentHash, ContentReader, Storage, Stored, Upload,
    place::{Root, Temporary},
    upload::{BATCH, blocking},
    url::UrlPrefix,
};

/// Keeps content in a folder, as `ab/cd/<hash>`.
///
/// # Behavior
///
/// - Content is written to a temporary file in `uploads`, synced to disk and moved into place by
///   one rename; folders are synced as well. What a crash leaves in `uploads` is swept.
/// - Nothing but the hash goes into a path. The folder belongs to den: where content should lie, a
///   link or another foreign thing is refused and not followed. Whoever can write to the
///   folder at the very same time can still play tricks, so give it to nobody else.
/// - Several processes may use one folder. Needs a tokio runtime.
///
/// # Examples
///
/// ```
/// use den::attachments::{Attachments, FolderStorage, PutOptions};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let dir = std::env::temp_dir().join(format!("den-folder-{}", std::process::id()));
/// let storage = FolderStorage::open(&dir)?.url_prefix("https://files.example/");
/// let attachments = Attachments::new(storage);
/// let logo = attachments.put(b"<svg/>", PutOptions::new("image/svg+xml")).await?;
/// let url = attachments.url(&logo).unwrap();
/// assert!(url.ends_with(logo.sha256().as_str()));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct FolderStorage {
    root: Arc<Root>,
    urls: UrlPrefix,
}

impl FolderStorage {
    /// Opens a folder; creates it where it is missing.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for an empty path, `Backend` if the folder cannot be created; the system's
    /// error is the `source`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self {
            root: Arc::new(Root::open(path.as_ref())?),
            urls: UrlPrefix::default(),
        })
    }

    /// What URLs start with, for a web server that serves the folder: `prefix/ab/cd/<hash>`.
    ///
    /// Such a server does not know the media types; it should say `nosniff` and not run anything.
    #[must_use]
    pub fn url_prefix(mut self, prefix: &str) -> Self {
        self.urls = UrlPrefix::new(prefix);
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for FolderStorage {
    async fn upload(&self) -> Result<Box<dyn Upload>> {
        let root = Arc::clone(&self.root);
        let temporary = blocking(move || root.create()).await?;
        Ok(Box::new(FolderUpload {
            root: Arc::clone(&self.root),
            temporary: Some(temporary),
        }))
    }

    async fn open(&self, hash: &ContentHash, range: Option<Range<u64>>) -> Result<ContentReader> {
        let (root, hash) = (Arc::clone(&self.root), hash.clone());
        blocking(move || {
            let Some((mut file, total)) = root.read(&hash)? else {
                return Err(ContentReader::missing(&hash));
            };
            let range = ContentReader::within(range, total)?;
            let sought = file.seek(SeekFrom::Start(range.start));
            sought.map_err(unreadable)?;
            let chunks = chunks(file, range.end - range.start);
            Ok(ContentReader::new(range, total, chunks))
        })
        .await
    }

    async fn size(&self, hash: &ContentHash) -> Result<Option<u64>> {
        let (root, hash) = (Arc::clone(&self.root), hash.clone());
        blocking(move || Ok(root.find(&hash)?.map(|(_, metadata)| metadata.len()))).await
    }

    async fn delete(&self, hash: &ContentHash) -> Result<bool> {
        let (root, hash) = (Arc::clone(&self.root), hash.clone());
        blocking(move || root.remove(&hash)).await
    }

    fn url(&self, attachment: &Attachment) -> Option<String> {
        self.urls.url(attachment.sha256())
    }

    fn list(&self) -> BoxStream<'_, Result<Stored>> {
        let root = Arc::clone(&self.root);
        // Of the 256 folders one at a time is in memory.
        stream::once(blocking(move || root.folders()))
            .map_ok(|folders| stream::iter(folders).map(Ok))
            .try_flatten()
            .and_then(|folder| blocking(move || Root::contents(&folder)))
            .map_ok(|contents| stream::iter(contents).map(Ok))
            .try_flatten()
            .boxed()
    }

    async fn sweep_uploads(&self, age: Duration) -> Result<u64> {
        let root = Arc::clone(&self.root);
        blocking(move || root.sweep(age)).await
    }
}

/// A temporary file; `None` after an error.
struct FolderUpload {
    root: Arc<Root>,
    temporary: Option<Temporary>,
}

impl FolderUpload {
    fn take(&mut self) -> Result<Temporary> {
        self.temporary
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Backend, "the upload has failed before"))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for FolderUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut temporary = self.take()?;
        let written = blocking(move || temporary.write(&bytes).map(|()| temporary)).await?;
        self.temporary = Some(written);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, hash: &ContentHash) -> Result<()> {
        let temporary = self.take()?;
        let (root, hash) = (Arc::clone(&self.root), hash.clone());
        blocking(move || root.place(temporary, &hash)).await
    }
}

/// The next `left` bytes of a file.
fn chunks(file: File, left: u64) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        blocking(move || {
            let chunk = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
            let mut bytes = vec![0; chunk];
            let len = file.read(&mut bytes).map_err(unreadable)?;
            bytes.truncate(len);
            // At the end of the file too early; the reader says what that means.
            if len == 0 {
                return Ok(None);
            }
            let left = left - u64::try_from(len).unwrap_or(left);
            Ok(Some((Bytes::from(bytes), (file, left))))
        })
        .await
    })
}

fn unreadable(why: std::io::Error) -> Error {
    Error::new(ErrorKind::Backend, "could not read the stored content").with_source(why)
}
