//! Writes to partitioned collections: several statements that are one.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use den_backend::{
    Backend, ErrorKind, Expectation, Isolation, OnRefusal, Put, PutOutcome, Query, TxOptions,
};
use den_postgres::pg;
use tokio::join;

use crate::{
    Case,
    cancellation::{MOST_POLLS, drop_after},
    case,
    support::{Schema, put},
};

pub(super) const CASES: &[Case] = &[
    case!(puts_at_once_do_not_undo_each_other),
    case!(a_dropped_batch_is_all_or_nothing),
    case!(a_refused_batch_leaves_the_transaction_usable),
    case!(what_cannot_see_all_ids_makes_no_documents),
    case!(a_large_batch_takes_few_locks),
    case!(only_dens_own_times_decide),
];

const DAY: &str = "2026-05-01T10:00:00.000000Z";
const NEXT_DAY: &str = "2026-05-02T10:00:00.000000Z";
const NO_DAY: &str = "1999-01-01T00:00:00.000000Z";

fn may() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_777_629_600)
}

fn event(id: &str, at: &str) -> String {
    format!(r#"{{"_id":"{id}","at":"{at}"}}"#)
}

async fn opened(schema: &Schema) -> Arc<dyn Backend> {
    let backend = schema.open("").await;
    pg::create_range_partitioned_collection(&*backend, "events", "at")
        .await
        .unwrap();
    pg::create_daily_partitions_ahead(&*backend, "events", may(), 3)
        .await
        .unwrap();
    backend
}

async fn puts_at_once_do_not_undo_each_other(schema: &Schema) {
    let backend = opened(schema).await;
    for round in 0..20 {
        let good = format!("good{round}");
        let (kept, lost) = (event(&good, DAY), event("bad", NO_DAY));
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        let (inserted, failed) = join!(
            tx.put("events", put(&good, &kept, Expectation::Any)),
            tx.put("events", put("bad", &lost, Expectation::Any)),
        );
        assert_eq!(inserted.unwrap(), PutOutcome::Inserted);
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument, "{error:?}");
        assert_eq!(error.id(), Some("bad"));
        tx.commit().await.unwrap();
        let found = backend.get("events", &good).await.unwrap();
        assert!(found.is_some(), "{round}");
    }
    assert_eq!(schema.ask("SELECT count(*) FROM events").await, "20");
}

async fn a_dropped_batch_is_all_or_nothing(schema: &Schema) {
    let backend = opened(schema).await;
    for polls in 0..3 * MOST_POLLS {
        let ids: Vec<String> = (0..10).map(|it| format!("{polls}-{it}")).collect();
        let bodies: Vec<String> = ids.iter().map(|it| event(it, DAY)).collect();
        let puts: Vec<Put<'_>> = ids
            .iter()
            .zip(&bodies)
            .map(|(id, body)| put(id, body, Expectation::Any))
            .collect();
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        let beside = format!("{polls}-beside");
        let body = event(&beside, DAY);
        let one = tx.put("events", put(&beside, &body, Expectation::Any));
        assert_eq!(one.await.unwrap(), PutOutcome::Inserted);
        let many = tx.put_many("events", &puts, OnRefusal::Abort);
        drop_after(polls, many).await;
        tx.commit().await.unwrap();
        let count = format!("SELECT count(*) FROM events WHERE id LIKE '{polls}-%'");
        let kept = schema.ask(&count).await;
        assert!(kept == "1" || kept == "11", "{kept} after {polls} polls");
    }
}

async fn a_refused_batch_leaves_the_transaction_usable(schema: &Schema) {
    let backend = opened(schema).await;
    let (a, b) = (event("a", DAY), event("b", DAY));
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    tx.put("events", put("a", &a, Expectation::Absent))
        .await
        .unwrap();
    let both = [
        put("b", &b, Expectation::Absent),
        put("a", &a, Expectation::Absent),
    ];
    for (on_refusal, count) in [(OnRefusal::Abort, 1), (OnRefusal::Skip, 2)] {
        let outcomes = tx.put_many("events", &both, on_refusal).await.unwrap();
        assert_eq!(outcomes[0], PutOutcome::Inserted);
        assert!(matches!(outcomes[1], PutOutcome::Refused(_)));
        assert_eq!(tx.count(&Query::new("events")).await.unwrap(), count);
    }
    tx.commit().await.unwrap();
    assert_eq!(schema.ask("SELECT count(*) FROM events").await, "2");
}

async fn what_cannot_see_all_ids_makes_no_documents(schema: &Schema) {
    let backend = opened(schema).await;
    let (old, new) = (event("old", DAY), event("new", DAY));
    let moved = (event("old", NEXT_DAY), event("new", NEXT_DAY));
    backend
        .put("events", put("old", &old, Expectation::Any))
        .await
        .unwrap();
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let options = TxOptions {
            isolation,
            ..TxOptions::default()
        };
        let tx = backend.begin(options).await.unwrap();
        assert_eq!(tx.count(&Query::new("events")).await.unwrap(), 1);
        backend
            .put("events", put("new", &new, Expectation::Any))
            .await
            .unwrap();
        for expect in [Expectation::Absent, Expectation::Any] {
            let refused = tx.put("events", put("new", &moved.1, expect)).await;
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
            assert!(error.to_string().contains("isolation"), "{error}");
        }
        // What is there can be saved.
        let saved = tx.put("events", put("old", &moved.0, Expectation::Present));
        assert_eq!(saved.await.unwrap(), PutOutcome::Updated);
        tx.commit().await.unwrap();
        let ids = schema.ask("SELECT count(*) || ' ' || count(DISTINCT id) FROM events");
        assert_eq!(ids.await, "2 2");
        backend
            .delete("events", "new", Expectation::Any)
            .await
            .unwrap();
    }
}

async fn a_large_batch_takes_few_locks(schema: &Schema) {
    let backend = opened(schema).await;
    let ids: Vec<String> = (0..3000).map(|it| it.to_string()).collect();
    let bodies: Vec<String> = ids.iter().map(|it| event(it, DAY)).collect();
    let puts: Vec<Put<'_>> = ids
        .iter()
        .zip(&bodies)
        .map(|(id, body)| put(id, body, Expectation::Absent))
        .collect();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let outcomes = tx.put_many("events", &puts, OnRefusal::Abort).await;
    let all_inserted = outcomes
        .unwrap()
        .iter()
        .all(|it| *it == PutOutcome::Inserted);
    assert!(all_inserted);
    let sql = "SELECT count(*) BETWEEN 500 AND 1024 AS few FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    let rows = tx.raw_query(sql, &[]).await.unwrap();
    assert_eq!(rows, [br#"{"few":true}"#]);
    tx.commit().await.unwrap();
}

async fn only_dens_own_times_decide(schema: &Schema) {
    let backend = opened(schema).await;
    for at in [
        "2026-05-01T23:00:00 EST5Z",
        "today Z",
        "2026-05-01T23:00:00Z",
        "2026-05-01 23:00:00.000000Z",
        "2026-02-30T23:00:00.000000Z",
        "2026-05-01T23:00:00.000000",
    ] {
        let body = event("a", at);
        let refused = backend.put("events", put("a", &body, Expectation::Any));
        let error = refused.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument, "{at}: {error:?}");
        assert_eq!(
            (error.collection(), error.id()),
            (Some("events"), Some("a"))
        );
    }
    assert_eq!(schema.ask("SELECT count(*) FROM events").await, "0");
}
