//! Reading again what was stored.

use std::sync::Arc;

use den_backend::{Error, ErrorKind, RawDocument, Result};

use crate::{
    Db,
    transfer::{
        document::canonical,
        files::{Hash, blocking},
        options::{Observer, Progress, Stage},
        snapshot::Snapshot,
    },
};

/// The SHA-256 of the documents of a collection as they are stored.
pub(super) async fn hash_of(
    snapshot: &Snapshot,
    collection: &str,
    observer: &Observer,
) -> Result<String> {
    let total = snapshot.count(collection).await?;
    let mut progress = Progress::new(Stage::Verify, collection, total);
    let mut walk = snapshot.walk_if_there(collection).await?;
    let (mut hash, name): (_, Arc<str>) = (Hash::default(), collection.into());
    let mut page = walk.page().await?;
    while !page.is_empty() {
        progress.documents += page.len() as u64;
        let of = Arc::clone(&name);
        let hashing = blocking(move || add(hash, &of, &page));
        let (hashed, next) = futures_util::future::join(hashing, walk.page()).await;
        hash = hashed?;
        page = next?;
        observer.tell(&progress);
    }
    Ok(hash.hex())
}

fn add(mut hash: Hash, collection: &str, page: &[RawDocument]) -> Result<Hash> {
    for raw in page {
        hash.line(canonical(collection, raw)?);
    }
    Ok(hash)
}

/// Makes sure that a collection holds what this is the hash of.
pub(super) async fn is_as(
    db: &Db,
    collection: &str,
    sha256: &str,
    observer: &Observer,
) -> Result<()> {
    let snapshot = Snapshot::open(db).await?;
    if hash_of(&snapshot, collection, observer).await? == sha256 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Corrupt,
        "what is stored now is not what was written; is something else writing to it?",
    )
    .with_collection(collection))
}
