//! Changes of the schema in a transaction, beside others that know nothing of it yet.

use std::time::Duration;

use den_backend::{
    CollectionMeta, CompareOp, ErrorKind, Expectation, FieldKind, IndexKind, IndexMeta, Isolation,
    PlannedAction, Query, Result, SchemaChange, SearchOptions, TxOptions,
};
use futures_util::{FutureExt as _, future::join};
use tokio::time::{sleep, timeout};

use crate::{
    Case, case,
    support::{Schema, index, n, put, thing, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(others_know_nothing_of_a_change_before_the_commit),
    case!(a_rollback_leaves_no_trace),
    case!(a_change_that_is_not_awaited_is_whole),
    case!(a_change_waits_for_its_turn),
    case!(a_change_beside_a_build_is_refused_in_time),
    case!(a_change_sees_a_snapshot),
    case!(calls_beside_a_failing_change_are_kept),
    case!(a_read_only_transaction_changes_nothing),
    case!(one_connection_is_enough),
    case!(a_table_of_the_predecessor_gains_columns),
    case!(records_of_the_predecessor_stay_its_own),
    case!(a_renamed_table_leaves_its_old_name_free),
    case!(a_plan_is_what_is_run),
    case!(a_long_name_is_renamed),
];

fn bare() -> CollectionMeta {
    CollectionMeta::new("things")
}

fn create(meta: &CollectionMeta) -> SchemaChange {
    SchemaChange::CreateCollection(meta.clone())
}

fn rename(from: &str, to: &str) -> SchemaChange {
    SchemaChange::RenameCollection {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn of_n(op: CompareOp, value: i64) -> Query {
    let mut query = Query::new("things");
    query.filter = n(op, value);
    query
}

async fn others_know_nothing_of_a_change_before_the_commit(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    // Other collections, so that nobody waits.
    let mut meta = things();
    meta.name = "new".to_owned();
    tx.alter(&create(&meta)).await.unwrap();
    let body = thing("a", 1, "x");
    tx.put("new", put("a", &body, Expectation::Absent))
        .await
        .unwrap();
    let mut query = Query::new("new");
    query.filter = n(CompareOp::Eq, 1);
    assert_eq!(tx.count(&query).await.unwrap(), 1);
    let outside = backend.get("new", "a").await.unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::NotRegistered);
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&query).await.unwrap(), 1);
    assert!(backend.plan_collection(&meta).await.unwrap().is_empty());
}

async fn a_rollback_leaves_no_trace(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    // The index gets a column, which queries within use, and which is gone afterwards.
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    tx.alter(&create(&things())).await.unwrap();
    write(&*tx, "a", 1, "x").await.unwrap();
    assert_eq!(tx.count(&of_n(CompareOp::Eq, 1)).await.unwrap(), 1);
    let twice = write(&*tx, "b", 1, "x").await.unwrap_err();
    assert_eq!(twice.constraint().unwrap().fields(), ["code"]);
    let point = tx.savepoint().await.unwrap();
    tx.alter(&rename("things", "others")).await.unwrap();
    assert_eq!(tx.count(&Query::new("others")).await.unwrap(), 1);
    let gone = tx.count(&Query::new("things")).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotRegistered);
    tx.rollback_to(point).await.unwrap();
    assert_eq!(tx.count(&of_n(CompareOp::Eq, 1)).await.unwrap(), 1);
    tx.rollback().await.unwrap();
    assert_eq!(backend.count(&of_n(CompareOp::Eq, 1)).await.unwrap(), 0);
    let again = backend.begin(TxOptions::default()).await.unwrap();
    assert_eq!(again.count(&of_n(CompareOp::Eq, 1)).await.unwrap(), 0);
    drop(again);
    let listed = backend.list_recorded_indexes("things").await.unwrap();
    assert_eq!(listed, []);
}

