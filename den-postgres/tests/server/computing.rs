//! Computed values, groups and upserts: what the contract's suite cannot see.

use den_backend::{
    Aggregate, AggregateFunction, ArgumentMode, ArithmeticOp, Backend, Change, CompareOp,
    ConflictTarget, ErrorKind, ExplainMode, Expr, Field, FieldKind, FieldPath, Grouping, IndexKind,
    IndexMeta, Native, NativeKind, OnConflict, Patch, Piece, Query, Returning, Select, Sort,
    TxOptions, Upsert, UpsertOutcome, Value,
};
use futures_util::TryStreamExt as _;

use crate::{
    Case, case,
    support::{Schema, index, n, things, write},
};

pub(super) const CASES: &[Case] = &[
    case!(a_late_index_is_a_target),
    case!(a_target_is_known_by_the_filter_of_its_index),
    case!(floats_need_all_their_digits),
    case!(a_computed_condition_beside_an_index),
    case!(a_group_uses_the_index_of_its_filter),
    case!(more_values_than_a_function_takes),
    case!(what_cannot_be_cast_is_a_bad_query),
    case!(an_unknown_function_is_named),
    case!(a_number_out_of_range_leaves_a_transaction_usable),
    case!(an_answered_update_is_one_statement),
];

const FILL: &str = "INSERT INTO things (id, data)
SELECT i::text, jsonb_build_object('_id', i::text, 'n', i, 'code', i::text, 'status', 'x' || i % 100)
FROM generate_series(1, 5000) AS i;
ANALYZE things";

fn field(at: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(FieldPath::parse(at).unwrap(), kind))
}

fn inc(at: &str) -> Patch {
    Patch::new(vec![Change::Inc {
        path: FieldPath::parse(at).unwrap(),
        by: Value::Int(1),
    }])
}

fn sum(left: Expr, right: Expr) -> Expr {
    Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(left),
        right: Box::new(right),
    }
}

fn native(pieces: Vec<Piece>) -> Expr {
    Expr::Native(Native {
        engine: "postgres",
        feature: "test",
        pieces,
        arguments: vec![field("code", FieldKind::Text)],
        kind: NativeKind::Other,
    })
}

async fn plan(backend: &dyn Backend, query: &Query) -> String {
    let explained = backend.explain(query, ExplainMode::Plan).await.unwrap();
    explained.plan.join("\n")
}

/// Inserts a document under each index in turn, then finds it in the way.
async fn check_target(backend: &dyn Backend, target: &IndexMeta, body: &str) {
    let patch = inc("hits");
    let upsert = |id: &'static str, on_conflict| Upsert {
        id,
        body: body.as_bytes(),
        target: ConflictTarget::Index(target),
        on_conflict,
    };
    let first = upsert("first", OnConflict::Change(&patch));
    let outcome = backend.upsert("things", &first).await.unwrap();
    assert_eq!(outcome, UpsertOutcome::Inserted);
    let second = upsert("second", OnConflict::Change(&patch));
    match backend.upsert("things", &second).await.unwrap() {
        UpsertOutcome::Changed(document) => {
            assert_eq!(document.id, "first");
            let document: Value = serde_json::from_slice(&document.body).unwrap();
            assert_eq!(document.at(&["hits".to_owned()]), Some(&Value::Int(1)));
        }
        other @ (UpsertOutcome::Inserted | UpsertOutcome::Kept) => panic!("{other:?}"),
    }
    let third = upsert("third", OnConflict::Nothing);
    let outcome = backend.upsert("things", &third).await.unwrap();
    assert_eq!(outcome, UpsertOutcome::Kept);
    backend
        .delete_matching(&Query::new("things"))
        .await
        .unwrap();
}

async fn a_late_index_is_a_target(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    // With rows in the table, an index is over expressions instead of columns.
    write(&*backend, "1", 1, "a").await.unwrap();
    for (name, kind) in [
        ("text", FieldKind::Text),
        ("number", FieldKind::Number),
        ("bool", FieldKind::Bool),
        ("any", FieldKind::Any),
        ("list", FieldKind::Array),
    ] {
        let target = index(name, IndexKind::Unique, name, kind);
        backend.ensure_index("things", &target).await.unwrap();
        backend
            .delete_matching(&Query::new("things"))
            .await
            .unwrap();
        let body = r#"{"text":"it's","number":1.5,"bool":true,"any":[1],"list":[2]}"#;
        check_target(&*backend, &target, body).await;
        backend.drop_index("things", name).await.unwrap();
        write(&*backend, "1", 1, "a").await.unwrap();
    }
}

async fn a_target_is_known_by_the_filter_of_its_index(schema: &Schema) {
    let backend = schema.open("").await;
    let mut meta = things();
    meta.indexes.clear();
    let is = |at: &str, value: Value| {
        Expr::compare(CompareOp::Eq, field(at, FieldKind::Any), Expr::Value(value))
    };
    let live = Expr::IsNull(Box::new(field("_deleted_at", FieldKind::Text)));
    let kinds = Expr::In {
        operand: Box::new(field("code", FieldKind::Text)),
        values: vec!["a".into(), "it's $1".into()],
    };
    let filter = live
        .and(is("state", "\\open".into()))
        .and(kinds)
        .and(n(CompareOp::Gt, 0.5).not().not());
    meta.indexes.push(IndexMeta {
        filter,
        ..index("things_u", IndexKind::Unique, "n", FieldKind::Number)
    });
    backend.ensure_collection(&meta).await.unwrap();
    let body = r#"{"n":7,"code":"it's $1","state":"\\open"}"#;
    check_target(&*backend, &meta.indexes[0], body).await;
    // The same, over expressions.
    backend.drop_collection("things").await.unwrap();
    let mut bare = meta.clone();
    bare.indexes.clear();
    backend.ensure_collection(&bare).await.unwrap();
    write(&*backend, "1", 1, "a").await.unwrap();
    backend.ensure_collection(&meta).await.unwrap();
    check_target(&*backend, &meta.indexes[0], body).await;
}

