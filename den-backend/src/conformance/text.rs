//! Text operators take their needle literally; only ASCII case ever folds.

use crate::{
    Backend,
    TextOp::{Contains, EndsWith, Equals, StartsWith},
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(starts_with_looks_at_the_head),
    case!(ends_with_looks_at_the_tail),
    case!(contains_looks_everywhere),
    case!(equals_looks_at_the_whole_text),
    case!(the_empty_needle_is_in_every_text),
    case!(text_operators_look_only_at_text),
    case!(wildcards_are_plain_characters),
    case!(quotes_and_backslashes_are_plain_characters),
    case!(multi_byte_text_is_whole_characters),
    case!(the_last_character_has_a_successor_or_none),
    case!(ignore_case_folds_ascii_only),
    case!(a_needle_longer_than_the_text),
    case!(text_operators_take_a_literal_operand),
];

async fn starts_with_looks_at_the_head(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"abc"}"#,
            r#"{"x":"ab"}"#,
            r#"{"x":"a"}"#,
            r#"{"x":"ABC"}"#,
            r#"{"x":"xabc"}"#,
            r#"{"x":"ac"}"#,
        ],
    )
    .await;
    check(backend, text(StartsWith, "ab"), "a b").await;
    check(backend, text(StartsWith, "A"), "d").await;
    check(backend, text(StartsWith, "abcd"), "").await;
    check(backend, text_ci(StartsWith, "aB"), "a b d").await;
}

async fn ends_with_looks_at_the_tail(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"abc"}"#,
            r#"{"x":"bc"}"#,
            r#"{"x":"c"}"#,
            r#"{"x":"ABC"}"#,
            r#"{"x":"abcx"}"#,
            r#"{"x":"bcbc"}"#,
        ],
    )
    .await;
    check(backend, text(EndsWith, "bc"), "a b f").await;
    check(backend, text(EndsWith, "C"), "d").await;
    check(backend, text(EndsWith, "xabc"), "").await;
    check(backend, text_ci(EndsWith, "Bc"), "a b d f").await;
}

async fn contains_looks_everywhere(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"abc"}"#,
            r#"{"x":"b"}"#,
            r#"{"x":"xxb"}"#,
            r#"{"x":"ABC"}"#,
            r#"{"x":"ac"}"#,
            r#"{"x":"bxx"}"#,
        ],
    )
    .await;
    check(backend, text(Contains, "b"), "a b c f").await;
    check(backend, text(Contains, "bc"), "a").await;
    check(backend, text(Contains, "B"), "d").await;
    check(backend, text_ci(Contains, "B"), "a b c d f").await;
}

async fn equals_looks_at_the_whole_text(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"abc"}"#,
            r#"{"x":"ABC"}"#,
            r#"{"x":"abc "}"#,
            r#"{"x":"aBcd"}"#,
            r#"{"x":""}"#,
        ],
    )
    .await;
    check(backend, text(Equals, "abc"), "a").await;
    check(backend, text_ci(Equals, "aBc"), "a b").await;
    check(backend, text(Equals, ""), "e").await;
    check(backend, text_ci(Equals, ""), "e").await;
}

async fn the_empty_needle_is_in_every_text(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"a"}"#,
            r#"{"x":""}"#,
            r#"{"x":1}"#,
            r#"{"x":null}"#,
            "{}",
        ],
    )
    .await;
    for op in [StartsWith, EndsWith, Contains] {
        check(backend, text(op, ""), "a b").await;
        check(backend, text_ci(op, ""), "a b").await;
    }
}

async fn text_operators_look_only_at_text(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"1"}"#,
            r#"{"x":1}"#,
            r#"{"x":true}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":["1"]}"#,
            r#"{"x":{"1":"1"}}"#,
            r#"{"x":1.5}"#,
        ],
    )
    .await;
    for op in [Equals, StartsWith, EndsWith, Contains] {
        check(backend, text(op, "1"), "a").await;
        check(backend, text_ci(op, "1"), "a").await;
        check(backend, text(op, "true"), "").await;
        check(backend, text(op, "null"), "").await;
        check(backend, text_ci(op, "["), "").await;
    }
}

async fn wildcards_are_plain_characters(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"50% off"}"#,
            r#"{"x":"50 off"}"#,
            r#"{"x":"a_b"}"#,
            r#"{"x":"axb"}"#,
            r#"{"x":"a\\b"}"#,
            r#"{"x":"%"}"#,
            r#"{"x":"_"}"#,
            r#"{"x":"*?[a-z]"}"#,
            r#"{"x":"a\\_b"}"#,
        ],
    )
    .await;
    check(backend, text(Contains, "%"), "a f").await;
    check(backend, text(StartsWith, "50%"), "a").await;
    check(backend, text(Contains, "_"), "c g i").await;
    check(backend, text(StartsWith, "a_"), "c").await;
    check(backend, text(EndsWith, "_b"), "c i").await;
    check(backend, text(Contains, "\\"), "e i").await;
    check(backend, text(Contains, "\\_"), "i").await;
    check(backend, text(StartsWith, "*?["), "h").await;
    check(backend, text_ci(Contains, "A_B"), "c").await;
    check(backend, text_ci(StartsWith, "%"), "f").await;
    check(backend, text_ci(Equals, "_"), "g").await;
}

