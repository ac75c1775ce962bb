//! What only PostgreSQL has: indexes that are built beside writers, builds that are interrupted, objects of
//! other programs.

use std::time::Duration;

use den::{
    ErrorKind, constraint,
    prelude::*,
    schema::{DryRun, PlannedAction},
};
use den_test_harness::{Case, TestDb};
use futures_util::future::join;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

pub(super) const CASES: &[Case] = &[
    case!(writers_go_on_while_an_index_is_built, only: [Postgres, PostgresIcu]),
    case!(an_interrupted_build_is_repaired, only: [Postgres, PostgresIcu]),
    case!(a_build_that_is_killed_at_any_point_ends_right, only: [Postgres]),
    case!(objects_of_other_programs_stay, only: [Postgres, PostgresIcu]),
    case!(a_script_of_the_plan_does_what_apply_does, only: [Postgres, PostgresIcu]),
    case!(a_constraint_holds_up_writers_and_no_more, only: [Postgres, PostgresIcu]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "parts")]
struct Bare {
    #[serde(flatten)]
    base: Base<Bare>,
    code: String,
    weight: f64,
}

/// The same in its next release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "parts")]
struct Part {
    #[serde(flatten)]
    base: Base<Part>,
    #[den(unique)]
    code: String,
    #[den(index)]
    weight: f64,
}

fn part(code: &str) -> Part {
    Part {
        code: code.to_owned(),
        weight: 1.5,
        ..Default::default()
    }
}

/// So many parts as the first release wrote them.
const FILL: &str = "INSERT INTO parts (id, data)
SELECT 'p' || i, jsonb_build_object('_id', 'p' || i, 'code', 'c' || i, 'weight', i % 100)
FROM generate_series(1, 20000) AS i";

/// Ends whoever builds an index on the table, and says how many that were.
const KILL: &str = "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks AS l
WHERE l.relation = 'parts'::regclass AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted";

const INVALID: &str =
    "SELECT count(*) FROM pg_index WHERE indrelid = 'parts'::regclass AND NOT indisvalid";

/// The first release wrote; the second is declared on the same database.
async fn released(on: &TestDb) -> (Db, Client) {
    on.with::<Bare>().await;
    let plain = on.plain_connection().await;
    plain.batch_execute(FILL).await.unwrap();
    let db = on.open_again().await;
    db.declare::<Part>().unwrap();
    (db, plain)
}

async fn number(plain: &Client, question: &str) -> i64 {
    plain.query_one(question, &[]).await.unwrap().get(0)
}

