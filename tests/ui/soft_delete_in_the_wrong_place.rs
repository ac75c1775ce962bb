use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Keyed {
    #[serde(flatten)]
    base: Base<Keyed>,
    deletion: SoftDelete,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Optional {
    #[serde(flatten)]
    base: Base<Optional>,
    #[serde(flatten)]
    deletion: Option<SoftDelete>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Skipped {
    #[serde(flatten)]
    base: Base<Skipped>,
    #[serde(skip)]
    deletion: SoftDelete,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Twice {
    #[serde(flatten)]
    base: Base<Twice>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[serde(flatten)]
    again: SoftDelete,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Indexed {
    #[serde(flatten)]
    base: Base<Indexed>,
    #[serde(flatten)]
    #[den(index)]
    deletion: SoftDelete,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, Embedded)]
struct Line {
    #[serde(flatten)]
    deletion: SoftDelete,
    amount: u8,
}

fn main() {
    // The handles are there all the same.
    let _ = Keyed::fields().deletion.deleted_at.is_null();
}
