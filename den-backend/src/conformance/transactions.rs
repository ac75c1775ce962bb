//! Transactions: commit, rollback, what is seen by whom, and what a failed call leaves behind.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all};

use crate::{
    Backend, DeleteOutcome, ErrorKind, Expectation, FieldKind, IndexKind, OnRefusal, PutOutcome,
    Query, Refusal, Transaction, Value, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(commit_makes_writes_visible: Transactions),
    case!(rollback_takes_writes_back: Transactions),
    case!(dropping_rolls_back: Transactions),
    case!(a_transaction_reads_its_own_writes: Transactions),
    case!(others_do_not_see_uncommitted_writes: Transactions),
    case!(writes_outside_are_not_lost: Transactions),
    case!(a_closed_transaction_refuses_everything: Transactions),
    case!(a_refused_put_leaves_the_transaction_usable: Transactions),
    case!(a_duplicate_leaves_the_transaction_usable: Transactions, UniqueIndexes),
    case!(an_unknown_collection_leaves_the_transaction_usable: Transactions),
    case!(a_failed_batch_leaves_nothing_behind: Transactions, UniqueIndexes, AtomicBatches),
    case!(other_calls_work_while_a_stream_is_open: Transactions),
    case!(streams_in_a_transaction_may_be_dropped: Transactions),
    case!(a_read_then_write_loses_no_update: Transactions, RowLocks),
    case!(many_transactions_one_after_the_other: Transactions),
    case!(a_cancelled_begin_leaves_the_backend_usable: Transactions),
    case!(a_handle_is_shared: Transactions),
];

async fn commit_makes_writes_visible(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, "{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "c", "{}").await;
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    tx.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a c");
    assert_eq!(stored(backend, "a", "x").await, Value::Int(2));
}

async fn rollback_takes_writes_back(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, "{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "c", "{}").await;
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    tx.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
    insert(backend, "c", "{}").await;
}

