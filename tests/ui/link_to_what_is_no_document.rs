use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Maker {
    name: String,
}

#[derive(serde::Serialize, serde::Deserialize, Document)]
struct Owner {
    #[serde(flatten)]
    base: Base<Owner>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    maker: Link<Maker>,
    owners: Vec<Link<Owner>>,
}

fn main() {}
