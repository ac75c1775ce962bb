//! One JSON value, with the comparison rules that every backend shares.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use serde::{
    de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor},
    ser::{Serialize, Serializer},
};

use crate::FieldKind;

/// One JSON value: an operand, a sort key, or a part of a document.
///
/// # Behavior
///
/// - `==` is equality by exact value: `Int(1)` equals `Float(1.0)`, `Int(2^53+1)` does not equal
///   `Float(2^53)`; no text equals a number or a bool; arrays and objects compare structurally.
/// - A `Float` is finite; [`check`](crate::check) refuses a query with another.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// JSON `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without a fraction part, exact.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list of values.
    Array(Vec<Value>),
    /// Values by key.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// Compares two values of one type: numbers by exact value, text by the bytes of its UTF-8,
    /// `false` before `true`. `None` for different types, null, arrays and objects.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Float(b)) => compare_int_float(*a, *b),
            (Self::Float(a), Self::Int(b)) => compare_int_float(*b, *a).map(Ordering::reverse),
            (Self::Text(a), Self::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (
                Self::Null
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Text(_)
                | Self::Array(_)
                | Self::Object(_),
                _,
            ) => None,
        }
    }

    /// What kind of value this is; `Any` for null.
    pub const fn kind(&self) -> FieldKind {
        match self {
            Self::Null => FieldKind::Any,
            Self::Bool(_) => FieldKind::Bool,
            Self::Int(_) | Self::Float(_) => FieldKind::Number,
            Self::Text(_) => FieldKind::Text,
            Self::Array(_) => FieldKind::Array,
            Self::Object(_) => FieldKind::Object,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value at `segments` below this one: a key of an object, or an index of an array where
    /// the segment [is a number](crate::FieldPath::index_of).
    pub fn at(&self, segments: &[String]) -> Option<&Self> {
        segments
            .iter()
            .try_fold(self, |value, segment| match value {
                Self::Object(map) => map.get(segment),
                Self::Array(items) => items.get(crate::FieldPath::index_of(segment)?),
                Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => None,
            })
    }
}

/// The JSON text of a finite float, the same wherever den writes one.
///
/// # Behavior
///
/// - From 2^53 to 2^63 all digits are written (`1234567890123456768.0`), because the shortest
///   text (`1.2345678901234568e18`) is another number to an engine that reads decimals exactly,
///   and would then not equal the integer of the same value.
/// - Elsewhere it is the shortest text that reads back as the same float, never without a `.` or
///   an exponent, so that a float stays a float.
pub fn float_text(value: f64) -> String {
    // 2^53 and 2^63; both are exact floats, and -2^63 is the smallest integer.
    let exact_digits = 9_007_199_254_740_992.0..=9_223_372_036_854_775_808.0;
    if exact_digits.contains(&value.abs()) {
        return format!("{value:.1}");
    }
    format!("{value:?}")
}

fn compare_int_float(int: i64, float: f64) -> Option<Ordering> {
    // 2^63 is the first float above every i64, -2^63 is i64::MIN itself.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole float within [-2^63, 2^63) is an i64 exactly"
    )]
    let as_int = whole as i64;
    let by_whole = int.cmp(&as_int);
    Some(by_whole.then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (
                Self::Null
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Text(_)
                | Self::Array(_)
                | Self::Object(_),
                _,
            ) => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl fmt::Display for Value {
    /// Writes JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(it) => write!(f, "{it}"),
            Self::Int(it) => write!(f, "{it}"),
            Self::Float(it) => f.write_str(&float_text(*it)),
            Self::Text(it) => write_text(f, it),
            Self::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write_text(f, key)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    // Writing a `str` as JSON into memory has no way to fail.
    let text = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&text)
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}

impl From<i32> for Value {
    fn from(it: i32) -> Self {
        Self::Int(i64::from(it))
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::Float(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(it.to_owned())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Text(it)
    }
}

impl From<Vec<Value>> for Value {
    fn from(it: Vec<Value>) -> Self {
        Self::Array(it)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Int(it) => serializer.serialize_i64(*it),
            Self::Float(it) => serializer.serialize_f64(*it),
            Self::Text(it) => serializer.serialize_str(it),
            Self::Array(it) => it.serialize(serializer),
            Self::Object(it) => it.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

/// How `serde_json` presents a number when any crate of the program has turned on its feature
/// `arbitrary_precision`: as an object with this one key.
const ARBITRARY_NUMBER: &str = "$serde_json::private::Number";

fn number(digits: &str) -> Value {
    let int = digits.parse().map(Value::Int);
    int.or_else(|_| digits.parse().map(Value::Float))
        .unwrap_or(Value::Null)
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(Value::Int(it))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        // den never writes an integer above i64::MAX; a foreign one is read as the engines read it.
        Ok(i64::try_from(it).map_or(Value::Float(it as f64), Value::Int))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(Value::Float(it))
    }

    fn visit_str<E: de::Error>(self, it: &str) -> Result<Value, E> {
        Ok(Value::Text(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Value, E> {
        Ok(Value::Text(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if key == ARBITRARY_NUMBER
                && let Value::Text(digits) = &value
            {
                return Ok(number(digits));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_exact_value() {
        let two53 = 9_007_199_254_740_992_i64;
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_eq!(Value::Int(two53), Value::Float(two53 as f64));
        assert_ne!(Value::Int(two53 + 1), Value::Float(two53 as f64));
        assert_eq!(
            Value::Int(two53 + 1).compare(&Value::Float(two53 as f64)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            Value::Int(i64::MAX).compare(&Value::Float(9_223_372_036_854_775_808.0)),
            Some(Ordering::Less)
        );
        assert_eq!(
            Value::Int(i64::MIN),
            Value::Float(-9_223_372_036_854_775_808.0)
        );
        assert_eq!(
            Value::Int(1).compare(&Value::Float(1.5)),
            Some(Ordering::Less)
        );
        assert_eq!(
            Value::Int(-1).compare(&Value::Float(-1.5)),
            Some(Ordering::Greater)
        );
    }

    #[test]
    fn types_do_not_mix() {
        assert_ne!(Value::Int(1), Value::Bool(true));
        assert_ne!(Value::Int(1), Value::from("1"));
        assert_eq!(Value::from("a").compare(&Value::Int(1)), None);
    }

    #[test]
    fn float_text_is_exact_where_integers_live() {
        assert_eq!(
            float_text(1_234_567_890_123_456_768.0),
            "1234567890123456768.0"
        );
        assert_eq!(
            float_text(-9_223_372_036_854_775_808.0),
            "-9223372036854775808.0"
        );
        assert_eq!(float_text(0.1), "0.1");
        assert_eq!(float_text(5.0), "5.0");
        assert_eq!(float_text(1e300), "1e300");
        for it in [
            0.1,
            -2.5e-7,
            9_007_199_254_740_993.0,
            1e300,
            -9.2e18,
            5e-324,
            f64::MAX,
        ] {
            assert_eq!(float_text(it).parse::<f64>().unwrap(), it);
        }
    }
}
