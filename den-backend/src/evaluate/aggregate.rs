//! What a group becomes: exact sums, and a text that tells values apart.

use std::fmt::Write as _;

use super::compute::{Decimal, finite};
use crate::{Error, FieldKind, Result, Value, value::float_text};

/// The lowest power of ten that a digit of a sum may have, a multiple of [`DIGITS`]. The smallest
/// double has one of -324.
const LOWEST: i32 = -351;

/// How many decimal digits a limb holds.
const DIGITS: usize = 9;

/// One more than the largest digit group of a limb.
const BASE: i128 = 1_000_000_000;

/// Enough for the largest doubles, 2^64 of them: up to 10^360.
const LIMBS: usize = 79;

/// The sum of numbers, exact in decimal digits until it is asked for.
///
/// It is what [`AggregateFunction::Sum`](crate::AggregateFunction::Sum) and `Avg` mean: numbers may
/// be added in any order.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    ints: i128,
    /// The floats; none as long as there was none.
    floats: Option<Box<Decimals>>,
    count: u64,
}

impl Sum {
    /// A sum of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number; anything else is passed over.
    pub fn add(&mut self, value: &Value) {
        match value {
            // No number of rows makes 2^63 of these overflow 128 bits.
            Value::Int(it) => self.ints += i128::from(*it),
            Value::Float(it) => self.floats.get_or_insert_default().add(*it),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
                return;
            }
        }
        self.count += 1;
    }

    /// How many numbers were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum: an integer if all were integers, 0 for nothing, else a float.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for one that is outside of `i64`, or too large for a double.
    pub fn finish(&self) -> Result<Value> {
        match &self.floats {
            None => match i64::try_from(self.ints) {
                Ok(it) => Ok(Value::Int(it)),
                Err(_) => Err(Error::out_of_range()),
            },
            Some(floats) => finite(floats.total(self.ints)),
        }
    }

    /// The sum as the nearest double, divided by how many there are; null for nothing.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for a sum that is too large for a double.
    pub fn average(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let total = match &self.floats {
            None => self.ints as f64,
            Some(floats) => floats.total(self.ints),
        };
        finite(total)?;
        finite(total / self.count as f64)
    }
}

/// A sum of decimal numbers in fixed point, lowest digits first. Each limb is far smaller than it
/// could be, so nothing is carried until the end.
#[derive(Debug, Clone)]
struct Decimals([i128; LIMBS]);

impl Default for Decimals {
    fn default() -> Self {
        Self([0; LIMBS])
    }
}

impl Decimals {
    fn add(&mut self, value: f64) {
        let is_negative = value.is_sign_negative();
        let magnitude = value.abs();
        // As the number is written: with all digits where integers live.
        let written: Option<u64> = (magnitude < 1e19)
            .then(|| float_text(magnitude))
            .and_then(|it| it.strip_suffix(".0")?.parse().ok());
        match written {
            Some(whole) => self.add_digits(whole, 0, is_negative),
            None => {
                let Decimal { mantissa, exponent } = Decimal::shortest(magnitude);
                self.add_digits(mantissa, exponent, is_negative);
            }
        }
    }

    fn add_digits(&mut self, mantissa: u64, exponent: i32, is_negative: bool) {
        // No double has a digit below the lowest place.
        let place = usize::try_from(exponent - LOWEST).unwrap_or(0);
        let shift = u32::try_from(place % DIGITS).unwrap_or(0);
        let mut rest = i128::from(mantissa) * 10_i128.pow(shift);
        for limb in self.0.iter_mut().skip(place / DIGITS) {
            if rest == 0 {
                break;
            }
            let digits = rest % BASE;
            *limb += if is_negative { -digits } else { digits };
            rest /= BASE;
        }
    }

    /// The sum with an integer added, as the nearest double; infinite if there is none.
    fn total(&self, ints: i128) -> f64 {
        let mut limbs = self.0;
        let at_one = usize::try_from(-LOWEST).unwrap_or(0) / DIGITS;
        if let Some(one) = limbs.get_mut(at_one) {
            *one += ints;
        }
        carry(&mut limbs);
        let is_negative = limbs.last().is_some_and(|it| *it < 0);
        if is_negative {
            limbs.iter_mut().for_each(|it| *it = -*it);
            carry(&mut limbs);
        }
        let mut text = String::with_capacity(LIMBS * DIGITS + 8);
        text.push_str(if is_negative { "-" } else { "" });
        for limb in limbs.iter().rev() {
            // Writing into a `String` never fails.
            let _ = write!(text, "{limb:09}");
        }
        let _ = write!(text, "e{LOWEST}");
        // Digits and an exponent are a float.
        text.parse().unwrap_or(f64::NAN)
    }
}

/// Leaves nine digits in each limb but the last, which keeps the sign.
fn carry(limbs: &mut [i128; LIMBS]) {
    let mut carried = 0;
    let last = LIMBS - 1;
    for (at, limb) in limbs.iter_mut().enumerate() {
        *limb += carried;
        if at < last {
            carried = limb.div_euclid(BASE);
            *limb = limb.rem_euclid(BASE);
        }
    }
}

/// A text that two values share exactly if they are equal: canonical JSON.
///
/// # Behavior
///
/// - `1` and `1.0` share one, so do objects whose keys come in another order.
pub fn key(value: &Value) -> String {
    let mut text = String::new();
    write_key(&mut text, value);
    text
}

