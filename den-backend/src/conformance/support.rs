//! What the cases are written with.

use std::sync::Arc;

use futures_util::{TryStreamExt as _, future::BoxFuture};

use crate::{
    Backend, Capabilities, Capability, Change, CollectionMeta, Direction, ErrorKind, Expectation,
    Expr, Field, FieldKind, FieldMeta, FieldPath, Grouping, IndexKind, IndexMeta, OnRefusal, Patch,
    Put, PutOutcome, Query, RawDocument, ReadWrite, Result, Returning, Root, Select, Sort,
    Transaction, TxOptions, Updated, Value,
};

pub(super) use crate::conformance::build::*;

/// One case of the suite.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) needs: &'static [Capability],
    pub(super) run: for<'a> fn(&'a dyn Backend) -> BoxFuture<'a, ()>,
}

/// An entry of a table of cases: `case!(function)`, or `case!(function: Capability, ..)`.
macro_rules! case {
    ($name:ident $(: $($needs:ident),+)?) => {
        $crate::conformance::support::Case {
            name: stringify!($name),
            needs: &[$($($crate::Capability::$needs),+)?],
            run: |backend| Box::pin($name(backend)),
        }
    };
}

/// The collection that most cases use.
pub(super) const ITEMS: &str = "items";

/// Makes the collection `items` with these documents; the ids are `a`, `b`, `c` and so on.
pub(super) async fn given(backend: &dyn Backend, documents: &[&str]) {
    ensure(backend, ITEMS).await;
    let ids = ('a'..='z').map(String::from);
    for (id, fields) in ids.zip(documents) {
        insert(backend, &id, fields).await;
    }
    assert!(documents.len() <= 26, "no letters left for ids");
}

/// Makes a collection without declared fields.
pub(super) async fn ensure(backend: &dyn Backend, name: &str) {
    let meta = CollectionMeta::new(name);
    backend.ensure_collection(&meta).await.unwrap();
}

/// Inserts a document into `items`; `fields` is a JSON object without the id.
pub(super) async fn insert(on: &(impl ReadWrite + ?Sized), id: &str, fields: &str) {
    let outcome = put(on, id, fields, Expectation::Absent).await.unwrap();
    assert_eq!(outcome, PutOutcome::Inserted, "{id}");
}

/// Puts a document into `items`; `fields` is a JSON object without the id.
pub(super) async fn put(
    on: &(impl ReadWrite + ?Sized),
    id: &str,
    fields: &str,
    expect: Expectation<'_>,
) -> Result<PutOutcome> {
    let body = body(id, fields);
    let put = Put {
        id,
        body: body.as_bytes(),
        expect,
    };
    on.put(ITEMS, put).await
}

/// The document with this id and these fields, a JSON object.
pub(super) fn body(id: &str, fields: &str) -> String {
    let id = Value::from(id);
    let fields = fields.trim().strip_prefix('{').unwrap();
    let comma = if fields == "}" { "" } else { "," };
    format!("{{\"_id\":{id}{comma}{fields}")
}

/// The document with this id in `items`.
pub(super) async fn get(on: &(impl ReadWrite + ?Sized), id: &str) -> Option<RawDocument> {
    on.get(ITEMS, id).await.unwrap()
}

/// What the document in `items` has at this key.
pub(super) async fn stored(on: &(impl ReadWrite + ?Sized), id: &str, key: &str) -> Value {
    let document = parsed(&get(on, id).await.unwrap());
    document.at(&[key.to_owned()]).cloned().unwrap_or_default()
}

/// The body as a value.
pub(super) fn parsed(document: &RawDocument) -> Value {
    serde_json::from_slice(&document.body).unwrap()
}

/// A value, written as JSON.
pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// All rows of a query, which is checked first as den does.
pub(super) async fn rows(on: &(impl ReadWrite + ?Sized), query: &Query) -> Vec<RawDocument> {
    query.check(Capabilities::all()).unwrap();
    let stream = on.query(query).await.unwrap();
    stream.try_collect().await.unwrap()
}

/// The ids of the rows of a query, joined with spaces.
pub(super) async fn ids(on: &(impl ReadWrite + ?Sized), query: &Query) -> String {
    let rows = rows(on, query).await;
    let ids: Vec<String> = rows.into_iter().map(|it| it.id).collect();
    ids.join(" ")
}

