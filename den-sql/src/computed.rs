//! Values that are computed from a row: arithmetic, functions, choices.

use den_backend::{Expr, FieldKind, Root, Value};

use crate::{
    filter::Filters,
    source::{Scalar, Source},
    writer::SqlWriter,
};

/// A value to be computed, and where its fields lie.
#[derive(Debug, Clone, Copy)]
pub struct Computed<'a> {
    pub(crate) expr: &'a Expr,
    pub(crate) filters: Filters<'a>,
    /// The number of element predicates around it.
    pub(crate) level: usize,
}

/// What a computed value is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A value of this type of the engine; NULL if it is of another.
    Scalar(Scalar),
    /// JSON: SQLite text, PostgreSQL `jsonb`. Null is JSON `null`, never NULL.
    Json,
}

impl<'a> Computed<'a> {
    /// What kind of value it is, as far as that is known.
    pub fn kind(&self) -> FieldKind {
        self.expr.kind()
    }

    /// What kind of value it is in every row, null aside. A field but the id may hold any kind, whatever
    /// is declared, and so may what passes one on.
    pub(crate) fn certain_kind(&self) -> FieldKind {
        certain_kind(self.expr)
    }

    /// A part of it, or another value of the same row.
    pub(crate) fn source<'p>(&self, part: &'p Expr) -> Source<'p>
    where
        'a: 'p,
    {
        Source::of(part, self.filters, self.level)
    }

    /// Writes a condition within it.
    pub(crate) fn condition(&self, sql: &mut SqlWriter, condition: &Expr) {
        self.filters.predicate(sql, condition, self.level);
    }
}

fn certain_kind(expr: &Expr) -> FieldKind {
    match expr {
        Expr::Field(field) => match field.root {
            Root::Document if field.path.is_id() => FieldKind::Text,
            Root::Document | Root::Element => FieldKind::Any,
        },
        Expr::Case {
            branches,
            otherwise,
        } => common_kind(branches.iter().map(|(_, it)| it).chain([&**otherwise])),
        Expr::Coalesce(all) => common_kind(all),
        Expr::Value(_)
        | Expr::Len(_)
        | Expr::Arithmetic { .. }
        | Expr::Call { .. }
        | Expr::Native(_)
        | Expr::Compare { .. }
        | Expr::In { .. }
        | Expr::IsNull(_)
        | Expr::Exists(_)
        | Expr::Text { .. }
        | Expr::Matches { .. }
        | Expr::Contains { .. }
        | Expr::IsEmpty(_)
        | Expr::AnyElement { .. }
        | Expr::AllElements { .. }
        | Expr::HasKey { .. }
        | Expr::Linked { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => expr.kind(),
    }
}

fn common_kind<'a>(all: impl IntoIterator<Item = &'a Expr>) -> FieldKind {
    let is_value = |it: &&Expr| !matches!(it, Expr::Value(Value::Null));
    let mut kinds = all.into_iter().filter(is_value).map(certain_kind);
    let Some(first) = kinds.next() else {
        return FieldKind::Any;
    };
    match kinds.all(|it| it == first) {
        true => first,
        false => FieldKind::Any,
    }
}
