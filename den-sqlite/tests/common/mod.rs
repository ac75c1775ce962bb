//! What the tests share.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

pub(crate) mod schema;

use std::{path::Path, sync::Arc};

use den_backend::{
    Backend, CollectionMeta, CompareOp, DatabaseUrl, Direction, Expectation, Expr, Field,
    FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta, OnRefusal, OpenOptions, Put, Query,
    Result, Sort, Value,
};

pub(crate) const ITEMS: &str = "items";

/// Opens a URL.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Backend>> {
    let url = DatabaseUrl::parse(url).unwrap();
    (den_sqlite::DRIVER.open)(url, OpenOptions::default()).await
}

/// Opens a file, with parameters.
pub(crate) async fn open_file(path: &Path, parameters: &str) -> Arc<dyn Backend> {
    open(&url_of(path, parameters)).await.unwrap()
}

/// The URL of a file.
pub(crate) fn url_of(path: &Path, parameters: &str) -> String {
    format!("sqlite:///{}?{parameters}", path.display())
}

/// The collection that the tests write to.
pub(crate) async fn with_items(backend: &dyn Backend) {
    backend
        .ensure_collection(&CollectionMeta::new(ITEMS))
        .await
        .unwrap();
}

/// The JSON of a document with a number.
pub(crate) fn body(id: &str, n: i64) -> Vec<u8> {
    format!(r#"{{"_id":"{id}","n":{n}}}"#).into_bytes()
}

/// A write of anything.
pub(crate) fn any<'a>(id: &'a str, body: &'a [u8]) -> Put<'a> {
    Put {
        id,
        body,
        expect: Expectation::Any,
    }
}

/// Writes so many documents: `00000`, `00001` ..
pub(crate) async fn fill(backend: &dyn Backend, count: usize) {
    let bodies: Vec<(String, Vec<u8>)> = (0..count)
        .map(|it| {
            let id = format!("{it:05}");
            let body = body(&id, i64::try_from(it).unwrap());
            (id, body)
        })
        .collect();
    let puts: Vec<Put<'_>> = bodies.iter().map(|(id, body)| any(id, body)).collect();
    backend
        .put_many(ITEMS, &puts, OnRefusal::Abort)
        .await
        .unwrap();
}

/// The field `n`.
pub(crate) fn n() -> Expr {
    let path = FieldPath::parse("n").unwrap();
    Expr::Field(Field::document(path, FieldKind::Number))
}

/// All items whose `n` is at least this.
pub(crate) fn at_least(least: i64) -> Query {
    let mut query = Query::new(ITEMS);
    query.filter = Expr::compare(CompareOp::Ge, n(), Expr::Value(Value::Int(least)));
    query
}

/// All items whose `n` is this.
pub(crate) fn equal_to(value: i64) -> Query {
    let mut query = Query::new(ITEMS);
    query.filter = Expr::compare(CompareOp::Eq, n(), Expr::Value(Value::Int(value)));
    query
}

/// An index over `n`.
pub(crate) fn index_of_n(kind: IndexKind) -> IndexMeta {
    let path = FieldPath::parse("n").unwrap();
    IndexMeta {
        name: IndexMeta::default_name(ITEMS, kind, &[&path]),
        fields: vec![(
            FieldMeta {
                path,
                kind: FieldKind::Number,
            },
            Direction::Asc,
        )],
        kind,
        filter: Expr::always(),
        search: None,
    }
}

/// All items in the order of `n`.
pub(crate) fn by_n() -> Query {
    let path = FieldPath::parse("n").unwrap();
    Query {
        sort: vec![Sort::field(
            Field::document(path, FieldKind::Number),
            Direction::Asc,
        )],
        limit: Some(1),
        ..Query::new(ITEMS)
    }
}
