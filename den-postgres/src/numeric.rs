//! PostgreSQL's binary `numeric`, exact from decimal text.

use bytes::{BufMut, BytesMut};
use den_backend::{Error, ErrorKind, Result};

/// Digits of base 10 000, as the server keeps them: `numeric`'s wire format without its header.
///
/// # Behavior
///
/// - The value is that of the text, exactly; no float is involved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numeric {
    negative: bool,
    /// The power of 10 000 of the first digit.
    weight: i16,
    /// How many decimal digits follow the point, which decides only how it is displayed.
    scale: u16,
    digits: Vec<i16>,
}

/// How many decimal digits one digit of base 10 000 holds.
const GROUP: i64 = 4;

/// The server holds 131 072 digits before the point and 16 383 after it.
const MAX_EXPONENT: i64 = 16_000;

impl Numeric {
    /// Reads decimal text such as `-12.50` or `5e-324`.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for anything else, and for an exponent that no `f64` has.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent.parse::<i64>().map_err(|_| not_decimal())?,
            ),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let decimals: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if decimals.is_empty() || !decimals.iter().all(u8::is_ascii_digit) {
            return Err(not_decimal());
        }
        let fraction_len = i64::try_from(fraction.len()).map_err(|_| too_long())?;
        if exponent.abs() > MAX_EXPONENT || decimals.len() > 16_000 {
            return Err(too_long());
        }
        // The value is `decimals` as a whole number, times ten to the power of `shift`.
        let shift = exponent - fraction_len;
        Self::from_decimals(negative, &decimals, shift)
    }

    fn from_decimals(negative: bool, decimals: &[u8], shift: i64) -> Result<Self> {
        let scale = u16::try_from((-shift).max(0)).map_err(|_| too_long())?;
        // Zeros on the right bring the point to a border between groups.
        let padding = usize::try_from(shift.rem_euclid(GROUP)).map_err(|_| too_long())?;
        let mut decimals = decimals.to_vec();
        decimals.resize(decimals.len() + padding, b'0');
        let lowest_weight = shift.div_euclid(GROUP);

        let mut digits: Vec<i16> = decimals
            .rchunks(4)
            .map(|group| {
                group
                    .iter()
                    .fold(0, |value, it| value * 10 + i16::from(it - b'0'))
            })
            .collect();
        // `rchunks` goes from the right; zeros on either side say nothing.
        let trailing = digits.iter().take_while(|it| **it == 0).count();
        digits.drain(..trailing);
        digits.reverse();
        let leading = digits.iter().take_while(|it| **it == 0).count();
        digits.drain(..leading);

        let count = i64::try_from(digits.len() + trailing).map_err(|_| too_long())?;
        let weight = lowest_weight + count - 1;
        Ok(Self {
            negative: negative && !digits.is_empty(),
            weight: if digits.is_empty() {
                0
            } else {
                i16::try_from(weight).map_err(|_| too_long())?
            },
            scale,
            digits,
        })
    }

    /// Appends the wire format.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        // `parse` allows 16 000 decimal digits and as much of an exponent, so this always fits.
        out.put_i16(i16::try_from(self.digits.len()).unwrap_or(i16::MAX));
        out.put_i16(self.weight);
        out.put_u16(if self.negative { 0x4000 } else { 0 });
        out.put_u16(self.scale);
        for digit in &self.digits {
            out.put_i16(*digit);
        }
    }
}

fn not_decimal() -> Error {
    Error::new(
        ErrorKind::InvalidQuery,
        "a number is not written in decimal digits",
    )
}

fn too_long() -> Error {
    Error::new(
        ErrorKind::InvalidQuery,
        "a number has more digits than PostgreSQL can hold",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, negative: bool, weight: i16, scale: u16, digits: &[i16]) {
        let expected = Numeric {
            negative,
            weight,
            scale,
            digits: digits.to_vec(),
        };
        assert_eq!(Numeric::parse(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn digits_are_grouped_around_the_point() {
        check("0", false, 0, 0, &[]);
        check("-0.0", false, 0, 1, &[]);
        check("1", false, 0, 0, &[1]);
        check("10000", false, 1, 0, &[1]);
        check("12345.678", false, 1, 3, &[1, 2345, 6780]);
        check("-0.0001", true, -1, 4, &[1]);
        check("0.00001", false, -2, 5, &[1000]);
    }

    #[test]
    fn exponents_are_exact() {
        check("1e4", false, 1, 0, &[1]);
        check("1e5", false, 1, 0, &[10]);
        check("2.5e-7", false, -2, 8, &[25]);
        check("1.5e3", false, 0, 0, &[1500]);
        check("5e-324", false, -81, 324, &[5]);
    }

    #[test]
    fn other_text_is_refused() {
        for bad in ["", "-", "NaN", "inf", "1e", "1e99999", "0x1", "1_0", "١"] {
            assert!(Numeric::parse(bad).is_err(), "{bad:?}");
        }
    }
}
