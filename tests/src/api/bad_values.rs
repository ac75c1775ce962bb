//! Values at and beyond the limits, as operands and in untyped documents; what is stored through a
//! type is in `bad_documents`.

use std::collections::BTreeMap;

use den::{ErrorKind, Json, field, prelude::*};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::json;

use super::support::refused;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(maps_with_keys_that_are_no_text),
    case!(bad_operands),
    case!(bad_values_in_untyped_documents),
    case!(extreme_values_that_are_fine),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Inner {
    ratio: f32,
    text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "values")]
struct Values {
    #[serde(flatten)]
    base: Base<Values>,
    single: f32,
    double: f64,
    maybe: Option<f64>,
    list: Vec<f64>,
    inner: Inner,
    inners: Vec<Inner>,
    map: BTreeMap<String, f64>,
    text: String,
    texts: BTreeMap<String, Vec<String>>,
    large: u64,
    larges: Vec<Option<u64>>,
    wide: i128,
    letter: char,
    data: Json,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

fn fine() -> Values {
    Values {
        letter: 'a',
        ..Default::default()
    }
}

/// Writes one key twice.
#[derive(Debug, Clone, Default, Deserialize)]
struct Twice;

impl Serialize for Twice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("same", &1)?;
        map.serialize_entry("same", &2)?;
        map.end()
    }
}

async fn maps_with_keys_that_are_no_text(on: &TestDb) {
    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "pairs")]
    struct Pairs {
        #[serde(flatten)]
        base: Base<Pairs>,
        pairs: BTreeMap<(i64, i64), i64>,
    }
    let db = on.with::<Pairs>().await;
    Pairs::default().save(db).await.unwrap();
    let mut it = Pairs {
        pairs: [((1, 2), 3)].into(),
        ..Default::default()
    };
    let error = refused(it.save(db).await, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("pairs"), "{error}");
}

async fn bad_operands(on: &TestDb) {
    let db = on.with::<Values>().await;
    let p = Values::fields();
    let nul = "a\0b";
    for filter in [
        p.double.eq(f64::NAN),
        p.double.lt(f64::INFINITY),
        p.double.is_in([1.0, f64::NEG_INFINITY]),
        p.double.between(f64::NAN, 1.0),
        p.single.ne(f32::NAN),
        p.list.contains(f64::NAN),
        p.list.contains_any([f64::NAN]),
        p.list.any_element(|it| it.gt(f64::NAN)),
        p.large.eq(u64::MAX),
        p.large.is_in([u64::MAX]),
        p.text.eq(nul),
        p.text.ne(nul),
        p.text.is_in(["a", nul]),
        p.text.contains(nul),
        p.text.starts_with_ci(nul),
        p.text.eq_ci(nul),
        p.base.id.eq(nul),
        p.map.has_key(nul),
        p.data.eq(json!({"k": nul})),
        p.data.eq(json!({nul: 1})),
        field("text").eq(nul),
        field("double").gt(f64::NAN),
        field("large").eq(u64::MAX),
        field("data").eq(Twice),
        field("data").eq(json!(null)),
        field("data").lt(json!([1])),
        field("data").is_in([json!(1), json!(null)]),
        field("data").eq(None::<i64>),
    ] {
        let note = format!("{filter:?}");
        for filter in [
            filter.clone(),
            !filter.clone(),
            Filter::any([p.text.eq("x"), filter]),
        ] {
            let outcome = Values::query(db).filter(filter).all().await;
            let error = outcome.expect_err(&note);
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{note}: {error:?}");
        }
    }
    let error = Values::query(db)
        .filter(field("data").is_in([json!(null)]))
        .all()
        .await;
    assert!(error.unwrap_err().to_string().contains("is_null"));
}

async fn bad_values_in_untyped_documents(on: &TestDb) {
    let db = on.with::<Values>().await;
    let values = db.collection("values");
    for bad in [
        json!({"a": "\0"}),
        json!({"a": [{"b": "\0"}]}),
        json!({"\0": 1}),
        json!({"a": u64::MAX}),
        json!([1]),
        json!("text"),
        json!(null),
        json!({"_id": 5}),
        json!({"_id": ""}),
        json!({"_id": ["x"]}),
    ] {
        refused(values.insert(bad.clone()).await, ErrorKind::InvalidDocument);
        assert!(values.replace(bad).await.is_err());
    }
    assert_eq!(values.query().count().await.unwrap(), 0);
}

async fn extreme_values_that_are_fine(on: &TestDb) {
    let db = on.with::<Values>().await;
    let mut it = Values {
        single: f32::MIN_POSITIVE,
        double: -0.0,
        list: vec![
            f64::MAX,
            f64::MIN,
            f64::EPSILON,
            5e-324,
            1e15,
            1e16,
            1e17,
            123_456_789_012_345_680.0,
        ],
        text: "\u{1}\u{1f}\u{7f}\u{85}\u{2028}\u{fffe}\u{ffff}\u{10ffff}\r\n\t\\\"/".into(),
        larges: vec![Some(i64::MAX.unsigned_abs())],
        texts: [(String::new(), vec![String::new()])].into(),
        data: json!({"": {"": [[], {}]}, "e": 1e300, "m": -1}),
        rest: [("$ref".into(), json!(1)), ("a.b".into(), json!({"c.d": 1}))].into(),
        ..fine()
    };
    it.save(db).await.unwrap();
    let back = Values::find(db, it.id()).await.unwrap();
    assert_eq!(back, it);
    assert_eq!(back.single.to_bits(), it.single.to_bits());
}
