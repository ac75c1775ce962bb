use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Embedded)]
#[den(hooks, validate)]
struct Line {
    amount: u8,
}

fn main() {}
