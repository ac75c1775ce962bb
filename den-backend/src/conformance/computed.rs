//! Computed values: arithmetic, choices, and where they may stand.

use crate::{
    ArithmeticOp::{Add, Div, Mul, Sub},
    Backend, Capabilities, ErrorKind, Expr,
    FieldKind::Number,
    Function, Query, Select, Sort, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(the_seed_example: Expressions),
    case!(integers_are_computed_exactly: Expressions),
    case!(a_float_makes_a_float: Expressions),
    case!(a_quotient_is_a_float: Expressions),
    case!(a_quotient_by_zero_is_null: Expressions),
    case!(what_is_no_number_computes_to_null: Expressions),
    case!(numbers_out_of_range_are_refused: Expressions),
    case!(a_refused_number_leaves_a_transaction_usable: Expressions, Transactions, Patches),
    case!(fields_are_compared_with_computed_values: Expressions),
    case!(computed_values_stand_wherever_a_value_does: Expressions),
    case!(computed_values_nest: Expressions),
    case!(elements_are_computed_with: Expressions, ElementPredicates),
    case!(a_constant_is_computed_beforehand: Expressions),
    case!(values_of_every_kind_are_selected: Expressions),
    case!(odd_paths_and_texts_are_selected: Expressions),
    case!(computed_values_have_rules: Expressions),
];

const MAX: &str = "9223372036854775807";
const MIN: &str = "-9223372036854775808";

fn x() -> Expr {
    field("x")
}

fn number(text: &str) -> Expr {
    literal(text)
}

