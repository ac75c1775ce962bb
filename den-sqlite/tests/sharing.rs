//! Several users of one database: programs, tasks, transactions, cancelled calls.

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::*;
use den_backend::{
    Access, Backend, CollectionMeta, Direction, ErrorKind, Expectation, Expr, Field, FieldKind,
    FieldMeta, FieldPath, IndexKind, IndexMeta, OnRefusal, Put, PutOutcome, Query, TxOptions,
};
use futures_util::{FutureExt, StreamExt};

const READ_ONLY: TxOptions = TxOptions {
    isolation: den_backend::Isolation::Default,
    access: Access::ReadOnly,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_programs_write_one_file_without_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mut tasks = Vec::new();
    for program in 0..2 {
        // Two pools share nothing but the file, as two programs do.
        let backend = open_file(&path, "busy_timeout=20000").await;
        with_items(&*backend).await;
        for task in 0..4 {
            let backend = Arc::clone(&backend);
            tasks.push(tokio::spawn(async move {
                for i in 0..50 {
                    let id = format!("{program}-{task}-{i}");
                    let body = body(&id, i);
                    if i % 10 == 0 {
                        let tx = backend.begin(TxOptions::default()).await.unwrap();
                        tx.put(ITEMS, any(&id, &body)).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        tx.commit().await.unwrap();
                    } else {
                        backend.put(ITEMS, any(&id, &body)).await.unwrap();
                    }
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let backend = open_file(&path, "").await;
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_programs_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let starts = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move {
            let backend = open_file(&path, "").await;
            let meta = CollectionMeta {
                indexes: vec![index_of_n(IndexKind::Plain)],
                ..CollectionMeta::new(ITEMS)
            };
            backend.ensure_collection(&meta).await.unwrap();
            backend.close().await.unwrap();
        })
    });
    for start in futures_util::future::join_all(starts).await {
        start.unwrap();
    }
}

#[tokio::test]
async fn a_lock_held_too_long_is_locked_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "busy_timeout=300").await;
    with_items(&*backend).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let started = Instant::now();
    let beats = async {
        let mut longest = Duration::ZERO;
        while started.elapsed() < Duration::from_millis(200) {
            let before = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            longest = longest.max(before.elapsed());
        }
        longest
    };
    let body = body("1", 1);
    let (written, longest) = tokio::join!(backend.put(ITEMS, any("1", &body)), beats);
    let error = written.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.is_retryable());
    assert!(started.elapsed() >= Duration::from_millis(250));
    assert!(longest < Duration::from_millis(250), "{longest:?}");

    // The lock is released within the timeout: nobody notices.
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (written, ()) = tokio::join!(backend.put(ITEMS, any("1", &body)), release);
    assert_eq!(written.unwrap(), PutOutcome::Inserted);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_put_cancelled_in_the_queue_writes_nothing() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let body = body("1", 1);
    let waiting = backend.put(ITEMS, any("1", &body));
    let cancelled = tokio::time::timeout(Duration::from_millis(20), waiting).await;
    assert!(cancelled.is_err());
    tx.rollback().await.unwrap();
    assert_eq!(backend.get(ITEMS, "1").await.unwrap(), None);
    backend.put(ITEMS, any("1", &body)).await.unwrap();
    backend.close().await.unwrap();
}

