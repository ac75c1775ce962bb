//! Patches, links and partial indexes: what the contract's suite cannot see.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::*;
use den_backend::{
    Backend, Change, CollectionMeta, CompareOp, Direction, ErrorKind, ExplainMode, Expr, Field,
    FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta, Patch, Query, Returning, TxOptions,
    Value,
};
use futures_util::FutureExt;

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn field(at: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(at), kind))
}

fn is_live() -> Expr {
    Expr::IsNull(Box::new(field("_deleted_at", FieldKind::Text)))
}

fn is(at: &str, value: &str) -> Expr {
    let value = Expr::Value(value.into());
    Expr::compare(CompareOp::Eq, field(at, FieldKind::Text), value)
}

fn set(at: &str, value: impl Into<Value>) -> Patch {
    Patch::new(vec![Change::Set {
        path: path(at),
        value: value.into(),
    }])
}

fn by_id(id: &str) -> Query {
    Query {
        filter: is("_id", id),
        ..Query::new(ITEMS)
    }
}

fn partial(name: &str, kind: IndexKind, at: &str, of: FieldKind, filter: Expr) -> IndexMeta {
    let field = FieldMeta {
        path: path(at),
        kind: of,
    };
    IndexMeta {
        name: name.into(),
        fields: vec![(field, Direction::Asc)],
        kind,
        filter,
        search: None,
    }
}

fn live_n() -> IndexMeta {
    partial(
        "ix_live",
        IndexKind::Plain,
        "n",
        FieldKind::Number,
        is_live(),
    )
}

async fn plan(backend: &dyn Backend, query: &Query) -> String {
    let explained = backend.explain(query, ExplainMode::Plan).await.unwrap();
    explained.plan.join("\n")
}

