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
}

async fn run(db: &Db) -> den::Result<()> {
    let p = Product::fields();
    Product::query(db).all_rows().update().push(p.tags, 5).await?;
    Ok(())
}

fn main() {}
