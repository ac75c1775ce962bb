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

async fn run(db: &Db) -> den::Result<()> {
    Product::query(db).sort(Maker::fields().name.asc()).all().await?;
    Ok(())
}

fn main() {}
