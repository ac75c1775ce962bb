//! Deleting the rows of a query.

use crate::{
    Backend,
    FieldKind::{Any, Number},
    Query, Seek, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(delete_matching_deletes_what_matches),
    case!(delete_matching_deletes_all_without_a_filter),
    case!(delete_matching_respects_the_window),
    case!(delete_matching_respects_the_position),
    case!(delete_matching_of_nothing_is_zero),
    case!(delete_matching_spares_other_collections),
];

const FIVE: &[&str] = &[
    r#"{"x":5}"#,
    r#"{"x":4}"#,
    r#"{"x":3}"#,
    r#"{"x":null}"#,
    r#"{"x":"a"}"#,
];

async fn left(backend: &dyn Backend) -> String {
    ids(backend, &Query::new(ITEMS)).await
}

async fn delete_matching_deletes_what_matches(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = filtered(ge(field("x"), literal("4")));
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
    assert_eq!(left(backend).await, "c d e");
    let query = filtered(ge(field("x"), literal("0")).not());
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
    assert_eq!(left(backend).await, "c");
}

async fn delete_matching_deletes_all_without_a_filter(backend: &dyn Backend) {
    given(backend, FIVE).await;
    assert_eq!(
        backend.delete_matching(&Query::new(ITEMS)).await.unwrap(),
        5
    );
    assert_eq!(left(backend).await, "");
}

async fn delete_matching_respects_the_window(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = Query {
        skip: 1,
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
    assert_eq!(left(backend).await, "a d e");
    let query = Query {
        limit: Some(1),
        filter: is_null(field("x")).not(),
        ..sorted(&[by("-x", Any)])
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 1);
    assert_eq!(left(backend).await, "a d");
    let query = Query {
        limit: Some(0),
        ..Query::new(ITEMS)
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 0);
    let query = Query {
        skip: 1,
        ..Query::new(ITEMS)
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 1);
    assert_eq!(left(backend).await, "a");
}

async fn delete_matching_respects_the_position(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(3)],
            id: "c".to_owned(),
        }),
        limit: Some(1),
        ..sorted(&[by("x", Number)])
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 1);
    assert_eq!(left(backend).await, "a c d e");
}

async fn delete_matching_of_nothing_is_zero(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = filtered(eq(field("x"), literal("true")));
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 0);
    assert_eq!(left(backend).await, "a b c d e");
}

async fn delete_matching_spares_other_collections(backend: &dyn Backend) {
    given_scalars(backend, FIVE).await;
    assert_eq!(
        backend.delete_matching(&Query::new(ITEMS)).await.unwrap(),
        5
    );
    assert_eq!(backend.count(&Query::new("items_text")).await.unwrap(), 5);
}
