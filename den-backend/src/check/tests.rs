//! What is refused before it reaches a backend, where the conformance suite does not look.

use crate::{
    Aggregate, AggregateFunction, ArgumentMode, Capabilities, Capability, Change, CompareOp,
    Direction, ErrorKind, Expr, Field, FieldKind, FieldPath, Function, Grouping, Native,
    NativeKind, Patch, Piece, Query, Result, Root, Seek, Select, Sort, Value,
};

fn field(path: &str) -> Expr {
    let path = FieldPath::parse(path).unwrap();
    Expr::Field(Field::document(path, FieldKind::Any))
}

fn native(kind: NativeKind) -> Native {
    Native {
        engine: "postgres",
        feature: "jsonb_path_exists",
        pieces: vec![
            Piece::Sql("jsonb_path_exists("),
            Piece::Argument(0, ArgumentMode::Json),
            Piece::Sql(")"),
        ],
        arguments: vec![field("x")],
        kind,
    }
}

fn selected(expr: Expr) -> Query {
    Query {
        select: Select::Values(vec![expr]),
        ..Query::new("c")
    }
}

fn filtered(filter: Expr) -> Query {
    Query {
        filter,
        ..Query::new("c")
    }
}

fn sorted(key: Expr) -> Query {
    Query {
        sort: vec![Sort {
            key,
            ..Sort::field(
                Field::document(FieldPath::parse("x").unwrap(), FieldKind::Any),
                Direction::Asc,
            )
        }],
        ..Query::new("c")
    }
}

fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    Expr::Call {
        function,
        arguments,
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

fn all() -> Capabilities {
    Capabilities::all()
}

#[test]
fn what_an_engine_computes_passes_everywhere_but_for_its_engine() {
    let values = || Expr::Native(native(NativeKind::Number));
    let test = || Expr::Native(native(NativeKind::Bool));
    let greater = Expr::compare(CompareOp::Gt, values(), Expr::Value(Value::Int(1)));
    let queries = [
        filtered(test()),
        filtered(test().not().and(greater)),
        sorted(values()),
        selected(values()),
        selected(call(Function::Abs, vec![values()])),
        Query {
            distinct_by: vec![values()],
            ..Query::new("c")
        },
    ];
    for query in queries {
        query.check(all()).unwrap();
        query.check_engine("postgres").unwrap();
        let message = "`jsonb_path_exists` is a feature of postgres; this database is sqlite";
        refused(
            query.check_engine("sqlite"),
            ErrorKind::Unsupported,
            message,
        );
    }
    filtered(test()).check(Capabilities::none()).unwrap();
    let path = FieldPath::parse("y").unwrap();
    let value = values();
    let patch = Patch::new(vec![Change::SetExpr { path, value }]);
    patch.check(all()).unwrap();
    patch.check_engine("postgres").unwrap();
    refused(
        patch.check_engine("memory"),
        ErrorKind::Unsupported,
        "this database is memory",
    );
    let grouping = |keys, operand, having| Grouping {
        having,
        ..Grouping::new(
            keys,
            vec![Aggregate {
                function: AggregateFunction::Max,
                operand: Some(operand),
            }],
        )
    };
    for grouping in [
        grouping(vec![values()], field("x"), Expr::always()),
        grouping(vec![], values(), Expr::always()),
        grouping(
            vec![],
            field("x"),
            Expr::never().or(Expr::IsNull(Box::new({
                let mut it = native(NativeKind::Text);
                it.arguments = vec![field("0")];
                Expr::Native(it)
            }))),
        ),
    ] {
        grouping.check(&Query::new("c"), all()).unwrap();
        grouping.check_engine("postgres").unwrap();
        refused(
            grouping.check_engine("sqlite"),
            ErrorKind::Unsupported,
            "a feature of postgres",
        );
    }
}

#[test]
fn what_an_engine_computes_has_rules() {
    let invalid = |native: Native, message: &str| {
        let checked = selected(Expr::Native(native)).check(all());
        refused(checked, ErrorKind::InvalidQuery, message);
    };
    // A value is no filter.
    let value = filtered(Expr::Native(native(NativeKind::Json)));
    refused(
        value.check(all()),
        ErrorKind::InvalidQuery,
        "must be a predicate",
    );
    let mut missing = native(NativeKind::Text);
    missing.arguments.clear();
    invalid(missing, "an argument is missing");
    let mut own_type = native(NativeKind::Text);
    own_type.pieces = vec![Piece::Argument(0, ArgumentMode::Native)];
    invalid(own_type.clone(), "must be of the engine's own type");
    own_type.arguments = vec![Expr::Native(native(NativeKind::Other))];
    selected(Expr::Native(own_type)).check(all()).unwrap();
    let mut element = native(NativeKind::Text);
    element.arguments = vec![Expr::Field(Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Any,
    })];
    invalid(element, "outside of its element predicate");
    let mut deep = native(NativeKind::Other);
    for _ in 0..40 {
        let inner = std::mem::replace(&mut deep, native(NativeKind::Other));
        deep.arguments = vec![Expr::Native(inner)];
    }
    invalid(deep, "nested deeper than 32 levels");
}

