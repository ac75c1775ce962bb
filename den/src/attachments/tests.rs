//! What every storage must do, on each of them.

mod any;
mod folder;

use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use tempfile::TempDir;

use crate::attachments::{Attachments, FolderStorage, MemoryStorage, PutOptions};

/// One of each kind of storage, and what keeps it there.
fn storages() -> Vec<(Attachments, Option<TempDir>)> {
    let (folder, dir) = folder();
    vec![
        (Attachments::new(MemoryStorage::new()), None),
        (folder, Some(dir)),
        #[cfg(feature = "object-store")]
        (
            Attachments::new(crate::attachments::ObjectStorage::new(Arc::new(
                object_store::memory::InMemory::new(),
            ))),
            None,
        ),
    ]
}

fn folder() -> (Attachments, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let storage = FolderStorage::open(dir.path()).unwrap();
    (Attachments::from_shared(Arc::new(storage)), dir)
}

fn text() -> PutOptions {
    PutOptions::new("text/plain")
}

/// `count` chunks of `size` bytes, no two chunks alike, and then perhaps an error.
fn chunks(
    count: usize,
    size: usize,
    end: Option<&'static str>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let chunks = (0..count).map(move |at| Ok(chunk(at, size)));
    stream::iter(chunks.chain(end.map(|it| Err(std::io::Error::other(it)))))
}

fn chunk(at: usize, size: usize) -> Bytes {
    let mut bytes = at.to_le_bytes().repeat(size / 8 + 1);
    bytes.truncate(size);
    bytes.into()
}
