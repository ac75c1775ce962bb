//! Futures that are dropped after any number of polls.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use den_backend::{Backend, Expectation, LockMode, OnRefusal, Put, Query, TxOptions};
use futures_util::TryStreamExt as _;
use tokio::time::{sleep, timeout};

use crate::{
    Case, case,
    support::{Schema, put, thing, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(a_dropped_call_leaves_the_pool_usable),
    case!(a_dropped_call_leaves_the_transaction_usable),
    case!(a_dropped_transaction_rolls_back),
    case!(a_dropped_commit_is_all_or_nothing),
    case!(a_dropped_wait_for_a_lock_frees_its_connection),
    case!(a_dropped_transaction_that_waits_is_ended),
];

/// Polls a future so many times, as answers arrive, and then drops it.
pub(super) async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

pub(super) const MOST_POLLS: usize = 12;

async fn opened(schema: &Schema, parameters: &str) -> std::sync::Arc<dyn Backend> {
    let backend = schema.open(parameters).await;
    backend.ensure_collection(&things()).await.unwrap();
    backend
}

async fn nothing_is_left_open(schema: &Schema) {
    until(schema, &schema.count_in_state("idle in transaction%"), "0").await;
}

async fn a_dropped_call_leaves_the_pool_usable(schema: &Schema) {
    let backend = opened(schema, "max_connections=2").await;
    for polls in 0..MOST_POLLS {
        let id = polls.to_string();
        let body = thing(&id, 1, &id);
        let many: Vec<String> = (0..50).map(|it| format!("{polls}-{it}")).collect();
        let bodies: Vec<String> = many.iter().map(|it| thing(it, 1, it)).collect();
        let puts: Vec<Put<'_>> = many
            .iter()
            .zip(&bodies)
            .map(|(id, body)| put(id, body, Expectation::Absent))
            .collect();
        let all = Query::new("things");
        drop_after(
            polls,
            backend.put("things", put(&id, &body, Expectation::Any)),
        )
        .await;
        drop_after(polls, backend.get("things", &id)).await;
        drop_after(polls, backend.put_many("things", &puts, OnRefusal::Abort)).await;
        drop_after(polls, backend.count(&all)).await;
        drop_after(polls, async { backend.query(&all).await?.try_next().await }).await;
        write(&*backend, "after", 1, "after").await.unwrap();
        let ids: Vec<&str> = many.iter().map(String::as_str).collect();
        let written = backend.get_many("things", &ids);
        let count = written.await.unwrap().len();
        // It may be done after this look, but never in part.
        assert!(count == 0 || count == 50, "{count} of 50");
    }
    nothing_is_left_open(schema).await;
    assert!(backend.stats().connections <= 2);
}

async fn a_dropped_call_leaves_the_transaction_usable(schema: &Schema) {
    let backend = opened(schema, "max_connections=2").await;
    write(&*backend, "taken", 0, "taken").await.unwrap();
    for polls in 0..MOST_POLLS {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        let id = polls.to_string();
        drop_after(polls, write(&*tx, "other", 1, "taken")).await;
        drop_after(polls, tx.get("things", "taken")).await;
        drop_after(polls, tx.savepoint()).await;
        drop_after(
            polls,
            tx.get_for_update("things", "taken", LockMode::NoWait),
        )
        .await;
        write(&*tx, &id, 1, &id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(
            backend.get("things", &id).await.unwrap().is_some(),
            "{polls}"
        );
        assert!(backend.get("things", "other").await.unwrap().is_none());
    }
    nothing_is_left_open(schema).await;
}

async fn a_dropped_transaction_rolls_back(schema: &Schema) {
    let backend = opened(schema, "max_connections=1").await;
    for polls in 0..MOST_POLLS {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        drop_after(polls, write(&*tx, "a", 1, "a")).await;
        drop(tx);
        assert!(
            backend.get("things", "a").await.unwrap().is_none(),
            "{polls}"
        );
    }
    for polls in 0..MOST_POLLS {
        drop(drop_after(polls, backend.begin(TxOptions::default())).await);
        backend.ping().await.unwrap();
    }
    for polls in 0..MOST_POLLS {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        write(&*tx, "a", 1, "a").await.unwrap();
        drop_after(polls, tx.rollback()).await;
        drop(tx);
        assert!(
            backend.get("things", "a").await.unwrap().is_none(),
            "{polls}"
        );
    }
    nothing_is_left_open(schema).await;
}

async fn a_dropped_commit_is_all_or_nothing(schema: &Schema) {
    let backend = opened(schema, "max_connections=2").await;
    for polls in 0..MOST_POLLS {
        let (one, two) = (format!("{polls}-1"), format!("{polls}-2"));
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        write(&*tx, &one, 1, &one).await.unwrap();
        write(&*tx, &two, 1, &two).await.unwrap();
        drop_after(polls, tx.commit()).await;
        drop(tx);
        nothing_is_left_open(schema).await;
        let found = backend.get_many("things", &[&one, &two]).await.unwrap();
        assert!(found.is_empty() || found.len() == 2, "{polls}");
    }
}

async fn a_dropped_wait_for_a_lock_frees_its_connection(schema: &Schema) {
    let backend = opened(schema, "max_connections=2").await;
    write(&*backend, "a", 1, "a").await.unwrap();
    let holder = backend.begin(TxOptions::default()).await.unwrap();
    holder
        .get_for_update("things", "a", LockMode::Wait)
        .await
        .unwrap();
    let waited = timeout(Duration::from_millis(100), write(&*backend, "a", 2, "a")).await;
    assert!(waited.is_err());
    let started = Instant::now();
    assert!(backend.get("things", "a").await.unwrap().is_some());
    assert!(started.elapsed() < Duration::from_secs(1));
    holder.rollback().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let found = backend.get("things", "a").await.unwrap().unwrap();
    assert!(String::from_utf8(found.body).unwrap().contains("\"n\": 1"));
}

async fn a_dropped_transaction_that_waits_is_ended(schema: &Schema) {
    let backend = opened(schema, "max_connections=3").await;
    write(&*backend, "a", 1, "a").await.unwrap();
    write(&*backend, "b", 1, "b").await.unwrap();
    let holder = backend.begin(TxOptions::default()).await.unwrap();
    holder
        .get_for_update("things", "a", LockMode::Wait)
        .await
        .unwrap();
    for end in [false, true] {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        tx.get_for_update("things", "b", LockMode::Wait)
            .await
            .unwrap();
        let wait = tx.get_for_update("things", "a", LockMode::Wait);
        assert!(timeout(Duration::from_millis(100), wait).await.is_err());
        if end {
            timeout(Duration::from_secs(2), tx.rollback())
                .await
                .unwrap()
                .unwrap();
        }
        drop(tx);
        // Its locks are free, although the other transaction goes on.
        timeout(Duration::from_secs(2), write(&*backend, "b", 2, "b"))
            .await
            .unwrap()
            .unwrap();
    }
}
