//! Transactions: commit, roll back, panic, drop, isolation.

use std::{panic::AssertUnwindSafe, time::Duration};

use den::{ErrorKind, prelude::*};
use futures_util::{FutureExt as _, future::try_join_all};

use super::support::{Item, Note, count, found, given_numbered, item, note, numbered, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(ok_commits),
    case!(an_error_rolls_back),
    case!(a_panic_rolls_back_and_goes_on),
    case!(a_dropped_transaction_rolls_back),
    case!(a_dropped_closure_rolls_back),
    case!(begin_and_commit_by_hand),
    case!(errors_of_the_application_pass_through),
    case!(a_transaction_sees_its_own_writes_and_others_do_not),
    case!(a_caught_error_leaves_it_usable),
    case!(nothing_works_after_the_end),
    case!(a_leaked_handle_does_not_keep_it_open),
    case!(a_leaked_handle_is_closed_after_a_panic),
    case!(a_read_only_transaction_refuses_writes),
    case!(a_read_only_transaction_is_one_snapshot),
    case!(every_isolation_level_works),
    case!(repeatable_read_does_not_see_later_commits),
    case!(concurrent_calls_of_one_transaction),
    case!(counters_do_not_lose_updates),
    case!(many_transactions_in_a_row_leave_the_pool_as_it_was),
    case!(deletes_in_a_transaction),
    case!(a_transaction_may_move_between_tasks),
];

async fn ok_commits(on: &TestDb) {
    let db = on.with::<Item>().await;
    let id = db
        .transaction(async |tx| {
            let mut it = item("a");
            it.save(&tx).await?;
            Ok::<_, Error>(it.id().clone())
        })
        .await
        .unwrap();
    assert_eq!(Item::find(db, &id).await.unwrap().name, "a");
}

async fn an_error_rolls_back(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let p = Item::fields();
    let outcome = db
        .transaction(async |tx| {
            item("new").save(&tx).await?;
            let mut it = Item::query(&tx).filter(p.n.eq(1)).one().await?;
            it.n = 100;
            it.save(&tx).await?;
            Item::query(&tx).filter(p.n.eq(2)).delete().await?;
            Item::find(&tx, "no such id").await
        })
        .await;
    refused(outcome, ErrorKind::NotFound);
    assert_eq!(found(Item::query(db)).await, "i1 i2");
    assert_eq!(
        Item::query(db).filter(p.n.eq(100)).count().await.unwrap(),
        0
    );
}

async fn a_panic_rolls_back_and_goes_on(on: &TestDb) {
    let db = on.with::<Item>().await;
    for _ in 0..12 {
        let work = db.transaction(async |tx| {
            item("a").save(&tx).await?;
            if count::<Item>(&tx).await == 1 {
                panic!("on purpose");
            }
            Ok::<_, Error>(())
        });
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        let panic = outcome.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    }
    assert_eq!(count::<Item>(db).await, 0);
    item("b").save(db).await.unwrap();
}

async fn a_dropped_transaction_rolls_back(on: &TestDb) {
    let db = on.with::<Item>().await;
    for _ in 0..12 {
        let tx = db.begin().await.unwrap();
        item("a").save(&tx).await.unwrap();
        drop(tx);
    }
    assert_eq!(count::<Item>(db).await, 0);
    item("b").save(db).await.unwrap();
}

async fn a_dropped_closure_rolls_back(on: &TestDb) {
    let db = on.with::<Item>().await;
    for _ in 0..12 {
        let work = db.transaction(async |tx| {
            item("a").save(&tx).await?;
            std::future::pending::<()>().await;
            Ok::<_, Error>(())
        });
        let outcome = tokio::time::timeout(Duration::from_millis(30), work).await;
        assert!(outcome.is_err());
    }
    item("b").save(db).await.unwrap();
    assert_eq!(found(Item::query(db)).await, "b");
}

async fn begin_and_commit_by_hand(on: &TestDb) {
    let db = on.with::<Item>().await;
    let tx = db.begin().await.unwrap();
    item("kept").save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    item("gone").save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(found(Item::query(db)).await, "kept");
}

#[derive(Debug)]
enum Refusal {
    Den(Error),
    Poor(i64),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Den(error)
    }
}

async fn errors_of_the_application_pass_through(on: &TestDb) {
    let db = on.with::<Item>().await;
    let outcome: Result<(), Refusal> = db
        .transaction(async |tx| {
            item("a").save(&tx).await?;
            Err(Refusal::Poor(7))
        })
        .await;
    assert!(matches!(outcome, Err(Refusal::Poor(7))));
    let outcome: Result<Item, Refusal> = db
        .transaction(async |tx| Ok(Item::find(&tx, "no").await?))
        .await;
    assert!(matches!(outcome, Err(Refusal::Den(error)) if error.kind() == ErrorKind::NotFound));

    let outcome: Result<(), Box<dyn std::error::Error + Send + Sync>> = db
        .transaction(async |tx| {
            item("a").save(&tx).await?;
            "x".parse::<i32>()?;
            Ok(())
        })
        .await;
    assert!(outcome.unwrap_err().is::<std::num::ParseIntError>());

    let why = "x".parse::<i32>().unwrap_err();
    let outcome: den::Result<()> = db
        .transaction(async |_| Err(Error::custom(why.clone())))
        .await;
    let error = refused(outcome, ErrorKind::Hook);
    assert_eq!(error.downcast_ref::<std::num::ParseIntError>(), Some(&why));
    assert_eq!(error.to_string(), why.to_string());
    assert_eq!(count::<Item>(db).await, 0);
}

