//! Changes that make no sense: refused before anything reaches the database.

use std::collections::BTreeMap;

use den::{FieldPath, Json, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, Note, item, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(fields_of_den_itself),
    case!(fields_that_nobody_declared),
    case!(declared_fields_hold_what_they_are_declared_to_hold),
    case!(whoever_says_so_may_change_any_field),
    case!(keys_of_maps_are_not_declared),
    case!(values_that_no_document_holds),
    case!(changes_of_nothing),
    case!(upserts_that_make_no_sense),
    case!(bulks_that_make_no_sense),
];

/// Refuses an update, typed and without a type, before it reaches the database.
macro_rules! refused_update {
    ($db:expr, |$u:ident| $change:expr) => {{
        let $u = Item::query($db).all_rows().update();
        let typed = refused($change.await, ErrorKind::InvalidQuery).to_string();
        let $u = $db.collection("items").query().all_rows().update();
        let untyped = refused($change.await, ErrorKind::InvalidQuery).to_string();
        assert_eq!(typed, untyped);
        typed
    }};
}

async fn fields_of_den_itself(on: &TestDb) {
    let (db, recorder) = recorded::<(Item, Note)>(on).await;
    let own = [
        "_id",
        "_rev",
        "_created_at",
        "_updated_at",
        "_deleted_at",
        "_deleted_by",
        "_delete_reason",
        "_rev.x",
    ];
    for name in own {
        let first = name.split('.').next().unwrap();
        for message in [
            refused_update!(&db, |u| u.set(field(name), "x")),
            refused_update!(&db, |u| u.set(field("n"), 1).unset(field(name))),
            refused_update!(&db, |u| u.with_unknown_fields().inc(field(name), 1)),
            refused_update!(&db, |u| u.rename(field(name), field("name"))),
            refused_update!(&db, |u| u.rename(field("name"), field(name))),
            refused_update!(&db, |u| u.set_expr(field(name), field("n"))),
        ] {
            assert!(message.contains(&format!("`{first}`")), "{message}");
            assert!(message.contains("den's own"), "{message}");
        }
    }
    let n = Note::fields();
    let update = || Note::query(&db).all_rows().update();
    for outcome in [
        update().set(n.base.id, "x").await,
        update().set(n.base.updated_at, Timestamp::now()).await,
        update().set(n.base.rev, "x").await,
        update().unset(n.base.rev).await,
        update().max(n.base.created_at, Timestamp::now()).await,
    ] {
        refused(outcome, ErrorKind::InvalidQuery);
    }
    assert!(recorder.calls().is_empty());
}

async fn fields_that_nobody_declared(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let message = refused_update!(&db, |u| u.set(field("naem"), "x"));
    assert!(message.contains("`naem`"), "{message}");
    assert!(message.contains("did you mean `name`?"), "{message}");
    let message = refused_update!(&db, |u| u.inc(field("address.place.flor"), 1));
    assert!(message.contains("`address.place.floor`"), "{message}");
    let message = refused_update!(&db, |u| u.push(field("adress"), 1));
    assert!(message.contains("`address`"), "{message}");
    let message = refused_update!(&db, |u| u.unset(field("something")));
    assert!(message.contains("with_unknown_fields"), "{message}");
    refused_update!(&db, |u| u.rename(field("old"), field("name")));
    refused_update!(&db, |u| u.rename(field("name"), field("new")));
    refused_update!(&db, |u| u.set(field(["address.city"]), "x"));
    refused_update!(&db, |u| u.set(field("address.place.floor.x"), 1));
    refused_update!(&db, |u| u.set(field("name.x"), 1));
    refused_update!(&db, |u| u.set(field("tags.0"), "x"));
    refused_update!(&db, |u| u.set(field("x'; DROP TABLE items; --"), 1));
    assert!(recorder.calls().is_empty());
}

