//! Constraints as the server keeps them: against raw SQL, against other programs, while others write.

mod making;

use den_backend::{
    CollectionMeta, CompareOp, ConstraintKind, ConstraintMeta, ConstraintRule, Error, ErrorKind,
    Expectation, ExplainMode, Expr, Field, FieldKind, FieldPath, IndexKind, JsonType, OnRefusal,
    Query, ReadWrite, Result, Root, SchemaChange, TextOp, TxOptions, Value,
};
use den_postgres::pg;
use futures_util::future::{join, join_all};

use self::making::*;
use crate::{
    Case, case,
    support::{Schema, index, n, put, thing, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(raw_statements_keep_constraints),
    case!(raw_statements_of_a_transaction_keep_constraints),
    case!(a_check_of_another_program_is_named),
    case!(the_document_is_named_whoever_writes),
    case!(an_id_that_the_server_cuts_is_not_guessed),
    case!(another_process_knows_what_was_broken),
    case!(a_writer_that_came_first_is_looked_at),
    case!(no_writer_slips_through),
    case!(a_constraint_that_is_not_made_leaves_nothing),
    case!(a_check_with_a_sub_select_is_a_function),
    case!(literals_stay_literals),
    case!(a_unique_constraint_serves_queries),
    case!(a_name_of_another_program_is_taken),
    case!(a_partitioned_collection_has_checks),
    case!(a_table_dropped_behind_dens_back_has_no_constraints),
    case!(many_processes_make_one_constraint),
];

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn required(field: &str) -> ConstraintKind {
    ConstraintKind::Required { field: path(field) }
}

fn unique(field: &str) -> ConstraintKind {
    ConstraintKind::Unique {
        fields: vec![path(field)],
    }
}

fn check(filter: Expr) -> ConstraintKind {
    ConstraintKind::Check { filter }
}

fn text_field(field: &str) -> Expr {
    Expr::Field(Field::document(path(field), FieldKind::Text))
}

fn element() -> Expr {
    Expr::Field(Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Text,
    })
}

/// `tags` holds a text that begins with `a`: a sub-select on PostgreSQL.
fn any_tag() -> Expr {
    Expr::AnyElement {
        array: Box::new(Expr::Field(Field::document(path("tags"), FieldKind::Array))),
        predicate: Box::new(Expr::Text {
            op: TextOp::StartsWith,
            ignore_case: false,
            operand: Box::new(element()),
            needle: "a".to_owned(),
        }),
    }
}

async fn constrain(
    on: &(impl ReadWrite + ?Sized),
    name: &str,
    kind: ConstraintKind,
) -> Result<ConstraintMeta> {
    let constraint = ConstraintMeta {
        name: name.to_owned(),
        kind,
    };
    let change = SchemaChange::CreateConstraint {
        collection: "things".to_owned(),
        constraint: constraint.clone(),
    };
    on.alter(&change).await.map(|()| constraint)
}

async fn drop_constraint(on: &(impl ReadWrite + ?Sized), name: &str) {
    let change = SchemaChange::DropConstraint {
        collection: "things".to_owned(),
        name: name.to_owned(),
    };
    on.alter(&change).await.unwrap();
}

/// What an error says beside its kind: collection, id, constraint, rule, fields.
#[track_caller]
fn says(error: &Error, kind: ErrorKind, id: Option<&str>, name: &str, rule: ConstraintRule) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert_eq!(error.collection(), Some("things"), "{error:?}");
    assert_eq!(error.id(), id, "{error:?}");
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.name(), name);
    assert_eq!(constraint.rule(), rule, "{error:?}");
}

