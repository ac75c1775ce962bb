//! The log that the predecessor kept.

use den_backend::{ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::log::COLLECTION;
use crate::{Db, encode};

const ID: &str = "log";

/// A migration that the predecessor, den for Go, has applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredecessorStep {
    /// Its version.
    pub version: String,
    /// When it was applied, as it was written down.
    pub applied_at: String,
}

/// Reads the log that the predecessor kept of its migrations, in its order; empty where there is none.
///
/// den leaves that log alone, and keeps one of its own beside it. To have steps count as applied that the
/// predecessor has done, see [`Migrator::baseline`](super::Migrator::baseline).
///
/// # Errors
///
/// `Corrupt` for a log that cannot be read.
pub async fn predecessor_log(db: &Db) -> Result<Vec<PredecessorStep>> {
    match db.backend().get(COLLECTION, ID).await {
        Ok(Some(raw)) => encode::decode(COLLECTION, ID, &raw.body),
        Ok(None) => Ok(Vec::new()),
        Err(error) if error.kind() == ErrorKind::NotRegistered => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
