//! Which groups are returned, and in which order.

use crate::{
    AggregateFunction::{Max, Sum},
    ArithmeticOp::Add,
    Backend, Expr,
    FieldKind::{Number, Text},
    Grouping, Nulls, Sort,
    conformance::{grouping::all, support::*},
};

pub(super) const CASES: &[Case] = &[
    case!(having_chooses_groups: Groups),
    case!(groups_are_ordered: Groups),
    case!(ties_are_broken_by_the_keys: Groups),
    case!(nulls_among_groups_go_where_they_are_told: Groups),
    case!(a_window_of_groups: Groups),
    case!(groups_are_ordered_by_what_is_computed_of_them: Groups, Expressions),
];

const SALES: &[&str] = &[
    r#"{"x":"a","n":5}"#,
    r#"{"x":"b","n":1}"#,
    r#"{"x":"b","n":2}"#,
    r#"{"x":"c","n":7}"#,
    r#"{"x":"d","n":3}"#,
    r#"{"n":3}"#,
    r#"{"x":"e","n":"text"}"#,
];

/// The number of documents and the sum of `n` of each text in `x`.
fn sales() -> Grouping {
    let sum = aggregate(Sum, typed("n", Number));
    let max = aggregate(Max, typed("n", Number));
    Grouping::new(vec![typed("x", Text)], vec![count_all(), sum, max])
}

async fn keys_of(backend: &dyn Backend, grouping: &Grouping) -> String {
    let found = all(backend, grouping).await;
    let keys = found.iter().map(|it| match json(it).at(&["0".to_owned()]) {
        Some(crate::Value::Text(it)) => it.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    });
    keys.collect::<Vec<_>>().join(" ")
}

async fn having_chooses_groups(backend: &dyn Backend) {
    given(backend, SALES).await;
    for (having, expected) in [
        (Expr::always(), "null a b c d e"),
        (Expr::never(), ""),
        (gt(column(2, Number), literal("3")), "a c"),
        (gt(column(2, Number), literal("3")).not(), "null b d e"),
        (eq(column(1, Number), literal("2")), "b"),
        (ge(column(0, Text), literal("\"c\"")), "c d e"),
        (is_null(column(0, Text)), "null"),
        (is_null(column(3, Number)), "e"),
        (lt(column(1, Number), column(2, Number)), "null a b c d"),
        (is_in(column(2, Number), "[3,5]"), "null a b d"),
        (
            is_null(column(0, Text)).or(eq(column(2, Number), literal("7"))),
            "null c",
        ),
    ] {
        let grouping = Grouping {
            having: having.clone(),
            ..sales()
        };
        assert_eq!(keys_of(backend, &grouping).await, expected, "{having:?}");
    }
}

async fn groups_are_ordered(backend: &dyn Backend) {
    given(backend, SALES).await;
    for (sort, expected) in [
        (vec![by_column("0", Text)], "null a b c d e"),
        (vec![by_column("-0", Text)], "e d c b a null"),
        (vec![by_column("2", Number)], "e null b d a c"),
        (vec![by_column("-2", Number)], "c a null b d e"),
        (
            vec![by_column("-2", Number), by_column("-0", Text)],
            "c a d b null e",
        ),
        (
            vec![by_column("-1", Number), by_column("2", Number)],
            "b e null d a c",
        ),
        (vec![by_column("3", Number)], "e b null d a c"),
    ] {
        let grouping = Grouping {
            sort: sort.clone(),
            ..sales()
        };
        assert_eq!(keys_of(backend, &grouping).await, expected, "{sort:?}");
    }
}

async fn ties_are_broken_by_the_keys(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":2,"y":"b"}"#,
            r#"{"x":"2","y":"a"}"#,
            r#"{"x":2,"y":"a"}"#,
            r#"{"x":true,"y":"a"}"#,
            r#"{"y":"a"}"#,
            r#"{"x":1}"#,
        ],
    )
    .await;
    let grouping = Grouping {
        sort: vec![by_column("2", Number)],
        ..Grouping::new(vec![field("x"), field("y")], vec![count_all()])
    };
    let found = all(backend, &grouping).await;
    let expected = [
        "[null,\"a\",1]",
        "[1,null,1]",
        "[2,\"a\",1]",
        "[2,\"b\",1]",
        "[\"2\",\"a\",1]",
        "[true,\"a\",1]",
    ];
    assert_eq!(found, expected);
    // However the groups are ordered, ties ascend.
    let grouping = Grouping {
        sort: vec![by_column("-2", Number), by_column("-1", Text)],
        ..grouping
    };
    let found = all(backend, &grouping).await;
    let expected = [
        "[2,\"b\",1]",
        "[null,\"a\",1]",
        "[2,\"a\",1]",
        "[\"2\",\"a\",1]",
        "[true,\"a\",1]",
        "[1,null,1]",
    ];
    assert_eq!(found, expected);
}

async fn nulls_among_groups_go_where_they_are_told(backend: &dyn Backend) {
    given(backend, SALES).await;
    let sorted = |sort| Grouping {
        sort: vec![sort],
        ..sales()
    };
    let last = with_nulls(by_column("0", Text), Nulls::Last);
    assert_eq!(keys_of(backend, &sorted(last)).await, "a b c d e null");
    let first = with_nulls(by_column("-0", Text), Nulls::First);
    assert_eq!(keys_of(backend, &sorted(first)).await, "null e d c b a");
    let last = with_nulls(by_column("3", Number), Nulls::Last);
    assert_eq!(keys_of(backend, &sorted(last)).await, "b null d a c e");
}

async fn a_window_of_groups(backend: &dyn Backend) {
    given(backend, SALES).await;
    for (skip, limit, expected) in [
        (0, Some(2), "c a"),
        (1, Some(2), "a null"),
        (4, None, "d e"),
        (4, Some(100), "d e"),
        (6, None, ""),
        (0, Some(0), ""),
    ] {
        let grouping = Grouping {
            sort: vec![by_column("-2", Number)],
            skip,
            limit,
            ..sales()
        };
        assert_eq!(
            keys_of(backend, &grouping).await,
            expected,
            "{skip} {limit:?}"
        );
    }
    // The window is one of the groups that are chosen.
    let grouping = Grouping {
        having: gt(column(2, Number), literal("2")),
        skip: 1,
        limit: Some(2),
        ..sales()
    };
    assert_eq!(keys_of(backend, &grouping).await, "a b");
}

async fn groups_are_ordered_by_what_is_computed_of_them(backend: &dyn Backend) {
    given(backend, SALES).await;
    let mean = || {
        let (sum, count) = (column(2, Number), column(1, Number));
        arithmetic(crate::ArithmeticOp::Div, sum, count)
    };
    let grouping = Grouping {
        sort: vec![Sort {
            key: mean(),
            ..by_column("-2", Number)
        }],
        having: ge(arithmetic(Add, mean(), literal("1")), literal("2.5")),
        ..sales()
    };
    // 7, 5, 3, 3; 1.5 is not too small; 0 is.
    assert_eq!(keys_of(backend, &grouping).await, "c a null d b");
}
