//! Windows (skip and limit) and selections.

use crate::{Backend, FieldKind::Number, FieldPath, Query, Select, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(limit_cuts_the_end),
    case!(skip_cuts_the_start),
    case!(skip_and_limit_compose),
    case!(windows_of_any_size),
    case!(count_ignores_the_window),
    case!(exists_ignores_the_window),
    case!(select_document),
    case!(select_id),
    case!(select_value),
    case!(select_value_at_odd_paths),
    case!(an_empty_collection_has_no_rows),
];

const FIVE: &[&str] = &[
    r#"{"x":5}"#,
    r#"{"x":4}"#,
    r#"{"x":3}"#,
    r#"{"x":2}"#,
    r#"{"x":1}"#,
];

fn window(skip: u64, limit: Option<u64>) -> Query {
    Query {
        skip,
        limit,
        ..sorted(&[by("x", Number)])
    }
}

async fn limit_cuts_the_end(backend: &dyn Backend) {
    given(backend, FIVE).await;
    assert_eq!(ids(backend, &window(0, Some(2))).await, "e d");
    assert_eq!(ids(backend, &window(0, Some(0))).await, "");
    assert_eq!(ids(backend, &window(0, Some(5))).await, "e d c b a");
    assert_eq!(ids(backend, &window(0, Some(6))).await, "e d c b a");
}

async fn skip_cuts_the_start(backend: &dyn Backend) {
    given(backend, FIVE).await;
    assert_eq!(ids(backend, &window(3, None)).await, "b a");
    assert_eq!(ids(backend, &window(5, None)).await, "");
    assert_eq!(ids(backend, &window(6, None)).await, "");
}

async fn skip_and_limit_compose(backend: &dyn Backend) {
    given(backend, FIVE).await;
    assert_eq!(ids(backend, &window(1, Some(2))).await, "d c");
    assert_eq!(ids(backend, &window(4, Some(2))).await, "a");
    assert_eq!(ids(backend, &window(2, Some(0))).await, "");
    let filtered = Query {
        filter: gt(field("x"), literal("2")),
        ..window(1, Some(1))
    };
    assert_eq!(ids(backend, &filtered).await, "b");
}

async fn windows_of_any_size(backend: &dyn Backend) {
    given(backend, FIVE).await;
    assert_eq!(ids(backend, &window(0, Some(u64::MAX))).await, "e d c b a");
    assert_eq!(ids(backend, &window(u64::MAX, None)).await, "");
    assert_eq!(ids(backend, &window(u64::MAX, Some(u64::MAX))).await, "");
    assert_eq!(ids(backend, &window(1, Some(u64::MAX))).await, "d c b a");
}

async fn count_ignores_the_window(backend: &dyn Backend) {
    given(backend, FIVE).await;
    for query in [
        window(0, None),
        window(0, Some(1)),
        window(3, None),
        window(9, Some(0)),
    ] {
        assert_eq!(backend.count(&query).await.unwrap(), 5, "{query:?}");
    }
    let filtered = Query {
        filter: gt(field("x"), literal("2")),
        ..window(1, Some(1))
    };
    assert_eq!(backend.count(&filtered).await.unwrap(), 3);
}

async fn exists_ignores_the_window(backend: &dyn Backend) {
    given(backend, FIVE).await;
    for query in [window(0, None), window(0, Some(0)), window(9, None)] {
        assert!(backend.exists(&query).await.unwrap(), "{query:?}");
    }
    let nothing = Query {
        filter: gt(field("x"), literal("5")),
        ..window(0, None)
    };
    assert!(!backend.exists(&nothing).await.unwrap());
}

async fn select_document(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let found = rows(backend, &window(0, Some(1))).await;
    assert_eq!(found[0].id, "e");
    assert_eq!(parsed(&found[0]), json(r#"{"_id":"e","x":1}"#));
}

async fn select_id(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = Query {
        select: Select::Id,
        ..window(0, None)
    };
    let found = rows(backend, &query).await;
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|it| it.body.is_empty()));
    assert_eq!(found[0].id, "e");
}

async fn select_value(backend: &dyn Backend) {
    let values = [
        "1",
        "9007199254740993",
        "-1.5",
        "1e300",
        "\"a\\\"\\\\\\n é😀\"",
        "\"\"",
        "\"1\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        r#"[1,"a",null,[true]]"#,
        r#"{"b":{"c":null},"a b":1}"#,
    ];
    let documents = values.map(|it| format!("{{\"x\":{it}}}"));
    let documents = documents.each_ref().map(String::as_str);
    given_scalars(backend, &documents).await;
    for collection in ["items", "items_text", "items_number", "items_bool"] {
        let query = Query {
            select: Select::Value(path("x")),
            ..Query::new(collection)
        };
        let found = rows(backend, &query).await;
        assert_eq!(found.len(), values.len());
        for (row, value) in found.iter().zip(values) {
            assert_eq!(parsed(row), json(value), "{} in {collection}", row.id);
        }
    }
}

async fn select_value_at_odd_paths(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"a.b":{"US Gross":1},"x":["p",{"q":2}]}"#,
            "{}",
            r#"{"a.b":null,"x":{"1":{"q":3}}}"#,
        ],
    )
    .await;
    for (segments, expected) in [
        (&["a.b", "US Gross"][..], ["1", "null", "null"]),
        (&["x", "1", "q"], ["2", "null", "3"]),
        (&["x", "0"], ["\"p\"", "null", "null"]),
        (&["_id"], ["\"a\"", "\"b\"", "\"c\""]),
    ] {
        let path = FieldPath::from_segments(segments.iter().copied()).unwrap();
        let query = Query {
            select: Select::Value(path),
            ..Query::new(ITEMS)
        };
        for (row, value) in rows(backend, &query).await.iter().zip(expected) {
            assert_eq!(parsed(row), json(value), "{segments:?} of {}", row.id);
        }
    }
}

async fn an_empty_collection_has_no_rows(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let query = window(0, None);
    assert_eq!(ids(backend, &query).await, "");
    assert_eq!(backend.count(&query).await.unwrap(), 0);
    assert!(!backend.exists(&query).await.unwrap());
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 0);
}
