//! Arithmetic and functions on values: the rules of [`ArithmeticOp`] and [`Function`].

use std::{borrow::Cow, cmp::Ordering};

use super::time;
use crate::{ArithmeticOp, Error, Function, Result, Value};

/// The result of arithmetic.
///
/// # Errors
///
/// `OutOfRange`.
pub fn arithmetic(op: ArithmeticOp, left: &Value, right: &Value) -> Result<Value> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        let exact = match op {
            ArithmeticOp::Add => left.checked_add(*right),
            ArithmeticOp::Sub => left.checked_sub(*right),
            ArithmeticOp::Mul => left.checked_mul(*right),
            ArithmeticOp::Div => return in_doubles(op, *left as f64, *right as f64),
        };
        return exact.map(Value::Int).ok_or_else(Error::out_of_range);
    }
    match (double(left), double(right)) {
        (Some(left), Some(right)) => in_doubles(op, left, right),
        (None, _) | (_, None) => Ok(Value::Null),
    }
}

fn in_doubles(op: ArithmeticOp, left: f64, right: f64) -> Result<Value> {
    let (result, never_zero) = match op {
        ArithmeticOp::Add => (left + right, false),
        ArithmeticOp::Sub => (left - right, false),
        ArithmeticOp::Mul => (left * right, left != 0.0 && right != 0.0),
        ArithmeticOp::Div if right == 0.0 => return Ok(Value::Null),
        ArithmeticOp::Div => (left / right, left != 0.0),
    };
    if never_zero && result == 0.0 {
        return Err(Error::out_of_range());
    }
    finite(result)
}

/// A float that was computed: zero has no sign, for not every engine keeps it.
pub(super) fn finite(result: f64) -> Result<Value> {
    match result.is_finite() {
        true => Ok(Value::Float(result + 0.0)),
        false => Err(Error::out_of_range()),
    }
}

/// The nearest double of a number; none of anything else.
pub(super) fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(it) => Some(*it as f64),
        Value::Float(it) => Some(*it),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The result of a function; null if an argument is missing.
///
/// # Errors
///
/// `OutOfRange`.
pub(super) fn call(function: Function, arguments: &[Cow<'_, Value>]) -> Result<Value> {
    let first = arguments.first().map_or(&Value::Null, |it| &**it);
    Ok(match function {
        Function::Lower => of_text(first, |it| it.to_ascii_lowercase().into()),
        Function::Upper => of_text(first, |it| it.to_ascii_uppercase().into()),
        // A longer text than `i64::MAX` does not fit in memory.
        Function::Length => of_text(first, |it| {
            i64::try_from(it.chars().count()).map_or(Value::Null, Value::Int)
        }),
        Function::Trim => of_text(first, |it| it.trim_matches(is_white_space).into()),
        Function::Substr { start, length } => of_text(first, |it| substr(it, start, length).into()),
        Function::Concat => concat(arguments),
        Function::Replace => match arguments {
            [text, from, to] => match (&**text, &**from, &**to) {
                (Value::Text(text), Value::Text(from), Value::Text(_)) if from.is_empty() => {
                    Value::Text(text.clone())
                }
                (Value::Text(text), Value::Text(from), Value::Text(to)) => {
                    text.replace(from.as_str(), to).into()
                }
                _ => Value::Null,
            },
            _ => Value::Null,
        },
        Function::Abs => match first {
            Value::Int(it) => Value::Int(it.checked_abs().ok_or_else(Error::out_of_range)?),
            Value::Float(it) => Value::Float(it.abs()),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
                Value::Null
            }
        },
        Function::Round { digits } => match first {
            Value::Int(it) => Value::Int(*it),
            Value::Float(it) => finite(round(*it, digits))?,
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
                Value::Null
            }
        },
        Function::Least => extreme(arguments, Ordering::Less),
        Function::Greatest => extreme(arguments, Ordering::Greater),
        Function::Truncate(unit) => of_text(first, |it| match time::Moment::parse(it) {
            Some(moment) => moment.truncated(unit).to_string().into(),
            None => Value::Null,
        }),
        Function::SecondsBetween => match arguments {
            [later, earlier] => match (moment(later), moment(earlier)) {
                (Some(later), Some(earlier)) => finite(later.seconds_since(earlier))?,
                (None, _) | (_, None) => Value::Null,
            },
            _ => Value::Null,
        },
        Function::TypeName => type_name(first).into(),
        // den has put a value in its place.
        Function::Now => Value::Null,
    })
}

