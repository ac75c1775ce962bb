//! What statements may cost, and how often they are run.

use std::{sync::Arc, time::Duration};

use den_backend::{
    Backend, Capabilities, Change, ErrorKind, Expr, Field, FieldKind, FieldPath, Patch, Query,
    ReadWrite, Returning, Select, TxOptions, Value,
};
use den_postgres::pg;
use futures_util::TryStreamExt as _;
use tokio::{join, time::sleep};

use crate::{
    Case, case,
    support::{Schema, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(a_transaction_keeps_few_statements),
    case!(a_raw_statement_is_sent_once),
    case!(a_raw_statement_is_looked_at_again),
    case!(too_many_values_are_told),
    case!(a_read_after_raw_definitions_leaves_the_transaction_usable),
    case!(a_cast_to_an_array_is_no_number),
    case!(many_dependent_changes_are_planned_at_once),
];

async fn opened(schema: &Schema, parameters: &str) -> Arc<dyn Backend> {
    let backend = schema.open(parameters).await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "a", 1, "a").await.unwrap();
    backend
}

fn inc(at: &str) -> Change {
    Change::Inc {
        path: FieldPath::parse(at).unwrap(),
        by: Value::Int(1),
    }
}

async fn number(on: &(impl ReadWrite + ?Sized), sql: &str) -> i64 {
    let rows = on.raw_query(sql, &[]).await.unwrap();
    let row: Value = serde_json::from_slice(&rows[0]).unwrap();
    match row.at(&["n".to_owned()]) {
        Some(Value::Int(it)) => *it,
        other => panic!("{other:?}"),
    }
}

async fn a_transaction_keeps_few_statements(schema: &Schema) {
    let backend = opened(schema, "max_connections=1").await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let all = Query::new("things");
    for i in 0..1200 {
        // The key is a part of the text.
        let patch = Patch::new(vec![inc(&format!("m.k{i}"))]);
        tx.update(&all, &patch, Returning::Nothing).await.unwrap();
    }
    let kept = "SELECT count(*) AS n FROM pg_prepared_statements";
    let kept = number(&*tx, kept).await;
    assert!(kept < 600, "{kept}");
    tx.commit().await.unwrap();
    let found = "SELECT count(*) FROM things, jsonb_object_keys(data->'m')";
    assert_eq!(schema.ask(found).await, "1200");
}

/// Ends the connection of a statement while it runs.
async fn a_raw_statement_is_sent_once(schema: &Schema) {
    for parameters in ["max_connections=1", "max_connections=1&statement_cache=off"] {
        let backend = opened(schema, parameters).await;
        schema
            .plain
            .batch_execute("CREATE SEQUENCE runs")
            .await
            .unwrap();
        // Prepared on a connection that was used before.
        assert_eq!(number(&*backend, "SELECT 1 AS n").await, 1);
        let sql = "SELECT nextval('runs') AS n, pg_sleep(CASE WHEN $1 THEN 30 ELSE 0 END)::text";
        let run = |waits: bool| {
            let backend = &backend;
            async move { backend.raw_query(sql, &[Value::Bool(waits)]).await }
        };
        run(false).await.unwrap();
        let end = async {
            let active = schema.count_in_state("active");
            until(schema, &active, "1").await;
            schema.terminate().await;
        };
        let (outcome, ()) = join!(run(true), end);
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CommitUnknown, "{error:?}");
        sleep(Duration::from_millis(100)).await;
        assert_eq!(schema.ask("SELECT last_value FROM runs").await, "2");
        run(false).await.unwrap();
        schema
            .plain
            .batch_execute("DROP SEQUENCE runs")
            .await
            .unwrap();
        backend.close().await.unwrap();
    }
}

/// What was only looked at is done on another connection.
async fn a_raw_statement_is_looked_at_again(schema: &Schema) {
    let backend = opened(schema, "max_connections=1").await;
    assert_eq!(number(&*backend, "SELECT 1 AS n").await, 1);
    schema.terminate().await;
    assert_eq!(number(&*backend, "SELECT 2 AS n").await, 2);
}

async fn too_many_values_are_told(schema: &Schema) {
    let backend = opened(schema, "").await;
    let text = Expr::Field(Field::document(
        FieldPath::parse("code").unwrap(),
        FieldKind::Text,
    ));
    // Each of these is bound on its own.
    let many = (0..70_000).map(|it| {
        Expr::compare(
            den_backend::CompareOp::Gt,
            text.clone(),
            Expr::Value(Value::from(it.to_string())),
        )
    });
    let query = Query {
        filter: Expr::Or(many.collect()),
        ..Query::new("things")
    };
    query.check(Capabilities::all()).unwrap();
    let check = |error: den_backend::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}");
        assert!(error.to_string().contains("65535"), "{error}");
    };
    check(backend.count(&query).await.unwrap_err());
    check(backend.query(&query).await.err().unwrap());
    let patch = Patch::new(vec![inc("n")]);
    check(
        backend
            .update(&query, &patch, Returning::Nothing)
            .await
            .unwrap_err(),
    );
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "b", 2, "b").await.unwrap();
    check(tx.count(&query).await.unwrap_err());
    check(
        tx.update(&query, &patch, Returning::Nothing)
            .await
            .unwrap_err(),
    );
    tx.commit().await.unwrap();
    assert_eq!(schema.ask("SELECT count(*) FROM things").await, "2");
}

async fn a_read_after_raw_definitions_leaves_the_transaction_usable(schema: &Schema) {
    let backend = opened(schema, "").await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "b", 2, "b").await.unwrap();
    let point = tx.savepoint().await.unwrap();
    tx.raw_execute("DROP TABLE things", &[]).await.unwrap();
    let error = tx.get("things", "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
    assert_eq!(number(&*tx, "SELECT 1 AS n").await, 1);
    tx.rollback_to(point).await.unwrap();
    assert!(tx.get("things", "b").await.unwrap().is_some());
    tx.commit().await.unwrap();
    assert_eq!(schema.ask("SELECT count(*) FROM things").await, "2");
}

async fn a_cast_to_an_array_is_no_number(schema: &Schema) {
    let backend = opened(schema, "").await;
    let array = Expr::Value(Value::from("{1.5,2}"));
    for (to, text) in [
        ("numeric(10,2)[]", "\"{1.50,2.00}\""),
        ("numeric(10,2)", "1.50"),
    ] {
        let value = match to.ends_with(']') {
            true => array.clone(),
            false => Expr::Value(Value::from("1.5")),
        };
        let cast = den_backend::native::IntoExpr::into_expr(pg::cast(value, to)).unwrap();
        let query = Query {
            select: Select::Values(vec![cast]),
            ..Query::new("things")
        };
        let rows = backend.query(&query).await.unwrap();
        let rows: Vec<_> = rows.try_collect().await.unwrap();
        assert_eq!(rows[0].body, format!("[{text}]").into_bytes(), "{to}");
    }
}

/// As many changes of one place as a patch may have.
async fn many_dependent_changes_are_planned_at_once(schema: &Schema) {
    let backend = opened(schema, "options=-c%20statement_timeout%3D5s").await;
    let all = Query::new("things");
    let mut count = 1;
    let may_have = |count| Patch::new(vec![inc("n"); count]).check(Capabilities::all());
    while count < 500 && may_have(count + 1).is_ok() {
        count += 1;
    }
    let patch = Patch::new(vec![inc("n"); count]);
    let updated = backend.update(&all, &patch, Returning::Nothing).await;
    assert_eq!(updated.unwrap().count, 1);
    let sum = schema.ask("SELECT data->'n' FROM things").await;
    assert_eq!(sum, (count + 1).to_string());
}
