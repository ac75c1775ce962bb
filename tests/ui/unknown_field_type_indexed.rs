use den::prelude::*;
use serde::{Deserialize, Serialize};

mod uuid {
    #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
    pub struct Uuid(u64);
}

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(unique)]
    number: uuid::Uuid,
}

fn main() {}
