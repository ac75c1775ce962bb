//! Numbers on the wire.

use den_backend::{CompareOp, Expectation, Expr, Query, Value};
use futures_util::TryStreamExt as _;

use crate::{
    Case, case,
    support::{Schema, n, put, things},
};

pub(super) const CASES: &[Case] = &[
    case!(numbers_are_bound_exactly),
    case!(numbers_are_bound_exactly_in_lists),
];

fn numbers() -> Vec<Value> {
    let mut numbers: Vec<Value> = [
        0,
        1,
        -1,
        9_999,
        10_000,
        10_001,
        -123_456_789,
        i64::MAX,
        i64::MIN,
    ]
    .map(Value::Int)
    .to_vec();
    numbers.extend((1..=18).map(|it| Value::Int(10_i64.pow(it))));
    let floats = [
        0.1,
        -0.5,
        1.5,
        1e-4,
        1e-5,
        1.234_5e-7,
        123_456.789,
        1e15,
        1e16,
        1e22,
        1.5e300,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        9_007_199_254_740_993.0,
    ];
    numbers.extend(floats.map(Value::Float));
    // Any bit pattern is a float; these are the same in each run.
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    while numbers.len() < 200 {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let float = f64::from_bits(bits);
        if float.is_finite() {
            numbers.push(Value::Float(float));
        }
    }
    numbers
}

fn spelled(number: &Value) -> String {
    number.to_string()
}

async fn numbers_are_bound_exactly(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    for (i, number) in numbers().iter().enumerate() {
        let id = i.to_string();
        let body = format!(r#"{{"_id":"{id}","n":{}}}"#, spelled(number));
        backend
            .put("things", put(&id, &body, Expectation::Any))
            .await
            .unwrap();
    }
    for (i, number) in numbers().iter().enumerate() {
        let mut query = Query::new("things");
        query.filter = n(CompareOp::Eq, number.clone());
        let rows: Vec<_> = backend
            .query(&query)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let ids: Vec<_> = rows.iter().map(|it| it.id.clone()).collect();
        assert!(ids.contains(&i.to_string()), "{number} found {ids:?}");
        assert!(ids.len() <= 2, "{number} found {ids:?}");
    }
}

async fn numbers_are_bound_exactly_in_lists(schema: &Schema) {
    let backend = schema.open("").await;
    backend.ensure_collection(&things()).await.unwrap();
    for (i, number) in numbers().iter().enumerate() {
        let id = i.to_string();
        let body = format!(r#"{{"_id":"{id}","n":{}}}"#, spelled(number));
        backend
            .put("things", put(&id, &body, Expectation::Any))
            .await
            .unwrap();
    }
    let mut query = Query::new("things");
    let Expr::Compare { left, .. } = n(CompareOp::Eq, 0) else {
        unreachable!("`n` makes a comparison")
    };
    query.filter = Expr::In {
        operand: left,
        values: numbers(),
    };
    assert_eq!(backend.count(&query).await.unwrap(), 200);
}
