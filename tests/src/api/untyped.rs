//! Collections without a type, for tools and migrations.

use den::{ErrorKind, Json, field, prelude::*};
use serde_json::json;

use super::support::{Item, Note, given_numbered, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(insert_fills_in_the_reserved_keys),
    case!(get_query_replace_delete),
    case!(a_missing_document_is_not_found),
    case!(a_missing_collection_is_not_registered),
    case!(taken_ids_and_values_are_duplicates),
    case!(a_revision_is_checked_when_it_is_given),
    case!(typed_and_untyped_see_the_same),
    case!(keys_of_any_text_survive),
    case!(collections_of_a_transaction),
    case!(queries_over_json),
];

async fn insert_fills_in_the_reserved_keys(on: &TestDb) {
    let db = on.with::<Item>().await;
    let items = db.collection("items");
    assert_eq!(items.name(), "items");
    let id = items.insert(json!({"x": 1})).await.unwrap();
    assert_eq!(id.len(), 26);
    let stored = items.get(&id).await.unwrap().unwrap();
    assert_eq!((&stored["_id"], &stored["x"]), (&json!(id), &json!(1)));
    assert!(stored["_created_at"].is_string());
    assert_eq!(stored["_created_at"], stored["_updated_at"]);
    assert_eq!(
        items
            .insert(json!({"_id": "mine", "_rev": null}))
            .await
            .unwrap(),
        "mine"
    );
    items.insert(json!({"_id": null})).await.unwrap();
    assert_eq!(items.query().count().await.unwrap(), 3);
}

async fn get_query_replace_delete(on: &TestDb) {
    let db = on.with::<Item>().await;
    let items = db.collection("items");
    let id = items.insert(json!({"city": "Oslo", "n": 1})).await.unwrap();
    let mut it = items
        .query()
        .filter(field("city").eq("Oslo"))
        .one()
        .await
        .unwrap();
    it["n"] = json!(2);
    it.as_object_mut().unwrap().remove("city");
    items.replace(it.clone()).await.unwrap();
    let stored = items.get(&id).await.unwrap().unwrap();
    assert_eq!((&stored["n"], stored.get("city")), (&json!(2), None));
    assert_eq!(stored["_created_at"], it["_created_at"]);
    assert!(stored["_updated_at"].as_str() > it["_updated_at"].as_str());
    items.delete(&id).await.unwrap();
    assert_eq!(items.get(&id).await.unwrap(), None);
}

async fn a_missing_document_is_not_found(on: &TestDb) {
    let db = on.with::<Item>().await;
    let items = db.collection("items");
    assert_eq!(items.get("nope").await.unwrap(), None);
    let error = refused(
        items.replace(json!({"_id": "nope"})).await,
        ErrorKind::NotFound,
    );
    assert_eq!(
        (error.collection(), error.id()),
        (Some("items"), Some("nope"))
    );
    refused(items.delete("nope").await, ErrorKind::NotFound);
    refused(
        items.replace(json!({"n": 1})).await,
        ErrorKind::InvalidDocument,
    );
    assert_eq!(items.query().count().await.unwrap(), 0);
}

async fn a_missing_collection_is_not_registered(on: &TestDb) {
    on.with::<Item>().await;
    let (missing, bad) = (ErrorKind::NotRegistered, ErrorKind::InvalidQuery);
    for (name, kind) in [
        ("nope", missing),
        ("Nope \"quoted\"", missing),
        ("", bad),
        ("a\0b", bad),
    ] {
        let nope = on.db.collection(name);
        for outcome in [
            nope.get("x").await.map(drop),
            nope.insert(json!({})).await.map(drop),
            nope.replace(json!({"_id": "x"})).await,
            nope.delete("x").await,
            nope.query().all().await.map(drop),
            nope.query().count().await.map(drop),
            nope.query().exists().await.map(drop),
            nope.query().ids().await.map(drop),
            nope.query().all_rows().delete().await.map(drop),
        ] {
            let error = outcome.expect_err(name);
            assert_eq!(error.kind(), kind, "{name:?}: {error:?}");
        }
    }
    assert_eq!(on.db.collections().await.unwrap(), ["items"]);
}

