//! The same rules for documents and operands, as tables.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error as _,
};

use serde::{
    Deserialize, Serializer,
    ser::{Error as _, SerializeMap},
};
use serde_json::{Map, json};

use super::*;

/// A document of one field.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct One<T> {
    x: T,
}

#[derive(Serialize)]
struct Flat<A, B> {
    #[serde(flatten)]
    a: A,
    #[serde(flatten)]
    b: B,
}

fn text<T: Serialize>(value: &T) -> String {
    String::from_utf8(document(value).unwrap()).unwrap()
}

/// The text of `it` within a document.
fn inner<T: Serialize>(x: T) -> String {
    let text = text(&One { x });
    text[5..text.len() - 1].to_owned()
}

#[track_caller]
fn refuses<T: Serialize>(value: &T, why: &str) {
    let error = document(value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDocument);
    assert_eq!(
        error.to_string(),
        format!("the document cannot be stored: {why}")
    );
}

#[track_caller]
fn operand_refuses<T: Serialize>(value: &T, why: &str) {
    let error = operand(value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(error.to_string(), why);
}

/// Document, serde_json and operand agree on `x`.
#[track_caller]
fn agrees<T: Serialize>(x: T) {
    let one = One { x };
    let expected = serde_json::to_value(&one).unwrap();
    let written = document(&one).unwrap();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&written).unwrap(),
        expected
    );
    let value = operand(&one.x).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), expected["x"]);
    assert_eq!(operand(&expected["x"]).unwrap(), value);
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Unit,
    Newtype(i32),
    Tuple(i32, Option<bool>),
    Struct { a: i32 },
}

#[derive(Serialize, PartialEq, Eq, Hash)]
enum Name {
    A,
}

#[derive(Serialize, PartialEq, Eq, Hash)]
struct Wrapped(Option<u8>);

struct Bytes;

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[0, 255])
    }
}

