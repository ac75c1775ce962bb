//! Increments that are read, changed and written: none is lost.

use den::{Isolation, LockMode, Retry, TxOptions, prelude::*};
use tokio::task::JoinSet;

use super::documents::{Counter, Tally};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(repeatable_read_with_retry_loses_nothing),
    case!(serializable_with_retry_loses_nothing),
    case!(locked_rows_lose_nothing),
    case!(revisions_with_retry_lose_nothing),
    case!(advisory_locks_lose_nothing),
];

const RACERS: i64 = 4;
const INCREMENTS: i64 = 25;

async fn repeatable_read_with_retry_loses_nothing(on: &TestDb) {
    count_isolated(on, Isolation::RepeatableRead).await;
}

async fn serializable_with_retry_loses_nothing(on: &TestDb) {
    count_isolated(on, Isolation::Serializable).await;
}

async fn count_isolated(on: &TestDb, isolation: Isolation) {
    let options = TxOptions::new()
        .isolation(isolation)
        .retry(Retry::times(200));
    count(on, move |db: Db, id: Id<Tally>| async move {
        db.transaction_with(options, async |tx| {
            let mut tally = Tally::find(&tx, &id).await?;
            tally.n += 1;
            tally.save(&tx).await
        })
        .await
    })
    .await;
}

async fn locked_rows_lose_nothing(on: &TestDb) {
    count(on, |db: Db, id: Id<Tally>| async move {
        db.transaction(async |tx| {
            let locked = tx.lock::<Tally>(&id, LockMode::Wait).await?;
            let mut tally = locked.unwrap();
            tally.n += 1;
            tally.save(&tx).await
        })
        .await
    })
    .await;
}

async fn advisory_locks_lose_nothing(on: &TestDb) {
    count(on, |db: Db, id: Id<Tally>| async move {
        db.transaction(async |tx| {
            tx.advisory_lock(7).await?;
            let mut tally = Tally::find(&tx, &id).await?;
            tally.n += 1;
            tally.save(&tx).await
        })
        .await
    })
    .await;
}

/// Several increment one number at once, each several times.
async fn count<F, Fut>(on: &TestDb, increment: F)
where
    F: Fn(Db, Id<Tally>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = den::Result<()>> + Send,
{
    let db = on.with::<Tally>().await;
    let mut tally = Tally::default();
    tally.insert(db).await.unwrap();
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let (db, id, increment) = (db.clone(), tally.id().clone(), increment.clone());
        racers.spawn(async move {
            for _ in 0..INCREMENTS {
                increment(db.clone(), id.clone()).await.unwrap();
            }
        });
    }
    racers.join_all().await;
    tally.refresh(db).await.unwrap();
    assert_eq!(tally.n, RACERS * INCREMENTS);
}

async fn revisions_with_retry_lose_nothing(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let mut counter = Counter::default();
    counter.insert(db).await.unwrap();
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let (db, id) = (db.clone(), counter.id().clone());
        racers.spawn(async move {
            for _ in 0..INCREMENTS {
                loop {
                    let mut mine = Counter::find(&db, &id).await.unwrap();
                    mine.n += 1;
                    match mine.save(&db).await {
                        Ok(()) => break,
                        Err(late) if late.kind() == ErrorKind::RevisionConflict => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
    }
    racers.join_all().await;
    counter.refresh(db).await.unwrap();
    assert_eq!(counter.n, RACERS * INCREMENTS);
}
