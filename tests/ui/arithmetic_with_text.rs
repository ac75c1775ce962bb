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

fn main() {
    let p = Product::fields();
    let _ = p.name * 2;
    let _ = p.price + "1";
    let _ = p.tags.sum();
    let _ = p.price.lower();
}
