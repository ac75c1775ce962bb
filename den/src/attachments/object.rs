//! Content in the cloud, or wherever the crate `object_store` reaches.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use den_backend::{Error, ErrorKind, Result};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload,
    path::Path,
};
use tokio::runtime::Handle;

use crate::{
    Id, Timestamp,
    attachments::{
        Attachment, ContentHash, ContentReader, Storage, Stored, Upload, url::UrlPrefix,
    },
};

/// Keeps content in an [`ObjectStore`]: S3 and what speaks like it, Google Cloud, Azure.
///
/// # Behavior
///
/// - Content lies at `ab/cd/<hash>`; wrap the store in `object_store::prefix::PrefixStore` to share
///   a bucket. Content of up to 8 MiB is put in one request.
/// - What is larger is uploaded in parts to `uploads/` and copied into place by the service, so
///   that the size a service copies at once is the limit (5 GiB on S3). The parts of an upload
///   that was interrupted are the service's to clean up: give the bucket a rule for them.
/// - For the local file system use [`FolderStorage`](crate::attachments::FolderStorage).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use den::attachments::{Attachments, ObjectStorage, PutOptions};
/// use object_store::memory::InMemory; // or `aws::AmazonS3Builder`
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let attachments = Attachments::new(ObjectStorage::new(Arc::new(InMemory::new())));
/// let note = attachments.put("a note", PutOptions::new("text/plain")).await?;
/// assert_eq!(attachments.open(&note).await?.bytes().await?, b"a note");
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ObjectStorage {
    store: Arc<dyn ObjectStore>,
    urls: UrlPrefix,
}

/// The size of a part; services ask for 5 MiB at least.
const PART: usize = 8 << 20;

/// The folder of uploads in parts.
const UPLOADS: &str = "uploads";

