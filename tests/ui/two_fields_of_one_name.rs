use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
    #[serde(rename = "name")]
    title: String,
    #[serde(rename = "")]
    nothing: String,
}

fn main() {}
