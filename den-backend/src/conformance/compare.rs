//! Comparison is typed, two-valued and exact.

use crate::{Backend, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(eq_compares_within_one_type),
    case!(eq_of_arrays_and_objects_is_structural),
    case!(lt_and_its_kin_compare_within_one_type),
    case!(text_is_ordered_by_bytes),
    case!(bools_are_ordered),
    case!(a_literal_may_stand_on_the_left),
    case!(literals_compare_with_literals),
    case!(fields_compare_with_fields),
    case!(is_in_compares_as_eq),
    case!(is_in_an_empty_set_is_false),
    case!(is_in_takes_many_values),
    case!(is_null_is_missing_or_null),
    case!(exists_tells_null_from_missing),
    case!(the_id_is_a_field),
];

/// One of each: a number, another spelling of it, text, bool, null, missing, array, object.
const ONE_OF_EACH: &[&str] = &[
    r#"{"x":1}"#,
    r#"{"x":1.0}"#,
    r#"{"x":"1"}"#,
    r#"{"x":true}"#,
    r#"{"x":null}"#,
    r#"{}"#,
    r#"{"x":[1]}"#,
    r#"{"x":{"1":1}}"#,
    r#"{"x":2}"#,
    r#"{"x":"a"}"#,
    r#"{"x":false}"#,
    r#"{"x":""}"#,
    r#"{"x":0}"#,
    r#"{"x":[]}"#,
    r#"{"x":{}}"#,
    r#"{"x":"true"}"#,
    r#"{"x":"null"}"#,
    r#"{"x":-1.5}"#,
    r#"{"x":"[1]"}"#,
];

async fn eq_compares_within_one_type(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    for (value, expected) in [
        ("1", "a b"),
        ("1.0", "a b"),
        ("\"1\"", "c"),
        ("true", "d"),
        ("false", "k"),
        ("0", "m"),
        ("-0.0", "m"),
        ("\"\"", "l"),
        ("\"true\"", "p"),
        ("\"null\"", "q"),
        ("-1.5", "r"),
        ("\"[1]\"", "s"),
        ("3", ""),
        ("\"A\"", ""),
    ] {
        check(backend, eq(field("x"), literal(value)), expected).await;
    }
}

async fn eq_of_arrays_and_objects_is_structural(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":[1,2]}"#,
            r#"{"x":[1.0,2]}"#,
            r#"{"x":[2,1]}"#,
            r#"{"x":[1,2,3]}"#,
            r#"{"x":{"a":1,"b":[true,null]}}"#,
            r#"{"x":{"b":[true,null],"a":1}}"#,
            r#"{"x":{"a":1}}"#,
            r#"{"x":{"a":1,"b":[true]}}"#,
            r#"{"x":[]}"#,
            r#"{"x":{}}"#,
            r#"{"x":[[]]}"#,
            r#"{"x":"[]"}"#,
            r#"{"x":null}"#,
            r#"{}"#,
            r#"{"x":[null]}"#,
            r#"{"x":["1","2"]}"#,
        ],
    )
    .await;
    for (value, expected) in [
        ("[1,2]", "a b"),
        ("[2,1]", "c"),
        (r#"{"b":[true,null],"a":1.0}"#, "e f"),
        (r#"{"a":1}"#, "g"),
        ("[]", "i"),
        ("{}", "j"),
        ("[[]]", "k"),
        ("[null]", "o"),
        (r#"["1","2"]"#, "p"),
        ("[1]", ""),
    ] {
        check(backend, eq(field("x"), literal(value)), expected).await;
    }
}

async fn lt_and_its_kin_compare_within_one_type(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    let x = || field("x");
    check(backend, lt(x(), literal("1")), "m r").await;
    check(backend, le(x(), literal("1")), "a b m r").await;
    check(backend, gt(x(), literal("1")), "i").await;
    check(backend, ge(x(), literal("1")), "a b i").await;
    check(backend, gt(x(), literal("-1000")), "a b i m r").await;
    check(backend, lt(x(), literal("\"a\"")), "c l s").await;
    check(backend, le(x(), literal("\"a\"")), "c j l s").await;
    check(backend, gt(x(), literal("\"a\"")), "p q").await;
    check(backend, ge(x(), literal("\"\"")), "c j l p q s").await;
    check(backend, lt(x(), literal("\"\"")), "").await;
}

async fn text_is_ordered_by_bytes(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"a"}"#,
            r#"{"x":"B"}"#,
            r#"{"x":"é"}"#,
            r#"{"x":"z"}"#,
            r#"{"x":"_"}"#,
            r#"{"x":"10"}"#,
            r#"{"x":"9"}"#,
            r#"{"x":"a "}"#,
            r#"{"x":"a-b"}"#,
            r#"{"x":"ab"}"#,
            // Above U+FFFF: its UTF-16 form would sort below U+FFFD.
            r#"{"x":"😀"}"#,
            r#"{"x":"\ufffd"}"#,
        ],
    )
    .await;
    check(backend, lt(field("x"), literal("\"a\"")), "b e f g").await;
    check(backend, lt(field("x"), literal("\"9\"")), "f").await;
    check(backend, gt(field("x"), literal("\"z\"")), "c k l").await;
    check(backend, gt(field("x"), literal("\"\u{fffd}\"")), "k").await;
    let between = ge(field("x"), literal("\"a\"")).and(lt(field("x"), literal("\"ab\"")));
    check(backend, between, "a h i").await;
}

