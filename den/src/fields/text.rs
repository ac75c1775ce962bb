//! Operators of text fields.

use std::borrow::Cow;

use den_backend::{Expr, Pattern, TextOp};

use crate::{Field, Filter, Id};

macro_rules! text_operators {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<D, N, $($generics)*> Field<D, $type, N> {
            /// True if the text starts with this. Case-sensitive; `%` and `_` are plain characters.
            pub fn starts_with(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::StartsWith, false, needle.into())
            }

            /// True if the text ends with this. Case-sensitive.
            pub fn ends_with(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::EndsWith, false, needle.into())
            }

            /// True if this occurs in the text. Case-sensitive.
            pub fn contains(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::Contains, false, needle.into())
            }

            /// True if the text is this, where ASCII letters of either case count as equal.
            pub fn eq_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::Equals, true, needle.into())
            }

            /// As `starts_with`, where ASCII letters of either case count as equal.
            pub fn starts_with_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::StartsWith, true, needle.into())
            }

            /// As `ends_with`, where ASCII letters of either case count as equal.
            pub fn ends_with_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::EndsWith, true, needle.into())
            }

            /// As `contains`, where ASCII letters of either case count as equal.
            pub fn contains_ci(self, needle: impl Into<String>) -> Filter<D> {
                text(self.expr(), TextOp::Contains, true, needle.into())
            }

            /// True if the regular expression is found anywhere in the text; see
            /// [`Pattern`](crate::Pattern) for the syntax.
            pub fn matches(self, pattern: &str) -> Filter<D> {
                matches(self.expr(), pattern)
            }
        }
    )+};
}

text_operators!([] String, [] Cow<'static, str>, [T] Id<T>);

pub(super) fn text<D>(
    operand: Box<Expr>,
    op: TextOp,
    ignore_case: bool,
    needle: String,
) -> Filter<D> {
    Filter::new(Ok(Expr::Text {
        op,
        ignore_case,
        operand,
        needle,
    }))
}

pub(super) fn matches<D>(operand: Box<Expr>, pattern: &str) -> Filter<D> {
    Filter::new(Pattern::parse(pattern).map(|pattern| Expr::Matches { operand, pattern }))
}