#[tokio::test]
async fn work_cancelled_at_any_point_is_done_or_not() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    let bodies: Vec<(String, Vec<u8>)> = (0..200)
        .map(|it| (format!("x{it}"), body(&format!("x{it}"), it)))
        .collect();
    let puts: Vec<Put<'_>> = bodies.iter().map(|(id, body)| any(id, body)).collect();
    for micros in (0..3000).step_by(100) {
        let work = backend.put_many(ITEMS, &puts, OnRefusal::Abort);
        let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
        let count = backend.count(&Query::new(ITEMS)).await.unwrap();
        assert!(count == 0 || count == 200, "{count}");
        let all = Query::new(ITEMS);
        let work = backend.delete_matching(&all);
        let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
        // The next write waits for what may still be going on.
        backend.put(ITEMS, any("probe", b"{}")).await.unwrap();
        backend
            .delete(ITEMS, "probe", Expectation::Any)
            .await
            .unwrap();
        let count = backend.count(&Query::new(ITEMS)).await.unwrap();
        assert!(count == 0 || count == 200, "{count}");
        backend.delete_matching(&Query::new(ITEMS)).await.unwrap();
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    let body = body("1", 1);
    for cancel_after in [None, Some(0), Some(200), Some(1000)] {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        tx.put(ITEMS, any("1", &body)).await.unwrap();
        if let Some(micros) = cancel_after {
            // The call goes on elsewhere while its transaction is dropped here.
            let many = at_least(100);
            let work = tx.delete_matching(&many);
            let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
        }
        drop(tx);
        backend.put(ITEMS, any("2", &body)).await.unwrap();
        assert_eq!(backend.get(ITEMS, "1").await.unwrap(), None);
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_begin_leaves_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    with_items(&*backend).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = backend.begin(TxOptions::default());
    let begun = tokio::time::timeout(Duration::from_millis(50), begin).await;
    assert!(begun.is_err());
    other.execute_batch("ROLLBACK").unwrap();
    let body = body("1", 1);
    backend.put(ITEMS, any("1", &body)).await.unwrap();
    other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_stream_frees_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open_file(&folder.path().join("x.db"), "max_connections=1").await;
    with_items(&*backend).await;
    fill(&*backend, 5000).await;
    for taken in [0, 1, 100] {
        let mut stream = backend.query(&Query::new(ITEMS)).await.unwrap();
        for _ in 0..taken {
            stream.next().await.unwrap().unwrap();
        }
        // Point reads and writes go on beside the one scan there may be.
        assert!(backend.get(ITEMS, "00001").await.unwrap().is_some());
        drop(stream);
        assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 5000);
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_brief_query_needs_no_free_scan() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open_file(&folder.path().join("x.db"), "max_connections=1").await;
    with_items(&*backend).await;
    let index = index_of_n(IndexKind::Plain);
    backend.ensure_index(ITEMS, &index).await.unwrap();
    fill(&*backend, 5000).await;
    let mut stream = backend.query(&Query::new(ITEMS)).await.unwrap();
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        row.unwrap();
        if rows % 1000 == 0 {
            let found = backend.query(&by_n()).await.unwrap();
            assert_eq!(found.count().await, 1);
        }
        rows += 1;
    }
    assert_eq!(rows, 5000);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_scan_stops() {
    let backend = open("sqlite::memory:?max_connections=1&acquire_timeout=2000")
        .await
        .unwrap();
    with_items(&*backend).await;
    fill(&*backend, 3000).await;
    // Hundreds of comparisons for each row.
    let slow = slow_query();
    let work = backend.count(&slow);
    let cancelled = tokio::time::timeout(Duration::from_millis(20), work).await;
    assert!(cancelled.is_err(), "not slow enough");
    let started = Instant::now();
    backend.count(&at_least(0)).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(500));
    backend.close().await.unwrap();
}

/// A filter that takes long for each row.
fn slow_query() -> Query {
    let mut query = Query::new(ITEMS);
    let below = |it: i64| {
        let limit = Expr::Value((-it).into());
        Expr::compare(den_backend::CompareOp::Lt, n(), limit)
    };
    query.filter = Expr::Or((1..=400).map(below).collect());
    query
}