impl ObjectStorage {
    /// The content of this store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            urls: UrlPrefix::default(),
        }
    }

    /// What URLs start with, where the store is served to the public: `prefix/ab/cd/<hash>`.
    #[must_use]
    pub fn url_prefix(mut self, prefix: &str) -> Self {
        self.urls = UrlPrefix::new(prefix);
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for ObjectStorage {
    async fn upload(&self) -> Result<Box<dyn Upload>> {
        Ok(Box::new(ObjectUpload {
            store: Arc::clone(&self.store),
            pending: Vec::new(),
            size: 0,
            parts: None,
        }))
    }

    async fn open(&self, hash: &ContentHash, range: Option<Range<u64>>) -> Result<ContentReader> {
        let path = place(hash);
        let Some(range) = range else {
            let found = self.store.get(&path).await;
            let found = found.map_err(|why| absent_or_failed(hash, why))?;
            let total = found.meta.size;
            let stream = found.into_stream().map_err(failed);
            return Ok(ContentReader::new(0..total, total, stream));
        };
        // Services cut a range short that goes beyond the end, so look first.
        let Some(total) = self.size(hash).await? else {
            return Err(ContentReader::missing(hash));
        };
        let range = ContentReader::within(Some(range), total)?;
        if range.is_empty() {
            return Ok(ContentReader::new(range, total, stream::empty()));
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(&path, options).await;
        let found = found.map_err(|why| absent_or_failed(hash, why))?;
        let stream = found.into_stream().map_err(failed);
        Ok(ContentReader::new(range, total, stream))
    }

    async fn size(&self, hash: &ContentHash) -> Result<Option<u64>> {
        match self.store.head(&place(hash)).await {
            Ok(it) => Ok(Some(it.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(why) => Err(failed(why)),
        }
    }

    async fn delete(&self, hash: &ContentHash) -> Result<bool> {
        // Services do not tell whether there was anything.
        let is_there = self.size(hash).await?.is_some();
        if is_there {
            delete(&*self.store, &place(hash)).await?;
        }
        Ok(is_there)
    }

    fn url(&self, attachment: &Attachment) -> Option<String> {
        self.urls.url(attachment.sha256())
    }

    fn list(&self) -> BoxStream<'_, Result<Stored>> {
        let all = self.store.list(None).map_err(failed);
        all.try_filter_map(async |it| Ok(stored(&it))).boxed()
    }

    async fn sweep_uploads(&self, age: Duration) -> Result<u64> {
        let before = SystemTime::now().checked_sub(age);
        let mut all = self.store.list(Some(&Path::from(UPLOADS)));
        let mut old = Vec::new();
        while let Some(it) = all.try_next().await.map_err(failed)? {
            if before.is_some_and(|before| SystemTime::from(it.last_modified) <= before) {
                old.push(it.location);
            }
        }
        for path in &old {
            delete(&*self.store, path).await?;
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }
}

/// Content on its way: held back up to the size of a part, then sent in parts.
struct ObjectUpload {
    store: Arc<dyn ObjectStore>,
    pending: Vec<Bytes>,
    size: usize,
    parts: Option<Parts>,
}

/// An upload in parts to a temporary place; given up when dropped.
struct Parts {
    path: Path,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl ObjectUpload {
    /// Sends what is pending as one part.
    async fn send(&mut self) -> Result<&mut Parts> {
        let payload: PutPayload = std::mem::take(&mut self.pending).into_iter().collect();
        self.size = 0;
        let mut parts = match self.parts.take() {
            Some(it) => it,
            None => {
                let path = Path::from_iter([UPLOADS, Id::<()>::generate().as_str()]);
                let upload = self.store.put_multipart(&path).await.map_err(failed)?;
                let upload = Some(upload);
                Parts { path, upload }
            }
        };
        parts.upload()?.put_part(payload).await.map_err(failed)?;
        Ok(self.parts.insert(parts))
    }
}

impl Parts {
    fn upload(&mut self) -> Result<&mut Box<dyn MultipartUpload>> {
        self.upload
            .as_mut()
            .ok_or_else(|| Error::new(ErrorKind::Backend, "the upload has ended before"))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Ok(runtime) = Handle::try_current()
        {
            // What cannot be given up now, the service cleans up.
            runtime.spawn(async move { upload.abort().await.ok() });
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for ObjectUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size = self.size.saturating_add(bytes.len());
        self.pending.push(bytes);
        if self.size >= PART {
            self.send().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>, hash: &ContentHash) -> Result<()> {
        let place = place(hash);
        if self.parts.is_none() {
            let payload: PutPayload = std::mem::take(&mut self.pending).into_iter().collect();
            self.store.put(&place, payload).await.map_err(failed)?;
            return Ok(());
        }
        if self.size > 0 {
            self.send().await?;
        }
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        parts.upload()?.complete().await.map_err(failed)?;
        parts.upload = None;
        // Also over content that is there: it is the same, and its time of change is now.
        let copied = self.store.copy(&parts.path, &place).await;
        // What is left behind is swept.
        self.store.delete(&parts.path).await.ok();
        copied.map_err(failed)
    }
}

fn place(hash: &ContentHash) -> Path {
    Path::from_iter(hash.segments())
}

/// What an object is as content; `None` for what is not content.
fn stored(object: &ObjectMeta) -> Option<Stored> {
    let hash = ContentHash::parse(object.location.filename()?).ok()?;
    let micros = object.last_modified.timestamp_micros();
    (object.location == place(&hash)).then(|| Stored {
        hash,
        size: object.size,
        modified: Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

async fn delete(store: &dyn ObjectStore, path: &Path) -> Result<()> {
    match store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(why) => Err(failed(why)),
    }
}

fn absent_or_failed(hash: &ContentHash, why: object_store::Error) -> Error {
    if matches!(why, object_store::Error::NotFound { .. }) {
        return ContentReader::missing(hash);
    }
    failed(why)
}

fn failed(why: object_store::Error) -> Error {
    Error::new(ErrorKind::Backend, "the object store has failed").with_source(why)
}
