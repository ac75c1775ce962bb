//! The types of the first example of `docs/tracking.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// A product that knows what was changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "products")]
pub struct Product {
    #[serde(flatten)]
    pub base: Base<Product>,
    #[serde(skip)]
    pub tracked: Tracked,
    pub name: String,
    pub price: f64,
    pub size: Size,
}

/// How large it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}
