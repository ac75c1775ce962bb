use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(indx)]
    name: String,
    #[den(fulltext)]
    text: String,
    #[den(rename = "n")]
    other: String,
    #[den(revision)]
    price: f64,
}

fn main() {}
