//! What goes wrong goes wrong the same way everywhere.

use futures_util::TryStreamExt as _;

use crate::{
    Backend, ErrorKind, Expectation, ExplainMode, OnRefusal, Query, RawDocument, Result, TxOptions,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(an_unknown_collection_is_not_registered),
    case!(a_closed_backend_is_a_lost_connection),
    case!(a_closed_backend_begins_nothing: Transactions),
    case!(explain_says_something: Explain),
    case!(explain_changes_nothing: Explain),
];

/// All rows; the error may come with the call or with the stream.
async fn read_all(backend: &dyn Backend, query: &Query) -> Result<Vec<RawDocument>> {
    backend.query(query).await?.try_collect().await
}

async fn an_unknown_collection_is_not_registered(backend: &dyn Backend) {
    ensure(backend, "others").await;
    let unknown = ErrorKind::NotRegistered;
    let query = Query::new(ITEMS);
    assert_eq!(kind_of(backend.get(ITEMS, "a").await), unknown);
    assert_eq!(kind_of(backend.get_many(ITEMS, &["a"]).await), unknown);
    assert_eq!(
        kind_of(put(backend, "a", "{}", Expectation::Any).await),
        unknown
    );
    let expect = Expectation::Revision(Some("1"));
    assert_eq!(kind_of(put(backend, "a", "{}", expect).await), unknown);
    let body = body("a", "{}");
    let puts = [absent("a", &body)];
    assert_eq!(
        kind_of(backend.put_many(ITEMS, &puts, OnRefusal::Abort).await),
        unknown
    );
    assert_eq!(
        kind_of(backend.delete(ITEMS, "a", Expectation::Any).await),
        unknown
    );
    assert_eq!(kind_of(read_all(backend, &query).await), unknown);
    assert_eq!(kind_of(backend.count(&query).await), unknown);
    assert_eq!(kind_of(backend.exists(&query).await), unknown);
    assert_eq!(kind_of(backend.delete_matching(&query).await), unknown);
    let error = backend.count(&query).await.unwrap_err();
    assert_eq!(error.collection(), Some(ITEMS));
    // Nothing of this made it.
    assert_eq!(backend.collections().await.unwrap(), ["others"]);
    ensure(backend, ITEMS).await;
    insert(backend, "a", "{}").await;
}

async fn a_closed_backend_is_a_lost_connection(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    backend.close().await.unwrap();
    let lost = ErrorKind::ConnectionLost;
    let query = Query::new(ITEMS);
    assert_eq!(kind_of(backend.ping().await), lost);
    assert_eq!(kind_of(backend.get(ITEMS, "a").await), lost);
    assert_eq!(
        kind_of(put(backend, "b", "{}", Expectation::Any).await),
        lost
    );
    assert_eq!(
        kind_of(backend.delete(ITEMS, "a", Expectation::Any).await),
        lost
    );
    assert_eq!(kind_of(read_all(backend, &query).await), lost);
    assert_eq!(kind_of(backend.count(&query).await), lost);
    assert_eq!(kind_of(backend.collections().await), lost);
    let meta = crate::CollectionMeta::new("more");
    assert_eq!(kind_of(backend.ensure_collection(&meta).await), lost);
}

async fn a_closed_backend_begins_nothing(backend: &dyn Backend) {
    backend.close().await.unwrap();
    let begun = backend.begin(TxOptions::default()).await.map(|_| ());
    assert_eq!(kind_of(begun), ErrorKind::ConnectionLost);
}

async fn explain_says_something(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let query = Query {
        filter: eq(field("x"), literal("1")),
        limit: Some(1),
        ..sorted(&[by("x", crate::FieldKind::Number)])
    };
    let statement = backend
        .explain(&query, ExplainMode::Statement)
        .await
        .unwrap();
    assert!(!statement.statement.is_empty());
    assert_eq!(statement.plan, Vec::<String>::new());
    let plan = backend.explain(&query, ExplainMode::Plan).await.unwrap();
    assert_eq!(plan.statement, statement.statement);
    assert!(!plan.plan.is_empty());
    let unknown = backend
        .explain(&Query::new("nope"), ExplainMode::Plan)
        .await;
    assert_eq!(kind_of(unknown), ErrorKind::NotRegistered);
}

async fn explain_changes_nothing(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    for mode in [ExplainMode::Statement, ExplainMode::Plan] {
        backend.explain(&Query::new(ITEMS), mode).await.unwrap();
    }
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}
