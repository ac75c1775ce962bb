use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
struct Envelope<T> {
    #[serde(flatten)]
    base: Base<Envelope<T>>,
    content: T,
}

fn main() {}
