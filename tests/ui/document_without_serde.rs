use den::prelude::*;

#[derive(Debug, Default, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    name: String,
}

fn main() {}