/// What [`Function::TypeName`] answers.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Text(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(it) => Some(it),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn of_text(value: &Value, answer: impl FnOnce(&str) -> Value) -> Value {
    text(value).map_or(Value::Null, answer)
}

fn moment(value: &Value) -> Option<time::Moment> {
    time::Moment::parse(text(value)?)
}

const fn is_white_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn substr(text: &str, start: u32, length: Option<u32>) -> String {
    // What lies beyond the address space is beyond the end.
    let at = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
    let rest = text.chars().skip(at(start));
    match length {
        Some(length) => rest.take(at(length)).collect(),
        None => rest.collect(),
    }
}

fn concat(arguments: &[Cow<'_, Value>]) -> Value {
    let texts: Option<String> = arguments.iter().map(|it| text(it)).collect();
    texts.map_or(Value::Null, Value::Text)
}

/// The first of the numbers that none is further on `side` of.
fn extreme(arguments: &[Cow<'_, Value>], side: Ordering) -> Value {
    let numbers = arguments.iter().filter(|it| double(it).is_some());
    let best = numbers.reduce(|best, it| match it.compare(best) == Some(side) {
        true => it,
        false => best,
    });
    best.map_or(Value::Null, |it| Value::clone(it))
}

/// A float rounded by its shortest decimal form, half away from zero.
fn round(value: f64, digits: u8) -> f64 {
    let Decimal { mantissa, exponent } = Decimal::shortest(value.abs());
    // So many digits are cut off, counted from the right of the mantissa.
    let cut = -exponent - i32::from(digits);
    let Ok(cut) = u32::try_from(cut) else {
        return value;
    };
    // A mantissa has 17 digits at most, so that all of it is cut off: less than half is left.
    let unit = match 10_u64.checked_pow(cut) {
        Some(unit) if cut <= 18 => unit,
        Some(_) | None => return 0.0,
    };
    let whole = mantissa / unit + u64::from(mantissa % unit >= unit.div_ceil(2));
    let text = format!("{whole}e-{digits}");
    // Digits and an exponent are a float.
    text.parse().map_or(value, |it: f64| it.copysign(value))
}

/// A decimal number, `mantissa * 10^exponent`, without sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: u64,
    pub(super) exponent: i32,
}

impl Decimal {
    /// The shortest decimal number that reads back as this finite float, which is not negative: at
    /// most 17 digits.
    pub(super) fn shortest(value: f64) -> Self {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mantissa = whole.chars().chain(fraction.chars());
        let mantissa = mantissa.fold(0, |sum: u64, it| {
            sum * 10 + u64::from(it.to_digit(10).unwrap_or(0))
        });
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits_after = i32::try_from(fraction.len()).unwrap_or(0);
        Self {
            mantissa,
            exponent: exponent - digits_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeUnit;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// The answer as JSON text, so that an integer is told from a float.
    fn told(result: Result<Value>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(error) => error.kind().to_string(),
        }
    }

    fn math(left: &str, op: ArithmeticOp, right: &str) -> String {
        told(arithmetic(op, &json(left), &json(right)))
    }

    fn ask(function: Function, arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|it| Cow::Owned(json(it))).collect();
        told(call(function, &arguments))
    }

    #[test]
    fn integers_are_exact_or_refused() {
        use ArithmeticOp::{Add, Mul, Sub};
        let cases = [
            ("5", Add, "2", "7"),
            ("9007199254740993", Add, "2", "9007199254740995"),
            ("9223372036854775807", Add, "1", "OutOfRange"),
            ("9223372036854775807", Add, "-1", "9223372036854775806"),
            ("-9223372036854775808", Sub, "1", "OutOfRange"),
            ("-9223372036854775808", Mul, "-1", "OutOfRange"),
            ("3037000500", Mul, "3037000500", "OutOfRange"),
            ("3037000499", Mul, "3037000499", "9223372030926249001"),
            ("0", Mul, "-5", "0"),
        ];
        for (left, op, right, expected) in cases {
            assert_eq!(math(left, op, right), expected, "{left} {op:?} {right}");
        }
    }

    #[test]
    fn doubles_are_doubles() {
        use ArithmeticOp::{Add, Div, Mul, Sub};
        let cases = [
            ("1", Add, "1.0", "2.0"),
            ("0.1", Add, "0.2", "0.30000000000000004"),
            ("9007199254740993", Add, "0.0", "9007199254740992.0"),
            ("9223372036854775807", Add, "1.0", "9223372036854775808.0"),
            ("1.5", Sub, "1.5", "0.0"),
            ("7", Div, "2", "3.5"),
            ("6", Div, "2", "3.0"),
            ("1", Div, "3", "0.3333333333333333"),
            ("0", Div, "-2", "0.0"),
            ("-1.0", Mul, "0", "0.0"),
            ("1", Div, "0", "null"),
            ("1", Div, "0.0", "null"),
            ("0", Div, "-0.0", "null"),
            ("1e308", Add, "1e308", "OutOfRange"),
            ("-1e308", Sub, "1e308", "OutOfRange"),
            ("1e200", Mul, "1e200", "OutOfRange"),
            ("1e-200", Mul, "1e-200", "OutOfRange"),
            ("1e-200", Mul, "0", "0.0"),
            ("1e200", Div, "1e-200", "OutOfRange"),
            ("1e-200", Div, "1e200", "OutOfRange"),
            ("5e-324", Div, "2", "OutOfRange"),
            ("5e-324", Mul, "1.5", "1e-323"),
            ("5e-324", Sub, "5e-324", "0.0"),
        ];
        for (left, op, right, expected) in cases {
            assert_eq!(math(left, op, right), expected, "{left} {op:?} {right}");
        }
    }

    #[test]
    fn what_is_no_number_makes_null() {
        for other in ["null", "true", "\"1\"", "[1]", "{}"] {
            for op in [
                ArithmeticOp::Add,
                ArithmeticOp::Sub,
                ArithmeticOp::Mul,
                ArithmeticOp::Div,
            ] {
                assert_eq!(math(other, op, "1"), "null");
                assert_eq!(math("1.5", op, other), "null");
            }
        }
    }

    #[test]
    fn texts() {
        let sub = |start, length| Function::Substr { start, length };
        let cases: &[(Function, &[&str], &str)] = &[
            (Function::Lower, &["\"ÄbC İ\""], "\"Äbc İ\""),
            (Function::Upper, &["\"äbC ß\""], "\"äBC ß\""),
            (Function::Lower, &["1"], "null"),
            (Function::Length, &["\"aé😀\""], "3"),
            (Function::Length, &["\"e\u{301}\""], "2"),
            (Function::Length, &["[1]"], "null"),
            (Function::Trim, &[r#"" \t\n\r\u000b\f a b \f""#], "\"a b\""),
            (
                Function::Trim,
                &["\"\u{a0}a\u{2003}\""],
                "\"\u{a0}a\u{2003}\"",
            ),
            (Function::Trim, &["\"  \""], "\"\""),
            (sub(0, Some(2)), &["\"é😀a\""], "\"é😀\""),
            (sub(1, None), &["\"é😀a\""], "\"😀a\""),
            (sub(9, None), &["\"abc\""], "\"\""),
            (sub(0, Some(0)), &["\"abc\""], "\"\""),
            (sub(u32::MAX, Some(u32::MAX)), &["\"abc\""], "\"\""),
            (sub(0, None), &["5"], "null"),
            (Function::Concat, &["\"a\"", "\"\"", "\"é\""], "\"aé\""),
            (Function::Concat, &["\"a\"", "1"], "null"),
            (Function::Concat, &["\"a\"", "null"], "null"),
            (Function::Replace, &["\"aaa\"", "\"aa\"", "\"b\""], "\"ba\""),
            (Function::Replace, &["\"abc\"", "\"\"", "\"x\""], "\"abc\""),
            (Function::Replace, &["\"abc\"", "\"b\"", "\"\""], "\"ac\""),
            (
                Function::Replace,
                &["\"a.c\"", "\".\"", "\"$1\""],
                "\"a$1c\"",
            ),
            (Function::Replace, &["\"abc\"", "\"b\"", "null"], "null"),
            (Function::Replace, &["\"abc\"", "\"\"", "null"], "null"),
            (Function::TypeName, &["null"], "\"null\""),
            (Function::TypeName, &["1.0"], "\"number\""),
            (Function::TypeName, &["{}"], "\"object\""),
        ];
        for (function, arguments, expected) in cases {
            assert_eq!(&ask(*function, arguments), expected, "{function:?}");
        }
    }

    #[test]
    fn numbers() {
        let round = |digits| Function::Round { digits };
        let cases: &[(Function, &[&str], &str)] = &[
            (Function::Abs, &["-5"], "5"),
            (Function::Abs, &["-0.0"], "0.0"),
            (Function::Abs, &["-2.5"], "2.5"),
            (Function::Abs, &["-9223372036854775808"], "OutOfRange"),
            (Function::Abs, &["\"-5\""], "null"),
            (round(0), &["5"], "5"),
            (round(0), &["2.5"], "3.0"),
            (round(0), &["-2.5"], "-3.0"),
            (round(0), &["0.49999999999999994"], "0.0"),
            (round(0), &["-0.4"], "0.0"),
            (round(2), &["1.005"], "1.01"),
            (round(2), &["2.675"], "2.68"),
            (round(1), &["0.05"], "0.1"),
            (round(1), &["0.04999999999999999"], "0.0"),
            (round(15), &["0.1234567890123456"], "0.123456789012346"),
            (round(3), &["1e300"], "1e300"),
            (round(3), &["5e-324"], "0.0"),
            (round(0), &["9007199254740993.0"], "9007199254740992.0"),
            (round(2), &["null"], "null"),
            (round(0), &["0.5"], "1.0"),
            (round(0), &["1e-19"], "0.0"),
            (round(0), &["9.9e-1"], "1.0"),
            (Function::Least, &["3", "1.5", "\"0\"", "null"], "1.5"),
            (Function::Least, &["1", "1.0"], "1"),
            (Function::Greatest, &["3", "3.5", "true"], "3.5"),
            (Function::Greatest, &["null", "\"a\""], "null"),
            (
                Function::Greatest,
                &["9007199254740992.0", "9007199254740993"],
                "9007199254740993",
            ),
        ];
        for (function, arguments, expected) in cases {
            assert_eq!(
                &ask(*function, arguments),
                expected,
                "{function:?} {arguments:?}"
            );
        }
    }

    #[test]
    fn times() {
        let cut = |unit, time: &str| ask(Function::Truncate(unit), &[time]);
        let time = "\"2024-02-29T23:59:58.123456Z\"";
        let cases = [
            (TimeUnit::Minute, "2024-02-29T23:59:00.000000Z"),
            (TimeUnit::Hour, "2024-02-29T23:00:00.000000Z"),
            (TimeUnit::Day, "2024-02-29T00:00:00.000000Z"),
            (TimeUnit::Week, "2024-02-26T00:00:00.000000Z"),
            (TimeUnit::Month, "2024-02-01T00:00:00.000000Z"),
            (TimeUnit::Year, "2024-01-01T00:00:00.000000Z"),
        ];
        for (unit, expected) in cases {
            assert_eq!(cut(unit, time), format!("\"{expected}\""));
        }
        assert_eq!(
            cut(TimeUnit::Day, "\"2023-02-29T00:00:00.000000Z\""),
            "null"
        );
        let between = |a: &str, b: &str| ask(Function::SecondsBetween, &[a, b]);
        let earlier = "\"2024-02-28T23:59:58.123455Z\"";
        assert_eq!(between(time, earlier), "86400.000001");
        assert_eq!(between(earlier, time), "-86400.000001");
        assert_eq!(between(time, time), "0.0");
        assert_eq!(between(time, "\"now\""), "null");
        let (first, last) = (
            "\"0001-01-01T00:00:00.000000Z\"",
            "\"9999-12-31T23:59:59.999999Z\"",
        );
        assert_eq!(between(last, first), "315537897600.0");
    }
}
