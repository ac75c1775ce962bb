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
struct Order {
    #[serde(flatten)]
    base: Base<Order>,
    name: String,
}

#[derive(Debug, Projection)]
#[den(document = Product)]
struct Card {
    name: String,
}

fn all(db: &Db) {
    let _ = Order::query(db).project::<Card>();
}

fn main() {}