async fn bools_are_ordered(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check(backend, lt(field("x"), literal("true")), "k").await;
    check(backend, le(field("x"), literal("true")), "d k").await;
    check(backend, gt(field("x"), literal("false")), "d").await;
    check(backend, ge(field("x"), literal("false")), "d k").await;
    check(backend, gt(field("x"), literal("true")), "").await;
}

async fn a_literal_may_stand_on_the_left(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check(backend, eq(literal("1"), field("x")), "a b").await;
    check(backend, gt(literal("1"), field("x")), "m r").await;
    check(backend, le(literal("1"), field("x")), "a b i").await;
}

async fn literals_compare_with_literals(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    check(backend, eq(literal("1"), literal("1.0")), "a").await;
    check(backend, eq(literal("1"), literal("\"1\"")), "").await;
    check(backend, eq(literal("1"), literal("true")), "").await;
    check(backend, lt(literal("\"a\""), literal("\"b\"")), "a").await;
    check(backend, eq(literal("[1]"), literal("[1.0]")), "a").await;
}

async fn fields_compare_with_fields(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1,"y":1.0}"#,
            r#"{"x":1,"y":2}"#,
            r#"{"x":"1","y":1}"#,
            r#"{"x":"a","y":"a"}"#,
            r#"{"x":"b","y":"a"}"#,
            r#"{"x":true,"y":true}"#,
            r#"{"x":true,"y":1}"#,
            r#"{"x":null,"y":null}"#,
            r#"{}"#,
            r#"{"x":null}"#,
            r#"{"x":[1],"y":[1.0]}"#,
            r#"{"x":{"a":1,"b":2},"y":{"b":2,"a":1}}"#,
            r#"{"x":[1],"y":[2]}"#,
            r#"{"x":9007199254740993,"y":9007199254740992.0}"#,
            r#"{"x":false,"y":true}"#,
        ],
    )
    .await;
    let (x, y) = (|| field("x"), || field("y"));
    check(backend, eq(x(), y()), "a d f k l").await;
    check(backend, eq(x(), x()), "a b c d e f g k l m n o").await;
    check(backend, lt(x(), y()), "b o").await;
    check(backend, le(x(), y()), "a b d f o").await;
    check(backend, gt(x(), y()), "e n").await;
    check(backend, ge(x(), y()), "a d e f n").await;
}

async fn is_in_compares_as_eq(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check(backend, is_in(field("x"), "[1]"), "a b").await;
    check(backend, is_in(field("x"), r#"[1.0,"a",true]"#), "a b d j").await;
    check(backend, is_in(field("x"), r#"["1","1"]"#), "c").await;
    check(backend, is_in(field("x"), r#"[[1],{}]"#), "g o").await;
    check(backend, is_in(field("x"), r#"[false,0,""]"#), "k l m").await;
    check(backend, is_in(field("x"), r#"["nope",3]"#), "").await;
}

async fn is_in_an_empty_set_is_false(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check(backend, is_in(field("x"), "[]"), "").await;
    check(backend, is_in(field("y"), "[]"), "").await;
}

async fn is_in_takes_many_values(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    let numbers: Vec<String> = (2..40_000).map(|it| it.to_string()).collect();
    let numbers = numbers.join(",");
    check(backend, is_in(field("x"), &format!("[{numbers}]")), "i").await;
    let mixed = format!("[{numbers},\"a\",true]");
    check(backend, is_in(field("x"), &mixed), "d i j").await;
}

async fn is_null_is_missing_or_null(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check(backend, is_null(field("x")), "e f").await;
    check(
        backend,
        is_null(field("x.y")),
        "a b c d e f g h i j k l m n o p q r s",
    )
    .await;
    check(
        backend,
        is_null(field("x.1")),
        "a b c d e f g i j k l m n o p q r s",
    )
    .await;
    check(
        backend,
        is_null(literal("null")),
        "a b c d e f g h i j k l m n o p q r s",
    )
    .await;
    check(backend, is_null(literal("1")), "").await;
}

async fn exists_tells_null_from_missing(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    use crate::Expr;
    let all_but_f = "a b c d e g h i j k l m n o p q r s";
    check(backend, Expr::Exists(place("x")), all_but_f).await;
    check(backend, Expr::Exists(place("x.1")), "h").await;
    check(backend, Expr::Exists(place("x.0")), "g").await;
    check(backend, Expr::Exists(place("y")), "").await;
    let null_but_there = Expr::Exists(place("x")).and(is_null(field("x")));
    check(backend, null_but_there, "e").await;
}

async fn the_id_is_a_field(backend: &dyn Backend) {
    given(backend, &["{}", "{}", "{}"]).await;
    check(backend, eq(field("_id"), literal("\"b\"")), "b").await;
    check(backend, gt(field("_id"), literal("\"a\"")), "b c").await;
    check(backend, is_in(field("_id"), r#"["c","a",1]"#), "a c").await;
    check(backend, eq(field("_id"), literal("1")), "").await;
    check(backend, is_null(field("_id")), "").await;
}
