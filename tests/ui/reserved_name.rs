use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[serde(rename = "_id")]
    id: String,
    _rev: u64,
}

fn main() {}
