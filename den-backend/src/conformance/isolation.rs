//! Isolation levels and read-only transactions.

use futures_util::future::join_all;

use crate::{
    Access, Backend, ErrorKind, Expectation, Isolation, OnRefusal, Query, Result, TxOptions, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(every_level_commits: Transactions, Isolation),
    case!(read_only_reads: Transactions, Isolation),
    case!(read_only_refuses_writes: Transactions, Isolation),
    case!(a_repeatable_read_sees_one_snapshot: Transactions, Isolation),
    case!(a_reader_does_not_hold_up_writers: Transactions, Isolation),
    case!(serializable_transactions_do_not_skew: Transactions, Isolation),
];

const READ_ONLY: TxOptions = TxOptions {
    isolation: Isolation::RepeatableRead,
    access: Access::ReadOnly,
};

async fn every_level_commits(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for (id, isolation) in [
        ("b", Isolation::Default),
        ("c", Isolation::ReadCommitted),
        ("d", Isolation::RepeatableRead),
        ("e", Isolation::Serializable),
    ] {
        let options = TxOptions {
            isolation,
            access: Access::ReadWrite,
        };
        let tx = backend.begin(options).await.unwrap();
        insert(&*tx, id, "{}").await;
        tx.commit().await.unwrap();
    }
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c d e");
}

async fn read_only_reads(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, "{}"]).await;
    for isolation in [
        Isolation::Default,
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ] {
        let options = TxOptions {
            isolation,
            access: Access::ReadOnly,
        };
        let tx = backend.begin(options).await.unwrap();
        assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a b");
        assert_eq!(stored(&*tx, "a", "x").await, Value::Int(1));
        tx.commit().await.unwrap();
    }
}

async fn read_only_refuses_writes(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = backend.begin(READ_ONLY).await.unwrap();
    let refused = ErrorKind::InvalidQuery;
    assert_eq!(
        kind_of(put(&*tx, "b", "{}", Expectation::Any).await),
        refused
    );
    let body = body("b", "{}");
    assert_eq!(
        kind_of(
            tx.put_many(ITEMS, &[absent("b", &body)], OnRefusal::Abort)
                .await
        ),
        refused
    );
    assert_eq!(
        kind_of(tx.delete(ITEMS, "a", Expectation::Any).await),
        refused
    );
    assert_eq!(
        kind_of(tx.delete_matching(&Query::new(ITEMS)).await),
        refused
    );
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
}

async fn a_repeatable_read_sees_one_snapshot(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let tx = backend.begin(READ_ONLY).await.unwrap();
    assert_eq!(stored(&*tx, "a", "x").await, Value::Int(1));
    put(backend, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    insert(backend, "b", "{}").await;
    assert_eq!(stored(&*tx, "a", "x").await, Value::Int(1));
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    assert_eq!(tx.count(&Query::new(ITEMS)).await.unwrap(), 1);
    tx.rollback().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn a_reader_does_not_hold_up_writers(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let reader = backend.begin(READ_ONLY).await.unwrap();
    assert_eq!(ids(&*reader, &Query::new(ITEMS)).await, "a");
    let writer = begin(backend).await;
    insert(&*writer, "b", "{}").await;
    assert_eq!(ids(&*reader, &Query::new(ITEMS)).await, "a");
    writer.commit().await.unwrap();
    assert_eq!(ids(&*reader, &Query::new(ITEMS)).await, "a");
    reader.commit().await.unwrap();
}

async fn serializable_transactions_do_not_skew(backend: &dyn Backend) {
    given(backend, &[r#"{"on":true}"#, r#"{"on":true}"#]).await;
    for _ in 0..5 {
        for id in ["a", "b"] {
            put(backend, id, r#"{"on":true}"#, Expectation::Present)
                .await
                .unwrap();
        }
        // Each goes off if the other stays on; both may not.
        join_all(["a", "b"].map(|id| async move {
            while let Err(error) = go_off(backend, id).await {
                assert!(error.is_retryable(), "{error:?}");
            }
        }))
        .await;
        let on = filtered(eq(field("on"), literal("true")));
        assert_eq!(backend.count(&on).await.unwrap(), 1);
    }
}

async fn go_off(backend: &dyn Backend, id: &str) -> Result<()> {
    let options = TxOptions {
        isolation: Isolation::Serializable,
        access: Access::ReadWrite,
    };
    let tx = backend.begin(options).await?;
    let on = filtered(eq(field("on"), literal("true")));
    if tx.count(&on).await? > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        put(&*tx, id, r#"{"on":false}"#, Expectation::Present).await?;
    }
    tx.commit().await
}
