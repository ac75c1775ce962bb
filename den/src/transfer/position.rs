//! How far an import is, in a collection of den's own, so that a later try can go on from there.

use den_backend::{
    CollectionMeta, DeleteOutcome, Expectation, Put, PutOutcome, Result, Transaction,
};
use serde::{Deserialize, Serialize};

use crate::{Db, encode, transfer::snapshot::exists};

/// The collection. Applications cannot register it, and it is not listed.
const COLLECTION: &str = "_den_transfers";

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Which import.
    #[serde(rename = "_id")]
    pub(super) name: String,
    /// How many items of the source are done with.
    pub(super) items: u64,
    /// Their SHA-256, to know the source again.
    pub(super) sha256: String,
    /// How many documents of them were stored.
    pub(super) stored: u64,
    /// How many of them are in the file of bad lines, and how long it was then.
    pub(super) bad: u64,
    pub(super) bad_bytes: u64,
}

impl Position {
    /// The start.
    pub(super) fn begin(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            items: 0,
            sha256: String::new(),
            stored: 0,
            bad: 0,
            bad_bytes: 0,
        }
    }

    /// Makes the place for positions exist.
    pub(super) async fn ensure(db: &Db) -> Result<()> {
        let meta = CollectionMeta::new(COLLECTION);
        db.backend().ensure_collection(&meta).await
    }

    /// Where the import of this name was, if it was ever begun.
    pub(super) async fn find(db: &Db, name: &str) -> Result<Option<Self>> {
        let found = db.backend().get(COLLECTION, name).await?;
        found
            .map(|raw| encode::decode(COLLECTION, &raw.id, &raw.body))
            .transpose()
    }

    /// Has the import of this name begin anew.
    pub(super) async fn forget(db: &Db, name: &str) -> Result<()> {
        if !exists(db, COLLECTION).await? {
            return Ok(());
        }
        let any = Expectation::Any;
        match db.backend().delete(COLLECTION, name, any).await? {
            DeleteOutcome::Deleted | DeleteOutcome::Refused(_) => Ok(()),
        }
    }

    /// Remembers the position, together with what else the transaction writes.
    pub(super) async fn write(&self, tx: &dyn Transaction) -> Result<()> {
        let body = encode::document(self)?;
        let put = Put {
            id: &self.name,
            body: &body,
            expect: Expectation::Any,
        };
        match tx.put(COLLECTION, put).await? {
            PutOutcome::Inserted | PutOutcome::Updated | PutOutcome::Refused(_) => Ok(()),
        }
    }
}
