//! Content in memory, for tests.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use den_backend::Result;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};

use crate::{
    Timestamp,
    attachments::{
        Attachment, ContentHash, ContentReader, Storage, Stored, Upload, url::UrlPrefix,
    },
};

/// Keeps content in memory, for tests; a clone shares it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    contents: Contents,
    urls: UrlPrefix,
}

/// What is stored, and when it was put.
type Contents = Arc<Mutex<BTreeMap<ContentHash, (Bytes, Timestamp)>>>;

impl MemoryStorage {
    /// A storage without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// What URLs start with: `prefix/ab/cd/<hash>`.
    #[must_use]
    pub fn url_prefix(mut self, prefix: &str) -> Self {
        self.urls = UrlPrefix::new(prefix);
        self
    }
}

/// Every state of the map is a good one, whatever a panicking thread left behind.
fn lock(contents: &Contents) -> MutexGuard<'_, BTreeMap<ContentHash, (Bytes, Timestamp)>> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

fn len(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    async fn upload(&self) -> Result<Box<dyn Upload>> {
        Ok(Box::new(MemoryUpload {
            contents: Arc::clone(&self.contents),
            bytes: BytesMut::new(),
        }))
    }

    async fn open(&self, hash: &ContentHash, range: Option<Range<u64>>) -> Result<ContentReader> {
        let found = lock(&self.contents).get(hash).map(|(it, _)| it.clone());
        let Some(bytes) = found else {
            return Err(ContentReader::missing(hash));
        };
        let total = len(&bytes);
        let range = ContentReader::within(range, total)?;
        let at = |it: u64| usize::try_from(it).unwrap_or(usize::MAX).min(bytes.len());
        let part = bytes.slice(at(range.start)..at(range.end));
        Ok(ContentReader::new(
            range,
            total,
            stream::once(async { Ok(part) }),
        ))
    }

    async fn size(&self, hash: &ContentHash) -> Result<Option<u64>> {
        Ok(lock(&self.contents).get(hash).map(|(it, _)| len(it)))
    }

    async fn delete(&self, hash: &ContentHash) -> Result<bool> {
        Ok(lock(&self.contents).remove(hash).is_some())
    }

    fn url(&self, attachment: &Attachment) -> Option<String> {
        self.urls.url(attachment.sha256())
    }

    fn list(&self) -> BoxStream<'_, Result<Stored>> {
        let contents = lock(&self.contents);
        let all: Vec<Result<Stored>> = contents
            .iter()
            .map(|(hash, (bytes, modified))| {
                Ok(Stored {
                    hash: hash.clone(),
                    size: len(bytes),
                    modified: *modified,
                })
            })
            .collect();
        stream::iter(all).boxed()
    }

    async fn sweep_uploads(&self, _age: Duration) -> Result<u64> {
        Ok(0)
    }
}

struct MemoryUpload {
    contents: Contents,
    bytes: BytesMut,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for MemoryUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>, hash: &ContentHash) -> Result<()> {
        let entry = (self.bytes.freeze(), Timestamp::now());
        lock(&self.contents).insert(hash.clone(), entry);
        Ok(())
    }
}
