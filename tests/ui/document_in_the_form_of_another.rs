use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Wire {
    name: String,
}

impl From<Wire> for Product {
    fn from(wire: Wire) -> Self {
        Self {
            base: Base::default(),
            name: wire.name,
        }
    }
}

impl From<Product> for Wire {
    fn from(product: Product) -> Self {
        Self { name: product.name }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Document)]
#[serde(into = "Wire", from = "Wire")]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
}

fn main() {}