/// Makes the same documents in `items` and in one more collection per kind, in which the field `x`
/// is declared with that kind and indexed. [`check`] then looks into each.
pub(super) async fn given_as(backend: &dyn Backend, kinds: &[FieldKind], documents: &[&str]) {
    given(backend, documents).await;
    for kind in kinds {
        let name = declared_name(*kind);
        let indexed = match kind {
            FieldKind::Array => IndexKind::Members,
            FieldKind::Text
            | FieldKind::Number
            | FieldKind::Bool
            | FieldKind::Object
            | FieldKind::Any => IndexKind::Plain,
        };
        let mut index = index(indexed, &[("x", *kind)]);
        index.name = IndexMeta::default_name(name, indexed, &[&path("x")]);
        let meta = CollectionMeta {
            name: name.to_owned(),
            ..declared(&[("x", *kind)], vec![index])
        };
        backend.ensure_collection(&meta).await.unwrap();
        let ids = ('a'..='z').map(String::from);
        let bodies: Vec<(String, String)> = ids
            .zip(documents)
            .map(|(id, fields)| (id.clone(), body(&id, fields)))
            .collect();
        let puts: Vec<Put<'_>> = bodies.iter().map(|(id, body)| absent(id, body)).collect();
        backend
            .put_many(name, &puts, OnRefusal::Abort)
            .await
            .unwrap();
    }
}

/// [`given_as`], with `x` declared as text, as a number and as a bool.
pub(super) async fn given_scalars(backend: &dyn Backend, documents: &[&str]) {
    let kinds = [FieldKind::Text, FieldKind::Number, FieldKind::Bool];
    given_as(backend, &kinds, documents).await;
}

/// [`given_as`], with `x` declared as an array.
pub(super) async fn given_arrays(backend: &dyn Backend, documents: &[&str]) {
    given_as(backend, &[FieldKind::Array], documents).await;
}

/// A put of a document that must not be there yet.
pub(super) fn absent<'a>(id: &'a str, body: &'a str) -> Put<'a> {
    Put {
        id,
        body: body.as_bytes(),
        expect: Expectation::Absent,
    }
}

fn declared_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "items_text",
        FieldKind::Number => "items_number",
        FieldKind::Bool => "items_bool",
        FieldKind::Array => "items_array",
        FieldKind::Object => "items_object",
        FieldKind::Any => ITEMS,
    }
}

/// Checks which documents satisfy a filter, that the others satisfy its negation, and that `count`
/// and `exists` agree; in `items`, and wherever [`given_as`] declared `x` with a kind.
pub(super) async fn check(backend: &dyn Backend, filter: Expr, expected: &str) {
    let names = backend.collections().await.unwrap();
    for kind in [
        FieldKind::Any,
        FieldKind::Text,
        FieldKind::Number,
        FieldKind::Bool,
        FieldKind::Array,
    ] {
        let name = declared_name(kind);
        if names.iter().any(|it| it == name) {
            let filter = with_kind(filter.clone(), kind);
            check_in(backend, name, filter, expected).await;
        }
    }
}

async fn check_in(backend: &dyn Backend, collection: &str, filter: Expr, expected: &str) {
    let all = ids(backend, &Query::new(collection)).await;
    let all = all.split(' ').filter(|it| !it.is_empty());
    let expected: Vec<&str> = expected.split(' ').filter(|it| !it.is_empty()).collect();
    let others: Vec<&str> = all.filter(|it| !expected.contains(it)).collect();
    for (filter, expected) in [(filter.clone(), expected), (filter.not(), others)] {
        let query = Query {
            filter,
            ..Query::new(collection)
        };
        let filter = &query.filter;
        let found = ids(backend, &query).await;
        assert_eq!(found, expected.join(" "), "{filter:?} in {collection}");
        let count = backend.count(&query).await.unwrap();
        let expected_count = u64::try_from(expected.len()).unwrap();
        assert_eq!(count, expected_count, "count of {filter:?} in {collection}");
        let exists = backend.exists(&query).await.unwrap();
        assert_eq!(exists, count > 0, "exists of {filter:?} in {collection}");
    }
}

