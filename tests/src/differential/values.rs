//! Random JSON values, from pools so small that documents and literals meet.

use den_backend::Value;
use proptest::{collection, prelude::*, sample::select, strategy::Union};

const INTEGERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    10,
    9_007_199_254_740_991,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    -9_007_199_254_740_993,
    1_234_567_890_123_456_768,
    i64::MAX - 1,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

const FLOATS: &[f64] = &[
    0.5,
    1.0,
    -0.0,
    0.1,
    0.3,
    0.300_000_000_000_000_04,
    -1.5,
    2.5,
    1e15,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    1_234_567_890_123_456_768.0,
    9_223_372_036_854_774_784.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    1e19,
    1e22,
    1.234_567_890_123_456_7e25,
    1e300,
    5e-324,
    2.225_073_858_507_201e-308,
    f64::MAX,
];

const TEXTS: &[&str] = &[
    "a",
    "",
    "b",
    "A",
    "ab",
    "Ab",
    "aB",
    "abc",
    "B",
    "a b",
    " a",
    "a ",
    "%",
    "_",
    "a%b",
    "a_b",
    "axb",
    "\\",
    "a\\b",
    "'",
    "it's",
    "\"",
    "1",
    "10",
    "9",
    "1.0",
    "true",
    "null",
    "[]",
    "{}",
    "a\nb",
    "\t",
    "\u{1}",
    "\u{7f}",
    "\u{2028}",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ss",
    "ſ",
    "\u{212a}",
    "İ",
    "ı",
    "日本",
    "日",
    "😀",
    "😀a",
    "\u{ffff}",
    "\u{10000}",
    "\u{10ffff}",
    "zebra",
    "Zebra",
];

/// Times, the first and last ones, leap days, the turn of years and weeks, and such that are none.
const TIMES: &[&str] = &[
    "2026-11-21T18:48:49.123456Z",
    "2024-02-29T00:00:00.000000Z",
    "2023-02-29T00:00:00.000000Z",
    "2000-02-29T23:59:59.999999Z",
    "1900-02-29T00:00:00.000000Z",
    "2024-12-31T23:59:59.999999Z",
    "2025-01-01T00:00:00.000000Z",
    "2021-01-03T12:30:00.500000Z",
    "1969-12-31T23:59:59.000001Z",
    "0001-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.999999Z",
    "0000-01-01T00:00:00.000000Z",
    "2024-04-31T00:00:00.000000Z",
    "2024-13-01T00:00:00.000000Z",
    "2024-01-01T24:00:00.000000Z",
    "2024-01-01T23:59:60.000000Z",
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00.000Z",
    "2024-01-01 00:00:00.000000Z",
    "2024-01-01T00:00:00.000000+00:00",
    "2024-01-01T00:00:00.000000Z ",
    "\n2024-01-01T00:00:00.000000Z",
];

/// Keys inside of values; those that an engine's path syntax could trip over among them.
pub(super) const KEYS: &[&str] = &[
    "x", "y", "k", "a.b", "na-me", "US Gross", "\"", "\\", "0", "1", "01", "-1", "é", "X", "'",
    "$", "$.x", "[0]", "*", "#", "{x,y}", "a/b", "~0", "?", "NULL", "", "\u{1}",
];

pub(super) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        // The first ones are drawn more often, so that values meet.
        14 => select(&TEXTS[..8]).prop_map(str::to_owned),
        14 => select(TEXTS).prop_map(str::to_owned),
        6 => "[abA%_é\\\\]{0,3}",
        1 => Just("long ".repeat(700)),
    ]
    .boxed()
}

/// A text that does not compress, longer than PostgreSQL takes into an index.
pub(super) fn long_text() -> BoxedStrategy<Value> {
    let long = |seed: u32| {
        let mut state = seed;
        let letters = std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (state >> 18)).unwrap_or('x')
        });
        Value::Text(letters.take(3000).collect())
    };
    (0..3_u32).prop_map(long).boxed()
}

/// A time in den's own form, or something that only looks like one.
pub(super) fn time() -> BoxedStrategy<String> {
    prop_oneof![
        8 => select(TIMES).prop_map(str::to_owned),
        3 => "20[0-2][0-9]-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{6}Z",
        1 => text(),
    ]
    .boxed()
}

pub(super) fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        12 => (-1..4_i64).prop_map(Value::Int),
        5 => select(INTEGERS).prop_map(Value::Int),
        6 => select(FLOATS).prop_map(Value::Float),
        1 => any::<i64>().prop_map(Value::Int),
        2 => proptest::num::f64::NORMAL.prop_map(Value::Float),
    ]
    .boxed()
}

/// Text, a number or a bool.
pub(super) fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => number(),
        4 => text().prop_map(Value::Text),
        2 => any::<bool>().prop_map(Value::Bool),
    ]
    .boxed()
}

/// Any value but null.
pub(super) fn present() -> BoxedStrategy<Value> {
    prop_oneof![
        8 => scalar(),
        2 => array_of(below()),
        2 => object_of(below()),
    ]
    .boxed()
}

/// Any value.
pub(super) fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        10 => present(),
        2 => Just(Value::Null),
    ]
    .boxed()
}

/// A list of anything.
pub(super) fn array() -> BoxedStrategy<Value> {
    prop_oneof![
        3 => array_of(below()),
        3 => array_of(text().prop_map(Value::Text).boxed()),
        3 => array_of(number()),
        3 => array_of(object_of(below())),
    ]
    .boxed()
}

/// An object with some of the [`KEYS`].
pub(super) fn object() -> BoxedStrategy<Value> {
    object_of(value())
}

/// What lies in an array or object: scalars, nulls, and now and then one more level.
fn below() -> BoxedStrategy<Value> {
    let leaf = Union::new_weighted(vec![(6, scalar()), (1, Just(Value::Null).boxed())]).boxed();
    prop_oneof![
        10 => leaf.clone(),
        1 => array_of(leaf.clone()),
        1 => object_of(leaf),
    ]
    .boxed()
}

fn array_of(items: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    collection::vec(items, 0..4).prop_map(Value::Array).boxed()
}

/// One of the [`KEYS`]; the first are drawn more often, so that paths lead somewhere.
pub(super) fn key() -> BoxedStrategy<String> {
    let key = prop_oneof![2 => select(&KEYS[..4]), 1 => select(KEYS)];
    key.prop_map(str::to_owned).boxed()
}

fn object_of(values: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let pairs = collection::vec((key(), values), 0..4);
    pairs
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        .boxed()
}
