//! Savepoints: parts of a transaction that are taken back alone.

use std::{panic::AssertUnwindSafe, time::Duration};

use den::{ErrorKind, prelude::*};
use futures_util::FutureExt as _;

use super::support::{Item, Note, found, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(an_error_takes_back_only_the_savepoint),
    case!(savepoints_nest),
    case!(a_dropped_savepoint_rolls_back),
    case!(a_panicking_savepoint_rolls_back),
    case!(the_handle_of_a_rolled_back_savepoint_is_closed),
    case!(savepoints_in_a_row),
    case!(errors_inside_a_savepoint_leave_it_usable),
];

async fn no<T>() -> den::Result<T> {
    Err(Error::custom("no"))
}

async fn an_error_takes_back_only_the_savepoint(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        item("before").save(&tx).await?;
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                item("inside").save(&tx).await?;
                Item::query(&tx)
                    .filter(Item::fields().name.eq("before"))
                    .delete()
                    .await?;
                no().await
            })
            .await;
        assert_eq!(refused(failed, ErrorKind::Hook).to_string(), "no");
        assert_eq!(found(Item::query(&tx)).await, "before");
        let kept = tx.savepoint(async |tx| item("kept").save(&tx).await);
        kept.await?;
        item("after").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "before kept after");
}

async fn savepoints_nest(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        tx.savepoint(async |tx| {
            item("outer").save(&tx).await?;
            let inner: den::Result<()> = tx
                .savepoint(async |tx| {
                    item("inner").save(&tx).await?;
                    tx.savepoint(async |tx| item("innermost").save(&tx).await)
                        .await?;
                    no().await
                })
                .await;
            refused(inner, ErrorKind::Hook);
            item("outer again").save(&tx).await
        })
        .await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "outer outer again");

    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            tx.savepoint(async |tx| item("released").save(&tx).await)
                .await?;
            no().await
        })
        .await;
    refused(outcome, ErrorKind::Hook);
    assert_eq!(found(Item::query(db)).await, "outer outer again");
}

async fn a_dropped_savepoint_rolls_back(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        item("before").save(&tx).await?;
        let work = tx.savepoint(async |tx| {
            item("inside").save(&tx).await?;
            std::future::pending::<()>().await;
            Ok::<_, Error>(())
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(200), work)
                .await
                .is_err()
        );
        assert_eq!(found(Item::query(&tx)).await, "before");
        item("after").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "before after");
}

async fn a_panicking_savepoint_rolls_back(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        let work = tx.savepoint(async |tx| {
            item("inside").save(&tx).await?;
            if true {
                panic!("on purpose");
            }
            Ok::<_, Error>(())
        });
        assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
        item("after").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "after");
}

async fn the_handle_of_a_rolled_back_savepoint_is_closed(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        let mut leaked = None;
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                leaked = Some(tx);
                no().await
            })
            .await;
        refused(failed, ErrorKind::Hook);
        let late = item("late").save(&leaked.unwrap()).await;
        refused(late, ErrorKind::TransactionClosed);
        item("kept").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "kept");
}

async fn savepoints_in_a_row(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.transaction(async |tx| {
        for n in 0..30 {
            let outcome: den::Result<()> = tx
                .savepoint(async |tx| {
                    item(&format!("i{n}")).save(&tx).await?;
                    if n % 10 == 0 { Ok(()) } else { no().await }
                })
                .await;
            assert_eq!(outcome.is_ok(), n % 10 == 0);
        }
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(found(Item::query(db)).await, "i0 i10 i20");
}

async fn errors_inside_a_savepoint_leave_it_usable(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("taken").save(db).await.unwrap();
    db.transaction(async |tx| {
        tx.savepoint(async |tx| {
            note("a").save(&tx).await?;
            refused(note("taken").save(&tx).await, ErrorKind::Duplicate);
            note("b").save(&tx).await
        })
        .await?;
        refused(note("b").save(&tx).await, ErrorKind::Duplicate);
        note("c").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(Note::query(db).count().await.unwrap(), 4);
}
