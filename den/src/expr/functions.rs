//! The functions, as methods of fields and computed values.

use std::borrow::Cow;

use den_backend::{Expr, Function, Result, TimeUnit};

use crate::{Computed, Field, Id, Nullability, Number, Operand, Required, Timestamp};

/// A type that is stored as text and may be worked on as such.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` are no text to work on",
    label = "not text",
    note = "for a type of your own that is stored as text: `impl den::TextType for {Self} {{}}`"
)]
pub trait TextType {}

impl TextType for String {}
impl TextType for &'static str {}
impl TextType for Cow<'static, str> {}
impl TextType for char {}
impl<T> TextType for Id<T> {}

pub(super) fn call(
    function: Function,
    arguments: impl IntoIterator<Item = Result<Expr>>,
) -> Result<Expr> {
    Ok(Expr::Call {
        function,
        arguments: arguments.into_iter().collect::<Result<_>>()?,
    })
}

/// What `N` and an operand are together.
type With<N, O, D, T> = <N as Nullability>::Either<<O as Operand<D, T>>::Nulls>;

macro_rules! functions {
    ($($handle:ident),+) => {$(
        impl<D, T: TextType, N: Nullability> $handle<D, T, N> {
            /// The text with ASCII letters in lower case; other letters stay as they are.
            pub fn lower(self) -> Computed<D, String, N> {
                Computed::new(call(Function::Lower, [self.into_result()]))
            }

            /// The text with ASCII letters in upper case; other letters stay as they are.
            pub fn upper(self) -> Computed<D, String, N> {
                Computed::new(call(Function::Upper, [self.into_result()]))
            }

            /// The number of characters of the text.
            pub fn length(self) -> Computed<D, i64, N> {
                Computed::new(call(Function::Length, [self.into_result()]))
            }

            /// The text without ASCII white space at both ends.
            pub fn trim(self) -> Computed<D, String, N> {
                Computed::new(call(Function::Trim, [self.into_result()]))
            }

            /// The characters of the text from `start`, counted from 0, to the end.
            pub fn substr_from(self, start: u32) -> Computed<D, String, N> {
                let function = Function::Substr { start, length: None };
                Computed::new(call(function, [self.into_result()]))
            }

            /// At most `length` characters of the text from `start`, counted from 0.
            pub fn substr(self, start: u32, length: u32) -> Computed<D, String, N> {
                let length = Some(length);
                let function = Function::Substr { start, length };
                Computed::new(call(function, [self.into_result()]))
            }

            /// The text followed by another; null if one of them is.
            pub fn concat<O: Operand<D, String>>(
                self,
                other: O,
            ) -> Computed<D, String, With<N, O, D, String>> {
                let all = [self.into_result(), other.into_operand()];
                Computed::new(call(Function::Concat, all))
            }

            /// The text with each occurrence of `from` replaced, left to right. An empty `from` occurs
            /// nowhere.
            pub fn replace(
                self,
                from: impl Operand<D, String, Nulls = Required>,
                to: impl Operand<D, String, Nulls = Required>,
            ) -> Computed<D, String, N> {
                let all = [self.into_result(), from.into_operand(), to.into_operand()];
                Computed::new(call(Function::Replace, all))
            }
        }

        impl<D, T: Number, N: Nullability> $handle<D, T, N> {
            /// The number without its sign; an error of kind `OutOfRange` for the smallest integer.
            pub fn abs(self) -> Computed<D, T::Wide, N> {
                Computed::new(call(Function::Abs, [self.into_result()]))
            }

            /// The number rounded to so many decimal digits, at most 15, half away from zero. A float
            /// stays a float, and an integer as it is.
            pub fn round(self, digits: u8) -> Computed<D, T::Wide, N> {
                let function = Function::Round { digits };
                Computed::new(call(function, [self.into_result()]))
            }
        }

        impl<D, N: Nullability> $handle<D, Timestamp, N> {
            /// The start of the minute, hour, day, week (Monday), month or year, in UTC.
            pub fn truncate(self, unit: TimeUnit) -> Computed<D, Timestamp, N> {
                Computed::new(call(Function::Truncate(unit), [self.into_result()]))
            }

            /// How many seconds the time lies after another; negative before it.
            pub fn seconds_since<O: Operand<D, Timestamp>>(
                self,
                other: O,
            ) -> Computed<D, f64, With<N, O, D, Timestamp>> {
                let both = [self.into_result(), other.into_operand()];
                Computed::new(call(Function::SecondsBetween, both))
            }
        }

        impl<D, T, N> $handle<D, T, N> {
            /// What is stored: `null` (also where nothing is), `bool`, `number`, `text`, `array` or
            /// `object`.
            pub fn type_name(self) -> Computed<D, String, Required> {
                Computed::new(call(Function::TypeName, [self.into_result()]))
            }
        }

        impl<D, T, N: Nullability> $handle<D, T, N> {
            /// The value, or the other one where it is null.
            pub fn coalesce<O: Operand<D, T>>(
                self,
                other: O,
            ) -> Computed<D, T, N::Both<O::Nulls>> {
                let both = [self.into_result(), other.into_operand()];
                let both = both.into_iter().collect::<Result<_>>();
                Computed::new(both.map(Expr::Coalesce))
            }
        }
    )+};
}

functions!(Field, Computed);

/// The time at which the query is run, by the [clock](crate::DbBuilder::clock) of the database
/// handle: one moment for the whole statement.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Task { #[serde(flatten)] base: Base<Task>, due: Timestamp }
/// let t = Task::fields();
/// let late = t.due.lt(den::now());
/// let hours = den::now().seconds_since(t.due) / 3600;
/// # let _ = (late, hours.gt(2.0));
/// ```
pub fn now<D>() -> Computed<D, Timestamp, Required> {
    Computed::new(call(Function::Now, []))
}