async fn the_seed_example(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"name":null,"amount":5,"status":"resolved"}"#,
            r#"{"amount":"5","status":"open"}"#,
        ],
    )
    .await;
    let name = coalesce(vec![field("name"), literal("\"fallback\"")]);
    let sum = arithmetic(Add, field("amount"), literal("2"));
    let resolved = eq(field("status"), literal("\"resolved\""));
    let status = case_when(
        vec![(resolved, literal("\"closed\""))],
        literal("\"active\""),
    );
    let query = selected(vec![name, sum, status]);
    let found = selections(backend, &query).await;
    assert_eq!(
        found,
        [
            r#"["fallback",7,"closed"]"#,
            r#"["fallback",null,"active"]"#
        ]
    );
    let one = Query {
        filter: eq(field("_id"), literal("\"a\"")),
        ..query
    };
    let found = selections(backend, &one).await;
    assert_eq!(found, [r#"["fallback",7,"closed"]"#]);
}

async fn integers_are_computed_exactly(backend: &dyn Backend) {
    given_x(backend, &["5", "-3", "0", "9007199254740993"]).await;
    let two = || number("2");
    let sums = ["7", "-1", "2", "9007199254740995"];
    computes(backend, arithmetic(Add, x(), two()), &sums).await;
    computes(backend, arithmetic(Add, two(), x()), &sums).await;
    let differences = ["3", "-5", "-2", "9007199254740991"];
    computes(backend, arithmetic(Sub, x(), two()), &differences).await;
    let differences = ["-3", "5", "2", "-9007199254740991"];
    computes(backend, arithmetic(Sub, two(), x()), &differences).await;
    let products = ["10", "-6", "0", "18014398509481986"];
    computes(backend, arithmetic(Mul, x(), two()), &products).await;
    let doubled = ["10", "-6", "0", "18014398509481986"];
    computes(backend, arithmetic(Add, x(), x()), &doubled).await;
    let far = arithmetic(
        Sub,
        arithmetic(Add, x(), number("9214364837600034814")),
        x(),
    );
    let all = ["9214364837600034814"; 4];
    computes(backend, far, &all).await;
}

async fn a_float_makes_a_float(backend: &dyn Backend) {
    given_x(
        backend,
        &[
            "1",
            "1.0",
            "0.1",
            "-2.5",
            "1e300",
            "9007199254740993",
            "0.0",
        ],
    )
    .await;
    let sums = [
        "1.2",
        "1.2",
        "0.30000000000000004",
        "-2.3",
        "1e300",
        "9007199254740992.0",
        "0.2",
    ];
    computes(backend, arithmetic(Add, x(), number("0.2")), &sums).await;
    let differences = [
        "0.0",
        "0.0",
        "-0.9",
        "-3.5",
        "1e300",
        "9007199254740991.0",
        "-1.0",
    ];
    computes(backend, arithmetic(Sub, x(), number("1.0")), &differences).await;
    let products = [
        "3.0",
        "3.0",
        "0.30000000000000004",
        "-7.5",
        "3e300",
        "27021597764222976.0",
        "0.0",
    ];
    computes(backend, arithmetic(Mul, x(), number("3.0")), &products).await;
    let whole = [
        "2",
        "2.0",
        "0.2",
        "-5.0",
        "2e300",
        "18014398509481986",
        "0.0",
    ];
    computes(backend, arithmetic(Mul, x(), number("2")), &whole).await;
    let negated = [
        "-1",
        "-1.0",
        "-0.1",
        "2.5",
        "-1e300",
        "-9007199254740993",
        "0.0",
    ];
    computes(backend, arithmetic(Mul, x(), number("-1")), &negated).await;
}

async fn a_quotient_is_a_float(backend: &dyn Backend) {
    given_x(backend, &["7", "6", "-7", "0", "0.5", MAX, MIN, "1e300"]).await;
    let halves = [
        "3.5",
        "3.0",
        "-3.5",
        "0.0",
        "0.25",
        "4611686018427387904.0",
        "-4611686018427387904.0",
        "5e299",
    ];
    computes(backend, arithmetic(Div, x(), number("2")), &halves).await;
    let thirds = [
        "2.3333333333333335",
        "2.0",
        "-2.3333333333333335",
        "0.0",
        "0.16666666666666666",
        "3074457345618258432.0",
        "-3074457345618258432.0",
        "3.3333333333333335e299",
    ];
    computes(backend, arithmetic(Div, x(), number("3.0")), &thirds).await;
    let same = [
        "7.0",
        "6.0",
        "-7.0",
        "0.0",
        "0.5",
        "9223372036854775808.0",
        "-9223372036854775808.0",
        "1e300",
    ];
    computes(backend, arithmetic(Div, x(), number("1")), &same).await;
}

async fn a_quotient_by_zero_is_null(backend: &dyn Backend) {
    given_x(backend, &["0", "0.0", "1", "-0.0", "1e-300"]).await;
    let quotients = ["null", "null", "1.0", "null", "9.999999999999999e299"];
    computes(backend, arithmetic(Div, number("1"), x()), &quotients).await;
    let none = ["null"; 5];
    computes(backend, arithmetic(Div, x(), number("0")), &none).await;
    computes(backend, arithmetic(Div, x(), number("0.0")), &none).await;
    let zero = arithmetic(Sub, x(), x());
    computes(backend, arithmetic(Div, number("1.5"), zero), &none).await;
}

async fn what_is_no_number_computes_to_null(backend: &dyn Backend) {
    let values = ["-", "null", "true", "\"1\"", "\"\"", "[1]", "{}", "\"abc\""];
    given_x(backend, &values).await;
    let none = ["null"; 8];
    for op in [Add, Sub, Mul, Div] {
        for other in ["1", "1.5", "null", "\"1\"", "true"] {
            computes(backend, arithmetic(op, x(), number(other)), &none).await;
        }
        computes(backend, arithmetic(op, number("1"), x()), &none).await;
        computes(backend, arithmetic(op, x(), x()), &none).await;
    }
    computes(backend, arithmetic(Add, field("y.z"), number("1")), &none).await;
}

async fn numbers_out_of_range_are_refused(backend: &dyn Backend) {
    for (value, op, other) in [
        (MAX, Add, "1"),
        (MIN, Sub, "1"),
        (MIN, Mul, "-1"),
        ("3037000500", Mul, "3037000500"),
        ("1e308", Add, "1e308"),
        ("-1e308", Sub, "1e308"),
        ("1e200", Mul, "1e200"),
        ("1e-200", Mul, "1e-200"),
        ("1e200", Div, "1e-200"),
        ("1e-200", Div, "1e200"),
        ("5e-324", Div, "2"),
    ] {
        backend.drop_collection(ITEMS).await.unwrap();
        given(backend, &[&format!("{{\"x\":{value}}}")]).await;
        let expr = || arithmetic(op, x(), number(other));
        out_of_range(backend, &selected(vec![expr()])).await;
        let filter = gt(expr(), number("0"));
        out_of_range(backend, &filtered(filter.clone())).await;
        let counted = backend.count(&filtered(filter)).await;
        assert_eq!(kind_of(counted), ErrorKind::OutOfRange);
        let sort = Sort {
            key: expr(),
            ..by("x", Number)
        };
        insert(backend, "z", "{}").await;
        out_of_range(backend, &sorted(&[sort])).await;
        if backend.capabilities().has(crate::Capability::Patches) {
            let before = rows(backend, &Query::new(ITEMS)).await;
            let changes = vec![set("z", "1"), set_expr("y", expr())];
            let updated = update(backend, &Query::new(ITEMS), changes).await;
            assert_eq!(kind_of(updated), ErrorKind::OutOfRange, "{value}");
            assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
        }
    }
    // The largest and smallest are within the range.
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, &[&format!("{{\"x\":{MAX},\"y\":{MIN}}}")]).await;
    let query = selected(vec![
        arithmetic(Sub, x(), number("1")),
        arithmetic(Add, x(), field("y")),
        arithmetic(Add, arithmetic(Sub, x(), number("1")), number("1")),
        arithmetic(Add, x(), number("0.0")),
    ]);
    let found = selections(backend, &query).await;
    let expected = format!("[9223372036854775806,-1,{MAX},9223372036854775808.0]");
    assert_eq!(found, [expected]);
}

