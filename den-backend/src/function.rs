//! Arithmetic and functions: what [`Expr`](crate::Expr) can compute.
//!
//! The list is closed: a backend renders each of them itself, so no name that a caller gives ever
//! becomes part of a statement.

use serde::{Deserialize, Serialize};

use crate::FieldKind;

/// Arithmetic on two numbers.
///
/// # Behavior
///
/// - The answer is null if an operand is not a number, and for a division by zero.
/// - Two integers are added, subtracted and multiplied exactly; a result outside of `i64` is
///   `OutOfRange`. An integer is a number written without fraction and exponent within `i64`.
/// - Everything else, and every division, is computed in IEEE 754 doubles, operands rounded to the
///   nearest one, and the answer is a float, also if it is whole (`7 / 2` is `3.5`, `6 / 2` is `3.0`).
///   Zero has no sign.
///   A result that is too large for a double, or so small that it would become zero though no operand is, is `OutOfRange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticOp {
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// The quotient, always a float.
    Div,
}

/// A function.
///
/// # Behavior
///
/// - An argument of another type than the one asked for, null included, makes the answer null, if
///   nothing else is said.
/// - Text is counted in characters (Unicode scalar values).
/// - A time is text in den's own form: RFC 3339 in UTC, six digits of a second, `Z`, a date that
///   exists, years 0001 to 9999. Other text is no time: the answer is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Text with ASCII letters in lower case. Other letters never fold.
    Lower,
    /// Text with ASCII letters in upper case. Other letters never fold.
    Upper,
    /// The number of characters of a text.
    Length,
    /// Text without ASCII white space (space, `\t`, `\n`, `\r`, `\x0b`, `\x0c`) at both ends.
    Trim,
    /// The characters of a text from `start`, counted from 0, at most `length` of them, or all that
    /// follow. Empty beyond the end.
    Substr {
        /// The first character.
        start: u32,
        /// How many at most.
        length: Option<u32>,
    },
    /// All texts one after the other; any number of arguments.
    Concat,
    /// The first text with each occurrence of the second replaced by the third, left to right. An
    /// empty second text occurs nowhere.
    Replace,
    /// The absolute value of a number; `OutOfRange` for the smallest integer.
    Abs,
    /// A number rounded to so many decimal digits, half away from zero, by its shortest decimal
    /// form. An integer stays as it is, a float stays a float. At most 15 digits.
    Round {
        /// How many digits after the point.
        digits: u8,
    },
    /// The smallest number among any number of arguments, the first of equal ones; what is no number
    /// is passed over, null if nothing is left.
    Least,
    /// The largest number; else as [`Least`](Self::Least).
    Greatest,
    /// A time cut to the start of its unit, in UTC, in the same form.
    Truncate(TimeUnit),
    /// The first time less the second in seconds: a float, exact to the microsecond before it is
    /// rounded to the nearest double.
    SecondsBetween,
    /// What the value is: `null` (missing included), `bool`, `number`, `text`, `array`, `object`.
    TypeName,
    /// The time of the operation, by den's clock. den puts a value in its place: no backend sees it.
    Now,
}

/// A unit that times are cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Minute.
    Minute,
    /// Hour.
    Hour,
    /// Day.
    Day,
    /// ISO week: it starts on Monday.
    Week,
    /// Month.
    Month,
    /// Year.
    Year,
}

impl Function {
    /// How many arguments it takes, at least and at most.
    pub const fn arity(self) -> (usize, usize) {
        match self {
            Self::Lower
            | Self::Upper
            | Self::Length
            | Self::Trim
            | Self::Substr { .. }
            | Self::Abs
            | Self::Round { .. }
            | Self::Truncate(_)
            | Self::TypeName => (1, 1),
            Self::Concat | Self::Least | Self::Greatest => (1, usize::MAX),
            Self::Replace => (3, 3),
            Self::SecondsBetween => (2, 2),
            Self::Now => (0, 0),
        }
    }

    /// What kind of value it answers, if not null.
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::Lower
            | Self::Upper
            | Self::Trim
            | Self::Substr { .. }
            | Self::Concat
            | Self::Replace
            | Self::Truncate(_)
            | Self::TypeName
            | Self::Now => FieldKind::Text,
            Self::Length
            | Self::Abs
            | Self::Round { .. }
            | Self::Least
            | Self::Greatest
            | Self::SecondsBetween => FieldKind::Number,
        }
    }
}
