//! What the conformance suite cannot reach: handles, names, closing, and what is not checked first.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::time::timeout;

use super::{MemoryBackend, run_query, select};
use crate::evaluate::{evaluate, matches};
use crate::{
    Backend as _, CollectionMeta, CompareOp, DatabaseUrl, ErrorKind, Expectation, ExplainMode,
    Expr, Field, FieldKind, FieldPath, OpenOptions, Put, Query, ReadWrite as _, Root, Select,
    TxOptions, Value, find_driver,
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn field(path: &str) -> Expr {
    let path = FieldPath::parse(path).unwrap();
    Expr::Field(Field::document(path, FieldKind::Any))
}

fn put(id: &'static str, body: &'static str) -> Put<'static> {
    Put {
        id,
        body: body.as_bytes(),
        expect: Expectation::Any,
    }
}

async fn open(url: &str) -> crate::Result<std::sync::Arc<dyn crate::Backend>> {
    let url = DatabaseUrl::parse(url).unwrap();
    let driver = find_driver(url.scheme()).unwrap();
    (driver.open)(url, OpenOptions::default()).await
}

#[tokio::test]
async fn databases_are_shared_by_name_only() {
    let meta = CollectionMeta::new("c");
    for url in ["memory:", "memory://", "MEMORY://"] {
        let one = open(url).await.unwrap();
        one.ensure_collection(&meta).await.unwrap();
        let other = open(url).await.unwrap();
        assert_eq!(other.collections().await.unwrap(), Vec::<String>::new());
    }
    let one = open("memory://shared by name").await.unwrap();
    one.ensure_collection(&meta).await.unwrap();
    let other = open("memory://shared by name").await.unwrap();
    assert_eq!(other.collections().await.unwrap(), ["c"]);
    drop(one);
    assert_eq!(other.collections().await.unwrap(), ["c"]);
    drop(other);
    let later = open("memory://shared by name").await.unwrap();
    assert_eq!(later.collections().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn parameters_are_refused() {
    let error = open("memory://x?cache=1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
}

#[tokio::test]
async fn closing_ends_one_handle() {
    let one = MemoryBackend::named("closing");
    let other = MemoryBackend::named("closing");
    one.close().await.unwrap();
    let error = one.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    other.ping().await.unwrap();
}

#[tokio::test]
async fn a_write_outside_waits_for_the_transaction() {
    let backend = MemoryBackend::new();
    let meta = CollectionMeta::new("c");
    backend.ensure_collection(&meta).await.unwrap();
    let tx = backend.begin(TxOptions::default()).await.unwrap();
    let write = backend.put("c", put("a", r#"{"_id":"a"}"#));
    let waited = timeout(Duration::from_millis(20), write).await;
    assert!(waited.is_err());
    assert_eq!(backend.get("c", "a").await.unwrap(), None);
    tx.commit().await.unwrap();
    let write = backend.put("c", put("a", r#"{"_id":"a"}"#));
    write.await.unwrap();
}

#[tokio::test]
async fn the_bytes_come_back_as_they_were_put() {
    let backend = MemoryBackend::new();
    let meta = CollectionMeta::new("c");
    backend.ensure_collection(&meta).await.unwrap();
    let body = r#"{ "z":1.50, "_id":"a" }"#;
    backend.put("c", put("a", body)).await.unwrap();
    let document = backend.get("c", "a").await.unwrap().unwrap();
    assert_eq!(document.body, body.as_bytes());
    let stream = backend.query(&Query::new("c")).await.unwrap();
    let rows: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(rows, [document]);
}

#[tokio::test]
async fn what_is_no_json_is_an_invalid_document() {
    let backend = MemoryBackend::new();
    let meta = CollectionMeta::new("c");
    backend.ensure_collection(&meta).await.unwrap();
    let error = backend.put("c", put("a", "{")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDocument);
}

#[tokio::test]
async fn explain_tells_the_query_in_words() {
    let backend = MemoryBackend::new();
    let meta = CollectionMeta::new("c");
    backend.ensure_collection(&meta).await.unwrap();
    let price = Expr::compare(CompareOp::Lt, field("price"), Expr::Value(20.into()));
    let named = Expr::IsNull(Box::new(field("name"))).or(price.clone());
    let query = Query {
        filter: price.and(named.not()),
        limit: Some(3),
        ..Query::new("c")
    };
    let explained = backend.explain(&query, ExplainMode::Plan).await.unwrap();
    let expected = "documents of \"c\"\n\
                    where price < 20 and not (name is null or price < 20)\n\
                    by id asc\n\
                    limit 3";
    assert_eq!(explained.statement, expected);
    assert_eq!(explained.plan, ["full scan of the collection"]);
}

#[test]
fn operands_have_values() {
    let document = json(r#"{"x":[1,2],"y":null}"#);
    let len = Expr::Len(Box::new(field("x")));
    assert_eq!(evaluate(&len, &document).unwrap(), Value::Int(2));
    assert_eq!(evaluate(&field("x.1"), &document).unwrap(), Value::Int(2));
    assert_eq!(evaluate(&field("nope"), &document).unwrap(), Value::Null);
    let exists = Expr::IsNull(Box::new(field("y")));
    assert_eq!(evaluate(&exists, &document).unwrap(), Value::Bool(true));
}

#[test]
fn what_is_no_predicate_is_false() {
    let document = json(r#"{"x":1,"y":null,"z":true}"#);
    assert!(!matches(&field("x"), &document).unwrap());
    let null = || Expr::Value(Value::Null);
    let equal = Expr::compare(CompareOp::Eq, null(), null());
    assert!(!matches(&equal, &document).unwrap());
    let element = Expr::Field(Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Any,
    });
    assert!(matches(&Expr::IsNull(Box::new(element)), &document).unwrap());
}

#[test]
fn rows_may_be_borrowed_or_owned() {
    let documents = [("b", json(r#"{"x":1}"#)), ("a", json(r#"{"x":2}"#))];
    let borrowed = documents.iter().map(|(id, document)| (*id, document));
    let found = run_query(borrowed, &Query::new("c")).unwrap();
    assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), ["a", "b"]);
    let path = FieldPath::parse("x").unwrap();
    let (id, document) = found[0];
    assert_eq!(
        select(id, document, &Select::Value(path)).unwrap().body,
        b"2"
    );
    assert_eq!(
        select(id, document, &Select::Document).unwrap().body,
        br#"{"x":2}"#
    );
    assert_eq!(run_query(documents, &Query::new("c")).unwrap().len(), 2);
}