/// Writes what is in it with `Display`.
struct Shown(&'static str);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

#[test]
fn every_shape_is_written_as_serde_json_writes_it() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Tuple(i32, String);
    agrees(Shape::Unit);
    agrees(Shape::Newtype(1));
    agrees(Shape::Tuple(1, None));
    agrees(Shape::Struct { a: 1 });
    agrees(Unit);
    agrees(Tuple(1, "a".into()));
    agrees(Wrapped(None));
    agrees((1, "a", [true; 2]));
    agrees(());
    agrees(Some(Some(1)));
    agrees(None::<Option<i32>>);
    agrees('ß');
    agrees(Bytes);
    agrees(Shown("a \"b\"\n"));
    agrees(HashMap::from([(1_i32, "one"), (-2, "two")]));
    agrees(HashMap::from([('c', 1)]));
    agrees(HashMap::from([(Name::A, 1)]));
    agrees(HashMap::from([(true, 1)]));
    agrees(HashMap::from([(u128::MAX, 1)]));
    assert_eq!(inner(HashMap::from([(Wrapped(Some(1)), 1)])), r#"{"1":1}"#);
    agrees(
        json!({ "a": [1, 2.5, null, { "b": "c" }], "ключ 🔑 \"q\" \\": "значение\u{1}\u{8}\u{c}\t\r\n\u{7f}\u{2028}" }),
    );
    agrees(Vec::<i32>::new());
    agrees(BTreeMap::<String, i32>::new());
    agrees("a long text without anything to escape, then a \\ and then \u{1f}, the rest of it");
}

#[test]
fn every_character_is_read_back() {
    let all: String = (1..0x300_u32).filter_map(char::from_u32).collect();
    for at in all.char_indices() {
        let x = all[at.0..].chars().take(70).collect::<String>();
        let one = One { x };
        assert_eq!(document(&one).unwrap(), serde_json::to_vec(&one).unwrap());
    }
}

#[test]
fn integers_are_exact_within_i64() {
    for it in [i64::MIN, -1, 0, 1, 9_007_199_254_740_993, i64::MAX] {
        assert_eq!(inner(it), it.to_string());
        assert_eq!(inner(i128::from(it)), it.to_string());
        assert!(matches!(operand(&it).unwrap(), Value::Int(value) if value == it));
    }
    assert_eq!(inner(i64::MAX.unsigned_abs()), i64::MAX.to_string());
    assert_eq!(inner(u8::MAX), "255");
    let why = "is an integer outside the range of i64";
    refuses(&One { x: 1_u64 << 63 }, &format!("`x` {why}"));
    refuses(&One { x: u128::MAX }, &format!("`x` {why}"));
    refuses(
        &One {
            x: i128::from(i64::MIN) - 1,
        },
        &format!("`x` {why}"),
    );
    refuses(&json!({ "a": [0, u64::MAX] }), &format!("`a.1` {why}"));
    operand_refuses(&u64::MAX, &format!("the value {why}"));
}

#[test]
fn floats_are_written_as_float_text_and_read_back() {
    let floats = [
        0.0,
        -0.0,
        1.0,
        5.0,
        0.1,
        -2.5,
        1e-5,
        1e-4,
        0.000_123,
        9.999e-6,
        1e-7,
        5e-324,
        1e15,
        1e16,
        123_456_789.125,
        9_007_199_254_740_991.0,
        9_007_199_254_740_992.0,
        1_234_567_890_123_456_768.0,
        -9.2e18,
        9_223_372_036_854_775_807.0,
        1e19,
        1e21,
        1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        std::f64::consts::PI,
    ];
    for it in floats {
        let written = inner(it);
        assert_eq!(written, den_backend::value::float_text(it));
        assert_eq!(written.parse::<f64>().unwrap(), it);
        assert_eq!(operand(&it).unwrap(), Value::Float(it));
        let back: One<f64> = decode("c", "i", &document(&One { x: it }).unwrap()).unwrap();
        assert_eq!(back.x.to_bits(), it.to_bits(), "{it:?}");
    }
    assert_eq!(inner(1_234_567_890_123_456_768.0), "1234567890123456768.0");
}

#[test]
fn single_precision_floats_keep_their_text() {
    assert_eq!(inner(0.1_f32), "0.1");
    assert_eq!(operand(&0.1_f32).unwrap(), Value::Float(0.1));
    assert_eq!(inner(123_456_792_f32), "123456792.0");
    let floats = [
        0.1_f32,
        -1.5e-10,
        1e-45,
        3.4e38,
        f32::MAX,
        f32::MIN_POSITIVE,
        16_777_217.0,
        1.0e20,
    ];
    for x in floats {
        let back: One<f32> = decode("c", "i", &document(&One { x }).unwrap()).unwrap();
        assert_eq!(back.x, x);
    }
}

#[test]
fn what_is_no_number_is_refused_with_its_path() {
    refuses(&One { x: f64::NAN }, "`x` is NaN");
    refuses(&One { x: f32::NAN }, "`x` is NaN");
    refuses(
        &One {
            x: f32::NEG_INFINITY,
        },
        "`x` is infinite",
    );
    refuses(
        &One {
            x: One {
                x: vec![(0.0, 1.0), (1.0, f64::INFINITY)],
            },
        },
        "`x.x.1.1` is infinite",
    );
    refuses(
        &One {
            x: HashMap::from([("ключ", Some(f64::NAN))]),
        },
        "`x.ключ` is NaN",
    );
    refuses(&(vec![One { x: 1 }, One { x: 2 }], f64::NAN), "`1` is NaN");
    refuses(&f64::NAN, "it is NaN");
    // A closed object before the value leaves nothing in the path.
    refuses(
        &One {
            x: (One { x: 1 }, Shape::Tuple(1, None), f64::NAN),
        },
        "`x.2` is NaN",
    );
    #[derive(Serialize)]
    enum Kind {
        Tuple(i32, f64),
        Struct { a: f64 },
    }
    refuses(
        &One {
            x: Kind::Tuple(1, f64::NAN),
        },
        "`x.Tuple.1` is NaN",
    );
    refuses(
        &One {
            x: Kind::Struct { a: f64::NAN },
        },
        "`x.Struct.a` is NaN",
    );
    operand_refuses(&f64::NAN, "the value is NaN");
    operand_refuses(&[1.0, f64::INFINITY], "the value is infinite");
}

#[test]
fn nul_is_refused_in_text_and_keys() {
    refuses(&One { x: ["a", "\0"] }, "`x.1` has a NUL character");
    refuses(&One { x: '\0' }, "`x` has a NUL character");
    refuses(&One { x: Shown("a\0") }, "`x` has a NUL character");
    refuses(
        &One {
            x: json!({ "a\0": 1 }),
        },
        "`x` has a key with a NUL character",
    );
    refuses(
        &json!({ "a": { "\0": 1 } }),
        "`a` has a key with a NUL character",
    );
    refuses(&json!({ "\0": 1 }), "it has a key with a NUL character");
    operand_refuses(&"a\0b", "the value has a NUL character");
    operand_refuses(
        &json!({ "a\0": 1 }),
        "the value has a key with a NUL character",
    );
}

#[test]
fn a_key_occurs_once() {
    let map = |keys: &[&str]| {
        keys.iter()
            .map(|it| (*it).to_owned())
            .map(|it| (it, 1))
            .collect::<BTreeMap<_, _>>()
    };
    let flat = Flat {
        a: One { x: 1 },
        b: map(&["a", "x"]),
    };
    refuses(&flat, "`x` occurs twice");
    refuses(&One { x: vec![flat] }, "`x.0.x` occurs twice");
    operand_refuses(
        &Flat {
            a: One { x: 1 },
            b: One { x: 1 },
        },
        "the value has a key that occurs twice",
    );
    assert_eq!(
        text(&Flat {
            a: One { x: 1 },
            b: map(&["y"])
        }),
        r#"{"x":1,"y":1}"#
    );
    // The same key in an object within, or beside, is another key.
    assert_eq!(
        inner((One { x: One { x: 1 } }, One { x: 1 })),
        r#"[{"x":{"x":1}},{"x":1}]"#
    );

    let many: BTreeMap<String, u32> = (0..1000).map(|it| (format!("key {it}"), it)).collect();
    agrees(&many);
    for last in ["key 0", "key 31", "key 32", "key 999"] {
        refuses(
            &Flat {
                a: &many,
                b: map(&[last]),
            },
            &format!("`{last}` occurs twice"),
        );
    }
    let unsorted: HashMap<String, u32> = (0..1000).map(|it| (format!("key {it}"), it)).collect();
    agrees(&unsorted);
    for last in ["key 0", "key 31", "key 999"] {
        refuses(
            &Flat {
                a: &unsorted,
                b: map(&[last]),
            },
            &format!("`{last}` occurs twice"),
        );
    }
    // Keys written as different types are the same text.
    struct Twice;
    impl Serialize for Twice {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry(&1, &1)?;
            map.serialize_entry("1", &1)?;
            map.end()
        }
    }
    refuses(&Twice, "`1` occurs twice");
}

