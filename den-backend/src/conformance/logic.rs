//! And, or, not and constants; two-valued throughout.

use crate::{Backend, Expr, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(and_needs_all),
    case!(or_needs_any),
    case!(empty_lists_are_constants),
    case!(constants_are_predicates),
    case!(not_is_the_exact_complement),
    case!(nesting_keeps_its_parentheses),
    case!(many_branches),
    case!(deep_nesting),
];

const DOCUMENTS: &[&str] = &[
    r#"{"x":1,"y":1}"#,
    r#"{"x":1,"y":2}"#,
    r#"{"x":2,"y":1}"#,
    r#"{"x":null,"y":1}"#,
    "{}",
];

fn x(value: i64) -> Expr {
    eq(field("x"), Expr::Value(value.into()))
}

fn y(value: i64) -> Expr {
    eq(field("y"), Expr::Value(value.into()))
}

async fn and_needs_all(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    check(backend, Expr::And(vec![x(1), y(1)]), "a").await;
    check(backend, Expr::And(vec![x(1)]), "a b").await;
    check(backend, Expr::And(vec![x(1), x(2)]), "").await;
}

async fn or_needs_any(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    check(backend, Expr::Or(vec![x(2), y(2)]), "b c").await;
    check(backend, Expr::Or(vec![x(2)]), "c").await;
    check(backend, Expr::Or(vec![x(3), y(3)]), "").await;
}

async fn empty_lists_are_constants(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    check(backend, Expr::And(vec![]), "a b c d e").await;
    check(backend, Expr::Or(vec![]), "").await;
    check(
        backend,
        Expr::Or(vec![Expr::And(vec![]), x(1)]),
        "a b c d e",
    )
    .await;
    check(backend, Expr::And(vec![Expr::Or(vec![]), x(1)]), "").await;
    check(backend, Expr::And(vec![x(1), Expr::And(vec![])]), "a b").await;
    check(backend, Expr::Or(vec![x(1), Expr::Or(vec![])]), "a b").await;
}

async fn constants_are_predicates(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    check(backend, literal("true"), "a b c d e").await;
    check(backend, literal("false"), "").await;
    check(backend, Expr::And(vec![literal("true"), x(2)]), "c").await;
}

async fn not_is_the_exact_complement(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    let not = |it: Expr| Expr::Not(Box::new(it));
    check(backend, not(x(1)), "c d e").await;
    check(backend, not(not(x(1))), "a b").await;
    check(backend, not(lt(field("x"), literal("2"))), "c d e").await;
    check(backend, not(is_in(field("x"), "[1,2]")), "d e").await;
    check(backend, not(is_in(field("x"), "[]")), "a b c d e").await;
    check(backend, not(is_null(field("x"))), "a b c").await;
    check(backend, not(eq(field("x"), field("y"))), "b c d e").await;
    check(backend, not(Expr::And(vec![x(1), y(1)])), "b c d e").await;
    check(backend, not(Expr::Or(vec![x(1), y(1)])), "e").await;
    check(backend, not(Expr::And(vec![])), "").await;
}

async fn nesting_keeps_its_parentheses(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    let or_in_and = Expr::And(vec![Expr::Or(vec![x(1), x(2)]), y(1)]);
    check(backend, or_in_and, "a c").await;
    let and_in_or = Expr::Or(vec![Expr::And(vec![x(1), y(2)]), x(2)]);
    check(backend, and_in_or, "b c").await;
    let not_in_and = Expr::And(vec![Expr::Not(Box::new(Expr::Or(vec![x(1), x(2)]))), y(1)]);
    check(backend, not_in_and, "d").await;
}

async fn many_branches(backend: &dyn Backend) {
    given_scalars(backend, DOCUMENTS).await;
    let any = Expr::Or((2..500).map(x).collect());
    check(backend, any, "c").await;
    let all = Expr::And((2..500).map(|it| Expr::Not(Box::new(y(it)))).collect());
    check(backend, all, "a c d e").await;
}

async fn deep_nesting(backend: &dyn Backend) {
    given(backend, DOCUMENTS).await;
    let deep = |times: usize| (0..times).fold(x(1), |it, _| Expr::Not(Box::new(it)));
    check(backend, deep(90), "a b").await;
    check(backend, deep(91), "c d e").await;
    let mixed = (0..45).fold(x(1), |it, _| Expr::And(vec![Expr::Or(vec![it])]));
    check(backend, mixed, "a b").await;
}
