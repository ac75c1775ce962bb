use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
#[den(index(fields("naem")), index(fields("zip", "name.first")), unique(fields("name", desc("name"))))]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
    #[serde(rename = "zip code")]
    zip: String,
}

fn main() {}
