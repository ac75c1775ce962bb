//! Documents that link to each other, for the themes about links.

use std::{collections::BTreeMap, sync::Arc};

use den::{
    prelude::*,
    testing::{Call, Recorder},
};
use serde::{Deserialize, Serialize};

use crate::harness::TestDb;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "countries")]
pub(super) struct Country {
    #[serde(flatten)]
    pub(super) base: Base<Country>,
    pub(super) name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "makers")]
pub(super) struct Maker {
    #[serde(flatten)]
    pub(super) base: Base<Maker>,
    pub(super) name: String,
    #[den(eager)]
    pub(super) country: Option<Link<Country>>,
    pub(super) rival: Option<Link<Maker>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "tags")]
pub(super) struct Tag {
    #[serde(flatten)]
    pub(super) base: Base<Tag>,
    pub(super) name: String,
}

/// Links in every place where they can lie.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "products")]
pub(super) struct Product {
    #[serde(flatten)]
    pub(super) base: Base<Product>,
    pub(super) name: String,
    #[den(index)]
    pub(super) maker: Link<Maker>,
    #[den(eager)]
    pub(super) origin: Option<Link<Country>>,
    #[den(index)]
    pub(super) tags: Vec<Link<Tag>>,
    pub(super) store: Store,
    pub(super) lines: Vec<Line>,
    pub(super) regions: BTreeMap<String, Link<Maker>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Store {
    pub(super) owner: Option<Link<Maker>>,
    pub(super) shelf: Shelf,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Shelf {
    pub(super) country: Option<Link<Country>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Line {
    pub(super) part: Link<Product>,
    pub(super) count: i64,
}

/// A chain of any length, or a ring.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "nodes")]
pub(super) struct Node {
    #[serde(flatten)]
    pub(super) base: Base<Node>,
    pub(super) name: String,
    #[den(eager)]
    pub(super) next: Option<Link<Node>>,
}

/// A document with an eager link in every kind of place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "eagers")]
pub(super) struct Eager {
    #[serde(flatten)]
    pub(super) base: Base<Eager>,
    #[den(eager)]
    pub(super) maker: Link<Maker>,
    #[den(eager)]
    pub(super) tags: Vec<Link<Tag>>,
    pub(super) lazy: Option<Link<Tag>>,
}

/// Everything there is, registered.
pub(super) type All = (Country, Maker, Tag, Product, Node, Eager);

pub(super) fn country(name: &str) -> Country {
    Country {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(super) fn maker(name: &str) -> Maker {
    Maker {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(super) fn tag(name: &str) -> Tag {
    Tag {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(super) fn product(name: &str) -> Product {
    Product {
        name: name.to_owned(),
        ..Default::default()
    }
}

/// Stores a document and returns it.
pub(super) async fn stored<D: Document>(db: &(impl Executor + ?Sized), mut document: D) -> D {
    document.save(db).await.unwrap();
    document
}

/// A product of Acme in Norway, with two tags, in all places.
pub(super) async fn given_product(db: &Db) -> Product {
    let norway = stored(db, country("Norway")).await;
    let acme = Maker {
        country: Some(Link::to(&norway)),
        ..maker("Acme")
    };
    let acme = stored(db, acme).await;
    let (red, new) = (stored(db, tag("red")).await, stored(db, tag("new")).await);
    let wheel = stored(
        db,
        Product {
            maker: Link::to(&acme),
            ..product("wheel")
        },
    )
    .await;
    let cart = Product {
        maker: Link::to(&acme),
        origin: Some(Link::to(&norway)),
        tags: vec![Link::to(&red), Link::to(&new)],
        store: Store {
            owner: Some(Link::to(&acme)),
            shelf: Shelf {
                country: Some(Link::to(&norway)),
            },
        },
        lines: vec![Line {
            part: Link::to(&wheel),
            count: 4,
        }],
        regions: BTreeMap::from([("north".to_owned(), Link::to(&acme))]),
        ..product("cart")
    };
    stored(db, cart).await
}

/// A second handle that says which calls it makes.
pub(super) async fn recorded<D: den::Documents>(on: &TestDb) -> (Db, Recorder) {
    let (backend, recorder) = Recorder::wrap(Arc::clone(&on.backend));
    let db = Db::builder().shared_backend(backend).open().await.unwrap();
    db.register::<D>().await.unwrap();
    recorder.clear();
    (db, recorder)
}

/// The calls that read or wrote documents, as text, and forgets them.
pub(super) fn calls(recorder: &Recorder) -> Vec<String> {
    let calls = recorder.statements();
    recorder.clear();
    calls.iter().map(|it: &Call| it.to_string()).collect()
}
