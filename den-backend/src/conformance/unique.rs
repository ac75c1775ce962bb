//! Unique indexes: unique among the values that are present.

use crate::{
    Backend, Error, ErrorKind, Expectation,
    FieldKind::{Bool, Number, Text},
    IndexKind, IndexMeta, PutOutcome, Query,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(a_taken_value_is_a_duplicate: UniqueIndexes),
    case!(a_duplicate_says_what_was_taken: UniqueIndexes),
    case!(absent_values_never_collide: UniqueIndexes),
    case!(values_of_another_kind_take_no_part: UniqueIndexes),
    case!(equal_numbers_collide: UniqueIndexes),
    case!(text_is_unique_by_its_bytes: UniqueIndexes),
    case!(several_fields_are_unique_together: UniqueIndexes),
    case!(a_document_does_not_collide_with_itself: UniqueIndexes),
    case!(a_value_is_free_again_after_delete_and_update: UniqueIndexes),
    case!(a_refusal_comes_before_a_duplicate: UniqueIndexes),
    case!(rows_that_exist_are_checked: UniqueIndexes),
    case!(unique_is_recorded: UniqueIndexes),
    case!(two_unique_indexes_are_told_apart: UniqueIndexes),
    case!(a_dropped_unique_index_refuses_nothing: UniqueIndexes),
    case!(a_deep_field_may_be_unique: UniqueIndexes),
];

