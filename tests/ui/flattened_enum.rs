use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Embedded)]
#[serde(tag = "type")]
enum Payment {
    Card { number: String },
}

#[derive(Debug, Serialize, Deserialize, Document)]
struct Order {
    #[serde(flatten)]
    base: Base<Order>,
    #[serde(flatten)]
    payment: Payment,
    #[serde(flatten)]
    note: String,
}

fn main() {}
