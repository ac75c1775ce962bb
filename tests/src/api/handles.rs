//! What handles and futures can be used for: shared, sent, passed as `dyn`.

use std::sync::Arc;

use den::{DocumentStream, JsonStream, Record, prelude::*};

use super::support::{Item, Note, count, item, note};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(an_executor_may_be_dyn),
    case!(functions_over_any_executor),
    case!(every_future_can_be_spawned),
    case!(fields_are_constants),
    alone!(types_are_send_and_sync),
];

async fn rename(on: &dyn Executor, from: &str, to: &str) -> den::Result<u64> {
    let p = Item::fields();
    let mut renamed = 0;
    for mut it in Item::query(on).filter(p.name.eq(from)).all().await? {
        it.name = to.to_owned();
        it.save(on).await?;
        renamed += 1;
    }
    Ok(renamed)
}

async fn an_executor_may_be_dyn(on: &TestDb) {
    let db = on.with::<Item>().await;
    item("a").save(db).await.unwrap();
    assert_eq!(rename(db, "a", "b").await.unwrap(), 1);
    let outcome = db.transaction(async |tx| {
        assert_eq!(rename(&tx, "b", "c").await?, 1);
        rename(&tx, "b", "d").await
    });
    assert_eq!(outcome.await.unwrap(), 0);
    let executors: [Box<dyn Executor>; 2] =
        [Box::new(db.clone()), Box::new(db.begin().await.unwrap())];
    for executor in &executors {
        assert_eq!(count::<Item>(&**executor).await, 1);
    }
    drop(executors);
    let shared: Arc<dyn Executor> = Arc::new(db.clone());
    assert_eq!(rename(&*shared, "c", "e").await.unwrap(), 1);
}

async fn names_of<E: Executor + ?Sized>(on: &E) -> den::Result<Vec<String>> {
    Item::query(on).values(Item::fields().name).await
}

async fn functions_over_any_executor(on: &TestDb) {
    let db = on.with::<Item>().await;
    item("a").save(db).await.unwrap();
    assert_eq!(names_of(db).await.unwrap(), ["a"]);
    let tx = db.begin().await.unwrap();
    item("b").save(&tx).await.unwrap();
    assert_eq!(names_of(&tx).await.unwrap(), ["a", "b"]);
    let tx: &dyn Executor = &tx;
    assert_eq!(names_of(tx).await.unwrap(), ["a", "b"]);
}

async fn every_future_can_be_spawned(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await.clone();
    let task = tokio::spawn(async move {
        let p = Item::fields();
        let mut it = item("a");
        it.save(&db).await?;
        it.replace(&db).await?;
        it.refresh(&db).await?;
        Item::get_many(&db, [it.id()]).await?;
        Item::query(&db)
            .filter(p.name.eq("a"))
            .sort(p.n.asc())
            .await?;
        Item::query(&db).all_with_count().await?;
        Item::query(&db)
            .page(PageRequest::first(2).with_total())
            .await?;
        db.transaction(async |tx| {
            note("a").save(&tx).await?;
            tx.savepoint(async |tx| note("b").save(&tx).await).await?;
            tx.lock::<Item>(it.id(), LockMode::Wait).await?;
            tx.advisory_lock(1).await
        })
        .await?;
        db.transaction_with(TxOptions::new().retry(Retry::times(1)), async |tx| {
            Note::query(&tx).all_rows().delete().await
        })
        .await?;
        db.register::<Item>().await?;
        db.ping().await?;
        Ok::<_, Error>(())
    });
    task.await.unwrap().unwrap();
}

async fn fields_are_constants(on: &TestDb) {
    const NAME: den::Field<Item, String> = Item::fields().name;
    let db = on.with::<Item>().await;
    item("a").save(db).await.unwrap();
    assert_eq!(
        Item::query(db).filter(NAME.eq("a")).count().await.unwrap(),
        1
    );
    let copy = NAME;
    assert_eq!(copy.path(), NAME.path());
}

fn shared<T: Send + Sync + 'static>() {}
fn sent<T: Send + 'static>() {}
fn cloned<T: Clone>() {}
fn record<T: Record>() {}

async fn types_are_send_and_sync() {
    shared::<Db>();
    shared::<Tx>();
    shared::<Error>();
    shared::<Item>();
    shared::<Base<Item>>();
    shared::<Id<Item>>();
    shared::<QuerySet<Item>>();
    shared::<Filter<Item>>();
    shared::<den::Order<Item>>();
    shared::<den::Field<Item, String>>();
    shared::<den::Collection>();
    shared::<PageToken>();
    shared::<Page<Item>>();
    shared::<TxOptions>();
    shared::<Box<dyn Executor>>();
    sent::<DocumentStream<Item>>();
    sent::<JsonStream>();
    sent::<den::DbBuilder>();
    cloned::<Db>();
    cloned::<Tx>();
    cloned::<QuerySet<Item>>();
    cloned::<Error>();
    record::<Item>();
    record::<Json>();
}
