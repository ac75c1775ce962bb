//! Retries: after errors that a second try may cure, and after no others.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use den::{ErrorKind, prelude::*};
use futures_util::future::try_join_all;

use super::support::{Item, Note, count, given_numbered, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_retryable_error_is_tried_again),
    case!(no_more_often_than_allowed),
    case!(other_errors_are_not_tried_again),
    case!(without_a_policy_nothing_is_tried_again),
    case!(each_try_starts_afresh),
    case!(after_commit_runs_what_the_last_try_registered),
    case!(errors_of_the_application_may_carry_one_of_den),
    case!(real_conflicts_are_cured, only: [Postgres, PostgresIcu]),
    case!(write_skew_is_prevented),
];

fn retryable() -> Error {
    Error::new(ErrorKind::Serialization, "once more")
}

fn options(times: u32) -> TxOptions {
    TxOptions::new().retry(Retry::times(times))
}

async fn a_retryable_error_is_tried_again(on: &TestDb) {
    let db = on.with::<Item>().await;
    for kind in [
        ErrorKind::Serialization,
        ErrorKind::Deadlock,
        ErrorKind::Locked,
    ] {
        let tries = AtomicU32::new(0);
        let outcome = db
            .transaction_with(options(5), async |tx| {
                item("a").save(&tx).await?;
                match tries.fetch_add(1, Ordering::Relaxed) {
                    0..3 => Err(Error::new(kind, "once more")),
                    n => Ok(n),
                }
            })
            .await;
        assert_eq!(outcome.unwrap(), 3, "{kind:?}");
    }
    assert_eq!(count::<Item>(db).await, 3);
}

async fn no_more_often_than_allowed(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tries = AtomicU32::new(0);
    let outcome: den::Result<()> = db
        .transaction_with(options(2), async |tx| {
            tries.fetch_add(1, Ordering::Relaxed);
            item("a").save(&tx).await?;
            Err(retryable())
        })
        .await;
    refused(outcome, ErrorKind::Serialization);
    assert_eq!(tries.into_inner(), 3);
    assert_eq!(count::<Item>(db).await, 0);
}

async fn other_errors_are_not_tried_again(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    note("taken").save(db).await.unwrap();
    let tries = AtomicU32::new(0);
    let run = async |error: Error| {
        let outcome: den::Result<()> = db
            .transaction_with(options(5), async |_| {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(error.clone())
            })
            .await;
        outcome.unwrap_err()
    };
    let kinds = [
        ErrorKind::NotFound,
        ErrorKind::Duplicate,
        ErrorKind::RevisionConflict,
        ErrorKind::CommitUnknown,
        ErrorKind::Timeout,
        ErrorKind::ConnectionLost,
        ErrorKind::Backend,
    ];
    for kind in kinds {
        assert_eq!(run(Error::new(kind, "no")).await.kind(), kind);
    }
    assert_eq!(run(Error::custom("no")).await.kind(), ErrorKind::Hook);
    assert_eq!(tries.load(Ordering::Relaxed), 8);
    let outcome = db
        .transaction_with(options(5), async |tx| {
            tries.fetch_add(1, Ordering::Relaxed);
            note("taken").save(&tx).await
        })
        .await;
    refused(outcome, ErrorKind::Duplicate);
    assert_eq!(tries.into_inner(), 9);
}

async fn without_a_policy_nothing_is_tried_again(on: &TestDb) {
    let db = on.with::<Item>().await;
    for options in [TxOptions::new(), TxOptions::new().retry(Retry::never())] {
        let tries = AtomicU32::new(0);
        let outcome: den::Result<()> = db
            .transaction_with(options, async |_| {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(retryable())
            })
            .await;
        refused(outcome, ErrorKind::Serialization);
        assert_eq!(tries.into_inner(), 1);
    }
}

