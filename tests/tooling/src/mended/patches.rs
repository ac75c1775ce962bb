//! Changes that would leave documents behind that do not read.

use den::{Json, Update, prelude::*, value};
use den_test_harness::{Case, TestDb};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::refused;

pub(crate) const CASES: &[Case] = &[
    case!(numbers_stay_within_the_type_of_their_field),
    case!(numbers_that_fit_are_counted),
    case!(what_is_computed_stays_within_the_type),
    case!(what_is_computed_from_a_missing_field_is_refused),
    case!(a_parent_that_is_not_there_is_not_made_by_half),
    case!(untyped_changes_leave_documents_that_read),
    case!(untyped_changes_that_cannot_fit_are_refused_beforehand),
    case!(whoever_says_so_may_leave_anything),
    case!(an_upsert_keeps_to_the_type_as_well),
    case!(an_overflow_names_the_field),
    case!(keys_that_nobody_declared_survive_hooks),
    case!(an_element_of_an_array_is_out_of_reach),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "shelves")]
struct Shelf {
    #[serde(flatten)]
    base: Base<Shelf>,
    #[den(unique)]
    name: String,
    small: u8,
    signed: i16,
    positive: u64,
    wide: i64,
    price: f64,
    maybe: Option<u8>,
    size: Size,
    tags: Vec<String>,
    address: Option<Address>,
    #[serde(default)]
    added: String,
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "snake_case")]
enum Size {
    #[default]
    Small,
    Large,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Address {
    city: String,
    hits: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "watched", hooks)]
struct Watched {
    #[serde(flatten)]
    base: Base<Watched>,
    name: String,
    inner: Inner,
    n: u8,
}

impl Hooks for Watched {}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Inner {
    here: i64,
}

async fn given(on: &TestDb) -> &Db {
    let db = on.with::<(Shelf, Watched)>().await;
    let mut shelf = Shelf {
        name: "a".to_owned(),
        small: 250,
        ..Shelf::default()
    };
    shelf.insert(db).await.unwrap();
    db
}

fn update(db: &Db) -> Update<Shelf, den::update_parts::Every<Shelf>> {
    Shelf::query(db).all_rows().update()
}

async fn only(db: &Db) -> Shelf {
    Shelf::query(db).one().await.unwrap()
}

async fn numbers_stay_within_the_type_of_their_field(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    let before = only(db).await;
    for (field, outcome) in [
        ("small", update(db).inc(s.small, 10).await),
        ("small", update(db).mul(s.small, 2).await),
        (
            "signed",
            update(db)
                .inc(s.signed, 7)
                .inc(s.wide, 1)
                .mul(s.signed, -5000)
                .await,
        ),
        ("positive", update(db).inc(field("positive"), -1).await),
        ("maybe", update(db).inc(field("maybe"), -1).await),
        ("maybe", update(db).inc(field("maybe"), 256).await),
        ("small", update(db).set(s.note, "x").inc(s.small, 6).await),
    ] {
        let error = outcome.unwrap_err();
        let kinds = [ErrorKind::OutOfRange, ErrorKind::InvalidDocument];
        assert!(kinds.contains(&error.kind()), "{error}");
        if error.kind() == ErrorKind::OutOfRange {
            assert!(error.to_string().contains(field), "{error}");
        }
        assert_eq!(error.collection(), Some("shelves"));
        assert_eq!(only(db).await, before);
    }
}

async fn numbers_that_fit_are_counted(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    let changed = update(db)
        .inc(s.small, 5)
        .inc(s.signed, -300)
        .inc(s.positive, 1)
        .inc(s.maybe, 255)
        .mul(s.wide, i64::MAX)
        .inc(s.price, 0.5);
    assert_eq!(changed.await.unwrap(), 1);
    let it = only(db).await;
    assert_eq!((it.small, it.signed, it.positive), (255, -300, 1));
    assert_eq!((it.maybe, it.wide, it.price), (Some(255), 0, 0.5));
    let changed = update(db).mul(s.signed, -2).mul(s.small, 0);
    assert_eq!(changed.await.unwrap(), 1);
    let it = only(db).await;
    assert_eq!((it.small, it.signed), (0, 600));
    // Nothing but a number is counted.
    let untyped = db.collection("shelves").query().all_rows().update();
    let spoilt = untyped.with_unknown_fields().set(field("small"), "many");
    spoilt.await.unwrap();
    let error = refused(update(db).inc(s.small, 1).await, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("small"), "{error}");
}