async fn raw_statements_keep_constraints(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    constrain(&*backend, "n_there", required("n"))
        .await
        .unwrap();
    constrain(&*backend, "serial_once", unique("serial"))
        .await
        .unwrap();
    let insert = "INSERT INTO things (id, data) VALUES ($1, $2)";
    let row = |id: &str, json: &str| {
        [
            Value::from(id),
            serde_json::from_str::<Value>(json).unwrap(),
        ]
    };
    let execute = async |id: &str, json: &str| {
        let parameters = row(id, json);
        backend.raw_execute(insert, &parameters).await
    };
    execute("a", r#"{"_id":"a","n":1,"serial":"1","code":"x"}"#)
        .await
        .unwrap();

    let error = execute("b", r#"{"_id":"b","n":null}"#).await.unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        "n_there",
        ConstraintRule::Required,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["n"]);
    assert_eq!(error.violations()[0].path, "n");
    assert_eq!(error.code(), Some("23514"));

    let error = execute("b", r#"{"_id":"b","n":1,"serial":"1"}"#)
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Duplicate,
        None,
        "serial_once",
        ConstraintRule::Unique,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["serial"]);

    // An index that den made, and the id.
    let error = execute("b", r#"{"_id":"b","n":1,"code":"x"}"#)
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Duplicate,
        None,
        "things_code",
        ConstraintRule::Unique,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["code"]);
    let error = execute("a", r#"{"_id":"a","n":1}"#).await.unwrap_err();
    says(
        &error,
        ErrorKind::Duplicate,
        None,
        "things_pkey",
        ConstraintRule::Unique,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);

    // A number is not a text.
    execute("b", r#"{"_id":"b","n":1,"serial":1}"#)
        .await
        .unwrap();
    let returning = "UPDATE things SET data = data - 'n' WHERE id = $1 RETURNING id";
    let error = backend
        .raw_query(returning, &["b".into()])
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        "n_there",
        ConstraintRule::Required,
    );
}

async fn raw_statements_of_a_transaction_keep_constraints(schema: &Schema) {
    for parameters in ["", "statement_cache=off"] {
        let backend = schema.open(parameters).await;
        backend.ensure_collection(&things()).await.unwrap();
        constrain(&*backend, "n_there", required("n"))
            .await
            .unwrap();
        // Another process, which does not know of it.
        let backend = schema.open(parameters).await;
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        write(&*tx, "a", 1, "a").await.unwrap();
        let break_it = "UPDATE things SET data = data - 'n' RETURNING id";
        for _ in 0..2 {
            let error = tx.raw_execute(break_it, &[]).await.unwrap_err();
            says(
                &error,
                ErrorKind::Validation,
                Some("a"),
                "n_there",
                ConstraintRule::Required,
            );
            let error = tx.raw_query(break_it, &[]).await.unwrap_err();
            says(
                &error,
                ErrorKind::Validation,
                Some("a"),
                "n_there",
                ConstraintRule::Required,
            );
        }
        tx.commit().await.unwrap();
        assert!(backend.get("things", "a").await.unwrap().is_some());
        backend.drop_collection("things").await.unwrap();
    }
}

async fn a_check_of_another_program_is_named(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let foreign = "ALTER TABLE things ADD CONSTRAINT \"their rule\" CHECK (data->>'n' <> '7')";
    schema.plain.batch_execute(foreign).await.unwrap();
    let error = write(&*backend, "a", 7, "a").await.unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("a"),
        "their rule",
        ConstraintRule::Check,
    );
    let text = error.to_string();
    assert!(text.contains("their rule") && !text.contains('7'), "{text}");
    let raw = "INSERT INTO things (id, data) VALUES ('b', '{\"n\": 7}')";
    let error = backend.raw_execute(raw, &[]).await.unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        "their rule",
        ConstraintRule::Check,
    );
    // It is not den's to list or to drop.
    assert_eq!(backend.constraints("things").await.unwrap(), []);
    let drop_it = SchemaChange::DropConstraint {
        collection: "things".to_owned(),
        name: "their rule".to_owned(),
    };
    let error = backend.alter(&drop_it).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn the_document_is_named_whoever_writes(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let few = check(n(CompareOp::Lt, 5));
    constrain(&*backend, "few", few).await.unwrap();
    for i in 0..4 {
        let id = format!("t{i}");
        write(&*backend, &id, i, &id).await.unwrap();
    }
    let bodies: Vec<(String, String)> = (0..9)
        .map(|i| {
            (
                format!("m{i}"),
                thing(&format!("m{i}"), i, &format!("m{i}")),
            )
        })
        .collect();
    let puts: Vec<_> = bodies
        .iter()
        .map(|(id, body)| put(id, body, Expectation::Any))
        .collect();
    let error = backend
        .put_many("things", &puts, OnRefusal::Abort)
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("m5"),
        "few",
        ConstraintRule::Check,
    );
    assert_eq!(backend.count(&Query::new("things")).await.unwrap(), 4);
}

async fn an_id_that_the_server_cuts_is_not_guessed(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    constrain(&*backend, "n_there", required("n"))
        .await
        .unwrap();
    let long = "x".repeat(100);
    let raw = "INSERT INTO things (id, data) VALUES ($1, '{}')";
    let error = backend
        .raw_execute(raw, &[long.as_str().into()])
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        None,
        "n_there",
        ConstraintRule::Required,
    );
    // A put knows what it puts.
    let body = format!(r#"{{"_id":"{long}"}}"#);
    let error = backend
        .put("things", put(&long, &body, Expectation::Any))
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some(&long),
        "n_there",
        ConstraintRule::Required,
    );
}

