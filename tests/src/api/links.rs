//! Links: what is stored, and loading what one points to.

use std::sync::Arc;

use den::{ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    linked::{
        All, Country, Eager, Maker, Product, Tag, calls, given_product, maker, recorded, stored,
        tag,
    },
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    alone!(a_link_is_empty_an_id_or_a_document),
    alone!(a_link_is_written_as_its_id),
    alone!(odd_ids_are_written_as_json_writes_text),
    alone!(what_is_no_id_is_refused),
    alone!(links_compare_by_id),
    alone!(changing_a_shared_document_copies_it),
    case!(ids_are_stored),
    case!(fetch_loads_once),
    case!(fetch_of_an_empty_link_is_refused),
    case!(fetch_of_what_is_gone_names_it),
    case!(fetch_loads_eager_links_of_the_target),
    case!(fetch_all_keeps_the_order),
    case!(fetch_all_loads_all_or_nothing),
    case!(fetch_links_goes_one_level),
    case!(fetch_links_of_many_documents_shares),
    case!(links_are_described),
    case!(links_of_unregistered_types_are_not_described),
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Card {
    maker: Link<Maker>,
    all: Vec<Link<Maker>>,
    maybe: Option<Link<Maker>>,
}

async fn a_link_is_empty_an_id_or_a_document() {
    let empty = Link::<Maker>::default();
    assert!(empty.is_empty() && !empty.is_loaded() && empty.get().is_none());
    let by_id = Link::<Maker>::to_id("m1");
    assert!(!by_id.is_empty() && !by_id.is_loaded());
    assert_eq!(by_id.id().as_str(), "m1");
    let mut acme = maker("Acme");
    let carried = Link::new(acme.clone());
    assert!(!carried.is_empty() && carried.is_loaded());
    assert_eq!(carried.get().unwrap().name, "Acme");
    assert!(carried.id().is_empty());
    acme.base.id = Id::new("m2");
    assert_eq!(Link::new(acme.clone()).id().as_str(), "m2");
    assert!(!Link::to(&acme).is_loaded());
    assert_eq!(Link::from(acme.id()), Link::to(&acme));
    let mut unloaded = Link::new(acme);
    assert_eq!(unloaded.take().unwrap().name, "Acme");
    assert!(!unloaded.is_loaded());
    assert_eq!(unloaded.id().as_str(), "m2");
}

async fn a_link_is_written_as_its_id() {
    let mut acme = maker("Acme");
    acme.base.id = Id::new("m1");
    let card = Card {
        maker: Link::new(acme),
        all: vec![Link::to_id("m2"), Link::to_id("m3")],
        maybe: None,
    };
    let text = serde_json::to_string(&card).unwrap();
    assert_eq!(text, r#"{"maker":"m1","all":["m2","m3"],"maybe":null}"#);
    assert_eq!(serde_json::from_str::<Card>(&text).unwrap(), card);
    assert_eq!(
        serde_json::to_value(Link::<Maker>::default()).unwrap(),
        json!(null)
    );
    let empty: Link<Maker> = serde_json::from_value(json!(null)).unwrap();
    assert!(empty.is_empty());
}

async fn odd_ids_are_written_as_json_writes_text() {
    for id in [
        "plain",
        "with space",
        "qu\"ote",
        "back\\slash",
        "tab\there",
        "<&>",
        "é",
        "\u{2028}",
        "😀",
        "a/b",
        "null",
        "0",
    ] {
        let link = Link::<Maker>::to_id(id);
        let text = serde_json::to_string(&link).unwrap();
        assert_eq!(text, serde_json::to_string(id).unwrap());
        let back: Link<Maker> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.id().as_str(), id);
    }
    let escaped: Link<Maker> = serde_json::from_str(r#""a\u00e9\n""#).unwrap();
    assert_eq!(escaped.id().as_str(), "aé\n");
}

async fn what_is_no_id_is_refused() {
    for text in [
        "123",
        "1.5",
        "true",
        "[]",
        "{}",
        r#""""#,
        r#""open"#,
        r#"["m1"]"#,
    ] {
        let error = serde_json::from_str::<Link<Maker>>(text).unwrap_err();
        assert!(!error.to_string().is_empty(), "{text}");
    }
    let error = serde_json::from_str::<Link<Maker>>("123").unwrap_err();
    assert!(
        error.to_string().contains("expected the id of a document"),
        "{error}"
    );
}

async fn links_compare_by_id() {
    let mut acme = maker("Acme");
    acme.base.id = Id::new("m1");
    assert_eq!(Link::new(acme.clone()), Link::to_id("m1"));
    assert_ne!(Link::new(acme), Link::to_id("m2"));
    let unsaved = Link::new(maker("Acme"));
    assert_eq!(unsaved, unsaved.clone());
    assert_ne!(unsaved, Link::new(maker("Acme")));
    assert_ne!(unsaved, Link::default());
    let mut sorted = [Link::<Maker>::to_id("b"), Link::to_id("a")];
    sorted.sort();
    assert_eq!(sorted[0].id().as_str(), "a");
}

async fn changing_a_shared_document_copies_it() {
    let mut one = Link::new(maker("Acme"));
    let two = one.clone();
    assert!(Arc::ptr_eq(&one.shared().unwrap(), &two.shared().unwrap()));
    one.get_mut().unwrap().name = "Other".into();
    assert_eq!(two.get().unwrap().name, "Acme");
    assert_eq!(one.get().unwrap().name, "Other");
}

async fn ids_are_stored(on: &TestDb) {
    let db = on.with::<All>().await;
    let cart = given_product(db).await;
    let stored = db.collection("products").get(cart.id()).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored["maker"], json!(cart.maker.id()));
    assert_eq!(
        stored["tags"],
        json!([cart.tags[0].id(), cart.tags[1].id()])
    );
    assert_eq!(
        stored["store"]["owner"],
        json!(cart.store.owner.as_ref().unwrap().id())
    );
    assert_eq!(stored["lines"][0]["part"], json!(cart.lines[0].part.id()));
    assert_eq!(stored["regions"]["north"], json!(cart.maker.id()));
    let found = Product::find(db, cart.id()).await.unwrap();
    assert_eq!(found, cart);
    assert!(!found.maker.is_loaded());
}

async fn fetch_loads_once(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let cart = given_product(&db).await;
    let mut found = Product::find(&db, cart.id()).await.unwrap();
    calls(&recorder);
    assert_eq!(found.maker.fetch(&db).await.unwrap().name, "Acme");
    assert_eq!(calls(&recorder), ["get_many makers", "get_many countries"]);
    let shared = found.maker.shared().unwrap();
    found.maker.fetch(&db).await.unwrap();
    assert!(Arc::ptr_eq(&shared, &found.maker.shared().unwrap()));
    assert!(calls(&recorder).is_empty());
    found.maker.unload();
    assert_eq!(found.maker, cart.maker);
    assert!(!found.maker.is_loaded());
}

async fn fetch_of_an_empty_link_is_refused(on: &TestDb) {
    let db = on.with::<All>().await;
    let error = refused(
        Link::<Maker>::default().fetch(db).await,
        ErrorKind::InvalidQuery,
    );
    assert_eq!(error.collection(), Some("makers"));
}

async fn fetch_of_what_is_gone_names_it(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut link = Link::<Maker>::to_id("gone");
    let error = refused(link.fetch(db).await, ErrorKind::DanglingLink);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("makers"), Some("gone"))
    );
    assert_eq!(
        error.to_string(),
        "the link points to a document that is not there: makers/gone"
    );
    assert!(!link.is_loaded());
}