async fn what_is_computed_stays_within_the_type(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    for outcome in [
        update(db).set_expr(s.small, s.wide - 1).await,
        update(db).set_expr(s.small, s.small + 6).await,
        update(db).set_expr(s.positive, s.signed - 1).await,
        update(db).set_expr(s.maybe, s.wide + 256).await,
        update(db).set_expr(s.small, value(256)).await,
    ] {
        refused(outcome, ErrorKind::OutOfRange);
    }
    let changed = update(db)
        .set_expr(s.small, s.small + 5)
        .set_expr(s.positive, s.wide + 7)
        .set_expr(s.maybe, s.maybe + 1);
    changed.await.unwrap();
    let it = only(db).await;
    assert_eq!((it.small, it.positive, it.maybe), (255, 7, None));
}

async fn what_is_computed_from_a_missing_field_is_refused(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    // As it was before the field was declared.
    let shelves = db.collection("shelves");
    let all = shelves.query().all_rows().update();
    all.unset(field("added")).await.unwrap();
    let outcome = update(db).set_expr(s.name, s.added).await;
    let error = refused(outcome, ErrorKind::OutOfRange);
    assert!(error.to_string().contains("`name`"), "{error}");
    assert!(error.to_string().contains("null"), "{error}");
    update(db).set_expr(s.note, s.added).await.unwrap();
    assert_eq!(only(db).await.note, None);
    update(db).set_expr(s.added, s.name).await.unwrap();
    assert_eq!(only(db).await.added, "a");
}

async fn a_parent_that_is_not_there_is_not_made_by_half(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    let before = only(db).await;
    let outcome = update(db).inc(s.address.hits, 1).await;
    let error = refused(outcome, ErrorKind::InvalidDocument);
    assert_eq!(error.id(), Some(before.id().as_str()));
    assert_eq!(only(db).await, before);
    let outcome = update(db).inc(s.address.hits, 1).returning_old().await;
    refused(outcome, ErrorKind::InvalidDocument);
    // With all that belongs to it, it is made.
    let whole = update(db)
        .inc(s.address.hits, 1)
        .set(s.address.city, "Oslo");
    assert_eq!(whole.await.unwrap(), 1);
    update(db).inc(s.address.hits, 1).await.unwrap();
    let address = only(db).await.address.unwrap();
    assert_eq!((address.city.as_str(), address.hits), ("Oslo", 2));
    let outcome = update(db).unset(field("address.city")).await;
    refused(outcome, ErrorKind::InvalidDocument);
}

/// Makes a change by the type, and without one.
macro_rules! both {
    ($db:expr, |$u:ident| $change:expr) => {{
        let $u = update($db);
        let typed = $change.await;
        let $u = $db.collection("shelves").query().all_rows().update();
        let untyped = $change.await;
        [typed, untyped]
    }};
}

async fn untyped_changes_leave_documents_that_read(on: &TestDb) {
    let db = given(on).await;
    let before = only(db).await;
    for outcomes in [
        both!(db, |u| u.unset(field("name"))),
        both!(db, |u| u.set(field("name"), Json::Null)),
        both!(db, |u| u.set(field("size"), "giant")),
        both!(db, |u| u.push(field("tags"), 5)),
        both!(db, |u| u.rename(field("note"), field("name"))),
        both!(db, |u| u.set(field("address"), json!({"city": "Oslo"}))),
        both!(db, |u| u.inc(field("address.hits"), 1)),
        both!(db, |u| u.set_expr(field("name"), field("note"))),
    ] {
        for outcome in outcomes {
            let is_noop = outcome.is_ok();
            assert!(
                is_noop || outcome.as_ref().unwrap_err().kind() == ErrorKind::InvalidDocument,
                "{outcome:?}"
            );
            assert_eq!(Shelf::query(db).all().await.unwrap().len(), 1);
        }
    }
    let shelves = db.collection("shelves").query().all_rows();
    let old = shelves.clone().update().unset(field("name"));
    let error = refused(old.returning_old().await, ErrorKind::InvalidDocument);
    assert_eq!(error.id(), Some(before.id().as_str()));
    assert_eq!(error.collection(), Some("shelves"));
    for outcome in both!(db, |u| u
        .set(field("size"), "large")
        .push(field("tags"), "x")
        .set(field("note"), Json::Null)
        .unset(field("added")))
    {
        assert_eq!(outcome.unwrap(), 1);
    }
    let it = only(db).await;
    assert_eq!((it.size, it.tags.len()), (Size::Large, 2));
}

async fn untyped_changes_that_cannot_fit_are_refused_beforehand(on: &TestDb) {
    let db = given(on).await;
    for outcomes in [
        both!(db, |u| u.inc(field("wide"), 0.5)),
        both!(db, |u| u.mul(field("small"), 1.5)),
        both!(db, |u| u.set(field("wide"), 2.5)),
        both!(db, |u| u.set(field("small"), 256)),
        both!(db, |u| u.max(field("small"), 256)),
        both!(db, |u| u.min(field("positive"), -1)),
    ] {
        for outcome in outcomes {
            let error = refused(outcome, ErrorKind::InvalidQuery);
            assert!(error.to_string().contains("an integer"), "{error}");
        }
    }
    for outcome in both!(db, |u| u.set(field("price"), 5).set(field("small"), 255)) {
        assert_eq!(outcome.unwrap(), 1);
    }
}