/// Writes a document with a code, a status and perhaps the mark of a deleted one.
async fn write(
    backend: &dyn Backend,
    id: &str,
    code: &str,
    status: &str,
) -> den_backend::Result<()> {
    let body = format!(r#"{{"_id":"{id}","code":"{code}","status":"{status}"}}"#);
    backend.put(ITEMS, any(id, body.as_bytes())).await?;
    Ok(())
}

#[tokio::test]
async fn a_partial_index_serves_the_queries_it_covers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let backend = open_file(&file, "").await;
    with_items(&*backend).await;
    fill(&*backend, 50).await;
    backend.ensure_index(ITEMS, &live_n()).await.unwrap();
    let again = open_file(&file, "").await;
    for backend in [backend, again] {
        for mut query in [equal_to(3), at_least(3), by_n()] {
            let all = plan(&*backend, &query).await;
            assert!(!all.contains("ix_live"), "{all}");
            query.filter = query.filter.and(is_live());
            let live = plan(&*backend, &query).await;
            assert!(live.contains("ix_live"), "{live}");
        }
        backend.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_filter_of_an_index_is_spelled_as_in_queries() {
    let backend = open("sqlite::memory:").await.unwrap();
    let published = || is("status", "published").and(is("lang", "it's \"de\""));
    let index = |name, filter| partial(name, IndexKind::Plain, "n", FieldKind::Number, filter);
    let status = partial(
        "ix_s",
        IndexKind::Plain,
        "status",
        FieldKind::Text,
        Expr::always(),
    );
    backend
        .ensure_collection(&CollectionMeta {
            indexes: vec![index("ix_p", published())],
            ..CollectionMeta::new(ITEMS)
        })
        .await
        .unwrap();
    let mut query = by_n();
    query.filter = published();
    let found = plan(&*backend, &query).await;
    assert!(found.contains("ix_p"), "{found}");
    // One that is made where there is a column of the field in the filter.
    backend.drop_index(ITEMS, "ix_p").await.unwrap();
    backend.ensure_index(ITEMS, &status).await.unwrap();
    backend
        .ensure_index(ITEMS, &index("ix_q", published()))
        .await
        .unwrap();
    backend.drop_index(ITEMS, "ix_s").await.unwrap();
    backend.ensure_index(ITEMS, &status).await.unwrap();
    query.filter = query.filter.and(equal_to(1).filter);
    let found = plan(&*backend, &query).await;
    assert!(found.contains("ix_q"), "{found}");
    backend.close().await.unwrap();
}

#[tokio::test]
async fn partial_unique_indexes_over_one_field_are_told_apart() {
    let backend = open("sqlite::memory:").await.unwrap();
    let unique = |name, status| {
        partial(
            name,
            IndexKind::Unique,
            "code",
            FieldKind::Text,
            is("status", status),
        )
    };
    backend
        .ensure_collection(&CollectionMeta {
            indexes: vec![unique("ux_new", "new"), unique("ux's_old", "old")],
            ..CollectionMeta::new(ITEMS)
        })
        .await
        .unwrap();
    write(&*backend, "1", "x", "new").await.unwrap();
    write(&*backend, "2", "x", "old").await.unwrap();
    write(&*backend, "3", "x", "other").await.unwrap();
    for (status, name) in [("new", "ux_new"), ("old", "ux's_old")] {
        for error in [
            write(&*backend, "3", "x", status).await.unwrap_err(),
            backend
                .update(&by_id("3"), &set("status", status), Returning::Nothing)
                .await
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Duplicate);
            let constraint = error.constraint().unwrap();
            assert_eq!(
                (constraint.name(), constraint.fields().concat()),
                (name, "code".into())
            );
        }
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_filter_that_changes_rebuilds_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let meta = |filter| CollectionMeta {
        indexes: vec![partial(
            "ux",
            IndexKind::Unique,
            "code",
            FieldKind::Text,
            filter,
        )],
        ..CollectionMeta::new(ITEMS)
    };
    let backend = open_file(&file, "").await;
    backend
        .ensure_collection(&meta(is("status", "new")))
        .await
        .unwrap();
    for (id, status) in [("1", "new"), ("2", "old"), ("3", "old")] {
        write(&*backend, id, "x", status).await.unwrap();
    }
    // Among the documents it would cover, two are in each other's way: the old index stays.
    let error = backend
        .ensure_collection(&meta(is("status", "old")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(["2", "3"].contains(&error.id().unwrap()), "{error}");
    write(&*backend, "4", "x", "new").await.unwrap_err();
    backend
        .update(&by_id("3"), &set("status", "new"), Returning::Nothing)
        .await
        .unwrap_err();
    backend
        .update(&by_id("3"), &set("code", "y"), Returning::Nothing)
        .await
        .unwrap();
    backend
        .ensure_collection(&meta(is("status", "old")))
        .await
        .unwrap();
    write(&*backend, "4", "x", "new").await.unwrap();
    write(&*backend, "5", "x", "old").await.unwrap_err();
    // What is there is known after another start, so nothing is written.
    let other = rusqlite::Connection::open(&file).unwrap();
    let version = || -> i64 {
        let read = other.pragma_query_value(None, "data_version", |row| row.get(0));
        read.unwrap()
    };
    let before = version();
    let again = open_file(&file, "").await;
    again
        .ensure_collection(&meta(is("status", "old")))
        .await
        .unwrap();
    assert_eq!(version(), before);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_patch_by_id_is_made_where_it_is_called() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 3).await;
    let mut query = by_id("00001");
    query.filter = query.filter.and(is_live());
    let patch = set("m", 1);
    // Statements are prepared, and the collection known.
    assert_eq!(
        backend
            .update(&query, &patch, Returning::Nothing)
            .await
            .unwrap()
            .count,
        1
    );
    let done = backend
        .update(&query, &patch, Returning::Nothing)
        .now_or_never();
    assert_eq!(done.expect("without waiting").unwrap().count, 1);
    // What would hold up the caller's other tasks is done elsewhere, which now and then is so fast
    // that there is nothing to wait for.
    let large = set("m", "x".repeat(100_000));
    for (query, patch) in [(&query, &large), (&at_least(0), &patch)] {
        let waits = || {
            backend
                .update(query, patch, Returning::Nothing)
                .now_or_never()
                .is_none()
        };
        assert!((0..100).any(|_| waits()));
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn an_update_cancelled_at_any_point_is_done_or_not() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 300).await;
    let m_is = |it: i64| {
        let value = Expr::Value(Value::Int(it));
        Query {
            filter: Expr::compare(CompareOp::Eq, field("m", FieldKind::Number), value),
            ..Query::new(ITEMS)
        }
    };
    for (round, micros) in (0..4000_u64).step_by(100).enumerate() {
        let round = i64::try_from(round).unwrap();
        let (all, patch) = (Query::new(ITEMS), set("m", round));
        let work = backend.update(&all, &patch, Returning::Nothing);
        let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
        // The next write waits for what may still be going on.
        backend
            .update(&by_id("none"), &patch, Returning::Nothing)
            .await
            .unwrap();
        let count = backend.count(&m_is(round)).await.unwrap();
        assert!(count == 0 || count == 300, "{count} of 300");
    }
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_update_leaves_the_transaction_usable() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 20).await;
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    tx.put(ITEMS, any("last", br#"{"_id":"last","m":{"k":null}}"#))
        .await
        .unwrap();
    let error = tx
        .update(&Query::new(ITEMS), &set("n.x", 1), Returning::Nothing)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDocument);
    assert_eq!(
        (error.collection(), error.id()),
        (Some(ITEMS), Some("00000"))
    );
    let message = "the field `n.x` cannot be set, because `n` holds a number: items/00000";
    assert_eq!(error.to_string(), message);
    assert_eq!(
        tx.update(&Query::new(ITEMS), &set("m.k", 1), Returning::Nothing)
            .await
            .unwrap()
            .count,
        21
    );
    tx.commit().await.unwrap();
    let document = backend.get(ITEMS, "last").await.unwrap().unwrap();
    assert_eq!(document.body, br#"{"_id":"last","m":{"k":1}}"#);
    backend.close().await.unwrap();
}

#[tokio::test]
async fn a_linked_collection_that_another_program_drops_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let one = open_file(&file, "").await;
    let two = open_file(&file, "").await;
    with_items(&*one).await;
    let authors = CollectionMeta {
        indexes: vec![partial(
            "ix_a",
            IndexKind::Plain,
            "name",
            FieldKind::Text,
            Expr::always(),
        )],
        ..CollectionMeta::new("authors")
    };
    one.ensure_collection(&authors).await.unwrap();
    one.put("authors", any("a", br#"{"_id":"a","name":"Ada"}"#))
        .await
        .unwrap();
    one.put(ITEMS, any("1", br#"{"_id":"1","author":"a"}"#))
        .await
        .unwrap();
    let mut query = Query::new(ITEMS);
    query.filter = Expr::Linked {
        operand: Box::new(field("author", FieldKind::Text)),
        collection: "authors".into(),
        predicate: Box::new(is("name", "Ada")),
    };
    assert_eq!(two.count(&query).await.unwrap(), 1);
    let found = plan(&*two, &query).await;
    assert!(found.contains("ix_a"), "{found}");
    one.drop_collection("authors").await.unwrap();
    let tx = two.begin(TxOptions::default()).await.unwrap();
    for error in [
        two.count(&query).await.unwrap_err(),
        two.query(&query).await.err().unwrap(),
        tx.update(&query, &set("n", 1), Returning::Nothing)
            .await
            .unwrap_err(),
        tx.delete_matching(&query).await.unwrap_err(),
        two.explain(&query, ExplainMode::Statement)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
        assert_eq!(error.collection(), Some("authors"));
    }
    tx.rollback().await.unwrap();
    one.ensure_collection(&CollectionMeta::new("authors"))
        .await
        .unwrap();
    assert_eq!(two.count(&query).await.unwrap(), 0);
    one.close().await.unwrap();
    two.close().await.unwrap();
}
