//! Functions: what each answers, and what it makes of what it does not expect.

use crate::{
    Backend, ErrorKind, Expr,
    Function::{
        Abs, Concat, Greatest, Least, Length, Lower, Replace, Round, Substr, Trim, Truncate,
        TypeName, Upper,
    },
    TimeUnit,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(lower_and_upper_fold_ascii: Expressions),
    case!(length_counts_characters: Expressions),
    case!(trim_takes_ascii_white_space_off: Expressions),
    case!(substr_counts_characters_from_zero: Expressions),
    case!(concat_joins_texts: Expressions),
    case!(replace_replaces_every_occurrence: Expressions),
    case!(abs_drops_the_sign: Expressions),
    case!(the_smallest_integer_has_no_absolute_value: Expressions),
    case!(round_goes_by_decimal_digits: Expressions),
    case!(least_and_greatest_look_at_numbers: Expressions),
    case!(type_names: Expressions),
    case!(other_types_make_null: Expressions),
    case!(functions_nest: Expressions),
    case!(functions_take_constants_anywhere: Expressions),
];

/// A function of the field `x`.
pub(super) fn of_x(function: crate::Function) -> Expr {
    call(function, vec![field("x")])
}

/// A function of the field `x` and these values, written as JSON.
pub(super) fn with(function: crate::Function, more: &[&str]) -> Expr {
    let more = more.iter().map(|it| literal(it));
    call(function, [field("x")].into_iter().chain(more).collect())
}

async fn lower_and_upper_fold_ascii(backend: &dyn Backend) {
    let values = [
        "\"AbC xYz 09_\"",
        "\"ÄÖÜ äöü ß İı Σσς\"",
        "\"\"",
        "\"ﬁ ŉ 😀\"",
        "\"[\\\\]^`{|}@\"",
    ];
    given_x(backend, &values).await;
    let lower = [
        "\"abc xyz 09_\"",
        "\"ÄÖÜ äöü ß İı Σσς\"",
        "\"\"",
        "\"ﬁ ŉ 😀\"",
        "\"[\\\\]^`{|}@\"",
    ];
    computes(backend, of_x(Lower), &lower).await;
    let upper = [
        "\"ABC XYZ 09_\"",
        "\"ÄÖÜ äöü ß İı Σσς\"",
        "\"\"",
        "\"ﬁ ŉ 😀\"",
        "\"[\\\\]^`{|}@\"",
    ];
    computes(backend, of_x(Upper), &upper).await;
}

async fn length_counts_characters(backend: &dyn Backend) {
    let values = [
        "\"\"",
        "\"abc\"",
        "\"é\"",
        "\"e\\u0301\"",
        "\"😀😀\"",
        "\" \\n\"",
    ];
    given_x(backend, &values).await;
    computes(backend, of_x(Length), &["0", "3", "1", "2", "2", "2"]).await;
}

async fn trim_takes_ascii_white_space_off(backend: &dyn Backend) {
    let values = [
        r#"" a b ""#,
        r#""\t\n\r\u000b\fa\f\u000b\r\n\t""#,
        r#""   ""#,
        r#""""#,
        "\"\u{a0}a\u{2003}\"",
        r#""\u0001 a \u001f""#,
        "\"\u{85}a\u{feff}\"",
        "\"é \"",
    ];
    given_x(backend, &values).await;
    let trimmed = [
        r#""a b""#,
        r#""a""#,
        r#""""#,
        r#""""#,
        "\"\u{a0}a\u{2003}\"",
        r#""\u0001 a \u001f""#,
        "\"\u{85}a\u{feff}\"",
        "\"é\"",
    ];
    computes(backend, of_x(Trim), &trimmed).await;
}

