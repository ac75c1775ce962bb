//! `Expanded`: loaded links as objects, wherever serde goes.

use std::collections::BTreeMap;

use den::{ErrorKind, PageRequest, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{json, to_string, to_value};

use super::{
    linked::{
        All, Line, Maker, Node, Product, calls, given_product, maker, product, recorded, stored,
        tag,
    },
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    alone!(without_loaded_links_nothing_is_different),
    alone!(a_loaded_link_is_an_object),
    alone!(lists_may_be_mixed),
    alone!(linked_documents_are_expanded_too),
    alone!(serde_attributes_hold),
    alone!(plain_values_pass),
    alone!(lists_maps_and_envelopes_are_expanded),
    alone!(only_what_is_wrapped_is_expanded),
    alone!(a_panic_while_expanding_does_not_linger),
    case!(documents_of_a_query_are_expanded),
    case!(what_is_stored_is_never_expanded),
    case!(a_new_document_in_a_link_is_not_stored_as_null),
];

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Card {
    maker: Link<Maker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<Link<Maker>>,
    #[serde(skip)]
    _secret: i64,
    #[serde(rename = "others")]
    all: Vec<Link<Maker>>,
}

fn acme() -> Maker {
    let mut acme = maker("Acme");
    acme.base.id = Id::new("m1");
    acme
}

fn card(maker: Link<Maker>) -> Card {
    Card {
        maker,
        maybe: None,
        _secret: 1,
        all: vec![Link::to_id("m2")],
    }
}

async fn without_loaded_links_nothing_is_different() {
    let card = card(Link::to_id("m1"));
    assert_eq!(
        to_string(&Expanded(&card)).unwrap(),
        to_string(&card).unwrap()
    );
    let empty = Link::<Maker>::default();
    assert_eq!(to_string(&Expanded(&empty)).unwrap(), "null");
}

async fn a_loaded_link_is_an_object() {
    let card = card(Link::new(acme()));
    let json = to_value(Expanded(&card)).unwrap();
    assert_eq!(json["maker"], to_value(acme()).unwrap());
    assert_eq!(json["maker"]["_id"], "m1");
    assert_eq!(to_value(&card).unwrap()["maker"], "m1");
}

async fn lists_may_be_mixed() {
    let mut card = card(Link::to_id("m1"));
    card.all.push(Link::new(acme()));
    let json = to_value(Expanded(&card)).unwrap();
    assert_eq!(json["others"], json!(["m2", to_value(acme()).unwrap()]));
}

async fn linked_documents_are_expanded_too() {
    let rival = Maker {
        rival: Some(Link::new(acme())),
        ..maker("Bolt")
    };
    let json = to_value(Expanded(card(Link::new(rival)))).unwrap();
    assert_eq!(json["maker"]["name"], "Bolt");
    assert_eq!(json["maker"]["rival"]["name"], "Acme");
}

async fn serde_attributes_hold() {
    let json = to_value(Expanded(card(Link::new(acme())))).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["maker", "others"]);
}

async fn plain_values_pass() {
    assert_eq!(to_string(&Expanded(None::<i64>)).unwrap(), "null");
    assert_eq!(to_string(&Expanded(42)).unwrap(), "42");
    assert_eq!(to_string(&Expanded("x")).unwrap(), r#""x""#);
    let boxed = Box::new(Link::new(acme()));
    assert_eq!(to_value(Expanded(&boxed)).unwrap()["name"], "Acme");
}

async fn lists_maps_and_envelopes_are_expanded() {
    #[derive(Serialize)]
    struct Envelope<'a> {
        total: u64,
        items: &'a [Card],
        #[serde(flatten)]
        first: Option<&'a Card>,
    }

    let cards = [card(Link::new(acme()))];
    assert_eq!(
        to_value(Expanded(&cards)).unwrap()[0]["maker"]["name"],
        "Acme"
    );
    let map = BTreeMap::from([("x", &cards[0])]);
    assert_eq!(
        to_value(Expanded(&map)).unwrap()["x"]["maker"]["name"],
        "Acme"
    );
    let envelope = Envelope {
        total: 1,
        items: &cards,
        first: cards.first(),
    };
    let json = to_value(Expanded(&envelope)).unwrap();
    assert_eq!(json["items"][0]["maker"]["name"], "Acme");
    assert_eq!(json["maker"]["name"], "Acme");
    assert_eq!(json["total"], 1);
}

