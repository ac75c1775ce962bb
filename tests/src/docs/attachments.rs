//! The type of the first example of `docs/attachments.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// An author, perhaps with a portrait.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "authors")]
pub struct Author {
    #[serde(flatten)]
    pub base: Base<Author>,
    pub name: String,
    pub portrait: Option<Attachment>,
}
