use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Size {
    width: f64,
}

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(index)]
    size: Size,
    #[den(index)]
    by_color: std::collections::HashMap<String, i64>,
}

fn main() {}
