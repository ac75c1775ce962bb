//! Values that cannot be stored exactly: refused before any I/O, naming the path.

use std::collections::BTreeMap;

use den::{ErrorKind, Json, field, prelude::*};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::json;

use super::support::{Item, count, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(floats_that_are_no_numbers),
    case!(text_with_nul),
    case!(integers_beyond_i64),
    case!(duplicate_keys),
    case!(maps_with_keys_that_are_no_text),
    case!(nesting_beyond_what_can_be_read_back),
    case!(ids_with_control_characters),
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

/// Each of these is refused, names the path, and leaves the document and the database alone.
async fn refuses(db: &Db, cases: impl IntoIterator<Item = (&str, Values)>) {
    // The error comes before any I/O, so that it also comes from a database that is gone.
    for (path, mut it) in cases {
        for error in [
            refused(it.insert(db).await, ErrorKind::InvalidDocument),
            refused(it.save(db).await, ErrorKind::InvalidDocument),
            refused(
                Values::save_all(db, std::slice::from_mut(&mut it)).await,
                ErrorKind::InvalidDocument,
            ),
        ] {
            assert!(error.to_string().contains(path), "{path}: {error}");
            assert_eq!(error.collection(), Some("values"));
        }
        assert!(it.id().is_empty() && !it.base.is_stored());
    }
}

async fn floats_that_are_no_numbers(on: &TestDb) {
    let db = on.with::<Values>().await;
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is no number stays none"
        )]
        let single = bad as f32;
        let inner = Inner {
            ratio: single,
            ..Default::default()
        };
        let new = Values::default;
        refuses(
            db,
            [
                ("single", Values { single, ..new() }),
                (
                    "double",
                    Values {
                        double: bad,
                        ..new()
                    },
                ),
                (
                    "maybe",
                    Values {
                        maybe: Some(bad),
                        ..new()
                    },
                ),
                (
                    "list.1",
                    Values {
                        list: vec![1.0, bad],
                        ..new()
                    },
                ),
                (
                    "inner.ratio",
                    Values {
                        inner: inner.clone(),
                        ..new()
                    },
                ),
                (
                    "inners.0.ratio",
                    Values {
                        inners: vec![inner],
                        ..new()
                    },
                ),
                (
                    "map.key",
                    Values {
                        map: [("key".into(), bad)].into(),
                        ..new()
                    },
                ),
            ],
        )
        .await;
    }
    assert_eq!(count::<Values>(db).await, 0);
}

async fn text_with_nul(on: &TestDb) {
    let db = on.with::<Values>().await;
    let bad = || "a\0b".to_owned();
    let new = Values::default;
    refuses(
        db,
        [
            (
                "text",
                Values {
                    text: bad(),
                    ..new()
                },
            ),
            (
                "inner.text",
                Values {
                    inner: Inner {
                        text: bad(),
                        ..Default::default()
                    },
                    ..new()
                },
            ),
            (
                "texts.k.0",
                Values {
                    texts: [("k".into(), vec![bad()])].into(),
                    ..new()
                },
            ),
            (
                "texts",
                Values {
                    texts: [(bad(), vec![])].into(),
                    ..new()
                },
            ),
            (
                "letter",
                Values {
                    letter: '\0',
                    data: json!(1),
                    ..new()
                },
            ),
            (
                "data.x",
                Values {
                    letter: 'a',
                    data: json!({"x": "\0"}),
                    ..new()
                },
            ),
            (
                "data",
                Values {
                    letter: 'a',
                    data: json!({"\0": 1}),
                    ..new()
                },
            ),
            (
                "extra",
                Values {
                    letter: 'a',
                    rest: [("extra".into(), json!("\0"))].into(),
                    ..new()
                },
            ),
        ],
    )
    .await;
    assert_eq!(count::<Values>(db).await, 0);
}

fn fine() -> Values {
    Values {
        letter: 'a',
        ..Default::default()
    }
}