async fn fetch_loads_eager_links_of_the_target(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut cart = given_product(db).await;
    let acme = cart.maker.fetch(db).await.unwrap();
    assert_eq!(acme.country.as_ref().unwrap().get().unwrap().name, "Norway");
}

async fn fetch_all_keeps_the_order(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let (a, b) = (stored(&db, tag("a")).await, stored(&db, tag("b")).await);
    let mut links = [Link::to(&b), Link::to(&a), Link::default(), Link::to(&b)];
    calls(&recorder);
    let names: Vec<&str> = links
        .fetch_all(&db)
        .await
        .unwrap()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a", "b"]);
    assert_eq!(calls(&recorder), ["get_many tags"]);
    assert!(Arc::ptr_eq(
        &links[0].shared().unwrap(),
        &links[3].shared().unwrap()
    ));
    assert!(links[2].is_empty());
    links.fetch_all(&db).await.unwrap();
    assert!(calls(&recorder).is_empty());
    let mut none: Vec<Link<Tag>> = Vec::new();
    assert!(none.fetch_all(&db).await.unwrap().is_empty());
}

async fn fetch_all_loads_all_or_nothing(on: &TestDb) {
    let db = on.with::<All>().await;
    let a = stored(db, tag("a")).await;
    let mut links = [Link::to(&a), Link::to_id("gone")];
    let error = refused(links.fetch_all(db).await, ErrorKind::DanglingLink);
    assert_eq!(error.id(), Some("gone"));
    assert!(!links[0].is_loaded());
}

