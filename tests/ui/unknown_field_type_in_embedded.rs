use den::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
enum Country {
    #[default]
    Norway,
}

#[derive(Debug, Default, Serialize, Deserialize, Embedded)]
struct Address {
    city: String,
    country: Option<Country>,
}

fn main() {}
