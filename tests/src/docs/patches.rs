//! The type of the first example of `docs/patches.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// A page that is counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "pages", revision)]
pub struct Page {
    #[serde(flatten)]
    pub base: Base<Page>,
    #[den(unique)]
    pub url: String,
    pub views: i64,
    pub best: Option<f64>,
    pub tags: Vec<String>,
    pub state: String,
    pub note: Option<String>,
}
