//! Regular expressions mean on every engine what they mean to the `regex` crate.

use crate::{Backend, Expr, Pattern, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(a_pattern_is_found_anywhere: Regex),
    case!(anchors_are_the_ends_of_the_text: Regex),
    case!(classes_are_unicode: Regex),
    case!(the_dot_stops_at_a_line_feed: Regex),
    case!(repetition_and_alternatives: Regex),
    case!(case_folds_as_the_pattern_says: Regex),
    case!(escapes_are_literal: Regex),
    case!(only_text_matches: Regex),
    case!(a_pattern_that_matches_nothing: Regex),
];

fn matches(pattern: &str) -> Expr {
    Expr::Matches {
        operand: Box::new(field("x")),
        pattern: Pattern::parse(pattern).unwrap(),
    }
}

async fn a_pattern_is_found_anywhere(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"abc"}"#,
            r#"{"x":"xbx"}"#,
            r#"{"x":"B"}"#,
            r#"{"x":""}"#,
        ],
    )
    .await;
    check(backend, matches("b"), "a b").await;
    check(backend, matches("a.c"), "a").await;
    check(backend, matches(""), "a b c d").await;
}

async fn anchors_are_the_ends_of_the_text(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"ab"}"#,
            r#"{"x":"ab\n"}"#,
            r#"{"x":"\nab"}"#,
            r#"{"x":"xab"}"#,
            r#"{"x":""}"#,
        ],
    )
    .await;
    check(backend, matches("^ab"), "a b").await;
    check(backend, matches("ab$"), "a c d").await;
    check(backend, matches(r"\Aab\z"), "a").await;
    check(backend, matches("^$"), "e").await;
    check(backend, matches("(?:^|x)ab"), "a b d").await;
}

async fn classes_are_unicode(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"é"}"#,
            r#"{"x":"日"}"#,
            r#"{"x":"٣"}"#,
            r#"{"x":"3"}"#,
            r#"{"x":"_"}"#,
            r#"{"x":"😀"}"#,
            r#"{"x":"\u00a0"}"#,
            r#"{"x":" "}"#,
            r#"{"x":"α"}"#,
        ],
    )
    .await;
    check(backend, matches(r"^\w$"), "a b c d e i").await;
    check(backend, matches(r"^\d$"), "c d").await;
    check(backend, matches(r"^\s$"), "g h").await;
    check(backend, matches(r"\p{Greek}"), "i").await;
    check(backend, matches(r"^[^\w\s]$"), "f").await;
    check(backend, matches("[[:digit:]]"), "d").await;
    check(backend, matches("^[à-ü😀]$"), "a f").await;
}

async fn the_dot_stops_at_a_line_feed(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"axb"}"#,
            r#"{"x":"a\nb"}"#,
            r#"{"x":"a\rb"}"#,
            r#"{"x":"a😀b"}"#,
        ],
    )
    .await;
    check(backend, matches("a.b"), "a c d").await;
    check(backend, matches("(?s)a.b"), "a b c d").await;
    check(backend, matches("a[^x]b"), "b c d").await;
}

async fn repetition_and_alternatives(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"a"}"#,
            r#"{"x":"aa"}"#,
            r#"{"x":"aaa"}"#,
            r#"{"x":"abab"}"#,
            r#"{"x":"cd"}"#,
            r#"{"x":""}"#,
        ],
    )
    .await;
    check(backend, matches("^a{2}$"), "b").await;
    check(backend, matches("^a{2,}$"), "b c").await;
    check(backend, matches("^a{1,2}$"), "a b").await;
    check(backend, matches("^(?:ab)+$"), "d").await;
    check(backend, matches("^(ab|cd)*$"), "d e f").await;
    check(backend, matches("^(?:a|)$"), "a f").await;
    check(backend, matches("^a??$"), "a f").await;
}

async fn case_folds_as_the_pattern_says(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"k"}"#,
            r#"{"x":"K"}"#,
            r#"{"x":"\u212a"}"#,
            r#"{"x":"É"}"#,
            r#"{"x":"é"}"#,
        ],
    )
    .await;
    check(backend, matches("k"), "a").await;
    // The Kelvin sign folds to `k` in Unicode.
    check(backend, matches("(?i)k"), "a b c").await;
    check(backend, matches("(?i)é"), "d e").await;
}

async fn escapes_are_literal(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"a.b"}"#,
            r#"{"x":"axb"}"#,
            r#"{"x":"a\\b"}"#,
            r#"{"x":"[]{}()*+?|^$-"}"#,
            r#"{"x":"it's 50% \"x\""}"#,
        ],
    )
    .await;
    check(backend, matches(r"a\.b"), "a").await;
    check(backend, matches(r"a\\b"), "c").await;
    check(backend, matches(r"\[\]\{\}\(\)\*\+\?\|\^\$-"), "d").await;
    check(backend, matches(r"[\]\[^]"), "d").await;
    check(backend, matches(r#"'s 50% "x""#), "e").await;
}

async fn only_text_matches(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"1"}"#,
            r#"{"x":1}"#,
            r#"{"x":true}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":["1"]}"#,
            r#"{"x":{"1":1}}"#,
        ],
    )
    .await;
    check(backend, matches("1"), "a").await;
    check(backend, matches(""), "a").await;
}

async fn a_pattern_that_matches_nothing(backend: &dyn Backend) {
    given_scalars(backend, &[r#"{"x":"a"}"#, r#"{"x":""}"#]).await;
    check(backend, matches(r"[^\s\S]"), "").await;
    check(backend, matches(r"a|[^\s\S]"), "a").await;
    check(backend, matches("$a"), "").await;
}
