//! Patches, links and partial indexes: what the contract's suite cannot see.

use den_backend::{
    Backend, Change, CollectionMeta, CompareOp, ErrorKind, Expectation, ExplainMode, Expr, Field,
    FieldKind, FieldPath, IndexKind, IndexMeta, Patch, Query, ReadWrite, Result, Returning,
    TxOptions, Value,
};
use futures_util::future::join_all;

use crate::{
    Case, case,
    support::{Schema, index, n, put, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(an_update_is_one_statement),
    case!(a_refused_update_names_the_document),
    case!(a_refused_update_takes_no_other_call_with_it),
    case!(a_partial_index_serves_the_queries_it_covers),
    case!(a_late_partial_index_serves_the_queries_it_covers),
    case!(the_filter_of_an_index_is_spelled_as_in_queries),
    case!(a_filter_that_changes_rebuilds_the_index),
    case!(a_late_partial_unique_index_looks_at_what_it_covers),
    case!(a_linked_collection_that_is_gone_is_named),
    case!(a_row_that_links_elsewhere_by_now_is_looked_at_again),
    case!(many_objects_are_changed_by_one_patch),
];

const FILL: &str = "INSERT INTO things (id, data)
SELECT i::text, jsonb_build_object('_id', i::text, 'n', i, 'code', i::text, 'status', 'x' || i % 100)
FROM generate_series(1, 5000) AS i;
ANALYZE things";

fn bare() -> CollectionMeta {
    CollectionMeta::new("things")
}

fn field(at: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(FieldPath::parse(at).unwrap(), kind))
}

fn is(at: &str, value: &str) -> Expr {
    let value = Expr::Value(value.into());
    Expr::compare(CompareOp::Eq, field(at, FieldKind::Text), value)
}

fn is_live() -> Expr {
    Expr::IsNull(Box::new(field("_deleted_at", FieldKind::Text)))
}

fn partial(index: IndexMeta, filter: Expr) -> IndexMeta {
    IndexMeta { filter, ..index }
}

fn live_n() -> IndexMeta {
    let of_n = index("things_live", IndexKind::Plain, "n", FieldKind::Number);
    partial(of_n, is_live())
}

fn unique_code(filter: Expr) -> IndexMeta {
    let of_code = index("things_u", IndexKind::Unique, "code", FieldKind::Text);
    partial(of_code, filter)
}

fn set(at: &str, value: impl Into<Value>) -> Patch {
    Patch::new(vec![Change::Set {
        path: FieldPath::parse(at).unwrap(),
        value: value.into(),
    }])
}

fn where_is(filter: Expr) -> Query {
    Query {
        filter,
        ..Query::new("things")
    }
}

async fn change(on: &(impl ReadWrite + ?Sized), query: &Query, patch: &Patch) -> Result<u64> {
    let updated = on.update(query, patch, Returning::Nothing).await?;
    Ok(updated.count)
}

async fn plan(backend: &dyn Backend, query: &Query) -> String {
    let explained = backend.explain(query, ExplainMode::Plan).await.unwrap();
    explained.plan.join("\n")
}

/// Of all ways to read a small table the planner should take an index where it can.
async fn opened(schema: &Schema) -> std::sync::Arc<dyn Backend> {
    schema.open("options=-c%20enable_seqscan%3Doff").await
}

async fn an_update_is_one_statement(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    for i in 0..5 {
        write(&*backend, &i.to_string(), i, &i.to_string())
            .await
            .unwrap();
    }
    // One statement is one transaction, whose number all changed rows bear.
    let all = Query::new("things");
    assert_eq!(change(&*backend, &all, &set("m.k", 1)).await.unwrap(), 5);
    assert_eq!(
        schema
            .ask("SELECT count(DISTINCT xmin::text) FROM things")
            .await,
        "1"
    );
    assert_eq!(
        schema
            .ask("SELECT count(*) FROM things WHERE data->'m' = '{\"k\": 1}'")
            .await,
        "5"
    );
    // Many at once, each waiting for the others: none is lost.
    let keys: Vec<String> = (0..8).map(|it| ["k", &it.to_string()].concat()).collect();
    let updates = keys.iter().map(|key| {
        let (backend, all) = (&backend, &all);
        async move { change(&**backend, all, &set(key, 1)).await }
    });
    for outcome in join_all(updates).await {
        match outcome {
            Ok(count) => assert_eq!(count, 5),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}"),
        }
    }
}

