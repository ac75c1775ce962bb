//! Collections that PostgreSQL keeps in partitions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use den::{
    ErrorKind, Json,
    postgres::pg::{self, GinTarget},
    prelude::*,
    site,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_catalog_says_so, only: [Postgres, PostgresIcu]),
    case!(partitions_come_and_go, only: [Postgres, PostgresIcu]),
    case!(only_a_partition_is_dropped, only: [Postgres, PostgresIcu]),
    case!(a_partitioned_collection_keeps_documents, only: [Postgres, PostgresIcu]),
    case!(a_document_moves_with_its_time, only: [Postgres, PostgresIcu]),
    case!(writers_of_one_id_take_turns, only: [Postgres]),
    case!(without_a_partition_nothing_is_written, only: [Postgres, PostgresIcu]),
    case!(what_partitions_cannot_is_refused, only: [Postgres, PostgresIcu]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "events")]
struct Event {
    #[serde(flatten)]
    base: Base<Event>,
    #[den(index)]
    received_at: Timestamp,
    #[den(index)]
    kind: String,
    count: i64,
}

fn event(at: &str, kind: &str) -> Event {
    Event {
        received_at: at.parse().unwrap(),
        kind: kind.to_owned(),
        ..Default::default()
    }
}

/// 2026-05-01T10:00:00Z.
pub(super) fn may() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_777_629_600)
}

async fn partitioned(on: &TestDb) -> &Db {
    let backend = on.db.backend();
    pg::create_range_partitioned_collection(backend, "events", "received_at")
        .await
        .unwrap();
    pg::create_daily_partitions_ahead(backend, "events", may(), 3)
        .await
        .unwrap();
    on.with::<Event>().await
}

async fn the_catalog_says_so(on: &TestDb) {
    let db = partitioned(on).await;
    let over = GinTarget::path("kind").unwrap();
    pg::create_gin_index(
        db.backend(),
        "events",
        "events_kind",
        &over,
        Some("jsonb_path_ops"),
    )
    .await
    .unwrap();
    let sql = "SELECT p.partstrat::text AS strategy, count(i.inhrelid) AS partitions
        FROM pg_partitioned_table AS p JOIN pg_inherits AS i ON i.inhparent = p.partrelid
        WHERE p.partrelid = 'events'::regclass GROUP BY 1";
    let rows: Vec<Json> = db
        .query_raw(site!("catalog_partitions"), sql, ())
        .await
        .unwrap();
    assert_eq!(rows, [json!({"strategy": "r", "partitions": 3})]);
    let sql =
        "SELECT indexdef FROM pg_indexes WHERE indexname = $1 AND schemaname = current_schema()";
    let rows: Vec<Json> = db
        .query_raw(site!("catalog_index"), sql, ["events_kind"])
        .await
        .unwrap();
    let definition = rows[0]["indexdef"].as_str().unwrap();
    assert!(
        definition.contains("USING gin") && definition.contains("jsonb_path_ops"),
        "{definition}"
    );
    let collections = db.collections().await.unwrap();
    assert_eq!(collections, ["events"]);
}

async fn partitions_come_and_go(on: &TestDb) {
    let db = partitioned(on).await;
    let backend = db.backend();
    for _ in 0..2 {
        let made = pg::create_daily_partitions_ahead(backend, "events", may(), 3)
            .await
            .unwrap();
        assert_eq!(
            made,
            ["events_20260501", "events_20260502", "events_20260503"]
        );
    }
    let none = pg::create_daily_partitions_ahead(backend, "events", may(), 0)
        .await
        .unwrap();
    assert!(none.is_empty());
    let month_ago = may() - Duration::from_secs(31 * 86_400);
    let seeded = pg::create_daily_partitions_ahead(backend, "events", month_ago, 1)
        .await
        .unwrap();
    assert_eq!(seeded, ["events_20260331"]);
    event("2026-03-31T00:00:00Z", "old").save(db).await.unwrap();
    event("2026-03-31T23:59:59.999999Z", "old")
        .save(db)
        .await
        .unwrap();
    event("2026-05-01T00:00:00Z", "new").save(db).await.unwrap();
    let list = async |days| {
        pg::list_daily_partitions_before(backend, "events", may(), days)
            .await
            .unwrap()
    };
    assert_eq!(list(30).await, ["events_20260331"]);
    assert!(list(31).await.is_empty());
    assert_eq!(list(0).await, ["events_20260331"]);
    pg::drop_partition(backend, "events", "events_20260331")
        .await
        .unwrap();
    assert!(list(0).await.is_empty());
    let left = Event::query(db).all().await.unwrap();
    assert_eq!((left.len(), left[0].kind.as_str()), (1, "new"));
}

