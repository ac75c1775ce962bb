//! The type of the first example of `docs/expressions.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// An item with a price.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "items")]
pub struct Item {
    #[serde(flatten)]
    pub base: Base<Item>,
    #[den(index)]
    pub name: String,
    pub category: Option<String>,
    pub price: f64,
    pub stock: i64,
    pub tags: Vec<String>,
    pub sold_at: Timestamp,
}
