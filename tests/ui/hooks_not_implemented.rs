use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
#[den(hooks)]
struct Post {
    #[serde(flatten)]
    base: Base<Post>,
}

fn main() {}
