//! Tables and indexes made by many, and late.

use std::time::Duration;

use den_backend::{CollectionMeta, CompareOp, ErrorKind, ExplainMode, FieldKind, IndexKind, Query};
use futures_util::future::{join, join_all};

use crate::{
    Case, case,
    support::{Schema, index, n, things, write},
};

pub(super) const CASES: &[Case] = &[
    case!(many_processes_start_at_once),
    case!(many_processes_build_a_late_index),
    case!(changes_wait_for_a_build),
    case!(a_late_index_is_used),
    case!(an_unchanged_schema_changes_nothing),
    case!(an_invalid_index_is_rebuilt),
    case!(a_refused_unique_index_leaves_nothing),
    case!(a_changed_index_is_rebuilt),
    case!(a_new_index_on_an_empty_table_gets_its_column),
    case!(a_long_name_is_refused),
    case!(one_connection_is_enough),
];

const FILL: &str = "INSERT INTO things (id, data)
SELECT i::text, jsonb_build_object('_id', i::text, 'n', i, 'code', i::text, 'm', i % 10)
FROM generate_series(1, 5000) AS i;
ANALYZE things";

const INVALID: &str =
    "SELECT count(*) FROM pg_index WHERE indrelid = 'things'::regclass AND NOT indisvalid";

/// How many relations the schema holds.
const RELATIONS: &str = "SELECT count(*) FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = current_schema()";

fn bare() -> CollectionMeta {
    CollectionMeta::new("things")
}

async fn many_processes_start_at_once(schema: &Schema) {
    let backends = join_all((0..8).map(|_| schema.open("max_connections=2"))).await;
    let meta = things();
    for outcome in join_all(backends.iter().map(|it| it.ensure_collection(&meta))).await {
        outcome.unwrap();
    }
    assert_eq!(
        backends[0]
            .list_recorded_indexes("things")
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(backends[0].collections().await.unwrap(), ["things"]);
}

async fn many_processes_build_a_late_index(schema: &Schema) {
    let backends = join_all((0..4).map(|_| schema.open("max_connections=2"))).await;
    backends[0].ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let meta = things();
    for outcome in join_all(backends.iter().map(|it| it.ensure_collection(&meta))).await {
        outcome.unwrap();
    }
    assert_eq!(schema.ask(INVALID).await, "0");
}

/// Before they took turns, the change waited for the build on the table's lock, and the build for the
/// change's snapshot: a deadlock.
async fn changes_wait_for_a_build(schema: &Schema) {
    let building = schema.open("").await;
    let changing = schema.open("").await;
    let mut meta = bare();
    meta.indexes = vec![index("things_n", IndexKind::Plain, "m", FieldKind::Number)];
    building.ensure_collection(&meta).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let writer = "BEGIN; INSERT INTO things (id, data) VALUES ('new', '{\"_id\": \"new\"}')";
    schema.plain.batch_execute(writer).await.unwrap();

    let late = index("things_code", IndexKind::Unique, "code", FieldKind::Text);
    let build = building.ensure_index("things", &late);
    let other = index("things_n", IndexKind::Plain, "n", FieldKind::Number);
    let change = async {
        // Until the build waits for the writer.
        let lock = "SELECT count(*) FROM pg_locks WHERE relation = 'things'::regclass
            AND mode = 'ShareUpdateExclusiveLock' AND granted";
        while schema.ask(lock).await == "0" {
            tokio::task::yield_now().await;
        }
        let unrelated = CollectionMeta::new("others");
        changing.ensure_collection(&unrelated).await.unwrap();
        let commit = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            schema.plain.batch_execute("COMMIT").await.unwrap();
        };
        join(changing.ensure_index("things", &other), commit)
            .await
            .0
    };
    let (built, changed) = join(build, change).await;
    built.unwrap();
    changed.unwrap();
    assert_eq!(schema.ask(INVALID).await, "0");
}

async fn plan(schema: &Schema, backend: &dyn den_backend::Backend) -> String {
    schema.plain.batch_execute("ANALYZE things").await.unwrap();
    let mut query = Query::new("things");
    query.filter = n(CompareOp::Eq, 17);
    let explain = backend.explain(&query, ExplainMode::Plan).await.unwrap();
    assert_eq!(explain.parameters, ["17"]);
    explain.plan.join("\n")
}

