//! Counting who refers to content, as a part of each write.
//!
//! Every write takes its locks in one order: the document first, then the counts by name. Two
//! writes of single documents therefore never wait for each other in a circle.

use std::sync::Arc;

use den_backend::{Capability, CollectionMeta, Error, ErrorKind, LockMode, Result};

use crate::{
    Db, Document, Json, Tx,
    attachments::{ContentHash, Storage, counts, removal},
};

pub(crate) use super::held::Held;

/// Makes sure that documents with attachments can be written at all.
///
/// # Errors
///
/// `InvalidQuery` where the database was opened without a storage.
pub(crate) fn check<D: Document>(db: &Db) -> Result<()> {
    if D::ATTACHMENTS {
        storage::<D>(db)?;
        db.require(Capability::RowLocks)?;
    }
    Ok(())
}

/// Makes what is needed to count exist, for a type with attachments.
pub(crate) async fn ensure<D: Document>(db: &Db) -> Result<()> {
    if D::ATTACHMENTS {
        counts::ensure(db.backend()).await?;
    }
    Ok(())
}

/// What is needed to count, as the database is told of it.
pub(crate) fn needed() -> Option<CollectionMeta> {
    Some(CollectionMeta::new(counts::COLLECTION))
}

fn storage<D: Document>(db: &Db) -> Result<&Arc<dyn Storage>> {
    db.storage().ok_or_else(|| {
        let name = std::any::type_name::<D>();
        Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "`{name}` has attachments, and this database was opened without a storage for \
                 their content: say where it lies with `Db::builder().storage(..)`"
            ),
        )
        .with_collection(D::COLLECTION)
    })
}

/// What the stored document refers to, if there is one; it is locked until the transaction ends.
pub(crate) async fn held_by_stored<D: Document>(tx: &Tx, document: &D) -> Result<Held> {
    let id = document.id();
    if !D::ATTACHMENTS || id.is_empty() || !id.is_storable() {
        return Ok(Held::default());
    }
    let session = tx.session().await?;
    let stored = session
        .get_for_update(D::COLLECTION, id.as_str(), LockMode::Wait)
        .await?;
    stored.map_or_else(
        || Ok(Held::default()),
        |raw| Held::by_body::<D>(id.as_str(), &raw.body),
    )
}

/// Counts what a document has begun and ceased to refer to, once it was written.
///
/// # Errors
///
/// `InvalidDocument`, naming path and content, for an attachment whose content is not stored or
/// has another size.
pub(crate) async fn count_written<D: Document>(
    tx: &Tx,
    id: &str,
    before: &Held,
    body: &[u8],
) -> Result<()> {
    if !D::ATTACHMENTS {
        return Ok(());
    }
    let after = Held::by_body::<D>(id, body)?;
    count::<D>(tx, before, &after, body)
        .await
        .map_err(|error| match error.collection() {
            Some(_) => error,
            None => error.with_collection(D::COLLECTION).with_id(id),
        })
}

/// As [`count_written`], where only the database knows what is stored now.
pub(crate) async fn count_patched<D: Document>(tx: &Tx, document: &D, before: &Held) -> Result<()> {
    if !D::ATTACHMENTS {
        return Ok(());
    }
    let id = document.id().as_str();
    let session = tx.session().await?;
    match session.get(D::COLLECTION, id).await? {
        Some(stored) => count_written::<D>(tx, id, before, &stored.body).await,
        None => Ok(()),
    }
}

/// Counts what a document has ceased to refer to, once it was deleted for good.
pub(crate) async fn count_deleted<D: Document>(tx: &Tx, before: &Held) -> Result<()> {
    if !D::ATTACHMENTS {
        return Ok(());
    }
    count::<D>(tx, before, &Held::default(), &[]).await
}

/// Counts the difference. `body` is the stored document, to name a place in it.
async fn count<D: Document>(tx: &Tx, before: &Held, after: &Held, body: &[u8]) -> Result<()> {
    if before == after {
        return Ok(());
    }
    let storage = storage::<D>(tx.db())?;
    let session = tx.session().await?;
    let (old, new) = (before.hashes(), after.hashes());
    let mut unused = Vec::new();
    for hash in old.symmetric_difference(&new) {
        if new.contains(hash) {
            counts::change(&*session, hash, |it| {
                it.set(D::COLLECTION, it.of(D::COLLECTION).saturating_add(1));
            })
            .await?;
        } else if release::<D>(tx, hash).await? {
            unused.push((*hash).clone());
        }
    }
    // Whoever deletes content holds its count: what is there now stays until this is committed.
    for (hash, size) in after.0.difference(&before.0) {
        if let Some(problem) = problem_of(&**storage, hash, *size).await? {
            let path = serde_json::from_slice(body).ok();
            let path = path
                .and_then(|it: Json| path_to(&it, hash))
                .unwrap_or_default();
            return Err(Error::new(
                ErrorKind::InvalidDocument,
                format!("the content of the attachment `{path}`, {hash}, {problem}"),
            ));
        }
    }
    if !unused.is_empty() {
        removal::after_commit(tx, Arc::clone(storage), unused);
    }
    Ok(())
}

/// Counts one document less; whether it was the last.
async fn release<D: Document>(tx: &Tx, hash: &ContentHash) -> Result<bool> {
    let session = tx.session().await?;
    let counted = counts::lock(&*session, hash).await?;
    let Some(mut count) = counted.filter(|it| it.of(D::COLLECTION) > 0) else {
        // Who else refers to it is not known, so the content stays.
        tracing::warn!(
            %hash,
            collection = D::COLLECTION,
            "a document referred to content without being counted; \
             `db.attachments()?.recount()` puts that right"
        );
        return Ok(false);
    };
    count.set(D::COLLECTION, count.of(D::COLLECTION) - 1);
    counts::write(&*session, &count).await?;
    Ok(count.is_unused())
}

/// What is wrong with content that a document begins to refer to.
async fn problem_of(
    storage: &dyn Storage,
    hash: &ContentHash,
    size: u64,
) -> Result<Option<String>> {
    Ok(match storage.size(hash).await? {
        Some(stored) if stored == size => None,
        Some(stored) => Some(format!("has {stored} bytes and not {size}")),
        None => Some("is not stored (any more): put it, then save".to_owned()),
    })
}

/// The dotted path to the attachment with this hash.
fn path_to(json: &Json, hash: &ContentHash) -> Option<String> {
    let below = |key: &str, value: &Json| {
        let path = path_to(value, hash)?;
        Some(match path.as_str() {
            "" => key.to_owned(),
            path => format!("{key}.{path}"),
        })
    };
    match json {
        Json::Object(map) if map.get("sha256").and_then(Json::as_str) == Some(hash.as_str()) => {
            Some(String::new())
        }
        Json::Object(map) => map.iter().find_map(|(key, it)| below(key, it)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, it)| below(&at.to_string(), it)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}
