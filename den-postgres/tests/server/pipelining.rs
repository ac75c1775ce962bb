//! Many calls at once in one transaction, some of which fail.

use std::time::Duration;

use den_backend::{Backend, ErrorKind, Expectation, LockMode, Query, TxOptions};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    Case, case,
    support::{Schema, put, thing, things, write},
};

pub(super) const CASES: &[Case] = &[
    case!(a_failed_call_takes_no_other_with_it),
    case!(a_failed_call_takes_no_other_with_it_unnamed),
    case!(a_locked_row_leaves_the_transaction_usable),
    case!(a_timeout_leaves_the_transaction_usable),
    case!(a_lock_timeout_leaves_the_transaction_usable),
    case!(an_unknown_collection_leaves_the_transaction_usable),
    case!(a_broken_transaction_does_not_commit),
    case!(nothing_is_sent_by_an_unused_transaction),
    case!(savepoints_enclose_pipelined_calls),
];

async fn mixed(schema: &Schema, parameters: &str) {
    let backend = schema.open(parameters).await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "taken", 0, "taken").await.unwrap();
    for round in 0..5 {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        let calls = (0..40).map(|i| {
            let tx = &tx;
            async move {
                let id = format!("{round}-{i}");
                match i % 4 {
                    0 => write(&**tx, &id, i, "taken").await.map_err(|it| it.kind()),
                    1 => {
                        let found = tx.get("things", "taken").await.unwrap();
                        assert!(found.is_some());
                        Ok(())
                    }
                    _ => write(&**tx, &id, i, &id).await.map_err(|it| it.kind()),
                }
            }
        });
        let outcomes = join_all(calls).await;
        for (i, outcome) in outcomes.into_iter().enumerate() {
            match i % 4 {
                0 => assert_eq!(outcome, Err(ErrorKind::Duplicate), "{i}"),
                _ => assert_eq!(outcome, Ok(()), "{i}"),
            }
        }
        tx.commit().await.unwrap();
        let count = backend.count(&Query::new("things")).await.unwrap();
        assert_eq!(count, 1 + 20 * (round + 1));
    }
}

async fn a_failed_call_takes_no_other_with_it(schema: &Schema) {
    mixed(schema, "").await;
}

async fn a_failed_call_takes_no_other_with_it_unnamed(schema: &Schema) {
    mixed(schema, "statement_cache=off").await;
}

async fn a_locked_row_leaves_the_transaction_usable(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "a", 1, "a").await.unwrap();
    let holder = backend.begin(TxOptions::default()).await.unwrap();
    holder
        .get_for_update("things", "a", LockMode::Wait)
        .await
        .unwrap()
        .unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let error = tx
        .get_for_update("things", "a", LockMode::NoWait)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.code(), Some("55P03"));
    assert!(
        tx.get_for_update("things", "a", LockMode::SkipLocked)
            .await
            .unwrap()
            .is_none()
    );
    write(&*tx, "b", 2, "b").await.unwrap();
    tx.commit().await.unwrap();
    assert!(backend.get("things", "b").await.unwrap().is_some());
}

async fn waits_too_long(backend: &dyn Backend, key: i64, kind: ErrorKind) {
    backend.ensure_collection(&things()).await.unwrap();
    let holder = backend.begin(TxOptions::default()).await.unwrap();
    holder.advisory_lock(key).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    assert_eq!(tx.advisory_lock(key).await.unwrap_err().kind(), kind);
    assert!(tx.get("things", "a").await.unwrap().is_some());
    write(&*tx, "b", 2, "b").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 2);
}

async fn a_timeout_leaves_the_transaction_usable(schema: &Schema) {
    let backend = schema.open("options=-c%20statement_timeout%3D300").await;
    waits_too_long(&*backend, 7, ErrorKind::Timeout).await;
}

async fn a_lock_timeout_leaves_the_transaction_usable(schema: &Schema) {
    let backend = schema.open("options=-c%20lock_timeout%3D200").await;
    waits_too_long(&*backend, 8, ErrorKind::Locked).await;
}

async fn an_unknown_collection_leaves_the_transaction_usable(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    let error = tx.get("nowhere", "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    tx.commit().await.unwrap();
    assert!(backend.get("things", "a").await.unwrap().is_some());
}

async fn a_broken_transaction_does_not_commit(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    // A read by id stands without a savepoint where no time limit is set.
    let pid = schema
        .ask(&["SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = '", &schema.application(), "'"].concat())
        .await;
    let locker = schema.open("").await;
    let holder = locker.begin(TxOptions::default()).await.unwrap();
    holder.advisory_lock(9).await.unwrap();
    let wait = tx.advisory_lock(9);
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        schema
            .ask(&["SELECT pg_cancel_backend(", &pid, ")"].concat())
            .await
    };
    let (waited, _) = tokio::join!(wait, cancel);
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Timeout);
    let later = tx.get("things", "a").await.unwrap_err();
    assert_eq!(later.kind(), ErrorKind::TransactionClosed);
    let error = tx.commit().await.unwrap_err();
    assert!(error.to_string().contains("not committed"), "{error}");
    assert!(backend.get("things", "a").await.unwrap().is_none());
}

async fn nothing_is_sent_by_an_unused_transaction(schema: &Schema) {
    let backend = schema.open("max_connections=1").await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    assert_eq!(
        schema
            .ask(&schema.count_in_state("idle in transaction"))
            .await,
        "0"
    );
    tx.commit().await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionClosed);
    backend.ping().await.unwrap();
}

async fn savepoints_enclose_pipelined_calls(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    let savepoint = tx.savepoint().await.unwrap();
    let body = thing("b", 2, "b");
    let (written, refused) = tokio::join!(
        tx.put("things", put("b", &body, Expectation::Absent)),
        write(&*tx, "c", 3, "a"),
    );
    written.unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Duplicate);
    // An abandoned call is over before the savepoint is.
    drop(timeout(Duration::ZERO, write(&*tx, "d", 4, "a")).await);
    tx.rollback_to(savepoint).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 1);
}
