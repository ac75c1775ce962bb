use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    name: String,
}

async fn run(db: &Db) -> den::Result<()> {
    let all = Product::query(db).filter(Product::fields().name.eq("x")).all().await?;
    println!("{}", all.len());
    Ok(())
}

fn main() {}
