use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Optional {
    #[serde(flatten)]
    base: Base<Optional>,
    #[serde(skip)]
    tracked: Option<Tracked>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Twice {
    #[serde(flatten)]
    base: Base<Twice>,
    #[serde(skip)]
    tracked: Tracked,
    #[serde(skip)]
    again: Tracked,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Embedded)]
struct Line {
    #[serde(skip)]
    tracked: Tracked,
    amount: u8,
}

fn main() {}