async fn whoever_says_so_may_leave_anything(on: &TestDb) {
    let db = given(on).await;
    let all = update(db).with_unknown_fields();
    assert_eq!(all.unset(field("name")).await.unwrap(), 1);
    refused(Shelf::query(db).all().await, ErrorKind::Corrupt);
    let all = db.collection("shelves").query().all_rows().update();
    let all = all.with_unknown_fields().set(field("small"), -1);
    assert_eq!(all.await.unwrap(), 1);
    // One change may mend what several have spoilt.
    let all = update(db).set(field("name"), "b");
    assert_eq!(all.set(Shelf::fields().small, 1).await.unwrap(), 1);
    assert_eq!(only(db).await.name, "b");
}

async fn an_upsert_keeps_to_the_type_as_well(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    let before = only(db).await;
    let upsert = || {
        let shelf = Shelf {
            name: "a".to_owned(),
            ..Shelf::default()
        };
        Shelf::upsert(db, shelf).on(s.name)
    };
    let outcome = upsert().update(|u, _| u.inc(s.small, 6)).await;
    let error = refused(outcome, ErrorKind::OutOfRange);
    assert!(error.to_string().contains("`small`"), "{error}");
    let outcome = upsert()
        .update(|u, _| u.set_expr(s.small, s.wide - 1))
        .await;
    refused(outcome, ErrorKind::OutOfRange);
    let outcome = upsert().update(|u, _| u.set(field("size"), "giant")).await;
    refused(outcome, ErrorKind::InvalidDocument);
    let outcome = upsert().update(|u, _| u.inc(s.address.hits, 1)).await;
    refused(outcome, ErrorKind::InvalidDocument);
    assert_eq!(only(db).await, before);
    let upserted = upsert().update(|u, _| u.inc(s.small, 5).set_expr(s.note, s.name));
    let upserted = upserted.await.unwrap();
    assert_eq!(upserted.document().small, 255);
    assert_eq!(upserted.document().note.as_deref(), Some("a"));
}

async fn an_overflow_names_the_field(on: &TestDb) {
    let db = given(on).await;
    let s = Shelf::fields();
    update(db).set(s.wide, i64::MAX).await.unwrap();
    let untyped = || db.collection("shelves").query().all_rows().update();
    for outcome in [
        update(db).inc(s.wide, 1).await,
        update(db).mul(s.wide, 2).await,
        untyped().inc(field("wide"), 1).await,
        update(db)
            .set(s.note, "x")
            .set_expr(s.wide, s.wide + 1)
            .await,
    ] {
        let error = refused(outcome, ErrorKind::OutOfRange);
        assert!(error.to_string().contains("`wide`"), "{error}");
        assert_eq!(error.collection(), Some("shelves"));
    }
    let mut watched = Watched {
        n: 255,
        ..Watched::default()
    };
    watched.insert(db).await.unwrap();
    let w = Watched::fields();
    let outcome = Watched::query(db).all_rows().update().inc(w.n, 1).await;
    let error = refused(outcome, ErrorKind::OutOfRange);
    assert!(error.to_string().contains("`n`"), "{error}");
    assert_eq!(error.id(), Some(watched.id().as_str()));
}

async fn keys_that_nobody_declared_survive_hooks(on: &TestDb) {
    let db = given(on).await;
    let mut watched = Watched::default();
    watched.insert(db).await.unwrap();
    let stored = async || {
        let stored = db.collection("watched").get(watched.id()).await.unwrap();
        stored.unwrap()
    };
    let w = Watched::fields();
    let update = || Watched::query(db).all_rows().update();
    let legacy = update().with_unknown_fields().set(field("legacy"), 1);
    let changed = legacy.set(field("inner.old.x"), "y");
    assert_eq!(changed.await.unwrap(), 1);
    assert_eq!(stored().await["legacy"], 1);
    update().set(w.name, "b").inc(w.n, 1).await.unwrap();
    let it = stored().await;
    assert_eq!(it["inner"], json!({"here": 0, "old": {"x": "y"}}));
    assert_eq!((&it["legacy"], &it["name"]), (&json!(1), &json!("b")));
    let gone = update().with_unknown_fields().unset(field("legacy"));
    assert_eq!(gone.await.unwrap(), 1);
    assert!(stored().await.get("legacy").is_none());
}

async fn an_element_of_an_array_is_out_of_reach(on: &TestDb) {
    let db = given(on).await;
    for outcome in both!(db, |u| u.set(field("tags.0"), "x")) {
        let error = refused(outcome, ErrorKind::InvalidQuery).to_string();
        for told in ["`tags.0`", "declared as an array", "push"] {
            assert!(error.contains(told), "{error}");
        }
    }
}
