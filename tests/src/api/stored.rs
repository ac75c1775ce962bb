//! Documents that others stored: with less, more or something else than the type expects. How one
//! that does not read is reported: `corrupt.rs`.

use std::collections::BTreeMap;

use den::{Error, ErrorKind, prelude::*};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, everything, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_stream_meets_it_where_it_stands),
    case!(a_stream_in_a_transaction_meets_it_there_too),
    case!(what_does_not_look_inside_works),
    case!(what_leaves_it_out_works),
    case!(values_of_a_wrong_type),
    case!(values_that_are_missing),
    case!(a_wrong_type_compares_as_what_it_is),
    case!(a_failed_read_leaves_the_document_in_memory),
    case!(a_failed_read_leaves_the_transaction_usable),
    case!(a_missing_field),
    case!(times_that_do_not_read),
    case!(unknown_fields_are_read_over),
    case!(unknown_fields_are_kept_by_a_flattened_map),
];

/// A document with little in it, and nothing that may be missing but the mark.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "parcels")]
struct Parcel {
    #[serde(flatten)]
    base: Base<Parcel>,
    #[den(index)]
    n: i64,
    #[den(index)]
    label: String,
    #[serde(default)]
    mark: Option<String>,
}

/// What a query of [`given`] finds: the numbers, and `!` for what does not read.
const ALL: &str = "1 2 ! 4 5";

/// Stores five parcels through the untyped collection, the third of which has a text for `n`.
async fn given(on: &TestDb) -> &Db {
    let db = on.with::<Parcel>().await;
    for n in 1..=5 {
        let value = if n == 3 { json!("three") } else { json!(n) };
        let parcel = json!({ "_id": format!("p{n}"), "n": value, "label": "a label" });
        db.collection("parcels").insert(parcel).await.unwrap();
    }
    db
}

#[track_caller]
fn corrupt<T: std::fmt::Debug>(outcome: den::Result<T>, id: &str) -> Error {
    let error = refused(outcome, ErrorKind::Corrupt);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("parcels"), Some(id)),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert!(std::error::Error::source(&error).is_some(), "{error:?}");
    error
}

/// What a stream has, to its end.
async fn walk(query: QuerySet<Parcel>) -> String {
    let mut stream = query.stream();
    let mut seen = Vec::new();
    while let Some(it) = stream.next().await {
        seen.push(match it {
            Ok(parcel) => {
                assert!(parcel.base.is_stored());
                parcel.n.to_string()
            }
            Err(error) => {
                corrupt(Err::<(), _>(error), "p3");
                "!".to_owned()
            }
        });
    }
    assert!(stream.next().await.is_none());
    seen.join(" ")
}

async fn a_stream_meets_it_where_it_stands(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    assert_eq!(walk(Parcel::query(db)).await, ALL);
    assert_eq!(walk(Parcel::query(db).sort(p.label.asc())).await, ALL);
    assert_eq!(
        walk(Parcel::query(db).sort(p.base.id.desc())).await,
        "5 4 ! 2 1"
    );
    // By number, what is none counts as null.
    assert_eq!(walk(Parcel::query(db).sort(p.n.asc())).await, "! 1 2 4 5");
    assert_eq!(walk(Parcel::query(db).skip(1).limit(2)).await, "2 !");
    // Those who want to stop there can.
    let stopped: den::Result<Vec<Parcel>> = Parcel::query(db).stream().try_collect().await;
    corrupt(stopped, "p3");
}

async fn a_stream_in_a_transaction_meets_it_there_too(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    let tx = db.begin().await.unwrap();
    assert_eq!(walk(Parcel::query(&tx)).await, ALL);
    assert_eq!(walk(Parcel::query(&tx).sort(p.n.desc())).await, "5 4 2 1 !");
    Parcel::query(&tx).filter(p.n.eq(1)).delete().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(walk(Parcel::query(db)).await, "2 ! 4 5");
}

async fn what_does_not_look_inside_works(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    let all = || Parcel::query(db);
    assert_eq!(all().count().await.unwrap(), 5);
    assert!(all().filter(p.base.id.eq("p3")).exists().await.unwrap());
    assert_eq!(all().ids().await.unwrap(), ["p1", "p2", "p3", "p4", "p5"]);
    assert_eq!(all().values(p.label).await.unwrap(), ["a label"; 5]);
    assert_eq!(
        all()
            .json_stream()
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        5
    );
    let untyped = db.collection("parcels").get("p3").await.unwrap().unwrap();
    assert_eq!(untyped["n"], json!("three"));
    // It can be replaced, deleted in hand or by a query.
    let mut whole = Parcel {
        n: 3,
        ..Parcel::default()
    };
    whole.base.id = Id::new("p3");
    whole.clone().delete(db).await.unwrap();
    assert_eq!(walk(all()).await, "1 2 4 5");
    on.plant("parcels", "p3", &untyped).await;
    whole.replace(db).await.unwrap();
    assert_eq!(walk(all()).await, "1 2 3 4 5");
    on.plant("parcels", "p3", &untyped).await;
    assert_eq!(all().filter(p.base.id.ge("p3")).delete().await.unwrap(), 3);
    assert_eq!(walk(all()).await, "1 2");
}

