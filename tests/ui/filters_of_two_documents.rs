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

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
    name: String,
}

fn main() {
    let (p, m) = (Product::fields(), Maker::fields());
    let _ = p.name.eq("x") & m.name.eq("x");
}
