use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Address {
    #[serde(flatten)]
    base: Base<Address>,
    #[den(index(name = "by_city"))]
    city: String,
}

fn main() {}