async fn fetch_links_goes_one_level(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let mut cart = given_product(&db).await;
    calls(&recorder);
    cart.fetch_links(&db).await.unwrap();
    let mut made = calls(&recorder);
    made.sort();
    assert_eq!(
        made,
        [
            "get_many countries",
            "get_many makers",
            "get_many products",
            "get_many tags"
        ]
    );
    let acme = cart.maker.get().unwrap();
    assert!(!acme.country.as_ref().unwrap().is_loaded());
    assert_eq!(cart.tags[1].get().unwrap().name, "new");
    assert_eq!(cart.lines[0].part.get().unwrap().name, "wheel");
    assert_eq!(cart.regions["north"].get().unwrap().name, "Acme");
    let shelf = &cart.store.shelf;
    assert_eq!(
        shelf.country.as_ref().unwrap().get().unwrap().name,
        "Norway"
    );
    cart.fetch_links(&db).await.unwrap();
    assert!(calls(&recorder).is_empty());
}

async fn fetch_links_of_many_documents_shares(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given_product(&db).await;
    let mut found = Product::query(&db).without_links().all().await.unwrap();
    calls(&recorder);
    den::fetch_links(&db, &mut found).await.unwrap();
    assert_eq!(calls(&recorder).len(), 4);
    assert!(Arc::ptr_eq(
        &found[0].maker.shared().unwrap(),
        &found[1].maker.shared().unwrap()
    ));
    den::fetch_links::<Product>(&db, &mut []).await.unwrap();
}

async fn links_are_described(on: &TestDb) {
    let db = on.with::<(Product, Country, Tag)>().await;
    let links = db.links::<Product>().unwrap();
    let described: Vec<String> = links
        .iter()
        .map(|it| {
            let mut text = format!("{} -> {}", it.path, it.target);
            for (is, what) in [
                (it.is_many, " many"),
                (it.is_optional, " optional"),
                (it.is_eager, " eager"),
                (it.is_owned, " owned"),
                (!it.is_registered, " unregistered"),
            ] {
                text.push_str(if is { what } else { "" });
            }
            text
        })
        .collect();
    assert_eq!(
        described,
        [
            "maker -> makers unregistered",
            "origin -> countries optional eager",
            "tags -> tags many",
            "store.owner -> makers optional unregistered",
            "store.shelf.country -> countries optional",
            "lines.part -> products many",
            "regions -> makers many unregistered",
        ]
    );
    assert!(links.iter().all(|it| it.on_delete == OnDelete::Ignore));
    assert!(db.links::<Country>().unwrap().is_empty());
}

async fn links_of_unregistered_types_are_not_described(on: &TestDb) {
    let db = on.with::<Product>().await;
    refused(db.links::<Eager>(), ErrorKind::NotRegistered);
    let _ = Country::fields();
}
