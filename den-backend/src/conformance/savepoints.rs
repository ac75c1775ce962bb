//! Savepoints: points in a transaction to roll back to.

use std::{future::poll_fn, task::Poll};

use crate::{
    Backend, ErrorKind, Expectation, FieldKind, IndexKind, Query, Value, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(rollback_to_takes_back_what_came_after: Transactions, Savepoints),
    case!(release_keeps_what_was_written: Transactions, Savepoints),
    case!(savepoints_nest: Transactions, Savepoints),
    case!(rollback_to_forgets_later_savepoints: Transactions, Savepoints),
    case!(release_forgets_later_savepoints: Transactions, Savepoints),
    case!(a_rollback_takes_savepoints_with_it: Transactions, Savepoints),
    case!(savepoints_of_a_closed_transaction: Transactions, Savepoints),
    case!(a_dropped_rollback_to_is_asked_for_again: Transactions, Savepoints),
    case!(rollback_to_frees_unique_values: Transactions, Savepoints, UniqueIndexes),
];

async fn rollback_to_takes_back_what_came_after(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", "{}").await;
    let savepoint = tx.savepoint().await.unwrap();
    insert(&*tx, "c", "{}").await;
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Present)
        .await
        .unwrap();
    tx.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    tx.rollback_to(savepoint).await.unwrap();
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a b");
    insert(&*tx, "d", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b d");
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
}

async fn release_keeps_what_was_written(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let savepoint = tx.savepoint().await.unwrap();
    insert(&*tx, "a", "{}").await;
    tx.release(savepoint).await.unwrap();
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
}

async fn savepoints_nest(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let outer = tx.savepoint().await.unwrap();
    insert(&*tx, "a", "{}").await;
    let inner = tx.savepoint().await.unwrap();
    assert_ne!(outer, inner);
    insert(&*tx, "b", "{}").await;
    tx.rollback_to(inner).await.unwrap();
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a");
    let inner = tx.savepoint().await.unwrap();
    insert(&*tx, "c", "{}").await;
    tx.release(inner).await.unwrap();
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "a c");
    tx.rollback_to(outer).await.unwrap();
    assert_eq!(ids(&*tx, &Query::new(ITEMS)).await, "");
    insert(&*tx, "d", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "d");
}

async fn rollback_to_forgets_later_savepoints(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let outer = tx.savepoint().await.unwrap();
    let inner = tx.savepoint().await.unwrap();
    insert(&*tx, "a", "{}").await;
    tx.rollback_to(outer).await.unwrap();
    for forgotten in [outer, inner] {
        assert_eq!(
            kind_of(tx.rollback_to(forgotten).await),
            ErrorKind::InvalidQuery
        );
        assert_eq!(
            kind_of(tx.release(forgotten).await),
            ErrorKind::InvalidQuery
        );
    }
    insert(&*tx, "b", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "b");
}

async fn release_forgets_later_savepoints(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let outer = tx.savepoint().await.unwrap();
    insert(&*tx, "a", "{}").await;
    let inner = tx.savepoint().await.unwrap();
    insert(&*tx, "b", "{}").await;
    tx.release(outer).await.unwrap();
    assert_eq!(
        kind_of(tx.rollback_to(inner).await),
        ErrorKind::InvalidQuery
    );
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn a_rollback_takes_savepoints_with_it(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let savepoint = tx.savepoint().await.unwrap();
    insert(&*tx, "a", "{}").await;
    tx.release(savepoint).await.unwrap();
    tx.savepoint().await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "");
}

async fn savepoints_of_a_closed_transaction(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    let savepoint = tx.savepoint().await.unwrap();
    tx.commit().await.unwrap();
    let closed = ErrorKind::TransactionClosed;
    assert_eq!(kind_of(tx.savepoint().await), closed);
    assert_eq!(kind_of(tx.release(savepoint).await), closed);
    assert_eq!(kind_of(tx.rollback_to(savepoint).await), closed);
}

async fn rollback_to_frees_unique_values(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", FieldKind::Text)]);
    let meta = declared(&[("x", FieldKind::Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    let tx = begin(backend).await;
    let savepoint = tx.savepoint().await.unwrap();
    insert(&*tx, "a", r#"{"x":"p"}"#).await;
    let duplicate = put(&*tx, "b", r#"{"x":"p"}"#, Expectation::Any).await;
    assert_eq!(kind_of(duplicate), ErrorKind::Duplicate);
    tx.rollback_to(savepoint).await.unwrap();
    insert(&*tx, "b", r#"{"x":"p"}"#).await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "b");
}

async fn a_dropped_rollback_to_is_asked_for_again(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    insert(&*tx, "a", "{}").await;
    let savepoint = tx.savepoint().await.unwrap();
    insert(&*tx, "b", "{}").await;
    {
        // The first call keeps the connection busy, so that the second is dropped while it waits.
        let query = Query::new(ITEMS);
        let mut busy = tx.count(&query);
        let mut dropped = tx.rollback_to(savepoint);
        poll_fn(|cx| {
            let _pending = busy.as_mut().poll(cx).is_pending();
            let _pending = dropped.as_mut().poll(cx).is_pending();
            Poll::Ready(())
        })
        .await;
    }
    if let Err(error) = tx.rollback_to(savepoint).await {
        // Then the dropped call was carried out all the same.
        assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}");
    }
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
}