async fn what_leaves_it_out_works(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    let all = || Parcel::query(db);
    assert_eq!(all().limit(2).all().await.unwrap().len(), 2);
    assert_eq!(all().filter(p.n.gt(0)).all().await.unwrap().len(), 4);
    assert_eq!(Parcel::get_many(db, ["p5", "p1"]).await.unwrap().len(), 2);
    // Pages before and after the one that fails are reached.
    let first = all().page(PageRequest::first(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    let next = PageRequest::first(1).after(first.next.unwrap());
    corrupt(all().page(next).await, "p3");
    let last = all()
        .sort(p.base.id.desc())
        .page(PageRequest::first(2))
        .await
        .unwrap();
    assert_eq!(last.items.iter().map(|it| it.n).collect::<Vec<_>>(), [5, 4]);
}

async fn values_of_a_wrong_type(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    corrupt(Parcel::query(db).values(p.n).await, "p3");
    corrupt(
        Parcel::query(db)
            .filter(p.base.id.eq("p3"))
            .values(p.n)
            .await,
        "p3",
    );
    assert_eq!(
        Parcel::query(db)
            .filter(p.n.is_in([1, 2, 4, 5]))
            .values(p.n)
            .await
            .unwrap(),
        [1, 2, 4, 5]
    );
    let untyped = db
        .collection("parcels")
        .query()
        .values_at("n")
        .await
        .unwrap();
    assert_eq!(
        untyped,
        [json!(1), json!(2), json!("three"), json!(4), json!(5)]
    );
    // An integer field reads no fraction, and nothing beyond its range.
    for n in [json!(1.5), json!([]), json!({}), json!(true), json!(1e300)] {
        on.plant(
            "parcels",
            "p3",
            &json!({ "_id": "p3", "n": n, "label": "" }),
        )
        .await;
        corrupt(Parcel::query(db).values(p.n).await, "p3");
        corrupt(Parcel::get(db, "p3").await, "p3");
    }
}

async fn values_that_are_missing(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    for it in [
        json!({ "_id": "p3", "n": 3 }),
        json!({ "_id": "p3", "n": 3, "label": null }),
    ] {
        on.plant("parcels", "p3", &it).await;
        corrupt(Parcel::query(db).values(p.label).await, "p3");
        assert_eq!(
            Parcel::query(db).values(p.mark).await.unwrap(),
            [const { None::<String> }; 5]
        );
        assert_eq!(
            Parcel::query(db).values(p.n).await.unwrap(),
            [1, 2, 3, 4, 5]
        );
    }
}

async fn a_wrong_type_compares_as_what_it_is(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    let all = || Parcel::query(db);
    let ids = async |filter: Filter<Parcel>| {
        let ids = all().filter(filter).ids().await.unwrap();
        ids.iter()
            .map(|it| it.as_str().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(ids(p.n.ge(2)).await, "p2 p4 p5");
    assert_eq!(ids(!p.n.ge(2)).await, "p1 p3");
    assert_eq!(ids(p.n.ne(1)).await, "p2 p3 p4 p5");
    assert_eq!(ids(p.n.is_in([1, 5])).await, "p1 p5");
    let text = db
        .collection("parcels")
        .query()
        .filter(field("n").eq("three"));
    assert_eq!(text.ids().await.unwrap(), ["p3"]);
}

async fn a_failed_read_leaves_the_document_in_memory(on: &TestDb) {
    let db = given(on).await;
    let mut it = Parcel::find(db, "p2").await.unwrap();
    let before = it.clone();
    on.plant(
        "parcels",
        "p2",
        &json!({ "_id": "p2", "n": "two", "label": "" }),
    )
    .await;
    corrupt(it.refresh(db).await, "p2");
    assert_eq!(it, before);
    assert!(it.base.is_stored());
    // Saving what is in memory mends what is stored.
    it.save(db).await.unwrap();
    assert_eq!(Parcel::find(db, "p2").await.unwrap(), it);
}

async fn a_failed_read_leaves_the_transaction_usable(on: &TestDb) {
    let db = given(on).await;
    let p = Parcel::fields();
    let tx = db.begin().await.unwrap();
    corrupt(Parcel::get(&tx, "p3").await, "p3");
    corrupt(Parcel::query(&tx).all().await, "p3");
    corrupt(Parcel::query(&tx).values(p.n).await, "p3");
    corrupt(Parcel::query(&tx).page(PageRequest::first(5)).await, "p3");
    let mut it = Parcel {
        n: 6,
        ..Parcel::default()
    };
    it.insert(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Parcel::query(db).count().await.unwrap(), 6);
    // A transaction closure that meets such a document is rolled back, and tried only once.
    let mut tries = 0;
    let outcome = db
        .transaction(async |tx| {
            tries += 1;
            Parcel::query(&tx).filter(p.n.eq(6)).delete().await?;
            Parcel::find(&tx, "p3").await
        })
        .await;
    corrupt(outcome, "p3");
    assert_eq!(tries, 1);
    assert_eq!(Parcel::query(db).count().await.unwrap(), 6);
}

async fn a_missing_field(on: &TestDb) {
    let db = on.with::<Parcel>().await;
    let parcels = db.collection("parcels");
    let read = async |parcel: Json| {
        let id = parcels.insert(parcel).await.unwrap();
        (Parcel::get(db, id.as_str()).await, id)
    };
    let (missing, id) = read(json!({ "n": 1 })).await;
    let error = corrupt(missing, &id);
    assert!(everything(&error).contains("label"), "{error:?}");
    let (missing, id) = read(json!({ "label": "a" })).await;
    let error = corrupt(missing, &id);
    assert!(everything(&error).contains("`n`"), "{error:?}");
    // What may be missing is filled in, times and id included.
    let (found, id) = read(json!({ "n": 1, "label": "a" })).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.id().as_str(), &found.mark), (id.as_str(), &None));
    on.plant(
        "parcels",
        "bare",
        &json!({ "_id": "bare", "n": 1, "label": "a" }),
    )
    .await;
    let bare = Parcel::find(db, "bare").await.unwrap();
    assert_eq!(bare.base.created_at, Timestamp::default());
    assert_eq!(bare.id(), &"bare");
}

async fn times_that_do_not_read(on: &TestDb) {
    let db = given(on).await;
    let mut whole = db.collection("parcels").get("p1").await.unwrap().unwrap();
    whole["_id"] = json!("p3");
    for bad in [
        json!("yesterday"),
        json!(""),
        json!("2024-02-30T00:00:00Z"),
        json!("2024-05-06T07:08:09"),
        json!(1_700_000_000),
        json!(null),
        json!([]),
    ] {
        for key in ["_created_at", "_updated_at"] {
            let mut it = whole.clone();
            it[key] = bad.clone();
            on.plant("parcels", "p3", &it).await;
            corrupt(Parcel::get(db, "p3").await, "p3");
            assert_eq!(walk(Parcel::query(db)).await, ALL, "{key}: {bad}");
            let p = Parcel::fields().base;
            let newest = Parcel::query(db)
                .sort(p.created_at.desc())
                .limit(9)
                .ids()
                .await
                .unwrap();
            assert_eq!(newest.len(), 5);
        }
    }
}

async fn unknown_fields_are_read_over(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut stored = serde_json::to_value(item("a")).unwrap();
    stored["_id"] = json!("x");
    stored["added later"] = json!({ "deep": [1, { "a.b": null }] });
    stored["address"]["country"] = json!("Norway");
    stored["lines"] = json!([{ "sku": "s", "count": 1, "colour": "red" }]);
    db.collection("items").insert(stored).await.unwrap();
    let p = Item::fields();
    let mut it = Item::query(db).filter(p.name.eq("a")).one().await.unwrap();
    assert_eq!(it.lines.len(), 1);
    let untyped = || db.collection("items").query();
    let later = untyped().filter(field(["added later", "deep"]).exists());
    assert_eq!(later.count().await.unwrap(), 1);
    assert_eq!(
        untyped()
            .filter(field("address.country").eq("Norway"))
            .count()
            .await
            .unwrap(),
        1
    );
    // Saving stores what the type knows.
    it.n = 7;
    it.save(db).await.unwrap();
    assert_eq!(Item::find(db, "x").await.unwrap(), it);
    let keys = db.collection("items").get("x").await.unwrap().unwrap();
    assert_eq!((&keys["added later"], &keys["n"]), (&Json::Null, &json!(7)));
}

async fn unknown_fields_are_kept_by_a_flattened_map(on: &TestDb) {
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
    #[den(collection = "open")]
    struct Open {
        #[serde(flatten)]
        base: Base<Open>,
        n: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, Json>,
    }
    let db = on.with::<Open>().await;
    let open = db.collection("open");
    let id = open
        .insert(json!({ "n": 1, "x": { "y": [1.5, null] }, "_note": "hm" }))
        .await
        .unwrap();
    let mut it = Open::find(db, id.as_str()).await.unwrap();
    let keys: Vec<&str> = it.rest.keys().map(String::as_str).collect();
    assert_eq!(keys, ["_note", "x"]);
    it.n = 2;
    it.save(db).await.unwrap();
    let stored = open.get(&id).await.unwrap().unwrap();
    assert_eq!(
        (&stored["x"], &stored["n"]),
        (&json!({ "y": [1.5, null] }), &json!(2))
    );
    assert_eq!(
        open.query()
            .filter(field("x.y").contains(1.5))
            .count()
            .await
            .unwrap(),
        1
    );
}