async fn until_built(plain: &Client) {
    let building = "SELECT count(*) FROM pg_locks AS l
        WHERE l.relation = 'parts'::regclass AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted";
    while number(plain, building).await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn writers_go_on_while_an_index_is_built(on: &TestDb) {
    let (db, plain) = released(on).await;
    // The build waits for whoever wrote before it.
    let writer =
        "BEGIN; INSERT INTO parts (id, data) VALUES ('w', '{\"_id\": \"w\", \"code\": \"w\"}')";
    plain.batch_execute(writer).await.unwrap();
    let writes = async {
        let looks = on.plain_connection().await;
        until_built(&looks).await;
        for i in 0..20 {
            let mut new = part(&format!("new {i}"));
            let saved = async { new.save(&db).await };
            timeout(Duration::from_secs(5), saved)
                .await
                .unwrap()
                .unwrap();
        }
        plain.batch_execute("COMMIT").await.unwrap();
    };
    let (applied, ()) = join(db.schema().apply(), writes).await;
    assert_eq!(applied.unwrap().changes().len(), 2);
    db.schema().check().await.unwrap();
    let p = Part::fields();
    let found = Part::query(&db).filter(p.code.starts_with("new ")).count();
    assert_eq!(found.await.unwrap(), 20);
    let error = part("new 1").save(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    db.close().await.unwrap();
}

async fn an_interrupted_build_is_repaired(on: &TestDb) {
    let (db, plain) = released(on).await;
    let writer =
        "BEGIN; INSERT INTO parts (id, data) VALUES ('w', '{\"_id\": \"w\", \"code\": \"w\"}')";
    plain.batch_execute(writer).await.unwrap();
    let kill = async {
        let looks = on.plain_connection().await;
        until_built(&looks).await;
        while number(&looks, INVALID).await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(number(&looks, KILL).await, 1);
    };
    let (applied, ()) = join(db.schema().apply(), kill).await;
    assert_eq!(applied.unwrap_err().kind(), ErrorKind::ConnectionLost);
    plain.batch_execute("COMMIT").await.unwrap();
    assert_eq!(number(&plain, INVALID).await, 1);

    let plan = db.schema().plan().await.unwrap();
    let rebuilt = plan.changes().iter().find_map(|it| match &it.action {
        PlannedAction::RebuildIndex { reason, .. } => Some(reason.as_str()),
        PlannedAction::CreateCollection | PlannedAction::CreateIndex { .. } => None,
    });
    assert_eq!(rebuilt, Some("its build was interrupted"), "{plan}");
    db.schema().apply().await.unwrap();
    assert_eq!(number(&plain, INVALID).await, 0);
    db.schema().check().await.unwrap();
    let error = part("c7").save(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    db.close().await.unwrap();
}

async fn a_build_that_is_killed_at_any_point_ends_right(on: &TestDb) {
    let (db, plain) = released(on).await;
    for moment in 0..12 {
        let kill = async {
            sleep(Duration::from_millis(moment * 9)).await;
            number(&plain, KILL).await
        };
        let (applied, _killed) = join(db.schema().apply(), kill).await;
        if let Err(error) = applied {
            let lost = [ErrorKind::ConnectionLost, ErrorKind::CommitUnknown];
            assert!(lost.contains(&error.kind()), "{error:?}");
        }
        let plan = db.schema().plan().await.unwrap();
        if plan.is_empty() {
            for index in db.schema().indexes("parts").await.unwrap() {
                db.schema().drop_index("parts", index.name).await.unwrap();
            }
        }
    }
    db.schema().apply().await.unwrap();
    db.schema().check().await.unwrap();
    assert_eq!(number(&plain, INVALID).await, 0);
    db.close().await.unwrap();
}

async fn objects_of_other_programs_stay(on: &TestDb) {
    let (db, plain) = released(on).await;
    let theirs = "CREATE INDEX their_index ON parts ((data->>'weight'));
        ALTER TABLE parts ADD CONSTRAINT their_check CHECK (data->>'code' <> 'no');
        ALTER TABLE parts ADD COLUMN their_column text GENERATED ALWAYS AS (data->>'code') STORED";
    plain.batch_execute(theirs).await.unwrap();
    db.schema().apply().await.unwrap();
    let stale = db.schema().drop_stale(DryRun::No).await.unwrap();
    assert_eq!(stale.dropped.len() + stale.kept.len(), 0);
    let error = part("no").save(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(error.constraint().unwrap().name(), "their_check");
    let mut good = part("yes");
    good.save(&db).await.unwrap();
    let error = db.schema().drop_index("parts", "their_index").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    db.schema()
        .rename_collection("parts", "pieces")
        .await
        .unwrap();
    let there = "SELECT count(*) FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename = 'pieces' AND indexname = 'their_index'";
    assert_eq!(number(&plain, there).await, 1);
    let kept = "SELECT count(their_column) FROM pieces";
    assert_eq!(number(&plain, kept).await, 20_001);
    db.close().await.unwrap();
}

async fn a_script_of_the_plan_does_what_apply_does(on: &TestDb) {
    let (db, plain) = released(on).await;
    let script = db.schema().plan().await.unwrap().sql();
    assert!(script.contains("CONCURRENTLY"), "{script}");
    for statement in script.split_inclusive(";\n") {
        plain.batch_execute(statement).await.unwrap();
    }
    let names = "SELECT count(*) FROM pg_index WHERE indrelid = 'parts'::regclass AND indisvalid";
    assert_eq!(number(&plain, names).await, 3);
    // They are not den's yet, which makes its own in their place.
    db.schema().apply().await.unwrap();
    db.schema().check().await.unwrap();
    assert_eq!(number(&plain, names).await, 3);
    db.close().await.unwrap();
}

async fn a_constraint_holds_up_writers_and_no_more(on: &TestDb) {
    let (db, plain) = released(on).await;
    plain
        .batch_execute("BEGIN; UPDATE parts SET data = data - 'weight' WHERE id = 'p9'")
        .await
        .unwrap();
    let rule = constraint::required("weight").named("has_weight");
    let create = async { db.schema().create_constraint("parts", rule).await };
    let finish = async {
        sleep(Duration::from_millis(150)).await;
        plain.batch_execute("COMMIT").await.unwrap();
    };
    let (made, ()) = join(create, finish).await;
    let error = made.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(error.offenders(), ["p9"]);
    plain
        .batch_execute("DELETE FROM parts WHERE id = 'p9'")
        .await
        .unwrap();
    let rule = constraint::required("weight").named("has_weight");
    db.schema().create_constraint("parts", rule).await.unwrap();
    let breaks = "UPDATE parts SET data = data - 'weight' WHERE id = 'p8'";
    assert!(plain.batch_execute(breaks).await.is_err());
    db.close().await.unwrap();
}
