//! Every rule on each engine that is compiled in: what is recorded, and what a fault does.

use std::{sync::Arc, time::Duration};

use den_backend::{
    Capability, CollectionMeta, Error, ErrorKind, Expectation, LockMode, OnRefusal, Put, Query,
    ReadWrite, SavepointId, Transaction, TxOptions,
};
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::{
    Db, Json,
    testing::{Call, Fault, Method, Outcome, Recorder},
};

const URLS: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "sqlite://:memory:",
    #[cfg(feature = "memory")]
    "memory:",
];

/// Runs a test on each engine, on a collection `things` with the documents `a`, `b` and `c`.
macro_rules! on_each_engine {
    ($(async fn $name:ident($db:ident: &Db, $recorder:ident: &Recorder) $body:block)+) => {$(
        #[tokio::test]
        async fn $name() {
            async fn run($db: &Db, $recorder: &Recorder) $body
            for url in URLS {
                let (db, recorder) = Recorder::open(url).await.unwrap();
                let backend = db.backend();
                let meta = CollectionMeta::new("things");
                backend.ensure_collection(&meta).await.unwrap();
                for id in ["a", "b", "c"] {
                    write(backend, id).await.unwrap();
                }
                recorder.clear();
                run(&db, &recorder).await;
            }
        }
    )+};
}

