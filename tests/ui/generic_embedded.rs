use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Pair<T> {
    left: T,
    right: T,
}

fn main() {}
