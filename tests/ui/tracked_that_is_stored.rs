use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    tracked: Tracked,
}

fn main() {}