async fn a_refused_number_leaves_a_transaction_usable(backend: &dyn Backend) {
    given(backend, &[&format!("{{\"x\":{MAX}}}")]).await;
    let next = || arithmetic(Add, x(), number("1"));
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":1}"#).await;
    out_of_range(&*tx, &selected(vec![next()])).await;
    let all = Query::new(ITEMS);
    let updated = update(&*tx, &all, vec![set_expr("x", next())]).await;
    assert_eq!(kind_of(updated), ErrorKind::OutOfRange);
    assert_eq!(stored(&*tx, "b", "x").await, Value::Int(1));
    assert_eq!(update(&*tx, &all, vec![set("y", "1")]).await.unwrap(), 2);
    tx.commit().await.unwrap();
    check(backend, eq(field("y"), number("1")), "a b").await;
}

async fn fields_are_compared_with_computed_values(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1,"y":3}"#,
            r#"{"x":2,"y":3}"#,
            r#"{"x":1.5,"y":3}"#,
            r#"{"x":"2","y":3}"#,
            r#"{"x":2}"#,
            r#"{"x":null,"y":0}"#,
        ],
    )
    .await;
    let doubled = || arithmetic(Mul, x(), number("2"));
    check(backend, lt(doubled(), field("y")), "a").await;
    check(backend, eq(doubled(), field("y")), "c").await;
    check(backend, ge(doubled(), field("y")), "b c").await;
    check(backend, eq(field("y"), doubled()), "c").await;
    check(backend, gt(doubled(), literal("\"0\"")), "").await;
    check(backend, is_null(doubled()), "d f").await;
    check(backend, is_in(doubled(), "[2,4,\"4\"]"), "a b e").await;
    let upper = call(Function::Upper, vec![x()]);
    check(backend, eq(upper, literal("\"2\"")), "d").await;
}

async fn computed_values_stand_wherever_a_value_does(backend: &dyn Backend) {
    given_x(backend, &["\"Straße\"", "\"abc\"", "5", "null"]).await;
    let text = |op, needle: &str, operand| Expr::Text {
        op,
        ignore_case: false,
        operand: Box::new(operand),
        needle: needle.to_owned(),
    };
    let lower = || call(Function::Lower, vec![x()]);
    check(
        backend,
        text(crate::TextOp::StartsWith, "str", lower()),
        "a",
    )
    .await;
    check(backend, text(crate::TextOp::Contains, "b", lower()), "b").await;
    check(backend, text(crate::TextOp::EndsWith, "ß%", lower()), "").await;
    let ignoring = Expr::Text {
        op: crate::TextOp::Equals,
        ignore_case: true,
        operand: Box::new(call(Function::Concat, vec![x(), literal("\"!\"")])),
        needle: "ABC!".to_owned(),
    };
    check(backend, ignoring, "b").await;
    if backend.capabilities().has(crate::Capability::Regex) {
        let matches = Expr::Matches {
            operand: Box::new(lower()),
            pattern: crate::Pattern::parse("^[a-c]+$").unwrap(),
        };
        check(backend, matches, "b").await;
    }
    let length = call(Function::Length, vec![x()]);
    check(backend, gt(length, number("5")), "a").await;
}