async fn taken_ids_and_values_are_duplicates(on: &TestDb) {
    let db = on.with::<Note>().await;
    let notes = db.collection("notes");
    notes
        .insert(json!({"_id": "a", "slug": "s"}))
        .await
        .unwrap();
    let error = refused(
        notes.insert(json!({"_id": "a"})).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
    let error = refused(
        notes.insert(json!({"slug": "s"})).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
}

async fn a_revision_is_checked_when_it_is_given(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut typed = note("a");
    typed.save(db).await.unwrap();
    let notes = db.collection("notes");
    let mut current = notes.get(typed.id()).await.unwrap().unwrap();
    let stale = current.clone();
    current["text"] = json!("one");
    notes.replace(current).await.unwrap();
    let error = refused(notes.replace(stale).await, ErrorKind::RevisionConflict);
    assert_eq!(error.id(), Some(typed.id().as_str()));
    // The typed copy is stale now, too.
    refused(typed.save(db).await, ErrorKind::RevisionConflict);
    typed.refresh(db).await.unwrap();
    assert_eq!(typed.text, "one");
    typed.save(db).await.unwrap();
}

async fn typed_and_untyped_see_the_same(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let items = db.collection("items");
    let p = Item::fields();
    for it in items.query().all().await.unwrap() {
        let typed = Item::find(db, it["_id"].as_str().unwrap()).await.unwrap();
        assert_eq!(serde_json::to_value(&typed).unwrap(), it);
    }
    let mut copy = items.query().filter(field("n").eq(1)).one().await.unwrap();
    copy["_id"] = json!("copy");
    copy["n"] = json!(4);
    items.insert(copy).await.unwrap();
    assert_eq!(
        Item::query(db).filter(p.n.eq(4)).one().await.unwrap().name,
        "i1"
    );
}

async fn keys_of_any_text_survive(on: &TestDb) {
    let db = on.with::<Item>().await;
    let items = db.collection("items");
    let odd = json!({"a.b": 1, "$x": 2, "": 3, "ключ": {"'": [null]}, "a\"b": "\\", "_own": 5});
    let id = items.insert(odd.clone()).await.unwrap();
    let stored = items.get(&id).await.unwrap().unwrap();
    for (key, value) in odd.as_object().unwrap() {
        assert_eq!(&stored[key], value, "{key}");
    }
}

async fn collections_of_a_transaction(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tx = db.begin().await.unwrap();
    let id = tx
        .collection("items")
        .insert(json!({"n": 1}))
        .await
        .unwrap();
    assert_eq!(tx.collection("items").query().count().await.unwrap(), 1);
    assert_eq!(db.collection("items").query().count().await.unwrap(), 0);
    refused(
        tx.collection("items").insert(json!({"_id": id})).await,
        ErrorKind::Duplicate,
    );
    refused(
        tx.collection("nope").insert(json!({})).await,
        ErrorKind::NotRegistered,
    );
    tx.collection("items")
        .replace(json!({"_id": id, "n": 2}))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let stored: Option<Json> = db.collection("items").get(&id).await.unwrap();
    assert_eq!(stored.unwrap()["n"], 2);
}

async fn queries_over_json(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let items = db.collection("items");
    let query = || {
        items
            .query()
            .filter(field("n").ge(2))
            .sort(field("n").desc())
    };
    assert_eq!(query().first().await.unwrap().unwrap()["n"], 5);
    assert_eq!(query().limit(2).all().await.unwrap().len(), 2);
    assert_eq!(query().count().await.unwrap(), 4);
    assert!(query().exists().await.unwrap());
    assert_eq!(query().skip(3).one().await.unwrap()["n"], 2);
    let (page, total) = query().limit(1).all_with_count().await.unwrap();
    assert_eq!((page.len(), total), (1, 4));
    assert_eq!(query().limit(2).delete().await.unwrap(), 2);
    assert_eq!(items.query().count().await.unwrap(), 3);
}
