use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(kind = "txt")]
    name: String,
    #[den(kind = "uuid")]
    number: String,
    #[den(kind = "number")]
    text: String,
}

fn main() {}
