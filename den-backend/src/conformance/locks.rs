//! Row locks and advisory locks.
//!
//! A backend whose writers exclude each other makes the second transaction wait where another
//! would make it wait for a row, so these cases only look at what both must guarantee.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::{TryStreamExt as _, future::join_all};
use tokio::time::{sleep, timeout};

use crate::{
    Backend, ErrorKind, Expectation, LockMode, Patch, Query, RawDocument, ReadWrite, Result,
    Returning, Value, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(a_locked_read_reads: Transactions, RowLocks),
    case!(a_missing_row_is_none: Transactions, RowLocks),
    case!(wait_waits: Transactions, RowLocks),
    case!(no_wait_does_not_get_a_locked_row: Transactions, RowLocks),
    case!(skip_locked_leaves_a_locked_row_out: Transactions, RowLocks),
    case!(a_query_locks_its_rows: Transactions, RowLocks),
    case!(each_row_is_claimed_once: Transactions, RowLocks),
    case!(a_lock_ends_with_its_transaction: Transactions, RowLocks),
    case!(locks_need_an_open_transaction: Transactions, RowLocks),
    case!(an_update_leaves_locked_rows_out: Transactions, RowLocks, Patches),
    case!(advisory_locks_exclude: Transactions, AdvisoryLocks),
    case!(advisory_locks_may_be_taken_again: Transactions, AdvisoryLocks),
    case!(an_advisory_lock_ends_with_its_transaction: Transactions, AdvisoryLocks),
];

/// Long enough for a call that does not wait, short enough for a test.
const A_WHILE: Duration = Duration::from_millis(150);

const MODES: [LockMode; 3] = [LockMode::Wait, LockMode::NoWait, LockMode::SkipLocked];

fn locking(mode: LockMode) -> Query {
    Query {
        lock: Some(mode),
        ..Query::new(ITEMS)
    }
}

