//! Taking content in: in pieces of a good size, hashed on the way.

use bytes::{Bytes, BytesMut};
use den_backend::{Error, ErrorKind, Result};

use crate::attachments::{
    Attachment, Content, PutOptions, Storage,
    attachment::{check_media_type, check_name},
    hasher::Hasher,
    storage::Upload,
};

/// How much is handed to the storage at a time, at least, but for the last piece.
pub(super) const BATCH: usize = 256 << 10;

pub(super) async fn put(
    storage: &dyn Storage,
    mut content: Content<'_>,
    options: PutOptions,
) -> Result<Attachment> {
    // Before anything is read; what is made of it at the end checks again.
    check_media_type(&options.media_type)?;
    options.name.as_deref().map_or(Ok(()), check_name)?;
    let limit = options.limit.unwrap_or(u64::MAX);
    let mut sink = Sink {
        upload: storage.upload().await?,
        hasher: Hasher::default(),
    };
    let mut size = 0_u64;
    let mut batch = BytesMut::new();
    while let Some(bytes) = content.next().await {
        let bytes = bytes.map_err(|why| {
            Error::new(ErrorKind::Hook, "the content could not be read to its end").with_source(why)
        })?;
        size = size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if size > limit {
            return Err(Error::new(
                ErrorKind::InvalidDocument,
                format!("the content has more than the {limit} bytes that are allowed"),
            ));
        }
        if batch.is_empty() && bytes.len() >= BATCH {
            sink.write(bytes).await?;
            continue;
        }
        batch.extend_from_slice(&bytes);
        if batch.len() >= BATCH {
            sink.write(batch.split().freeze()).await?;
        }
    }
    if !batch.is_empty() {
        sink.write(batch.freeze()).await?;
    }
    let hash = sink.hasher.finish();
    sink.upload.finish(&hash).await?;
    let mut attachment = Attachment::new(hash, size, options.media_type)?;
    if let Some(name) = options.name {
        attachment.rename(name)?;
    }
    Ok(attachment)
}

/// An upload, and the hash of what went into it.
struct Sink {
    upload: Box<dyn Upload>,
    hasher: Hasher,
}

impl Sink {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let hasher = std::mem::take(&mut self.hasher);
        let (hasher, ()) = tokio::try_join!(hash(hasher, bytes.clone()), self.upload.write(bytes))?;
        self.hasher = hasher;
        Ok(())
    }
}

/// Hashes on, off the async threads.
pub(super) async fn hash(mut hasher: Hasher, bytes: Bytes) -> Result<Hasher> {
    blocking(move || {
        hasher.update(&bytes);
        Ok(hasher)
    })
    .await
}

/// Runs what takes its time, or waits for a disk, where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|why| {
        Err(
            Error::new(ErrorKind::Backend, "the work of the storage was cut short")
                .with_source(why),
        )
    })
}