async fn only_a_partition_is_dropped(on: &TestDb) {
    let db = partitioned(on).await;
    on.with::<Item>().await;
    let backend = db.backend();
    pg::create_range_partitioned_collection(backend, "others", "at")
        .await
        .unwrap();
    pg::create_daily_partitions_ahead(backend, "others", may(), 1)
        .await
        .unwrap();
    for name in [
        "items",
        "events",
        "others_20260501",
        "nope",
        "",
        "events_20260501\"; --",
    ] {
        refused(
            pg::drop_partition(backend, "events", name).await,
            ErrorKind::NotFound,
        );
    }
    for collection in ["items", "nope"] {
        let dropped = pg::drop_partition(backend, collection, "events_20260501").await;
        refused(dropped, ErrorKind::InvalidQuery);
    }
    assert_eq!(
        pg::list_daily_partitions_before(
            backend,
            "others",
            may() + Duration::from_secs(864_000),
            0
        )
        .await
        .unwrap()
        .len(),
        1
    );
    // A table that only looks like one.
    let sql = "CREATE TABLE events_20200101 (id text, data jsonb)";
    db.execute_raw(site!("looks_like_a_partition"), sql, ())
        .await
        .unwrap();
    let listed = pg::list_daily_partitions_before(backend, "events", may(), 30)
        .await
        .unwrap();
    assert!(listed.is_empty());
    refused(
        pg::drop_partition(backend, "events", "events_20200101").await,
        ErrorKind::NotFound,
    );
    let again = pg::create_range_partitioned_collection(backend, "items", "at").await;
    refused(again, ErrorKind::InvalidQuery);
}

async fn a_partitioned_collection_keeps_documents(on: &TestDb) {
    let db = partitioned(on).await;
    let e = Event::fields();
    let mut all = [
        "2026-05-01T01:00:00Z",
        "2026-05-02T02:00:00Z",
        "2026-05-03T03:00:00Z",
    ]
    .map(|at| event(at, "click"));
    Event::insert_many(db, &mut all).await.unwrap();
    let mut first = Event::get(db, all[0].id()).await.unwrap().unwrap();
    assert_eq!(first, all[0]);
    first.count = 5;
    first.save(db).await.unwrap();
    assert_eq!(Event::find(db, first.id()).await.unwrap().count, 5);
    let newest = Event::query(db)
        .sort(e.received_at.desc())
        .limit(2)
        .all()
        .await
        .unwrap();
    assert_eq!(newest, [all[2].clone(), all[1].clone()]);
    let changed = Event::query(db)
        .filter(e.kind.eq("click"))
        .update()
        .inc(e.count, 1)
        .await
        .unwrap();
    assert_eq!(changed, 3);
    assert_eq!(Event::find(db, first.id()).await.unwrap().count, 6);
    let again = Event {
        base: first.base.clone(),
        ..event("2026-05-01T05:00:00Z", "twice")
    };
    let mut copy = again.clone();
    copy.base = Base::default();
    copy.base.id = first.id().clone();
    refused(copy.insert(db).await, ErrorKind::Duplicate);
    db.transaction(async |tx| {
        refused(copy.insert(&tx).await, ErrorKind::Duplicate);
        event("2026-05-02T00:00:00Z", "in a transaction")
            .save(&tx)
            .await
    })
    .await
    .unwrap();
    assert_eq!(Event::query(db).count().await.unwrap(), 4);
    first.delete(db).await.unwrap();
    assert_eq!(
        Event::query(db)
            .filter(e.kind.eq("click"))
            .delete()
            .await
            .unwrap(),
        2
    );
    assert_eq!(Event::query(db).count().await.unwrap(), 1);
    // Registered once more, by another process.
    let other = on.open_again().await;
    other.register::<Event>().await.unwrap();
    assert_eq!(Event::query(&other).count().await.unwrap(), 1);
    other.close().await.unwrap();
}