async fn each_try_starts_afresh(on: &TestDb) {
    let db = on.with::<Note>().await;
    let tries = AtomicU32::new(0);
    // The document lives outside of the closure: each try inserts it again.
    let it = Arc::new(tokio::sync::Mutex::new(note("a")));
    db.transaction_with(options(3), async |tx| {
        let mut it = it.lock().await;
        it.save(&tx).await?;
        it.text.push('x');
        it.save(&tx).await?;
        if tries.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(retryable());
        }
        Ok(())
    })
    .await
    .unwrap();
    let it = it.lock().await.clone();
    assert_eq!(it.text, "xxx");
    assert_eq!(Note::query(db).one().await.unwrap(), it);
}

async fn after_commit_runs_what_the_last_try_registered(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tries = AtomicU32::new(0);
    let ran = Arc::new(AtomicU32::new(0));
    db.transaction_with(options(3), async |tx| {
        let ran = ran.clone();
        tx.after_commit(move || async move {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        match tries.fetch_add(1, Ordering::Relaxed) {
            0..2 => Err(retryable()),
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

async fn errors_of_the_application_may_carry_one_of_den(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tries = AtomicU32::new(0);
    let outcome: Result<u32, Box<dyn std::error::Error + Send + Sync>> = db
        .transaction_with(options(3), async |tx| {
            item("a").save(&tx).await?;
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(retryable().into()),
                1 => Ok(1),
                _ => Err("too often".into()),
            }
        })
        .await;
    assert_eq!(outcome.unwrap(), 1);
    let outcome: Result<u32, Box<dyn std::error::Error + Send + Sync>> = db
        .transaction_with(options(3), async |_| Err("never again".into()))
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), "never again");
    assert_eq!(count::<Item>(db).await, 1);
}

async fn real_conflicts_are_cured(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let id = Item::query(db).one().await.unwrap().id().clone();
    let tries = Arc::new(AtomicU32::new(0));
    let tasks = (0..4).map(|_| {
        let (db, id, tries) = (db.clone(), id.clone(), tries.clone());
        tokio::spawn(async move {
            let options = options(100).isolation(Isolation::Serializable);
            for _ in 0..5 {
                db.transaction_with(options, async |tx| {
                    tries.fetch_add(1, Ordering::Relaxed);
                    let mut it = Item::find(&tx, &id).await?;
                    tokio::task::yield_now().await;
                    it.n += 1;
                    it.save(&tx).await
                })
                .await?;
            }
            Ok::<_, Error>(())
        })
    });
    for outcome in try_join_all(tasks).await.unwrap() {
        outcome.unwrap();
    }
    assert_eq!(Item::find(db, &id).await.unwrap().n, 21);
    assert!(
        tries.load(Ordering::Relaxed) > 20,
        "no two transactions ever met"
    );
}

async fn write_skew_is_prevented(on: &TestDb) {
    // Two on call; each may leave if the other stays.
    let db = given_numbered(on, 2).await;
    let p = Item::fields();
    let leave = |n: i64| {
        let db = db.clone();
        async move {
            let options = options(50).isolation(Isolation::Serializable);
            db.transaction_with(options, async |tx| {
                let others = Item::query(&tx).filter(p.active.eq(false)).count().await?;
                if others > 1 {
                    let mut me = Item::query(&tx).filter(p.n.eq(n)).one().await?;
                    me.active = true;
                    me.save(&tx).await?;
                }
                Ok::<_, Error>(())
            })
            .await
        }
    };
    for _ in 0..10 {
        let (one, two) = tokio::join!(tokio::spawn(leave(1)), tokio::spawn(leave(2)));
        one.unwrap().unwrap();
        two.unwrap().unwrap();
        let gone = Item::query(db)
            .filter(p.active.eq(true))
            .all()
            .await
            .unwrap();
        assert_eq!(gone.len(), 1);
        for mut it in gone {
            it.active = false;
            it.save(db).await.unwrap();
        }
    }
}
