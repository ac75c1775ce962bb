use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
#[den(colection = "products", cache, index("name"))]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
}

fn main() {}
