//! What the chapter on deploying has shown further up.

use den::{migrate::Registry, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "orders", revision)]
pub struct Order {
    #[serde(flatten)]
    pub base: Base<Order>,
    #[den(unique)]
    pub number: String,
    #[den(index)]
    pub customer: String,
    pub total: i64,
    #[serde(default)]
    pub state: Option<String>,
}

/// The steps of the shop.
pub fn migrations() -> Registry {
    Registry::new("shop").step("20260216120000", "orders have a state", async |m| {
        m.create_collection("orders").await?;
        m.add_field("orders", "state", "open").await.map(drop)
    })
}