async fn a_change_that_is_not_awaited_is_whole(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    for moment in 0..12 {
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        write(&*tx, "a", 1, "x").await.unwrap();
        let change = rename("things", "others");
        let dropped = timeout(Duration::from_micros(moment * 700), tx.alter(&change)).await;
        drop(dropped);
        // Either the one or the other, and what was written before is in it.
        let old = tx.get("things", "a").await;
        let new = tx.get("others", "a").await;
        assert!(old.is_ok() != new.is_ok(), "{old:?} {new:?}");
        tx.commit().await.unwrap();
        let mut names = backend.collections().await.unwrap();
        assert_eq!(names.len(), 1);
        let name = names.remove(0);
        let found = backend.get(&name, "a").await.unwrap();
        assert!(found.is_some());
        if name != "things" {
            backend.alter(&rename(&name, "things")).await.unwrap();
        }
    }
}

async fn a_change_waits_for_its_turn(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    let first = backend.begin(TxOptions::default()).await.unwrap();
    first
        .alter(&create(&CollectionMeta::new("one")))
        .await
        .unwrap();
    let second = backend.begin(TxOptions::default()).await.unwrap();
    let change = create(&CollectionMeta::new("two"));
    let late = async {
        second.alter(&change).await.unwrap();
        second.commit().await.unwrap();
    };
    let early = async {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(backend.collections().await.unwrap(), ["things"]);
        first.commit().await.unwrap();
    };
    join(late, early).await;
    assert_eq!(
        backend.collections().await.unwrap(),
        ["one", "things", "two"]
    );
}

/// The build waits for the transaction, which would wait for the build.
async fn a_change_beside_a_build_is_refused_in_time(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    write(&*backend, "a", 1, "x").await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "b", 2, "y").await.unwrap();
    let all = things();
    let build = backend.ensure_collection(&all);
    let change = async {
        let waits =
            "SELECT count(*) > 0 FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
            WHERE c.relname = 'things' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted";
        until(schema, waits, "t").await;
        let error = tx.alter(&rename("things", "others")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(error.is_retryable());
        write(&*tx, "c", 3, "z").await.unwrap();
        tx.commit().await.unwrap();
    };
    join(build, change).await.0.unwrap();
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 3);
}

async fn a_change_sees_a_snapshot(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let options = TxOptions {
            isolation,
            ..TxOptions::default()
        };
        let tx = backend.begin(options).await.unwrap();
        write(&*tx, "a", 1, "x").await.unwrap();
        tx.alter(&create(&things())).await.unwrap();
        tx.alter(&rename("things", "others")).await.unwrap();
        assert_eq!(tx.count(&Query::new("others")).await.unwrap(), 1);
        tx.commit().await.unwrap();
        backend.drop_collection("others").await.unwrap();
        backend.ensure_collection(&bare()).await.unwrap();
    }
}

async fn calls_beside_a_failing_change_are_kept(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "x").await.unwrap();
    write(&*tx, "b", 2, "x").await.unwrap();
    let unique = index("things_code", IndexKind::Unique, "code", FieldKind::Text);
    let change = SchemaChange::CreateIndex {
        collection: "things".to_owned(),
        index: unique,
    };
    for i in 0..10 {
        let id = format!("c{i}");
        let (failed, written) = join(tx.alter(&change), write(&*tx, &id, 3, &id)).await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Duplicate);
        written.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 12);
}

async fn a_read_only_transaction_changes_nothing(schema: &Schema) {
    let backend = schema.open("").await;
    let options = TxOptions {
        access: den_backend::Access::ReadOnly,
        ..TxOptions::default()
    };
    let tx = backend.begin(options).await.unwrap();
    let error = tx.alter(&create(&bare())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
}

async fn one_connection_is_enough(schema: &Schema) {
    let backend = schema.open("max_connections=1&acquire_timeout=1").await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    tx.alter(&create(&things())).await.unwrap();
    write(&*tx, "a", 1, "x").await.unwrap();
    tx.alter(&rename("things", "others")).await.unwrap();
    tx.alter(&SchemaChange::DropIndex {
        collection: "others".to_owned(),
        name: "things_n".to_owned(),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&Query::new("others")).await.unwrap(), 1);
}

const PREDECESSOR: &str = "CREATE TABLE _den_indexes (
        collection text NOT NULL,
        name text NOT NULL,
        fields jsonb NOT NULL,
        is_unique boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (collection, name)
    );
    CREATE TABLE things (
        id text PRIMARY KEY,
        data jsonb NOT NULL,
        _fts_vector tsvector GENERATED ALWAYS AS
            (to_tsvector('english', coalesce(jsonb_extract_path_text(data, 'code'), ''))) STORED
    );
    CREATE UNIQUE INDEX idx_things_code ON things (jsonb_extract_path_text(data, 'code'));
    INSERT INTO _den_indexes (collection, name, fields, is_unique)
        VALUES ('things', 'idx_things_code', '[\"code\"]', true);
    INSERT INTO things (id, data) VALUES ('a', '{\"_id\": \"a\", \"n\": 1, \"code\": \"x\"}')";

