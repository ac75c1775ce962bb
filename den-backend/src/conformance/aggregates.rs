//! What is computed of all documents, or of each group.

use crate::{
    Aggregate,
    AggregateFunction::{self, Avg, Count, CountDistinct, Max, Min, Sum},
    ArithmeticOp::Mul,
    Backend, ErrorKind, Expr,
    FieldKind::{self, Any, Array, Bool, Number, Text},
    Function, Grouping, Query,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(documents_are_counted: Groups),
    case!(values_are_counted: Groups),
    case!(different_values_are_counted: Groups),
    case!(integers_are_added_exactly: Groups),
    case!(floats_are_added_as_decimals: Groups),
    case!(a_sum_out_of_range_is_refused: Groups),
    case!(an_average_is_a_float: Groups),
    case!(the_smallest_and_the_largest: Groups),
    case!(nothing_has_aggregates_too: Groups),
    case!(other_kinds_are_passed_over: Groups),
    case!(declared_fields_are_aggregated_alike: Groups),
    case!(only_matching_documents_count: Groups),
    case!(computed_values_are_aggregated: Groups, Expressions),
    case!(a_refused_sum_leaves_a_transaction_usable: Groups, Transactions),
];

const ALL: [AggregateFunction; 6] = [Count, CountDistinct, Sum, Avg, Min, Max];