async fn dropping_rolls_back(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for _ in 0..20 {
        let tx = begin(backend).await;
        insert(&*tx, "b", "{}").await;
        drop(tx);
    }
    // Nothing is held any more either.
    insert(backend, "b", "{}").await;
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn a_transaction_reads_its_own_writes(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":1}"#]).await;
    let tx = begin(backend).await;
    insert(&*tx, "c", r#"{"x":2}"#).await;
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    tx.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    let two = filtered(eq(field("x"), literal("2")));
    assert_eq!(ids(&*tx, &two).await, "a c");
    assert_eq!(tx.count(&two).await.unwrap(), 2);
    assert!(tx.exists(&two).await.unwrap());
    assert_eq!(get(&*tx, "b").await, None);
    assert_eq!(stored(&*tx, "a", "x").await, Value::Int(2));
    assert_eq!(tx.get_many(ITEMS, &["a", "b", "c"]).await.unwrap().len(), 2);
    assert_eq!(tx.delete_matching(&two).await.unwrap(), 2);
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "");
    tx.rollback().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn others_do_not_see_uncommitted_writes(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", "{}").await;
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    assert_eq!(get(backend, "b").await, None);
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn writes_outside_are_not_lost(backend: &dyn Backend) {
    given(backend, &[]).await;
    let tx = begin(backend).await;
    insert(&*tx, "a", "{}").await;
    let inside = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        insert(&*tx, "c", "{}").await;
        tx.commit().await.unwrap();
    };
    // It may have to wait for the transaction.
    let outside = insert(backend, "b", "{}");
    tokio::join!(inside, outside);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c");
}

async fn a_closed_transaction_refuses_everything(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let committed = begin(backend).await;
    insert(&*committed, "b", "{}").await;
    committed.commit().await.unwrap();
    let rolled_back = begin(backend).await;
    rolled_back.rollback().await.unwrap();
    for tx in [&*committed, &*rolled_back] {
        let closed = ErrorKind::TransactionClosed;
        let query = Query::new(ITEMS);
        assert_eq!(kind_of(tx.commit().await), closed);
        assert_eq!(kind_of(tx.rollback().await), closed);
        assert_eq!(kind_of(tx.get(ITEMS, "a").await), closed);
        assert_eq!(kind_of(tx.get_many(ITEMS, &["a"]).await), closed);
        assert_eq!(kind_of(put(tx, "c", "{}", Expectation::Any).await), closed);
        let body = body("c", "{}");
        let puts = [absent("c", &body)];
        assert_eq!(
            kind_of(tx.put_many(ITEMS, &puts, OnRefusal::Abort).await),
            closed
        );
        assert_eq!(
            kind_of(tx.delete(ITEMS, "a", Expectation::Any).await),
            closed
        );
        assert_eq!(kind_of(tx.query(&query).await.map(|_| ())), closed);
        assert_eq!(kind_of(tx.count(&query).await), closed);
        assert_eq!(kind_of(tx.exists(&query).await), closed);
        assert_eq!(kind_of(tx.delete_matching(&query).await), closed);
    }
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn a_refused_put_leaves_the_transaction_usable(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", "{}").await;
    let refused = put(&*tx, "a", "{}", Expectation::Absent).await.unwrap();
    assert_eq!(refused, PutOutcome::Refused(Refusal::Exists));
    let refused = tx.delete(ITEMS, "nope", Expectation::Any).await.unwrap();
    assert_eq!(refused, DeleteOutcome::Refused(Refusal::Missing));
    insert(&*tx, "c", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c");
}

async fn given_unique(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", FieldKind::Text)]);
    let meta = declared(&[("x", FieldKind::Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p"}"#).await;
}

async fn a_duplicate_leaves_the_transaction_usable(backend: &dyn Backend) {
    given_unique(backend).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":"q"}"#).await;
    for _ in 0..3 {
        let error = put(&*tx, "c", r#"{"x":"p"}"#, Expectation::Absent).await;
        assert_eq!(kind_of(error), ErrorKind::Duplicate);
        assert_eq!(get(&*tx, "c").await, None);
    }
    // A value taken in this very transaction counts as well.
    let error = put(&*tx, "c", r#"{"x":"q"}"#, Expectation::Absent).await;
    assert_eq!(kind_of(error), ErrorKind::Duplicate);
    insert(&*tx, "d", r#"{"x":"r"}"#).await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b d");
}

async fn an_unknown_collection_leaves_the_transaction_usable(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", "{}").await;
    assert_eq!(kind_of(tx.get("nope", "a").await), ErrorKind::NotRegistered);
    let body = body("c", "{}");
    let error = tx.put("nope", absent("c", &body)).await;
    assert_eq!(kind_of(error), ErrorKind::NotRegistered);
    let error = tx.count(&Query::new("nope")).await;
    assert_eq!(kind_of(error), ErrorKind::NotRegistered);
    insert(&*tx, "c", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c");
}

async fn a_failed_batch_leaves_nothing_behind(backend: &dyn Backend) {
    given_unique(backend).await;
    let tx = begin(backend).await;
    let bodies = [body("b", r#"{"x":"q"}"#), body("c", r#"{"x":"p"}"#)];
    let puts = [absent("b", &bodies[0]), absent("c", &bodies[1])];
    let error = tx.put_many(ITEMS, &puts, OnRefusal::Abort).await;
    assert_eq!(kind_of(error), ErrorKind::Duplicate);
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    let bodies = [body("b", r#"{"x":"q"}"#), body("a", r#"{"x":"r"}"#)];
    let puts = [absent("b", &bodies[0]), absent("a", &bodies[1])];
    let outcomes = tx.put_many(ITEMS, &puts, OnRefusal::Abort).await.unwrap();
    assert_eq!(
        outcomes,
        [PutOutcome::Inserted, PutOutcome::Refused(Refusal::Exists)]
    );
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    insert(&*tx, "d", r#"{"x":"q"}"#).await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a d");
}

async fn other_calls_work_while_a_stream_is_open(backend: &dyn Backend) {
    given_many(backend, 300).await;
    let tx = begin(backend).await;
    let mut stream = tx.query(&Query::new(ITEMS)).await.unwrap();
    let mut seen = 0;
    while let Some(row) = stream.next().await {
        let row = row.unwrap();
        if seen % 100 == 0 {
            assert_eq!(get(&*tx, &row.id).await.unwrap().id, row.id);
            put(&*tx, &row.id, r#"{"y":1}"#, Expectation::Present)
                .await
                .unwrap();
        }
        seen += 1;
    }
    assert_eq!(seen, 300);
    tx.commit().await.unwrap();
    let changed = filtered(eq(field("y"), literal("1")));
    assert_eq!(backend.count(&changed).await.unwrap(), 3);
}

async fn streams_in_a_transaction_may_be_dropped(backend: &dyn Backend) {
    given_many(backend, 300).await;
    let tx = begin(backend).await;
    for _ in 0..20 {
        let mut stream = tx.query(&Query::new(ITEMS)).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap().id, "00000");
    }
    insert(&*tx, "z", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(get(backend, "z").await.unwrap().id, "z");
}

async fn a_read_then_write_loses_no_update(backend: &dyn Backend) {
    given(backend, &[r#"{"x":0}"#]).await;
    let worker = async || {
        for _ in 0..5 {
            let tx = begin(backend).await;
            let mode = crate::LockMode::Wait;
            let row = tx.get_for_update(ITEMS, "a", mode).await.unwrap().unwrap();
            let Some(Value::Int(x)) = parsed(&row).at(&["x".to_owned()]).cloned() else {
                panic!("x is an integer");
            };
            let fields = format!("{{\"x\":{}}}", x + 1);
            put(&*tx, "a", &fields, Expectation::Present).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    join_all((0..4).map(|_| worker())).await;
    assert_eq!(stored(backend, "a", "x").await, Value::Int(20));
}

async fn many_transactions_one_after_the_other(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for i in 0..60 {
        let tx = begin(backend).await;
        insert(&*tx, &format!("{i:02}"), "{}").await;
        match i % 3 {
            0 => tx.commit().await.unwrap(),
            1 => tx.rollback().await.unwrap(),
            _ => drop(tx),
        }
    }
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 20);
}

async fn a_cancelled_begin_leaves_the_backend_usable(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for i in 0..40 {
        let limit = Duration::from_micros(i * 10);
        let work = async {
            let tx = begin(backend).await;
            insert(&*tx, "b", "{}").await;
            tx
        };
        if let Ok(tx) = tokio::time::timeout(limit, work).await {
            tx.rollback().await.unwrap();
        }
    }
    let tx = begin(backend).await;
    assert_eq!(get(&*tx, "b").await, None);
    insert(&*tx, "b", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn a_handle_is_shared(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx: Arc<dyn Transaction> = begin(backend).await;
    let other = Arc::clone(&tx);
    let (first, second) = tokio::join!(
        put(&*tx, "a", "{}", Expectation::Absent),
        put(&*other, "b", "{}", Expectation::Absent)
    );
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (PutOutcome::Inserted, PutOutcome::Inserted)
    );
    drop(other);
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}
