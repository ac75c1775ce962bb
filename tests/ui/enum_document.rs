use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Document)]
enum Shape {
    Circle { radius: f64 },
}

fn main() {}