/// The aggregates of all documents of `items`, as JSON text.
async fn total(backend: &dyn Backend, aggregates: Vec<Aggregate>) -> String {
    let grouping = Grouping::new(Vec::new(), aggregates);
    let mut found = groups(backend, &Query::new(ITEMS), &grouping).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn given_values(backend: &dyn Backend, values: &[&str]) {
    backend.drop_collection(ITEMS).await.unwrap();
    let documents: Vec<String> = values.iter().map(|it| format!("{{\"x\":{it}}}")).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    given(backend, &documents).await;
}

/// Checks one aggregate of the field `x`, of each of these kinds, over documents with these values.
async fn is(
    backend: &dyn Backend,
    function: AggregateFunction,
    kinds: &[FieldKind],
    values: &[&str],
    expected: &str,
) {
    given_values(backend, values).await;
    for kind in kinds {
        let found = total(backend, vec![aggregate(function, typed("x", *kind))]).await;
        assert_eq!(found, format!("[{expected}]"), "{function:?} of {values:?}");
    }
}

async fn documents_are_counted(backend: &dyn Backend) {
    given(backend, &["{}", r#"{"x":null}"#, r#"{"x":1}"#]).await;
    assert_eq!(total(backend, vec![count_all()]).await, "[3]");
    let twice = vec![count_all(), count_all()];
    assert_eq!(total(backend, twice).await, "[3,3]");
}

async fn values_are_counted(backend: &dyn Backend) {
    let all = ["null", "0", "\"\"", "false", "[]", "{}", "1.5"];
    is(backend, Count, &[Any, Number, Text, Array], &all, "6").await;
    is(backend, Count, &[Any, Number], &["null", "null"], "0").await;
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, &["{}", "{}", "{}"]).await;
    insert(backend, "z", r#"{"x":0}"#).await;
    let counts = vec![count_all(), aggregate(Count, field("x"))];
    assert_eq!(total(backend, counts).await, "[4,1]");
}

async fn different_values_are_counted(backend: &dyn Backend) {
    let numbers = ["1", "1.0", "2", "2", "9007199254740993", "9007199254740992"];
    is(backend, CountDistinct, &[Any, Number], &numbers, "4").await;
    let texts = ["\"a\"", "\"A\"", "\"a \"", "\"a\"", "\"\"", "\"é\""];
    is(backend, CountDistinct, &[Any, Text], &texts, "5").await;
    let mixed = [
        "1", "\"1\"", "true", "false", "null", "[1]", "[1.0]", "{}", "{}",
    ];
    is(backend, CountDistinct, &[Any], &mixed, "6").await;
    is(backend, CountDistinct, &[Number], &mixed, "1").await;
    is(backend, CountDistinct, &[Text], &mixed, "1").await;
    is(backend, CountDistinct, &[Bool], &mixed, "2").await;
    let objects = [
        r#"{"y":1,"z":[2]}"#,
        r#"{"z":[2.0],"y":1.0}"#,
        r#"{"y":1}"#,
        r#"[{"z":1,"y":2}]"#,
        r#"[{"y":2,"z":1}]"#,
        r#"[1,2]"#,
        r#"[2,1]"#,
    ];
    is(backend, CountDistinct, &[Any, Array], &objects, "5").await;
    is(backend, CountDistinct, &[Any, Number], &["null"], "0").await;
}

async fn integers_are_added_exactly(backend: &dyn Backend) {
    let kinds = [Any, Number];
    is(backend, Sum, &kinds, &["1", "2", "3"], "6").await;
    is(backend, Sum, &kinds, &["-1", "1"], "0").await;
    let near = ["9007199254740993", "9007199254740993", "1"];
    is(backend, Sum, &kinds, &near, "18014398509481987").await;
    let largest = [
        "9223372036854775807",
        "9223372036854775807",
        "-9223372036854775807",
    ];
    is(backend, Sum, &kinds, &largest, "9223372036854775807").await;
    let smallest = ["-9223372036854775808", "-1", "1"];
    is(backend, Sum, &kinds, &smallest, "-9223372036854775808").await;
}

async fn floats_are_added_as_decimals(backend: &dyn Backend) {
    let kinds = [Any, Number];
    for (values, expected) in [
        (&["0.1", "0.2"][..], "0.3"),
        (&["0.1", "0.2", "-0.3"], "0.0"),
        (&["1", "2.0"], "3.0"),
        (&["1.5"], "1.5"),
        (&["0.0"], "0.0"),
        (&["1e300", "1", "-1e300"], "1.0"),
        (&["1e300", "5e-324", "-1e300"], "5e-324"),
        (&["1e308", "1e308", "-1e308"], "1e308"),
        (&["9007199254740993", "0.5"], "9007199254740994.0"),
        (&["9223372036854775807", "1.0"], "9223372036854775808.0"),
        (&["1234567890123456768.0", "-1234567890123456768"], "0.0"),
        (&["-1.5", "-2.25", "1"], "-2.75"),
        (&["5e-324", "5e-324"], "1e-323"),
        (
            &[
                "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1",
            ],
            "1.0",
        ),
    ] {
        is(backend, Sum, &kinds, values, expected).await;
    }
}

async fn a_sum_out_of_range_is_refused(backend: &dyn Backend) {
    for values in [
        &["9223372036854775807", "1"][..],
        &["-9223372036854775808", "-1"],
        &["1e308", "1e308"],
        &["-1.7976931348623157e308", "-1e300"],
    ] {
        given_values(backend, values).await;
        for kind in [Any, Number] {
            let sum = vec![aggregate(Sum, typed("x", kind))];
            let grouping = Grouping::new(Vec::new(), sum);
            let refused = group(backend, &Query::new(ITEMS), &grouping).await;
            assert_eq!(kind_of(refused), ErrorKind::OutOfRange, "{values:?}");
        }
    }
    // Halfway it may be further.
    let values = ["9223372036854775807", "1", "-1"];
    is(backend, Sum, &[Number], &values, "9223372036854775807").await;
}

async fn an_average_is_a_float(backend: &dyn Backend) {
    let kinds = [Any, Number];
    for (values, expected) in [
        (&["1", "2"][..], "1.5"),
        (&["2", "2"], "2.0"),
        (&["0.1", "0.2"], "0.15"),
        (&["1", "null", "2.5", "\"7\""], "1.75"),
        (&["1", "1", "2"], "1.3333333333333333"),
        (&["-1", "1"], "0.0"),
        (
            &["9223372036854775807", "9223372036854775807"],
            "9223372036854775808.0",
        ),
    ] {
        is(backend, Avg, &kinds, values, expected).await;
    }
}

async fn the_smallest_and_the_largest(backend: &dyn Backend) {
    for (kinds, values, min, max) in [
        (&[Any, Number][..], &["3", "-1.5", "2"][..], "-1.5", "3"),
        (
            &[Any, Number],
            &["9007199254740993", "9007199254740992.0"],
            "9007199254740992.0",
            "9007199254740993",
        ),
        (
            &[Any, Text],
            &["\"b\"", "\"B\"", "\"é\"", "\"\""],
            "\"\"",
            "\"é\"",
        ),
        (&[Any, Bool], &["true", "false", "true"], "false", "true"),
        (&[Any], &["true", "\"a\"", "1", "null"], "1", "true"),
        (&[Any], &["\"a\"", "[9]", "1", "{}"], "1", "\"a\""),
        (&[Any], &["[1]", "{}", "null"], "null", "null"),
        (&[Number], &["true", "\"a\"", "1", "null"], "1", "1"),
        (&[Text], &["true", "\"a\"", "1", "null"], "\"a\"", "\"a\""),
        (&[Bool], &["true", "\"a\"", "1", "null"], "true", "true"),
        (&[Array], &["[1]", "\"a\"", "2"], "2", "\"a\""),
        (
            &[Any, Text],
            &[
                "\"2024-02-29T00:00:00.000000Z\"",
                "\"2023-12-31T23:59:59.999999Z\"",
            ],
            "\"2023-12-31T23:59:59.999999Z\"",
            "\"2024-02-29T00:00:00.000000Z\"",
        ),
    ] {
        is(backend, Min, kinds, values, min).await;
        is(backend, Max, kinds, values, max).await;
    }
}

async fn nothing_has_aggregates_too(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for kind in [Any, Number, Text, Bool] {
        let all = ALL.map(|it| aggregate(it, typed("x", kind)));
        let found = total(backend, all.to_vec()).await;
        assert_eq!(found, "[0,0,0,null,null,null]");
    }
    assert_eq!(total(backend, vec![count_all()]).await, "[0]");
    insert(backend, "a", "{}").await;
    let all = ALL.map(|it| aggregate(it, field("x")));
    let found = total(backend, all.to_vec()).await;
    assert_eq!(found, "[0,0,0,null,null,null]");
    // With keys there is no group of nothing.
    let none = filtered(Expr::never());
    let grouping = Grouping::new(vec![field("x")], vec![count_all()]);
    assert_eq!(groups(backend, &none, &grouping).await, [""; 0]);
    let grouping = Grouping::new(Vec::new(), vec![count_all()]);
    assert_eq!(groups(backend, &none, &grouping).await, ["[0]"]);
}

async fn other_kinds_are_passed_over(backend: &dyn Backend) {
    let mixed = ["1", "\"2\"", "true", "[3]", "{\"y\":4}", "null", "0.5"];
    given_values(backend, &mixed).await;
    insert(backend, "z", "{}").await;
    let all = |kind| ALL.map(|it| aggregate(it, typed("x", kind))).to_vec();
    let found = total(backend, all(Any)).await;
    assert_eq!(found, "[6,6,1.5,0.75,0.5,true]");
    let found = total(backend, all(Number)).await;
    assert_eq!(found, "[6,2,1.5,0.75,0.5,1]");
    let found = total(backend, all(Text)).await;
    assert_eq!(found, "[6,1,1.5,0.75,\"2\",\"2\"]");
}

async fn declared_fields_are_aggregated_alike(backend: &dyn Backend) {
    let values = [
        "1", "\"2\"", "true", "[3]", "null", "0.5", "-", "\"1\"", "2",
    ];
    given_x(backend, &values).await;
    for (collection, kind, expected) in [
        ("items_number", Number, "[7,3,3.5,1.1666666666666667,0.5,2]"),
        (
            "items_text",
            Text,
            "[7,2,3.5,1.1666666666666667,\"1\",\"2\"]",
        ),
        ("items_bool", Bool, "[7,1,3.5,1.1666666666666667,true,true]"),
    ] {
        let all = ALL.map(|it| aggregate(it, typed("x", kind)));
        let grouping = Grouping::new(Vec::new(), all.to_vec());
        for query in [Query::new(collection), Query::new(ITEMS)] {
            let found = groups(backend, &query, &grouping).await;
            assert_eq!(found, [expected], "{}", query.collection);
        }
    }
}

async fn only_matching_documents_count(backend: &dyn Backend) {
    given_values(backend, &["1", "2", "3", "\"4\""]).await;
    let grouping = Grouping::new(Vec::new(), vec![count_all(), aggregate(Sum, field("x"))]);
    for (filter, expected) in [
        (gt(field("x"), literal("1")), "[2,5]"),
        (gt(field("x"), literal("1")).not(), "[2,1]"),
        (eq(field("x"), literal("\"4\"")), "[1,0]"),
        (Expr::never(), "[0,0]"),
    ] {
        let found = groups(backend, &filtered(filter), &grouping).await;
        assert_eq!(found, [expected]);
    }
}

async fn computed_values_are_aggregated(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"p":2,"n":3,"name":"Ab"}"#,
            r#"{"p":0.5,"n":10,"name":"aB"}"#,
            r#"{"p":"2","n":1}"#,
        ],
    )
    .await;
    let worth = || arithmetic(Mul, field("p"), field("n"));
    let lower = || call(Function::Lower, vec![field("name")]);
    let large = case_when(
        vec![(gt(worth(), literal("5.5")), literal("1"))],
        literal("0"),
    );
    let aggregates = vec![
        aggregate(Sum, worth()),
        aggregate(Avg, worth()),
        aggregate(Max, worth()),
        aggregate(Count, worth()),
        aggregate(CountDistinct, lower()),
        aggregate(Min, lower()),
        aggregate(Sum, large),
        aggregate(Count, is_null(worth())),
        aggregate(Max, eq(field("n"), literal("1"))),
    ];
    let found = total(backend, aggregates).await;
    assert_eq!(found, r#"[11.0,5.5,6,2,1,"ab",1,3,true]"#);
}

async fn a_refused_sum_leaves_a_transaction_usable(backend: &dyn Backend) {
    given_values(backend, &["9223372036854775807", "1"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "z", "{}").await;
    let sum = Grouping::new(Vec::new(), vec![aggregate(Sum, field("x"))]);
    let refused = group(&*tx, &Query::new(ITEMS), &sum).await;
    assert_eq!(kind_of(refused), ErrorKind::OutOfRange);
    let count = Grouping::new(Vec::new(), vec![count_all()]);
    assert_eq!(groups(&*tx, &Query::new(ITEMS), &count).await, ["[3]"]);
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b z");
}
