//! Groups: what is equal within one, which are returned, and in which order.

use crate::{
    AggregateFunction::{Avg, Count, Max, Min, Sum},
    ArithmeticOp::Mul,
    Backend, Capabilities, ErrorKind, Expr,
    FieldKind::{Any, Bool, Number, Text},
    Function, Grouping, LockMode, Query, Select, TimeUnit,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(a_group_for_each_value: Groups),
    case!(null_is_a_key_like_any_other: Groups),
    case!(a_typed_key_counts_other_kinds_as_null: Groups),
    case!(numbers_of_one_value_are_one_key: Groups),
    case!(texts_are_told_apart_by_bytes: Groups),
    case!(arrays_and_objects_are_keys: Groups),
    case!(several_keys: Groups),
    case!(keys_without_aggregates: Groups),
    case!(declared_fields_are_grouped_alike: Groups),
    case!(nested_fields_and_the_id_are_keys: Groups),
    case!(computed_keys: Groups, Expressions),
    case!(time_buckets: Groups, Expressions),
    case!(elements_are_grouped: Groups),
    case!(many_groups: Groups),
    case!(odd_keys_of_groups: Groups),
    case!(groups_see_their_transaction: Groups, Transactions),
    case!(groups_of_an_unknown_collection_fail: Groups),
    case!(groupings_have_rules: Groups),
];

/// The number of documents of each value of `x`.
fn counted(kind: crate::FieldKind) -> Grouping {
    Grouping::new(vec![typed("x", kind)], vec![count_all()])
}

async fn given_values(backend: &dyn Backend, values: &[&str]) {
    backend.drop_collection(ITEMS).await.unwrap();
    let documents: Vec<String> = values.iter().map(|it| format!("{{\"x\":{it}}}")).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    given(backend, &documents).await;
}

/// The groups of all documents of `items`.
pub(super) async fn all(backend: &dyn Backend, grouping: &Grouping) -> Vec<String> {
    groups(backend, &Query::new(ITEMS), grouping).await
}

async fn a_group_for_each_value(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":"b","n":1}"#,
            r#"{"x":"a","n":2}"#,
            r#"{"x":"b","n":0.5}"#,
            r#"{"x":"c"}"#,
        ],
    )
    .await;
    let n = || field("n");
    let aggregates = vec![
        count_all(),
        aggregate(Sum, n()),
        aggregate(Min, n()),
        aggregate(Avg, n()),
        aggregate(Count, n()),
    ];
    for kind in [Text, Any] {
        let grouping = Grouping::new(vec![typed("x", kind)], aggregates.clone());
        let found = all(backend, &grouping).await;
        assert_eq!(
            found,
            [
                r#"["a",1,2,2,2.0,1]"#,
                r#"["b",2,1.5,0.5,0.75,2]"#,
                r#"["c",1,0,null,null,0]"#,
            ]
        );
    }
    let some = filtered(gt(field("n"), literal("0.5")));
    let found = groups(backend, &some, &counted(Text)).await;
    assert_eq!(found, [r#"["a",1]"#, r#"["b",1]"#]);
}

async fn null_is_a_key_like_any_other(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"x":null}"#, "{}", r#"{"x":0}"#, r#"{"x":""}"#],
    )
    .await;
    let found = all(backend, &counted(Any)).await;
    assert_eq!(found, ["[null,2]", "[0,1]", "[\"\",1]"]);
    let found = all(backend, &counted(Number)).await;
    assert_eq!(found, ["[null,3]", "[0,1]"]);
}