async fn declared_fields_hold_what_they_are_declared_to_hold(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    for message in [
        refused_update!(&db, |u| u.set(field("name"), 1)),
        refused_update!(&db, |u| u.set(field("n"), "1")),
        refused_update!(&db, |u| u.set(field("active"), 1)),
        refused_update!(&db, |u| u.set(field("tags"), "x")),
        refused_update!(&db, |u| u.set(field("attributes"), json!([]))),
        refused_update!(&db, |u| u.set(field("address"), "Oslo")),
        refused_update!(&db, |u| u.min(field("n"), "1")),
        refused_update!(&db, |u| u.max(field("name"), true)),
        refused_update!(&db, |u| u.inc(field("name"), 1)),
        refused_update!(&db, |u| u.mul(field("tags"), 2)),
        refused_update!(&db, |u| u.push(field("name"), "x")),
        refused_update!(&db, |u| u.add_to_set(field("n"), 1)),
        refused_update!(&db, |u| u.pull(field("attributes"), 1)),
        refused_update!(&db, |u| u.pop_first(field("name"))),
        refused_update!(&db, |u| u.pop_last(field("address.city"))),
        refused_update!(&db, |u| u.set_expr(field("name"), field("n") + 1)),
    ] {
        assert!(message.contains("declared as"), "{message}");
    }
    assert!(recorder.calls().is_empty());
    // Null is what an optional field holds, and `data` holds anything.
    let mut it = item("a");
    it.insert(&db).await.unwrap();
    let update = Item::query(&db).all_rows().update();
    let changed = update
        .set(field("category"), json!(null))
        .set(field("data"), json!([1]))
        .push(field("data"), 2)
        .set(
            field("address"),
            json!({"city": "Oslo", "place": {"floor": 1}}),
        )
        .set(field("address.city"), "Bergen")
        .returning()
        .await
        .unwrap();
    assert_eq!(changed[0].data, json!([1, 2]));
    assert_eq!(changed[0].address.city, "Bergen");
}

async fn whoever_says_so_may_change_any_field(on: &TestDb) {
    let (db, _) = recorded::<(Item,)>(on).await;
    let mut it = item("a");
    it.insert(&db).await.unwrap();
    let update = Item::query(&db).all_rows().update().with_unknown_fields();
    let changed = update
        .set(field("old_name"), "b")
        .rename(field("old_name"), field("name"))
        .unset(field("gone"));
    assert_eq!(changed.await.unwrap(), 1);
    let stored = db.collection("items").get(it.id()).await.unwrap().unwrap();
    assert_eq!(stored["name"], "b");
    assert!(stored.get("old_name").is_none());
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "opens")]
struct Open {
    #[serde(flatten)]
    base: Base<Open>,
    name: String,
    inner: Inner,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
struct Inner {
    n: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

async fn keys_of_maps_are_not_declared(on: &TestDb) {
    let db = on.with::<(Open, Item)>().await;
    let mut it = Open::default();
    it.insert(db).await.unwrap();
    let changed = Open::query(db)
        .all_rows()
        .update()
        .set(field("whatever"), 1)
        .set(field("inner.whatever"), "x")
        .inc(field("inner.n"), 1)
        .returning()
        .await
        .unwrap();
    assert_eq!(changed[0].rest["whatever"], 1);
    assert_eq!(changed[0].inner.rest["whatever"], "x");
    assert_eq!(changed[0].inner.n, 1);
    let mut it = item("a");
    it.insert(db).await.unwrap();
    let update = Item::query(db).all_rows().update();
    let changed = update.set(field("attributes.any"), 5).returning().await;
    assert_eq!(changed.unwrap()[0].attributes["any"], 5);
}

async fn values_that_no_document_holds(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let update = || Item::query(&db).all_rows().update();
    for outcome in [
        update().set(p.price, f64::NAN).await,
        update().inc(p.price, f64::INFINITY).await,
        update().set(p.name, "a\0b").await,
        update().push(p.tags, "a\0").await,
        update().set(p.data, json!({"a\0": 1})).await,
        update().set(field("data"), u64::MAX).await,
    ] {
        let error = refused(outcome, ErrorKind::InvalidDocument);
        assert!(!error.to_string().contains("a\0"), "{error}");
    }
    let deep = vec!["a"; 130];
    let outcome = update()
        .with_unknown_fields()
        .set(field(FieldPath::from_segments(deep).unwrap()), 1);
    refused(outcome.await, ErrorKind::InvalidDocument);
    for outcome in [
        update().inc(field("n"), "1").await,
        update().mul(field("n"), json!(null)).await,
        update().min(field("data"), json!([1])).await,
        update().max(field("data"), json!(null)).await,
        update().rename(field("data"), field("data.x")).await,
        update().rename(field("data.x"), field("data")).await,
        update().rename(field("data"), field("data")).await,
    ] {
        refused(outcome, ErrorKind::InvalidQuery);
    }
    assert!(recorder.calls().is_empty());
}

async fn changes_of_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    refused(
        Item::query(&db).all_rows().update().await,
        ErrorKind::InvalidQuery,
    );
    refused(
        Item::update_by_id(&db, "x").set_opt(p.n, None::<i64>).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        Item::query(&db).filter(p.n.eq(1)).update_one().await,
        ErrorKind::InvalidQuery,
    );
    // What is wrong with the query is said too.
    let update = Item::query(&db).filter(p.n.eq(1)).limit(0).update();
    refused(update.inc(p.n, 1).await, ErrorKind::InvalidQuery);
    let update = Item::query(&db).filter(p.name.matches("(")).update();
    refused(update.inc(p.n, 1).await, ErrorKind::InvalidQuery);
    let unregistered = Note::query(&db).all_rows().update();
    let outcome = unregistered.set(Note::fields().text, "x").await;
    refused(outcome, ErrorKind::NotRegistered);
    assert!(recorder.calls().is_empty());
    let missing = db.collection("nothing_here");
    let update = missing.query().all_rows().update().inc(field("n"), 1);
    refused(update.await, ErrorKind::NotRegistered);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "targets", index(fields("shop", "number"), unique))]
