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
    let _ = (p.price * 2).gt("3");
    let _ = p.name.eq(p.stock + 1);
    let _ = p.name.concat(p.stock);
    let _ = den::case_when([(p.stock.gt(1), "many")], 0);
}