async fn a_table_of_the_predecessor_gains_columns(schema: &Schema) {
    schema.plain.batch_execute(PREDECESSOR).await.unwrap();
    let columns = "SELECT count(*) FROM pg_attribute
        WHERE attrelid = '_den_indexes'::regclass AND attnum > 0";
    let backend = schema.open("").await;
    assert_eq!(backend.collections().await.unwrap(), ["things"]);
    assert!(backend.get("things", "a").await.unwrap().is_some());
    assert_eq!(backend.count(&of_n(CompareOp::Eq, 1)).await.unwrap(), 1);
    write(&*backend, "b", 2, "y").await.unwrap();
    backend.ensure_collection(&bare()).await.unwrap();
    // So far den has read and written only.
    assert_eq!(schema.ask(columns).await, "5");
    let backends = futures_util::future::join_all((0..4).map(|_| schema.open(""))).await;
    let all = things();
    let made = backends.iter().map(|it| it.ensure_collection(&all));
    for made in futures_util::future::join_all(made).await {
        made.unwrap();
    }
    assert_eq!(schema.ask(columns).await, "8");
    assert!(backend.plan_collection(&all).await.unwrap().is_empty());
    assert_eq!(backend.count(&of_n(CompareOp::Ge, 1)).await.unwrap(), 2);
    // The predecessor goes on as it is.
    let theirs = "INSERT INTO _den_indexes (collection, name, fields, is_unique)
        VALUES ('things', 'idx_things_n', '[\"n\"]', false);
        INSERT INTO things (id, data) VALUES ('c', '{\"_id\": \"c\", \"n\": 3}')";
    schema.plain.batch_execute(theirs).await.unwrap();
    assert_eq!(backend.count(&of_n(CompareOp::Ge, 1)).await.unwrap(), 3);
}

async fn records_of_the_predecessor_stay_its_own(schema: &Schema) {
    schema.plain.batch_execute(PREDECESSOR).await.unwrap();
    let backend = schema.open("").await;
    for registered in [false, true] {
        if registered {
            let mut meta = bare();
            meta.indexes = vec![index("things_n", IndexKind::Plain, "n", FieldKind::Number)];
            backend.ensure_collection(&meta).await.unwrap();
        }
        let listed = backend.list_recorded_indexes("things").await.unwrap();
        assert_eq!(listed.len(), usize::from(registered));
        let dropped = backend.drop_index("things", "idx_things_code").await;
        assert_eq!(dropped.unwrap_err().kind(), ErrorKind::NotFound);
        // But what it means is known.
        let twice = write(&*backend, "b", 1, "x").await.unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::Duplicate);
        assert_eq!(twice.constraint().unwrap().fields(), ["code"]);
    }
    backend.alter(&rename("things", "others")).await.unwrap();
    let theirs = "SELECT collection FROM _den_indexes WHERE name = 'idx_things_code'";
    assert_eq!(schema.ask(theirs).await, "others");
    backend.drop_collection("others").await.unwrap();
    assert_eq!(schema.ask("SELECT count(*) FROM _den_indexes").await, "0");
}

