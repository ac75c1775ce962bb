use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Sku(#[den(index)] String);

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
#[den(collection = "colors")]
enum Color {
    #[default]
    Red,
}

fn main() {}