async fn ensure_unique(backend: &dyn Backend, fields: &[(&str, crate::FieldKind)]) -> IndexMeta {
    let unique = index(IndexKind::Unique, fields);
    let meta = declared(fields, vec![unique.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    unique
}

async fn taken(backend: &dyn Backend, id: &str, fields: &str) -> Error {
    let error = put(backend, id, fields, Expectation::Any)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate, "{error}");
    error
}

async fn a_taken_value_is_a_duplicate(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"q"}"#).await;
    taken(backend, "c", r#"{"x":"p"}"#).await;
    taken(backend, "b", r#"{"x":"p"}"#).await;
    for expect in [Expectation::Absent, Expectation::Any] {
        let error = put(backend, "c", r#"{"x":"p"}"#, expect).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
    }
    let error = put(backend, "b", r#"{"x":"p"}"#, Expectation::Present).await;
    assert_eq!(kind_of(error), ErrorKind::Duplicate);
    assert_eq!(get(backend, "c").await, None);
    assert_eq!(stored(backend, "b", "x").await, "q".into());
}

async fn a_duplicate_says_what_was_taken(backend: &dyn Backend) {
    let unique = ensure_unique(backend, &[("o.x", Text)]).await;
    insert(backend, "a", r#"{"o":{"x":"secret"}}"#).await;
    let error = taken(backend, "b", r#"{"o":{"x":"secret"}}"#).await;
    let constraint = error
        .constraint()
        .expect("a duplicate names its constraint");
    assert_eq!(constraint.name(), unique.name);
    assert_eq!(constraint.fields(), ["o.x"]);
    assert_eq!(error.collection(), Some(ITEMS));
    assert!(!error.is_retryable());
    assert!(!error.to_string().contains("secret"), "{error}");
}

async fn absent_values_never_collide(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    for (id, fields) in [
        ("a", "{}"),
        ("b", "{}"),
        ("c", r#"{"x":null}"#),
        ("d", r#"{"x":null}"#),
    ] {
        insert(backend, id, fields).await;
    }
    insert(backend, "e", r#"{"x":""}"#).await;
    taken(backend, "f", r#"{"x":""}"#).await;
}

async fn values_of_another_kind_take_no_part(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Number)]).await;
    insert(backend, "a", r#"{"x":1}"#).await;
    for (i, value) in ["\"1\"", "\"1\"", "true", "true", "[1]", "[1]", "{}", "{}"]
        .iter()
        .enumerate()
    {
        insert(backend, &format!("b{i}"), &format!("{{\"x\":{value}}}")).await;
    }
    taken(backend, "c", r#"{"x":1}"#).await;
}

async fn equal_numbers_collide(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Number)]).await;
    insert(backend, "a", r#"{"x":1}"#).await;
    taken(backend, "b", r#"{"x":1.0}"#).await;
    insert(backend, "c", r#"{"x":9007199254740992}"#).await;
    insert(backend, "d", r#"{"x":9007199254740993}"#).await;
    taken(backend, "e", r#"{"x":9007199254740992.0}"#).await;
    insert(backend, "f", r#"{"x":1e300}"#).await;
    taken(backend, "g", r#"{"x":1e300}"#).await;
}

async fn text_is_unique_by_its_bytes(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    for (i, value) in ["a", "A", "a ", " a", "é", "e\\u0301", "1", "true", "null"]
        .iter()
        .enumerate()
    {
        insert(backend, &i.to_string(), &format!("{{\"x\":\"{value}\"}}")).await;
    }
    taken(backend, "z", r#"{"x":"é"}"#).await;
}

async fn several_fields_are_unique_together(backend: &dyn Backend) {
    let unique = ensure_unique(backend, &[("x", Text), ("y", Number), ("z", Bool)]).await;
    insert(backend, "a", r#"{"x":"p","y":1,"z":true}"#).await;
    insert(backend, "b", r#"{"x":"p","y":2,"z":true}"#).await;
    insert(backend, "c", r#"{"x":"q","y":1,"z":true}"#).await;
    insert(backend, "d", r#"{"x":"p","y":1,"z":false}"#).await;
    // One value that is not there, and the row takes no part.
    insert(backend, "e", r#"{"x":"p","y":1}"#).await;
    insert(backend, "f", r#"{"x":"p","y":1}"#).await;
    insert(backend, "g", r#"{"x":"p","y":"1","z":true}"#).await;
    let error = taken(backend, "h", r#"{"x":"p","y":1.0,"z":true}"#).await;
    let constraint = error
        .constraint()
        .expect("a duplicate names its constraint");
    assert_eq!(constraint.name(), unique.name);
    assert_eq!(constraint.fields(), ["x", "y", "z"]);
}

async fn a_document_does_not_collide_with_itself(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    let updated = put(backend, "a", r#"{"x":"p","y":1}"#, Expectation::Any).await;
    assert_eq!(updated.unwrap(), PutOutcome::Updated);
}

async fn a_value_is_free_again_after_delete_and_update(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"q"}"#).await;
    put(backend, "a", r#"{"x":"r"}"#, Expectation::Any)
        .await
        .unwrap();
    insert(backend, "c", r#"{"x":"p"}"#).await;
    backend.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    insert(backend, "d", r#"{"x":"q"}"#).await;
    let query = filtered(eq(field("x"), literal("\"p\"")));
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 1);
    insert(backend, "e", r#"{"x":"p"}"#).await;
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a d e");
}

async fn a_refusal_comes_before_a_duplicate(backend: &dyn Backend) {
    ensure_unique(backend, &[("x", Text)]).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"q","_rev":"1"}"#).await;
    for (id, expect) in [
        ("c", Expectation::Present),
        ("b", Expectation::Revision(Some("2"))),
        ("c", Expectation::Revision(None)),
    ] {
        let outcome = put(backend, id, r#"{"x":"p"}"#, expect).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Refused(_)), "{expect:?}");
    }
}

async fn rows_that_exist_are_checked(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"x":"p","y":1}"#, r#"{"x":"p","y":2}"#, "{}", "{}"],
    )
    .await;
    let on_x = index(IndexKind::Unique, &[("x", Text)]);
    let on_y = index(IndexKind::Unique, &[("y", Number)]);
    let meta = declared(&[("x", Text)], vec![on_x.clone()]);
    let error = backend.ensure_collection(&meta).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate, "{error}");
    let error = backend.ensure_index(ITEMS, &on_x).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate, "{error}");
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    backend.ensure_index(ITEMS, &on_y).await.unwrap();
    taken(backend, "z", r#"{"y":2}"#).await;
    // What stood in the way is gone, and the index can be made.
    backend.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    backend.ensure_index(ITEMS, &on_x).await.unwrap();
    taken(backend, "z", r#"{"x":"p"}"#).await;
}

async fn unique_is_recorded(backend: &dyn Backend) {
    let unique = ensure_unique(backend, &[("x", Text)]).await;
    let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].name, unique.name);
    assert!(recorded[0].unique);
}

async fn two_unique_indexes_are_told_apart(backend: &dyn Backend) {
    let on_x = index(IndexKind::Unique, &[("x", Text)]);
    let on_y = index(IndexKind::Unique, &[("y", Text)]);
    let meta = declared(
        &[("x", Text), ("y", Text)],
        vec![on_x.clone(), on_y.clone()],
    );
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p","y":"q"}"#).await;
    let name = |error: Error| error.constraint().map(|it| it.name().to_owned());
    let error = taken(backend, "b", r#"{"x":"p"}"#).await;
    assert_eq!(name(error), Some(on_x.name));
    let error = taken(backend, "b", r#"{"x":"q","y":"q"}"#).await;
    assert_eq!(name(error), Some(on_y.name));
}

async fn a_dropped_unique_index_refuses_nothing(backend: &dyn Backend) {
    let unique = ensure_unique(backend, &[("x", Text)]).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    taken(backend, "b", r#"{"x":"p"}"#).await;
    backend.drop_index(ITEMS, &unique.name).await.unwrap();
    insert(backend, "b", r#"{"x":"p"}"#).await;
}

async fn a_deep_field_may_be_unique(backend: &dyn Backend) {
    ensure_unique(backend, &[("o.p.0", Number)]).await;
    insert(backend, "a", r#"{"o":{"p":[1,2]}}"#).await;
    insert(backend, "b", r#"{"o":{"p":[2,1]}}"#).await;
    insert(backend, "c", r#"{"o":{"p":1}}"#).await;
    taken(backend, "d", r#"{"o":{"p":{"0":1}}}"#).await;
}
