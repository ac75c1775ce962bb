use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
    name: String,
}

#[derive(Debug, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Maker>,
}

fn main() {}