async fn a_typed_key_counts_other_kinds_as_null(backend: &dyn Backend) {
    let values = ["1", "\"1\"", "true", "[1]", "{}", "null", "\"a\"", "false"];
    given_values(backend, &values).await;
    for (kind, expected) in [
        (Number, &["[null,7]", "[1,1]"][..]),
        (Text, &["[null,6]", "[\"1\",1]", "[\"a\",1]"]),
        (Bool, &["[null,6]", "[false,1]", "[true,1]"]),
    ] {
        assert_eq!(all(backend, &counted(kind)).await, expected, "{kind:?}");
    }
    let found = all(backend, &counted(Any)).await;
    assert_eq!(
        found,
        [
            "[null,1]",
            "[1,1]",
            "[\"1\",1]",
            "[\"a\",1]",
            "[false,1]",
            "[true,1]",
            "[[1],1]",
            "[{},1]",
        ]
    );
}

async fn numbers_of_one_value_are_one_key(backend: &dyn Backend) {
    let values = [
        "1",
        "1.0",
        "9007199254740993",
        "9007199254740992",
        "9007199254740992.0",
        "0",
        "0.0",
        "-0.0",
        "1e300",
        "0.1",
    ];
    given_values(backend, &values).await;
    for kind in [Number, Any] {
        let found = all(backend, &counted(kind)).await;
        // Which of equal numbers is told is not said.
        let found: Vec<crate::Value> = found.iter().map(|it| json(it)).collect();
        let expected = [
            "[0,3]",
            "[0.1,1]",
            "[1,2]",
            "[9007199254740992,2]",
            "[9007199254740993,1]",
            "[1e300,1]",
        ];
        assert_eq!(found, expected.map(json), "{kind:?}");
    }
}

async fn texts_are_told_apart_by_bytes(backend: &dyn Backend) {
    let values = [
        "\"a\"",
        "\"A\"",
        "\"a \"",
        "\"\"",
        "\"é\"",
        "\"e\\u0301\"",
        "\"a\"",
        "\"Z\"",
        "\"😀\"",
        "\"\\uffff\"",
    ];
    given_values(backend, &values).await;
    for kind in [Text, Any] {
        let found = all(backend, &counted(kind)).await;
        let expected = [
            "[\"\",1]",
            "[\"A\",1]",
            "[\"Z\",1]",
            "[\"a\",2]",
            "[\"a \",1]",
            "[\"e\u{301}\",1]",
            "[\"é\",1]",
            "[\"\u{ffff}\",1]",
            "[\"😀\",1]",
        ];
        assert_eq!(found, expected, "{kind:?}");
    }
}