async fn computed_values_nest(backend: &dyn Backend) {
    given_x(backend, &["1", "\"1\"", "0.5"]).await;
    let deep = (0..20).fold(x(), |inner, _| arithmetic(Add, inner, number("1")));
    computes(backend, deep, &["21", "null", "20.5"]).await;
    let deep = (0..15).fold(x(), |inner, at| {
        case_when(vec![(gt(x(), number(&at.to_string())), inner)], x())
    });
    computes(backend, deep, &["1", "\"1\"", "0.5"]).await;
    let deep = (0..15).fold(field("y"), |inner, _| coalesce(vec![inner, x()]));
    computes(backend, deep, &["1", "\"1\"", "0.5"]).await;
    let both = arithmetic(
        Div,
        arithmetic(Mul, arithmetic(Add, x(), x()), x()),
        arithmetic(Sub, x(), number("0.25")),
    );
    computes(backend, both, &["2.6666666666666665", "null", "2.0"]).await;
}

async fn elements_are_computed_with(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":[{"p":2,"n":3},{"p":10,"n":1}],"y":7}"#,
            r#"{"x":[{"p":2,"n":4}],"y":7}"#,
            r#"{"x":[{"p":"2","n":4},5],"y":8}"#,
            r#"{"x":5,"y":0}"#,
        ],
    )
    .await;
    let worth = || arithmetic(Mul, element_field("p"), element_field("n"));
    let any = |predicate| any_element(field("x"), predicate);
    check(backend, any(gt(worth(), number("7"))), "a b").await;
    check(backend, any(lt(worth(), field("y"))), "a").await;
    check(backend, any(is_null(worth())), "c").await;
    let all = all_elements(field("x"), ge(worth(), number("6")));
    check(backend, all, "a b").await;
    // An element predicate is a value, too.
    let grade = case_when(
        vec![(any(gt(worth(), number("9"))), literal("\"high\""))],
        literal("\"low\""),
    );
    let grades = ["\"high\"", "\"low\"", "\"low\"", "\"low\""];
    computes(backend, grade, &grades).await;
    let len = Expr::Len(Box::new(field("x")));
    let one_more = arithmetic(Add, len, number("1"));
    computes(backend, one_more, &["3", "2", "3", "null"]).await;
}

async fn a_constant_is_computed_beforehand(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let too_large = || arithmetic(Add, number(MAX), number("1"));
    for expr in [
        too_large(),
        arithmetic(Mul, number("1e200"), number("1e200")),
        call(Function::Abs, vec![number(MIN)]),
        coalesce(vec![field("x"), too_large()]),
        case_when(vec![(is_null(field("x")), number("1"))], too_large()),
    ] {
        let query = selected(vec![expr.clone()]);
        let checked = query.check(backend.capabilities());
        assert_eq!(kind_of(checked), ErrorKind::OutOfRange, "{expr:?}");
        let query = filtered(is_null(expr));
        let checked = query.check(backend.capabilities());
        assert_eq!(kind_of(checked), ErrorKind::OutOfRange);
    }
    for (expr, value) in [
        (arithmetic(Add, number("5"), number("2")), "7"),
        (arithmetic(Div, number("1"), number("0")), "null"),
        (arithmetic(Add, number("1"), literal("\"1\"")), "null"),
        (call(Function::Upper, vec![literal("\"ab\"")]), "\"AB\""),
        (
            case_when(vec![(Expr::never(), number("1"))], number("2.0")),
            "2.0",
        ),
        (lt(number("1"), number("2")), "true"),
        (literal("[1,{\"y\":2.0}]"), "[1,{\"y\":2.0}]"),
        (literal("null"), "null"),
    ] {
        let query = selected(vec![expr.clone()]);
        let found = selections(backend, &query).await;
        assert_eq!(found, [format!("[{value}]")], "{expr:?}");
        if !matches!(json(value), Value::Null | Value::Bool(_)) {
            check(backend, eq(expr, literal(value)), "a").await;
        }
    }
}

