//! Values in SQLite's own language, by themselves and within what den computes.

use den_backend::{ArgumentMode, Expr, Field, FieldKind, FieldPath, Native, NativeKind, Piece};

use super::{
    changes::key_path,
    compute::{document_text, json},
    locator::{document, typed},
};
use crate::{
    computed::{Computed, Mode},
    filter::Filters,
    source::{Scalar, Source},
    sqlite_functions::NATIVES,
    writer::SqlWriter,
};

/// The natives within an expression. What is around them is computed by a function of den's own,
/// which finds them in the document.
#[derive(Debug, Default)]
pub(super) struct Natives(Vec<Expr>);

impl Natives {
    /// An expression with fields in place of natives, and those.
    pub(super) fn taken_out(expr: &Expr) -> (Expr, Self) {
        let mut expr = expr.clone();
        let mut natives = Self::default();
        natives.take(&mut expr);
        (expr, natives)
    }

    /// Takes the natives out of an expression.
    pub(super) fn take(&mut self, expr: &mut Expr) {
        if let Expr::Native(_) = expr {
            let segments = [NATIVES.to_owned(), self.0.len().to_string()];
            // Both are good segments of a path.
            let path = FieldPath::from_segments(segments).unwrap_or(FieldPath::root());
            let field = Expr::Field(Field::document(path, FieldKind::Any));
            self.0.push(std::mem::replace(expr, field));
            return;
        }
        each_part(expr, &mut |it| self.take(it));
    }

    /// Writes the JSON text of the document, with the natives in it.
    pub(super) fn document(&self, sql: &mut SqlWriter, around: &Computed<'_>) {
        if self.0.is_empty() {
            return document_text(sql, around.filters.scope);
        }
        sql.push("json(jsonb_set(");
        document(sql, around.filters.scope);
        sql.push(", ").literal(&key_path(&[NATIVES.to_owned()]));
        sql.push(", jsonb(");
        self.write(sql, around.filters, around.level);
        sql.push(")))");
    }

    /// Writes the natives as the JSON text of an array, or NULL if there are none.
    pub(super) fn write(&self, sql: &mut SqlWriter, filters: Filters<'_>, level: usize) {
        if self.0.is_empty() {
            sql.push("NULL");
            return;
        }
        sql.push("'['");
        for (i, it) in self.0.iter().enumerate() {
            sql.push(if i > 0 { " || ',' || " } else { " || " });
            json(sql, &Source::of(it, filters, level));
        }
        sql.push(" || ']'");
    }
}

/// Writes a native by itself.
pub(super) fn native(sql: &mut SqlWriter, around: &Computed<'_>, native: &Native, mode: Mode) {
    match (mode, native.kind) {
        (Mode::Scalar(Scalar::Bool), NativeKind::Bool)
        | (Mode::Scalar(Scalar::Text), NativeKind::Text)
        | (Mode::Scalar(Scalar::Number), NativeKind::Number) => {
            sql.push("(");
            pieces(sql, around, native);
            sql.push(")");
        }
        (Mode::Scalar(Scalar::Text), NativeKind::Other) => {
            sql.push("CAST((");
            pieces(sql, around, native);
            sql.push(") AS TEXT)");
        }
        (Mode::Scalar(scalar), NativeKind::Json) => {
            sql.push("(SELECT CASE ");
            sql.push(match scalar {
                Scalar::Text => "json_type(v.x) WHEN 'text' THEN v.x ->> '$'",
                Scalar::Number => "WHEN json_type(v.x) IN ('integer', 'real') THEN v.x ->> '$'",
                Scalar::Bool => "json_type(v.x) WHEN 'true' THEN 1 WHEN 'false' THEN 0",
            });
            sql.push(" END FROM (SELECT ");
            pieces(sql, around, native);
            sql.push(" AS x) AS v)");
        }
        (
            Mode::Scalar(_),
            NativeKind::Bool | NativeKind::Text | NativeKind::Number | NativeKind::Other,
        ) => {
            sql.push("NULL");
        }
        (Mode::Json, kind) => {
            sql.push(match kind {
                NativeKind::Bool => {
                    "(SELECT CASE WHEN v.x THEN 'true' WHEN NOT v.x THEN 'false' ELSE 'null' END"
                }
                NativeKind::Text | NativeKind::Number => "(SELECT den_json(v.x)",
                NativeKind::Json => "(SELECT ifnull(json(v.x), 'null')",
                NativeKind::Other => "(SELECT den_json(CAST(v.x AS TEXT))",
            });
            sql.push(" FROM (SELECT ");
            pieces(sql, around, native);
            sql.push(" AS x) AS v)");
        }
    }
}

fn pieces(sql: &mut SqlWriter, around: &Computed<'_>, native: &Native) {
    for piece in &native.pieces {
        match piece {
            Piece::Sql(text) => {
                sql.push(text);
            }
            Piece::Name(name) => {
                sql.ident(name);
            }
            Piece::Argument(at, mode) => match native.arguments.get(*at) {
                Some(it) => argument(sql, around, it, *mode),
                // `Query::check` lets none come here.
                None => {
                    sql.push("NULL");
                }
            },
        }
    }
}

fn argument(sql: &mut SqlWriter, around: &Computed<'_>, argument: &Expr, mode: ArgumentMode) {
    let source = Source::of(argument, around.filters, around.level);
    match (mode, argument) {
        (ArgumentMode::Json, _) => json(sql, &source),
        (ArgumentMode::Text, _) => typed(sql, &source, Scalar::Text),
        (ArgumentMode::Number, _) => typed(sql, &source, Scalar::Number),
        (ArgumentMode::Bool, _) => typed(sql, &source, Scalar::Bool),
        (ArgumentMode::Native, Expr::Native(it)) => {
            sql.push("(");
            pieces(sql, around, it);
            sql.push(")");
        }
        // What is no native has no type of the engine's own: its JSON is the nearest.
        (ArgumentMode::Native, _) => json(sql, &source),
        (ArgumentMode::Document, _) => document_text(sql, around.filters.scope),
    }
}

/// Does something with each expression that this one is directly made of.
fn each_part(expr: &mut Expr, with: &mut dyn FnMut(&mut Expr)) {
    match expr {
        Expr::Value(_) | Expr::Field(_) | Expr::Exists(_) => {}
        Expr::Len(it) | Expr::IsNull(it) | Expr::IsEmpty(it) | Expr::Not(it) => with(it),
        Expr::Arithmetic { op: _, left, right } | Expr::Compare { op: _, left, right } => {
            with(left);
            with(right);
        }
        Expr::Case {
            branches,
            otherwise,
        } => {
            for (condition, value) in branches {
                with(condition);
                with(value);
            }
            with(otherwise);
        }
        Expr::Coalesce(all) | Expr::And(all) | Expr::Or(all) => all.iter_mut().for_each(with),
        Expr::Call {
            function: _,
            arguments,
        } => arguments.iter_mut().for_each(with),
        Expr::Native(native) => native.arguments.iter_mut().for_each(with),
        Expr::In { operand, .. } | Expr::Text { operand, .. } | Expr::Matches { operand, .. } => {
            with(operand);
        }
        Expr::Contains { array, .. } => with(array),
        Expr::HasKey { object, .. } => with(object),
        Expr::AnyElement { array, predicate } | Expr::AllElements { array, predicate } => {
            with(array);
            with(predicate);
        }
        Expr::Linked {
            operand, predicate, ..
        } => {
            with(operand);
            with(predicate);
        }
    }
}
