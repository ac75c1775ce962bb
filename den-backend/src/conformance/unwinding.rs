//! Rows for the elements of arrays, and rows that differ.

use crate::{
    ArithmeticOp::Mul,
    Backend, Capabilities, Capability, ErrorKind, Expr,
    FieldKind::{Any, Bool, Number, Text},
    Function, LockMode, Query, Seek, Select, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(a_row_for_each_element: Groups, Expressions),
    case!(what_is_no_array_has_no_rows: Groups, Expressions),
    case!(elements_are_filtered: Groups, Expressions),
    case!(fields_of_elements_are_selected: Groups, Expressions),
    case!(elements_are_counted: Groups),
    case!(a_window_of_elements: Groups, Expressions),
    case!(elements_of_nested_arrays: Groups, Expressions),
    case!(unwinding_has_rules: Groups, Expressions),
    case!(the_first_of_each_value: Groups),
    case!(a_typed_key_makes_other_kinds_the_same: Groups),
    case!(several_values_together_differ: Groups),
    case!(arrays_and_objects_differ_by_structure: Groups),
    case!(computed_values_differ: Groups, Expressions),
    case!(the_order_says_which_is_first: Groups),
    case!(a_window_of_what_differs: Groups),
    case!(a_position_among_what_differs: Groups),
    case!(what_differs_is_counted: Groups),
    case!(distinct_rows_of_values: Groups, Expressions),
    case!(what_is_first_is_deleted: Groups),
];

/// The rows, in no order.
async fn unordered(backend: &dyn Backend, query: &Query) -> Vec<String> {
    let mut found = selections(backend, query).await;
    found.sort_unstable();
    found
}

async fn a_row_for_each_element(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":["p","q","p"],"n":1}"#,
            r#"{"x":[1,1.0,null,[2],{"y":3},true],"n":2}"#,
        ],
    )
    .await;
    let query = unwound(vec![field("_id"), element(), field("n")]);
    let found = unordered(backend, &query).await;
    assert_eq!(
        found,
        [
            r#"["a","p",1]"#,
            r#"["a","p",1]"#,
            r#"["a","q",1]"#,
            r#"["b",1,2]"#,
            r#"["b",1.0,2]"#,
            r#"["b",[2],2]"#,
            r#"["b",null,2]"#,
            r#"["b",true,2]"#,
            r#"["b",{"y":3},2]"#,
        ]
    );
    let mut of: Vec<String> = rows(backend, &query)
        .await
        .into_iter()
        .map(|it| it.id)
        .collect();
    of.sort_unstable();
    assert_eq!(of, ["a", "a", "a", "b", "b", "b", "b", "b", "b"]);
    let whole = unwound(vec![field("x")]);
    let found = selections(backend, &whole).await;
    assert_eq!(found.len(), 9);
}

