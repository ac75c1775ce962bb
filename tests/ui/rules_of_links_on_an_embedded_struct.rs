use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Embedded)]
struct Line {
    maker: Link<Maker>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Order {
    #[serde(flatten)]
    base: Base<Order>,
    #[den(eager)]
    lines: Vec<Line>,
}

fn main() {}
