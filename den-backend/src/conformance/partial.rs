//! Indexes with a filter: what they cover, and what they refuse there.

use futures_util::future::join_all;

use crate::{
    Backend, Error, ErrorKind, Expectation, Expr, Field, FieldKind,
    FieldKind::{Number, Text},
    IndexKind, IndexMeta, PutOutcome, Query, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(only_covered_documents_collide: UniqueIndexes),
    case!(a_put_into_coverage_may_be_a_duplicate: UniqueIndexes),
    case!(an_update_into_coverage_may_be_a_duplicate: UniqueIndexes, Patches),
    case!(a_value_is_free_outside_of_coverage: UniqueIndexes),
    case!(filters_of_rows_that_exist_are_checked: UniqueIndexes),
    case!(another_filter_makes_another_index: UniqueIndexes),
    case!(several_fields_are_unique_among_the_covered: UniqueIndexes),
    case!(absent_values_are_not_covered: UniqueIndexes),
    case!(of_equal_covered_values_one_wins: UniqueIndexes),
    case!(a_partial_index_changes_no_answer),
];

/// A unique index over `x` among the documents that match.
pub(super) fn unique(kind: FieldKind, filter: Expr) -> IndexMeta {
    IndexMeta {
        filter,
        ..index(IndexKind::Unique, &[("x", kind)])
    }
}

pub(super) fn live() -> Expr {
    is_null(field("_deleted_at"))
}

