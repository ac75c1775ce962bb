//! The log of migrations: one document for each step that was begun.

use den_backend::{Backend, CollectionMeta, ErrorKind, Expectation, Put, Query, ReadWrite, Result};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::StepId;
use crate::{Timestamp, encode};

/// The collection. Applications cannot register it, and it is not listed.
pub(super) const COLLECTION: &str = "_den_migrations";

/// What the log says of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// `namespace/version`: nothing else in the collection has a slash in its id.
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) namespace: String,
    pub(super) version: String,
    pub(super) name: String,
    pub(super) checksum: String,
    pub(super) state: State,
    /// The how-manieth step of the database it was.
    pub(super) number: u64,
    /// How often it was begun.
    pub(super) attempts: u32,
    pub(super) started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) applied_at: Option<Timestamp>,
    /// The time spent in it.
    #[serde(default)]
    pub(super) duration_ms: u64,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// How far the walk over a collection has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<Position>,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is done.
    Applied,
    /// It was begun.
    Applying,
    /// It was begun to be undone.
    Undoing,
}

/// How far the walk over a collection has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The last id that was looked at.
    pub(super) after: Option<String>,
    /// How many documents were looked at.
    pub(super) done: u64,
    /// How many of them were changed.
    pub(super) changed: u64,
    /// How many there were at the start.
    pub(super) total: u64,
}

impl Entry {
    pub(super) fn is_applied(&self) -> bool {
        self.state == State::Applied
    }

    pub(super) fn step(&self) -> StepId {
        StepId {
            namespace: self.namespace.clone(),
            version: self.version.clone(),
            name: self.name.clone(),
        }
    }
}

/// The id of the entry of a step.
pub(super) fn id_of(namespace: &str, version: &str) -> String {
    [namespace, "/", version].concat()
}

/// Makes the collection exist.
pub(super) async fn ensure(backend: &dyn Backend) -> Result<()> {
    backend
        .ensure_collection(&CollectionMeta::new(COLLECTION))
        .await
}

/// All entries, in the order in which the steps were first begun; none where nothing was ever migrated.
pub(super) async fn read(session: &dyn ReadWrite) -> Result<Vec<Entry>> {
    let rows = match session.query(&Query::new(COLLECTION)).await {
        Ok(rows) => rows.try_collect::<Vec<_>>().await,
        Err(error) => Err(error),
    };
    let rows = match rows {
        Err(error) if error.kind() == ErrorKind::NotRegistered => return Ok(Vec::new()),
        rows => rows?,
    };
    let mut entries = Vec::new();
    for row in rows {
        // The predecessor keeps its own log in here, and there is the lock.
        if row.id.contains('/') {
            entries.push(encode::decode::<Entry>(COLLECTION, &row.id, &row.body)?);
        }
    }
    entries.sort_by_key(|it| it.number);
    Ok(entries)
}

/// Writes an entry.
pub(super) async fn write(session: &dyn ReadWrite, entry: &Entry) -> Result<()> {
    let body = encode::document(entry)?;
    let put = Put {
        id: &entry.id,
        body: &body,
        expect: Expectation::Any,
    };
    session.put(COLLECTION, put).await.map(drop)
}

/// Takes an entry away.
pub(super) async fn remove(session: &dyn ReadWrite, id: &str) -> Result<()> {
    session
        .delete(COLLECTION, id, Expectation::Any)
        .await
        .map(drop)
}