/// [`given_scalars`] of documents that have these values in `x`; `-` for none.
pub(super) async fn given_x(backend: &dyn Backend, values: &[&str]) {
    let documents: Vec<String> = values
        .iter()
        .map(|it| match *it {
            "-" => "{}".to_owned(),
            value => format!("{{\"x\":{value}}}"),
        })
        .collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    given_scalars(backend, &documents).await;
}

/// Checks what an expression is for each document, given as JSON, in which an integer is told from a
/// float: selected, chosen by `coalesce`, compared with, tested for null and put into the document
/// by a patch; in `items`, and wherever [`given_as`] declared `x` with a kind.
pub(super) async fn computes(backend: &dyn Backend, expr: Expr, expected: &[&str]) {
    let names = backend.collections().await.unwrap();
    for kind in [
        FieldKind::Any,
        FieldKind::Text,
        FieldKind::Number,
        FieldKind::Bool,
        FieldKind::Array,
    ] {
        let name = declared_name(kind);
        if names.iter().any(|it| it == name) {
            let expr = with_kind(expr.clone(), kind);
            computes_in(backend, name, expr, expected).await;
        }
    }
}

async fn computes_in(backend: &dyn Backend, collection: &str, expr: Expr, expected: &[&str]) {
    let about = format!("{expr:?} in {collection}");
    let all = || Query::new(collection);
    let otherwise = coalesce(vec![expr.clone(), literal("\"none\"")]);
    let query = Query {
        select: Select::Values(vec![expr.clone(), otherwise]),
        ..all()
    };
    let found = rows(backend, &query).await;
    let ids: Vec<&str> = found.iter().map(|it| it.id.as_str()).collect();
    let found: Vec<String> = found.iter().map(|it| parsed(it).to_string()).collect();
    let wanted = expected.iter().map(|it| {
        let value = json(it);
        match value.is_null() {
            true => r#"[null,"none"]"#.to_owned(),
            false => format!("[{value},{value}]"),
        }
    });
    assert_eq!(found, wanted.collect::<Vec<_>>(), "{about}");
    let values: Vec<Value> = expected.iter().map(|it| json(it)).collect();
    let with = |is_wanted: &dyn Fn(&Value) -> bool| -> String {
        let wanted = ids.iter().zip(&values).filter(|(_, it)| is_wanted(it));
        let wanted: Vec<&str> = wanted.map(|(id, _)| *id).collect();
        wanted.join(" ")
    };
    for value in values.iter().filter(|it| !it.is_null()) {
        let query = Query {
            filter: eq(expr.clone(), Expr::Value(value.clone())),
            ..all()
        };
        let found = self::ids(backend, &query).await;
        assert_eq!(found, with(&|it| it == value), "{about} = {value}");
    }
    let query = Query {
        filter: is_null(expr.clone()),
        ..all()
    };
    let found = self::ids(backend, &query).await;
    assert_eq!(found, with(&Value::is_null), "{about} is null");
    if backend.capabilities().has(Capability::Patches) {
        let changes = vec![set_expr("out.of", expr.clone())];
        update(backend, &all(), changes).await.unwrap();
        let query = Query {
            select: Select::Value(path("out")),
            ..all()
        };
        let found = rows(backend, &query).await;
        let found: Vec<String> = found.iter().map(|it| parsed(it).to_string()).collect();
        let wanted: Vec<String> = values.iter().map(|it| format!("{{\"of\":{it}}}")).collect();
        assert_eq!(found, wanted, "{about} put");
        update(backend, &all(), vec![unset("out")]).await.unwrap();
    }
}

/// The values that a query selects, each row as JSON text.
pub(super) async fn selections(on: &(impl ReadWrite + ?Sized), query: &Query) -> Vec<String> {
    let rows = rows(on, query).await;
    rows.iter().map(|it| parsed(it).to_string()).collect()
}

/// The rows of a grouping, each as JSON text; all is checked first as den does.
pub(super) async fn groups(
    on: &(impl ReadWrite + ?Sized),
    query: &Query,
    grouping: &Grouping,
) -> Vec<String> {
    let rows = group(on, query, grouping).await.unwrap();
    let text = |row: &Vec<u8>| serde_json::from_slice::<Value>(row).unwrap().to_string();
    rows.iter().map(text).collect()
}

