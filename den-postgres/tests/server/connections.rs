//! Servers that are not there, refuse, or end connections.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use den_backend::{ErrorKind, Query, TxOptions};
use futures_util::TryStreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::sleep,
};

use crate::{
    Case, case,
    support::{Schema, open, things, write},
};

pub(super) const CASES: &[Case] = &[
    case!(no_server),
    case!(a_silent_server),
    case!(a_wrong_password),
    case!(a_missing_database),
    case!(a_missing_schema),
    case!(strings_that_are_not_standard),
    case!(an_unknown_parameter),
    case!(an_exhausted_pool),
    case!(idle_connections_that_ended),
    case!(a_transaction_that_lost_its_connection),
    case!(a_commit_that_lost_its_connection),
    case!(a_stream_that_lost_its_connection),
    case!(a_changed_result_type),
    case!(after_close),
];

async fn no_server(_: &Schema) {
    let error = open("postgres://me:s3cret@127.0.0.1:1/db")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(error.to_string().contains("127.0.0.1:1/db"), "{error}");
    assert!(error.source().is_some());
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

async fn a_silent_server(_: &Schema) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let started = Instant::now();
    let url = format!("postgres://me@127.0.0.1:{port}/db?connect_timeout=300ms");
    let error = open(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(started.elapsed() < Duration::from_secs(3));
}

/// A server that asks for the password and refuses it, whatever the one under test trusts.
async fn a_wrong_password(_: &Schema) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
        socket.write_all(b"R\0\0\0\x08\0\0\0\x03").await.unwrap();
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
        let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0\0";
        let mut message = vec![b'E'];
        let length = u32::try_from(fields.len() + 4).unwrap();
        message.extend(length.to_be_bytes());
        message.extend(fields);
        socket.write_all(&message).await.unwrap();
        sleep(Duration::from_millis(50)).await;
    };
    let url = format!("postgres://me:s3cret@127.0.0.1:{port}/db");
    let (opened, ()) = tokio::join!(open(&url), server);
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!(error.code(), Some("28P01"));
    assert!(error.to_string().contains("password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

async fn a_missing_database(schema: &Schema) {
    let error = open(&schema.url("dbname=no_such_database_here"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!(error.code(), Some("3D000"));
}

async fn a_missing_schema(schema: &Schema) {
    let error = open(&schema.url("schema=not%20there")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("schema"), "{error}");
}

async fn strings_that_are_not_standard(schema: &Schema) {
    let set = |to: &str| schema.url(&["options=-c%20standard_conforming_strings%3D", to].concat());
    let error = open(&set("off")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("standard_conforming"), "{error}");
    open(&set("on")).await.unwrap();
}

async fn an_unknown_parameter(schema: &Schema) {
    let error = open(&schema.url("max_connection=3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("`max_connection`"), "{error}");
    let error = open(&schema.url("sslmode=require")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

async fn an_exhausted_pool(schema: &Schema) {
    let backend = schema.open("max_connections=1&acquire_timeout=200ms").await;
    backend.ensure_collection(&things()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let error = backend.get("things", "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("max_connections"), "{error}");
    drop(tx);
    assert!(backend.get("things", "a").await.unwrap().is_none());
}

async fn idle_connections_that_ended(schema: &Schema) {
    let backend = schema.open("max_connections=4").await;
    backend.ensure_collection(&things()).await.unwrap();
    for _ in 0..10 {
        let query = Query::new("things");
        let reads = [
            backend.count(&query),
            backend.count(&query),
            backend.count(&query),
        ];
        futures_util::future::try_join_all(reads).await.unwrap();
        schema.terminate().await;
        assert!(backend.get("things", "a").await.unwrap().is_none());
        backend
            .query(&query)
            .await
            .unwrap()
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
    }
}

async fn a_transaction_that_lost_its_connection(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    schema.terminate().await;
    let error = write(&*tx, "b", 1, "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 0);
}

async fn a_commit_that_lost_its_connection(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema
        .plain
        .batch_execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON things
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await
        .unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    let end = async {
        sleep(Duration::from_millis(300)).await;
        schema.terminate().await;
    };
    let (committed, ()) = tokio::join!(tx.commit(), end);
    let error = committed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommitUnknown, "{error:?}");
    assert!(!error.is_retryable());
    backend.ping().await.unwrap();
}

async fn a_stream_that_lost_its_connection(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema
        .plain
        .batch_execute(
            "INSERT INTO things (id, data)
             SELECT i::text, jsonb_build_object('_id', i::text, 'text', repeat('x', 500))
             FROM generate_series(1, 50000) AS i",
        )
        .await
        .unwrap();
    let mut rows = backend.query(&Query::new("things")).await.unwrap();
    assert!(rows.try_next().await.unwrap().is_some());
    schema.terminate().await;
    let error = loop {
        match rows.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(rows.try_next().await.unwrap().is_none());
    backend.ping().await.unwrap();
}

async fn a_changed_result_type(schema: &Schema) {
    let backend = schema.open("max_connections=1").await;
    let mut bare = things();
    bare.indexes.clear();
    backend.ensure_collection(&bare).await.unwrap();
    write(&*backend, "a", 1, "a").await.unwrap();
    assert!(backend.get("things", "a").await.unwrap().is_some());
    let change = "ALTER TABLE things ALTER COLUMN data TYPE json";
    schema.plain.batch_execute(change).await.unwrap();
    assert!(backend.get("things", "a").await.unwrap().is_some());
}

async fn after_close(schema: &Schema) {
    let backend = schema.open("").await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let (closed, ()) = tokio::join!(backend.close(), async {
        sleep(Duration::from_millis(50)).await;
        tx.commit().await.unwrap();
    });
    closed.unwrap();
    assert_eq!(
        backend.ping().await.unwrap_err().kind(),
        ErrorKind::ConnectionLost
    );
    assert_eq!(backend.stats().connections, 0);
    backend.close().await.unwrap();
}
