use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
    price: f64,
    stock: i64,
    tags: Vec<String>,
    category: Option<String>,
    size: Size,
}

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Size {
    width: f64,
}

#[derive(Debug, Projection)]
#[den(document = Product)]
struct Card {
    naem: String,
    #[den(path = "size.height")]
    height: f64,
}

fn main() {}
