//! How many documents refer to content, in a collection of den's own.

use std::collections::BTreeMap;

use den_backend::{
    Backend, CollectionMeta, DeleteOutcome, Error, ErrorKind, Expectation, LockMode, Put,
    PutOutcome, RawDocument, ReadWrite, Result, Transaction,
};
use serde::{Deserialize, Serialize};

use crate::{attachments::ContentHash, encode};

/// The collection. Applications cannot register it, and it is not listed.
pub(super) const COLLECTION: &str = "_den_attachments";

/// How often a row that others make and take away is tried.
const TRIES: usize = 8;

/// The number of documents that refer to one content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    #[serde(rename = "_id")]
    pub(super) hash: ContentHash,
    /// All of them.
    refs: u64,
    /// How many of each collection, so that one can be counted anew without the others.
    by: BTreeMap<String, u64>,
}

impl Count {
    /// The count of content to which no document refers.
    pub(super) fn none(hash: &ContentHash) -> Self {
        Self {
            hash: hash.clone(),
            refs: 0,
            by: BTreeMap::new(),
        }
    }

    /// Whether no document refers to the content.
    pub(super) fn is_unused(&self) -> bool {
        self.refs == 0
    }

    /// The collections of the documents that refer to it.
    pub(super) fn collections(&self) -> impl Iterator<Item = &str> {
        self.by.keys().map(String::as_str)
    }

    /// How many documents of a collection refer to it.
    pub(super) fn of(&self, collection: &str) -> u64 {
        self.by.get(collection).copied().unwrap_or(0)
    }

    /// Sets how many documents of a collection refer to it.
    pub(super) fn set(&mut self, collection: &str, count: u64) {
        if count == 0 {
            self.by.remove(collection);
        } else {
            self.by.insert(collection.to_owned(), count);
        }
        self.refs = self.by.values().copied().fold(0, u64::saturating_add);
    }

    pub(super) fn decode(raw: &RawDocument) -> Result<Self> {
        encode::decode(COLLECTION, &raw.id, &raw.body)
    }
}

/// Makes the collection exist.
pub(super) async fn ensure(backend: &dyn Backend) -> Result<()> {
    backend
        .ensure_collection(&CollectionMeta::new(COLLECTION))
        .await
}

/// The count of content, locked until the transaction ends, if there is one.
pub(super) async fn lock(tx: &dyn Transaction, hash: &ContentHash) -> Result<Option<Count>> {
    let found = tx
        .get_for_update(COLLECTION, hash.as_str(), LockMode::Wait)
        .await?;
    found.as_ref().map(Count::decode).transpose()
}

/// The counts there are of these contents, not locked.
pub(super) async fn look(
    session: &dyn ReadWrite,
    hashes: &[&ContentHash],
) -> Result<BTreeMap<ContentHash, Count>> {
    let ids: Vec<&str> = hashes.iter().map(|it| it.as_str()).collect();
    let found = session.get_many(COLLECTION, &ids).await?;
    let counts = found.iter().map(|raw| {
        let count = Count::decode(raw)?;
        Ok((count.hash.clone(), count))
    });
    counts.collect()
}

/// Locks the count of content, one that is made if there is none, and changes it; answers what is
/// stored then.
pub(super) async fn change(
    tx: &dyn Transaction,
    hash: &ContentHash,
    change: impl Fn(&mut Count),
) -> Result<Count> {
    for _ in 0..TRIES {
        let (mut count, expect) = match lock(tx, hash).await? {
            Some(count) => (count, Expectation::Present),
            None => (Count::none(hash), Expectation::Absent),
        };
        change(&mut count);
        match put(tx, &count, expect).await? {
            PutOutcome::Inserted | PutOutcome::Updated => return Ok(count),
            // Someone else has just made the row, or taken it away.
            PutOutcome::Refused(_) => {}
        }
    }
    Err(Error::new(
        ErrorKind::Serialization,
        "the count of this content keeps changing",
    )
    .with_collection(COLLECTION)
    .with_id(hash.as_str()))
}

/// Writes a count that is locked.
pub(super) async fn write(tx: &dyn Transaction, count: &Count) -> Result<()> {
    match put(tx, count, Expectation::Any).await? {
        PutOutcome::Inserted | PutOutcome::Updated | PutOutcome::Refused(_) => Ok(()),
    }
}

/// Takes away a count that is locked.
pub(super) async fn forget(tx: &dyn Transaction, hash: &ContentHash) -> Result<()> {
    let expect = Expectation::Present;
    match tx.delete(COLLECTION, hash.as_str(), expect).await? {
        DeleteOutcome::Deleted | DeleteOutcome::Refused(_) => Ok(()),
    }
}

async fn put(tx: &dyn Transaction, count: &Count, expect: Expectation<'_>) -> Result<PutOutcome> {
    let body = encode::document(count)?;
    let put = Put {
        id: count.hash.as_str(),
        body: &body,
        expect,
    };
    tx.put(COLLECTION, put).await
}
