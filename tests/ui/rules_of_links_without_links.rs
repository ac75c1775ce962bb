use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(eager)]
    name: String,
    #[den(owned)]
    sizes: Vec<u8>,
    #[den(on_delete = "cascade")]
    maker: Option<Id<Maker>>,
    #[den(eager)]
    #[serde(skip)]
    cache: Vec<Link<Maker>>,
}

fn main() {}
