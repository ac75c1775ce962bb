//! What the filter of an index may say, and what it then covers.

use crate::{
    Backend, Error, ErrorKind, Expectation, Expr, Field,
    FieldKind::{Any, Array, Bool, Number, Text},
    IndexKind, IndexMeta, TextOp, Value,
    conformance::{
        partial::{live, unique},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(every_filter_covers_what_it_matches: UniqueIndexes),
    case!(filters_beyond_an_index_are_refused),
];

/// A filter, documents it covers, and documents it does not; all without `x`.
type Coverage = (Expr, &'static [&'static str], &'static [&'static str]);

fn test(op: TextOp, ignore_case: bool, needle: &str) -> Expr {
    Expr::Text {
        op,
        ignore_case,
        operand: Box::new(field("t")),
        needle: needle.to_owned(),
    }
}

fn coverages() -> Vec<Coverage> {
    let typed = |key: &str, kind| Expr::Field(Field::document(path(key), kind));
    let odd = "it's $1 ?1 \"q\" \\ %_ $$ -- /* é😀 \n";
    vec![
        (
            eq(field("t"), literal("\"a\"")),
            &[r#"{"t":"a"}"#],
            &["{}", r#"{"t":"A"}"#, r#"{"t":["a"]}"#],
        ),
        (
            eq(field("t"), Expr::Value(Value::from(odd))),
            &[r#"{"t":"it's $1 ?1 \"q\" \\ %_ $$ -- /* é😀 \n"}"#],
            &[r#"{"t":"it's"}"#],
        ),
        (
            eq(field("t"), literal("\"\"")),
            &[r#"{"t":""}"#],
            &[r#"{"t":null}"#, r#"{"t":" "}"#],
        ),
        (
            eq(field("n"), literal("1")),
            &[r#"{"n":1}"#, r#"{"n":1.0}"#],
            &[r#"{"n":"1"}"#, r#"{"n":true}"#, r#"{"n":2}"#],
        ),
        (
            eq(field("n"), literal("-1.5")),
            &[r#"{"n":-1.5}"#],
            &[r#"{"n":-1}"#],
        ),
        (
            eq(field("n"), literal("9007199254740993")),
            &[r#"{"n":9007199254740993}"#],
            &[r#"{"n":9007199254740992}"#, r#"{"n":9007199254740992.0}"#],
        ),
        (
            eq(field("n"), literal("-9223372036854775808")),
            &[r#"{"n":-9223372036854775808}"#],
            &[r#"{"n":-9223372036854775807}"#],
        ),
        (
            eq(field("n"), literal("1e300")),
            &[r#"{"n":1e300}"#],
            &[r#"{"n":1e299}"#],
        ),
        (
            eq(field("n"), literal("5e-324")),
            &[r#"{"n":5e-324}"#],
            &[r#"{"n":0}"#, r#"{"n":1e-323}"#],
        ),
        (
            eq(field("b"), literal("true")),
            &[r#"{"b":true}"#],
            &[r#"{"b":false}"#, r#"{"b":1}"#, r#"{"b":"true"}"#],
        ),
        (
            eq(field("b"), literal("false")),
            &[r#"{"b":false}"#],
            &[r#"{"b":true}"#, r#"{"b":0}"#, "{}"],
        ),
        (
            lt(field("n"), literal("2")),
            &[r#"{"n":1.9}"#, r#"{"n":-1e300}"#],
            &[r#"{"n":2}"#, r#"{"n":"1"}"#, "{}"],
        ),
        (
            le(field("n"), literal("2")),
            &[r#"{"n":2.0}"#],
            &[r#"{"n":2.1}"#],
        ),
        (
            gt(field("t"), literal("\"b\"")),
            &[r#"{"t":"c"}"#, r#"{"t":"é"}"#],
            &[r#"{"t":"b"}"#, r#"{"t":"B"}"#, r#"{"t":5}"#],
        ),
        (
            ge(field("t"), literal("\"b\"")),
            &[r#"{"t":"b"}"#],
            &[r#"{"t":"a"}"#, r#"{"t":"Z"}"#],
        ),
        (
            gt(field("b"), literal("false")),
            &[r#"{"b":true}"#],
            &[r#"{"b":false}"#, r#"{"b":1}"#],
        ),
        (
            is_in(field("t"), r#"["a","b",1,true,2.5]"#),
            &[
                r#"{"t":"a"}"#,
                r#"{"t":1.0}"#,
                r#"{"t":true}"#,
                r#"{"t":2.5}"#,
            ],
            &[r#"{"t":"c"}"#, r#"{"t":"1"}"#, r#"{"t":false}"#, "{}"],
        ),
        (is_in(field("t"), "[]"), &[], &[r#"{"t":"c"}"#, "{}"]),
        (
            is_null(field("t")),
            &["{}", r#"{"t":null}"#],
            &[r#"{"t":""}"#, r#"{"t":[]}"#, r#"{"t":false}"#],
        ),
        (
            Expr::Exists(place("t")),
            &[r#"{"t":null}"#, r#"{"t":0}"#],
            &["{}"],
        ),
        (
            test(TextOp::StartsWith, false, "a%"),
            &[r#"{"t":"a%"}"#, r#"{"t":"a%b"}"#],
            &[r#"{"t":"ab"}"#, r#"{"t":"A%"}"#],
        ),
        (
            test(TextOp::EndsWith, false, "_é"),
            &[r#"{"t":"a_é"}"#],
            &[r#"{"t":"aé"}"#, "{}"],
        ),
        (
            test(TextOp::Contains, false, "it's"),
            &[r#"{"t":"so it's so"}"#],
            &[r#"{"t":"its"}"#, r#"{"t":["it's"]}"#],
        ),
        (
            test(TextOp::Equals, true, "Ab\\É"),
            &[r#"{"t":"aB\\É"}"#],
            &[r#"{"t":"aB\\é"}"#],
        ),
        (
            test(TextOp::StartsWith, true, "A_"),
            &[r#"{"t":"a_b"}"#],
            &[r#"{"t":"ab"}"#],
        ),
        (
            test(TextOp::Contains, true, "X'Y"),
            &[r#"{"t":"ax'yb"}"#],
            &[r#"{"t":"axyb"}"#],
        ),
        (
            eq(field("t"), literal("\"a\"")).not(),
            &["{}", r#"{"t":"b"}"#, r#"{"t":1}"#],
            &[r#"{"t":"a"}"#],
        ),
        (
            eq(field("t"), literal("\"a\"")).and(gt(field("n"), literal("1"))),
            &[r#"{"t":"a","n":2}"#],
            &[r#"{"t":"a","n":1}"#, r#"{"t":"b","n":2}"#],
        ),
        (
            eq(field("t"), literal("\"a\"")).or(gt(field("n"), literal("1")).not()),
            &[r#"{"t":"a","n":2}"#, "{}", r#"{"n":1}"#],
            &[r#"{"t":"b","n":2}"#],
        ),
        (Expr::never(), &[], &["{}"]),
        (
            eq(field("o.p.0"), literal("1")),
            &[r#"{"o":{"p":[1]}}"#, r#"{"o":{"p":{"0":1}}}"#],
            &[r#"{"o":{"p":1}}"#, r#"{"o":[{"p":1}]}"#],
        ),
        (
            eq(keys(&["it's \"a.b\" \\", "é"]), literal("1")),
            &[r#"{"it's \"a.b\" \\":{"é":1}}"#],
            &[r#"{"it's":1}"#],
        ),
        (
            eq(typed("t", Text), literal("\"a\"")),
            &[r#"{"t":"a"}"#],
            &[r#"{"t":"b"}"#, "{}"],
        ),
        (
            lt(typed("n", Number), literal("5")),
            &[r#"{"n":4}"#],
            &[r#"{"n":"4"}"#, "{}"],
        ),
        (
            eq(typed("b", Bool), literal("true")),
            &[r#"{"b":true}"#],
            &[r#"{"b":1}"#],
        ),
        (
            is_null(typed("n", Number)),
            &["{}", r#"{"n":null}"#],
            &[r#"{"n":"4"}"#],
        ),
        (ge(field("_id"), literal("\"c1\"")), &["{}"], &[]),
    ]
}

async fn every_filter_covers_what_it_matches(backend: &dyn Backend) {
    for kind in [Text, Any] {
        for (filter, covered, others) in coverages() {
            for is_late in [false, true] {
                backend.drop_collection(ITEMS).await.unwrap();
                ensure(backend, ITEMS).await;
                let unique = unique(kind, filter.clone());
                unique.check().unwrap();
                if !is_late {
                    backend.ensure_index(ITEMS, &unique).await.unwrap();
                }
                let with_x = |fields: &str| match fields {
                    "{}" => r#"{"x":"p"}"#.to_owned(),
                    more => more.replacen('{', r#"{"x":"p","#, 1),
                };
                for (i, fields) in others.iter().enumerate() {
                    for copy in ["o", "p"] {
                        insert(backend, &format!("{copy}{i}"), &with_x(fields)).await;
                    }
                }
                if let Some(first) = covered.first() {
                    insert(backend, "c0", &with_x(first)).await;
                    backend.delete(ITEMS, "c0", Expectation::Any).await.unwrap();
                    insert(backend, "c1", &with_x(first)).await;
                }
                if is_late {
                    backend.ensure_index(ITEMS, &unique).await.unwrap();
                }
                for fields in covered {
                    let error = put(backend, "z", &with_x(fields), Expectation::Any).await;
                    let kind = error.as_ref().map_err(Error::kind);
                    assert_eq!(kind, Err(ErrorKind::Duplicate), "{filter:?} {fields}");
                }
                for fields in others.iter().filter(|_| !covered.is_empty()) {
                    insert(backend, "z", &with_x(fields)).await;
                    backend.delete(ITEMS, "z", Expectation::Any).await.unwrap();
                }
            }
        }
    }
}

async fn filters_beyond_an_index_are_refused(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let element = || eq(element(), literal("1"));
    for filter in [
        literal("true"),
        field("x"),
        eq(field("x"), field("y")),
        eq(literal("1"), literal("1")),
        eq(literal("1"), field("x")),
        eq(Expr::Len(Box::new(field("x"))), literal("1")),
        eq(field("x"), literal("null")),
        eq(field("x"), literal("[1]")),
        eq(field("x"), literal("{}")),
        eq(field("x"), literal("\"a\\u0000b\"")),
        eq(field("x"), Expr::Value(Value::Float(f64::NAN))),
        is_in(field("x"), "[1,null]"),
        is_in(field("x"), "[[1]]"),
        is_null(Expr::Len(Box::new(field("x")))),
        Expr::IsEmpty(Box::new(field("x"))),
        contains(field("x"), "1"),
        any_element(field("x"), element()),
        element(),
        has_key(field("x"), "k"),
        linked(field("x"), ITEMS, Expr::always()),
        linked(field("x"), ITEMS, Expr::always()).not(),
        (0..40).fold(is_null(field("x")), |inner, _| Expr::Not(Box::new(inner))),
    ] {
        for kind in [IndexKind::Plain, IndexKind::Unique] {
            let index = IndexMeta {
                filter: filter.clone(),
                ..index(kind, &[("x", Any)])
            };
            let error = index.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{filter:?}");
            assert!(error.to_string().contains(&index.name), "{error}");
            let meta = declared(&[], vec![index]);
            assert_eq!(kind_of(meta.check()), ErrorKind::InvalidQuery);
        }
    }
    let members = IndexMeta {
        filter: live(),
        ..index(IndexKind::Members, &[("x", Array)])
    };
    let error = members.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains(&members.name), "{error}");
}