struct Target {
    #[serde(flatten)]
    base: Base<Target>,
    #[den(unique)]
    sku: String,
    shop: String,
    number: i64,
    #[den(index)]
    name: String,
}

async fn upserts_that_make_no_sense(on: &TestDb) {
    let (db, recorder) = recorded::<(Target, Item)>(on).await;
    let t = Target::fields();
    let upsert = || Target::upsert(&db, Target::default());
    let ignored = upsert().on(t.name).ignore().await;
    let error = refused(ignored, ErrorKind::InvalidQuery);
    let message = error.to_string();
    for there in ["`name`", "`sku`", "`shop, number`"] {
        assert!(message.contains(there), "{message}");
    }
    assert_eq!(error.collection(), Some("targets"));
    for outcome in [
        upsert().on(t.shop).ignore().await,
        upsert().on((t.sku, t.shop)).replace().await,
        upsert().on(field("sku.x")).ignore().await,
        upsert().on(field("")).ignore().await,
        upsert().on(t.sku).update(|u, _| u).await,
        upsert()
            .on(t.sku)
            .update(|u, _| u.set(t.base.id, "x"))
            .await,
        upsert()
            .on(t.sku)
            .update(|u, _| u.inc(field("nunber"), 1))
            .await,
        Target::get_or_create(&db, Target::default())
            .on(t.number)
            .await,
    ] {
        refused(outcome, ErrorKind::InvalidQuery);
    }
    let none = Item::upsert(&db, item("a"))
        .on(Item::fields().name)
        .ignore();
    let message = refused(none.await, ErrorKind::InvalidQuery).to_string();
    assert!(message.contains("there is none"), "{message}");
    let bad = Item {
        price: f64::NAN,
        ..Item::default()
    };
    let outcome = Item::upsert(&db, bad).on_id().ignore().await;
    refused(outcome, ErrorKind::InvalidDocument);
    let mut bad = Item::default();
    bad.base.id = Id::new("a\nb");
    let outcome = Item::upsert(&db, bad).on_id().ignore().await;
    refused(outcome, ErrorKind::InvalidDocument);
    assert!(recorder.calls().is_empty());
    // The order of the fields does not matter.
    let outcome = upsert().on((t.number, t.shop)).ignore().await;
    assert!(outcome.unwrap().is_inserted());
}

async fn bulks_that_make_no_sense(on: &TestDb) {
    let (db, recorder) = recorded::<(Item, Note)>(on).await;
    let mut items = vec![item("a")];
    let mode = BulkMode::OverwriteIfRevision;
    let outcome = Item::insert_many_with(&db, &mut items, mode).await;
    refused(outcome, ErrorKind::InvalidQuery);
    items[0].price = f64::NAN;
    let outcome = Item::upsert_many(&db, &mut items).await;
    refused(outcome, ErrorKind::InvalidDocument);
    let outcome = Note::upsert_many(&db, &mut []).await;
    assert_eq!(outcome.unwrap(), []);
    assert!(recorder.calls().is_empty());
    assert!(items[0].id().is_empty());
}