async fn a_refused_update_names_the_document(schema: &Schema) {
    for language in ["", "options=-c%20lc_messages%3Dde_DE.utf8"] {
        let Ok(backend) = crate::support::open(&schema.url(language)).await else {
            // The server has no such language.
            continue;
        };
        backend.ensure_collection(&things()).await.unwrap();
        let id = "it's \"1\": :den, den:parent:";
        let body = r#"{"n":1,"code":"a","s":"text","l":[{}]}"#;
        backend
            .put("things", put(id, body, Expectation::Any))
            .await
            .unwrap();
        for (at, message) in [
            (
                "s.a.b",
                "the field `s.a.b` cannot be set, because `s` holds text",
            ),
            (
                "l.0.b",
                "the field `l.0.b` cannot be set, because `l` holds an array",
            ),
        ] {
            let outcome = change(&*backend, &Query::new("things"), &set(at, 1)).await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidDocument);
            assert_eq!((error.collection(), error.id()), (Some("things"), Some(id)));
            let expected = [message, ": things/", id].concat();
            assert_eq!(error.to_string(), expected);
        }
    }
}

async fn a_refused_update_takes_no_other_call_with_it(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "taken", 0, "taken").await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    write(&*tx, "a", 1, "a").await.unwrap();
    let (all, a) = (Query::new("things"), where_is(is("_id", "a")));
    let (below, taken, fine) = (set("n.x", 1), set("code", "taken"), set("m", 1));
    let (refused, duplicate, updated, written) = tokio::join!(
        change(&*tx, &all, &below),
        change(&*tx, &a, &taken),
        change(&*tx, &all, &fine),
        write(&*tx, "b", 2, "b"),
    );
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidDocument);
    let duplicate = duplicate.unwrap_err();
    assert_eq!(duplicate.kind(), ErrorKind::Duplicate);
    assert_eq!(duplicate.constraint().unwrap().fields(), ["code"]);
    assert!(updated.unwrap() >= 2);
    written.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.count(&all).await.unwrap(), 3);
}

/// That the index over the live ones serves their queries, and no others.
async fn serves_the_live(backend: &dyn Backend) {
    let mut query = where_is(n(CompareOp::Eq, 17));
    let all = plan(backend, &query).await;
    assert!(!all.contains("things_live"), "{all}");
    query.filter = query.filter.and(is_live());
    let live = plan(backend, &query).await;
    assert!(live.contains("things_live"), "{live}");
}

async fn a_partial_index_serves_the_queries_it_covers(schema: &Schema) {
    let mut meta = bare();
    meta.indexes = vec![live_n()];
    let backend = opened(schema).await;
    backend.ensure_collection(&meta).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    serves_the_live(&*backend).await;
    // Another process knows of it without a description.
    serves_the_live(&*opened(schema).await).await;
    // An index over the field in the filter does not part the two.
    let deleted = index("things_d", IndexKind::Plain, "_deleted_at", FieldKind::Text);
    backend.ensure_index("things", &deleted).await.unwrap();
    serves_the_live(&*backend).await;
}

async fn a_late_partial_index_serves_the_queries_it_covers(schema: &Schema) {
    let backend = opened(schema).await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let mut meta = bare();
    meta.indexes = vec![live_n()];
    let others = join_all((0..3).map(|_| opened(schema))).await;
    for outcome in join_all(others.iter().map(|it| it.ensure_collection(&meta))).await {
        outcome.unwrap();
    }
    schema.plain.batch_execute("ANALYZE things").await.unwrap();
    for backend in &others {
        serves_the_live(&**backend).await;
    }
}

async fn the_filter_of_an_index_is_spelled_as_in_queries(schema: &Schema) {
    let quoted = "it's \"x\"";
    let of_n = || index("things_p", IndexKind::Plain, "n", FieldKind::Number);
    let status = index("things_s", IndexKind::Plain, "status", FieldKind::Text);
    let covered = where_is(is("status", quoted).and(n(CompareOp::Gt, 0)));
    let mut meta = bare();
    // The field in the filter has an index of its own, made after this one, or none.
    for others in [vec![status], Vec::new()] {
        meta.indexes = vec![partial(of_n(), is("status", quoted))];
        meta.indexes.extend(others);
        for late in [false, true] {
            let backend = opened(schema).await;
            if late {
                backend.ensure_collection(&bare()).await.unwrap();
                schema.plain.batch_execute(FILL).await.unwrap();
            }
            backend.ensure_collection(&meta).await.unwrap();
            if !late {
                schema.plain.batch_execute(FILL).await.unwrap();
            }
            let found = plan(&*backend, &covered).await;
            assert!(found.contains("things_p"), "{found}");
            backend.drop_collection("things").await.unwrap();
        }
    }
}

