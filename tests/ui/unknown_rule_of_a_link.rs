use den::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
    #[den(on_delete = "nullify")]
    parent: Option<Link<Maker>>,
    #[den(on_delete = "set_nul")]
    partner: Option<Link<Maker>>,
    #[den(on_delete)]
    owner: Option<Link<Maker>>,
    #[den(eager = true)]
    founder: Option<Link<Maker>>,
}

fn main() {}
