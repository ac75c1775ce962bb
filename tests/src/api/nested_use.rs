//! The database handle inside a transaction closure: reads are fine, writes are refused, and
//! nothing waits for itself.

use std::time::{Duration, Instant};

use den::{ErrorKind, Json, prelude::*};
use serde_json::json;

use super::support::{Item, Note, count, found, given_numbered, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(writes_through_the_database_are_refused),
    case!(reads_through_the_database_see_what_is_committed),
    case!(a_nested_transaction_is_refused),
    case!(another_database_is_another_matter),
    case!(a_spawned_task_is_outside),
    case!(after_the_closure_writes_work_again),
];

async fn writes_through_the_database_are_refused(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    db.register::<Note>().await.unwrap();
    let start = Instant::now();
    db.transaction(async |tx| {
        item("through tx").save(&tx).await?;
        let mut stored = Item::query(db).first().await?.unwrap();
        let before = stored.clone();
        let untyped = db.collection("items");
        let refusals = [
            item("a").insert(db).await,
            item("a").save(db).await,
            stored.save(db).await,
            stored.update(db).await,
            stored.replace(db).await,
            stored.delete(db).await,
            Item::insert_many(db, &mut [item("a"), item("b")]).await,
            Item::save_all(db, &mut [item("a"), item("b")]).await,
            Item::delete_all(db, &mut [stored.clone()]).await,
            Item::query(db).all_rows().delete().await.map(drop),
            untyped.insert(json!({})).await.map(drop),
            untyped.replace(json!({"_id": stored.id()})).await,
            untyped.delete(stored.id()).await,
            db.register::<Note>().await,
            note("a").save(tx.db()).await,
            note("a").save(&db.clone()).await,
        ];
        for refusal in refusals {
            let error = refused(refusal, ErrorKind::Unsupported);
            assert!(error.to_string().contains("&tx"), "{error}");
        }
        assert_eq!(stored, before);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(found(Item::query(db)).await, "i1 i2 through tx");
}

async fn reads_through_the_database_see_what_is_committed(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    db.transaction(async |tx| {
        item("mine").save(&tx).await?;
        assert_eq!(count::<Item>(db).await, 2);
        assert_eq!(found(Item::query(tx.db())).await, "i1 i2");
        let (items, total) = Item::query(db).all_with_count().await?;
        assert_eq!((items.len(), total), (2, 2));
        let json: Vec<Json> = db.collection("items").query().all().await?;
        assert_eq!(json.len(), 2);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn a_nested_transaction_is_refused(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        refused(db.begin().await, ErrorKind::Unsupported);
        let nested = db
            .transaction(async |tx| item("nested").save(&tx).await)
            .await;
        refused(nested, ErrorKind::Unsupported);
        // One that only reads waits for nobody.
        let reader = db.begin_with(TxOptions::new().read_only()).await?;
        assert_eq!(count::<Item>(&reader).await, 0);
        reader.rollback().await?;
        item("outer").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "outer");
}

async fn another_database_is_another_matter(on: &TestDb) {
    let db = on.with::<Item>().await;
    let other = Db::open("memory:").await.unwrap();
    other.register::<Item>().await.unwrap();
    db.transaction(async |tx| {
        item("here").save(&tx).await?;
        item("there").save(&other).await?;
        other
            .transaction(async |there| {
                item("there too").save(&there).await?;
                item("here too").save(&tx).await?;
                refused(item("no").save(db).await, ErrorKind::Unsupported);
                refused(item("no").save(&other).await, ErrorKind::Unsupported);
                Ok::<_, Error>(())
            })
            .await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "here here too");
    assert_eq!(found(Item::query(&other)).await, "there there too");
}

async fn a_spawned_task_is_outside(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tx = db.begin().await.unwrap();
    item("a").save(&tx).await.unwrap();
    let writer = tokio::spawn({
        let db = db.clone();
        async move { item("b").save(&db).await }
    });
    tx.commit().await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(count::<Item>(db).await, 2);
}

async fn after_the_closure_writes_work_again(on: &TestDb) {
    let db = on.with::<Item>().await;
    let outcome: den::Result<()> = db.transaction(async |_| Err(Error::custom("no"))).await;
    refused(outcome, ErrorKind::Hook);
    item("a").save(db).await.unwrap();
    db.transaction(async |tx| item("b").save(&tx).await)
        .await
        .unwrap();
    item("c").save(db).await.unwrap();
    assert_eq!(found(Item::query(db)).await, "a b c");
}