#[test]
fn names_of_an_engine_are_plain() {
    let named = |name: &str| {
        let mut it = native(NativeKind::Other);
        it.pieces.push(Piece::Name(name.to_owned()));
        selected(Expr::Native(it)).check(all())
    };
    for good in [
        "uuid",
        "text[]",
        "numeric(10,2)",
        "numeric(10,2)[]",
        "_a1",
        "char(1)",
    ] {
        named(good).unwrap();
    }
    let long = "x".repeat(64);
    for bad in [
        "", "Text", "1a", "a b", "a;", "a--", "a\"", "a'", "a(", "a()", "a(1", "a(1,)", "a(x)",
        "a(1)(2)", "a(1) ", "[]", "a[][]", "a[1]", "é", "public.a", "a\0", &long,
    ] {
        refused(named(bad), ErrorKind::InvalidQuery, "is no name that");
    }
}

#[test]
fn constants_neither_order_nor_group_nor_differ() {
    let seven = || {
        let (left, right) = (Expr::Value(Value::Int(3)), Expr::Value(Value::Int(4)));
        Expr::Arithmetic {
            op: crate::ArithmeticOp::Add,
            left: Box::new(left),
            right: Box::new(right),
        }
    };
    for constant in [seven(), Expr::Value("x".into())] {
        let invalid = ErrorKind::InvalidQuery;
        refused(
            sorted(constant.clone()).check(all()),
            invalid,
            "no sort key",
        );
        let grouping = Grouping::new(vec![constant.clone()], Vec::new());
        refused(
            grouping.check(&Query::new("c"), all()),
            invalid,
            "no key of a group",
        );
        let distinct = Query {
            distinct_by: vec![constant],
            ..Query::new("c")
        };
        refused(distinct.check(all()), invalid, "makes no documents differ");
    }
    let predicate = sorted(Expr::IsNull(Box::new(field("x"))));
    refused(
        predicate.check(all()),
        ErrorKind::InvalidQuery,
        "a predicate is no sort key",
    );
}

#[test]
fn what_is_missing_is_named() {
    let computed = call(Function::Lower, vec![field("x")]);
    let without = |missing| all().without(missing);
    let unsupported = ErrorKind::Unsupported;
    let expressions = without(Capability::Expressions);
    for query in [
        filtered(Expr::IsNull(Box::new(computed.clone()))),
        sorted(computed.clone()),
        selected(field("x")),
    ] {
        refused(query.check(expressions), unsupported, "computed values");
    }
    // A plain field is a key without them.
    let grouping = Grouping::new(vec![field("x")], Vec::new());
    grouping.check(&Query::new("c"), expressions).unwrap();
    let grouping = Grouping::new(vec![computed], Vec::new());
    refused(
        grouping.check(&Query::new("c"), expressions),
        unsupported,
        "computed values",
    );
    let groups = without(Capability::Groups);
    refused(
        grouping.check(&Query::new("c"), groups),
        unsupported,
        "groups",
    );
}

#[test]
fn a_position_fits_a_computed_order() {
    let at = |keys: Vec<Value>| Query {
        seek: Some(Seek {
            keys,
            id: "a".to_owned(),
        }),
        ..sorted(call(Function::Abs, vec![field("x")]))
    };
    at(vec![Value::Float(1.5)]).check(all()).unwrap();
    at(vec![Value::Null]).check(all()).unwrap();
    let invalid = ErrorKind::InvalidQuery;
    refused(at(vec![]).check(all()), invalid, "does not fit the order");
    let nan = at(vec![Value::Float(f64::NAN)]);
    refused(nan.check(all()), invalid, "NaN");
}

#[test]
fn a_computed_value_fits_into_a_document() {
    let put = |path: &str, value: Expr| {
        let path = FieldPath::parse(path).unwrap();
        Patch::new(vec![Change::SetExpr { path, value }]).check(all())
    };
    put("x", Expr::Value(Value::Null)).unwrap();
    let nul = Expr::Value("a\0".into());
    refused(put("x", nul), ErrorKind::InvalidDocument, "NUL");
    let nested = (0..127).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    refused(
        put("x", Expr::Value(nested)),
        ErrorKind::InvalidDocument,
        "127 levels",
    );
    let deep = vec!["a"; 128].join(".");
    refused(
        put(&deep, field("x")),
        ErrorKind::InvalidDocument,
        "127 levels",
    );
    let path = |text: &str| FieldPath::parse(text).unwrap();
    let moved = Change::Rename {
        from: path("x"),
        to: path(&deep),
    };
    let checked = Patch::new(vec![moved]).check(all());
    refused(checked, ErrorKind::InvalidDocument, "127 levels");
}