async fn values_of_every_kind_are_selected(backend: &dyn Backend) {
    let values = [
        "-",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9007199254740993",
        MIN,
        "0.5",
        "1.0",
        "1e300",
        "1234567890123456768.0",
        "\"\"",
        "\"text\"",
        "\"1\"",
        "\"null\"",
        "[]",
        "[1,\"1\",null,[]]",
        "{}",
        r#"{"y":{"z":[1.5]}}"#,
    ];
    given_x(backend, &values).await;
    let expected: Vec<&str> = values
        .iter()
        .map(|it| if *it == "-" { "null" } else { it })
        .collect();
    computes(backend, coalesce(vec![x()]), &expected).await;
    let query = selected(vec![field("_id"), x(), field("x.y.z.0"), field("x.1"), x()]);
    let found = selections(backend, &query).await;
    let wanted = ('a'..='z').zip(&expected).map(|(id, value)| {
        let nested = match *value {
            r#"{"y":{"z":[1.5]}}"# => "1.5",
            _ => "null",
        };
        let second = match *value {
            "[1,\"1\",null,[]]" => "\"1\"",
            _ => "null",
        };
        format!("[\"{id}\",{value},{nested},{second},{value}]")
    });
    assert_eq!(found, wanted.collect::<Vec<_>>());
    // Each row tells its document.
    assert_eq!(
        ids(backend, &query).await,
        "a b c d e f g h i j k l m n o p q r s t"
    );
    let last = Query {
        select: Select::Values(vec![x()]),
        skip: 18,
        limit: Some(5),
        ..Query::new(ITEMS)
    };
    let found = selections(backend, &last).await;
    assert_eq!(found, ["[{}]", r#"[{"y":{"z":[1.5]}}]"#]);
    // More values than an engine passes to one function.
    let many = selected(vec![field("_id"); 300]);
    let found = selections(backend, &many).await;
    assert_eq!(json(&found[0]), Value::Array(vec!["a".into(); 300]));
}

async fn odd_paths_and_texts_are_selected(backend: &dyn Backend) {
    for text in [
        "'", "''", "\"", "\\", "$1", "?1", "%s", "{}", "a.b", "é😀", "--", "\u{1}", "\n", "::text",
    ] {
        backend.drop_collection(ITEMS).await.unwrap();
        let quoted = Value::from(text).to_string();
        let key = text.replace(['\n', '\u{1}'], "_");
        let quoted_key = Value::from(&*key).to_string();
        given(backend, &[&format!("{{{quoted_key}:{quoted}}}")]).await;
        let at = || keys(&[&key]);
        let query = selected(vec![
            at(),
            literal(&quoted),
            call(Function::Concat, vec![at(), literal(&quoted)]),
            call(
                Function::Replace,
                vec![at(), literal(&quoted), literal("\"r\"")],
            ),
            call(
                Function::Replace,
                vec![literal("\"aba\""), literal("\"b\""), at()],
            ),
            coalesce(vec![field("nope"), at()]),
        ]);
        let found = selections(backend, &query).await;
        let twice = Value::from(format!("{text}{text}"));
        let within = Value::from(format!("a{text}a"));
        let expected = format!("[{quoted},{quoted},{twice},\"r\",{within},{quoted}]");
        assert_eq!(found, [expected]);
    }
}

async fn computed_values_have_rules(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let refused = |query: Query| {
        let checked = query.check(Capabilities::all());
        assert_eq!(kind_of(checked), ErrorKind::InvalidQuery, "{query:?}");
    };
    let computed = || arithmetic(Add, x(), number("1"));
    refused(selected(vec![]));
    refused(filtered(computed()));
    refused(filtered(coalesce(vec![literal("true")])));
    refused(selected(vec![coalesce(vec![])]));
    refused(selected(vec![case_when(vec![], x())]));
    refused(selected(vec![case_when(vec![(x(), x())], x())]));
    refused(selected(vec![call(Function::Lower, vec![])]));
    refused(selected(vec![call(Function::Lower, vec![x(), x()])]));
    refused(selected(vec![call(Function::Concat, vec![])]));
    refused(selected(vec![call(Function::Now, vec![])]));
    refused(selected(vec![call(
        Function::Round { digits: 16 },
        vec![x()],
    )]));
    refused(selected(vec![element()]));
    refused(selected(vec![arithmetic(Add, element(), number("1"))]));
    refused(selected(vec![linked(x(), ITEMS, Expr::always())]));
    refused(filtered(contains(coalesce(vec![x()]), "1")));
    refused(filtered(has_key(coalesce(vec![x()]), "k")));
    refused(filtered(is_null(Expr::Len(Box::new(coalesce(vec![x()]))))));
    refused(filtered(Expr::IsEmpty(Box::new(coalesce(vec![x()])))));
    let deep = (0..40).fold(x(), |inner, _| arithmetic(Add, inner, number("1")));
    refused(selected(vec![deep.clone()]));
    refused(filtered(gt(deep, number("1"))));
    refused(selected(vec![literal("\"a\\u0000b\"")]));
    refused(selected(vec![arithmetic(
        Add,
        x(),
        Expr::Value(Value::Float(f64::NAN)),
    )]));
}
