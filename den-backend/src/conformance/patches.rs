//! What a patch makes of a document.

use crate::{Backend, Change, Error, ErrorKind, Query, Value, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(set_replaces_whatever_was_there: Patches),
    case!(set_puts_every_kind_of_value: Patches),
    case!(set_makes_missing_and_null_parents: Patches),
    case!(set_keeps_what_lies_beside: Patches),
    case!(a_parent_that_is_no_object_is_an_error: Patches),
    case!(one_wrong_parent_fails_all_rows: Patches),
    case!(unset_takes_a_key_away: Patches),
    case!(unset_below_what_is_no_object_does_nothing: Patches),
    case!(each_change_sees_the_ones_before: Patches),
    case!(a_parent_set_by_the_patch_itself_counts: Patches),
    case!(number_segments_are_keys: Patches),
    case!(odd_keys_are_taken_literally: Patches),
    case!(odd_texts_are_put_as_they_are: Patches),
    case!(numbers_stay_exact: Patches),
    case!(many_changes_are_one_patch: Patches),
    case!(deep_places_are_changed: Patches),
    case!(large_values_are_put: Patches),
];

/// Each value of another kind.
pub(super) const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "1.5",
    "\"\"",
    "\"text\"",
    "[]",
    "[1,[2]]",
    "{}",
    r#"{"y":{"z":1}}"#,
];

/// Checks what the patch makes of each of these documents, all changed at once.
pub(super) async fn becomes(
    backend: &dyn Backend,
    changes: Vec<Change>,
    documents: &[(&str, &str)],
) {
    backend.drop_collection(ITEMS).await.unwrap();
    let before: Vec<&str> = documents.iter().map(|it| it.0).collect();
    given(backend, &before).await;
    let changed = update(backend, &Query::new(ITEMS), changes.clone()).await;
    let all = u64::try_from(documents.len()).unwrap();
    assert_eq!(changed.unwrap(), all, "{changes:?}");
    for (id, (before, after)) in ('a'..='z').map(String::from).zip(documents) {
        let found = parsed(&get(backend, &id).await.unwrap());
        assert_eq!(found, json(&body(&id, after)), "{before} by {changes:?}");
    }
}

/// Checks that the patch fails at the last of these documents, and that nothing is changed.
pub(super) async fn fails(
    backend: &dyn Backend,
    changes: Vec<Change>,
    documents: &[&str],
) -> Error {
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, documents).await;
    let changed = update(backend, &Query::new(ITEMS), changes).await;
    let error = changed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDocument, "{error:?}");
    assert_eq!(error.collection(), Some(ITEMS), "{error:?}");
    let mut last = None;
    for (id, before) in ('a'..='z').map(String::from).zip(documents) {
        let found = parsed(&get(backend, &id).await.unwrap());
        assert_eq!(found, json(&body(&id, before)));
        last = Some(id);
    }
    assert_eq!(error.id(), last.as_deref(), "{error:?}");
    assert!(!error.is_retryable());
    error
}

