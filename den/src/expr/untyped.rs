//! The functions of untyped fields.

use den_backend::{Expr, Function, Result, TimeUnit};

use super::functions::call;
use crate::{Computed, Json, Nullable, Untyped, fields::IntoUntyped};

/// Computed values: a value of another type than the one a function asks for makes the answer null.
impl Untyped {
    fn call(&self, function: Function) -> Self {
        Self::new(call(function, [self.to_result()]))
    }

    fn call_with<const LEN: usize>(&self, function: Function, others: [Result<Expr>; LEN]) -> Self {
        let all = [self.to_result()].into_iter().chain(others);
        Self::new(call(function, all))
    }

    /// Text with ASCII letters in lower case.
    pub fn lower(&self) -> Self {
        self.call(Function::Lower)
    }

    /// Text with ASCII letters in upper case.
    pub fn upper(&self) -> Self {
        self.call(Function::Upper)
    }

    /// The number of characters of a text.
    pub fn length(&self) -> Self {
        self.call(Function::Length)
    }

    /// Text without ASCII white space at both ends.
    pub fn trim(&self) -> Self {
        self.call(Function::Trim)
    }

    /// The characters of a text from `start`, counted from 0, to the end.
    pub fn substr_from(&self, start: u32) -> Self {
        self.call(Function::Substr {
            start,
            length: None,
        })
    }

    /// At most `length` characters of a text from `start`, counted from 0.
    pub fn substr(&self, start: u32, length: u32) -> Self {
        self.call(Function::Substr {
            start,
            length: Some(length),
        })
    }

    /// The text followed by another.
    pub fn concat(&self, other: impl IntoUntyped) -> Self {
        self.call_with(Function::Concat, [other.into_untyped()])
    }

    /// The text with each occurrence of `from` replaced, left to right.
    pub fn replace(&self, from: impl IntoUntyped, to: impl IntoUntyped) -> Self {
        let both = [from.into_untyped(), to.into_untyped()];
        self.call_with(Function::Replace, both)
    }

    /// The number without its sign.
    pub fn abs(&self) -> Self {
        self.call(Function::Abs)
    }

    /// The number rounded to so many decimal digits, at most 15, half away from zero.
    pub fn round(&self, digits: u8) -> Self {
        self.call(Function::Round { digits })
    }

    /// The start of the minute, hour, day, week (Monday), month or year of a time, in UTC.
    pub fn truncate(&self, unit: TimeUnit) -> Self {
        self.call(Function::Truncate(unit))
    }

    /// How many seconds a time lies after another.
    pub fn seconds_since(&self, other: impl IntoUntyped) -> Self {
        self.call_with(Function::SecondsBetween, [other.into_untyped()])
    }

    /// What is stored: `null` (also where nothing is), `bool`, `number`, `text`, `array` or `object`.
    pub fn type_name(&self) -> Self {
        self.call(Function::TypeName)
    }

    /// The value, or the other one where it is null.
    pub fn coalesce(&self, other: impl IntoUntyped) -> Self {
        let both = [self.to_result(), other.into_untyped()];
        let both = both.into_iter().collect::<Result<_>>();
        Self::new(both.map(Expr::Coalesce))
    }

    /// The value as one of type `T`: what it is read as, and what it may be compared and computed
    /// with.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
    /// let p = Product::fields();
    /// let discounted = p.price * field("discount").typed::<f64, _>().coalesce(1.0);
    /// # let _ = discounted.gt(3.0);
    /// ```
    pub fn typed<T, D>(self) -> Computed<D, T, Nullable> {
        Computed::new(self.into_result())
    }

    /// The field as a computed value: where several of them are to have one type.
    pub fn computed<D>(self) -> Computed<D, Json, Nullable> {
        Computed::new(self.into_result())
    }
}
