use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Sorted<T>(Vec<T>);

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(kind = "array")]
    makers: Sorted<Link<Maker>>,
}

fn main() {}