async fn integers_beyond_i64(on: &TestDb) {
    let db = on.with::<Values>().await;
    let beyond = i64::MAX.unsigned_abs() + 1;
    refuses(
        db,
        [
            (
                "large",
                Values {
                    large: beyond,
                    ..fine()
                },
            ),
            (
                "large",
                Values {
                    large: u64::MAX,
                    ..fine()
                },
            ),
            (
                "larges.2",
                Values {
                    larges: vec![Some(1), None, Some(beyond)],
                    ..fine()
                },
            ),
            (
                "wide",
                Values {
                    wide: i128::from(i64::MIN) - 1,
                    ..fine()
                },
            ),
            (
                "data.n",
                Values {
                    data: json!({"n": u64::MAX}),
                    ..fine()
                },
            ),
        ],
    )
    .await;
    let mut largest = Values {
        large: beyond - 1,
        wide: i64::MIN.into(),
        ..fine()
    };
    largest.save(db).await.unwrap();
    assert_eq!(Values::find(db, largest.id()).await.unwrap(), largest);
    assert_eq!(count::<Values>(db).await, 1);
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

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "twice")]
struct HoldsTwice {
    #[serde(flatten)]
    base: Base<HoldsTwice>,
    #[den(kind = "object")]
    nested: Twice,
}

async fn duplicate_keys(on: &TestDb) {
    let db = on.with::<(Values, HoldsTwice)>().await;
    // A flattened map meets a field, and a key of den's own.
    for key in ["text", "_id", "_created_at"] {
        let it = Values {
            rest: [(key.to_owned(), json!("x"))].into(),
            ..fine()
        };
        refuses(db, [(key, it)]).await;
    }
    let error = refused(
        HoldsTwice::default().save(db).await,
        ErrorKind::InvalidDocument,
    );
    assert!(error.to_string().contains("nested.same"), "{error}");
    assert_eq!(count::<Values>(db).await + count::<HoldsTwice>(db).await, 0);
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

async fn nesting_beyond_what_can_be_read_back(on: &TestDb) {
    let db = on.with::<Values>().await;
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| Json::Array(vec![inner]));
    let mut deep = Values {
        data: nested(100),
        ..fine()
    };
    deep.save(db).await.unwrap();
    assert_eq!(Values::find(db, deep.id()).await.unwrap(), deep);
    for depth in [128, 200, 300] {
        let mut it = Values {
            data: nested(depth),
            ..fine()
        };
        refused(it.save(db).await, ErrorKind::InvalidDocument);
        let outcome = db
            .collection("values")
            .insert(json!({"data": nested(depth)}))
            .await;
        refused(outcome, ErrorKind::InvalidDocument);
        let filter = Values::fields().data.eq(nested(depth));
        let outcome = Values::query(db).filter(filter).count().await;
        assert!(
            matches!(&outcome, Ok(0)) || outcome.unwrap_err().kind() == ErrorKind::InvalidQuery
        );
    }
    assert_eq!(count::<Values>(db).await, 1);
}

async fn ids_with_control_characters(on: &TestDb) {
    let db = on.with::<Item>().await;
    for id in ["a\0b", "\0", "a\nb", "\u{7f}", "\t"] {
        let mut it = item("a");
        it.base.id = Id::new(id);
        let before = it.clone();
        refused(it.insert(db).await, ErrorKind::InvalidDocument);
        refused(it.save(db).await, ErrorKind::InvalidDocument);
        refused(
            Item::insert_many(db, std::slice::from_mut(&mut it)).await,
            ErrorKind::InvalidDocument,
        );
        assert_eq!(it, before);
        refused(
            db.collection("items").insert(json!({"_id": id})).await,
            ErrorKind::InvalidDocument,
        );
        // Looking for it is no mistake, or is refused: but never an error of the engine.
        match Item::get(db, id).await {
            Ok(found) => assert_eq!(found, None),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}"),
        }
        match Item::get_many(db, [id, "x"]).await {
            Ok(found) => assert_eq!(found, []),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}"),
        }
        assert!(it.update(db).await.is_err());
        assert!(it.delete(db).await.is_err());
        assert!(db.collection("items").delete(id).await.is_err());
    }
    assert_eq!(count::<Item>(db).await, 0);
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
