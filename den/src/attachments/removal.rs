//! Taking content out of the storage that no document refers to.

use std::sync::Arc;

use den_backend::{Capability, Isolation, Result};

use crate::{
    Db, Tx, TxOptions,
    attachments::{ContentHash, Storage, counts},
};

/// What is done about content that has no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uncounted {
    /// It stays: it was put for a document that is not stored yet.
    Stays,
    /// It goes: nobody has stored such a document for a long time.
    Goes,
}

/// Removes content once the transaction is committed, unless a document refers to it by then.
///
/// What fails there is left to a sweep, for the documents are as they should be.
pub(super) fn after_commit(tx: &Tx, storage: Arc<dyn Storage>, hashes: Vec<ContentHash>) {
    let db = tx.db().clone();
    tx.after_commit(move || async move {
        let work = async move {
            for hash in hashes {
                if let Err(error) = remove(&db, &*storage, &hash, Uncounted::Stays).await {
                    tracing::warn!(%hash, %error, "could not remove content; a sweep will");
                }
            }
        };
        // In a task of its own: were this future dropped half-way, the lock on the count would be
        // gone, and the storage perhaps still deleting what someone else begins to refer to.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                if let Err(error) = runtime.spawn(work).await {
                    tracing::warn!(%error, "could not remove content; a sweep will");
                }
            }
            Err(_) => work.await,
        }
    });
}

/// Removes content unless a document refers to it; whether it was removed.
pub(super) async fn remove(
    db: &Db,
    storage: &dyn Storage,
    hash: &ContentHash,
    uncounted: Uncounted,
) -> Result<bool> {
    let tx = begin(db).await?;
    let session = tx.session().await?;
    let is_unused = match (counts::lock(&*session, hash).await?, uncounted) {
        (Some(count), _) => count.is_unused(),
        (None, Uncounted::Stays) => false,
        // The row that is made keeps others out until the content is gone.
        (None, Uncounted::Goes) => counts::change(&*session, hash, |_| {}).await?.is_unused(),
    };
    if !is_unused {
        tx.abort().await?;
        return Ok(false);
    }
    storage.delete(hash).await?;
    counts::forget(&*session, hash).await?;
    tx.end().await?;
    Ok(true)
}

/// Starts a transaction that, having waited for a row, sees what was committed meanwhile.
pub(super) async fn begin(db: &Db) -> Result<Tx> {
    let options = TxOptions::new();
    let options = match db.capabilities().has(Capability::Isolation) {
        true => options.isolation(Isolation::ReadCommitted),
        false => options,
    };
    db.begin_with(options).await
}
