//! Changes to documents where they lie: every operator, on every kind of value.

mod returned;

use std::collections::BTreeMap;

use den::{Json, Update, Value, prelude::*, update_parts::One, value};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, Note, found, given, given_numbered, item, note, recorded, refused};
use crate::harness::{Case, TestDb};

use self::returned::*;

pub(super) const CASES: &[Case] = &[
    case!(every_change_to_every_value),
    case!(every_change_by_handle),
    case!(changes_see_the_ones_before),
    case!(an_expression_sees_the_document_as_it_was),
    case!(optional_values),
    case!(an_update_says_how_many),
    case!(updated_documents_come_back),
    case!(limit_skip_and_sort_apply),
    case!(every_row_when_that_is_said),
    case!(each_write_is_noted),
    case!(one_bad_document_stops_all),
    case!(a_taken_value_stops_all),
    case!(marked_documents_are_left_alone),
    case!(fifty_increments_count_fifty),
    case!(odd_names_are_only_names),
    case!(without_a_type_the_revision_changes_too),
    case!(a_rolled_back_update_never_was),
    case!(many_rows_in_one_call),
];

/// A document with any keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "free")]
struct Free {
    #[serde(flatten)]
    base: Base<Free>,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

type Change = fn(Update<Json, One<Json>>) -> Update<Json, One<Json>>;

/// What is stored, what is changed, and what is there then or what the error says.
struct Row(Json, Change, Result<Json, &'static str>);

macro_rules! row {
    ($before:tt, $change:expr, $after:tt) => {
        Row(json!($before), $change, Ok(json!($after)))
    };
    ($before:tt, $change:expr, error: $message:literal) => {
        Row(json!($before), $change, Err($message))
    };
}

fn rows() -> Vec<Row> {
    vec![
        row!({}, |u| u.set(field("a"), 1), {"a": 1}),
        row!({"a": null}, |u| u.set(field("a"), "x"), {"a": "x"}),
        row!({"a": [1]}, |u| u.set(field("a"), json!({"b": 2})), {"a": {"b": 2}}),
        row!({}, |u| u.set(field("a.b.c"), 1), {"a": {"b": {"c": 1}}}),
        row!({"a": null}, |u| u.set(field("a.b"), 1), {"a": {"b": 1}}),
        row!({"a": {"x": 1}}, |u| u.set(field("a.b"), json!(null)), {"a": {"x": 1, "b": null}}),
        row!({"a": 5}, |u| u.set(field("a.b"), 1), error: "a"),
        row!({"a": "x"}, |u| u.set(field("a.b"), 1), error: "a"),
        row!({"a": [1]}, |u| u.set(field("a.0"), 1), error: "a"),
        row!({"a": {}}, |u| u.set(field("a.0"), 1), {"a": {"0": 1}}),
        row!({"a": 1}, |u| u.set(field("a"), i64::MAX), {"a": 9223372036854775807i64}),
        row!({"a": 1}, |u| u.set(field("a"), 1.0), {"a": 1.0}),
        row!({"a": 1}, |u| u.set(field("a"), "é😀\"\\'%_"), {"a": "é😀\"\\'%_"}),
        //
        row!({}, |u| u.unset(field("a")), {}),
        row!({"a": null}, |u| u.unset(field("a")), {}),
        row!({"a": 1, "b": 2}, |u| u.unset(field("a")), {"b": 2}),
        row!({"a": {"b": 1, "c": 2}}, |u| u.unset(field("a.b")), {"a": {"c": 2}}),
        row!({"a": 1}, |u| u.unset(field("a.b")), {"a": 1}),
        row!({"a": [1, 2]}, |u| u.unset(field("a.0")), {"a": [1, 2]}),
        //
        row!({}, |u| u.inc(field("a"), 2), {"a": 2}),
        row!({"a": null}, |u| u.inc(field("a"), 2), {"a": 2}),
        row!({"a": 3}, |u| u.inc(field("a"), -5), {"a": -2}),
        row!({"a": 3}, |u| u.inc(field("a"), 0.5), {"a": 3.5}),
        row!({"a": 0.5}, |u| u.inc(field("a"), 1), {"a": 1.5}),
        row!({"a": 9007199254740993i64}, |u| u.inc(field("a"), 1), {"a": 9007199254740994i64}),
        row!({}, |u| u.inc(field("a.b"), 1), {"a": {"b": 1}}),
        row!({"a": "3"}, |u| u.inc(field("a"), 1), error: "a"),
        row!({"a": true}, |u| u.inc(field("a"), 1), error: "a"),
        row!({"a": []}, |u| u.inc(field("a"), 1), error: "a"),
        row!({"a": {}}, |u| u.inc(field("a"), 1), error: "a"),
        row!({"a": 1}, |u| u.inc(field("a.b"), 1), error: "a"),
        row!({"a": 9223372036854775807i64}, |u| u.inc(field("a"), 1), error: ""),
        //
        row!({}, |u| u.mul(field("a"), 2), {"a": 0}),
        row!({"a": null}, |u| u.mul(field("a"), 2), {"a": 0}),
        row!({"a": 3}, |u| u.mul(field("a"), -2), {"a": -6}),
        row!({"a": 3}, |u| u.mul(field("a"), 0.5), {"a": 1.5}),
        row!({"a": "3"}, |u| u.mul(field("a"), 2), error: "a"),
        row!({"a": 9223372036854775807i64}, |u| u.mul(field("a"), 2), error: ""),
        //
        row!({}, |u| u.min(field("a"), 2), {"a": 2}),
        row!({"a": null}, |u| u.min(field("a"), "x"), {"a": "x"}),
        row!({"a": 3}, |u| u.min(field("a"), 2), {"a": 2}),
        row!({"a": 1}, |u| u.min(field("a"), 2), {"a": 1}),
        row!({"a": 1.5}, |u| u.min(field("a"), 1), {"a": 1}),
        row!({"a": "b"}, |u| u.min(field("a"), "a"), {"a": "a"}),
        row!({"a": "B"}, |u| u.min(field("a"), "a"), {"a": "B"}),
        row!({"a": true}, |u| u.min(field("a"), false), {"a": false}),
        row!({"a": "1"}, |u| u.min(field("a"), 2), error: "a"),
        row!({"a": []}, |u| u.min(field("a"), 2), error: "a"),
        row!({}, |u| u.max(field("a"), 2), {"a": 2}),
        row!({"a": 1}, |u| u.max(field("a"), 2), {"a": 2}),
        row!({"a": 3}, |u| u.max(field("a"), 2), {"a": 3}),
        row!({"a": "a"}, |u| u.max(field("a"), "é"), {"a": "é"}),
        row!({"a": true}, |u| u.max(field("a"), 2), error: "a"),
        //
        row!({}, |u| u.push(field("a"), 1), {"a": [1]}),
        row!({"a": null}, |u| u.push(field("a"), 1), {"a": [1]}),
        row!({"a": [1]}, |u| u.push(field("a"), 1), {"a": [1, 1]}),
        row!({"a": [1]}, |u| u.push(field("a"), vec![2, 3]), {"a": [1, [2, 3]]}),
        row!({"a": []}, |u| u.push(field("a"), json!({"b": null})), {"a": [{"b": null}]}),
        row!({"a": 1}, |u| u.push(field("a"), 1), error: "a"),
        row!({"a": {}}, |u| u.push(field("a"), 1), error: "a"),
        row!({"a": "x"}, |u| u.push(field("a"), 1), error: "a"),
        //
        row!({}, |u| u.add_to_set(field("a"), 1), {"a": [1]}),
        row!({"a": [1]}, |u| u.add_to_set(field("a"), 1), {"a": [1]}),
        row!({"a": [1]}, |u| u.add_to_set(field("a"), 1.0), {"a": [1]}),
        row!({"a": [1]}, |u| u.add_to_set(field("a"), "1"), {"a": [1, "1"]}),
        row!({"a": [{"x": 1, "y": 2}]}, |u| u.add_to_set(field("a"), json!({"y": 2, "x": 1})), {"a": [{"x": 1, "y": 2}]}),
        row!({"a": [1]}, |u| u.add_to_set(field("a"), vec![1]), {"a": [1, [1]]}),
        row!({"a": 1}, |u| u.add_to_set(field("a"), 1), error: "a"),
        //
        row!({}, |u| u.pull(field("a"), 1), {}),
        row!({"a": null}, |u| u.pull(field("a"), 1), {"a": null}),
        row!({"a": [1, 2, 1, "1", 1.0]}, |u| u.pull(field("a"), 1), {"a": [2, "1"]}),
        row!({"a": [[1], 1]}, |u| u.pull(field("a"), vec![1]), {"a": [1]}),
        row!({"a": [2]}, |u| u.pull(field("a"), 1), {"a": [2]}),
        row!({"a": 1}, |u| u.pull(field("a"), 1), error: "a"),
        //
        row!({}, |u| u.pop_first(field("a")), {}),
        row!({"a": null}, |u| u.pop_first(field("a")), {"a": null}),
        row!({"a": []}, |u| u.pop_first(field("a")), {"a": []}),
        row!({"a": [1, 2, 3]}, |u| u.pop_first(field("a")), {"a": [2, 3]}),
        row!({"a": "x"}, |u| u.pop_first(field("a")), error: "a"),
        row!({}, |u| u.pop_last(field("a")), {}),
        row!({"a": []}, |u| u.pop_last(field("a")), {"a": []}),
        row!({"a": [1, 2, 3]}, |u| u.pop_last(field("a")), {"a": [1, 2]}),
        row!({"a": {}}, |u| u.pop_last(field("a")), error: "a"),
        //
        row!({}, |u| u.rename(field("a"), field("b")), {}),
        row!({"b": 2}, |u| u.rename(field("a"), field("b")), {"b": 2}),
        row!({"a": null, "b": 2}, |u| u.rename(field("a"), field("b")), {"b": null}),
        row!({"a": [1], "b": 2}, |u| u.rename(field("a"), field("b")), {"b": [1]}),
        row!({"a": 1}, |u| u.rename(field("a"), field("b.c")), {"b": {"c": 1}}),
        row!({"a": {"b": 1}}, |u| u.rename(field("a.b"), field("c")), {"a": {}, "c": 1}),
        row!({"a": 1, "b": 2}, |u| u.rename(field("a"), field("b.c")), error: "b"),
        row!({"a": 1}, |u| u.rename(field("a.x"), field("c")), {"a": 1}),
        //
        row!({"b": 2}, |u| u.set_expr(field("a"), field("b") + 1), {"a": 3, "b": 2}),
        row!({"b": "x"}, |u| u.set_expr(field("a"), field("b")), {"a": "x", "b": "x"}),
        row!({"b": [1, {"c": 2}]}, |u| u.set_expr(field("a.x"), field("b")), {"a": {"x": [1, {"c": 2}]}, "b": [1, {"c": 2}]}),
        row!({}, |u| u.set_expr(field("a"), field("b")), {"a": null}),
        row!({"b": "x"}, |u| u.set_expr(field("a"), field("b") + 1), {"a": null, "b": "x"}),
        row!({"a": 1}, |u| u.set_expr(field("a.b"), field("a")), error: "a"),
    ]
}

async fn every_change_to_every_value(on: &TestDb) {
    let db = on.with::<Free>().await;
    let free = db.collection("free");
    for (at, Row(before, change, expected)) in rows().into_iter().enumerate() {
        let id = free.insert(before.clone()).await.unwrap();
        let stored = free.get(&id).await.unwrap().unwrap();
        let update = free.query().filter(field("_id").eq(&id)).update_one();
        let outcome = change(update).await;
        let now = free.get(&id).await.unwrap().unwrap();
        let what = format!("row {at} on {before}");
        match expected {
            Ok(after) => {
                outcome.unwrap_or_else(|why| panic!("{what}: {why:?}"));
                assert_eq!(content(&now), content(&after), "{what}");
                assert!(now["_updated_at"].as_str() > stored["_updated_at"].as_str());
                assert_eq!(now["_created_at"], stored["_created_at"]);
            }
            Err("") => {
                refused(outcome, ErrorKind::OutOfRange);
                assert_eq!(now, stored, "{what}");
            }
            Err(named) => {
                let error = refused(outcome, ErrorKind::InvalidDocument);
                assert!(error.to_string().contains(&format!("`{named}")), "{error}");
                assert_eq!(error.id(), Some(id.as_str()), "{error}");
                assert_eq!(error.collection(), Some("free"), "{error}");
                assert_eq!(now, stored, "{what}");
            }
        }
    }
}

/// A document without what is den's own.
fn content(document: &Json) -> Value {
    let mut document = document.clone();
    let map = document.as_object_mut().unwrap();
    map.retain(|key, _| !key.starts_with('_'));
    // Compares numbers by kind as well.
    serde_json::from_value(document).unwrap()
}

async fn every_change_by_handle(on: &TestDb) {
    let mut before = item("a");
    before.n = 5;
    before.price = 2.0;
    before.category = Some("old".to_owned());
    before.tags = ["x", "y", "x"].map(str::to_owned).to_vec();
    before.address.zip = Some("0150".to_owned());
    let db = given(on, [before]).await;
    let p = Item::fields();
    let at = Timestamp::now();
    let changed = Item::query(db)
        .filter(p.name.eq("a"))
        .update()
        .set(p.name, "b")
        .set(p.active, true)
        .set(p.at, at)
        .set(p.data, json!({"k": [1]}))
        .set(p.address.place.floor, 3)
        .inc(p.n, 2)
        .inc(p.address.place.door, 7)
        .mul(p.price, 1.5)
        .max(p.address.city, "Oslo")
        .push(p.tags, "z")
        .pull(p.tags, "x")
        .add_to_set(p.tags, "y")
        .pop_first(p.tags)
        .rename(p.address.zip, p.category)
        .returning()
        .await
        .unwrap();
    let [now] = changed.as_slice() else {
        panic!("{changed:?}");
    };
    assert_eq!(now.name, "b");
    assert!(now.active);
    assert_eq!(now.at, Some(at));
    assert_eq!(now.data, json!({"k": [1]}));
    assert_eq!((now.n, now.price), (7, 3.0));
    assert_eq!(now.address.place.floor, 3);
    assert_eq!(now.address.place.door, Some(7));
    assert_eq!(now.address.city, "Oslo");
    assert_eq!(now.tags, ["z"]);
    assert_eq!(now.address.zip, None);
    assert_eq!(now.category.as_deref(), Some("0150"));
    assert_eq!(&Item::find(db, now.id()).await.unwrap(), now);
    // What is an option takes one, and what is a reference is read.
    let text = "new".to_owned();
    Item::update_by_id(db, now.id())
        .set(p.category, None)
        .set(p.at, None)
        .set(p.name, &text)
        .set(p.tags, vec![text.clone()])
        .set(p.attributes, BTreeMap::from([("k".to_owned(), 1)]))
        .set(p.attributes.key("l"), 2)
        .min(p.n, -1)
        .pop_last(p.tags)
        .unset(p.address.place.door)
        .set_opt(p.price, None::<f64>)
        .set_opt(p.address.city, Some("Bergen"))
        .await
        .unwrap();
    let now = Item::find(db, now.id()).await.unwrap();
    assert_eq!((now.category, now.at, now.n), (None, None, -1));
    assert_eq!((now.name.as_str(), now.price), ("new", 3.0));
    assert!(now.tags.is_empty());
    assert_eq!(now.attributes.len(), 2);
    assert_eq!(now.address.place.door, None);
    assert_eq!(now.address.city, "Bergen");
}

async fn changes_see_the_ones_before(on: &TestDb) {
    let db = on.with::<Free>().await;
    let free = db.collection("free");
    let id = free.insert(json!({"n": 1, "old": 5})).await.unwrap();
    free.query()
        .filter(field("_id").eq(&id))
        .update()
        .inc(field("n"), 1)
        .mul(field("n"), 10)
        .max(field("n"), 15)
        .push(field("list"), 1)
        .push(field("list"), 2)
        .pop_first(field("list"))
        .set(field("a"), json!({"b": 1}))
        .inc(field("a.b"), 1)
        .rename(field("a.b"), field("c"))
        .unset(field("a"))
        .set(field("a.d"), "new")
        .rename(field("old"), field("n2"))
        .inc(field("n2"), 1)
        .await
        .unwrap();
    let now = free.get(&id).await.unwrap().unwrap();
    let expected = json!({"n": 20, "list": [2], "c": 2, "a": {"d": "new"}, "n2": 6});
    assert_eq!(content(&now), content(&expected));
}

async fn an_expression_sees_the_document_as_it_was(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    Item::query(db)
        .filter(p.n.ge(2))
        .update()
        .set(p.n, 100)
        .set_expr(p.price, p.n * 2 + 0.25)
        .set_expr(p.category, p.name)
        .set_expr(p.address.place.floor, p.n)
        .inc(p.address.place.floor, 1)
        .await
        .unwrap();
    let now = Item::query(db).filter(p.name.eq("i3")).one().await.unwrap();
    assert_eq!((now.n, now.price), (100, 6.25));
    assert_eq!(now.category.as_deref(), Some("i3"));
    assert_eq!(now.address.place.floor, 4);
    // Two fields change places, and the time is that of the call.
    let before = Timestamp::now();
    let now = Item::update_by_id(db, now.id())
        .set_expr(p.name, p.category.coalesce("none"))
        .set_expr(p.category, p.name)
        .set_expr(p.at, den::now())
        .set_expr(p.active, value::<Item, _>(2).gt(1))
        .returning()
        .await
        .unwrap();
    assert!(now.at.unwrap() >= before);
    assert!(now.active);
}

async fn optional_values(on: &TestDb) {
    let db = given(on, [item("a")]).await;
    let p = Item::fields();
    let set = |category: Option<&str>| {
        let update = Item::query(db).all_rows().update();
        update.set(p.category, category.map(str::to_owned))
    };
    assert_eq!(set(Some("x")).await.unwrap(), 1);
    assert_eq!(found(Item::query(db).filter(p.category.eq("x"))).await, "a");
    assert_eq!(set(None).await.unwrap(), 1);
    assert_eq!(
        found(Item::query(db).filter(p.category.is_null())).await,
        "a"
    );
}

async fn an_update_says_how_many(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let update = |from: i64| {
        let query = Item::query(db).filter(p.n.gt(from));
        query.update().set(p.active, true)
    };
    assert_eq!(update(9).await.unwrap(), 0);
    assert_eq!(update(3).await.unwrap(), 2);
    // One that is changed into what it was counts too.
    assert_eq!(update(2).await.unwrap(), 3);
    assert_eq!(
        found(Item::query(db).filter(p.active.eq(true))).await,
        "i3 i4 i5"
    );
}

async fn updated_documents_come_back(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let query = || Item::query(db).filter(p.n.ne(3)).sort(p.price.desc());
    let ns = |items: &[Item]| items.iter().map(|it| it.n).collect::<Vec<_>>();
    // In the order as it was before.
    let new = query().update().mul(p.n, -1).returning().await.unwrap();
    assert_eq!(ns(&new), [-5, -4, -2, -1]);
    let stored = query().all().await.unwrap();
    assert_eq!(new, stored);
    assert!(new.iter().all(|it| it.base.is_stored()));
    let old = query()
        .update()
        .set(p.price, 0.0)
        .mul(p.n, 2)
        .returning_old()
        .await
        .unwrap();
    assert_eq!(old, stored);
    let none = query().filter(p.n.gt(100)).update().inc(p.n, 1);
    assert_eq!(none.returning().await.unwrap(), []);
    // Documents that came back can be saved.
    let mut first = query()
        .filter(p.n.eq(-10))
        .update()
        .inc(p.n, 1)
        .returning()
        .await
        .unwrap();
    first[0].name = "saved".to_owned();
    first[0].save(db).await.unwrap();
    let collection = db.collection("items");
    let json = collection
        .query()
        .filter(field("name").eq("saved"))
        .update()
        .inc(field("n"), 1)
        .returning()
        .await
        .unwrap();
    assert_eq!(json[0]["n"], -8);
}