on_each_engine! {
    async fn every_method_is_recorded_under_its_name(db: &Db, recorder: &Recorder) {
        let backend = db.backend();
        let things = Query::new("things");
        backend.get("things", "a").await.unwrap();
        backend.get_many("things", &["a", "b", "x"]).await.unwrap();
        write(backend, "d").await.unwrap();
        backend.put_many("things", &[put("e"), put("f")], OnRefusal::Abort).await.unwrap();
        backend.delete("things", "f", Expectation::Any).await.unwrap();
        rows(backend).await.unwrap();
        backend.count(&things).await.unwrap();
        backend.exists(&things).await.unwrap();
        backend.delete_matching(&things).await.unwrap();
        backend.explain(&things, den_backend::ExplainMode::Statement).await.unwrap();
        backend.list_recorded_indexes("things").await.unwrap();
        let missing = backend.drop_index("things", "none").await;
        assert_eq!(kind(missing), ErrorKind::NotFound);
        backend.collections().await.unwrap();
        backend.drop_collection("things").await.unwrap();
        backend.ping().await.unwrap();
        backend.close().await.unwrap();
        assert_eq!(long(&recorder.take()), [
            "get things, 1 row",
            "get_many things, 3 rows",
            "put things, 1 row",
            "put_many things, 2 rows",
            "delete things, 1 row",
            "query things, 5 rows",
            "count things",
            "exists things",
            "delete_matching things, 5 rows",
            "explain things",
            "list_recorded_indexes things",
            "drop_index things, failed: NotFound",
            "collections",
            "drop_collection things",
            "ping",
            "close",
        ]);
    }

    async fn a_transaction_is_recorded_as_such(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        write(&*tx, "d").await.unwrap();
        let first = tx.savepoint().await.unwrap();
        assert_eq!(rows(&*tx).await.unwrap(), 4);
        tx.release(first).await.unwrap();
        let second = tx.savepoint().await.unwrap();
        tx.rollback_to(second).await.unwrap();
        if db.capabilities().has(Capability::RowLocks) {
            tx.get_for_update("things", "a", LockMode::Wait).await.unwrap();
        }
        tx.commit().await.unwrap();
        let other = begin(db).await.unwrap();
        other.rollback().await.unwrap();
        let mut calls = recorder.calls();
        calls.retain(|it| it.method != Method::GetForUpdate);
        assert_eq!(calls, [
            "begin",
            "tx put things",
            "tx savepoint",
            "tx query things",
            "tx release",
            "tx savepoint",
            "tx rollback_to",
            "tx commit",
            "begin",
            "tx rollback",
        ]);
        assert_eq!(recorder.count(Method::Begin), 2);
        assert_eq!(recorder.count(Method::Commit), 1);
        let mut statements = recorder.statements();
        statements.retain(|it| it.method != Method::GetForUpdate);
        assert_eq!(statements, ["tx put things", "tx query things"]);
    }

    async fn the_api_of_den_goes_through_the_recorder(db: &Db, recorder: &Recorder) {
        let things = db.collection("things");
        things.insert(json!({ "_id": "d" })).await.unwrap();
        assert_eq!(things.query().count().await.unwrap(), 4);
        db.transaction(async |tx| tx.collection("things").delete("d").await).await.unwrap();
        assert_eq!(recorder.take(), [
            "put things",
            "count things",
            "begin",
            "tx delete things",
            "tx commit",
        ]);
        assert!(recorder.calls().is_empty());
    }

    async fn a_call_that_fails_is_not_carried_out(db: &Db, recorder: &Recorder) {
        recorder.fail_at(2);
        write(db.backend(), "d").await.unwrap();
        let failed = write(db.backend(), "e").await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert_eq!(error.to_string(), "injected fault");
        assert_eq!(recorder.calls()[1].outcome, Outcome::Injected);
        // It strikes once.
        write(db.backend(), "f").await.unwrap();
        assert_eq!(ids(db).await, ["a", "b", "c", "d", "f"]);
    }

    async fn a_call_whose_answer_is_lost_is_carried_out(db: &Db, recorder: &Recorder) {
        recorder.fail_after(1);
        assert_eq!(kind(write(db.backend(), "d").await), ErrorKind::Backend);
        recorder.fail_after(1);
        let things = Query::new("things");
        assert_eq!(kind(db.backend().delete_matching(&things).await), ErrorKind::Backend);
        assert_eq!(long(&recorder.take()), [
            "put things, 1 row, fault injected",
            "delete_matching things, 4 rows, fault injected",
        ]);
        assert!(ids(db).await.is_empty());
    }

    async fn the_cause_under_a_lost_answer_is_its_source(db: &Db, recorder: &Recorder) {
        recorder.fail_after(1);
        let error = db.backend().get("nowhere", "a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        let source = std::error::Error::source(&error).unwrap();
        let source: &Error = source.downcast_ref().unwrap();
        assert_eq!(source.kind(), ErrorKind::NotRegistered);
    }

    async fn a_commit_that_fails_takes_all_back(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        write(&*tx, "d").await.unwrap();
        recorder.fail_at(1);
        assert_eq!(kind(tx.commit().await), ErrorKind::Backend);
        assert_eq!(kind(tx.commit().await), ErrorKind::TransactionClosed);
        assert_eq!(kind(write(&*tx, "e").await), ErrorKind::TransactionClosed);
        assert_eq!(ids(db).await, ["a", "b", "c"]);
        assert_eq!(recorder.count(Method::Rollback), 0);
    }

    async fn a_commit_whose_answer_is_lost_is_unknown(db: &Db, recorder: &Recorder) {
        recorder.inject(Fault::after(1).of(Method::Commit));
        let outcome: Result<(), Error> = db
            .transaction(async |tx| {
                tx.collection("things").insert(json!({ "_id": "d" })).await?;
                Ok(())
            })
            .await;
        assert_eq!(kind(outcome), ErrorKind::CommitUnknown);
        assert_eq!(ids(db).await, ["a", "b", "c", "d"]);
    }

    async fn a_begin_whose_answer_is_lost_leaves_nothing_open(db: &Db, recorder: &Recorder) {
        recorder.fail_after(1);
        assert_eq!(kind(begin(db).await), ErrorKind::Backend);
        // A transaction that was left open would keep this writer waiting.
        write(db.backend(), "d").await.unwrap();
        assert_eq!(recorder.take(), ["begin", "put things"]);
    }

    async fn a_fault_in_a_transaction_leaves_it_usable(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        let savepoint = tx.savepoint().await.unwrap();
        recorder.fail_after(1);
        assert_eq!(kind(write(&*tx, "d").await), ErrorKind::Backend);
        tx.rollback_to(savepoint).await.unwrap();
        recorder.fail_at(1);
        assert_eq!(kind(write(&*tx, "e").await), ErrorKind::Backend);
        write(&*tx, "f").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ids(db).await, ["a", "b", "c", "f"]);
    }

    async fn rollbacks_go_through_and_do_not_count(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        let savepoint = tx.savepoint().await.unwrap();
        let before = recorder.calls_seen();
        recorder.fail_at(1);
        tx.rollback_to(savepoint).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(recorder.calls_seen(), before);
        assert_eq!(kind(db.ping().await), ErrorKind::Backend);
        assert_eq!(recorder.calls_seen(), before + 1);
    }

    async fn every_call_of_an_operation_can_fail(db: &Db, recorder: &Recorder) {
        for lose_answer in [false, true] {
            let before = recorder.calls_seen();
            insert_within_savepoint(db, "seed").await.unwrap();
            let calls = recorder.calls_seen() - before;
            assert_eq!(calls, 6, "begin, put, savepoint, put, release, commit");
            db.collection("things").query().filter(ids_of("seed")).delete().await.unwrap();

            for n in 1..=calls {
                if lose_answer {
                    recorder.fail_after(n);
                } else {
                    recorder.fail_at(n);
                }
                let outcome = insert_within_savepoint(db, "new").await;
                assert!(recorder.heal(), "call {n} was reached");
                // A savepoint that turns out to be released is no failure.
                let expected = match n {
                    5 if lose_answer => None,
                    6 if lose_answer => Some(ErrorKind::CommitUnknown),
                    _ => Some(ErrorKind::Backend),
                };
                assert_eq!(outcome.err().map(|it| it.kind()), expected, "call {n}");
                let committed = lose_answer && n >= 5;
                let written = db.collection("things").query().filter(ids_of("new"));
                assert_eq!(written.clone().count().await.unwrap(), if committed { 2 } else { 0 });
                written.delete().await.unwrap();
            }
            recorder.fail_at(calls + 1);
            insert_within_savepoint(db, "new").await.unwrap();
            assert!(!recorder.heal());
            db.collection("things").query().filter(ids_of("new")).delete().await.unwrap();
        }
    }

    async fn a_row_can_fail_in_the_middle(db: &Db, recorder: &Recorder) {
        recorder.fail_row(5);
        assert_eq!(rows(db.backend()).await.unwrap(), 3);
        let mut stream = db.backend().query(&Query::new("things")).await.unwrap();
        assert_eq!(stream.try_next().await.unwrap().unwrap().id, "a");
        assert_eq!(kind(stream.try_next().await), ErrorKind::Backend);
        assert_eq!(stream.try_next().await.unwrap(), None);
        assert_eq!(rows(db.backend()).await.unwrap(), 3);
        assert_eq!(long(&recorder.take()), [
            "query things, 3 rows",
            "query things, 1 row, fault injected",
            "query things, 3 rows",
        ]);
    }

    async fn a_row_can_fail_in_a_transaction(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        recorder.fail_row(2);
        assert_eq!(kind(rows(&*tx).await), ErrorKind::Backend);
        write(&*tx, "d").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ids(db).await, ["a", "b", "c", "d"]);
    }

    async fn a_query_can_fail_at_once(db: &Db, recorder: &Recorder) {
        recorder.fail_at(1);
        assert_eq!(kind(rows(db.backend()).await), ErrorKind::Backend);
        recorder.fail_after(1);
        assert_eq!(kind(rows(db.backend()).await), ErrorKind::Backend);
        assert_eq!(rows(db.backend()).await.unwrap(), 3);
    }

    async fn a_fault_counts_what_it_was_told_to_count(db: &Db, recorder: &Recorder) {
        let meta = CollectionMeta::new("others");
        db.backend().ensure_collection(&meta).await.unwrap();
        let busy = Error::new(ErrorKind::Locked, "someone else is writing");
        recorder.inject(Fault::at(2).of(Method::Put).on("things").error(busy));
        recorder.inject(Fault::row(1).on("others"));
        write(db.backend(), "d").await.unwrap();
        db.backend().put("others", put("a")).await.unwrap();
        assert_eq!(rows(db.backend()).await.unwrap(), 4);
        let error = write(db.backend(), "e").await.unwrap_err();
        assert_eq!(error.to_string(), "someone else is writing");
        assert!(error.is_retryable());
        let others: Result<Vec<Json>, _> = db.collection("others").query().all().await;
        assert_eq!(kind(others), ErrorKind::Backend);
    }

    async fn faults_due_at_once_strike_once(db: &Db, recorder: &Recorder) {
        recorder.fail_at(1);
        recorder.fail_after(1);
        recorder.fail_at(2);
        assert_eq!(kind(write(db.backend(), "d").await), ErrorKind::Backend);
        assert_eq!(kind(db.ping().await), ErrorKind::Backend);
        assert_eq!(ids(db).await, ["a", "b", "c"]);
        assert!(recorder.heal());
        assert!(!recorder.heal());
    }

    async fn healing_takes_faults_away(db: &Db, recorder: &Recorder) {
        recorder.fail_at(1);
        recorder.fail_row(1);
        assert!(!recorder.heal());
        assert_eq!(rows(db.backend()).await.unwrap(), 3);
    }

    async fn rows_are_counted_only_in_calls_that_are_still_held(db: &Db, recorder: &Recorder) {
        let mut stream = db.backend().query(&Query::new("things")).await.unwrap();
        recorder.clear();
        db.ping().await.unwrap();
        while stream.try_next().await.unwrap().is_some() {}
        assert_eq!(long(&recorder.take()), ["ping"]);
    }

    async fn what_is_open_ends_when_its_handle_is_dropped(db: &Db, recorder: &Recorder) {
        let tx = begin(db).await.unwrap();
        write(&*tx, "d").await.unwrap();
        drop(tx);
        write(db.backend(), "e").await.unwrap();
        assert_eq!(ids(db).await, ["a", "b", "c", "e"]);
        assert_eq!(recorder.count(Method::Rollback), 0);
    }

    async fn a_dropped_call_has_no_outcome(db: &Db, recorder: &Recorder) {
        let backend = db.backend();
        let tx = begin(db).await.unwrap();
        assert_eq!(kind(tx.release(SavepointId(7)).await), ErrorKind::InvalidQuery);
        // Another writer of the same document waits; here, until it is dropped.
        write(&*tx, "d").await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(20), write(backend, "d")).await;
        assert!(waiting.is_err());
        tx.commit().await.unwrap();
        assert_eq!(long(&recorder.take()), [
            "begin",
            "tx release, failed: InvalidQuery",
            "tx put things, 1 row",
            "put things, 1 row, no answer",
            "tx commit",
        ]);
    }
}

