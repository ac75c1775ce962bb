//! Choices between values: `Case`, `Coalesce`, and predicates as values.

use crate::{
    ArithmeticOp::{Add, Mul},
    Backend, Expr, Function,
    conformance::support::*,
};

const MAX: &str = "9223372036854775807";

fn x() -> Expr {
    field("x")
}

fn number(text: &str) -> Expr {
    literal(text)
}

pub(super) const CASES: &[Case] = &[
    case!(what_is_not_chosen_is_not_computed: Expressions),
    case!(a_case_takes_the_first_that_holds: Expressions),
    case!(a_case_may_mix_kinds: Expressions),
    case!(coalesce_takes_the_first_that_is_there: Expressions),
    case!(a_predicate_is_a_bool: Expressions),
];

async fn what_is_not_chosen_is_not_computed(backend: &dyn Backend) {
    given_x(backend, &["1", MAX, "null"]).await;
    let next = || arithmetic(Add, x(), number("1"));
    let small = || lt(x(), number("100"));
    let chosen = case_when(vec![(small(), next())], number("0"));
    computes(backend, chosen, &["2", "0", "0"]).await;
    let large = gt(x(), number("100"));
    let mixed = case_when(vec![(large, literal("\"large\""))], next());
    computes(backend, mixed, &["2", "\"large\"", "null"]).await;
    let never = coalesce(vec![x(), arithmetic(Add, field("y"), number("1"))]);
    computes(backend, never, &["1", MAX, "null"]).await;
}

async fn a_case_takes_the_first_that_holds(backend: &dyn Backend) {
    given_x(backend, &["1", "5", "\"5\"", "null", "-", "9.5"]).await;
    let grade = case_when(
        vec![
            (is_null(x()), literal("\"none\"")),
            (lt(x(), number("3")), literal("\"low\"")),
            (lt(x(), number("9")), literal("\"middle\"")),
            (gt(x(), number("0")), literal("\"high\"")),
        ],
        literal("\"text\""),
    );
    let grades = [
        "\"low\"",
        "\"middle\"",
        "\"text\"",
        "\"none\"",
        "\"none\"",
        "\"high\"",
    ];
    computes(backend, grade, &grades).await;
    let nothing = case_when(vec![(is_null(x()), number("1"))], literal("null"));
    let found = ["null", "null", "null", "1", "1", "null"];
    computes(backend, nothing, &found).await;
    // A condition that compares what has no order with it is false, not unknown.
    let not = case_when(vec![(gt(x(), number("3")).not(), number("1"))], number("2"));
    computes(backend, not, &["1", "2", "1", "1", "1", "2"]).await;
}

async fn a_case_may_mix_kinds(backend: &dyn Backend) {
    given_x(backend, &["1", "2", "3", "4", "5", "6", "7"]).await;
    let is = |text: &str| eq(x(), number(text));
    let mixed = || {
        case_when(
            vec![
                (is("1"), literal("\"text\"")),
                (is("2"), x()),
                (is("3"), literal("true")),
                (is("4"), literal("[1,{\"y\":null}]")),
                (is("5"), literal("{\"y\":1.0}")),
                (is("6"), literal("null")),
            ],
            arithmetic(Mul, x(), number("1.5")),
        )
    };
    let all = [
        "\"text\"",
        "2",
        "true",
        "[1,{\"y\":null}]",
        "{\"y\":1.0}",
        "null",
        "10.5",
    ];
    computes(backend, mixed(), &all).await;
    // What is computed of it depends on what it is.
    let more = arithmetic(Add, mixed(), number("1"));
    let sums = ["null", "3", "null", "null", "null", "null", "11.5"];
    computes(backend, more, &sums).await;
    let length = call(Function::Length, vec![mixed()]);
    let lengths = ["4", "null", "null", "null", "null", "null", "null"];
    computes(backend, length, &lengths).await;
    check(backend, lt(mixed(), number("5")), "b").await;
    check(backend, lt(mixed(), literal("\"u\"")), "a").await;
    check(backend, eq(mixed(), literal("true")), "c").await;
    check(backend, gt(mixed(), literal("false")), "c").await;
    check(backend, is_in(mixed(), "[2,true,\"text\",10.5]"), "a b c g").await;
}

async fn coalesce_takes_the_first_that_is_there(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1,"y":2}"#,
            r#"{"x":null,"y":"text"}"#,
            r#"{"y":null}"#,
            r#"{"x":false,"y":2}"#,
            r#"{"x":"","y":2}"#,
            r#"{"x":null,"y":[null]}"#,
            r#"{"x":0.5}"#,
        ],
    )
    .await;
    let either = || coalesce(vec![x(), field("y"), literal("\"last\"")]);
    let found = [
        "1", "\"text\"", "\"last\"", "false", "\"\"", "[null]", "0.5",
    ];
    computes(backend, either(), &found).await;
    let both = coalesce(vec![x(), field("y")]);
    let found = ["1", "\"text\"", "null", "false", "\"\"", "[null]", "0.5"];
    computes(backend, both, &found).await;
    let or_zero = coalesce(vec![x(), number("0")]);
    let sum = arithmetic(Add, or_zero, number("1"));
    computes(backend, sum, &["2", "1", "1", "null", "null", "1", "1.5"]).await;
    computes(backend, coalesce(vec![literal("null")]), &["null"; 7]).await;
}

async fn a_predicate_is_a_bool(backend: &dyn Backend) {
    given_x(backend, &["1", "5", "\"a\"", "null", "-"]).await;
    let small = || lt(x(), number("3"));
    let found = ["true", "false", "false", "false", "false"];
    computes(backend, coalesce(vec![small(), literal("null")]), &found).await;
    let query = selected(vec![small(), small().not(), is_null(x()), Expr::never()]);
    let found = selections(backend, &query).await;
    assert_eq!(
        found,
        [
            "[true,false,false,false]",
            "[false,true,false,false]",
            "[false,true,false,false]",
            "[false,true,true,false]",
            "[false,true,true,false]",
        ]
    );
    let there = selected(vec![
        Expr::Exists(place("x")),
        is_in(x(), "[5,\"a\"]"),
        eq(x(), literal("\"a\"")).or(is_null(x())),
    ]);
    let found = selections(backend, &there).await;
    assert_eq!(
        found,
        [
            "[true,false,false]",
            "[true,true,false]",
            "[true,true,true]",
            "[true,false,true]",
            "[false,false,true]",
        ]
    );
}
