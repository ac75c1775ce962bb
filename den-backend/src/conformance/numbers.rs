//! Numbers compare by exact value over the whole range.

use crate::{Backend, Expr, Value, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(integers_are_exact_beyond_floats),
    case!(the_bounds_of_i64_are_exact),
    case!(integers_and_floats_compare_exactly),
    case!(fractions_compare),
    case!(large_and_small_floats_compare),
    case!(zero_has_one_value),
    case!(numbers_come_back_exactly),
];

async fn integers_are_exact_beyond_floats(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":9007199254740991}"#,
            r#"{"x":9007199254740992}"#,
            r#"{"x":9007199254740993}"#,
            r#"{"x":-9007199254740993}"#,
            r#"{"x":9007199254740992.0}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("9007199254740992")), "b e").await;
    check(backend, eq(field("x"), literal("9007199254740993")), "c").await;
    check(
        backend,
        eq(field("x"), literal("9007199254740992.0")),
        "b e",
    )
    .await;
    check(backend, gt(field("x"), literal("9007199254740992.0")), "c").await;
    check(backend, lt(field("x"), literal("9007199254740992")), "a d").await;
    check(
        backend,
        is_in(field("x"), "[-9007199254740993,9007199254740991]"),
        "a d",
    )
    .await;
}

async fn the_bounds_of_i64_are_exact(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":9223372036854775807}"#,
            r#"{"x":9223372036854775806}"#,
            r#"{"x":-9223372036854775808}"#,
            r#"{"x":-9223372036854775807}"#,
            r#"{"x":1e300}"#,
            r#"{"x":-1e300}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("9223372036854775807")), "a").await;
    check(
        backend,
        eq(field("x"), literal("-9223372036854775808")),
        "c",
    )
    .await;
    check(
        backend,
        ge(field("x"), literal("9223372036854775807")),
        "a e",
    )
    .await;
    check(
        backend,
        le(field("x"), literal("-9223372036854775807")),
        "c d f",
    )
    .await;
    let max = || Expr::Value(Value::Int(i64::MAX));
    check(backend, gt(field("x"), max()), "e").await;
    check(
        backend,
        lt(field("x"), Expr::Value(Value::Int(i64::MIN))),
        "f",
    )
    .await;
    // 2^63 as a float is above every i64.
    let above = || Expr::Value(Value::Float(9_223_372_036_854_775_808.0));
    check(backend, lt(field("x"), above()), "a b c d f").await;
    check(backend, eq(field("x"), above()), "").await;
}

async fn integers_and_floats_compare_exactly(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1}"#,
            r#"{"x":1.0}"#,
            r#"{"x":1.5}"#,
            r#"{"x":2}"#,
            r#"{"x":1e0}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("1")), "a b e").await;
    check(backend, gt(field("x"), literal("1.0")), "c d").await;
    check(backend, lt(field("x"), literal("1.5")), "a b e").await;
    check(backend, ge(field("x"), literal("1.5")), "c d").await;
}

async fn fractions_compare(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":0.1}"#,
            r#"{"x":0.2}"#,
            r#"{"x":0.3}"#,
            r#"{"x":0.30000000000000004}"#,
            r#"{"x":-0.1}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("0.1")), "a").await;
    check(backend, eq(field("x"), literal("0.3")), "c").await;
    check(backend, gt(field("x"), literal("0.3")), "d").await;
    check(
        backend,
        eq(field("x"), Expr::Value(Value::Float(0.1 + 0.2))),
        "d",
    )
    .await;
    check(backend, lt(field("x"), literal("0")), "e").await;
}

async fn large_and_small_floats_compare(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1e300}"#,
            r#"{"x":1.7976931348623157e308}"#,
            r#"{"x":5e-324}"#,
            r#"{"x":2.2250738585072014e-308}"#,
            r#"{"x":123456789012345680000.0}"#,
            r#"{"x":1234567890123456768.0}"#,
            r#"{"x":1234567890123456768}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("1e300")), "a").await;
    check(backend, gt(field("x"), literal("1e300")), "b").await;
    check(backend, eq(field("x"), literal("5e-324")), "c").await;
    check(backend, lt(field("x"), literal("1e-300")), "c d").await;
    check(
        backend,
        eq(field("x"), literal("123456789012345680000.0")),
        "e",
    )
    .await;
    let value = Expr::Value(Value::Float(1_234_567_890_123_456_768.0));
    check(backend, eq(field("x"), value), "f g").await;
    check(
        backend,
        eq(field("x"), literal("1234567890123456768")),
        "f g",
    )
    .await;
}

async fn zero_has_one_value(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":0}"#,
            r#"{"x":-0.0}"#,
            r#"{"x":0.0}"#,
            r#"{"x":false}"#,
            r#"{"x":"0"}"#,
        ],
    )
    .await;
    check(backend, eq(field("x"), literal("0")), "a b c").await;
    check(
        backend,
        eq(field("x"), Expr::Value(Value::Float(-0.0))),
        "a b c",
    )
    .await;
    check(backend, lt(field("x"), literal("0")), "").await;
    check(backend, ge(field("x"), literal("0")), "a b c").await;
}

async fn numbers_come_back_exactly(backend: &dyn Backend) {
    let numbers = [
        "9223372036854775807",
        "-9223372036854775808",
        "9007199254740993",
        "0.1",
        "1e300",
        "5e-324",
        "1.7976931348623157e308",
        "-2.5e-7",
        "1234567890123456768.0",
        "0.30000000000000004",
    ];
    ensure(backend, ITEMS).await;
    for (i, number) in numbers.iter().enumerate() {
        let id = i.to_string();
        insert(backend, &id, &format!("{{\"x\":{number}}}")).await;
        assert_eq!(stored(backend, &id, "x").await, json(number), "{number}");
    }
}