/// The rows of a grouping; all is checked first as den does.
pub(super) async fn group(
    on: &(impl ReadWrite + ?Sized),
    query: &Query,
    grouping: &Grouping,
) -> Result<Vec<Vec<u8>>> {
    grouping.check(query, Capabilities::all())?;
    on.group(query, grouping).await
}

/// Checks that the query cannot be answered because a number is out of range.
pub(super) async fn out_of_range(on: &(impl ReadWrite + ?Sized), query: &Query) {
    query.check(Capabilities::all()).unwrap();
    let result: Result<Vec<RawDocument>> =
        async { on.query(query).await?.try_collect().await }.await;
    assert_eq!(kind_of(result), ErrorKind::OutOfRange, "{query:?}");
}

/// The same expression, with this kind for the field `x`.
fn with_kind(expr: Expr, kind: FieldKind) -> Expr {
    let field = |it: Field| match it.path == path("x") && it.root == Root::Document {
        true => Field { kind, ..it },
        false => it,
    };
    let boxed = |it: Box<Expr>| Box::new(with_kind(*it, kind));
    let list = |all: Vec<Expr>| all.into_iter().map(|it| with_kind(it, kind)).collect();
    match expr {
        Expr::Value(_) => expr,
        Expr::Field(it) => Expr::Field(field(it)),
        Expr::Exists(it) => Expr::Exists(field(it)),
        Expr::Len(it) => Expr::Len(boxed(it)),
        Expr::Arithmetic { op, left, right } => Expr::Arithmetic {
            op,
            left: boxed(left),
            right: boxed(right),
        },
        Expr::Case {
            branches,
            otherwise,
        } => Expr::Case {
            branches: branches
                .into_iter()
                .map(|(condition, it)| (with_kind(condition, kind), with_kind(it, kind)))
                .collect(),
            otherwise: boxed(otherwise),
        },
        Expr::Coalesce(all) => Expr::Coalesce(list(all)),
        Expr::Call {
            function,
            arguments,
        } => Expr::Call {
            function,
            arguments: list(arguments),
        },
        Expr::Native(_) => expr,
        Expr::Compare { op, left, right } => Expr::compare(op, *boxed(left), *boxed(right)),
        Expr::In { operand, values } => Expr::In {
            operand: boxed(operand),
            values,
        },
        Expr::IsNull(it) => Expr::IsNull(boxed(it)),
        Expr::Text {
            op,
            ignore_case,
            operand,
            needle,
        } => Expr::Text {
            op,
            ignore_case,
            operand: boxed(operand),
            needle,
        },
        Expr::Matches { operand, pattern } => Expr::Matches {
            operand: boxed(operand),
            pattern,
        },
        Expr::Contains { array, value } => Expr::Contains {
            array: boxed(array),
            value,
        },
        Expr::IsEmpty(it) => Expr::IsEmpty(boxed(it)),
        Expr::AnyElement { array, predicate } => any_element(*boxed(array), *boxed(predicate)),
        Expr::AllElements { array, predicate } => all_elements(*boxed(array), *boxed(predicate)),
        Expr::HasKey { object, key } => Expr::HasKey {
            object: boxed(object),
            key,
        },
        // The fields of the predicate lie in another collection.
        Expr::Linked {
            operand,
            collection,
            predicate,
        } => Expr::Linked {
            operand: boxed(operand),
            collection,
            predicate,
        },
        Expr::And(all) => Expr::And(list(all)),
        Expr::Or(all) => Expr::Or(list(all)),
        Expr::Not(it) => Expr::Not(boxed(it)),
    }
}

/// `items` with declared fields and indexes.
pub(super) fn declared(fields: &[(&str, FieldKind)], indexes: Vec<IndexMeta>) -> CollectionMeta {
    CollectionMeta {
        fields: fields
            .iter()
            .map(|(key, kind)| declared_field(key, *kind))
            .collect(),
        indexes,
        ..CollectionMeta::new(ITEMS)
    }
}