fn write_key(out: &mut String, value: &Value) {
    match value {
        Value::Float(it) => match whole(*it) {
            Some(whole) => write_key(out, &Value::Int(whole)),
            None => out.push_str(&float_text(*it)),
        },
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_key(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (name, item)) in map.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_key(out, &Value::from(name.as_str()));
                out.push(':');
                write_key(out, item);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => {
            // Writing into a `String` never fails.
            let _ = write!(out, "{value}");
        }
    }
}

/// The integer that a float equals.
fn whole(value: f64) -> Option<i64> {
    // Rounded toward the nearest end where it is out of range, which is then not equal.
    #[expect(clippy::cast_possible_truncation, reason = "compared below")]
    let whole = value as i64;
    (Value::Int(whole) == Value::Float(value)).then_some(whole)
}

/// What counts of a value as the key of a group, or as one of the values that are told apart, if it
/// is declared to be of this kind: null if it is of another.
pub fn of_kind(value: &Value, kind: FieldKind) -> &Value {
    let counts = match kind {
        FieldKind::Text => matches!(value, Value::Text(_)),
        FieldKind::Number => matches!(value, Value::Int(_) | Value::Float(_)),
        FieldKind::Bool => matches!(value, Value::Bool(_)),
        FieldKind::Array | FieldKind::Object | FieldKind::Any => true,
    };
    if counts { value } else { &Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn sum(numbers: &str) -> Sum {
        let Value::Array(all) = json(numbers) else {
            panic!("{numbers}");
        };
        let mut forwards = Sum::new();
        all.iter().for_each(|it| forwards.add(it));
        let mut backwards = Sum::new();
        all.iter().rev().for_each(|it| backwards.add(it));
        assert_eq!(told(forwards.finish()), told(backwards.finish()));
        forwards
    }

    fn told(result: Result<Value>) -> String {
        result.map_or_else(|it| it.kind().to_string(), |it| it.to_string())
    }

    #[test]
    fn sums_are_exact() {
        for (numbers, expected) in [
            ("[]", "0"),
            (r#"[null,"1",true,[5]]"#, "0"),
            ("[1,2,3]", "6"),
            ("[9223372036854775807,1,-1]", "9223372036854775807"),
            ("[9223372036854775807,1]", "OutOfRange"),
            ("[-9223372036854775808,-1]", "OutOfRange"),
            ("[1,2.0]", "3.0"),
            ("[0.1,0.2]", "0.3"),
            ("[0.1,0.2,-0.3]", "0.0"),
            ("[-0.0]", "0.0"),
            ("[1e308,1e308]", "OutOfRange"),
            ("[-1e308,-1e308]", "OutOfRange"),
            ("[1e308,1e308,-1e308]", "1e308"),
            ("[1e300,1,-1e300]", "1.0"),
            ("[1e300,5e-324,-1e300]", "5e-324"),
            ("[9007199254740993,0.0]", "9007199254740992.0"),
            ("[9007199254740993,0.5]", "9007199254740994.0"),
            ("[9223372036854775807,1.0]", "9223372036854775808.0"),
            ("[1234567890123456768.0,-1234567890123456768]", "0.0"),
            ("[-1.5,-2.25,1]", "-2.75"),
            ("[1.7976931348623157e308]", "1.7976931348623157e308"),
            ("[5e-324,5e-324]", "1e-323"),
        ] {
            assert_eq!(told(sum(numbers).finish()), expected, "{numbers}");
        }
    }

    #[test]
    fn an_average_is_a_float() {
        for (numbers, expected) in [
            ("[]", "null"),
            (r#"["a"]"#, "null"),
            ("[1,2]", "1.5"),
            ("[2,2]", "2.0"),
            ("[0.1,0.2]", "0.15"),
            (
                "[9223372036854775807,9223372036854775807]",
                "9223372036854775808.0",
            ),
            ("[1e308,1e308]", "OutOfRange"),
        ] {
            assert_eq!(told(sum(numbers).average()), expected, "{numbers}");
        }
        assert_eq!(sum("[1,null,2.5]").count(), 2);
    }

    #[test]
    fn equal_values_share_a_key() {
        for (a, b) in [
            ("1", "1.0"),
            ("0", "-0.0"),
            ("9007199254740992", "9007199254740992.0"),
            ("-9223372036854775808", "-9223372036854775808.0"),
            (r#"{"b":[1.0],"a":2}"#, r#"{"a":2.0,"b":[1]}"#),
        ] {
            assert_eq!(key(&json(a)), key(&json(b)), "{a} {b}");
            assert_eq!(json(a), json(b));
        }
        let different = [
            "null",
            "true",
            "\"true\"",
            "1",
            "\"1\"",
            "1.5",
            "9007199254740993",
            "9007199254740992.0",
            "9223372036854775807",
            "9223372036854775808.0",
            "1e300",
            "[]",
            "{}",
            "[1]",
            "[[1]]",
            "[1,null]",
            "{\"a\":null}",
            "\"\"",
        ];
        for (i, a) in different.iter().enumerate() {
            for b in &different[i + 1..] {
                assert_ne!(key(&json(a)), key(&json(b)), "{a} {b}");
            }
        }
    }
}
