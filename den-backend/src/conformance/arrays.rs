//! Arrays: elements, lengths, emptiness. Objects: keys.

use crate::{Backend, Expr, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(contains_compares_elements_as_eq),
    case!(contains_looks_only_at_arrays),
    case!(contains_finds_null_elements),
    case!(contains_finds_whole_arrays_and_objects),
    case!(contains_in_a_nested_array),
    case!(len_counts_elements),
    case!(len_is_null_of_anything_else),
    case!(is_empty_is_an_empty_array_or_null),
    case!(has_key_takes_the_key_literally),
    case!(has_key_looks_only_at_objects),
];

const ARRAYS: &[&str] = &[
    r#"{"x":[1,"a",true,null,[1],{"k":1}]}"#,
    r#"{"x":["1","A",false]}"#,
    r#"{"x":[1.0]}"#,
    r#"{"x":[]}"#,
    r#"{"x":1}"#,
    r#"{"x":"a"}"#,
    r#"{"x":true}"#,
    r#"{"x":null}"#,
    "{}",
    r#"{"x":{"a":1,"k":"a"}}"#,
    r#"{"x":"[1]"}"#,
    r#"{"x":[[1,"a"]]}"#,
];

async fn contains_compares_elements_as_eq(backend: &dyn Backend) {
    given_arrays(backend, ARRAYS).await;
    for (value, expected) in [
        ("1", "a c"),
        ("1.0", "a c"),
        ("\"1\"", "b"),
        ("\"a\"", "a"),
        ("\"A\"", "b"),
        ("true", "a"),
        ("false", "b"),
        ("2", ""),
        ("\"\"", ""),
    ] {
        check(backend, contains(field("x"), value), expected).await;
    }
}

async fn contains_looks_only_at_arrays(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":"a"}"#,
            r#"{"x":{"a":"a"}}"#,
            r#"{"x":["a"]}"#,
            r#"{"x":null}"#,
            "{}",
        ],
    )
    .await;
    check(backend, contains(field("x"), "\"a\""), "c").await;
    check(backend, contains(field("x"), "null"), "").await;
    check(backend, contains(field("y"), "\"a\""), "").await;
}

async fn contains_finds_null_elements(backend: &dyn Backend) {
    given_arrays(backend, ARRAYS).await;
    check(backend, contains(field("x"), "null"), "a").await;
}

async fn contains_finds_whole_arrays_and_objects(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[[1,2],{"a":1,"b":2}]}"#,
            r#"{"x":[[2,1]]}"#,
            r#"{"x":[[1,2,3]]}"#,
            r#"{"x":[{"b":2.0,"a":1}]}"#,
            r#"{"x":[{"a":1,"b":2,"c":3}]}"#,
            r#"{"x":[1,2]}"#,
            r#"{"x":[[]]}"#,
            r#"{"x":[{}]}"#,
        ],
    )
    .await;
    check(backend, contains(field("x"), "[1,2]"), "a").await;
    check(backend, contains(field("x"), "[1]"), "").await;
    check(backend, contains(field("x"), "[]"), "g").await;
    check(backend, contains(field("x"), r#"{"a":1,"b":2}"#), "a d").await;
    check(backend, contains(field("x"), r#"{"a":1}"#), "").await;
    check(backend, contains(field("x"), "{}"), "h").await;
}

async fn contains_in_a_nested_array(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"o":{"x":[1]}}"#,
            r#"{"o":[{"x":[1]}]}"#,
            r#"{"o":{"x":1}}"#,
            r#"{"o":[[1]]}"#,
        ],
    )
    .await;
    check(backend, contains(field("o.x"), "1"), "a").await;
    check(backend, contains(field("o.0.x"), "1"), "b").await;
    check(backend, contains(field("o.0"), "1"), "d").await;
    check(backend, contains(literal("[1,2]"), "2"), "a b c d").await;
    check(backend, contains(literal("[1,2]"), "3"), "").await;
}

async fn len_counts_elements(backend: &dyn Backend) {
    given_arrays(backend, ARRAYS).await;
    let len = || Expr::Len(Box::new(field("x")));
    check(backend, eq(len(), literal("0")), "d").await;
    check(backend, eq(len(), literal("1")), "c l").await;
    check(backend, eq(len(), literal("6.0")), "a").await;
    check(backend, ge(len(), literal("1")), "a b c l").await;
    check(backend, lt(len(), literal("1.5")), "c d l").await;
    check(backend, is_in(len(), "[0,3,\"1\"]"), "b d").await;
    check(backend, eq(len(), literal("\"0\"")), "").await;
    check(
        backend,
        eq(len(), Expr::Len(Box::new(field("x")))),
        "a b c d l",
    )
    .await;
}

async fn len_is_null_of_anything_else(backend: &dyn Backend) {
    given_arrays(backend, ARRAYS).await;
    let len = Expr::Len(Box::new(field("x")));
    check(backend, is_null(len), "e f g h i j k").await;
    let nothing = Expr::Len(Box::new(field("y")));
    check(backend, ge(nothing, literal("0")), "").await;
}

async fn is_empty_is_an_empty_array_or_null(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[]}"#,
            r#"{"x":[null]}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":""}"#,
            r#"{"x":{}}"#,
            r#"{"x":0}"#,
            r#"{"x":false}"#,
            r#"{"x":[[]]}"#,
        ],
    )
    .await;
    check(backend, Expr::IsEmpty(Box::new(field("x"))), "a c d").await;
    check(
        backend,
        Expr::IsEmpty(Box::new(field("x.0"))),
        "a b c d e f g h i",
    )
    .await;
    check(
        backend,
        Expr::IsEmpty(Box::new(field("x.y"))),
        "a b c d e f g h i",
    )
    .await;
}

async fn has_key_takes_the_key_literally(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":{"a.b":1}}"#,
            r#"{"x":{"a":{"b":1}}}"#,
            r#"{"x":{"US Gross":null}}"#,
            r#"{"x":{"na-me":1,"it's":2}}"#,
            r#"{"x":{"\"q\\":1}}"#,
            r#"{"x":{"é":1}}"#,
            r#"{"x":{"0":1}}"#,
            r#"{"x":{"":1}}"#,
            r##"{"x":{"$.a":1,"#":1,"[0]":1}}"##,
        ],
    )
    .await;
    for (key, expected) in [
        ("a.b", "a"),
        ("a", "b"),
        ("b", ""),
        ("US Gross", "c"),
        ("na-me", "d"),
        ("it's", "d"),
        ("\"q\\", "e"),
        ("é", "f"),
        ("É", ""),
        ("0", "g"),
        ("", "h"),
        ("$.a", "i"),
        ("#", "i"),
        ("[0]", "i"),
        ("A", ""),
    ] {
        check(backend, has_key(field("x"), key), expected).await;
    }
    check(backend, has_key(field("x.a"), "b"), "b").await;
}

async fn has_key_looks_only_at_objects(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":{"a":null}}"#,
            r#"{"x":["a"]}"#,
            r#"{"x":"a"}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":[{"a":1}]}"#,
            r#"{"x":{"0":1}}"#,
        ],
    )
    .await;
    check(backend, has_key(field("x"), "a"), "a").await;
    // Not an index here: only an object has keys.
    check(backend, has_key(field("x"), "0"), "g").await;
}
