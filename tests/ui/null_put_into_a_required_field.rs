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

fn change(db: &Db) {
    let p = Product::fields();
    let _ = Product::query(db).update().set_expr(p.name, p.category);
    let _ = Product::query(db).update().set_expr(p.stock, p.price * 2);
}

fn main() {}