async fn a_late_index_is_used(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    assert!(!plan(schema, &*backend).await.contains("things_n"));
    backend.ensure_collection(&things()).await.unwrap();
    assert!(plan(schema, &*backend).await.contains("things_n"));
    // A process that never registered the type finds it too.
    let other = schema.open("").await;
    assert!(plan(schema, &*other).await.contains("things_n"));
}

async fn an_unchanged_schema_changes_nothing(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    // The transaction that last wrote into the catalogs that DDL changes.
    let made = schema
        .ask("SELECT max(xmin::text::bigint) FROM _den_indexes")
        .await;
    backend.ensure_collection(&things()).await.unwrap();
    assert_eq!(
        schema
            .ask("SELECT max(xmin::text::bigint) FROM _den_indexes")
            .await,
        made
    );
}

async fn an_invalid_index_is_rebuilt(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    // What an interrupted build leaves behind.
    schema
        .plain
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY things_code ON things ((data->>'m'))")
        .await
        .unwrap_err();
    let ours = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_code'::regclass";
    assert_eq!(schema.ask(ours).await, "f");
    backend.ensure_collection(&things()).await.unwrap();
    assert_eq!(schema.ask(ours).await, "t");
    let error = write(&*backend, "new", 1, "17").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["code"]);
}

async fn a_refused_unique_index_leaves_nothing(schema: &Schema) {
    let backend = schema.open("max_connections=1").await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    write(&*backend, "twin", 1, "4321").await.unwrap();
    let before = schema.ask(RELATIONS).await;
    let unique = index("things_code", IndexKind::Unique, "code", FieldKind::Text);
    let error = backend.ensure_index("things", &unique).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["code"]);
    assert!(["twin", "4321"].contains(&error.id().unwrap()), "{error}");
    assert_eq!(schema.ask(RELATIONS).await, before);
    assert!(
        backend
            .list_recorded_indexes("things")
            .await
            .unwrap()
            .is_empty()
    );
    // Without the twin it works.
    backend
        .delete("things", "twin", den_backend::Expectation::Any)
        .await
        .unwrap();
    backend.ensure_index("things", &unique).await.unwrap();
}

async fn a_changed_index_is_rebuilt(schema: &Schema) {
    let backend = schema.open("").await;
    let mut meta = bare();
    meta.indexes = vec![index("things_n", IndexKind::Plain, "m", FieldKind::Number)];
    backend.ensure_collection(&meta).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    assert!(!plan(schema, &*backend).await.contains("things_n"));
    meta.indexes = vec![index("things_n", IndexKind::Plain, "n", FieldKind::Number)];
    backend.ensure_collection(&meta).await.unwrap();
    assert!(plan(schema, &*backend).await.contains("things_n"));
    // One that cannot be made leaves the old one.
    meta.indexes = vec![index("things_n", IndexKind::Unique, "m", FieldKind::Number)];
    let error = backend.ensure_collection(&meta).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(plan(schema, &*backend).await.contains("things_n"));
}

async fn a_new_index_on_an_empty_table_gets_its_column(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    backend.ensure_collection(&things()).await.unwrap();
    let generated = "SELECT count(*) FROM pg_attribute
        WHERE attrelid = 'things'::regclass AND attgenerated = 's'";
    assert_eq!(schema.ask(generated).await, "2");
    schema.plain.batch_execute(FILL).await.unwrap();
    assert!(plan(schema, &*backend).await.contains("things_n"));
}

async fn a_long_name_is_refused(schema: &Schema) {
    let backend = schema.open("").await;
    let long = CollectionMeta::new("x".repeat(64));
    let error = backend.ensure_collection(&long).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let longest = CollectionMeta::new("x".repeat(63));
    backend.ensure_collection(&longest).await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), [longest.name]);
}

async fn one_connection_is_enough(schema: &Schema) {
    let backend = schema.open("max_connections=1&acquire_timeout=1").await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    backend.ensure_collection(&things()).await.unwrap();
    backend.drop_index("things", "things_n").await.unwrap();
    backend.drop_collection("things").await.unwrap();
    assert!(backend.collections().await.unwrap().is_empty());
}