async fn another_process_knows_what_was_broken(schema: &Schema) {
    let backend = schema.open("").await;
    let other = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*other, "a", 1, "a").await.unwrap();
    let kind = ConstraintKind::Key {
        fields: vec![path("n"), path("code")],
    };
    constrain(&*backend, "both", kind).await.unwrap();
    let error = other
        .put("things", put("b", r#"{"_id":"b","n":1}"#, Expectation::Any))
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        "both",
        ConstraintRule::Key,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["n", "code"]);
    let listed = other.constraints("things").await.unwrap();
    assert_eq!(listed.len(), 1);
    drop_constraint(&*other, "both").await;
    let body = r#"{"_id":"b","n":1}"#;
    backend
        .put("things", put("b", body, Expectation::Any))
        .await
        .unwrap();
}

async fn a_unique_constraint_serves_queries(schema: &Schema) {
    let backend = schema.open("").await;
    backend
        .ensure_collection(&CollectionMeta::new("things"))
        .await
        .unwrap();
    constrain(&*backend, "serial_once", unique("serial"))
        .await
        .unwrap();
    let fill = "INSERT INTO things (id, data)
        SELECT i::text, jsonb_build_object('_id', i::text, 'serial', i)
        FROM generate_series(1, 5000) AS i; ANALYZE things";
    schema.plain.batch_execute(fill).await.unwrap();
    let mut query = Query::new("things");
    query.filter = Expr::Compare {
        op: CompareOp::Eq,
        left: Box::new(Expr::Field(Field::document(
            path("serial"),
            FieldKind::Number,
        ))),
        right: Box::new(Expr::Value(17.into())),
    };
    let plan = backend.explain(&query, ExplainMode::Plan).await.unwrap();
    assert!(plan.plan.join("\n").contains("serial_once"), "{plan}");
    assert_eq!(backend.count(&query).await.unwrap(), 1);
}

async fn a_partitioned_collection_has_checks(schema: &Schema) {
    let backend = schema.open("").await;
    pg::create_range_partitioned_collection(&*backend, "things", "at")
        .await
        .unwrap();
    let now = std::time::SystemTime::now();
    pg::create_daily_partitions_ahead(&*backend, "things", now, 2)
        .await
        .unwrap();
    let today = schema
        .ask("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
        .await;
    let body =
        |id: &str, n: &str| format!(r#"{{"_id":"{id}","at":"{today}T12:00:00.000000Z","n":{n}}}"#);
    let good = body("a", "1");
    backend
        .put("things", put("a", &good, Expectation::Any))
        .await
        .unwrap();
    constrain(&*backend, "n_there", required("n"))
        .await
        .unwrap();
    let bad = body("b", "null");
    let error = backend
        .put("things", put("b", &bad, Expectation::Any))
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("b"),
        "n_there",
        ConstraintRule::Required,
    );
    let raw = "UPDATE things SET data = data - 'n'";
    let error = backend.raw_execute(raw, &[]).await.unwrap_err();
    says(
        &error,
        ErrorKind::Validation,
        Some("a"),
        "n_there",
        ConstraintRule::Required,
    );
    let whole = ConstraintKind::Type {
        field: path("n"),
        types: vec![JsonType::Integer],
    };
    constrain(&*backend, "n_whole", whole).await.unwrap();
    let error = constrain(&*backend, "n_once", unique("n"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // A partition made later keeps them too.
    let rename = SchemaChange::RenameCollection {
        from: "things".to_owned(),
        to: "others".to_owned(),
    };
    backend.alter(&rename).await.unwrap();
    let bad = body("b", "1.5");
    let error = backend
        .put("others", put("b", &bad, Expectation::Any))
        .await
        .unwrap_err();
    assert_eq!(error.constraint().unwrap().rule(), ConstraintRule::Type);
    // Its partitions are those of the new name.
    let partitions = pg::create_daily_partitions_ahead(&*backend, "others", now, 3)
        .await
        .unwrap();
    assert!(partitions.iter().all(|it| it.starts_with("others_")));
    let there = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'others'::regclass";
    assert_eq!(schema.ask(there).await, "3");
    backend.drop_collection("others").await.unwrap();
}