async fn substr_counts_characters_from_zero(backend: &dyn Backend) {
    given_x(backend, &["\"aé😀z\"", "\"\"", "\"ab\""]).await;
    let cut = |start, length| of_x(Substr { start, length });
    for (start, length, expected) in [
        (0, None, ["\"aé😀z\"", "\"\"", "\"ab\""]),
        (1, None, ["\"é😀z\"", "\"\"", "\"b\""]),
        (0, Some(2), ["\"aé\"", "\"\"", "\"ab\""]),
        (1, Some(2), ["\"é😀\"", "\"\"", "\"b\""]),
        (2, Some(1), ["\"😀\"", "\"\"", "\"\""]),
        (0, Some(0), ["\"\"", "\"\"", "\"\""]),
        (4, None, ["\"\"", "\"\"", "\"\""]),
        (99, Some(99), ["\"\"", "\"\"", "\"\""]),
        (1, Some(u32::MAX), ["\"é😀z\"", "\"\"", "\"b\""]),
        (u32::MAX, None, ["\"\"", "\"\"", "\"\""]),
        (u32::MAX, Some(u32::MAX), ["\"\"", "\"\"", "\"\""]),
    ] {
        computes(backend, cut(start, length), &expected).await;
    }
}

async fn concat_joins_texts(backend: &dyn Backend) {
    let values = ["\"a\"", "\"\"", "\"é'\\\"\"", "null", "1", "-", "true"];
    given_x(backend, &values).await;
    let alone = [
        "\"a\"",
        "\"\"",
        "\"é'\\\"\"",
        "null",
        "null",
        "null",
        "null",
    ];
    computes(backend, of_x(Concat), &alone).await;
    let shout = [
        "\"a!\"",
        "\"!\"",
        "\"é'\\\"!\"",
        "null",
        "null",
        "null",
        "null",
    ];
    computes(backend, with(Concat, &["\"!\""]), &shout).await;
    let nothing = ["null"; 7];
    computes(backend, with(Concat, &["null"]), &nothing).await;
    computes(backend, with(Concat, &["1"]), &nothing).await;
    let many = call(
        Concat,
        vec![
            literal("\"<\""),
            field("x"),
            literal("\"\""),
            field("x"),
            literal("\">\""),
        ],
    );
    let twice = [
        "\"<aa>\"",
        "\"<>\"",
        "\"<é'\\\"é'\\\">\"",
        "null",
        "null",
        "null",
        "null",
    ];
    computes(backend, many, &twice).await;
    let very_many = call(Concat, vec![field("x"); 120]);
    let query = selected(vec![call(Length, vec![very_many])]);
    let found = selections(backend, &query).await;
    assert_eq!(found[..2], ["[120]", "[0]"]);
}

async fn replace_replaces_every_occurrence(backend: &dyn Backend) {
    given_x(
        backend,
        &["\"banana\"", "\"aaa\"", "\"\"", "\"a.%_\\\\1é\"", "5"],
    )
    .await;
    for (from, to, expected) in [
        (
            "\"a\"",
            "\"\"",
            ["\"bnn\"", "\"\"", "\"\"", "\".%_\\\\1é\"", "null"],
        ),
        (
            "\"aa\"",
            "\"b\"",
            ["\"banana\"", "\"ba\"", "\"\"", "\"a.%_\\\\1é\"", "null"],
        ),
        (
            "\"ana\"",
            "\"ana\"",
            ["\"banana\"", "\"aaa\"", "\"\"", "\"a.%_\\\\1é\"", "null"],
        ),
        (
            "\"\"",
            "\"x\"",
            ["\"banana\"", "\"aaa\"", "\"\"", "\"a.%_\\\\1é\"", "null"],
        ),
        (
            "\"A\"",
            "\"x\"",
            ["\"banana\"", "\"aaa\"", "\"\"", "\"a.%_\\\\1é\"", "null"],
        ),
        (
            "\".%_\\\\1é\"",
            "\"\\\\0&$1\"",
            ["\"banana\"", "\"aaa\"", "\"\"", "\"a\\\\0&$1\"", "null"],
        ),
        ("null", "\"x\"", ["null"; 5]),
        ("\"a\"", "null", ["null"; 5]),
        ("\"\"", "null", ["null"; 5]),
        ("\"nope\"", "1", ["null"; 5]),
    ] {
        computes(backend, with(Replace, &[from, to]), &expected).await;
    }
    let fields = call(
        Replace,
        vec![literal("\"banana\""), field("x"), literal("\"-\"")],
    );
    let expected = ["\"-\"", "\"banana\"", "\"banana\"", "\"banana\"", "null"];
    computes(backend, fields, &expected).await;
}

