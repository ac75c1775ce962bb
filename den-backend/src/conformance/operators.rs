//! What the operators of a patch make of a document: the missing, the null and the wrong type each.

use crate::{
    Backend, Change, ErrorKind, FieldKind, Query, Value,
    conformance::{
        patches::{VALUES, becomes, fails},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(inc_adds: Patches),
    case!(mul_multiplies: Patches),
    case!(min_and_max_keep_the_better: Patches),
    case!(push_appends: Patches),
    case!(add_to_set_appends_once: Patches),
    case!(pull_takes_equal_elements_out: Patches),
    case!(pop_takes_an_end_off: Patches),
    case!(rename_moves: Patches),
    case!(parents_are_made_where_something_is_put: Patches),
    case!(a_wrong_type_fails_the_patch: Patches),
    case!(a_number_out_of_range_fails_the_patch: Patches),
    case!(a_wrong_parent_fails_every_operator_that_puts: Patches),
];

/// Documents with each of these before and after in `x`, nested once more in `o`; `-` for none.
async fn makes(backend: &dyn Backend, change: impl Fn(&str) -> Change, values: &[(&str, &str)]) {
    for nested in [false, true] {
        let document = |value: &str| match (value, nested) {
            ("-", false) => r#"{"w":[1],"z":2}"#.to_owned(),
            ("-", true) => r#"{"o":{"w":[1]},"z":2}"#.to_owned(),
            (value, false) => format!(r#"{{"w":[1],"x":{value},"z":2}}"#),
            (value, true) => format!(r#"{{"o":{{"w":[1],"x":{value}}},"z":2}}"#),
        };
        let documents: Vec<(String, String)> = values
            .iter()
            .map(|(before, after)| (document(before), document(after)))
            .collect();
        let documents: Vec<(&str, &str)> = documents.iter().map(|it| (&*it.0, &*it.1)).collect();
        let change = change(if nested { "o.x" } else { "x" });
        becomes(backend, vec![change], &documents).await;
        told_apart(backend, &documents).await;
    }
}

/// Checks that an integer is still an integer, and a float a float.
pub(super) async fn told_apart(backend: &dyn Backend, documents: &[(&str, &str)]) {
    let ids = ('a'..='z').map(String::from);
    for (id, (before, after)) in ids.zip(documents) {
        let found = parsed(&get(backend, &id).await.unwrap()).to_string();
        assert_eq!(found, json(&body(&id, after)).to_string(), "{before}");
    }
}

async fn inc_adds(backend: &dyn Backend) {
    let by = |by: &'static str| move |at: &str| inc(at, by);
    let values = [
        ("-", "2"),
        ("null", "2"),
        ("0", "2"),
        ("-5", "-3"),
        ("1.5", "3.5"),
        ("9007199254740993", "9007199254740995"),
        ("9223372036854775805", "9223372036854775807"),
    ];
    makes(backend, by("2"), &values).await;
    let values = [
        ("-", "-0.5"),
        ("null", "-0.5"),
        ("1", "0.5"),
        ("0.5", "0.0"),
        ("1e300", "1e300"),
    ];
    makes(backend, by("-0.5"), &values).await;
    makes(backend, by("2.0"), &[("1", "3.0"), ("-", "2.0")]).await;
    makes(backend, by("0.1"), &[("0.2", "0.30000000000000004")]).await;
    makes(backend, by("0"), &[("5", "5"), ("5.0", "5.0"), ("-", "0")]).await;
    let smallest = [("0", "-9223372036854775808"), ("-", "-9223372036854775808")];
    makes(backend, by("-9223372036854775808"), &smallest).await;
}

async fn mul_multiplies(backend: &dyn Backend) {
    let by = |by: &'static str| move |at: &str| mul(at, by);
    let values = [
        ("-", "0"),
        ("null", "0"),
        ("0", "0"),
        ("-5", "-15"),
        ("1.5", "4.5"),
        ("3002399751580331", "9007199254740993"),
    ];
    makes(backend, by("3"), &values).await;
    let values = [
        ("-", "0.0"),
        ("null", "0.0"),
        ("3", "1.5"),
        ("0", "0.0"),
        ("1e300", "5e299"),
    ];
    makes(backend, by("0.5"), &values).await;
    makes(backend, by("-1"), &[("0.0", "0.0"), ("2.0", "-2.0")]).await;
}

async fn min_and_max_keep_the_better(backend: &dyn Backend) {
    let values = [
        ("-", "5"),
        ("null", "5"),
        ("4", "4"),
        ("6", "5"),
        ("5.5", "5"),
        ("4.5", "4.5"),
        ("5", "5"),
    ];
    makes(backend, |at| min(at, "5"), &values).await;
    // What is equal stays as it is.
    let values = [
        ("-", "5.0"),
        ("4", "5.0"),
        ("6", "6"),
        ("5.5", "5.5"),
        ("5", "5"),
    ];
    makes(backend, |at| max(at, "5.0"), &values).await;
    let exact = [
        ("9007199254740992", "9007199254740993"),
        ("9007199254740992.0", "9007199254740993"),
        ("9007199254740994.0", "9007199254740994.0"),
    ];
    makes(backend, |at| max(at, "9007199254740993"), &exact).await;
    let values = [
        ("-", "\"b\""),
        ("null", "\"b\""),
        ("\"a\"", "\"a\""),
        ("\"B\"", "\"B\""),
        ("\"é\"", "\"b\""),
        ("\"ba\"", "\"b\""),
    ];
    makes(backend, |at| min(at, "\"b\""), &values).await;
    let values = [
        ("\"a\"", "\"b\""),
        ("\"B\"", "\"b\""),
        ("\"é\"", "\"é\""),
        ("\"ba\"", "\"ba\""),
        ("\"\"", "\"b\""),
    ];
    makes(backend, |at| max(at, "\"b\""), &values).await;
    let values = [("-", "true"), ("false", "true"), ("true", "true")];
    makes(backend, |at| max(at, "true"), &values).await;
    let values = [("null", "false"), ("false", "false"), ("true", "false")];
    makes(backend, |at| min(at, "false"), &values).await;
}

async fn push_appends(backend: &dyn Backend) {
    for value in VALUES {
        let one = format!("[{value}]");
        let two = format!("[{value},{value}]");
        let after = format!("[null,{{\"y\":1.0}},{value}]");
        let values = [
            ("-", &*one),
            ("null", &*one),
            ("[]", &*one),
            (&*one, &*two),
            (r#"[null,{"y":1.0}]"#, &*after),
        ];
        makes(backend, |at| push(at, value), &values).await;
    }
}

async fn add_to_set_appends_once(backend: &dyn Backend) {
    let values = [
        ("-", "[1]"),
        ("null", "[1]"),
        ("[]", "[1]"),
        ("[1]", "[1]"),
        ("[1.0]", "[1.0]"),
        ("[2,1,1]", "[2,1,1]"),
        ("[\"1\",true,null,[1]]", "[\"1\",true,null,[1],1]"),
    ];
    makes(backend, |at| add_to_set(at, "1"), &values).await;
    let values = [
        (r#"[{"z":[],"y":1.0}]"#, r#"[{"z":[],"y":1.0}]"#),
        (r#"[{"y":1}]"#, r#"[{"y":1},{"y":1,"z":[]}]"#),
        ("[[]]", r#"[[],{"y":1,"z":[]}]"#),
    ];
    makes(backend, |at| add_to_set(at, r#"{"y":1,"z":[]}"#), &values).await;
    let values = [("-", "[null]"), ("[null]", "[null]"), ("[0]", "[0,null]")];
    makes(backend, |at| add_to_set(at, "null"), &values).await;
    let values = [
        ("[9007199254740992]", "[9007199254740992,9007199254740993]"),
        (
            "[9007199254740992.0]",
            "[9007199254740992.0,9007199254740993]",
        ),
    ];
    makes(backend, |at| add_to_set(at, "9007199254740993"), &values).await;
    let values = [("[[1,2]]", "[[1,2],[2,1]]"), ("[[2,1.0]]", "[[2,1.0]]")];
    makes(backend, |at| add_to_set(at, "[2,1]"), &values).await;
}

async fn pull_takes_equal_elements_out(backend: &dyn Backend) {
    let values = [
        ("-", "-"),
        ("null", "null"),
        ("[]", "[]"),
        ("[1]", "[]"),
        ("[1,2,1.0,3,1]", "[2,3]"),
        (
            "[\"1\",true,null,[1],{\"y\":1}]",
            "[\"1\",true,null,[1],{\"y\":1}]",
        ),
        ("[3,null,2.0,0.1]", "[3,null,2.0,0.1]"),
    ];
    makes(backend, |at| pull(at, "1"), &values).await;
    let values = [("[null,1,null]", "[1]"), ("null", "null"), ("[0]", "[0]")];
    makes(backend, |at| pull(at, "null"), &values).await;
    let values = [
        (r#"[{"z":2,"y":1.0},{"y":1}]"#, r#"[{"y":1}]"#),
        (r#"[[{"y":1,"z":2}]]"#, r#"[[{"y":1,"z":2}]]"#),
    ];
    makes(backend, |at| pull(at, r#"{"y":1,"z":2}"#), &values).await;
    let values = [("[[],[[]],{}]", "[[[]],{}]")];
    makes(backend, |at| pull(at, "[]"), &values).await;
    let values = [("[\"a\",\"A\",\"a \",\"a\"]", "[\"A\",\"a \"]")];
    makes(backend, |at| pull(at, "\"a\""), &values).await;
}

async fn pop_takes_an_end_off(backend: &dyn Backend) {
    let values = [
        ("-", "-"),
        ("null", "null"),
        ("[]", "[]"),
        ("[1]", "[]"),
        ("[null,1.0,\"a\"]", "[1.0,\"a\"]"),
        ("[[1,2],{\"y\":[]}]", "[{\"y\":[]}]"),
    ];
    makes(backend, pop_first, &values).await;
    let values = [
        ("-", "-"),
        ("null", "null"),
        ("[]", "[]"),
        ("[1]", "[]"),
        ("[null,1.0,\"a\"]", "[null,1.0]"),
        ("[[1,2],{\"y\":[]}]", "[[1,2]]"),
    ];
    makes(backend, pop_last, &values).await;
}

async fn rename_moves(backend: &dyn Backend) {
    for value in VALUES {
        let before = format!("{{\"x\":{value},\"z\":0}}");
        let over = format!("{{\"x\":{value},\"y\":[1],\"z\":0}}");
        let after = format!("{{\"y\":{value},\"z\":0}}");
        let documents = [
            (&*before, &*after),
            (&*over, &*after),
            (r#"{"z":0}"#, r#"{"z":0}"#),
            (r#"{"y":5}"#, r#"{"y":5}"#),
        ];
        becomes(backend, vec![rename("x", "y")], &documents).await;
        let before = format!("{{\"o\":{{\"x\":{value}}}}}");
        let after = format!("{{\"o\":{{}},\"p\":{{\"q\":{{\"y\":{value}}}}}}}");
        let documents = [
            (&*before, &*after),
            (r#"{"o":5}"#, r#"{"o":5}"#),
            (r#"{"o":[{"x":1}]}"#, r#"{"o":[{"x":1}]}"#),
            (r#"{"o":null,"p":1}"#, r#"{"o":null,"p":1}"#),
        ];
        becomes(backend, vec![rename("o.x", "p.q.y")], &documents).await;
    }
    // Beside itself, up and down.
    let documents = [(r#"{"o":{"x":1,"y":2}}"#, r#"{"o":{"z":1,"y":2}}"#)];
    becomes(backend, vec![rename("o.x", "o.z")], &documents).await;
    let documents = [(r#"{"o":{"x":1},"p":2}"#, r#"{"o":{},"p":1}"#)];
    becomes(backend, vec![rename("o.x", "p")], &documents).await;
    let documents = [(r#"{"x":1,"o":null}"#, r#"{"o":{"x":1}}"#)];
    becomes(backend, vec![rename("x", "o.x")], &documents).await;
    let swap = vec![rename("x", "t"), rename("y", "x"), rename("t", "y")];
    let documents = [
        (r#"{"x":1,"y":2}"#, r#"{"x":2,"y":1}"#),
        (r#"{"x":1}"#, r#"{"y":1}"#),
        ("{}", "{}"),
    ];
    becomes(backend, swap, &documents).await;
    let error = fails(
        backend,
        vec![rename("x", "o.y")],
        &[r#"{"o":1}"#, r#"{"x":1,"o":"text"}"#],
    )
    .await;
    let expected = "the field `o.y` cannot be set, because `o` holds text: items/b";
    assert_eq!(error.to_string(), expected);
}

async fn parents_are_made_where_something_is_put(backend: &dyn Backend) {
    let changes: Vec<(Change, &str)> = vec![
        (inc("o.p.x", "1"), "1"),
        (mul("o.p.x", "2"), "0"),
        (min("o.p.x", "\"a\""), "\"a\""),
        (max("o.p.x", "true"), "true"),
        (push("o.p.x", "[]"), "[[]]"),
        (add_to_set("o.p.x", "null"), "[null]"),
        (rename("from", "o.p.x"), "[5]"),
    ];
    for (change, value) in changes {
        let after = format!("{{\"o\":{{\"p\":{{\"x\":{value}}}}}}}");
        let beside = format!("{{\"o\":{{\"p\":{{\"x\":{value}}},\"q\":1}}}}");
        let documents = [
            (r#"{"from":[5]}"#, &*after),
            (r#"{"from":[5],"o":null}"#, &*after),
            (r#"{"from":[5],"o":{}}"#, &*after),
            (r#"{"from":[5],"o":{"p":null,"q":1}}"#, &*beside),
        ];
        let changes = vec![change, unset("from")];
        becomes(backend, changes, &documents).await;
    }
    for change in [pull("o.p.x", "1"), pop_first("o.p.x"), pop_last("o.p.x")] {
        for document in [
            "{}",
            r#"{"o":null}"#,
            r#"{"o":{}}"#,
            r#"{"o":{"p":null}}"#,
            r#"{"o":1}"#,
            r#"{"o":[{"p":{"x":[1]}}]}"#,
            r#"{"o":{"p":"text"}}"#,
        ] {
            becomes(backend, vec![change.clone()], &[(document, document)]).await;
        }
    }
}

async fn a_wrong_type_fails_the_patch(backend: &dyn Backend) {
    type Of = (fn(&str) -> Change, FieldKind);
    let operators: [Of; 11] = [
        (|at| inc(at, "1"), FieldKind::Number),
        (|at| inc(at, "0.5"), FieldKind::Number),
        (|at| mul(at, "1"), FieldKind::Number),
        (|at| min(at, "1"), FieldKind::Number),
        (|at| max(at, "\"b\""), FieldKind::Text),
        (|at| min(at, "true"), FieldKind::Bool),
        (|at| push(at, "1"), FieldKind::Array),
        (|at| add_to_set(at, "1"), FieldKind::Array),
        (|at| pull(at, "1"), FieldKind::Array),
        (pop_first, FieldKind::Array),
        (pop_last, FieldKind::Array),
    ];
    let values = [
        ("\"1\"", FieldKind::Text, "text"),
        ("1", FieldKind::Number, "a number"),
        ("0.5", FieldKind::Number, "a number"),
        ("true", FieldKind::Bool, "a bool"),
        ("[1]", FieldKind::Array, "an array"),
        ("{}", FieldKind::Object, "an object"),
    ];
    for (operator, needed) in operators {
        let words = match needed {
            FieldKind::Text => "text",
            FieldKind::Number => "a number",
            FieldKind::Bool => "a bool",
            FieldKind::Array => "an array",
            FieldKind::Object | FieldKind::Any => "another value",
        };
        for (value, kind, holds) in values {
            if kind == needed {
                continue;
            }
            let wrong = format!("{{\"o\":{{\"x y\":{value}}}}}");
            let changes = vec![set("z", "1"), operator("o.x y"), set("w", "2")];
            let error = fails(backend, changes, &["{}", r#"{"o":null}"#, &wrong]).await;
            let expected = format!(
                "the field `o.\"x y\"` holds {holds}, but the change needs {words}: items/c"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
    // A row that the query leaves out fails nothing.
    given_again(backend, &[r#"{"x":1}"#, r#"{"x":"1"}"#]).await;
    let numbers = filtered(ge(field("x"), literal("0")));
    let counted = update(backend, &numbers, vec![inc("x", "1")]).await;
    assert_eq!(counted.unwrap(), 1);
    assert_eq!(stored(backend, "a", "x").await, Value::Int(2));
}

async fn given_again(backend: &dyn Backend, documents: &[&str]) {
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, documents).await;
}

async fn a_number_out_of_range_fails_the_patch(backend: &dyn Backend) {
    for (value, change) in [
        ("9223372036854775807", inc("x", "1")),
        ("-9223372036854775808", inc("x", "-1")),
        ("1e308", inc("x", "1e308")),
        ("3037000500", mul("x", "3037000500")),
        ("1e200", mul("x", "1e200")),
        ("1e-200", mul("x", "1e-200")),
    ] {
        let document = format!("{{\"x\":{value}}}");
        given_again(backend, &[r#"{"x":1}"#, &document]).await;
        let before = rows(backend, &Query::new(ITEMS)).await;
        let changes = vec![set("y", "1"), change];
        let error = update(backend, &Query::new(ITEMS), changes)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfRange, "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
    }
}

async fn a_wrong_parent_fails_every_operator_that_puts(backend: &dyn Backend) {
    for change in [
        inc("o.p.x", "1"),
        mul("o.p.x", "1"),
        min("o.p.x", "1"),
        max("o.p.x", "1"),
        push("o.p.x", "1"),
        add_to_set("o.p.x", "1"),
    ] {
        for (value, holds) in [("5", "a number"), ("\"{}\"", "text"), ("[1]", "an array")] {
            let shallow = format!("{{\"o\":{value}}}");
            let error = fails(backend, vec![change.clone()], &["{}", &shallow]).await;
            let expected =
                format!("the field `o.p.x` cannot be set, because `o` holds {holds}: items/b");
            assert_eq!(error.to_string(), expected);
            let deep = format!("{{\"o\":{{\"p\":{value}}}}}");
            let error = fails(backend, vec![change.clone()], &["{}", &deep]).await;
            let expected =
                format!("the field `o.p.x` cannot be set, because `o.p` holds {holds}: items/b");
            assert_eq!(error.to_string(), expected);
        }
    }
}