async fn floats_need_all_their_digits(schema: &Schema) {
    let url = schema.url("options=-c%20extra_float_digits%3D0");
    let error = crate::support::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("extra_float_digits"), "{error}");
}

async fn a_computed_condition_beside_an_index(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let number = || field("n", FieldKind::Number);
    let twice = Expr::compare(
        CompareOp::Eq,
        sum(number(), number()),
        Expr::Value(Value::Int(14)),
    );
    let mut query = Query::new("things");
    query.filter = n(CompareOp::Lt, 10).and(twice);
    let plan_of = plan(&*backend, &query).await;
    assert!(plan_of.contains("things_n"), "{plan_of}");
    let rows: Vec<_> = backend
        .query(&query)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<_> = rows.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["7"]);
    // An order by a column streams, whatever is selected.
    let mut query = Query::new("things");
    let by_n = Field::document(FieldPath::parse("n").unwrap(), FieldKind::Number);
    query.sort = vec![Sort::field(by_n, den_backend::Direction::Asc)];
    query.limit = Some(3);
    query.select = Select::Values(vec![sum(number(), number())]);
    let plan_of = plan(&*backend, &query).await;
    assert!(plan_of.contains("things_n"), "{plan_of}");
    assert!(!plan_of.contains("Sort"), "{plan_of}");
}

async fn a_group_uses_the_index_of_its_filter(schema: &Schema) {
    let backend = schema.open("options=-c%20enable_seqscan%3Doff").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let mut query = Query::new("things");
    query.filter = n(CompareOp::Gt, 4990);
    let count = Aggregate {
        function: AggregateFunction::Count,
        operand: None,
    };
    let total = Aggregate {
        function: AggregateFunction::Sum,
        operand: Some(field("n", FieldKind::Number)),
    };
    let grouping = Grouping::new(vec![], vec![count, total]);
    let rows = backend.group(&query, &grouping).await.unwrap();
    let rows: Vec<Value> = rows
        .iter()
        .map(|it| serde_json::from_slice(it).unwrap())
        .collect();
    assert_eq!(rows, [Value::Array(vec![10.into(), 49_955.into()])]);
    // A connection tells what it did at the latest when it ends.
    backend.close().await.unwrap();
    let used = "SELECT idx_scan > 0 FROM pg_stat_user_indexes
        WHERE schemaname = current_schema() AND indexrelname = 'things_n'";
    crate::support::until(schema, used, "t").await;
}

async fn more_values_than_a_function_takes(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "1", 1, "a").await.unwrap();
    let mut query = Query::new("things");
    let values = (0..250).map(|it| sum(field("n", FieldKind::Number), Expr::Value(it.into())));
    query.select = Select::Values(values.collect());
    let rows: Vec<_> = backend
        .query(&query)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&rows[0].body).unwrap();
    let expected = (1..=250).map(|it| Value::Int(i64::from(it))).collect();
    assert_eq!(body, Value::Array(expected));
}

async fn what_cannot_be_cast_is_a_bad_query(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "1", 1, "no key").await.unwrap();
    for name in ["uuid", "timestamptz", "integer"] {
        let cast = native(vec![
            Piece::Argument(0, ArgumentMode::Text),
            Piece::Sql("::"),
            Piece::Name(name.to_owned()),
        ]);
        let mut query = Query::new("things");
        query.select = Select::Values(vec![cast]);
        for limit in [None, Some(1)] {
            query.limit = limit;
            let rows = match backend.query(&query).await {
                Ok(rows) => rows.try_collect::<Vec<_>>().await.map(drop),
                Err(error) => Err(error),
            };
            let error = rows.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{name}: {error:?}");
        }
    }
}

async fn an_unknown_function_is_named(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    let mut query = Query::new("things");
    query.filter = Expr::IsNull(Box::new(native(vec![
        Piece::Sql("no_such_function("),
        Piece::Argument(0, ArgumentMode::Text),
        Piece::Sql(")"),
    ])));
    let error = backend.count(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert_eq!(error.code(), Some("42883"));
    assert!(error.to_string().contains("create_extension"), "{error}");
}

async fn a_number_out_of_range_leaves_a_transaction_usable(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "1", i64::MAX, "a").await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let all = Query::new("things");
    let error = tx.update(&all, &inc("n"), Returning::New).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::OutOfRange);
    let mut computed = all.clone();
    let one_more = sum(field("n", FieldKind::Number), Expr::Value(1.into()));
    computed.select = Select::Values(vec![one_more]);
    let error = tx.query(&computed).await.map(drop);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(tx.count(&all).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn an_answered_update_is_one_statement(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let mut query = Query::new("things");
    query.filter = n(CompareOp::Le, 300);
    let updated = backend.update(&query, &inc("hits"), Returning::New).await;
    assert_eq!(updated.unwrap().rows.len(), 300);
    let changed =
        "SELECT count(*) || '/' || count(DISTINCT xmin::text) FROM things WHERE data ? 'hits'";
    assert_eq!(schema.ask(changed).await, "300/1");
}
