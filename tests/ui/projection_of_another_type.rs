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
    name: i64,
    category: String,
    #[den(value = |p| p.price / p.stock)]
    each: f64,
    size: Size,
}

fn main() {}