async fn what_is_no_array_has_no_rows(backend: &dyn Backend) {
    let documents = [
        "{}",
        r#"{"x":null}"#,
        r#"{"x":[]}"#,
        r#"{"x":"[1]"}"#,
        r#"{"x":{"0":1}}"#,
        r#"{"x":1}"#,
        r#"{"x":[1]}"#,
    ];
    given_arrays(backend, &documents).await;
    for collection in [ITEMS, "items_array"] {
        let query = Query {
            collection: collection.to_owned(),
            ..unwound(vec![field("_id"), element()])
        };
        assert_eq!(selections(backend, &query).await, [r#"["g",1]"#]);
        assert_eq!(backend.count(&query).await.unwrap(), 1);
    }
}

async fn elements_are_filtered(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":["p","q",3],"n":1}"#,
            r#"{"x":["p",null],"n":2}"#,
            r#"{"x":["q",4.5],"n":3}"#,
        ],
    )
    .await;
    let is_p = || eq(element(), literal("\"p\""));
    for (filter, expected) in [
        (is_p(), &[r#"["a","p"]"#, r#"["b","p"]"#][..]),
        (
            is_p().not(),
            &[
                r#"["a","q"]"#,
                r#"["a",3]"#,
                r#"["b",null]"#,
                r#"["c","q"]"#,
                r#"["c",4.5]"#,
            ],
        ),
        (gt(element(), literal("3")), &[r#"["c",4.5]"#]),
        (gt(element(), field("n")), &[r#"["a",3]"#, r#"["c",4.5]"#]),
        (
            ge(field("n"), literal("2")).and(is_null(element()).not()),
            &[r#"["b","p"]"#, r#"["c","q"]"#, r#"["c",4.5]"#],
        ),
        (Expr::never(), &[]),
        (
            contains(field("x"), "\"p\"").and(eq(element(), literal("\"q\""))),
            &[r#"["a","q"]"#],
        ),
    ] {
        let query = Query {
            filter: filter.clone(),
            ..unwound(vec![field("_id"), element()])
        };
        assert_eq!(unordered(backend, &query).await, expected, "{filter:?}");
        let count = backend.count(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap(), "{filter:?}");
        let exists = backend.exists(&query).await.unwrap();
        assert_eq!(exists, count > 0, "{filter:?}");
    }
    if backend.capabilities().has(Capability::ElementPredicates) {
        // The innermost element counts.
        let filter = any_element(field("x"), eq(element(), literal("4.5")));
        let query = Query {
            filter,
            ..unwound(vec![element()])
        };
        assert_eq!(unordered(backend, &query).await, [r#"["q"]"#, "[4.5]"]);
    }
}

async fn fields_of_elements_are_selected(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":[{"p":2,"n":3,"t":{"u":["v"]}},{"p":"2"}],"n":10}"#,
            r#"{"x":[5],"n":20}"#,
        ],
    )
    .await;
    let query = unwound(vec![
        element_field("p"),
        element_field("t.u.0"),
        arithmetic(Mul, element_field("p"), field("n")),
        call(Function::TypeName, vec![element()]),
        is_null(element_field("n")),
    ]);
    let found = unordered(backend, &query).await;
    assert_eq!(
        found,
        [
            r#"["2",null,null,"object",true]"#,
            r#"[2,"v",20,"object",false]"#,
            r#"[null,null,null,"number",true]"#,
        ]
    );
    let filtered = Query {
        filter: gt(
            arithmetic(Mul, element_field("p"), literal("2")),
            literal("3"),
        ),
        ..unwound(vec![element_field("n")])
    };
    assert_eq!(selections(backend, &filtered).await, ["[3]"]);
}

async fn elements_are_counted(backend: &dyn Backend) {
    given(backend, &[r#"{"x":[1,2,3]}"#, r#"{"x":[1]}"#, r#"{"x":1}"#]).await;
    let query = Query {
        unwind: Some(path("x")),
        ..Query::new(ITEMS)
    };
    assert_eq!(backend.count(&query).await.unwrap(), 4);
    let ones = Query {
        filter: eq(element(), literal("1")),
        ..query
    };
    assert_eq!(backend.count(&ones).await.unwrap(), 2);
    assert!(backend.exists(&ones).await.unwrap());
}

async fn a_window_of_elements(backend: &dyn Backend) {
    given(backend, &[r#"{"x":[1,2,3]}"#, r#"{"x":[4,5]}"#]).await;
    for (skip, limit, expected) in [
        (0, Some(2), 2),
        (0, Some(9), 5),
        (4, None, 1),
        (4, Some(2), 1),
        (9, None, 0),
        (0, Some(0), 0),
    ] {
        let query = Query {
            skip,
            limit,
            ..unwound(vec![element()])
        };
        let found = selections(backend, &query).await;
        assert_eq!(found.len(), expected, "{skip} {limit:?}");
    }
}

async fn elements_of_nested_arrays(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"o":{"p q":[[1,2],[3]]}}"#, r#"{"o":[{"p q":[4]}]}"#],
    )
    .await;
    let at = |segments: &[&str]| Query {
        unwind: Some(crate::FieldPath::from_segments(segments.iter().copied()).unwrap()),
        ..selected(vec![element()])
    };
    let found = unordered(backend, &at(&["o", "p q"])).await;
    assert_eq!(found, ["[[1,2]]", "[[3]]"]);
    let found = unordered(backend, &at(&["o", "p q", "0"])).await;
    assert_eq!(found, ["[1]", "[2]"]);
    let found = unordered(backend, &at(&["o", "0", "p q"])).await;
    assert_eq!(found, ["[4]"]);
}

async fn unwinding_has_rules(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let query = || unwound(vec![element()]);
    query().check(Capabilities::all()).unwrap();
    for refused in [
        Query {
            select: Select::Document,
            ..query()
        },
        Query {
            select: Select::Id,
            ..query()
        },
        Query {
            sort: vec![by("x", Any)],
            ..query()
        },
        Query {
            seek: Some(Seek {
                keys: vec![],
                id: "a".into(),
            }),
            ..query()
        },
        Query {
            lock: Some(LockMode::Wait),
            ..query()
        },
        Query {
            distinct_by: vec![field("x")],
            ..query()
        },
        Query {
            unwind: Some(path("_id")),
            ..query()
        },
    ] {
        let checked = refused.check(Capabilities::all());
        assert_eq!(kind_of(checked), ErrorKind::InvalidQuery, "{refused:?}");
    }
}

fn distinct(keys: Vec<Expr>) -> Query {
    Query {
        distinct_by: keys,
        ..Query::new(ITEMS)
    }
}

async fn the_first_of_each_value(backend: &dyn Backend) {
    let values = [
        "1", "\"1\"", "1.0", "null", "-", "true", "\"1\"", "false", "2", "\"a\"", "\"A\"",
    ];
    given_x(backend, &values).await;
    let query = distinct(vec![field("x")]);
    assert_eq!(ids(backend, &query).await, "a b d f h i j k");
    let query = Query {
        filter: gt(field("x"), literal("1")).not(),
        ..query
    };
    assert_eq!(ids(backend, &query).await, "a b d f h j k");
}

async fn a_typed_key_makes_other_kinds_the_same(backend: &dyn Backend) {
    let values = [
        "1", "\"1\"", "1.0", "null", "-", "true", "\"1\"", "false", "2", "[1]",
    ];
    given_x(backend, &values).await;
    for (collection, kind, expected) in [
        ("items_number", Number, "a b i"),
        ("items_text", Text, "a b"),
        ("items_bool", Bool, "a f h"),
    ] {
        for collection in [ITEMS, collection] {
            let query = Query {
                collection: collection.to_owned(),
                ..distinct(vec![typed("x", kind)])
            };
            assert_eq!(
                ids(backend, &query).await,
                expected,
                "{collection} {kind:?}"
            );
        }
    }
}

async fn several_values_together_differ(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1,"y":"a"}"#,
            r#"{"x":1,"y":"b"}"#,
            r#"{"x":1.0,"y":"a"}"#,
            r#"{"x":2,"y":"a"}"#,
            r#"{"y":"a"}"#,
            r#"{"x":null,"y":"a"}"#,
            "{}",
        ],
    )
    .await;
    let both = distinct(vec![field("x"), field("y")]);
    assert_eq!(ids(backend, &both).await, "a b d e g");
    let typed = distinct(vec![typed("x", Number), typed("y", Text)]);
    assert_eq!(ids(backend, &typed).await, "a b d e g");
}

async fn arrays_and_objects_differ_by_structure(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":[1,2]}"#,
            r#"{"x":[1.0,2.0]}"#,
            r#"{"x":[2,1]}"#,
            r#"{"x":{"y":1,"z":2}}"#,
            r#"{"x":{"z":2.0,"y":1}}"#,
            r#"{"x":{"y":1}}"#,
            r#"{"x":[]}"#,
            r#"{"x":{}}"#,
            r#"{"x":"[]"}"#,
        ],
    )
    .await;
    let query = distinct(vec![field("x")]);
    assert_eq!(ids(backend, &query).await, "a c d f g h i");
}

async fn computed_values_differ(backend: &dyn Backend) {
    given_x(backend, &["\"a\"", "\"A\"", "\"b\"", "1", "null", "\"B\""]).await;
    let query = distinct(vec![call(Function::Lower, vec![field("x")])]);
    assert_eq!(ids(backend, &query).await, "a c d");
    let query = distinct(vec![is_null(field("x"))]);
    assert_eq!(ids(backend, &query).await, "a e");
}

async fn the_order_says_which_is_first(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1,"n":1}"#,
            r#"{"x":1,"n":3}"#,
            r#"{"x":2,"n":2}"#,
            r#"{"x":2,"n":2}"#,
            r#"{"n":9}"#,
            r#"{"n":0}"#,
        ],
    )
    .await;
    for (sort, expected) in [
        (vec![], "a c e"),
        (vec![by("n", Number)], "f a c"),
        (vec![by("-n", Number)], "e b c"),
        (vec![by("x", Number), by("-n", Number)], "e b c"),
    ] {
        let query = Query {
            sort: sort.clone(),
            ..distinct(vec![field("x")])
        };
        assert_eq!(ids(backend, &query).await, expected, "{sort:?}");
    }
    let last = distinct(vec![field("x")]).reversed();
    assert_eq!(ids(backend, &last).await, "f d b");
}

async fn a_window_of_what_differs(backend: &dyn Backend) {
    given_x(backend, &["1", "1", "2", "2", "3", "null"]).await;
    for (skip, limit, expected) in [
        (0, Some(2), "a c"),
        (1, Some(2), "c e"),
        (3, None, "f"),
        (4, Some(1), ""),
    ] {
        let query = Query {
            skip,
            limit,
            ..distinct(vec![field("x")])
        };
        assert_eq!(ids(backend, &query).await, expected);
    }
}

async fn a_position_among_what_differs(backend: &dyn Backend) {
    given_x(backend, &["1", "1", "2", "2", "3", "null"]).await;
    let after = |key: &str, id: &str| Query {
        sort: vec![by("-x", Number)],
        seek: Some(Seek {
            keys: vec![json(key)],
            id: id.to_owned(),
        }),
        ..distinct(vec![field("x")])
    };
    // The order is: e c (d) a (b) f.
    assert_eq!(ids(backend, &after("3", "e")).await, "c a f");
    assert_eq!(ids(backend, &after("2", "c")).await, "a f");
    assert_eq!(ids(backend, &after("1", "a")).await, "f");
    let limited = Query {
        limit: Some(1),
        ..after("3", "e")
    };
    assert_eq!(ids(backend, &limited).await, "c");
}

async fn what_differs_is_counted(backend: &dyn Backend) {
    given_x(backend, &["1", "1", "2", "2", "3", "null", "-"]).await;
    let query = Query {
        limit: Some(1),
        ..distinct(vec![field("x")])
    };
    assert_eq!(backend.count(&query).await.unwrap(), 4);
    assert!(backend.exists(&query).await.unwrap());
}

async fn distinct_rows_of_values(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1,"y":"a"}"#,
            r#"{"x":1,"y":"b"}"#,
            r#"{"x":1,"y":"a"}"#,
            "{}",
        ],
    )
    .await;
    let values = || vec![field("x"), field("y")];
    let query = Query {
        distinct_by: values(),
        sort: vec![by("-y", Text)],
        ..selected(values())
    };
    let found = selections(backend, &query).await;
    assert_eq!(found, ["[1,\"b\"]", "[1,\"a\"]", "[null,null]"]);
    let one = Query {
        distinct_by: vec![field("x")],
        select: Select::Value(path("x")),
        ..Query::new(ITEMS)
    };
    let found = selections(backend, &one).await;
    assert_eq!(found, ["1", "null"]);
}

async fn what_is_first_is_deleted(backend: &dyn Backend) {
    given_x(backend, &["1", "1", "2", "2", "3"]).await;
    let query = Query {
        limit: Some(2),
        ..distinct(vec![field("x")])
    };
    if backend.capabilities().has(Capability::Patches) {
        let changes = vec![set("y", "1")];
        assert_eq!(update(backend, &query, changes).await.unwrap(), 2);
        assert_eq!(stored(backend, "c", "y").await, Value::Int(1));
        assert_eq!(stored(backend, "b", "y").await, Value::Null);
    }
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "b d e");
}