/// An index of `items`, under its default name.
pub(super) fn index(kind: IndexKind, fields: &[(&str, FieldKind)]) -> IndexMeta {
    let paths: Vec<FieldPath> = fields.iter().map(|(key, _)| path(key)).collect();
    let paths: Vec<&FieldPath> = paths.iter().collect();
    let fields = fields
        .iter()
        .map(|(key, kind)| (declared_field(key, *kind), Direction::Asc));
    IndexMeta {
        name: IndexMeta::default_name(ITEMS, kind, &paths),
        fields: fields.collect(),
        kind,
        filter: Expr::always(),
        search: None,
    }
}

fn declared_field(key: &str, kind: FieldKind) -> FieldMeta {
    FieldMeta {
        path: path(key),
        kind,
    }
}

/// The kind of the error that must come.
#[track_caller]
pub(super) fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// Checks the order of all documents, in `items` and where [`given_as`] declared `x` with the kind
/// it is sorted by.
pub(super) async fn check_order(backend: &dyn Backend, sort: &[Sort], expected: &str) {
    for collection in sorted_in(backend, sort).await {
        let query = Query {
            collection,
            ..sorted(sort)
        };
        let found = ids(backend, &query).await;
        assert_eq!(found, expected, "{sort:?} in {}", query.collection);
        let reversed: Vec<&str> = expected.split(' ').rev().collect();
        let found = ids(backend, &query.reversed()).await;
        assert_eq!(found, reversed.join(" "), "{sort:?} reversed");
    }
}

/// `items`, and the collection in which `x` is declared with the kind it is sorted by.
pub(super) async fn sorted_in(backend: &dyn Backend, sort: &[Sort]) -> Vec<String> {
    let names = backend.collections().await.unwrap();
    let x = sort
        .iter()
        .find(|it| it.as_field().is_some_and(|it| it.path == path("x")));
    let declared = x.map(|it| declared_name(it.kind()));
    let declared = declared.filter(|it| *it != ITEMS && names.iter().any(|name| name == it));
    [ITEMS]
        .into_iter()
        .chain(declared)
        .map(str::to_owned)
        .collect()
}

/// Begins a transaction with the default options.
pub(super) async fn begin(backend: &dyn Backend) -> Arc<dyn Transaction> {
    backend.begin(TxOptions::default()).await.unwrap()
}

/// Fills `items` with this many documents, `00000` and so on, `x` being the number.
pub(super) async fn given_many(backend: &dyn Backend, count: usize) {
    ensure(backend, ITEMS).await;
    let ids: Vec<String> = (0..count).map(|it| format!("{it:05}")).collect();
    let bodies: Vec<String> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| body(id, &format!("{{\"x\":{i}}}")))
        .collect();
    let puts: Vec<Put<'_>> = ids
        .iter()
        .zip(&bodies)
        .map(|(id, body)| absent(id, body))
        .collect();
    backend
        .put_many(ITEMS, &puts, OnRefusal::Abort)
        .await
        .unwrap();
}

/// Updates the rows of a query; both are checked first as den does.
pub(super) async fn update(
    on: &(impl ReadWrite + ?Sized),
    query: &Query,
    changes: Vec<Change>,
) -> Result<u64> {
    query.check(Capabilities::all())?;
    let patch = Patch::new(changes);
    patch.check(Capabilities::all())?;
    let updated = on.update(query, &patch, Returning::Nothing).await?;
    Ok(updated.count)
}

/// Updates the rows of a query and returns documents; all is checked first as den does.
pub(super) async fn update_returning(
    on: &(impl ReadWrite + ?Sized),
    query: &Query,
    changes: Vec<Change>,
    returning: Returning,
) -> Result<Updated> {
    query.check(Capabilities::all())?;
    let patch = Patch::new(changes);
    patch.check(Capabilities::all())?;
    on.update(query, &patch, returning).await
}

/// Makes a collection without declared fields, and puts documents with these ids and fields in it.
pub(super) async fn insert_into(backend: &dyn Backend, name: &str, documents: &[(&str, &str)]) {
    ensure(backend, name).await;
    for (id, fields) in documents {
        let body = body(id, fields);
        backend.put(name, absent(id, &body)).await.unwrap();
    }
}