#[tokio::test]
async fn readers_see_a_snapshot_while_others_write() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 10).await;
    let reading = backend.begin(READ_ONLY).await.unwrap();
    let writing = backend.begin(TxOptions::default()).await.unwrap();
    writing.delete_matching(&Query::new(ITEMS)).await.unwrap();
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 10);
    writing.commit().await.unwrap();
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 0);
    assert_eq!(reading.count(&Query::new(ITEMS)).await.unwrap(), 10);
    let body = body("1", 1);
    let error = reading.put(ITEMS, any("1", &body)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let error = reading.advisory_lock(1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    reading.commit().await.unwrap();
    let error = reading.get(ITEMS, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionClosed);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn the_log_is_checkpointed_while_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    with_items(&*backend).await;
    let text = "x".repeat(7000);
    for i in 0..4000 {
        let id = format!("{i}");
        let body = format!(r#"{{"_id":"{id}","text":"{text}"}}"#);
        backend.put(ITEMS, any(&id, body.as_bytes())).await.unwrap();
    }
    let log = std::fs::metadata(path.with_extension("db-wal"))
        .unwrap()
        .len();
    // 4000 documents are about 80 MB of log if nobody makes checkpoints.
    assert!(log < 80 * 1024 * 1024, "{log}");
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size > 8 * 1024 * 1024, "{size}");
    backend.close().await.unwrap();
    assert!(!path.with_extension("db-wal").exists());
}

#[tokio::test]
async fn close_waits_and_later_calls_fail() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 100).await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let closing = backend.close();
    let end = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(tx.count(&Query::new(ITEMS)).await.unwrap(), 100);
        tx.commit().await.unwrap();
    };
    let (closed, ()) = tokio::join!(closing, end);
    closed.unwrap();
    for failed in [
        backend.get(ITEMS, "1").await.unwrap_err(),
        backend.ping().await.unwrap_err(),
        backend.begin(TxOptions::default()).await.unwrap_err(),
        backend.put(ITEMS, any("1", b"{}")).await.unwrap_err(),
    ] {
        assert_eq!(failed.kind(), ErrorKind::ConnectionLost);
    }
    assert_eq!(backend.stats().connections, 0);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn an_index_made_by_another_program_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let one = open_file(&path, "").await;
    let two = open_file(&path, "").await;
    with_items(&*one).await;
    fill(&*one, 10).await;
    assert_eq!(two.count(&at_least(5)).await.unwrap(), 5);
    let index = index_of_n(IndexKind::Plain);
    one.ensure_index(ITEMS, &index).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mode = den_backend::ExplainMode::Plan;
    let plan = two.explain(&by_n(), mode).await.unwrap().plan.concat();
    assert!(plan.contains(&index.name), "{plan}");
    let unique = index_of_n(IndexKind::Unique);
    one.ensure_index(ITEMS, &unique).await.unwrap();
    let body = body("other", 3);
    for error in [
        two.put(ITEMS, any("other", &body)).await.unwrap_err(),
        two.put_many(ITEMS, &[any("other", &body)], OnRefusal::Abort)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert_eq!(error.id(), Some("other"));
        assert_eq!(error.constraint().unwrap().fields(), ["n"]);
    }
    // A collection that is gone is noticed at once, on the other side too.
    one.drop_collection(ITEMS).await.unwrap();
    let error = two.count(&at_least(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert!(two.query(&at_least(5)).await.is_err());
}

#[tokio::test]
async fn a_members_index_whose_table_was_made_again_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let tags = FieldPath::parse("tags").unwrap();
    let index = IndexMeta {
        name: "mx_items_tags".into(),
        fields: vec![(
            FieldMeta {
                path: tags.clone(),
                kind: FieldKind::Array,
            },
            Direction::Asc,
        )],
        kind: IndexKind::Members,
        filter: Expr::always(),
        search: None,
    };
    let meta = CollectionMeta {
        indexes: vec![index],
        ..CollectionMeta::new(ITEMS)
    };
    let mut red = Query::new(ITEMS);
    red.filter = Expr::Contains {
        array: Box::new(Expr::Field(Field::document(tags, FieldKind::Array))),
        value: "red".into(),
    };
    let other = rusqlite::Connection::open(&path).unwrap();
    let side_rows = || -> Vec<String> {
        let sql = "SELECT id FROM _den_mx_items_tags ORDER BY id";
        let mut statement = other.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|it| it.unwrap()).collect()
    };
    let text = |id: &str| format!(r#"{{"_id":"{id}","tags":["red"]}}"#);
    let insert = "INSERT OR REPLACE INTO items (id, data) VALUES (?1, jsonb(?2))";

    for round in 0..2 {
        let backend = open_file(&path, "").await;
        backend.ensure_collection(&meta).await.unwrap();
        let new = text("new");
        backend
            .put(ITEMS, any("new", new.as_bytes()))
            .await
            .unwrap();
        let expected: &[&str] = if round == 0 {
            &["new"]
        } else {
            &["kept", "new"]
        };
        assert_eq!(side_rows(), expected);
        assert_eq!(
            backend.count(&red).await.unwrap(),
            u64::try_from(expected.len()).unwrap()
        );
        let mode = den_backend::ExplainMode::Plan;
        let plan = backend.explain(&red, mode).await.unwrap();
        assert!(plan.statement.contains("_den_mx_items_tags"), "{plan:?}");
        backend.close().await.unwrap();

        // What replaces a row takes its elements away too.
        other.execute(insert, ["new", r#"{"_id":"new"}"#]).unwrap();
        assert_eq!(side_rows(), &expected[..expected.len() - 1]);
        other.execute(insert, ["new", &new]).unwrap();

        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'items'";
        let table: String = other.query_row(sql, [], |row| row.get(0)).unwrap();
        other.execute_batch("DROP TABLE items").unwrap();
        other.execute_batch(&table).unwrap();
        other.execute(insert, ["kept", &text("kept")]).unwrap();
        assert_eq!(side_rows(), expected, "the side table stays behind");
    }

    // Not described again, so not made again: what is left of it is not believed.
    let backend = open_file(&path, "").await;
    assert_eq!(backend.count(&red).await.unwrap(), 1);
    // Nor need anything be left.
    other
        .execute_batch("DROP TABLE _den_mx_items_tags")
        .unwrap();
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(side_rows(), ["kept"]);
    assert_eq!(backend.count(&red).await.unwrap(), 1);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_no_collection_is_not_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    with_items(&*backend).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE theirs (id INTEGER PRIMARY KEY, name TEXT)")
        .unwrap();
    let error = backend.drop_collection("theirs").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("no collection"), "{error}");
    other.execute_batch("SELECT name FROM theirs").unwrap();
    assert!(backend.drop_collection("_den_indexes").await.is_err());
    backend.drop_collection("missing").await.unwrap();
    backend.drop_collection(ITEMS).await.unwrap();
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_commit_that_fails_ends_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "foreign_keys=on").await;
    with_items(&*backend).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    // Another program's table and trigger, which let a row in that only the commit refuses.
    other
        .execute_batch(
            "CREATE TABLE parents (id TEXT PRIMARY KEY);
            CREATE TABLE children (id TEXT REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER orphan AFTER INSERT ON items BEGIN
                INSERT INTO children VALUES (NEW.id);
            END",
        )
        .unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    tx.put(ITEMS, any("1", b"{}")).await.unwrap();
    tx.commit().await.unwrap_err();
    let error = tx.rollback().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionClosed);
    // Its lock is gone, though `tx` is still here.
    other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
    assert_eq!(backend.get(ITEMS, "1").await.unwrap(), None);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn an_unchanged_schema_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    let meta = CollectionMeta {
        indexes: vec![index_of_n(IndexKind::Unique)],
        ..CollectionMeta::new(ITEMS)
    };
    backend.ensure_collection(&meta).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    let version = || -> i64 {
        other
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .unwrap()
    };
    let before = version();
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(version(), before);
}

