//! Operators of a patch together, what they compute, and what is refused before.

use crate::{
    ArithmeticOp::{Add, Mul},
    Backend, Capabilities, Change, ErrorKind, FieldKind, Function, Patch, Query, Value,
    conformance::{
        operators::told_apart,
        patches::{becomes, fails},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(operators_see_the_changes_before: Patches),
    case!(a_changed_value_may_be_of_another_type_later: Patches),
    case!(computed_values_are_put: Patches, Expressions),
    case!(computed_values_come_from_the_row_as_it_was: Patches, Expressions),
    case!(segments_that_are_numbers_are_keys: Patches),
    case!(odd_keys_and_values_in_operators: Patches),
    case!(operators_are_checked: Patches),
    case!(many_operators_are_one_patch: Patches),
];

async fn operators_see_the_changes_before(backend: &dyn Backend) {
    let counted = vec![
        inc("x", "1"),
        mul("x", "10"),
        inc("x", "0.5"),
        min("x", "40"),
    ];
    let documents = [
        ("{}", r#"{"x":10.5}"#),
        (r#"{"x":1}"#, r#"{"x":20.5}"#),
        (r#"{"x":7}"#, r#"{"x":40}"#),
    ];
    becomes(backend, counted, &documents).await;
    let listed = vec![
        push("x", "1"),
        push("x", "2"),
        add_to_set("x", "1"),
        pop_first("x"),
        add_to_set("x", "1"),
        pull("x", "2"),
        push("x", "[3]"),
        pop_last("x"),
    ];
    let documents = [
        ("{}", r#"{"x":[1]}"#),
        (r#"{"x":[2,5]}"#, r#"{"x":[5,1]}"#),
        (r#"{"x":[5,1]}"#, r#"{"x":[1,1]}"#),
    ];
    becomes(backend, listed, &documents).await;
    let moved = vec![
        inc("x", "1"),
        rename("x", "o.y"),
        inc("o.y", "1"),
        inc("x", "5"),
        unset("w"),
        push("w", "1"),
        rename("o", "p"),
        set("o.y", "0"),
        inc("o.y", "2"),
    ];
    let documents = [
        ("{}", r#"{"o":{"y":2},"p":{"y":2},"w":[1],"x":5}"#),
        (
            r#"{"x":7,"o":{"z":1},"w":"text"}"#,
            r#"{"o":{"y":2},"p":{"y":9,"z":1},"w":[1],"x":5}"#,
        ),
    ];
    becomes(backend, moved, &documents).await;
    let within = vec![
        set("o", r#"{"p":{"x":[1]}}"#),
        push("o.p.x", "2"),
        inc("o.n", "1"),
        unset("o.p.y"),
    ];
    let documents = [("{}", r#"{"o":{"n":1,"p":{"x":[1,2]}}}"#)];
    becomes(backend, within, &documents).await;
    let replaced = vec![inc("o.n", "1"), set("o", "1"), inc("o", "1")];
    becomes(backend, replaced, &[(r#"{"o":{}}"#, r#"{"o":2}"#)]).await;
}

async fn a_changed_value_may_be_of_another_type_later(backend: &dyn Backend) {
    let documents = [r#"{"x":1}"#];
    let changes = vec![set("x", "\"text\""), inc("x", "1")];
    let error = fails(backend, changes, &documents).await;
    let expected = "the field `x` holds text, but the change needs a number: items/a";
    assert_eq!(error.to_string(), expected);
    let changes = vec![inc("x", "1"), push("x", "1")];
    let error = fails(backend, changes, &documents).await;
    let expected = "the field `x` holds a number, but the change needs an array: items/a";
    assert_eq!(error.to_string(), expected);
    let changes = vec![inc("x", "1"), set("x.y", "1")];
    let error = fails(backend, changes, &documents).await;
    let expected = "the field `x.y` cannot be set, because `x` holds a number: items/a";
    assert_eq!(error.to_string(), expected);
    // The wrong type is gone before it matters.
    let changes = vec![unset("x"), push("x", "1"), set("y", "null"), inc("y", "1")];
    let documents = [(r#"{"x":1,"y":"text"}"#, r#"{"x":[1],"y":1}"#)];
    becomes(backend, changes, &documents).await;
}

async fn computed_values_are_put(backend: &dyn Backend) {
    let worth = arithmetic(Mul, field("p"), field("n"));
    let documents = [
        (
            r#"{"p":2,"n":3}"#,
            r#"{"p":2,"n":3,"o":{"worth":6,"of":2,"name":null}}"#,
        ),
        (
            r#"{"p":2.5,"n":3,"name":"É"}"#,
            r#"{"p":2.5,"n":3,"name":"É","o":{"worth":7.5,"of":2.5,"name":"É!"}}"#,
        ),
        (
            r#"{"p":"2","n":3,"o":{"of":1,"more":true}}"#,
            r#"{"p":"2","n":3,"o":{"worth":null,"of":"2","more":true,"name":null}}"#,
        ),
        (
            r#"{"p":{"y":[1.0,null]},"o":null}"#,
            r#"{"p":{"y":[1.0,null]},"o":{"worth":null,"of":{"y":[1.0,null]},"name":null}}"#,
        ),
        ("{}", r#"{"o":{"worth":null,"of":null,"name":null}}"#),
    ];
    let shout = call(Function::Concat, vec![field("name"), literal("\"!\"")]);
    let changes = vec![
        set_expr("o.worth", worth),
        set_expr("o.of", field("p")),
        set_expr("o.name", shout),
    ];
    becomes(backend, changes, &documents).await;
    told_apart(backend, &documents).await;
    let changes = vec![set_expr("o.x", field("p"))];
    let error = fails(backend, changes, &["{}", r#"{"o":[]}"#]).await;
    let expected = "the field `o.x` cannot be set, because `o` holds an array: items/b";
    assert_eq!(error.to_string(), expected);
}

async fn computed_values_come_from_the_row_as_it_was(backend: &dyn Backend) {
    let next = || arithmetic(Add, field("x"), literal("1"));
    let changes = vec![
        inc("x", "10"),
        set_expr("y", next()),
        unset("x"),
        set_expr("z", next()),
        inc("z", "100"),
        set_expr("w.v", field("x")),
        set_expr("x", field("y")),
    ];
    let documents = [
        (
            r#"{"x":1,"y":"before"}"#,
            r#"{"x":"before","y":2,"z":102,"w":{"v":1}}"#,
        ),
        (r#"{"x":2}"#, r#"{"x":null,"y":3,"z":103,"w":{"v":2}}"#),
    ];
    becomes(backend, changes, &documents).await;
    // Two fields change places.
    let swap = vec![set_expr("x", field("y")), set_expr("y", field("x"))];
    let documents = [(r#"{"x":[1],"y":"two"}"#, r#"{"x":"two","y":[1]}"#)];
    becomes(backend, swap, &documents).await;
    let nested = vec![
        set("o", r#"{"n":1}"#),
        set_expr("o.before", field("o")),
        inc("o.n", "1"),
    ];
    let documents = [(r#"{"o":{"n":5}}"#, r#"{"o":{"n":2,"before":{"n":5}}}"#)];
    becomes(backend, nested, &documents).await;
}

async fn segments_that_are_numbers_are_keys(backend: &dyn Backend) {
    let documents = [
        ("{}", r#"{"o":{"0":{"1":2}}}"#),
        (r#"{"o":{"0":{"1":5}}}"#, r#"{"o":{"0":{"1":7}}}"#),
    ];
    becomes(backend, vec![inc("o.0.1", "2")], &documents).await;
    fails(backend, vec![inc("o.0", "1")], &[r#"{"o":[5]}"#]).await;
    fails(backend, vec![push("o.0", "1")], &[r#"{"o":[[5]]}"#]).await;
    for change in [pull("o.0", "5"), pop_first("o.0"), rename("o.0", "p")] {
        let document = r#"{"o":[[5]]}"#;
        becomes(backend, vec![change], &[(document, document)]).await;
    }
}

async fn odd_keys_and_values_in_operators(backend: &dyn Backend) {
    for text in [
        "'", "''", "\"", "\\", "$1", "?1", "%s", "{}", "é😀", "--", "a b", "#>>", "$.x", "[0]",
    ] {
        let at = || crate::FieldPath::from_segments([text, text]).unwrap();
        let value = Value::from(text);
        let changes = vec![
            Change::Inc {
                path: at(),
                by: Value::Int(1),
            },
            Change::Rename {
                from: at(),
                to: path("n"),
            },
            Change::AddToSet {
                path: at(),
                value: value.clone(),
            },
            Change::Push {
                path: at(),
                value: Value::Int(2),
            },
            Change::Max {
                path: path("t"),
                value: value.clone(),
            },
            Change::Push {
                path: path("gone"),
                value: value.clone(),
            },
            Change::Pull {
                path: path("gone"),
                value: value.clone(),
            },
        ];
        let after = format!(r#"{{{value}:{{{value}:[{value},2]}},"n":1,"t":{value},"gone":[]}}"#);
        let one = format!(r#"{{{value}:{{{value}:4}},"t":""}}"#);
        let second = format!(r#"{{{value}:{{{value}:[{value},2]}},"n":5,"t":{value},"gone":[]}}"#);
        becomes(backend, changes, &[("{}", &after), (&one, &second)]).await;
        let wrong = format!(r#"{{{value}:{{{value}:{value}}}}}"#);
        let change = Change::PopLast { path: at() };
        let error = fails(backend, vec![change], &[&wrong]).await;
        let expected = crate::Error::field_holds(&at(), FieldKind::Text, FieldKind::Array);
        let expected = expected.with_collection(ITEMS).with_id("a");
        assert_eq!(error.to_string(), expected.to_string());
    }
}

async fn operators_are_checked(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let refused = |change: Change, kind: ErrorKind| {
        let error = Patch::new(vec![change.clone()]).check(Capabilities::all());
        assert_eq!(kind_of(error), kind, "{change:?}");
    };
    for change in [
        inc("x", "\"1\""),
        inc("x", "null"),
        mul("x", "true"),
        min("x", "null"),
        max("x", "[1]"),
        min("x", "{}"),
        inc("_id", "1"),
        push("_id", "1"),
        rename("_id", "x"),
        rename("x", "_id"),
        rename("x", "x"),
        rename("x", "x.y"),
        rename("x.y", "x"),
        set_expr("_id", field("x")),
        set_expr("x", element()),
        set_expr("x", linked(field("x"), ITEMS, crate::Expr::always())),
        set_expr("x", coalesce(vec![])),
    ] {
        refused(change, ErrorKind::InvalidQuery);
    }
    let nan = || Value::Float(f64::NAN);
    for change in [
        Change::Inc {
            path: path("x"),
            by: nan(),
        },
        Change::Max {
            path: path("x"),
            value: nan(),
        },
        push("x", "\"a\\u0000\""),
        add_to_set("x", "[\"a\\u0000\"]"),
        pull("x", "{\"a\\u0000\":1}"),
        min("x", "\"\\u0000\""),
    ] {
        refused(change, ErrorKind::InvalidDocument);
    }
    let too_large = arithmetic(Add, literal("9223372036854775807"), literal("1"));
    refused(set_expr("x", too_large), ErrorKind::OutOfRange);
}

async fn many_operators_are_one_patch(backend: &dyn Backend) {
    let changes = (0..300)
        .flat_map(|it| {
            [
                inc(&format!("n{it}"), &it.to_string()),
                push("all", &it.to_string()),
                add_to_set(&format!("o.p{it}"), "1"),
            ]
        })
        .collect();
    given(backend, &[r#"{"n7":3}"#, "{}"]).await;
    let changed = update(backend, &Query::new(ITEMS), changes).await;
    assert_eq!(changed.unwrap(), 2);
    let document = parsed(&get(backend, "a").await.unwrap());
    let at = |text: &str| document.at(path(text).segments());
    assert_eq!(at("n7"), Some(&Value::Int(10)));
    assert_eq!(at("n299"), Some(&Value::Int(299)));
    assert_eq!(at("all.299"), Some(&Value::Int(299)));
    assert_eq!(at("all.300"), None);
    assert_eq!(at("o.p299.0"), Some(&Value::Int(1)));
}
