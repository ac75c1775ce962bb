use std::collections::HashMap;

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
    #[den(on_delete = "set_null")]
    maker: Link<Maker>,
    #[den(on_delete = "restrict")]
    by_country: HashMap<String, Link<Maker>>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Embedded)]
enum Source {
    Own,
    Made {
        #[den(on_delete = "set_null")]
        by: Link<Maker>,
    },
}

fn main() {}
