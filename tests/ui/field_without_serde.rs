use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default)]
struct Color(u32);

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(kind = "number")]
    color: Color,
}

fn main() {}