async fn arrays_and_objects_are_keys(backend: &dyn Backend) {
    let values = [
        "[1,2]",
        "[1.0,2]",
        "[2,1]",
        "[]",
        r#"{"y":1,"z":{"v":[1]}}"#,
        r#"{"z":{"v":[1.0]},"y":1.0}"#,
        r#"{"y":1}"#,
        "[[]]",
        "[null]",
    ];
    given_values(backend, &values).await;
    for kind in [Any, crate::FieldKind::Array, crate::FieldKind::Object] {
        let found = all(backend, &counted(kind)).await;
        let mut found: Vec<crate::Value> = found.iter().map(|it| json(it)).collect();
        // Arrays tie with arrays, and objects with objects.
        let (arrays, objects) = found.split_at_mut(5);
        let expected = ["[[1,2],2]", "[[2,1],1]", "[[],1]", "[[[]],1]", "[[null],1]"];
        for it in expected {
            assert!(arrays.contains(&json(it)), "{arrays:?}");
        }
        assert_eq!(objects.len(), 2);
        assert!(objects.contains(&json(r#"[{"y":1,"z":{"v":[1]}},2]"#)));
        assert!(objects.contains(&json(r#"[{"y":1},1]"#)));
    }
}

async fn several_keys(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":"a","y":1}"#,
            r#"{"x":"a","y":2}"#,
            r#"{"x":"b","y":1}"#,
            r#"{"x":"a","y":1.0}"#,
            r#"{"x":"a"}"#,
            r#"{"y":1}"#,
            "{}",
            r#"{"x":null,"y":null}"#,
        ],
    )
    .await;
    for (x, y) in [(Text, Number), (Any, Any), (Text, Any), (Any, Number)] {
        let keys = vec![typed("x", x), typed("y", y)];
        let found = all(backend, &Grouping::new(keys, vec![count_all()])).await;
        let found: Vec<crate::Value> = found.iter().map(|it| json(it)).collect();
        let expected = [
            "[null,null,2]",
            "[null,1,1]",
            "[\"a\",null,1]",
            "[\"a\",1,2]",
            "[\"a\",2,1]",
            "[\"b\",1,1]",
        ];
        assert_eq!(found, expected.map(json));
    }
    // Keys that only together look alike are different.
    let texts = [r#"{"x":"a,b","y":"c"}"#, r#"{"x":"a","y":"b,c"}"#];
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, &texts).await;
    let keys = vec![field("x"), field("y")];
    let found = all(backend, &Grouping::new(keys, vec![])).await;
    assert_eq!(found, [r#"["a","b,c"]"#, r#"["a,b","c"]"#]);
}

async fn keys_without_aggregates(backend: &dyn Backend) {
    given_values(backend, &["2", "1", "2", "null"]).await;
    let grouping = Grouping::new(vec![typed("x", Number)], Vec::new());
    assert_eq!(all(backend, &grouping).await, ["[null]", "[1]", "[2]"]);
    // The same key twice is twice in the row.
    let twice = Grouping::new(
        vec![typed("x", Number), typed("x", Number)],
        vec![count_all()],
    );
    let found = all(backend, &twice).await;
    assert_eq!(found, ["[null,null,1]", "[1,1,1]", "[2,2,2]"]);
}

async fn declared_fields_are_grouped_alike(backend: &dyn Backend) {
    let values = ["1", "\"1\"", "true", "[1]", "-", "null", "2", "1", "\"a\""];
    given_x(backend, &values).await;
    for (collection, kind, expected) in [
        ("items_number", Number, &["[null,6]", "[1,2]", "[2,1]"][..]),
        ("items_text", Text, &["[null,7]", "[\"1\",1]", "[\"a\",1]"]),
        ("items_bool", Bool, &["[null,8]", "[true,1]"]),
    ] {
        let found = groups(backend, &Query::new(collection), &counted(kind)).await;
        assert_eq!(found, expected, "{collection}");
        let any = groups(backend, &Query::new(collection), &counted(Any)).await;
        assert_eq!(any, all(backend, &counted(Any)).await, "{collection}");
    }
}

async fn nested_fields_and_the_id_are_keys(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"o":{"p":[1,2]}}"#, r#"{"o":{"p":[1]}}"#, r#"{"o":1}"#],
    )
    .await;
    let grouping = Grouping::new(vec![field("o.p.0")], vec![count_all()]);
    assert_eq!(all(backend, &grouping).await, ["[null,1]", "[1,2]"]);
    let by_id = Grouping::new(vec![typed("_id", Text)], vec![count_all()]);
    let found = all(backend, &by_id).await;
    assert_eq!(found, ["[\"a\",1]", "[\"b\",1]", "[\"c\",1]"]);
    let last = Grouping::new(vec![], vec![aggregate(Max, typed("_id", Text))]);
    assert_eq!(all(backend, &last).await, ["[\"c\"]"]);
}

async fn computed_keys(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":"Ab","n":1}"#,
            r#"{"x":"aB","n":2}"#,
            r#"{"x":"c","n":15}"#,
            r#"{"x":5,"n":"1"}"#,
        ],
    )
    .await;
    let lower = call(Function::Lower, vec![field("x")]);
    let grouping = Grouping::new(vec![lower], vec![aggregate(Sum, field("n"))]);
    let found = all(backend, &grouping).await;
    assert_eq!(found, ["[null,0]", "[\"ab\",3]", "[\"c\",15]"]);
    let doubled = arithmetic(Mul, field("n"), literal("2"));
    let grouping = Grouping::new(vec![doubled], vec![count_all()]);
    let found = all(backend, &grouping).await;
    assert_eq!(found, ["[null,1]", "[2,1]", "[4,1]", "[30,1]"]);
    let grade = case_when(
        vec![(ge(field("n"), literal("10")), literal("\"high\""))],
        literal("\"low\""),
    );
    let grouping = Grouping::new(vec![grade, is_null(field("n"))], vec![count_all()]);
    let found = all(backend, &grouping).await;
    assert_eq!(found, ["[\"high\",false,1]", "[\"low\",false,3]"]);
    let kind = call(Function::TypeName, vec![field("x")]);
    let grouping = Grouping::new(vec![kind], vec![count_all()]);
    let found = all(backend, &grouping).await;
    assert_eq!(found, ["[\"number\",1]", "[\"text\",3]"]);
    let any = coalesce(vec![field("y"), field("x")]);
    let grouping = Grouping::new(vec![any], vec![]);
    let found = all(backend, &grouping).await;
    assert_eq!(found, ["[5]", "[\"Ab\"]", "[\"aB\"]", "[\"c\"]"]);
}

async fn time_buckets(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"at":"2024-02-29T10:59:59.999999Z"}"#,
            r#"{"at":"2024-02-29T10:00:00.000000Z"}"#,
            r#"{"at":"2024-02-29T11:00:00.000000Z"}"#,
            r#"{"at":"2024-02-30T11:00:00.000000Z"}"#,
            r#"{"at":"2023-02-28T10:30:00.000000Z"}"#,
        ],
    )
    .await;
    let at = |unit| call(Function::Truncate(unit), vec![field("at")]);
    let hours = Grouping::new(vec![at(TimeUnit::Hour)], vec![count_all()]);
    let found = all(backend, &hours).await;
    assert_eq!(
        found,
        [
            "[null,1]",
            "[\"2023-02-28T10:00:00.000000Z\",1]",
            "[\"2024-02-29T10:00:00.000000Z\",2]",
            "[\"2024-02-29T11:00:00.000000Z\",1]",
        ]
    );
    let years = Grouping {
        sort: vec![by_column("-1", Number)],
        limit: Some(1),
        ..Grouping::new(vec![at(TimeUnit::Year)], vec![count_all()])
    };
    let found = all(backend, &years).await;
    assert_eq!(found, ["[\"2024-01-01T00:00:00.000000Z\",3]"]);
}