#[tokio::test]
async fn a_unique_index_over_duplicates_names_one() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 3).await;
    backend
        .put(ITEMS, any("twin", &body("twin", 1)))
        .await
        .unwrap();
    let index = index_of_n(IndexKind::Unique);
    let error = backend.ensure_index(ITEMS, &index).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.id(), Some("twin"));
    assert_eq!(error.constraint().unwrap().fields(), ["n"]);
    assert!(
        backend
            .list_recorded_indexes(ITEMS)
            .await
            .unwrap()
            .is_empty()
    );
}

#[test]
fn dropping_outside_of_a_runtime_is_fine() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (backend, tx) = runtime.block_on(async {
        let backend: Arc<dyn Backend> = open("sqlite::memory:").await.unwrap();
        with_items(&*backend).await;
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        tx.put(ITEMS, any("1", b"{}")).await.unwrap();
        (backend, tx)
    });
    drop(runtime);
    drop(tx);
    drop(backend);
}

#[tokio::test]
async fn bad_documents_are_refused_inside_a_transaction_too() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let deep = ["[".repeat(2000), "]".repeat(2000)].concat();
    for bad in [b"{".as_slice(), deep.as_bytes(), b"\xff"] {
        let error = tx.put(ITEMS, any("1", bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument, "{error}");
    }
    tx.put(ITEMS, any("1", b"{}")).await.unwrap();
    tx.commit().await.unwrap();
    assert!(backend.get(ITEMS, "1").now_or_never().unwrap().is_ok());
}