async fn abs_drops_the_sign(backend: &dyn Backend) {
    let values = [
        "-5",
        "5",
        "-2.5",
        "0",
        "-0.0",
        "-1.0",
        "-9223372036854775807",
        "-1e300",
    ];
    given_x(backend, &values).await;
    let expected = [
        "5",
        "5",
        "2.5",
        "0",
        "0.0",
        "1.0",
        "9223372036854775807",
        "1e300",
    ];
    computes(backend, of_x(Abs), &expected).await;
}

async fn the_smallest_integer_has_no_absolute_value(backend: &dyn Backend) {
    given(backend, &[r#"{"x":-9223372036854775808}"#]).await;
    out_of_range(backend, &selected(vec![of_x(Abs)])).await;
    out_of_range(backend, &filtered(gt(of_x(Abs), literal("0")))).await;
    insert(backend, "b", r#"{"x":-9223372036854775808.0}"#).await;
    let query = crate::Query {
        filter: eq(field("_id"), literal("\"b\"")),
        ..selected(vec![of_x(Abs)])
    };
    let found = selections(backend, &query).await;
    assert_eq!(found, ["[9223372036854775808.0]"]);
}

async fn round_goes_by_decimal_digits(backend: &dyn Backend) {
    let values = [
        "5",
        "2.5",
        "-2.5",
        "1.005",
        "0.49999999999999994",
        "-0.4",
        "1234.5678",
        "1e300",
        "5e-324",
        "9007199254740992.0",
        "0.1234567890123456",
        "9.995",
        "1.0",
    ];
    given_x(backend, &values).await;
    for (digits, expected) in [
        (
            0,
            [
                "5",
                "3.0",
                "-3.0",
                "1.0",
                "0.0",
                "0.0",
                "1235.0",
                "1e300",
                "0.0",
                "9007199254740992.0",
                "0.0",
                "10.0",
                "1.0",
            ],
        ),
        (
            2,
            [
                "5",
                "2.5",
                "-2.5",
                "1.01",
                "0.5",
                "-0.4",
                "1234.57",
                "1e300",
                "0.0",
                "9007199254740992.0",
                "0.12",
                "10.0",
                "1.0",
            ],
        ),
        (
            15,
            [
                "5",
                "2.5",
                "-2.5",
                "1.005",
                "0.5",
                "-0.4",
                "1234.5678",
                "1e300",
                "0.0",
                "9007199254740992.0",
                "0.123456789012346",
                "9.995",
                "1.0",
            ],
        ),
    ] {
        computes(backend, of_x(Round { digits }), &expected).await;
    }
}

async fn least_and_greatest_look_at_numbers(backend: &dyn Backend) {
    let values = ["1", "7.5", "null", "\"3\"", "true", "-", "-1e300"];
    given_x(backend, &values).await;
    let least = with(Least, &["5", "\"0\"", "null", "6.5"]);
    let expected = ["1", "5", "5", "5", "5", "5", "-1e300"];
    computes(backend, least, &expected).await;
    let greatest = with(Greatest, &["5", "\"9\"", "null"]);
    let expected = ["5", "7.5", "5", "5", "5", "5", "5"];
    computes(backend, greatest, &expected).await;
    let alone = ["1", "7.5", "null", "null", "null", "null", "-1e300"];
    computes(backend, of_x(Least), &alone).await;
    computes(backend, of_x(Greatest), &alone).await;
    computes(backend, with(Greatest, &["\"a\"", "[1]"]), &alone).await;
    given_x_again(backend, &["9007199254740992.0", "9007199254740994"]).await;
    let exact = with(Greatest, &["9007199254740993"]);
    let expected = ["9007199254740993", "9007199254740994"];
    computes(backend, exact, &expected).await;
}

/// [`given_x`] in place of what was there.
pub(super) async fn given_x_again(backend: &dyn Backend, values: &[&str]) {
    for name in backend.collections().await.unwrap() {
        backend.drop_collection(&name).await.unwrap();
    }
    given_x(backend, values).await;
}

async fn type_names(backend: &dyn Backend) {
    let values = [
        "-", "null", "true", "0", "1.5", "\"\"", "[]", "[1]", "{}", "\"null\"",
    ];
    given_x(backend, &values).await;
    let names = [
        "\"null\"",
        "\"null\"",
        "\"bool\"",
        "\"number\"",
        "\"number\"",
        "\"text\"",
        "\"array\"",
        "\"array\"",
        "\"object\"",
        "\"text\"",
    ];
    computes(backend, of_x(TypeName), &names).await;
    let computed = call(TypeName, vec![of_x(Length)]);
    let names = [
        "\"null\"",
        "\"null\"",
        "\"null\"",
        "\"null\"",
        "\"null\"",
        "\"number\"",
        "\"null\"",
        "\"null\"",
        "\"null\"",
        "\"number\"",
    ];
    computes(backend, computed, &names).await;
    let predicate = call(TypeName, vec![is_null(field("x"))]);
    computes(backend, predicate, &["\"bool\""; 10]).await;
}

async fn other_types_make_null(backend: &dyn Backend) {
    let not_text = ["-", "null", "true", "1", "1.5", "[\"a\"]", "{\"a\":1}"];
    given_x(backend, &not_text).await;
    let cut = Substr {
        start: 0,
        length: Some(1),
    };
    for function in [
        Lower,
        Upper,
        Length,
        Trim,
        cut,
        Concat,
        Truncate(TimeUnit::Day),
    ] {
        computes(backend, of_x(function), &["null"; 7]).await;
    }
    computes(backend, with(Replace, &["\"a\"", "\"b\""]), &["null"; 7]).await;
    let not_numbers = ["-", "null", "true", "\"1\"", "\"\"", "[1]", "{\"a\":1}"];
    given_x_again(backend, &not_numbers).await;
    for function in [Abs, Round { digits: 1 }, Least, Greatest] {
        computes(backend, of_x(function), &["null"; 7]).await;
    }
}

async fn functions_nest(backend: &dyn Backend) {
    given_x(backend, &["\"  Ab Cd \"", "\"é\"", "5"]).await;
    let initials = call(
        Concat,
        vec![
            call(
                Upper,
                vec![call(
                    Substr {
                        start: 0,
                        length: Some(1),
                    },
                    vec![of_x(Trim)],
                )],
            ),
            call(
                Replace,
                vec![of_x(Lower), literal("\" \""), literal("\"_\"")],
            ),
        ],
    );
    computes(backend, initials, &["\"A__ab_cd_\"", "\"éé\"", "null"]).await;
    let lengths = call(
        Greatest,
        vec![
            of_x(Length),
            call(Abs, vec![call(Least, vec![literal("-3"), field("x")])]),
        ],
    );
    computes(backend, lengths, &["8", "3", "3"]).await;
    let half = arithmetic(crate::ArithmeticOp::Div, of_x(Length), literal("3"));
    let rounded = call(Round { digits: 2 }, vec![half]);
    computes(backend, rounded, &["2.67", "0.33", "null"]).await;
}

async fn functions_take_constants_anywhere(backend: &dyn Backend) {
    given(backend, &[r#"{"x":"b"}"#]).await;
    for (expr, expected) in [
        (call(Lower, vec![literal("\"AB\"")]), "\"ab\""),
        (call(Length, vec![literal("\"é😀\"")]), "2"),
        (call(Round { digits: 1 }, vec![literal("0.25")]), "0.3"),
        (call(Abs, vec![literal("-7")]), "7"),
        (call(TypeName, vec![literal("[1]")]), "\"array\""),
        (call(Greatest, vec![literal("1"), literal("2.5")]), "2.5"),
        (
            call(
                Truncate(TimeUnit::Year),
                vec![literal("\"2024-02-29T23:59:58.123456Z\"")],
            ),
            "\"2024-01-01T00:00:00.000000Z\"",
        ),
        (
            call(
                Replace,
                vec![literal("\"abc\""), field("x"), literal("\"\"")],
            ),
            "\"ac\"",
        ),
    ] {
        computes(backend, expr, &[expected]).await;
    }
    let bad = call(Abs, vec![literal("-9223372036854775808")]);
    let checked = selected(vec![bad]).check(backend.capabilities());
    assert_eq!(kind_of(checked), ErrorKind::OutOfRange);
}