#[test]
#[should_panic(expected = "counted from 1")]
fn a_fault_at_no_call_is_refused() {
    Recorder::default().fail_at(0);
}

#[tokio::test]
async fn a_url_that_no_driver_opens_is_refused() {
    assert_eq!(
        kind(Recorder::open("tape://drive").await),
        ErrorKind::UnknownScheme
    );
}

fn put(id: &str) -> Put<'_> {
    let body: &[u8] = match id {
        "a" => br#"{"_id":"a"}"#,
        "b" => br#"{"_id":"b"}"#,
        "c" => br#"{"_id":"c"}"#,
        "d" => br#"{"_id":"d"}"#,
        "e" => br#"{"_id":"e"}"#,
        "f" => br#"{"_id":"f"}"#,
        other => panic!("no document {other}"),
    };
    Put {
        id,
        body,
        expect: Expectation::Any,
    }
}

async fn write(to: &dyn ReadWrite, id: &str) -> Result<(), Error> {
    to.put("things", put(id)).await.map(drop)
}

async fn begin(db: &Db) -> Result<Arc<dyn Transaction>, Error> {
    db.backend().begin(TxOptions::default()).await
}

async fn rows(from: &dyn ReadWrite) -> Result<usize, Error> {
    let stream = from.query(&Query::new("things")).await?;
    Ok(stream.try_collect::<Vec<_>>().await?.len())
}

async fn ids(db: &Db) -> Vec<String> {
    let stream = db.backend().query(&Query::new("things")).await.unwrap();
    stream.map_ok(|it| it.id).try_collect().await.unwrap()
}

/// Inserts two documents, the second within a savepoint.
async fn insert_within_savepoint(db: &Db, group: &str) -> Result<(), Error> {
    let document = json!({ "group": group });
    db.transaction(async |tx| {
        tx.collection("things").insert(document.clone()).await?;
        tx.savepoint(async |tx| tx.collection("things").insert(document.clone()).await)
            .await?;
        Ok(())
    })
    .await
}

fn ids_of(group: &str) -> crate::Filter<Json> {
    crate::field("group").eq(group)
}

fn kind<T>(outcome: Result<T, Error>) -> ErrorKind {
    match outcome {
        Ok(_) => panic!("the call has succeeded"),
        Err(error) => error.kind(),
    }
}

fn long(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|it| format!("{it:#}")).collect()
}
