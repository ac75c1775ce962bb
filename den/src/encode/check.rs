//! What may be stored: the rules that documents and operands share.

use std::{fmt, io::Write};

use den_backend::{Value, value::float_text};
use serde::ser;

/// How many arrays and objects may lie within each other: serde_json reads no more.
pub(crate) const MAX_DEPTH: usize = 127;

/// The names under which serde_json serializes a number and a text that it wants written as they
/// are (its features `arbitrary_precision` and `raw_value`, which any crate may turn on).
pub(super) const NUMBER_TOKEN: &str = "$serde_json::private::Number";
pub(super) const RAW_TOKEN: &str = "$serde_json::private::RawValue";

/// Why a value is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// What is wrong with the value, as the end of a sentence about it.
    Value(&'static str),
    /// What is wrong with a key of the value, as the end of a sentence about the value.
    Key(&'static str),
    /// What the `Serialize` of a type said.
    Custom(Box<str>),
}

pub(super) const NAN: Refused = Refused::Value("is NaN");
pub(super) const INFINITE: Refused = Refused::Value("is infinite");
pub(super) const TOO_LARGE: Refused = Refused::Value("is an integer outside the range of i64");
pub(super) const TOO_PRECISE: Refused =
    Refused::Value("is a number with more digits than an f64 keeps: store it as text");
pub(super) const NUL: Refused = Refused::Value("has a NUL character");
pub(super) const TOO_DEEP: Refused = Refused::Value("is nested too deeply");
pub(super) const DUPLICATE: Refused = Refused::Value("occurs twice");
pub(super) const RAW: Refused = Refused::Value("is a serde_json RawValue: store a parsed value");
pub(super) const SHAPE: Refused = Refused::Value("has a Serialize that breaks serde's rules");
pub(super) const KEY_NUL: Refused = Refused::Key("has a key with a NUL character");
pub(super) const KEY_TYPE: Refused = Refused::Key("has a key that is not text");
pub(super) const KEY_FLOAT: Refused = Refused::Key("has a key that is NaN or infinite");

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(it) | Self::Key(it) => f.write_str(it),
            Self::Custom(it) => f.write_str(it),
        }
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string().into())
    }
}

/// The float, if it is a number.
pub(super) fn finite(it: f64) -> Result<f64, Refused> {
    if it.is_nan() {
        return Err(NAN);
    }
    if it.is_infinite() {
        return Err(INFINITE);
    }
    Ok(it)
}

/// The float that stands for a finite `f32`.
///
/// It is the one with the same shortest text (`0.1f32` is `0.1`, as serde_json writes it), so that
/// stored values and operands meet however wide the type; but the exact value from 2^24 on, where
/// an `f32` is a whole number and the shortest text names another.
pub(super) fn widen(it: f32) -> Result<f64, Refused> {
    let exact = finite(f64::from(it))?;
    if exact.trunc() == exact {
        return Ok(exact);
    }
    // The longest text of an `f32` in exponent form is `-1.17549435e-38`.
    let mut buffer = [0_u8; 24];
    let mut rest = &mut buffer[..];
    let written = write!(rest, "{it:e}").is_ok();
    let length = 24 - rest.len();
    let text = buffer.get(..length).and_then(|it| str::from_utf8(it).ok());
    let shortest = text.filter(|_| written).and_then(|it| it.parse().ok());
    Ok(shortest.unwrap_or(exact))
}

/// The integer, if it is an `i64`.
pub(super) fn integer<T>(it: T) -> Result<i64, Refused>
where
    i64: TryFrom<T>,
{
    i64::try_from(it).map_err(|_| TOO_LARGE)
}

/// The text, if every backend can store it.
pub(super) fn text(it: &str) -> Result<&str, Refused> {
    if it.as_bytes().contains(&0) {
        return Err(NUL);
    }
    Ok(it)
}

/// The number in a JSON text, if it can be stored exactly.
pub(super) fn number(text: &str) -> Result<Value, Refused> {
    if let Ok(it) = text.parse() {
        return Ok(Value::Int(it));
    }
    if text.bytes().all(|it| it.is_ascii_digit() || it == b'-') {
        return Err(TOO_LARGE);
    }
    let float = finite(text.parse().map_err(|_| SHAPE)?)?;
    // The shortest text of a float means that float; any other text must have its exact value.
    let wanted = Decimal::of(text);
    let kept = [format!("{float:?}"), float_text(float)]
        .iter()
        .any(|it| wanted.is_some() && Decimal::of(it) == wanted);
    if kept {
        Ok(Value::Float(float))
    } else {
        Err(TOO_PRECISE)
    }
}

/// A decimal number without regard to how it is written.
#[derive(PartialEq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// Without zeros at either end.
    pub(crate) digits: String,
    /// Of the last digit.
    pub(crate) exponent: i64,
}

impl Decimal {
    /// The number in a JSON text; none if its exponent is beyond all bounds.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(it) => (true, it),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let leading = all.trim_start_matches('0');
        let digits = leading.trim_end_matches('0');
        let zeros = i64::try_from(leading.len() - digits.len()).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        Some(Self {
            negative,
            exponent: if digits.is_empty() {
                0
            } else {
                exponent - places + zeros
            },
            digits: digits.to_owned(),
        })
    }
}
