//! Operators of text.

use std::borrow::Cow;

use den_backend::{Expr, Pattern, Result, TextOp};

use crate::{Computed, Field, Filter, Id};

macro_rules! text_operators {
    ($($handle:ident: [$($generics:tt)*] $type:ty;)+) => {$(
        impl<D, N, $($generics)*> $handle<D, $type, N> {
            /// True if the text starts with this. Case-sensitive; `%` and `_` are plain characters.
            pub fn starts_with(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::StartsWith, false, needle.into())
            }

            /// True if the text ends with this. Case-sensitive.
            pub fn ends_with(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::EndsWith, false, needle.into())
            }

            /// True if this occurs in the text. Case-sensitive.
            pub fn contains(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::Contains, false, needle.into())
            }

            /// True if the text is this, where ASCII letters of either case count as equal.
            pub fn eq_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::Equals, true, needle.into())
            }

            /// As `starts_with`, where ASCII letters of either case count as equal.
            pub fn starts_with_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::StartsWith, true, needle.into())
            }

            /// As `ends_with`, where ASCII letters of either case count as equal.
            pub fn ends_with_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::EndsWith, true, needle.into())
            }

            /// As `contains`, where ASCII letters of either case count as equal.
            pub fn contains_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.into_result(), TextOp::Contains, true, needle.into())
            }

            /// True if the regular expression is found anywhere in the text; see
            /// [`Pattern`](crate::Pattern) for the syntax.
            pub fn matches(self, pattern: &str) -> Filter<D> {
                matches(self.into_result(), pattern)
            }
        }
    )+};
}

text_operators! {
    Field: [] String;
    Field: [] Cow<'static, str>;
    Field: [T] Id<T>;
    Computed: [] String;
    Computed: [] Cow<'static, str>;
    Computed: [T] Id<T>;
}

fn text<D>(operand: Result<Expr>, op: TextOp, ignore_case: bool, needle: String) -> Filter<D> {
    Filter::new(operand.map(|operand| Expr::Text {
        op,
        ignore_case,
        operand: Box::new(operand),
        needle,
    }))
}

fn matches<D>(operand: Result<Expr>, pattern: &str) -> Filter<D> {
    Filter::new(operand.and_then(|operand| {
        Ok(Expr::Matches {
            operand: Box::new(operand),
            pattern: Pattern::parse(pattern)?,
        })
    }))
}