async fn a_document_moves_with_its_time(on: &TestDb) {
    let db = partitioned(on).await;
    let mut it = event("2026-05-01T01:00:00Z", "moved");
    it.save(db).await.unwrap();
    for at in [
        "2026-05-03T01:00:00Z",
        "2026-05-02T01:00:00Z",
        "2026-05-02T23:00:00Z",
    ] {
        it.received_at = at.parse().unwrap();
        it.save(db).await.unwrap();
        let all = Event::query(db).all().await.unwrap();
        assert_eq!(all, [it.clone()]);
    }
    let sql = "SELECT count(*) AS n FROM events_20260502";
    let rows: Vec<Json> = db
        .query_raw(site!("count_partition"), sql, ())
        .await
        .unwrap();
    assert_eq!(rows, [json!({"n": 1})]);
}

async fn writers_of_one_id_take_turns(on: &TestDb) {
    let db = partitioned(on).await;
    let id = Id::<Event>::generate();
    let tasks = (0..12).map(|n: u32| {
        let (db, id) = (db.clone(), id.clone());
        tokio::spawn(async move {
            let mut it = event(
                ["2026-05-01T01:00:00Z", "2026-05-02T01:00:00Z"][n as usize % 2],
                "x",
            );
            it.base.id = id;
            it.insert(&db).await.is_ok()
        })
    });
    let won = futures_util::future::try_join_all(tasks).await.unwrap();
    assert_eq!(won.iter().filter(|it| **it).count(), 1);
    assert_eq!(Event::query(db).count().await.unwrap(), 1);
}

async fn without_a_partition_nothing_is_written(on: &TestDb) {
    let db = partitioned(on).await;
    let error = refused(
        event("2026-06-01T00:00:00Z", "x").save(db).await,
        ErrorKind::InvalidDocument,
    );
    assert!(
        error.to_string().contains("create_daily_partitions_ahead"),
        "{error}"
    );
    let mut many = [
        event("2026-05-01T00:00:00Z", "x"),
        event("2026-06-01T00:00:00Z", "x"),
    ];
    refused(
        Event::insert_many(db, &mut many).await,
        ErrorKind::InvalidDocument,
    );
    let untyped = db.collection("events");
    for bad in [
        json!({}),
        json!({"received_at": 5}),
        json!({"received_at": "soonZ"}),
        json!({"received_at": "2026-05-01T00:00:00"}),
    ] {
        refused(untyped.insert(bad).await, ErrorKind::InvalidDocument);
    }
    db.transaction(async |tx| {
        refused(
            event("2026-06-01T00:00:00Z", "x").save(&tx).await,
            ErrorKind::InvalidDocument,
        );
        event("2026-05-01T00:00:00Z", "kept").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(Event::query(db).count().await.unwrap(), 1);
}

async fn what_partitions_cannot_is_refused(on: &TestDb) {
    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "visits")]
    struct Visit {
        #[serde(flatten)]
        base: Base<Visit>,
        at: Timestamp,
        #[den(unique)]
        token: String,
    }
    let db = partitioned(on).await;
    let e = Event::fields();
    let moved = Event::query(db)
        .filter(e.kind.eq("x"))
        .update()
        .set(
            e.received_at,
            "2026-05-02T00:00:00Z".parse::<Timestamp>().unwrap(),
        )
        .await;
    refused(moved, ErrorKind::Unsupported);
    pg::create_range_partitioned_collection(db.backend(), "visits", "at")
        .await
        .unwrap();
    let error = refused(db.register::<Visit>().await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("unique"), "{error}");
}
