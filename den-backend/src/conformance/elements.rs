//! Predicates over the elements of an array.

use crate::{Backend, Expr, TextOp, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(one_element_satisfies_the_whole_predicate: ElementPredicates),
    case!(all_elements_is_true_of_an_empty_array: ElementPredicates),
    case!(element_predicates_look_only_at_arrays: ElementPredicates),
    case!(the_element_itself_is_compared: ElementPredicates),
    case!(element_predicates_are_two_valued: ElementPredicates),
    case!(element_predicates_nest: ElementPredicates),
    case!(element_predicates_see_the_document: ElementPredicates),
    case!(every_operator_works_within_an_element: ElementPredicates),
];

async fn one_element_satisfies_the_whole_predicate(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[{"a":1,"b":1},{"a":2,"b":2}]}"#,
            r#"{"x":[{"a":1,"b":2},{"a":2,"b":1}]}"#,
            r#"{"x":[{"a":1}]}"#,
            r#"{"x":[]}"#,
        ],
    )
    .await;
    let both = eq(element_field("a"), literal("1")).and(eq(element_field("b"), literal("2")));
    check(backend, any_element(field("x"), both), "b").await;
    let one = eq(element_field("a"), literal("1"));
    check(backend, any_element(field("x"), one), "a b c").await;
}

async fn all_elements_is_true_of_an_empty_array(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[1,2]}"#,
            r#"{"x":[1,20]}"#,
            r#"{"x":[]}"#,
            r#"{"x":[1,null]}"#,
            r#"{"x":[1,"a"]}"#,
        ],
    )
    .await;
    let small = || lt(element(), literal("10"));
    check(backend, all_elements(field("x"), small()), "a c").await;
    check(backend, any_element(field("x"), small()), "a b d e").await;
    check(backend, any_element(field("x"), Expr::always()), "a b d e").await;
    check(backend, all_elements(field("x"), Expr::never()), "c").await;
}

async fn element_predicates_look_only_at_arrays(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":1}"#,
            r#"{"x":{"a":1}}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":"[1]"}"#,
            r#"{"x":[1]}"#,
        ],
    )
    .await;
    let one = || eq(element(), literal("1"));
    check(backend, any_element(field("x"), one()), "f").await;
    check(backend, all_elements(field("x"), one()), "f").await;
    check(backend, all_elements(field("y"), one()), "").await;
}

async fn the_element_itself_is_compared(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[1,"1",true,null,[1],{"k":1}]}"#,
            r#"{"x":[1.0]}"#,
            r#"{"x":["1"]}"#,
            r#"{"x":[true]}"#,
            r#"{"x":[null]}"#,
            r#"{"x":[[1]]}"#,
            r#"{"x":[{"k":1}]}"#,
            r#"{"x":[9007199254740993]}"#,
        ],
    )
    .await;
    let any = |predicate| any_element(field("x"), predicate);
    check(backend, any(eq(element(), literal("1"))), "a b").await;
    check(backend, any(eq(element(), literal("\"1\""))), "a c").await;
    check(backend, any(eq(element(), literal("true"))), "a d").await;
    check(backend, any(is_null(element())), "a e").await;
    check(backend, any(eq(element(), literal("[1]"))), "a f").await;
    check(backend, any(eq(element(), literal(r#"{"k":1}"#))), "a g").await;
    check(
        backend,
        any(gt(element(), literal("9007199254740992"))),
        "h",
    )
    .await;
    check(backend, any(is_in(element(), "[true,\"1\"]")), "a c d").await;
}

async fn element_predicates_are_two_valued(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[1,2]}"#,
            r#"{"x":[2,null]}"#,
            r#"{"x":[]}"#,
            r#"{"x":[{}]}"#,
            "{}",
        ],
    )
    .await;
    let one = || eq(element(), literal("1"));
    check(backend, any_element(field("x"), one().not()), "a b d").await;
    check(backend, all_elements(field("x"), one().not()), "b c d").await;
    let missing = || is_null(element_field("a"));
    check(backend, any_element(field("x"), missing()), "a b d").await;
    check(backend, all_elements(field("x"), missing().not()), "c").await;
}

async fn element_predicates_nest(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[{"y":[1,2]},{"y":[3]}]}"#,
            r#"{"x":[{"y":[2]},{"y":[2]}]}"#,
            r#"{"x":[[1],[2,3]]}"#,
            r#"{"x":[{"y":2}]}"#,
        ],
    )
    .await;
    let two = || eq(element(), literal("2"));
    let inner = any_element(element_field("y"), two());
    check(backend, any_element(field("x"), inner.clone()), "a b").await;
    check(backend, all_elements(field("x"), inner), "b").await;
    let lists = any_element(element(), two());
    check(backend, any_element(field("x"), lists), "c").await;
    let all_two = all_elements(element_field("y"), two());
    check(backend, all_elements(field("x"), all_two), "b").await;
}

async fn element_predicates_see_the_document(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[1,2],"y":2}"#,
            r#"{"x":[1,2],"y":3}"#,
            r#"{"x":["2"],"y":2}"#,
            r#"{"x":[null]}"#,
        ],
    )
    .await;
    check(
        backend,
        any_element(field("x"), eq(element(), field("y"))),
        "a",
    )
    .await;
    let deeper = any_element(
        field("x"),
        any_element(literal("[0]"), eq(field("y"), literal("3"))),
    );
    check(backend, deeper, "b").await;
}

async fn every_operator_works_within_an_element(backend: &dyn Backend) {
    given_arrays(
        backend,
        &[
            r#"{"x":[{"t":"Abc","l":[1],"o":{"a.b":null}}]}"#,
            r#"{"x":[{"t":"xyz","l":[],"o":{}}]}"#,
            r#"{"x":[{"t":1,"l":null,"o":[]}]}"#,
            r#"{"x":[{}]}"#,
        ],
    )
    .await;
    let any = |predicate| any_element(field("x"), predicate);
    let starts = Expr::Text {
        op: TextOp::StartsWith,
        ignore_case: true,
        operand: Box::new(element_field("t")),
        needle: "aB".to_owned(),
    };
    check(backend, any(starts), "a").await;
    check(backend, any(contains(element_field("l"), "1")), "a").await;
    check(
        backend,
        any(Expr::IsEmpty(Box::new(element_field("l")))),
        "b c d",
    )
    .await;
    let len = Expr::Len(Box::new(element_field("l")));
    check(backend, any(ge(len, literal("0"))), "a b").await;
    check(backend, any(has_key(element_field("o"), "a.b")), "a").await;
    let Expr::Field(place) = element_field("l") else {
        unreachable!("a field was just made");
    };
    check(backend, any(Expr::Exists(place)), "a b c").await;
    let neither = Expr::Or(vec![
        eq(element_field("t"), literal("1")),
        is_null(element_field("t")),
    ]);
    check(backend, any(neither), "c d").await;
}