async fn a_transaction_sees_its_own_writes_and_others_do_not(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin().await.unwrap();
    numbered(2).save(&tx).await.unwrap();
    let mut first = Item::query(&tx).first().await.unwrap().unwrap();
    first.name = "changed".into();
    first.save(&tx).await.unwrap();
    assert_eq!(found(Item::query(&tx)).await, "changed i2");
    assert_eq!(found(Item::query(db)).await, "i1");
    assert_eq!(Item::find(db, first.id()).await.unwrap().name, "i1");
    tx.commit().await.unwrap();
    assert_eq!(found(Item::query(db)).await, "changed i2");
}

async fn a_caught_error_leaves_it_usable(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    note("taken").save(db).await.unwrap();
    db.transaction(async |tx| {
        note("before").save(&tx).await?;
        let error = refused(note("taken").save(&tx).await, ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
        refused(
            Note::insert_many(&tx, &mut [note("x"), note("taken")]).await,
            ErrorKind::Duplicate,
        );
        refused(Note::find(&tx, "no").await, ErrorKind::NotFound);
        refused(Note::query(&tx).one().await, ErrorKind::MultipleMatches);
        refused(
            Note::query(&tx).limit(0).all().await,
            ErrorKind::InvalidQuery,
        );
        let mut bad = item("a");
        bad.price = f64::NAN;
        refused(bad.save(&tx).await, ErrorKind::InvalidDocument);
        let mut same_id = note("y");
        same_id.base.id = Note::query(&tx).first().await?.unwrap().id().clone();
        refused(same_id.insert(&tx).await, ErrorKind::Duplicate);
        assert_eq!(count::<Note>(&tx).await, 2);
        note("after").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Note>(db).await, 3);
}

async fn nothing_works_after_the_end(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    for commit in [true, false] {
        let tx = db.begin().await.unwrap();
        let other = tx.clone();
        if commit {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let mut it = item("late");
        let closed = ErrorKind::TransactionClosed;
        refused(it.save(&other).await, closed);
        assert!(it.id().is_empty());
        refused(Item::get(&other, "x").await, closed);
        refused(Item::query(&other).all().await, closed);
        refused(Item::query(&other).count().await, closed);
        refused(Item::query(&other).all_rows().delete().await, closed);
        refused(other.lock::<Item>("x", LockMode::Wait).await, closed);
        refused(other.advisory_lock(1).await, closed);
        refused(other.savepoint(async |_| Ok::<_, Error>(())).await, closed);
        refused(other.collection("items").get("x").await, closed);
        refused(other.clone().commit().await, closed);
        refused(other.clone().rollback().await, closed);
    }
    assert_eq!(count::<Item>(db).await, 1);
}

async fn a_leaked_handle_does_not_keep_it_open(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut leaked = Vec::new();
    for commit in [true, false] {
        let outcome: den::Result<()> = db
            .transaction(async |tx| {
                leaked.push(tx.clone());
                item("a").save(&tx).await?;
                if commit {
                    Ok(())
                } else {
                    Err(Error::custom("no"))
                }
            })
            .await;
        assert_eq!(outcome.is_ok(), commit);
    }
    for tx in &leaked {
        refused(item("late").save(tx).await, ErrorKind::TransactionClosed);
    }
    item("b").save(db).await.unwrap();
    assert_eq!(count::<Item>(db).await, 2);
}

async fn a_leaked_handle_is_closed_after_a_panic(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut leaked = None;
    let work = db.transaction(async |tx| {
        item("a").save(&tx).await?;
        leaked = Some(tx);
        if leaked.is_some() {
            panic!("on purpose");
        }
        Ok::<_, Error>(())
    });
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
    refused(
        item("late").save(&leaked.unwrap()).await,
        ErrorKind::TransactionClosed,
    );
    item("b").save(db).await.unwrap();
    assert_eq!(found(Item::query(db)).await, "b");
}

async fn a_read_only_transaction_refuses_writes(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let tx = db.begin_with(TxOptions::new().read_only()).await.unwrap();
    let mut it = Item::query(&tx).first().await.unwrap().unwrap();
    let before = it.clone();
    refused(it.save(&tx).await, ErrorKind::InvalidQuery);
    assert_eq!(it, before);
    refused(item("new").insert(&tx).await, ErrorKind::InvalidQuery);
    refused(it.delete(&tx).await, ErrorKind::InvalidQuery);
    refused(
        Item::insert_many(&tx, &mut [item("b"), item("c")]).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        Item::query(&tx).all_rows().delete().await,
        ErrorKind::InvalidQuery,
    );
    // It stays usable.
    assert_eq!(count::<Item>(&tx).await, 2);
    tx.commit().await.unwrap();
    assert_eq!(Item::query(db).first().await.unwrap(), Some(before));
}

async fn a_read_only_transaction_is_one_snapshot(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .read_only();
    let tx = db.begin_with(options).await.unwrap();
    assert_eq!(count::<Item>(&tx).await, 2);
    numbered(3).save(db).await.unwrap();
    assert_eq!(count::<Item>(&tx).await, 2);
    assert_eq!(found(Item::query(&tx)).await, "i1 i2");
    tx.commit().await.unwrap();
    assert_eq!(count::<Item>(db).await, 3);
}

async fn every_isolation_level_works(on: &TestDb) {
    let db = on.with::<Item>().await;
    for isolation in [
        Isolation::Default,
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ] {
        let options = TxOptions::new().isolation(isolation);
        db.transaction_with(options, async |tx| item("a").save(&tx).await)
            .await
            .unwrap();
        let tx = db.begin_with(options.read_only()).await.unwrap();
        assert!(count::<Item>(&tx).await > 0);
        tx.rollback().await.unwrap();
    }
    assert_eq!(count::<Item>(db).await, 4);
}

async fn repeatable_read_does_not_see_later_commits(on: &TestDb) {
    if on.engine() != Engine::Postgres {
        // Elsewhere a write transaction keeps other writers out.
        return;
    }
    let db = given_numbered(on, 1).await;
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    let tx = db.begin_with(options).await.unwrap();
    let mut mine = Item::query(&tx).one().await.unwrap();
    let mut theirs = Item::query(db).one().await.unwrap();
    theirs.n = 50;
    theirs.save(db).await.unwrap();
    assert_eq!(Item::query(&tx).one().await.unwrap().n, 1);
    mine.n = 60;
    let error = refused(mine.save(&tx).await, ErrorKind::Serialization);
    assert!(error.is_retryable());
    tx.rollback().await.unwrap();
    assert_eq!(Item::query(db).one().await.unwrap().n, 50);
}

async fn concurrent_calls_of_one_transaction(on: &TestDb) {
    let db = given_numbered(on, 10).await;
    let p = Item::fields();
    db.transaction(async |tx| {
        let reads = (1..=10).map(|n| Item::query(&tx).filter(p.n.eq(n)).one());
        let items = try_join_all(reads).await?;
        assert_eq!(items.len(), 10);
        let writes = items.into_iter().map(|mut it| {
            let tx = tx.clone();
            async move {
                it.n += 100;
                it.save(&tx).await
            }
        });
        try_join_all(writes).await?;
        assert_eq!(Item::query(&tx).filter(p.n.gt(100)).count().await?, 10);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(
        Item::query(db).filter(p.n.gt(100)).count().await.unwrap(),
        10
    );
}

async fn counters_do_not_lose_updates(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let id = Item::query(db).one().await.unwrap().id().clone();
    let tasks = (0..8).map(|_| {
        let (db, id) = (db.clone(), id.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                db.transaction(async |tx| {
                    let mut it = tx.lock::<Item>(&id, LockMode::Wait).await?.unwrap();
                    it.n += 1;
                    it.save(&tx).await
                })
                .await
                .unwrap();
            }
        })
    });
    try_join_all(tasks).await.unwrap();
    assert_eq!(Item::find(db, &id).await.unwrap().n, 41);
}

async fn many_transactions_in_a_row_leave_the_pool_as_it_was(on: &TestDb) {
    let db = on.with::<Item>().await;
    for n in 0..40 {
        let tx = db.begin().await.unwrap();
        item("a").save(&tx).await.unwrap();
        match n % 4 {
            0 => tx.commit().await.unwrap(),
            1 => tx.rollback().await.unwrap(),
            2 => drop(tx),
            _ => {
                refused(Item::find(&tx, "no").await, ErrorKind::NotFound);
                drop(tx);
            }
        }
    }
    assert_eq!(count::<Item>(db).await, 10);
    let stats = db.stats();
    assert!(stats.connections <= stats.max_connections, "{stats:?}");
}

async fn deletes_in_a_transaction(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    db.transaction(async |tx| {
        let deleted = Item::query(&tx).filter(p.n.le(2)).delete().await?;
        assert_eq!(deleted, 2);
        let mut third = Item::query(&tx).filter(p.n.eq(3)).one().await?;
        third.delete(&tx).await?;
        assert_eq!(Item::get(&tx, third.id()).await?, None);
        assert_eq!(count::<Item>(db).await, 5);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "i4 i5");
}

async fn a_transaction_may_move_between_tasks(on: &TestDb) {
    let db = on.with::<Item>().await.clone();
    let task = tokio::spawn(async move {
        let tx = db.begin().await?;
        item("a").save(&tx).await?;
        let inner = tx.clone();
        tokio::spawn(async move { item("b").save(&inner).await })
            .await
            .unwrap()?;
        tx.commit().await?;
        db.transaction(async |tx| {
            tokio::task::yield_now().await;
            item("c").save(&tx).await
        })
        .await
    });
    task.await.unwrap().unwrap();
    assert_eq!(found(Item::query(&on.db)).await, "a b c");
}
