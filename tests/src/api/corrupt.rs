//! What is stored and does not read as its type: named, and the rest stays within reach.

use den::{Error, ErrorKind, Json, prelude::*};
use futures_util::StreamExt as _;
use serde_json::json;

use super::support::{Item, Note, found, given, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(one_bad_row_fails_all_and_is_named),
    case!(a_stream_goes_on_after_a_bad_row),
    case!(a_stream_in_a_transaction_goes_on_too),
    case!(every_read_of_it_says_corrupt),
    case!(a_query_that_does_not_return_it_works),
    case!(untyped_access_reads_and_repairs_it),
    case!(a_value_of_another_type),
];

/// Stores `a`, a row that is no item, and `c`.
async fn given_a_bad_row(on: &TestDb) -> &Db {
    let named = |name: &str| {
        let mut it = item(name);
        it.base.id = Id::new(name);
        it
    };
    let db = given(on, [named("a"), named("c")]).await;
    let bad = json!({"_id": "b", "name": "top secret", "n": "not a number"});
    on.plant("items", "b", &bad).await;
    db
}

fn check_error(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert_eq!((error.collection(), error.id()), (Some("items"), Some("b")));
    let text = error.to_string();
    assert!(text.contains("items/b"), "{text}");
    assert!(
        !text.contains("secret") && !text.contains("not a number"),
        "{text}"
    );
    assert!(std::error::Error::source(error).is_some());
    assert!(!error.is_retryable());
}

async fn one_bad_row_fails_all_and_is_named(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    check_error(&Item::query(db).all().await.unwrap_err());
    check_error(&Item::query(db).all_with_count().await.unwrap_err());
    check_error(
        &Item::query(db)
            .page(PageRequest::first(5))
            .await
            .unwrap_err(),
    );
    assert_eq!(Item::query(db).count().await.unwrap(), 3);
}

async fn a_stream_goes_on_after_a_bad_row(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let rows: Vec<den::Result<Item>> = Item::query(db).stream().collect().await;
    let [Ok(a), Err(error), Ok(c)] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!((a.name.as_str(), c.name.as_str()), ("a", "c"));
    check_error(error);
}

async fn a_stream_in_a_transaction_goes_on_too(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let tx = db.begin().await.unwrap();
    let rows: Vec<den::Result<Item>> = Item::query(&tx).stream().collect().await;
    assert_eq!(
        rows.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    item("after").save(&tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn every_read_of_it_says_corrupt(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let p = Item::fields();
    check_error(&Item::get(db, "b").await.unwrap_err());
    check_error(&Item::find(db, "b").await.unwrap_err());
    check_error(&Item::get_many(db, ["a", "b"]).await.unwrap_err());
    check_error(
        &Item::query(db)
            .filter(p.base.id.eq("b"))
            .one()
            .await
            .unwrap_err(),
    );
    check_error(
        &Item::query(db)
            .filter(p.base.id.eq("b"))
            .first()
            .await
            .unwrap_err(),
    );
    let mut a = Item::find(db, "a").await.unwrap();
    a.base.id = Id::new("b");
    check_error(&a.clone().refresh(db).await.unwrap_err());
    let tx = db.begin().await.unwrap();
    check_error(&tx.lock::<Item>("b", LockMode::Wait).await.unwrap_err());
    assert_eq!(Item::query(&tx).count().await.unwrap(), 3);
    tx.rollback().await.unwrap();
}

async fn a_query_that_does_not_return_it_works(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let p = Item::fields();
    assert_eq!(found(Item::query(db).filter(p.n.eq(0))).await, "a c");
    assert_eq!(found(Item::query(db).limit(1)).await, "a");
    assert_eq!(found(Item::query(db).skip(2)).await, "c");
    assert_eq!(Item::query(db).ids().await.unwrap().len(), 3);
    assert_eq!(
        Item::query(db).values(p.name).await.unwrap(),
        ["a", "top secret", "c"]
    );
    assert_eq!(Item::get_many(db, ["a", "c"]).await.unwrap().len(), 2);
    let json: Vec<_> = Item::query(db).json_stream().collect().await;
    assert!(json.len() == 3 && json.iter().all(Result::is_ok));
    assert_eq!(
        Item::query(db)
            .filter(p.base.id.eq("b"))
            .delete()
            .await
            .unwrap(),
        1
    );
    assert_eq!(found(Item::query(db)).await, "a c");
}

async fn untyped_access_reads_and_repairs_it(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let items = db.collection("items");
    assert_eq!(items.query().all().await.unwrap().len(), 3);
    assert_eq!(items.get("b").await.unwrap().unwrap()["n"], "not a number");
    let mut whole: Json = serde_json::to_value(item("repaired")).unwrap();
    whole["_id"] = json!("b");
    items.replace(whole).await.unwrap();
    assert_eq!(found(Item::query(db)).await, "a repaired c");
}

async fn a_value_of_another_type(on: &TestDb) {
    let db = given_a_bad_row(on).await;
    let p = Item::fields();
    check_error(&Item::query(db).values(p.n).await.unwrap_err());
    // A required field that is missing.
    check_error(&Item::query(db).values(p.price).await.unwrap_err());
    let categories = Item::query(db).values(p.category).await.unwrap();
    assert_eq!(categories, [None, None, None]);
    db.register::<Note>().await.unwrap();
    on.plant("notes", "x", &json!({"_id": "x", "_rev": 5, "text": ""}))
        .await;
    refused(Note::find(db, "x").await, ErrorKind::Corrupt);
}
