use super::*;

#[test]
fn a_filter_that_lets_all_pass_is_known_as_such() {
    let test = || Expr::Value(Value::Bool(false));
    assert!(Expr::never().or(Expr::always()).is_always());
    assert!(test().or(Expr::always()).is_always());
    assert!(Expr::never().not().is_always());
    assert!(Expr::always().and(Expr::always()).is_always());
    assert!(test().and(Expr::never()).is_never());
    assert!(!test().or(Expr::never()).is_always());
}

#[test]
fn an_expression_is_the_same_after_json() {
    let x = || {
        let path = FieldPath::from_segments(["a.b", "0"]).unwrap();
        Box::new(Expr::Field(Field::document(path, FieldKind::Number)))
    };
    let element = Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Any,
    };
    let values: Vec<Value> = [
        "null",
        "true",
        "9007199254740993",
        "1.0",
        "1e300",
        "\"é'\"",
        r#"[{"k":[]}]"#,
    ]
    .iter()
    .map(|it| serde_json::from_str(it).unwrap())
    .collect();
    let literals = values.iter().cloned().map(|it| {
        let right = Expr::Value(it);
        Expr::compare(CompareOp::Ge, *x(), right)
    });
    let needle = "%_".to_owned();
    let all = literals.chain([
        Expr::In {
            operand: x(),
            values: values.clone(),
        },
        Expr::IsNull(Box::new(Expr::Len(x()))),
        Expr::Exists(element),
        Expr::Text {
            op: TextOp::StartsWith,
            ignore_case: true,
            operand: x(),
            needle,
        },
        Expr::Matches {
            operand: x(),
            pattern: Pattern::parse("^a+$").unwrap(),
        },
        Expr::Linked {
            operand: x(),
            collection: "c".to_owned(),
            predicate: Box::new(Expr::never()),
        },
        Expr::always().not(),
    ]);
    let expr = Expr::Not(Box::new(Expr::And(all.collect())));
    let text = serde_json::to_string(&expr).unwrap();
    let read: Expr = serde_json::from_str(&text).unwrap();
    assert_eq!(read, expr);
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(format!("{read:?}"), format!("{expr:?}"));
}

#[test]
fn a_computed_value_is_the_same_after_json() {
    let text = concat!(
        r#"{"case":{"branches":[[{"is_null":{"field":{"root":"element","path":[],"kind":"any"}}},"#,
        r#"{"coalesce":[{"value":null},{"value":1.0}]}]],"#,
        r#""otherwise":{"arithmetic":{"op":"div","#,
        r#""left":{"call":{"function":{"substr":{"start":1,"length":null}},"arguments":[{"value":"a"}]}},"#,
        r#""right":{"call":{"function":{"truncate":"week"},"arguments":["#,
        r#"{"call":{"function":"now","arguments":[]}}]}}}}}}"#
    );
    let read: Expr = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    let native = Expr::Native(Native {
        engine: "postgres",
        feature: "x",
        pieces: Vec::new(),
        arguments: Vec::new(),
        kind: crate::NativeKind::Text,
    });
    assert!(serde_json::to_string(&native).is_err());
}

#[test]
fn kinds_are_known_without_a_document() {
    let number = || Expr::Value(Value::Int(1));
    let text = || Expr::Value("a".into());
    let null = || Expr::Value(Value::Null);
    let path = FieldPath::parse("x").unwrap();
    let any = || Expr::Field(Field::document(path.clone(), FieldKind::Any));
    let cases = [
        (Expr::Coalesce(vec![null(), number()]), FieldKind::Number),
        (Expr::Coalesce(vec![text(), number()]), FieldKind::Any),
        (Expr::Coalesce(vec![any(), number()]), FieldKind::Any),
        (Expr::Coalesce(vec![null()]), FieldKind::Any),
        (Expr::Coalesce(vec![Expr::always()]), FieldKind::Bool),
    ];
    for (expr, kind) in cases {
        assert_eq!(expr.kind(), kind, "{expr:?}");
    }
    assert!(Expr::Coalesce(vec![null(), Expr::never()]).is_constant());
    assert!(!Expr::Coalesce(vec![null(), any()]).is_constant());
}

#[test]
fn bad_json_is_no_expression() {
    for bad in [
        r#"{"exists":{"root":"document","path":[""],"kind":"any"}}"#,
        r#"{"exists":{"root":"document","path":["a\u0000"],"kind":"any"}}"#,
        r#"{"matches":{"operand":{"value":"x"},"pattern":"("}}"#,
        r#"{"maybe":[]}"#,
    ] {
        assert!(serde_json::from_str::<Expr>(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_expression_in_json_is_short() {
    let path = FieldPath::parse("_deleted_at").unwrap();
    let live = Expr::IsNull(Box::new(Expr::Field(Field::document(path, FieldKind::Any))));
    assert_eq!(
        serde_json::to_string(&live).unwrap(),
        r#"{"is_null":{"field":{"root":"document","path":["_deleted_at"],"kind":"any"}}}"#
    );
}

#[test]
fn linked_collections_are_found_at_any_depth() {
    let linked = |collection: &str, predicate| Expr::Linked {
        operand: Box::new(Expr::Value(Value::Null)),
        collection: collection.to_owned(),
        predicate: Box::new(predicate),
    };
    let any = Expr::AnyElement {
        array: Box::new(Expr::Value(Value::Null)),
        predicate: Box::new(linked("b", linked("a", Expr::always()))),
    };
    let filter = Expr::Or(vec![any.not(), linked("c", linked("a", Expr::never()))]);
    let found = filter.linked_collections();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}
