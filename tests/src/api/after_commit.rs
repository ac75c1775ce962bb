//! Work that runs once, after the commit.

use std::sync::{Arc, Mutex};

use den::{ErrorKind, prelude::*};

use super::support::{Item, count, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(it_runs_once_in_order_after_the_commit),
    case!(it_does_not_run_after_a_rollback),
    case!(it_does_not_run_after_a_savepoint_rollback),
    case!(it_may_use_the_database),
];

/// What ran, in order.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn register(&self, tx: &Tx, what: &'static str) {
        let log = self.0.clone();
        tx.after_commit(move || async move { log.lock().unwrap().push(what) });
    }

    fn read(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

async fn it_runs_once_in_order_after_the_commit(on: &TestDb) {
    let db = on.with::<Item>().await;
    let log = Log::default();
    db.transaction(async |tx| {
        log.register(&tx, "one");
        item("a").save(&tx).await?;
        tx.savepoint(async |tx| {
            log.register(&tx, "two");
            Ok::<_, Error>(())
        })
        .await?;
        log.register(&tx, "three");
        assert!(log.read().is_empty());
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(log.read(), ["one", "two", "three"]);
    let tx = db.begin().await.unwrap();
    log.register(&tx, "four");
    tx.commit().await.unwrap();
    assert_eq!(log.read(), ["one", "two", "three", "four"]);
}

async fn it_does_not_run_after_a_rollback(on: &TestDb) {
    let db = on.with::<Item>().await;
    let log = Log::default();
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            log.register(&tx, "no");
            Err(Error::custom("no"))
        })
        .await;
    refused(outcome, ErrorKind::Hook);
    let tx = db.begin().await.unwrap();
    log.register(&tx, "no");
    tx.rollback().await.unwrap();
    let tx = db.begin().await.unwrap();
    log.register(&tx, "no");
    drop(tx);
    db.ping().await.unwrap();
    assert!(log.read().is_empty());
}

async fn it_does_not_run_after_a_savepoint_rollback(on: &TestDb) {
    let db = on.with::<Item>().await;
    let log = Log::default();
    db.transaction(async |tx| {
        log.register(&tx, "outer");
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                log.register(&tx, "inner");
                tx.savepoint(async |tx| {
                    log.register(&tx, "innermost");
                    Ok::<_, Error>(())
                })
                .await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(failed, ErrorKind::Hook);
        log.register(&tx, "later");
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(log.read(), ["outer", "later"]);
}

async fn it_may_use_the_database(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        let db = db.clone();
        tx.after_commit(move || async move {
            assert_eq!(count::<Item>(&db).await, 1);
            item("after").save(&db).await.unwrap();
            db.transaction(async |tx| item("in a new one").save(&tx).await)
                .await
                .unwrap();
        });
        item("a").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Item>(db).await, 3);
}
