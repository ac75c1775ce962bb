//! The type of the first example of `docs/soft-delete.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// A note that is marked as deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "notes")]
pub struct Note {
    #[serde(flatten)]
    pub base: Base<Note>,
    #[serde(flatten)]
    pub deletion: SoftDelete,
    #[den(unique)]
    pub title: String,
}