async fn elements_are_grouped(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":["a","b","a"],"n":1}"#,
            r#"{"x":["b",null],"n":10}"#,
            r#"{"x":"c","n":100}"#,
            r#"{"x":[],"n":1000}"#,
            r#"{"n":10000}"#,
        ],
    )
    .await;
    let query = Query {
        unwind: Some(path("x")),
        ..Query::new(ITEMS)
    };
    let grouping = Grouping::new(
        vec![element()],
        vec![count_all(), aggregate(Sum, field("n"))],
    );
    let found = groups(backend, &query, &grouping).await;
    assert_eq!(found, ["[null,1,10]", "[\"a\",2,2]", "[\"b\",2,11]"]);
    let filter = eq(element(), literal("\"a\"")).or(is_null(element()));
    let some = Query {
        filter,
        ..query.clone()
    };
    let found = groups(backend, &some, &grouping).await;
    assert_eq!(found, ["[null,1,10]", "[\"a\",2,2]"]);
    let total = Grouping::new(vec![], vec![count_all(), aggregate(Max, element())]);
    let found = groups(backend, &query, &total).await;
    assert_eq!(found, ["[5,\"b\"]"]);
    // Fields of elements, and of the document.
    backend.drop_collection(ITEMS).await.unwrap();
    given(
        backend,
        &[
            r#"{"x":[{"p":2,"k":"u"},{"p":3,"k":"v"}],"shop":"s"}"#,
            r#"{"x":[{"p":5,"k":"u"},7],"shop":"t"}"#,
        ],
    )
    .await;
    let by_kind = Grouping::new(
        vec![element_field("k")],
        vec![
            aggregate(Sum, element_field("p")),
            aggregate(Max, field("shop")),
        ],
    );
    let found = groups(backend, &query, &by_kind).await;
    assert_eq!(
        found,
        ["[null,0,\"t\"]", "[\"u\",7,\"t\"]", "[\"v\",3,\"s\"]"]
    );
}

