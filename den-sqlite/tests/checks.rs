//! Checks and types of SQLite against those of the reference: every filter, every shape of document.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{
    ITEMS,
    schema::{constrain, field, file, items, of_type, path, put},
};
use den_backend::{
    ArithmeticOp, Backend, CollectionMeta, CompareOp, ConstraintKind, Expr, Field, FieldKind,
    FieldPath, JsonType, Pattern, Query, Root, SchemaChange, TextOp, Value,
};

/// Documents of every shape, each with the path `v`.
const ZOO: [&str; 26] = [
    "{}",
    r#"{"v":null}"#,
    r#"{"v":0}"#,
    r#"{"v":1}"#,
    r#"{"v":1.0}"#,
    r#"{"v":1.5}"#,
    r#"{"v":-3}"#,
    r#"{"v":9007199254740993}"#,
    r#"{"v":1e300}"#,
    r#"{"v":""}"#,
    r#"{"v":"1"}"#,
    r#"{"v":"Ab"}"#,
    r#"{"v":"it's \"é\""}"#,
    r#"{"v":true}"#,
    r#"{"v":false}"#,
    r#"{"v":[]}"#,
    r#"{"v":[1,"a",null]}"#,
    r#"{"v":[[1],{"a":1}]}"#,
    r#"{"v":["Ab","b"]}"#,
    r#"{"v":{}}"#,
    r#"{"v":{"a":1}}"#,
    r#"{"v":{"a":{"b c":[5]}}}"#,
    r#"{"v":{"0":7}}"#,
    r#"{"v":[7],"w":7}"#,
    r#"{"v":1,"w":1}"#,
    r#"{"v":"x","w":"x"}"#,
];

fn filters() -> Vec<Expr> {
    let v = || field("v", FieldKind::Any);
    let at = |segments: &[&str]| {
        let path = FieldPath::from_segments(segments.iter().copied()).unwrap();
        Expr::Field(Field::document(path, FieldKind::Any))
    };
    let element = |kind| {
        Expr::Field(Field {
            root: Root::Element,
            path: FieldPath::root(),
            kind,
        })
    };
    let value = |it: &str| serde_json::from_str::<Value>(it).unwrap();
    let literal = |it: &str| Expr::Value(value(it));
    let text = |op, ignore_case, needle: &str| Expr::Text {
        op,
        ignore_case,
        operand: Box::new(v()),
        needle: needle.to_owned(),
    };
    let small = Expr::compare(CompareOp::Lt, element(FieldKind::Number), literal("6"));
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(v()),
        right: Box::new(literal("1")),
    };
    vec![
        Expr::compare(CompareOp::Eq, v(), literal("1")),
        Expr::compare(CompareOp::Eq, v(), literal("\"it's \\\"é\\\"\"")),
        Expr::compare(CompareOp::Eq, v(), literal(r#"{"a":1}"#)),
        Expr::compare(CompareOp::Ge, v(), literal("1.5")),
        Expr::compare(CompareOp::Lt, v(), literal("\"B\"")),
        Expr::compare(CompareOp::Eq, v(), literal("true")),
        Expr::compare(CompareOp::Eq, v(), field("w", FieldKind::Any)),
        Expr::compare(CompareOp::Eq, at(&["v", "0"]), literal("7")),
        Expr::compare(CompareOp::Eq, at(&["v", "a", "b c", "0"]), literal("5")),
        Expr::compare(CompareOp::Gt, Expr::Len(Box::new(v())), literal("1")),
        Expr::compare(CompareOp::Gt, sum.clone(), literal("1")),
        Expr::compare(
            CompareOp::Eq,
            Expr::Coalesce(vec![field("w", FieldKind::Any), v()]),
            literal("1"),
        ),
        Expr::In {
            operand: Box::new(v()),
            values: vec![value("1"), value("\"Ab\""), value("true"), value("[]")],
        },
        Expr::IsNull(Box::new(v())),
        Expr::IsNull(Box::new(sum)),
        Expr::Exists(Field::document(path("v"), FieldKind::Any)),
        text(TextOp::StartsWith, false, "A"),
        text(TextOp::Contains, true, "B"),
        text(TextOp::EndsWith, false, "\""),
        text(TextOp::Equals, true, "aB"),
        Expr::Matches {
            operand: Box::new(v()),
            pattern: Pattern::parse("^[A-Z]").unwrap(),
        },
        Expr::Contains {
            array: Box::new(v()),
            value: value("[1]"),
        },
        Expr::Contains {
            array: Box::new(v()),
            value: Value::Null,
        },
        Expr::IsEmpty(Box::new(v())),
        Expr::AnyElement {
            array: Box::new(v()),
            predicate: Box::new(small.clone()),
        },
        Expr::AllElements {
            array: Box::new(v()),
            predicate: Box::new(small),
        },
        Expr::HasKey {
            object: Box::new(v()),
            key: "a".to_owned(),
        },
    ]
}

#[tokio::test]
async fn a_check_keeps_out_what_its_filter_leaves_out() {
    let (_folder, file) = file();
    let db = items(&file).await;
    let rules = filters().into_iter().flat_map(|filter| {
        let not = filter.clone().not();
        [filter, not].map(|filter| ConstraintKind::Check { filter })
    });
    let types = [
        JsonType::String,
        JsonType::Integer,
        JsonType::Number,
        JsonType::Bool,
        JsonType::Array,
        JsonType::Object,
    ];
    let types = types.iter().map(|it| of_type("v", &[*it]));
    let memory = den_backend::memory::MemoryBackend::new();
    memory
        .ensure_collection(&CollectionMeta::new(ITEMS))
        .await
        .unwrap();
    for kind in rules.chain(types) {
        let rule = constrain(&*db, kind.clone()).await.unwrap();
        constrain(&memory, kind.clone()).await.unwrap();
        for (number, json) in ZOO.iter().enumerate() {
            let id = number.to_string();
            let wanted = put(&memory, &id, json).await.map_err(|it| it.kind());
            let done = put(&*db, &id, json).await.map_err(|it| it.kind());
            assert_eq!(done, wanted, "{kind:?} {json}");
        }
        let drop = SchemaChange::DropConstraint {
            collection: ITEMS.to_owned(),
            name: rule.name.clone(),
        };
        for it in [&*db as &dyn Backend, &memory] {
            it.alter(&drop).await.unwrap();
        }
        // Made again, it finds those that broke it.
        for (number, json) in ZOO.iter().enumerate() {
            for it in [&*db as &dyn Backend, &memory] {
                put(it, &number.to_string(), json).await.unwrap();
            }
        }
        let found = constrain(&*db, kind.clone())
            .await
            .map_err(|it| it.offenders().to_vec());
        let wanted = constrain(&memory, kind.clone())
            .await
            .map_err(|it| it.offenders().to_vec());
        assert_eq!(found, wanted, "{kind:?}");
        if found.is_ok() {
            for it in [&*db as &dyn Backend, &memory] {
                it.alter(&drop).await.unwrap();
            }
        }
        for it in [&*db as &dyn Backend, &memory] {
            it.delete_matching(&Query::new(ITEMS)).await.unwrap();
        }
    }
    db.close().await.unwrap();
}
