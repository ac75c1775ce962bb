use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
#[den(validate)]
struct Post {
    #[serde(flatten)]
    base: Base<Post>,
}

fn main() {}
