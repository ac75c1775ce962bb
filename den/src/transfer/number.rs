//! Numbers as text: one form for each value.

use std::borrow::Cow;

use den_backend::value::float_text;

use crate::encode::Decimal;

/// Programs write an `f64` with up to so many digits.
const DIGITS_OF_A_FLOAT: usize = 17;

/// Up to so many places are written out rather than counted in an exponent.
const ZEROS: usize = 40;

/// What becomes of numbers that den cannot compute with exactly: integers outside of `i64`, and
/// fractions with more than 17 digits, where two engines could give different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// They are refused, as every write of den refuses them.
    #[default]
    Exact,
    /// The nearest `f64` is stored.
    Nearest,
    /// They are stored digit for digit. Engines read them as what they can.
    AsWritten,
}

impl Numbers {
    /// The one text of the number in this JSON text.
    pub(super) fn read(self, text: &str) -> Result<Cow<'_, str>, &'static str> {
        if let Ok(it) = text.parse::<i64>() {
            // There is no integer -0.
            return Ok(if it == 0 {
                Cow::Borrowed("0")
            } else {
                Cow::Borrowed(text)
            });
        }
        let float: f64 = text.parse().map_err(|_| "is not a number")?;
        if !float.is_finite() {
            return Err("is a number that is too large");
        }
        let wanted = Decimal::of(text).ok_or("is a number with an exponent that is too large")?;
        // Engines without -0.0 would give back 0.0.
        let plain = if float == 0.0 {
            "0.0".to_owned()
        } else {
            float_text(float)
        };
        // The shortest text of a float means that float; any other text must have its exact value.
        let is_exact = is_zero(&wanted)
            || [format!("{float:?}"), float_text(float)]
                .iter()
                .any(|it| Decimal::of(it).as_ref() == Some(&wanted));
        if is_exact {
            return Ok(Cow::Owned(plain));
        }
        let is_integer = !text.contains(['.', 'e', 'E']);
        match self {
            Self::Nearest => Ok(Cow::Owned(plain)),
            Self::AsWritten => Ok(Cow::Owned(normal(&wanted))),
            Self::Exact if is_integer => Err("is an integer outside the range of i64"),
            Self::Exact if wanted.digits.len() <= DIGITS_OF_A_FLOAT && float != 0.0 => {
                Ok(Cow::Owned(plain))
            }
            Self::Exact => Err("is a number with more digits than an f64 keeps"),
        }
    }
}

fn is_zero(it: &Decimal) -> bool {
    it.digits.is_empty()
}

/// The number without regard to how it was written.
fn normal(it: &Decimal) -> String {
    let sign = if it.negative { "-" } else { "" };
    let digits = &it.digits;
    let Some(places) = usize::try_from(it.exponent.unsigned_abs())
        .ok()
        .filter(|it| *it <= ZEROS)
    else {
        return [sign, digits, "e", &it.exponent.to_string()].concat();
    };
    let zeros = |count: usize| "0".repeat(count);
    if it.exponent >= 0 {
        return [sign, digits, &zeros(places)].concat();
    }
    let padded = [
        &zeros((places + 1).saturating_sub(digits.len())),
        digits.as_str(),
    ]
    .concat();
    let (whole, fraction) = padded.split_at(padded.len() - places);
    [sign, whole, ".", fraction].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: Numbers, cases: &[(&str, Result<&str, &str>)]) {
        for (text, expected) in cases {
            let read = numbers.read(text);
            match expected {
                Ok(expected) => assert_eq!(read.as_deref(), Ok(*expected), "{text}"),
                Err(words) => assert!(read.unwrap_err().contains(words), "{text}"),
            }
        }
    }

    #[test]
    fn one_value_has_one_text_and_integers_differ_from_floats() {
        let cases = [
            ("1", Ok("1")),
            ("-0", Ok("0")),
            ("1.0", Ok("1.0")),
            ("1.00", Ok("1.0")),
            ("-0.0", Ok("0.0")),
            ("0e5", Ok("0.0")),
            ("1e2", Ok("100.0")),
            ("1E+2", Ok("100.0")),
            ("1.5e-7", Ok("1.5e-7")),
            ("0.00000015", Ok("1.5e-7")),
            ("9223372036854775807", Ok("9223372036854775807")),
            ("-9223372036854775808", Ok("-9223372036854775808")),
            ("9223372036854775808", Ok("9223372036854775808.0")),
            ("1e300", Ok("1e300")),
            ("5e-324", Ok("5e-324")),
            ("1234567890123456768.0", Ok("1234567890123456768.0")),
        ];
        for numbers in [Numbers::Exact, Numbers::Nearest, Numbers::AsWritten] {
            check(numbers, &cases);
        }
        // As PostgreSQL gives 1e300 back.
        let long = ["1", &"0".repeat(300)].concat();
        check(Numbers::Exact, &[(&long, Ok("1e300"))]);
    }

    #[test]
    fn what_is_not_exact_is_treated_as_told() {
        let u64_max = "18446744073709551615";
        let long = "0.10000000000000000000555";
        check(
            Numbers::Exact,
            &[
                (u64_max, Err("outside the range of i64")),
                (long, Err("more digits")),
                ("1e-400", Err("more digits")),
                ("1e400", Err("too large")),
                // As C writes 0.7.
                ("0.69999999999999996", Ok("0.7")),
            ],
        );
        check(
            Numbers::Nearest,
            &[
                (u64_max, Ok("1.8446744073709552e19")),
                (long, Ok("0.1")),
                ("1e400", Err("too large")),
            ],
        );
        check(
            Numbers::AsWritten,
            &[
                (u64_max, Ok(u64_max)),
                (long, Ok(long)),
                ("10000000000000000000555e-23", Ok(long)),
                ("-12345678901234567890.5", Ok("-12345678901234567890.5")),
                (
                    "12345678901234567890123e50",
                    Ok("12345678901234567890123e50"),
                ),
                ("0.69999999999999996", Ok("0.69999999999999996")),
                ("1e400", Err("too large")),
            ],
        );
    }
}
