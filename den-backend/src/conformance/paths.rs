//! Paths lead through objects and arrays; keys are taken literally.

use crate::{Backend, Expr, Field, FieldKind, FieldPath, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(paths_lead_through_objects),
    case!(odd_keys_are_found),
    case!(keys_are_case_sensitive),
    case!(numbers_index_arrays_and_are_keys_of_objects),
    case!(only_canonical_numbers_index),
    case!(paths_through_scalars_lead_nowhere),
    case!(long_paths),
];

fn exists(segments: &[&str]) -> Expr {
    let path = FieldPath::from_segments(segments.iter().copied()).unwrap();
    Expr::Exists(Field::document(path, FieldKind::Any))
}

async fn paths_lead_through_objects(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"o":{"x":{"y":1}}}"#,
            r#"{"o":{"x":{"y":null}}}"#,
            r#"{"o":{"x":{}}}"#,
            r#"{"o":null}"#,
            r#"{"o.x.y":1}"#,
            r#"{"o":[{"x":{"y":1}}]}"#,
        ],
    )
    .await;
    check(backend, eq(field("o.x.y"), literal("1")), "a").await;
    check(backend, exists(&["o", "x", "y"]), "a b").await;
    check(backend, is_null(field("o.x.y")), "b c d e f").await;
    check(backend, eq(keys(&["o.x.y"]), literal("1")), "e").await;
}

async fn odd_keys_are_found(backend: &dyn Backend) {
    let odd = [
        "US Gross",
        "a.b",
        "na-me",
        "it's",
        "say \"hi\"",
        "back\\slash",
        "é",
        "😀",
        "$",
        "$.a",
        "#",
        "[0]",
        "*",
        "a[0]",
        "%",
        "_",
        "?",
        "@",
        ":",
        "a:b",
        "--",
        ";",
        "'; x",
        "select",
        "NULL",
        " ",
    ];
    ensure(backend, ITEMS).await;
    for (i, key) in odd.iter().enumerate() {
        let key = crate::Value::from(*key);
        let fields = format!("{{{key}:{i},\"o\":{{{key}:{i}}}}}");
        insert(backend, &format!("{:02}", i), &fields).await;
    }
    for (i, key) in odd.iter().enumerate() {
        let value = || Expr::Value(i64::try_from(i).unwrap().into());
        let id = format!("{i:02}");
        check(backend, eq(keys(&[key]), value()), &id).await;
        check(backend, eq(keys(&["o", key]), value()), &id).await;
        check(backend, exists(&["o", key]), &id).await;
    }
}

async fn keys_are_case_sensitive(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"X":1}"#]).await;
    check(backend, eq(field("x"), literal("1")), "a").await;
    check(backend, eq(field("X"), literal("1")), "b").await;
}

async fn numbers_index_arrays_and_are_keys_of_objects(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":["a","b"]}"#,
            r#"{"x":{"0":"a","1":"b"}}"#,
            r#"{"x":["a"]}"#,
            r#"{"x":[["a","b"]]}"#,
            r#"{"x":"ab"}"#,
            r#"{"x":{"1":["b"]}}"#,
            r#"{"x":[null,null]}"#,
            r#"{"0":"a"}"#,
        ],
    )
    .await;
    check(backend, eq(field("x.0"), literal("\"a\"")), "a b c").await;
    check(backend, eq(field("x.1"), literal("\"b\"")), "a b").await;
    check(backend, eq(field("x.0.1"), literal("\"b\"")), "d").await;
    check(backend, eq(field("x.1.0"), literal("\"b\"")), "f").await;
    check(backend, exists(&["x", "1"]), "a b f g").await;
    check(backend, exists(&["x", "2147483647"]), "").await;
    check(backend, eq(field("0"), literal("\"a\"")), "h").await;
}

async fn only_canonical_numbers_index(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":["a","b"]}"#,
            r#"{"x":{"01":1}}"#,
            r#"{"x":{"-1":1}}"#,
            r#"{"x":{"99999999999":1}}"#,
            r#"{"x":{"+1":1,"1.0":1,"1e0":1}}"#,
            r##"{"x":{"#":1,"last":1}}"##,
        ],
    )
    .await;
    for (key, expected) in [
        ("01", "b"),
        ("-1", "c"),
        ("99999999999", "d"),
        ("+1", "e"),
        ("1.0", "e"),
        ("1e0", "e"),
        ("#", "f"),
        ("last", "f"),
        ("00", ""),
        ("-0", ""),
        (" 1", ""),
    ] {
        check(backend, exists(&["x", key]), expected).await;
        check(backend, eq(keys(&["x", key]), literal("1")), expected).await;
    }
}

async fn paths_through_scalars_lead_nowhere(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":"{\"y\":1}"}"#,
            r#"{"x":1}"#,
            r#"{"x":true}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":[1]}"#,
        ],
    )
    .await;
    check(backend, exists(&["x", "y"]), "").await;
    check(backend, is_null(field("x.y")), "a b c d e f").await;
    check(backend, eq(field("x.y"), literal("1")), "").await;
    check(backend, exists(&["x", "0"]), "f").await;
}

async fn long_paths(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let fields = format!("{}1{}", "{\"k\":".repeat(50), "}".repeat(50));
    insert(backend, "a", &fields).await;
    check(backend, eq(keys(&["k"; 50]), literal("1")), "a").await;
    check(backend, is_null(keys(&["k"; 51])), "a").await;
    let key = "k".repeat(500);
    insert(backend, "b", &format!("{{\"{key}\":1}}")).await;
    check(backend, eq(keys(&[&key]), literal("1")), "b").await;
}