#[test]
fn keys_that_are_not_text_are_refused() {
    refuses(
        &One {
            x: BTreeMap::from([((1, 2), 3)]),
        },
        "`x` has a key that is not text",
    );
    refuses(
        &BTreeMap::from([(None::<i32>, 3)]),
        "it has a key that is not text",
    );
    operand_refuses(
        &BTreeMap::from([(vec![1], 3)]),
        "the value has a key that is not text",
    );
}

#[test]
fn a_document_is_an_object() {
    for it in [json!([]), json!("{"), json!(1), json!(null)] {
        refuses(&it, "it is not an object");
    }
    assert_eq!(text(&json!({})), "{}");
    assert_eq!(text(&Shape::Newtype(1)), r#"{"newtype":1}"#);
}

#[test]
fn what_is_written_can_be_read() {
    let nested = |depth: usize| {
        (1..depth).fold(json!({}), |inner, at| {
            if at % 2 == 1 {
                json!([inner])
            } else {
                json!({ "a": inner })
            }
        })
    };
    let deepest = document(&nested(127)).unwrap();
    assert!(decode::<serde_json::Value>("c", "i", &deepest).is_ok());
    assert!(operand(&nested(127)).is_ok());
    let too_deep = One { x: nested(127) };
    let error = document(&too_deep).unwrap_err().to_string();
    assert!(
        error.ends_with(".0.a` is nested too deeply")
            || error.ends_with(".a.0` is nested too deeply"),
        "{error}"
    );
    operand_refuses(&nested(128), "the value is nested too deeply");
    let one_more = [b"[".as_slice(), &deepest, b"]"].concat();
    assert!(serde_json::from_slice::<serde_json::Value>(&one_more).is_err());
}

#[test]
fn what_the_type_says_is_passed_on() {
    struct Never;
    impl Serialize for Never {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("not today"))
        }
    }
    refuses(&One { x: [Never] }, "`x.0`: not today");
    refuses(&Never, "not today");
    operand_refuses(&Never, "not today");

    /// Does not care about errors.
    struct Careless;
    impl Serialize for Careless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            let _ = map.serialize_entry("a", &f64::NAN);
            map.end()
        }
    }
    refuses(&Careless, "its Serialize went on after an error");
}

#[test]
fn numbers_passed_as_text_are_exact_or_refused() {
    /// What serde_json's `Number` does when `arbitrary_precision` is on.
    struct Number(&'static str);
    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut it = serializer.serialize_struct(check::NUMBER_TOKEN, 1)?;
            it.serialize_field(check::NUMBER_TOKEN, self.0)?;
            it.end()
        }
    }
    let cases = [
        ("1", "1"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.10", "1.1"),
        ("-0.5e1", "-5.0"),
        ("1.2345678901234568e18", "1234567890123456768.0"),
        ("1234567890123456768.000", "1234567890123456768.0"),
        ("0.0", "0.0"),
        ("1E+2", "100.0"),
    ];
    for (given, written) in cases {
        assert_eq!(inner(Number(given)), written);
        assert_eq!(operand(&Number(given)).unwrap().to_string(), written);
    }
    refuses(
        &One {
            x: Number("18446744073709551615"),
        },
        "`x` is an integer outside the range of i64",
    );
    refuses(&One { x: Number("1e999") }, "`x` is infinite");
    let why = "is a number with more digits than an f64 keeps: store it as text";
    for it in ["0.12345678901234567890", "9007199254740993.5"] {
        refuses(&One { x: Number(it) }, &format!("`x` {why}"));
        operand_refuses(&Number(it), &format!("the value {why}"));
    }
}

#[test]
fn what_does_not_read_names_the_document() {
    let error = decode::<One<i32>>("things", "t1", br#"{"x":"secret"}"#).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        "the stored document cannot be read: things/t1"
    );
    assert!(error.source().is_some());
    assert_eq!(
        decode::<One<i32>>("things", "t1", br#"{"x":1}"#).unwrap(),
        One { x: 1 }
    );
    assert!(decode::<Map<String, serde_json::Value>>("things", "t1", b"{} x").is_err());
}
