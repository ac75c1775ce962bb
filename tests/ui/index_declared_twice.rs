use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
#[den(index(fields("name")))]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(index)]
    name: String,
    #[den(index, unique)]
    sku: String,
    #[den(index_together = "place")]
    shelf: i64,
    #[den(index_together = "palce")]
    row: i64,
}

fn main() {}