async fn quotes_and_backslashes_are_plain_characters(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"it's"}"#,
            r#"{"x":"say \"hi\""}"#,
            r#"{"x":"a\\nb"}"#,
            r#"{"x":"a\nb"}"#,
            r#"{"x":"$1 ?1 :a"}"#,
        ],
    )
    .await;
    check(backend, text(Contains, "'"), "a").await;
    check(backend, text(EndsWith, "\"hi\""), "b").await;
    check(backend, text(Contains, "\\n"), "c").await;
    check(backend, text(Contains, "\n"), "d").await;
    check(backend, text(StartsWith, "$1 ?1"), "e").await;
    check(backend, eq(field("x"), literal(r#""it's""#)), "a").await;
    check(backend, eq(field("x"), literal(r#""a\\nb""#)), "c").await;
}

async fn multi_byte_text_is_whole_characters(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"Ærø"}"#,
            r#"{"x":"ærø"}"#,
            r#"{"x":"😀😁"}"#,
            r#"{"x":"e\u0301"}"#,
            r#"{"x":"é"}"#,
            r#"{"x":"日本語"}"#,
        ],
    )
    .await;
    check(backend, text(StartsWith, "Æ"), "a").await;
    check(backend, text(EndsWith, "ø"), "a b").await;
    check(backend, text(StartsWith, "😀"), "c").await;
    check(backend, text(EndsWith, "😁"), "c").await;
    // No normalisation: one code point is not two.
    check(backend, text(Contains, "é"), "e").await;
    check(backend, text(StartsWith, "e"), "d").await;
    check(backend, text(Contains, "本"), "f").await;
    check(backend, text(EndsWith, "本語"), "f").await;
}

async fn the_last_character_has_a_successor_or_none(backend: &dyn Backend) {
    // A prefix is a range, whose upper end must not step over these.
    given_scalars(
        backend,
        &[
            r#"{"x":"a\udbff\udfff"}"#,
            r#"{"x":"a\udbff\udfffb"}"#,
            r#"{"x":"b"}"#,
            r#"{"x":"\udbff\udfff"}"#,
            r#"{"x":"\ud7ff"}"#,
            r#"{"x":"\ue000"}"#,
            r#"{"x":"\u007fz"}"#,
            r#"{"x":"\u0080"}"#,
            r#"{"x":"\uffffz"}"#,
        ],
    )
    .await;
    check(backend, text(StartsWith, "a\u{10ffff}"), "a b").await;
    check(backend, text(StartsWith, "\u{10ffff}"), "d").await;
    check(backend, text(StartsWith, "\u{d7ff}"), "e").await;
    check(backend, text(StartsWith, "\u{e000}"), "f").await;
    check(backend, text(StartsWith, "\u{7f}"), "g").await;
    check(backend, text(StartsWith, "\u{ffff}"), "i").await;
}

async fn ignore_case_folds_ascii_only(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"É"}"#,
            r#"{"x":"é"}"#,
            r#"{"x":"ÉA"}"#,
            r#"{"x":"Éa"}"#,
            r#"{"x":"K"}"#,
            r#"{"x":"\u212a"}"#,
            r#"{"x":"straße"}"#,
            r#"{"x":"STRASSE"}"#,
            r#"{"x":"İ"}"#,
            r#"{"x":"i"}"#,
            r#"{"x":"[a]"}"#,
            r#"{"x":"{A}"}"#,
        ],
    )
    .await;
    check(backend, text_ci(Equals, "é"), "b").await;
    check(backend, text_ci(StartsWith, "É"), "a c d").await;
    check(backend, text_ci(Equals, "ÉA"), "c d").await;
    check(backend, text_ci(Equals, "k"), "e").await;
    check(backend, text_ci(Contains, "STRASSE"), "h").await;
    check(backend, text_ci(Contains, "STRAßE"), "g").await;
    check(backend, text_ci(Equals, "I"), "j").await;
    // `[` and `{` differ by the bit that also tells the cases of a letter apart.
    check(backend, text_ci(StartsWith, "["), "k").await;
}

async fn a_needle_longer_than_the_text(backend: &dyn Backend) {
    given_scalars(backend, &[r#"{"x":"é"}"#, r#"{"x":""}"#]).await;
    for op in [Equals, StartsWith, EndsWith, Contains] {
        check(backend, text(op, "éé"), "").await;
        check(backend, text_ci(op, "éé"), "").await;
    }
}

async fn text_operators_take_a_literal_operand(backend: &dyn Backend) {
    use crate::Expr;
    given(backend, &["{}"]).await;
    for (needle, expected) in [("ab", "a"), ("b", ""), ("AB", "")] {
        let filter = Expr::Text {
            op: StartsWith,
            ignore_case: false,
            operand: Box::new(literal("\"abc\"")),
            needle: needle.to_owned(),
        };
        check(backend, filter, expected).await;
    }
}