async fn only_what_is_wrapped_is_expanded() {
    let card = card(Link::new(acme()));
    let json = to_value((Expanded(&card), &card)).unwrap();
    assert_eq!(json[0]["maker"]["name"], "Acme");
    assert_eq!(json[1]["maker"], "m1");
}

async fn a_panic_while_expanding_does_not_linger() {
    struct Bad;

    impl Serialize for Bad {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose")
        }
    }

    assert!(std::panic::catch_unwind(|| to_string(&Expanded(Bad))).is_err());
    assert_eq!(to_value(Link::new(acme())).unwrap(), "m1");
}

async fn documents_of_a_query_are_expanded(on: &TestDb) {
    let db = on.with::<All>().await;
    given_product(db).await;
    let p = Product::fields();
    let page = Product::query(db)
        .with_links(|p| (p.maker, p.lines, p.regions))
        .filter(p.name.eq("cart"))
        .page(PageRequest::first(5))
        .await
        .unwrap();
    let json = to_value(Expanded(&page.items)).unwrap();
    let cart = &json[0];
    assert_eq!(cart["maker"]["country"]["name"], "Norway");
    assert_eq!(cart["origin"]["name"], "Norway");
    assert_eq!(cart["lines"][0]["part"]["name"], "wheel");
    assert_eq!(cart["regions"]["north"]["name"], "Acme");
    assert!(cart["tags"][0].is_string());
}

async fn what_is_stored_is_never_expanded(on: &TestDb) {
    #[derive(Serialize)]
    struct Saving<'a>(&'a Product);

    let (db, recorder) = recorded::<All>(on).await;
    let mut cart = given_product(&db).await;
    cart.fetch_links(&db).await.unwrap();
    cart.save(&db).await.unwrap();
    let stored = db.collection("products").get(cart.id()).await.unwrap();
    assert_eq!(stored.unwrap()["maker"], json!(cart.maker.id()));
    // An answer of an API does not change how documents are compared and stored.
    let json = to_value(Expanded(Saving(&cart))).unwrap();
    assert_eq!(json["maker"]["name"], "Acme");
    let p = Product::fields();
    let query = Product::query(&db).filter(p.maker.eq(&cart.maker));
    assert_eq!(query.count().await.unwrap(), 2);
    calls(&recorder);
}

async fn a_new_document_in_a_link_is_not_stored_as_null(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut it = Product {
        maker: Link::new(maker("new")),
        ..product("a")
    };
    let check = |error: Error| {
        assert_eq!(
            error.to_string(),
            "`maker` links to a document that is not stored yet: insert it first, or save with \
             links: products"
        );
    };
    check(refused(it.save(db).await, ErrorKind::InvalidDocument));
    check(refused(it.insert(db).await, ErrorKind::InvalidDocument));
    assert!(it.base.id.is_empty());
    let mut both = [product("b"), it];
    let error = refused(
        Product::save_all(db, &mut both).await,
        ErrorKind::InvalidDocument,
    );
    assert!(
        error
            .to_string()
            .starts_with("document 2 of 2: `maker` links"),
        "{error}"
    );
    let mut deep = product("c");
    deep.lines.push(Line {
        part: Link::new(product("d")),
        count: 1,
    });
    let error = refused(deep.save(db).await, ErrorKind::InvalidDocument);
    assert!(
        error.to_string().starts_with("`lines.part` links"),
        "{error}"
    );
    let [_, mut it] = both;
    let saved = stored(db, it.maker.get().unwrap().clone()).await;
    it.maker = Link::new(saved);
    it.save(db).await.unwrap();
    stored(db, tag("x")).await;
    stored(db, Node::default()).await;
}
