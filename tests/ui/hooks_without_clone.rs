use den::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, Document)]
#[den(hooks)]
struct Post {
    #[serde(flatten)]
    base: Base<Post>,
}

impl Hooks for Post {}

fn main() {}