async fn many_groups(backend: &dyn Backend) {
    given_many(backend, 2000).await;
    let found = all(backend, &counted(Number)).await;
    assert_eq!(found.len(), 2000);
    assert_eq!(found[1999], "[1999,1]");
    let many = vec![aggregate(Sum, field("x")); 150];
    let found = all(backend, &Grouping::new(vec![], many)).await;
    assert_eq!(
        json(&found[0]),
        vec![crate::Value::Int(1_999_000); 150].into()
    );
}

async fn odd_keys_of_groups(backend: &dyn Backend) {
    for text in ["'", "\"", "\\", "$1", "?1", "é😀", "a b", "0", "--", ";"] {
        let name = crate::Value::from(text);
        backend.drop_collection(ITEMS).await.unwrap();
        given(backend, &[&format!("{{{name}:{{{name}:{name}}}}}")]).await;
        let at = keys(&[text, text]);
        let grouping = Grouping {
            having: eq(column(0, Any), Expr::Value(name.clone())),
            ..Grouping::new(vec![at.clone()], vec![aggregate(Max, at)])
        };
        assert_eq!(all(backend, &grouping).await, [format!("[{name},{name}]")]);
    }
}

async fn groups_see_their_transaction(backend: &dyn Backend) {
    given_values(backend, &["1"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":1}"#).await;
    let found = groups(&*tx, &Query::new(ITEMS), &counted(Number)).await;
    assert_eq!(found, ["[1,2]"]);
    assert_eq!(all(backend, &counted(Number)).await, ["[1,1]"]);
    tx.rollback().await.unwrap();
    let closed = tx.group(&Query::new(ITEMS), &counted(Number)).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
}

async fn groups_of_an_unknown_collection_fail(backend: &dyn Backend) {
    let error = group(backend, &Query::new(ITEMS), &counted(Any)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert_eq!(error.collection(), Some(ITEMS));
}

async fn groupings_have_rules(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let items = || Query::new(ITEMS);
    let refused = |query: Query, grouping: Grouping| {
        let checked = grouping.check(&query, Capabilities::all());
        assert_eq!(kind_of(checked), ErrorKind::InvalidQuery, "{grouping:?}");
    };
    let count = || Grouping::new(vec![], vec![count_all()]);
    refused(items(), Grouping::new(vec![], vec![]));
    refused(items(), Grouping::new(vec![literal("1")], vec![]));
    refused(items(), Grouping::new(vec![element()], vec![]));
    for function in [crate::AggregateFunction::CountDistinct, Sum, Avg, Min, Max] {
        let aggregate = crate::Aggregate {
            function,
            operand: None,
        };
        refused(items(), Grouping::new(vec![], vec![aggregate]));
    }
    for query in [
        sorted(&[by("x", Number)]),
        Query {
            limit: Some(1),
            ..items()
        },
        Query { skip: 1, ..items() },
        Query {
            select: Select::Id,
            ..items()
        },
        Query {
            distinct_by: vec![field("x")],
            ..items()
        },
        Query {
            lock: Some(LockMode::Wait),
            ..items()
        },
        filtered(field("x")),
    ] {
        refused(query, count());
    }
    for having in [
        column(0, Number),
        gt(column(1, Number), literal("1")),
        gt(field("x"), literal("1")),
        gt(field("0x"), literal("1")),
        gt(field("+0"), literal("1")),
        linked(column(0, Text), ITEMS, Expr::always()),
    ] {
        refused(items(), Grouping { having, ..count() });
    }
    for key in ["1", "x", "_id", "00"] {
        let sort = vec![by(key, Number)];
        refused(items(), Grouping { sort, ..count() });
    }
}
