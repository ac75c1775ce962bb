//! Row locks and advisory locks.

use std::time::{Duration, Instant};

use den::{ErrorKind, prelude::*};
use futures_util::future::try_join_all;

use super::support::{Item, found, given_numbered, names, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_lock_returns_the_document),
    case!(a_lock_of_what_is_missing_is_none),
    case!(every_mode_works_without_contention),
    case!(a_waiting_lock_waits_for_the_commit),
    case!(skip_locked_does_not_wait, only: [Postgres, PostgresIcu]),
    case!(no_wait_is_locked, only: [Postgres, PostgresIcu]),
    case!(queries_lock_what_they_return, only: [Postgres, PostgresIcu]),
    case!(a_locked_error_leaves_the_transaction_usable, only: [Postgres, PostgresIcu]),
    case!(locks_end_with_the_transaction),
    case!(overlapping_locks_do_not_deadlock),
    case!(an_advisory_lock_excludes_others),
    case!(advisory_locks_of_other_keys_run_side_by_side, only: [Postgres, PostgresIcu]),
];

async fn first(db: &Db) -> Item {
    Item::query(db).first().await.unwrap().unwrap()
}

async fn a_lock_returns_the_document(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let it = first(db).await;
    db.transaction(async |tx| {
        let mut locked = tx.lock::<Item>(it.id(), LockMode::Wait).await?.unwrap();
        assert_eq!(locked, it);
        locked.n = 9;
        locked.save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(first(db).await.n, 9);
}

async fn a_lock_of_what_is_missing_is_none(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin().await.unwrap();
    for mode in [LockMode::Wait, LockMode::SkipLocked, LockMode::NoWait] {
        assert_eq!(tx.lock::<Item>("nope", mode).await.unwrap(), None);
    }
    tx.rollback().await.unwrap();
}

async fn every_mode_works_without_contention(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    let it = first(db).await;
    for mode in [LockMode::Wait, LockMode::SkipLocked, LockMode::NoWait] {
        let tx = db.begin().await.unwrap();
        assert_eq!(tx.lock(it.id(), mode).await.unwrap(), Some(it.clone()));
        let query = || {
            Item::query(&tx)
                .filter(p.n.le(3))
                .sort(p.n.desc())
                .for_update(mode)
        };
        assert_eq!(found(query()).await, "i3 i2 i1");
        assert_eq!(names(&query().limit(1).all().await.unwrap()), "i3");
        assert_eq!(query().first().await.unwrap().unwrap().n, 3);
        assert_eq!(query().count().await.unwrap(), 3);
        assert_eq!(query().values(p.n).await.unwrap(), [3, 2, 1]);
        // Locked twice by the same transaction is still locked once.
        assert_eq!(tx.lock(it.id(), mode).await.unwrap(), Some(it.clone()));
        tx.commit().await.unwrap();
    }
}

async fn a_waiting_lock_waits_for_the_commit(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let mut it = first(db).await;
    let tx = db.begin().await.unwrap();
    tx.lock::<Item>(it.id(), LockMode::Wait).await.unwrap();
    let waiter = tokio::spawn({
        let (db, id) = (db.clone(), it.id().clone());
        async move {
            db.transaction(async |tx| tx.lock::<Item>(&id, LockMode::Wait).await)
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!waiter.is_finished());
    it.n = 77;
    it.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(waiter.await.unwrap().unwrap().unwrap().n, 77);
}

async fn skip_locked_does_not_wait(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let it = first(db).await;
    let tx = db.begin().await.unwrap();
    tx.lock::<Item>(it.id(), LockMode::Wait).await.unwrap();
    let start = Instant::now();
    let other = db.begin().await.unwrap();
    assert_eq!(
        other
            .lock::<Item>(it.id(), LockMode::SkipLocked)
            .await
            .unwrap(),
        None
    );
    let free = Item::query(&other).for_update(LockMode::SkipLocked);
    assert_eq!(found(free).await, "i2 i3");
    assert!(start.elapsed() < Duration::from_secs(2));
    other.rollback().await.unwrap();
    tx.rollback().await.unwrap();
}

async fn no_wait_is_locked(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let it = first(db).await;
    let tx = db.begin().await.unwrap();
    tx.lock::<Item>(it.id(), LockMode::Wait).await.unwrap();
    let start = Instant::now();
    let other = db.begin().await.unwrap();
    let error = refused(
        other.lock::<Item>(it.id(), LockMode::NoWait).await,
        ErrorKind::Locked,
    );
    assert!(error.is_retryable());
    assert_eq!(error.code(), Some("55P03"));
    assert!(std::error::Error::source(&error).is_some());
    let query = Item::query(&other).for_update(LockMode::NoWait);
    refused(query.all().await, ErrorKind::Locked);
    assert!(start.elapsed() < Duration::from_secs(2));
    other.rollback().await.unwrap();
    tx.rollback().await.unwrap();
}

async fn queries_lock_what_they_return(on: &TestDb) {
    let db = given_numbered(on, 6).await;
    let p = Item::fields();
    let take = async |tx: &Tx| {
        let query = Item::query(tx).filter(p.n.gt(1)).sort(p.n.asc()).limit(2);
        found(query.for_update(LockMode::SkipLocked)).await
    };
    let (one, two, three) = (
        db.begin().await.unwrap(),
        db.begin().await.unwrap(),
        db.begin().await.unwrap(),
    );
    assert_eq!(take(&one).await, "i2 i3");
    assert_eq!(take(&two).await, "i4 i5");
    assert_eq!(take(&three).await, "i6");
    one.rollback().await.unwrap();
    assert_eq!(take(&three).await, "i2 i3");
    two.rollback().await.unwrap();
    three.rollback().await.unwrap();
}

async fn a_locked_error_leaves_the_transaction_usable(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let it = first(db).await;
    let tx = db.begin().await.unwrap();
    tx.lock::<Item>(it.id(), LockMode::Wait).await.unwrap();
    db.transaction(async |other| {
        refused(
            other.lock::<Item>(it.id(), LockMode::NoWait).await,
            ErrorKind::Locked,
        );
        super::support::item("after").save(&other).await
    })
    .await
    .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(found(Item::query(db)).await, "i1 i2 after");
}

async fn locks_end_with_the_transaction(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let it = first(db).await;
    for end in ["commit", "rollback", "drop"] {
        let tx = db.begin().await.unwrap();
        tx.lock::<Item>(it.id(), LockMode::Wait).await.unwrap();
        match end {
            "commit" => tx.commit().await.unwrap(),
            "rollback" => tx.rollback().await.unwrap(),
            _ => drop(tx),
        }
        // A dropped transaction ends in the background.
        let tx = db.begin().await.unwrap();
        let locked = tx.lock::<Item>(it.id(), LockMode::Wait);
        let locked = tokio::time::timeout(Duration::from_secs(10), locked)
            .await
            .expect(end);
        assert!(locked.unwrap().is_some(), "{end}");
        tx.rollback().await.unwrap();
    }
}

async fn overlapping_locks_do_not_deadlock(on: &TestDb) {
    let db = given_numbered(on, 20).await;
    let p = Item::fields();
    let tasks = (0..4).map(|n| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                db.transaction(async |tx| {
                    let range = if n % 2 == 0 { p.n.le(15) } else { p.n.ge(5) };
                    let locked = Item::query(&tx).filter(range).for_update(LockMode::Wait);
                    assert!(locked.all().await?.len() >= 15);
                    Ok::<_, Error>(())
                })
                .await?;
            }
            Ok::<_, Error>(())
        })
    });
    for outcome in try_join_all(tasks).await.unwrap() {
        outcome.unwrap();
    }
}

async fn an_advisory_lock_excludes_others(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tx = db.begin().await.unwrap();
    tx.advisory_lock(i64::MIN).await.unwrap();
    tx.advisory_lock(i64::MIN).await.unwrap();
    tx.advisory_lock(i64::MAX).await.unwrap();
    let waiter = tokio::spawn({
        let db = db.clone();
        async move {
            db.transaction(async |tx| tx.advisory_lock(i64::MIN).await)
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!waiter.is_finished());
    tx.rollback().await.unwrap();
    waiter.await.unwrap().unwrap();
}

async fn advisory_locks_of_other_keys_run_side_by_side(on: &TestDb) {
    assert_eq!(on.engine(), Engine::Postgres);
    let db = on.with::<Item>().await;
    let (one, two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    one.advisory_lock(1).await.unwrap();
    let second = tokio::time::timeout(Duration::from_secs(5), two.advisory_lock(2));
    second.await.unwrap().unwrap();
    one.rollback().await.unwrap();
    two.rollback().await.unwrap();
}
