//! The documents whose plans are read.

use den::{Base, Db, Document, Embedded, Id};
use serde::{Deserialize, Serialize};

/// A document with an index of each kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "plants", index(fields("family", desc("height"))))]
pub(super) struct Plant {
    #[serde(flatten)]
    base: Base<Plant>,
    #[den(index)]
    pub(super) name: String,
    #[den(index)]
    pub(super) height: i64,
    #[den(index)]
    pub(super) weight: Option<f64>,
    #[den(unique)]
    pub(super) code: String,
    #[den(index)]
    pub(super) tags: Vec<String>,
    pub(super) family: String,
    pub(super) origin: Origin,
    #[den(index)]
    pub(super) is_rare: bool,
}

/// The same without an index.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "plants")]
pub(super) struct Sapling {
    #[serde(flatten)]
    base: Base<Sapling>,
    name: String,
    height: i64,
    weight: Option<f64>,
    code: String,
    tags: Vec<String>,
    family: String,
    origin: BareOrigin,
    is_rare: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
pub(super) struct Origin {
    #[den(index)]
    pub(super) city: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
pub(super) struct BareOrigin {
    city: String,
}

const ROWS: i64 = 20_000;

/// Documents that are made from a number.
pub(super) trait Numbered: Document {
    /// The document with this number.
    fn numbered(number: i64) -> Self;
}

impl Numbered for Plant {
    fn numbered(number: i64) -> Self {
        let same = Sapling::numbered(number);
        Self {
            base: based(number),
            name: same.name,
            height: same.height,
            weight: same.weight,
            code: same.code,
            tags: same.tags,
            family: same.family,
            origin: Origin {
                city: same.origin.city,
            },
            is_rare: same.is_rare,
        }
    }
}

impl Numbered for Sapling {
    fn numbered(number: i64) -> Self {
        // Spread out, so that no order of values is the order of rows.
        let spread = number * 7919 % ROWS;
        Self {
            base: based(spread),
            name: format!("plant {spread:05}"),
            height: spread,
            weight: (spread % 3 > 0).then(|| i32::try_from(spread).unwrap().into()),
            code: format!("p-{spread}"),
            tags: vec![format!("tag {}", spread % 500), "green".to_owned()],
            family: format!("family {:02}", spread % 40),
            origin: BareOrigin {
                city: format!("city {}", spread % 1000),
            },
            is_rare: spread % 1000 == 0,
        }
    }
}

/// The id is the number, so that positions can be named.
fn based<D>(number: i64) -> Base<D> {
    let mut base = Base::default();
    base.id = Id::new(format!("{number:05}"));
    base
}

/// Registers the type and stores the rows.
pub(super) async fn fill<D: Numbered>(db: &Db) {
    db.register::<D>().await.unwrap();
    let mut all: Vec<D> = (0..ROWS).map(D::numbered).collect();
    D::insert_many(db, &mut all).await.unwrap();
}
