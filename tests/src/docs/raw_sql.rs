//! The type of the first example of `docs/raw-sql.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// What someone bought.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "orders")]
pub struct Order {
    #[serde(flatten)]
    pub base: Base<Order>,
    pub customer: String,
    pub total: i64,
}
