//! Collections: made, listed, dropped.

use futures_util::future::join_all;

use crate::{
    Backend, CollectionMeta, ErrorKind, FieldKind, IndexKind, Query, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(ensure_is_idempotent),
    case!(ensure_by_many_at_once),
    case!(collections_are_listed_by_name),
    case!(collections_are_kept_apart),
    case!(odd_collection_names_are_plain_text),
    case!(drop_collection_drops_rows_and_indexes),
    case!(fields_may_be_declared_later),
    case!(ping_answers),
    case!(a_name_and_stats),
];

async fn ensure_is_idempotent(backend: &dyn Backend) {
    let meta = declared(
        &[("x", FieldKind::Number)],
        vec![index(IndexKind::Plain, &[("x", FieldKind::Number)])],
    );
    for _ in 0..3 {
        backend.ensure_collection(&meta).await.unwrap();
    }
    insert(backend, "a", r#"{"x":1}"#).await;
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap().len(), 1);
}

async fn ensure_by_many_at_once(backend: &dyn Backend) {
    let meta = declared(
        &[("x", FieldKind::Number), ("y", FieldKind::Text)],
        vec![
            index(IndexKind::Plain, &[("x", FieldKind::Number)]),
            index(
                IndexKind::Plain,
                &[("y", FieldKind::Text), ("x", FieldKind::Number)],
            ),
        ],
    );
    let all = join_all((0..8).map(|_| backend.ensure_collection(&meta))).await;
    for it in all {
        it.unwrap();
    }
    assert_eq!(backend.collections().await.unwrap(), [ITEMS]);
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap().len(), 2);
    insert(backend, "a", r#"{"x":1}"#).await;
}

async fn collections_are_listed_by_name(backend: &dyn Backend) {
    assert_eq!(backend.collections().await.unwrap(), Vec::<String>::new());
    for name in ["pears", "apples", "Zebras"] {
        ensure(backend, name).await;
    }
    assert_eq!(
        backend.collections().await.unwrap(),
        ["Zebras", "apples", "pears"]
    );
}

async fn collections_are_kept_apart(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    ensure(backend, "others").await;
    insert(backend, "a", r#"{"x":1}"#).await;
    assert_eq!(backend.get("others", "a").await.unwrap(), None);
    let body = body("a", r#"{"x":2}"#);
    backend.put("others", absent("a", &body)).await.unwrap();
    assert_eq!(stored(backend, "a", "x").await, crate::Value::Int(1));
    backend.drop_collection("others").await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
}

async fn odd_collection_names_are_plain_text(backend: &dyn Backend) {
    let mut odd = [
        "with space",
        "semi;colon",
        "quo\"te",
        "it's",
        "dot.ted",
        "per%cent",
        "select",
        "é",
        "😀",
        "back\\slash",
        "$1",
        "?",
        "--",
        "1",
        "a/b",
    ];
    for name in odd {
        let mut index = index(IndexKind::Plain, &[("x", FieldKind::Number)]);
        index.name = crate::IndexMeta::default_name(name, IndexKind::Plain, &[&path("x")]);
        let meta = CollectionMeta {
            name: name.to_owned(),
            ..declared(&[("x", FieldKind::Number)], vec![index])
        };
        backend.ensure_collection(&meta).await.unwrap();
        let body = body("a", r#"{"x":1}"#);
        backend.put(name, absent("a", &body)).await.unwrap();
        let query = Query {
            filter: eq(field("x"), literal("1")),
            sort: vec![by("x", FieldKind::Number)],
            ..Query::new(name)
        };
        assert_eq!(ids(backend, &query).await, "a", "{name}");
        assert_eq!(backend.list_recorded_indexes(name).await.unwrap().len(), 1);
    }
    odd.sort_unstable();
    assert_eq!(backend.collections().await.unwrap(), odd);
    for name in odd {
        backend.drop_collection(name).await.unwrap();
    }
    assert_eq!(backend.collections().await.unwrap(), Vec::<String>::new());
}

async fn drop_collection_drops_rows_and_indexes(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", FieldKind::Number)]);
    let meta = declared(&[("x", FieldKind::Number)], vec![plain]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":1}"#).await;
    backend.drop_collection(ITEMS).await.unwrap();
    backend.drop_collection(ITEMS).await.unwrap();
    backend.drop_collection("never there").await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), Vec::<String>::new());
    assert_eq!(
        kind_of(backend.get(ITEMS, "a").await),
        ErrorKind::NotRegistered
    );
    ensure(backend, ITEMS).await;
    assert_eq!(get(backend, "a").await, None);
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap().len(), 1);
}

async fn fields_may_be_declared_later(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":2,"y":"b"}"#,
            r#"{"x":"no","y":1}"#,
            r#"{"x":1.5,"y":"a"}"#,
        ],
    )
    .await;
    let fields = [("x", FieldKind::Number), ("y", FieldKind::Text)];
    let one = index(IndexKind::Plain, &fields[..1]);
    let two = index(IndexKind::Plain, &fields);
    backend
        .ensure_collection(&declared(&fields[..1], vec![one.clone()]))
        .await
        .unwrap();
    insert(backend, "d", r#"{"x":0,"y":"c"}"#).await;
    backend
        .ensure_collection(&declared(&fields, vec![one, two]))
        .await
        .unwrap();
    insert(backend, "e", r#"{"x":[],"y":null}"#).await;
    let sort = [by("x", FieldKind::Number)];
    assert_eq!(ids(backend, &sorted(&sort)).await, "b e d c a");
    let sort = [by("-y", FieldKind::Text)];
    assert_eq!(ids(backend, &sorted(&sort)).await, "d a c b e");
    let x = crate::Expr::Field(crate::Field::document(path("x"), FieldKind::Number));
    let query = filtered(eq(x, literal("\"no\"")));
    assert_eq!(ids(backend, &query).await, "b");
    // An older program that declares less does no harm.
    ensure(backend, ITEMS).await;
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap().len(), 2);
}

async fn ping_answers(backend: &dyn Backend) {
    backend.ping().await.unwrap();
}

async fn a_name_and_stats(backend: &dyn Backend) {
    assert!(!backend.name().is_empty());
    let stats = backend.stats();
    assert!(stats.idle <= stats.connections, "{stats:?}");
    assert!(stats.connections <= stats.max_connections, "{stats:?}");
}