async fn a_renamed_table_leaves_its_old_name_free(schema: &Schema) {
    let backend = schema.open("").await;
    for name in ["one", "two", "three"] {
        backend.ensure_collection(&bare()).await.unwrap();
        write(&*backend, "a", 1, "x").await.unwrap();
        let raw = "INSERT INTO things (id, data) VALUES ('a', '{}')";
        let error = backend.raw_execute(raw, &[]).await.unwrap_err();
        assert_eq!(error.constraint().unwrap().name(), "things_pkey");
        backend.alter(&rename("things", name)).await.unwrap();
    }
    assert_eq!(
        backend.collections().await.unwrap(),
        ["one", "three", "two"]
    );
    let raw = "INSERT INTO two (id, data) VALUES ('a', '{}')";
    let error = backend.raw_execute(raw, &[]).await.unwrap_err();
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
    schema
        .plain
        .batch_execute("CREATE VIEW four AS SELECT 1")
        .await
        .unwrap();
    for taken in ["four", "one_pkey", "one"] {
        let error = backend.alter(&rename("two", taken)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{taken}");
    }
}

/// What a plan says, run by hand, is what makes a plan empty but for den's records.
async fn a_plan_is_what_is_run(schema: &Schema) {
    let backend = schema.open("").await;
    let run = async |meta: &CollectionMeta| -> Result<Vec<PlannedAction>> {
        let plan = backend.plan_collection(meta).await?;
        for statement in plan.iter().flat_map(|it| &it.statements) {
            schema.plain.batch_execute(statement).await.unwrap();
        }
        Ok(plan.into_iter().map(|it| it.action).collect())
    };
    let indexes = "SELECT string_agg(c.relname, ',' ORDER BY c.relname) FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = 'things'::regclass";
    let actions = run(&things()).await.unwrap();
    assert_eq!(actions[0], PlannedAction::CreateCollection);
    assert_eq!(actions.len(), 3);
    assert_eq!(
        schema.ask(indexes).await,
        "things_code,things_n,things_pkey"
    );

    schema
        .plain
        .batch_execute("DROP TABLE things")
        .await
        .unwrap();
    backend.ensure_collection(&bare()).await.unwrap();
    // On an empty table columns are added; on one with rows the index is built beside the writers.
    let plan = backend.plan_collection(&things()).await.unwrap();
    let text = plan[0].statements.join("\n");
    assert!(
        text.contains("ADD COLUMN") && !text.contains("CONCURRENTLY"),
        "{text}"
    );
    write(&*backend, "a", 1, "x").await.unwrap();
    let plan = backend.plan_collection(&things()).await.unwrap();
    let text = plan[0].statements.join("\n");
    assert!(
        !text.contains("ADD COLUMN") && text.contains("CONCURRENTLY"),
        "{text}"
    );
    run(&things()).await.unwrap();
    assert_eq!(
        schema.ask(indexes).await,
        "things_code,things_n,things_pkey"
    );

    let words = IndexMeta {
        search: Some(SearchOptions {
            language: None,
            weights: vec![1.0],
            substrings: false,
        }),
        ..index("others_words", IndexKind::Search, "code", FieldKind::Text)
    };
    let mut searched = CollectionMeta::new("others");
    searched.indexes.push(words);
    // With the functions that it needs.
    assert_eq!(run(&searched).await.unwrap().len(), 2);

    backend.ensure_collection(&things()).await.unwrap();
    let mut changed = things();
    changed.indexes[0] = index("things_n", IndexKind::Plain, "m", FieldKind::Number);
    let actions = run(&changed).await.unwrap();
    let [PlannedAction::RebuildIndex { name, reason }] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!(
        (name.as_str(), reason.as_str()),
        ("things_n", "its definition changed")
    );
}

async fn a_long_name_is_renamed(schema: &Schema) {
    let backend = schema.open("").await;
    let long = ["é".repeat(31), "x".to_owned()].concat();
    backend.ensure_collection(&bare()).await.unwrap();
    write(&*backend, "a", 1, "x").await.unwrap();
    backend.alter(&rename("things", &long)).await.unwrap();
    assert!(backend.get(&long, "a").await.unwrap().is_some());
    let raw = ["INSERT INTO \"", &long, "\" (id, data) VALUES ('a', '{}')"].concat();
    let error = backend.raw_execute(&raw, &[]).await.unwrap_err();
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
    backend.alter(&rename(&long, "things")).await.unwrap();
    assert!(backend.get("things", "a").now_or_never().is_none());
    assert!(backend.get("things", "a").await.unwrap().is_some());
}