async fn a_locked_read_reads(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, "{}"]).await;
    for mode in MODES {
        let tx = begin(backend).await;
        let row = tx.get_for_update(ITEMS, "a", mode).await.unwrap().unwrap();
        assert_eq!(parsed(&row), json(r#"{"_id":"a","x":1}"#));
        // One's own lock is no obstacle.
        let again = tx.get_for_update(ITEMS, "a", mode).await.unwrap();
        assert_eq!(again, Some(row));
        assert_eq!(ids(&*tx, &locking(mode)).await, "a b");
        tx.commit().await.unwrap();
    }
}

async fn a_missing_row_is_none(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for mode in MODES {
        let tx = begin(backend).await;
        assert_eq!(tx.get_for_update(ITEMS, "nope", mode).await.unwrap(), None);
        let unknown = tx.get_for_update("nope", "a", mode).await;
        assert_eq!(kind_of(unknown), ErrorKind::NotRegistered);
        tx.rollback().await.unwrap();
    }
}

async fn wait_waits(backend: &dyn Backend) {
    given(backend, &[r#"{"x":0}"#]).await;
    let tx = begin(backend).await;
    tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
    let first = async {
        sleep(A_WHILE).await;
        put(&*tx, "a", r#"{"x":1}"#, Expectation::Present)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let second = async {
        let tx = begin(backend).await;
        let row = tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
        tx.commit().await.unwrap();
        parsed(&row.unwrap())
    };
    let ((), seen) = tokio::join!(first, second);
    assert_eq!(seen, json(r#"{"_id":"a","x":1}"#));
}

/// What another transaction gets of the row `a`; an error of kind `Timeout` if it has to wait.
async fn try_lock(backend: &dyn Backend, mode: LockMode) -> Result<Option<RawDocument>> {
    let attempt = async {
        let tx = backend.begin(crate::TxOptions::default()).await?;
        let row = tx.get_for_update(ITEMS, "a", mode).await;
        tx.rollback().await?;
        row
    };
    match timeout(A_WHILE, attempt).await {
        Ok(row) => row,
        Err(_) => Err(crate::Error::new(ErrorKind::Timeout, "it waits")),
    }
}

async fn no_wait_does_not_get_a_locked_row(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
    let refused = kind_of(try_lock(backend, LockMode::NoWait).await);
    assert!(
        matches!(refused, ErrorKind::Locked | ErrorKind::Timeout),
        "{refused:?}"
    );
    tx.commit().await.unwrap();
    assert!(try_lock(backend, LockMode::NoWait).await.unwrap().is_some());
}

async fn skip_locked_leaves_a_locked_row_out(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
    match try_lock(backend, LockMode::SkipLocked).await {
        Ok(row) => assert_eq!(row, None),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Locked | ErrorKind::Timeout),
            "{error}"
        ),
    }
    tx.commit().await.unwrap();
    assert!(
        try_lock(backend, LockMode::SkipLocked)
            .await
            .unwrap()
            .is_some()
    );
}

async fn a_query_locks_its_rows(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#]).await;
    let tx = begin(backend).await;
    let query = Query {
        filter: eq(field("x"), literal("1")),
        sort: vec![by("x", crate::FieldKind::Any)],
        limit: Some(1),
        ..locking(LockMode::Wait)
    };
    assert_eq!(ids(&*tx, &query).await, "a");
    let refused = kind_of(try_lock(backend, LockMode::NoWait).await);
    assert!(
        matches!(refused, ErrorKind::Locked | ErrorKind::Timeout),
        "{refused:?}"
    );
    tx.rollback().await.unwrap();
    assert!(try_lock(backend, LockMode::NoWait).await.unwrap().is_some());
}

async fn each_row_is_claimed_once(backend: &dyn Backend) {
    given_many(backend, 40).await;
    let worker = async || {
        let mut mine = Vec::new();
        loop {
            let tx = begin(backend).await;
            let query = Query {
                filter: is_null(field("claimed")),
                limit: Some(3),
                ..locking(LockMode::SkipLocked)
            };
            let stream = tx.query(&query).await.unwrap();
            let rows: Vec<RawDocument> = stream.try_collect().await.unwrap();
            for row in &rows {
                let fields = r#"{"claimed":true}"#;
                put(&*tx, &row.id, fields, Expectation::Present)
                    .await
                    .unwrap();
            }
            tx.commit().await.unwrap();
            let left = backend
                .exists(&filtered(is_null(field("claimed"))))
                .await
                .unwrap();
            mine.extend(rows.into_iter().map(|it| it.id));
            if !left {
                return mine;
            }
        }
    };
    let mut claimed = join_all((0..4).map(|_| worker())).await.concat();
    assert_eq!(claimed.len(), 40);
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 40);
}

async fn a_lock_ends_with_its_transaction(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for i in 0..3 {
        let tx = begin(backend).await;
        tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
        match i {
            0 => tx.commit().await.unwrap(),
            1 => tx.rollback().await.unwrap(),
            _ => drop(tx),
        }
        let tx = begin(backend).await;
        let row = tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
        assert!(row.is_some());
        tx.rollback().await.unwrap();
    }
}

async fn locks_need_an_open_transaction(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    tx.commit().await.unwrap();
    let row = tx.get_for_update(ITEMS, "a", LockMode::Wait).await;
    assert_eq!(kind_of(row), ErrorKind::TransactionClosed);
}

async fn advisory_locks_exclude(backend: &dyn Backend) {
    given(backend, &[r#"{"x":0}"#]).await;
    let inside = AtomicU32::new(0);
    let inside = &inside;
    let worker = async || {
        for _ in 0..5 {
            let tx = begin(backend).await;
            tx.advisory_lock(i64::MIN).await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two are inside");
            let Value::Int(x) = stored(&*tx, "a", "x").await else {
                panic!("x is an integer");
            };
            sleep(Duration::from_millis(1)).await;
            let fields = format!("{{\"x\":{}}}", x + 1);
            put(&*tx, "a", &fields, Expectation::Present).await.unwrap();
            inside.fetch_sub(1, Ordering::SeqCst);
            tx.commit().await.unwrap();
        }
    };
    join_all((0..4).map(|_| worker())).await;
    assert_eq!(stored(backend, "a", "x").await, Value::Int(20));
}

async fn advisory_locks_may_be_taken_again(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let tx = begin(backend).await;
    for key in [0, 1, -1, i64::MAX, i64::MIN, 0] {
        tx.advisory_lock(key).await.unwrap();
    }
    insert(&*tx, "a", "{}").await;
    tx.commit().await.unwrap();
    let closed = tx.advisory_lock(0).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
}

async fn an_advisory_lock_ends_with_its_transaction(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for i in 0..9 {
        let tx = begin(backend).await;
        tx.advisory_lock(7).await.unwrap();
        match i % 3 {
            0 => tx.commit().await.unwrap(),
            1 => tx.rollback().await.unwrap(),
            _ => drop(tx),
        }
    }
}

/// What an update with this lock takes of the rows, one at most; an error of kind `Timeout` if it
/// has to wait.
async fn try_take(on: &(impl ReadWrite + ?Sized), mode: LockMode) -> Result<Vec<RawDocument>> {
    let query = Query {
        limit: Some(1),
        ..locking(mode)
    };
    let patch = Patch::new(vec![inc("n", "1")]);
    match timeout(A_WHILE, on.update(&query, &patch, Returning::New)).await {
        Ok(updated) => Ok(updated?.rows),
        Err(_) => Err(crate::Error::new(ErrorKind::Timeout, "it waits")),
    }
}

async fn an_update_leaves_locked_rows_out(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let tx = begin(backend).await;
    tx.get_for_update(ITEMS, "a", LockMode::Wait).await.unwrap();
    // One's own lock is no obstacle.
    for mode in [LockMode::SkipLocked, LockMode::NoWait, LockMode::Wait] {
        let taken = try_take(&*tx, mode).await.unwrap();
        assert_eq!(taken[0].id, "a", "{mode:?}");
    }
    match try_take(backend, LockMode::SkipLocked).await {
        Ok(taken) => assert_eq!(taken[0].id, "b"),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Locked | ErrorKind::Timeout),
            "{error}"
        ),
    }
    let refused = kind_of(try_take(backend, LockMode::NoWait).await);
    assert!(
        matches!(refused, ErrorKind::Locked | ErrorKind::Timeout),
        "{refused:?}"
    );
    tx.commit().await.unwrap();
    assert_eq!(stored(backend, "a", "n").await, Value::Int(3));
    let taken = try_take(backend, LockMode::NoWait).await;
    assert_eq!(taken.unwrap()[0].id, "a");
}