async fn ensure_unique_live(backend: &dyn Backend) -> IndexMeta {
    let unique = unique(Text, live());
    let meta = declared(&[("x", Text)], vec![unique.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    unique
}

async fn taken(backend: &dyn Backend, id: &str, fields: &str) -> Error {
    let error = put(backend, id, fields, Expectation::Any)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate, "{fields}: {error:?}");
    error
}

async fn only_covered_documents_collide(backend: &dyn Backend) {
    let unique = ensure_unique_live(backend).await;
    let gone = r#"{"x":"p","_deleted_at":"2020-01-01T00:00:00.000000Z"}"#;
    insert(backend, "a", gone).await;
    insert(backend, "b", gone).await;
    insert(backend, "c", r#"{"x":"p"}"#).await;
    insert(backend, "d", gone).await;
    insert(backend, "e", r#"{"x":"p","_deleted_at":false}"#).await;
    for fields in [r#"{"x":"p"}"#, r#"{"x":"p","_deleted_at":null}"#] {
        let error = taken(backend, "f", fields).await;
        let constraint = error
            .constraint()
            .expect("a duplicate names its constraint");
        assert_eq!(constraint.name(), unique.name);
        assert_eq!(constraint.fields(), ["x"]);
        assert_eq!(error.collection(), Some(ITEMS));
    }
    let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].fields, ["x"]);
    assert!(recorded[0].unique);
}

async fn a_put_into_coverage_may_be_a_duplicate(backend: &dyn Backend) {
    ensure_unique_live(backend).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"p","_deleted_at":"then"}"#).await;
    taken(backend, "b", r#"{"x":"p","_deleted_at":null}"#).await;
    assert_eq!(stored(backend, "b", "_deleted_at").await, "then".into());
    let moved = put(backend, "b", r#"{"x":"q"}"#, Expectation::Present).await;
    assert_eq!(moved.unwrap(), PutOutcome::Updated);
    taken(backend, "b", r#"{"x":"p"}"#).await;
}

async fn an_update_into_coverage_may_be_a_duplicate(backend: &dyn Backend) {
    ensure_unique_live(backend).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"p","_deleted_at":"then"}"#).await;
    insert(backend, "c", r#"{"x":"q","_deleted_at":"then"}"#).await;
    let gone = filtered(live().not());
    let before = rows(backend, &Query::new(ITEMS)).await;
    for change in [unset("_deleted_at"), set("_deleted_at", "null")] {
        let updated = update(backend, &gone, vec![change]).await;
        let error = updated.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}");
        let constraint = error.constraint().map(|it| it.fields().to_vec());
        assert_eq!(constraint, Some(vec!["x".to_owned()]));
        assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
    }
    // Out of coverage, and the value is free.
    let all = Query::new(ITEMS);
    let then = vec![set("_deleted_at", "\"now\"")];
    assert_eq!(update(backend, &all, then).await.unwrap(), 3);
    insert(backend, "d", r#"{"x":"p"}"#).await;
}

async fn a_value_is_free_outside_of_coverage(backend: &dyn Backend) {
    ensure_unique_live(backend).await;
    insert(backend, "a", r#"{"x":"p"}"#).await;
    taken(backend, "b", r#"{"x":"p"}"#).await;
    let gone = r#"{"x":"p","_deleted_at":"then"}"#;
    put(backend, "a", gone, Expectation::Any).await.unwrap();
    insert(backend, "b", r#"{"x":"p"}"#).await;
    taken(backend, "a", r#"{"x":"p"}"#).await;
    backend.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    insert(backend, "c", r#"{"x":"p"}"#).await;
}

async fn filters_of_rows_that_exist_are_checked(backend: &dyn Backend) {
    let documents = [
        r#"{"x":"p","_deleted_at":"then"}"#,
        r#"{"x":"p","_deleted_at":"then"}"#,
        r#"{"x":"p"}"#,
    ];
    given(backend, &documents).await;
    let all = unique(Text, Expr::always());
    let error = backend.ensure_index(ITEMS, &all).await;
    assert_eq!(kind_of(error), ErrorKind::Duplicate);
    let gone = unique(Text, live().not());
    let error = backend.ensure_index(ITEMS, &gone).await;
    assert_eq!(kind_of(error), ErrorKind::Duplicate);
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    let live = unique(Text, live());
    for _ in 0..2 {
        backend.ensure_index(ITEMS, &live).await.unwrap();
    }
    let meta = declared(&[("x", Text)], vec![live]);
    backend.ensure_collection(&meta).await.unwrap();
    taken(backend, "z", r#"{"x":"p"}"#).await;
    insert(backend, "z", r#"{"x":"p","_deleted_at":"now"}"#).await;
}

async fn another_filter_makes_another_index(backend: &dyn Backend) {
    given(backend, &[]).await;
    let filters = [
        live(),
        live().not(),
        Expr::always(),
        eq(field("n"), literal("1")),
        eq(field("n"), literal("2")),
    ];
    let covered = [
        r#"{"x":"p","n":3}"#,
        r#"{"x":"p","_deleted_at":"then","n":3}"#,
        r#"{"x":"p","n":4}"#,
        r#"{"x":"p","n":1}"#,
        r#"{"x":"p","n":2}"#,
    ];
    // By an index of its own, and by the description of the collection.
    for is_whole in [false, true] {
        for (filter, fields) in filters.iter().zip(covered) {
            let unique = unique(Text, filter.clone());
            if is_whole {
                let meta = declared(&[("x", Text)], vec![unique]);
                backend.ensure_collection(&meta).await.unwrap();
            } else {
                backend.ensure_index(ITEMS, &unique).await.unwrap();
            }
            let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
            assert_eq!(recorded.len(), 1);
            insert(backend, "a", fields).await;
            taken(backend, "b", fields).await;
            if !filter.is_always() {
                let other = covered.iter().find(|it| {
                    let document: Value = json(it);
                    !covers(filter, &document)
                });
                insert(backend, "b", other.unwrap()).await;
                insert(backend, "c", other.unwrap()).await;
            }
            for id in ["a", "b", "c"] {
                backend.delete(ITEMS, id, Expectation::Any).await.unwrap();
            }
        }
    }
    // A filter that the rows do not bear leaves the index as it was.
    backend
        .ensure_index(ITEMS, &unique(Text, live()))
        .await
        .unwrap();
    let gone = r#"{"x":"p","_deleted_at":"then"}"#;
    insert(backend, "a", gone).await;
    insert(backend, "b", gone).await;
    let changed = backend
        .ensure_index(ITEMS, &unique(Text, Expr::always()))
        .await;
    assert_eq!(kind_of(changed), ErrorKind::Duplicate);
    insert(backend, "c", r#"{"x":"p"}"#).await;
    taken(backend, "d", r#"{"x":"p"}"#).await;
    insert(backend, "d", gone).await;
}

/// Whether one of the filters above covers a document.
fn covers(filter: &Expr, document: &Value) -> bool {
    let at = |key: &str| document.at(&[key.to_owned()]);
    if let Expr::Compare { right, .. } = filter {
        return at("n").map(|it| Expr::Value(it.clone())).as_ref() == Some(&**right);
    }
    at("_deleted_at").is_none() == matches!(filter, Expr::IsNull(_))
}

async fn several_fields_are_unique_among_the_covered(backend: &dyn Backend) {
    let unique = IndexMeta {
        filter: eq(field("b"), literal("true")),
        ..index(IndexKind::Unique, &[("x", Text), ("n", Number)])
    };
    let meta = declared(&[("x", Text), ("n", Number)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p","n":1,"b":true}"#).await;
    insert(backend, "b", r#"{"x":"p","n":1,"b":false}"#).await;
    insert(backend, "c", r#"{"x":"p","n":2,"b":true}"#).await;
    insert(backend, "d", r#"{"x":"p","b":true}"#).await;
    insert(backend, "e", r#"{"x":"p","b":true}"#).await;
    let error = taken(backend, "f", r#"{"x":"p","n":1.0,"b":true}"#).await;
    let constraint = error
        .constraint()
        .expect("a duplicate names its constraint");
    assert_eq!(constraint.fields(), ["x", "n"]);
}

async fn absent_values_are_not_covered(backend: &dyn Backend) {
    ensure_unique_live(backend).await;
    for (id, fields) in [
        ("a", "{}"),
        ("b", "{}"),
        ("c", r#"{"x":null}"#),
        ("d", r#"{"x":1}"#),
        ("e", r#"{"x":1}"#),
    ] {
        insert(backend, id, fields).await;
    }
}

async fn of_equal_covered_values_one_wins(backend: &dyn Backend) {
    ensure_unique_live(backend).await;
    for round in 0..10 {
        let fields = format!("{{\"x\":\"v{round}\"}}");
        let ids: Vec<String> = (0..6).map(|it| format!("{round}-{it}")).collect();
        let puts = ids
            .iter()
            .map(|id| put(backend, id, &fields, Expectation::Absent));
        let outcomes = join_all(puts).await;
        let won = outcomes.iter().filter(|it| it.is_ok());
        assert_eq!(won.count(), 1, "{outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}");
        }
    }
}

async fn a_partial_index_changes_no_answer(backend: &dyn Backend) {
    let of = |kind, fields: &[(&str, FieldKind)], filter: Expr, name: &str| IndexMeta {
        name: name.to_owned(),
        filter,
        ..index(kind, fields)
    };
    let indexes = [
        of(IndexKind::Plain, &[("x", Number)], live(), "live_x"),
        of(
            IndexKind::Plain,
            &[("x", Number)],
            gt(field("x"), literal("2")),
            "large_x",
        ),
        of(
            IndexKind::Plain,
            &[("t", Text), ("x", Number)],
            eq(field("t"), literal("\"a\"")),
            "a_x",
        ),
        of(
            IndexKind::Plain,
            &[("x", Number)],
            Expr::Exists(place("t")),
            "t_x",
        ),
    ];
    let documents = [
        r#"{"x":1,"t":"a"}"#,
        r#"{"x":2,"t":"b"}"#,
        r#"{"x":3,"_deleted_at":"then"}"#,
        r#"{"x":4,"t":"a","_deleted_at":null}"#,
        r#"{"t":"a"}"#,
        r#"{"x":"5","t":null}"#,
    ];
    for is_late in [false, true] {
        backend.drop_collection(ITEMS).await.unwrap();
        ensure(backend, ITEMS).await;
        if !is_late {
            for index in &indexes {
                backend.ensure_index(ITEMS, index).await.unwrap();
            }
        }
        given(backend, &documents).await;
        if is_late {
            for index in &indexes {
                backend.ensure_index(ITEMS, index).await.unwrap();
            }
        }
        let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
        assert_eq!(recorded.len(), indexes.len());
        let x = || Expr::Field(Field::document(path("x"), Number));
        let t = || Expr::Field(Field::document(path("t"), Text));
        check(backend, ge(x(), literal("1")), "a b c d").await;
        check(backend, ge(x(), literal("1")).and(live()), "a b d").await;
        check(backend, gt(x(), literal("2")), "c d").await;
        check(backend, gt(x(), literal("3")), "d").await;
        check(
            backend,
            eq(t(), literal("\"a\"")).and(ge(x(), literal("1"))),
            "a d",
        )
        .await;
        check(
            backend,
            eq(t(), literal("\"b\"")).and(ge(x(), literal("1"))),
            "b",
        )
        .await;
        check(backend, eq(t(), literal("\"a\"")), "a d e").await;
        check(
            backend,
            Expr::Exists(place("t")).and(le(x(), literal("3"))),
            "a b",
        )
        .await;
        check(backend, is_null(x()).and(live()), "e").await;
        let sorted_live = Query {
            filter: live(),
            ..sorted(&[by("x", Number)])
        };
        assert_eq!(ids(backend, &sorted_live).await, "e f a b d");
        assert_eq!(ids(backend, &sorted_live.reversed()).await, "d b a f e");
        let all = sorted(&[by("x", Number)]);
        assert_eq!(ids(backend, &all).await, "e f a b c d");
    }
}