async fn set_replaces_whatever_was_there(backend: &dyn Backend) {
    let before: Vec<String> = VALUES
        .iter()
        .map(|it| format!("{{\"w\":0,\"x\":{it},\"z\":[2]}}"))
        .collect();
    let after = r#"{"w":0,"x":"new","z":[2]}"#;
    let mut documents: Vec<(&str, &str)> = before.iter().map(|it| (&**it, after)).collect();
    documents.push((r#"{"w":0,"z":[2]}"#, after));
    becomes(backend, vec![set("x", "\"new\"")], &documents).await;
}

async fn set_puts_every_kind_of_value(backend: &dyn Backend) {
    for value in VALUES {
        let after = format!("{{\"x\":{value},\"y\":1}}");
        let documents = [(r#"{"y":1}"#, &*after), (r#"{"x":5,"y":1}"#, &*after)];
        becomes(backend, vec![set("x", value)], &documents).await;
        let after = format!("{{\"o\":{{\"x\":{value}}}}}");
        let documents = [("{}", &*after), (r#"{"o":{"x":{}}}"#, &*after)];
        becomes(backend, vec![set("o.x", value)], &documents).await;
    }
}

async fn set_makes_missing_and_null_parents(backend: &dyn Backend) {
    let documents = [
        ("{}", r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":null}"#, r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":{}}"#, r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":{"p":null}}"#, r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":{"p":{}}}"#, r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":{"p":{"x":[2]}}}"#, r#"{"o":{"p":{"x":1}}}"#),
        (r#"{"o":{"q":2}}"#, r#"{"o":{"p":{"x":1},"q":2}}"#),
    ];
    becomes(backend, vec![set("o.p.x", "1")], &documents).await;
    let deep = [("{}", r#"{"a":{"b":{"c":{"d":{"e":{"f":[]}}}}}}"#)];
    becomes(backend, vec![set("a.b.c.d.e.f", "[]")], &deep).await;
}

async fn set_keeps_what_lies_beside(backend: &dyn Backend) {
    let documents = [(
        r#"{"n":null,"o":{"p":{"y":null,"x":0},"q":[1,{"x":2}]},"z":{}}"#,
        r#"{"n":null,"o":{"p":{"y":null,"x":1},"q":[1,{"x":2}]},"z":{}}"#,
    )];
    becomes(backend, vec![set("o.p.x", "1")], &documents).await;
}

async fn a_parent_that_is_no_object_is_an_error(backend: &dyn Backend) {
    for (parent, holds) in [
        ("0", "a number"),
        ("-1.5", "a number"),
        ("true", "a bool"),
        ("false", "a bool"),
        ("\"\"", "text"),
        (r#""{\"x\":1}""#, "text"),
        ("[]", "an array"),
        (r#"[{"x":1}]"#, "an array"),
    ] {
        let shallow = format!("{{\"o\":{parent}}}");
        let error = fails(backend, vec![set("o.x", "1")], &[&shallow]).await;
        let expected = format!("the field `o.x` cannot be set, because `o` holds {holds}: items/a");
        assert_eq!(error.to_string(), expected);
        let deep = format!("{{\"o\":{{\"p q\":{parent}}}}}");
        let at = crate::FieldPath::from_segments(["o", "p q", "r", "x"]).unwrap();
        let change = Change::Set {
            path: at,
            value: Value::Null,
        };
        let error = fails(backend, vec![change], &[&deep]).await;
        let expected = format!(
            "the field `o.\"p q\".r.x` cannot be set, because `o.\"p q\"` holds {holds}: items/a"
        );
        assert_eq!(error.to_string(), expected);
    }
    // An index of an array is no key of it.
    fails(backend, vec![set("o.0", "1")], &[r#"{"o":[5]}"#]).await;
}

async fn one_wrong_parent_fails_all_rows(backend: &dyn Backend) {
    let changes = || vec![set("y", "2"), set("o.x", "1"), unset("z")];
    let documents = [r#"{"z":1}"#, r#"{"o":null}"#, r#"{"o":{}}"#, r#"{"o":1}"#];
    fails(backend, changes(), &documents).await;
    // A row that the query leaves out fails nothing.
    let query = filtered(eq(field("o"), literal("1")).not());
    assert_eq!(update(backend, &query, changes()).await.unwrap(), 3);
    assert_eq!(stored(backend, "a", "y").await, Value::Int(2));
    assert_eq!(stored(backend, "d", "y").await, Value::Null);
}

async fn unset_takes_a_key_away(backend: &dyn Backend) {
    let before: Vec<String> = VALUES
        .iter()
        .map(|it| format!("{{\"w\":0,\"x\":{it}}}"))
        .collect();
    let after = r#"{"w":0}"#;
    let mut documents: Vec<(&str, &str)> = before.iter().map(|it| (&**it, after)).collect();
    documents.push((after, after));
    becomes(backend, vec![unset("x")], &documents).await;
    let documents = [
        (r#"{"o":{"x":1}}"#, r#"{"o":{}}"#),
        (r#"{"o":{"x":null,"y":2}}"#, r#"{"o":{"y":2}}"#),
        (r#"{"o":{"y":2},"x":3}"#, r#"{"o":{"y":2},"x":3}"#),
    ];
    becomes(backend, vec![unset("o.x")], &documents).await;
}

async fn unset_below_what_is_no_object_does_nothing(backend: &dyn Backend) {
    let before: Vec<String> = VALUES
        .iter()
        .filter(|it| !it.starts_with('{'))
        .map(|it| format!("{{\"o\":{it}}}"))
        .collect();
    let same: Vec<(&str, &str)> = before.iter().map(|it| (&**it, &**it)).collect();
    becomes(backend, vec![unset("o.x")], &same).await;
    becomes(backend, vec![unset("o.x.y.z")], &same).await;
    becomes(backend, vec![unset("o.0")], &same).await;
    let missing = [("{}", "{}"), (r#"{"o":{"p":1}}"#, r#"{"o":{"p":1}}"#)];
    becomes(backend, vec![unset("o.x.y")], &missing).await;
    becomes(backend, vec![unset("o.p.y")], &missing).await;
}

async fn each_change_sees_the_ones_before(backend: &dyn Backend) {
    let documents = [("{}", r#"{"x":2}"#), (r#"{"x":[5]}"#, r#"{"x":2}"#)];
    becomes(backend, vec![set("x", "1"), set("x", "2")], &documents).await;
    let documents = [("{}", "{}"), (r#"{"x":5}"#, "{}")];
    becomes(backend, vec![set("x", "1"), unset("x")], &documents).await;
    let documents = [("{}", r#"{"x":1}"#), (r#"{"x":5}"#, r#"{"x":1}"#)];
    becomes(backend, vec![unset("x"), set("x", "1")], &documents).await;
    let documents = [
        ("{}", r#"{"o":{"x":1}}"#),
        (r#"{"o":5}"#, r#"{"o":{"x":1}}"#),
        (r#"{"o":[5]}"#, r#"{"o":{"x":1}}"#),
        (r#"{"o":{"y":1}}"#, r#"{"o":{"x":1}}"#),
    ];
    // What stood in the way is gone.
    becomes(backend, vec![unset("o"), set("o.x", "1")], &documents).await;
    becomes(backend, vec![set("o", "null"), set("o.x", "1")], &documents).await;
    becomes(backend, vec![set("o", "{}"), set("o.x", "1")], &documents).await;
    let changes = vec![set("o", r#"{"x":1,"y":2}"#), unset("o.y")];
    becomes(backend, changes, &documents).await;
    let documents = [
        ("{}", r#"{"o":{}}"#),
        (r#"{"o":null}"#, r#"{"o":{}}"#),
        (r#"{"o":{"y":1}}"#, r#"{"o":{"y":1}}"#),
    ];
    // The parent that was made stays.
    becomes(backend, vec![set("o.x", "1"), unset("o.x")], &documents).await;
    let documents = [("{}", r#"{"x":9}"#), (r#"{"o":{"y":1}}"#, r#"{"x":9}"#)];
    let changes = vec![set("o.x.z", "1"), unset("o"), set("x", "9")];
    becomes(backend, changes, &documents).await;
}

async fn a_parent_set_by_the_patch_itself_counts(backend: &dyn Backend) {
    for value in ["1", "\"text\"", "false", "[]", "[{}]"] {
        let changes = vec![set("o", value), set("o.x", "1")];
        fails(backend, changes, &["{}"]).await;
        let changes = vec![set("o.p", value), set("o.p.q.x", "1"), unset("o")];
        fails(backend, changes, &[r#"{"o":{"p":{}}}"#]).await;
    }
    // What stood in the way of an earlier change fails it, whatever a later one does.
    let changes = vec![set("o.x", "1"), unset("o")];
    fails(backend, changes, &[r#"{"o":1}"#]).await;
    // Without a row there is nothing to fail at.
    let nothing = filtered(eq(field("x"), literal("\"nowhere\"")));
    let changes = vec![set("o", "1"), set("o.x", "1")];
    assert_eq!(update(backend, &nothing, changes).await.unwrap(), 0);
}

async fn number_segments_are_keys(backend: &dyn Backend) {
    let documents = [
        ("{}", r#"{"o":{"0":1}}"#),
        (r#"{"o":{"0":5,"1":6}}"#, r#"{"o":{"0":1,"1":6}}"#),
        (r#"{"o":{"00":5}}"#, r#"{"o":{"00":5,"0":1}}"#),
    ];
    becomes(backend, vec![set("o.0", "1")], &documents).await;
    becomes(
        backend,
        vec![set("0", "1"), set("-1", "2")],
        &[("{}", r#"{"0":1,"-1":2}"#)],
    )
    .await;
    let documents = [
        (r#"{"o":{"0":5,"1":6}}"#, r#"{"o":{"1":6}}"#),
        (r#"{"o":[5,6]}"#, r#"{"o":[5,6]}"#),
    ];
    becomes(backend, vec![unset("o.0")], &documents).await;
    let documents = [(
        r#"{"o":{"0":{"1":{"2":3}}}}"#,
        r#"{"o":{"0":{"1":{"2":4}}}}"#,
    )];
    becomes(backend, vec![set("o.0.1.2", "4")], &documents).await;
}

async fn odd_keys_are_taken_literally(backend: &dyn Backend) {
    for key in [
        "a.b", "US Gross", "it's", "\"", "a\"b", "\\", "a\\b", "\\\"", "$", "$.x", "[0]", "#",
        "#-1", "*", "**", "%", "?", "$1", ":x", "{", "}", "{}", ",", "a,b", "NULL", "null", "true",
        "é", "😀", "\u{ffff}", "/", "~", "--", "/*", ";", "_rev", "x'y\"z", "toString", "e\u{301}",
    ] {
        let at = |segments: &[&str]| crate::FieldPath::from_segments(segments.to_vec()).unwrap();
        let name = Value::from(key).to_string();
        let put = |segments: &[&str]| Change::Set {
            path: at(segments),
            value: Value::Int(1),
        };
        let after = format!("{{\"x\":0,{name}:1}}");
        let before = format!("{{\"x\":0,{name}:\"old\"}}");
        let documents = [(r#"{"x":0}"#, &*after), (&*before, &*after)];
        becomes(backend, vec![put(&[key])], &documents).await;
        let after = format!("{{\"o\":{{{name}:{{{name}:1}}}}}}");
        let before = format!("{{\"o\":{{{name}:null}}}}");
        let documents = [("{}", &*after), (&*before, &*after)];
        becomes(backend, vec![put(&["o", key, key])], &documents).await;
        let take = |segments: &[&str]| Change::Unset { path: at(segments) };
        let before = format!("{{\"x\":0,{name}:{{\"y\":1,{name}:[]}}}}");
        becomes(backend, vec![take(&[key])], &[(&before, r#"{"x":0}"#)]).await;
        let after = format!("{{\"x\":0,{name}:{{\"y\":1}}}}");
        becomes(backend, vec![take(&[key, key])], &[(&before, &after)]).await;
        let wrong = format!("{{{name}:1}}");
        let error = fails(backend, vec![put(&[key, "x"])], &[&wrong]).await;
        let (parent, field) = (at(&[key]), at(&[key, "x"]));
        let expected = Error::parent_holds(&field, &parent, crate::FieldKind::Number);
        let expected = expected.with_collection(ITEMS).with_id("a");
        assert_eq!(error.to_string(), expected.to_string());
    }
}

async fn odd_texts_are_put_as_they_are(backend: &dyn Backend) {
    for text in [
        "", " ", "'", "''", "\"", "\\", "\\u0000", "\n\t\r", "\u{1}", "\u{7f}", "é😀", "$1", "?1",
        "%s", "null", "1", "{}", "[]", "\u{ffff}",
    ] {
        let value = Value::from(text).to_string();
        let after = format!("{{\"x\":{value},\"y\":[{{\"z\":{value}}}]}}");
        let changes = vec![set("x", &value), set("y", &format!("[{{\"z\":{value}}}]"))];
        becomes(backend, changes, &[("{}", &after)]).await;
        // It is kept where it is, too.
        let before = format!("{{\"o\":{{\"x\":{value}}},\"z\":{value}}}");
        let after = format!("{{\"o\":{{\"x\":{value},\"y\":1}},\"z\":{value}}}");
        becomes(backend, vec![set("o.y", "1")], &[(&before, &after)]).await;
    }
}

async fn numbers_stay_exact(backend: &dyn Backend) {
    let numbers = [
        "0",
        "-1",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "0.1",
        "-2.5e-7",
        "1.0",
        "1234567890123456768.0",
        "1e300",
        "5e-324",
        "1.7976931348623157e308",
    ];
    let all = format!("[{}]", numbers.join(","));
    let before = format!("{{\"kept\":{all},\"o\":{{\"kept\":{all}}}}}");
    let after = format!("{{\"kept\":{all},\"o\":{{\"kept\":{all},\"x\":{all}}}}}");
    becomes(backend, vec![set("o.x", &all)], &[(&before, &after)]).await;
    for number in numbers {
        let after = format!("{{\"x\":{number}}}");
        becomes(backend, vec![set("x", number)], &[("{}", &after)]).await;
        let query = filtered(eq(field("x"), literal(number)));
        assert_eq!(backend.count(&query).await.unwrap(), 1, "{number}");
    }
}

async fn many_changes_are_one_patch(backend: &dyn Backend) {
    let changes = (0..1500)
        .map(|it| match it % 3 {
            0 => set(&format!("k{it}"), &it.to_string()),
            1 => set(&format!("o.p{it}.q"), &format!("[{it}]")),
            _ => unset(&format!("gone{it}")),
        })
        .collect();
    given(backend, &[r#"{"gone2":1,"gone3":1}"#, "{}"]).await;
    let changed = update(backend, &Query::new(ITEMS), changes).await;
    assert_eq!(changed.unwrap(), 2);
    let document = parsed(&get(backend, "a").await.unwrap());
    let at = |text: &str| document.at(path(text).segments());
    assert_eq!(at("k1497"), Some(&Value::Int(1497)));
    assert_eq!(at("o.p1498.q.0"), Some(&Value::Int(1498)));
    assert_eq!(at("gone2"), None);
    assert_eq!(at("gone3"), Some(&Value::Int(1)));
}

async fn deep_places_are_changed(backend: &dyn Backend) {
    for depth in [20, 60, 100] {
        let at = vec!["k"; depth].join(".");
        let nested = |innermost: &str| {
            let (open, close) = ("{\"k\":".repeat(depth), "}".repeat(depth));
            format!("{open}{innermost}{close}")
        };
        let (one, two) = (nested("1"), nested("2"));
        let documents = [("{}", &*one), (r#"{"k":null}"#, &*one), (&*two, &*one)];
        becomes(backend, vec![set(&at, "1")], &documents).await;
        let beside = nested(r#"{"x":1,"y":2}"#);
        let left = nested(r#"{"x":1}"#);
        let documents = [("{}", "{}"), (&*one, &*one), (&*beside, &*left)];
        becomes(backend, vec![unset(&format!("{at}.y"))], &documents).await;
        fails(backend, vec![set(&format!("{at}.x"), "1")], &["{}", &one]).await;
    }
}

async fn large_values_are_put(backend: &dyn Backend) {
    let text = "é'\\\"😀 ".repeat(100_000);
    let value = Value::from(text.as_str()).to_string();
    let after = format!("{{\"x\":{{\"y\":[{value}]}}}}");
    let documents = [("{}", &*after), (&*after, &*after)];
    becomes(backend, vec![set("x.y", &format!("[{value}]"))], &documents).await;
}
