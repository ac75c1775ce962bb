use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
#[den(index(fields("name", "tags")))]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(unique)]
    tags: Vec<String>,
    name: String,
}

fn main() {}