async fn a_filter_that_changes_rebuilds_the_index(schema: &Schema) {
    let backend = schema.open("").await;
    let meta = |filter| {
        let mut meta = bare();
        meta.indexes = vec![unique_code(filter)];
        meta
    };
    backend.ensure_collection(&meta(is_live())).await.unwrap();
    let insert = async |id: &str, body: &str| {
        let put = backend.put("things", put(id, body, Expectation::Any));
        put.await.map_err(|it| it.kind())
    };
    insert("1", r#"{"code":"x"}"#).await.unwrap();
    for id in ["2", "3"] {
        insert(id, r#"{"code":"x","_deleted_at":"then"}"#)
            .await
            .unwrap();
    }
    assert_eq!(
        insert("4", r#"{"code":"x"}"#).await,
        Err(ErrorKind::Duplicate)
    );
    let deleted = || is_live().not();
    // Two of those it would cover are in each other's way: the old index stays.
    let error = backend
        .ensure_collection(&meta(deleted()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(
        insert("4", r#"{"code":"x"}"#).await,
        Err(ErrorKind::Duplicate)
    );
    let three = where_is(is("_id", "3"));
    change(&*backend, &three, &set("code", "y")).await.unwrap();
    backend.ensure_collection(&meta(deleted())).await.unwrap();
    insert("4", r#"{"code":"x"}"#).await.unwrap();
    let error = change(&*backend, &three, &set("code", "x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    let constraint = error.constraint().unwrap();
    assert_eq!(
        (constraint.name(), constraint.fields()),
        ("things_u", &["code".to_owned()][..])
    );
    // Nothing changes for another process that describes it so.
    let made = "SELECT oid FROM pg_class WHERE relname = 'things_u'";
    let before = schema.ask(made).await;
    let other = schema.open("").await;
    other.ensure_collection(&meta(deleted())).await.unwrap();
    assert_eq!(schema.ask(made).await, before);
}

async fn a_late_partial_unique_index_looks_at_what_it_covers(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let twins = [
        ("a", r#"{"code":"17","_deleted_at":"then"}"#),
        ("b", r#"{"code":"18"}"#),
    ];
    for (id, body) in twins {
        backend
            .put("things", put(id, body, Expectation::Any))
            .await
            .unwrap();
    }
    let unique = unique_code(is_live());
    let error = backend.ensure_index("things", &unique).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(["b", "18"].contains(&error.id().unwrap()), "{error}");
    let b = where_is(is("_id", "b"));
    change(&*backend, &b, &set("_deleted_at", "then"))
        .await
        .unwrap();
    backend.ensure_index("things", &unique).await.unwrap();
    let live = change(&*backend, &b, &set("_deleted_at", Value::Null)).await;
    assert_eq!(live.unwrap_err().kind(), ErrorKind::Duplicate);
}

async fn a_linked_collection_that_is_gone_is_named(schema: &Schema) {
    let one = schema.open("").await;
    let two = schema.open("").await;
    one.ensure_collection(&things()).await.unwrap();
    let mut authors = CollectionMeta::new("authors");
    authors.indexes = vec![index(
        "authors_name",
        IndexKind::Plain,
        "name",
        FieldKind::Text,
    )];
    one.ensure_collection(&authors).await.unwrap();
    one.put("authors", put("a", r#"{"name":"Ada"}"#, Expectation::Any))
        .await
        .unwrap();
    write(&*one, "1", 1, "a").await.unwrap();
    let query = where_is(Expr::Linked {
        operand: Box::new(field("code", FieldKind::Text)),
        collection: "authors".into(),
        predicate: Box::new(is("name", "Ada")),
    });
    assert_eq!(two.count(&query).await.unwrap(), 1);
    // The statement looks for the indexed column.
    let explained = two.explain(&query, ExplainMode::Statement).await.unwrap();
    assert!(
        explained.statement.contains("t_name_"),
        "{}",
        explained.statement
    );
    one.drop_collection("authors").await.unwrap();
    let tx = two.begin(TxOptions::default()).await.unwrap();
    for error in [
        change(&*tx, &query, &set("n", 1)).await.unwrap_err(),
        two.count(&query).await.unwrap_err(),
        two.query(&query).await.err().unwrap(),
        tx.delete_matching(&query).await.unwrap_err(),
        two.explain(&query, ExplainMode::Statement)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
        assert_eq!(error.collection(), Some("authors"));
    }
    write(&*tx, "2", 2, "b").await.unwrap();
    tx.commit().await.unwrap();
    one.ensure_collection(&CollectionMeta::new("authors"))
        .await
        .unwrap();
    assert_eq!(two.count(&query).await.unwrap(), 0);
    assert_eq!(two.count(&Query::new("things")).await.unwrap(), 2);
}

/// Rows that link to another document by the time their turn comes: the one still matches, the
/// other no longer does.
async fn a_row_that_links_elsewhere_by_now_is_looked_at_again(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    let authors = CollectionMeta::new("authors");
    backend.ensure_collection(&authors).await.unwrap();
    for (id, body) in [
        ("a", r#"{"name":"Ada"}"#),
        ("b", r#"{"name":"Ada"}"#),
        ("c", r#"{"name":"Carl"}"#),
    ] {
        let put = backend.put("authors", put(id, body, Expectation::Any));
        put.await.unwrap();
    }
    let by_ada = where_is(Expr::Linked {
        operand: Box::new(field("code", FieldKind::Text)),
        collection: "authors".into(),
        predicate: Box::new(is("name", "Ada")),
    });
    let windowed = Query {
        limit: Some(10),
        ..by_ada.clone()
    };
    let waiting = [
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND \
         application_name = '",
        &schema.application(),
        "'",
    ]
    .concat();
    for (query, deletes) in [
        (&by_ada, false),
        (&windowed, false),
        (&by_ada, true),
        (&windowed, true),
    ] {
        for id in ["1", "2", "3"] {
            write(&*backend, id, 0, "a").await.unwrap();
        }
        let tx = backend.begin(TxOptions::default()).await.unwrap();
        for (id, author) in [("1", "b"), ("2", "c")] {
            let one = where_is(is("_id", id));
            change(&*tx, &one, &set("code", author)).await.unwrap();
        }
        let change = async {
            match deletes {
                true => backend.delete_matching(query).await,
                false => change(&*backend, query, &set("n", 1)).await,
            }
        };
        let release = async {
            until(schema, &waiting, "1").await;
            tx.commit().await.unwrap();
        };
        let (changed, ()) = tokio::join!(change, release);
        assert_eq!(changed.unwrap(), 2, "{query:?}");
        let zero = where_is(n(CompareOp::Eq, 0));
        let left = backend.get_many("things", &["1", "2", "3"]).await.unwrap();
        assert_eq!(left.len(), if deletes { 1 } else { 3 });
        assert_eq!(backend.count(&zero).await.unwrap(), 1);
        assert!(left.iter().any(|it| it.id == "2"));
    }
}

/// As many objects beside one another as calls could not nest.
async fn many_objects_are_changed_by_one_patch(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&bare()).await.unwrap();
    let body = r#"{"_id":"1","o":{"k0":{"x":7},"k1":{"x":7,"y":8},"k4":null,"k5":5,"l":9},"z":1}"#;
    let put = backend.put("things", put("1", body, Expectation::Any));
    put.await.unwrap();
    let changes = (0..8000).map(|it| {
        let path = FieldPath::parse(&format!("o.k{it}.x")).unwrap();
        match it % 2 {
            0 => Change::Set {
                path,
                value: Value::Int(it),
            },
            _ => Change::Unset { path },
        }
    });
    let patch = Patch::new(changes.collect());
    // By id, because for many rows the server would compile so large an expression first.
    let one = where_is(is("_id", "1"));
    assert_eq!(change(&*backend, &one, &patch).await.unwrap(), 1);
    let found = backend.get("things", "1").await.unwrap().unwrap();
    let found: Value = serde_json::from_slice(&found.body).unwrap();
    let at = |path: &str| {
        let path = FieldPath::parse(path).unwrap();
        found.at(path.segments()).cloned()
    };
    for (path, value) in [
        ("o.k0.x", Some(Value::Int(0))),
        ("o.k1", Some(serde_json::from_str(r#"{"y":8}"#).unwrap())),
        ("o.k3", None),
        ("o.k4.x", Some(Value::Int(4))),
        ("o.k5", Some(Value::Int(5))),
        ("o.k7998.x", Some(Value::Int(7998))),
        ("o.l", Some(Value::Int(9))),
        ("z", Some(Value::Int(1))),
    ] {
        assert_eq!(at(path), value, "{path}");
    }
}
