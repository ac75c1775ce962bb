use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
#[den(unique(fields("name", "sku"), with_deleted))]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(unique(with_deleted))]
    name: String,
    #[den(index(with_deleted))]
    sku: String,
}

fn main() {}
