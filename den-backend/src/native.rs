//! What one engine alone can compute, in that engine's own language.

use crate::{Expr, FieldKind, Result, Value};

/// An expression in the language of one engine.
///
/// # Behavior
///
/// - den refuses it with `Unsupported`, naming the feature, on every other backend, before anything
///   reaches the engine.
/// - The text comes from `'static` strings, so no value of an application becomes part of it;
///   arguments are rendered by the backend, and names are checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// The name of the backend, such as `postgres`.
    pub engine: &'static str,
    /// What it is, for messages: `jsonb_path_exists`, say.
    pub feature: &'static str,
    /// The text, piece by piece.
    pub pieces: Vec<Piece>,
    /// The arguments that pieces refer to.
    pub arguments: Vec<Expr>,
    /// What it answers.
    pub kind: NativeKind,
}

/// One piece of the text of a [`Native`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Sql(&'static str),
    /// A name, such as that of a type: lower case ASCII letters, digits and `_`, optionally with
    /// numbers in parentheses and `[]` (`numeric(10,2)`, `text[]`); anything else is refused by
    /// [`check`](crate::check).
    Name(String),
    /// An argument, by its number from 0, rendered in one of several ways.
    Argument(usize, ArgumentMode),
}

/// How an argument of a [`Native`] is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentMode {
    /// As JSON of the engine's own kind.
    Json,
    /// As text; null if it is not text.
    Text,
    /// As a number; null if it is none.
    Number,
    /// As a bool; null if it is none.
    Bool,
    /// As the engine's own type; the argument is a [`Native`] itself.
    Native,
    /// The bare table row's document, whatever the argument is.
    Document,
}

/// What a [`Native`] answers, in the engine's own types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeKind {
    /// A bool: it may stand as a predicate.
    Bool,
    /// Text.
    Text,
    /// A number.
    Number,
    /// JSON of the engine's own kind.
    Json,
    /// Another type; as a value it is its text.
    Other,
}

impl NativeKind {
    /// The kind of value it is in an expression.
    pub const fn field_kind(self) -> FieldKind {
        match self {
            Self::Bool => FieldKind::Bool,
            Self::Text | Self::Other => FieldKind::Text,
            Self::Number => FieldKind::Number,
            Self::Json => FieldKind::Any,
        }
    }
}

/// What can be an argument of a [`Native`]: an expression, or a plain value.
///
/// `den` makes its fields, filters and computed values such arguments.
pub trait IntoExpr {
    /// The expression.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a mistake that was made while it was built.
    fn into_expr(self) -> Result<Expr>;
}

impl IntoExpr for Expr {
    fn into_expr(self) -> Result<Expr> {
        Ok(self)
    }
}

impl IntoExpr for Result<Expr> {
    fn into_expr(self) -> Result<Expr> {
        self
    }
}

impl IntoExpr for Native {
    fn into_expr(self) -> Result<Expr> {
        Ok(Expr::Native(self))
    }
}

macro_rules! values {
    ($($type:ty),+) => {$(
        impl IntoExpr for $type {
            fn into_expr(self) -> Result<Expr> {
                Ok(Expr::Value(self.into()))
            }
        }
    )+};
}

values!(Value, bool, i64, i32, f64, &str, String);
