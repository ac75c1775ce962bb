//! Expressions in PostgreSQL's own language.

use den_backend::{ArgumentMode, CompareOp, Expr, Native, NativeKind, Piece};

use super::{
    compute::json_of,
    locator::{document, typed},
};
use crate::{
    computed::Computed,
    source::{Scalar, Source},
    spelling::operator,
    writer::SqlWriter,
};

/// Writes a native expression in its own type. Safe beside any operator.
pub(super) fn native(sql: &mut SqlWriter, computed: &Computed<'_>, it: &Native) {
    sql.push("(");
    for piece in &it.pieces {
        match piece {
            Piece::Sql(text) => {
                sql.push(text);
            }
            Piece::Name(name) => {
                sql.name(name);
            }
            Piece::Argument(at, mode) => {
                if let Some(argument) = it.arguments.get(*at) {
                    write_argument(sql, computed, argument, *mode);
                }
            }
        }
    }
    sql.push(")");
}

/// Writes that two native values of types of their own compare so, as those types do; and answers
/// whether they are such.
pub(super) fn compare_native(
    sql: &mut SqlWriter,
    op: CompareOp,
    left: &Source<'_>,
    right: &Source<'_>,
) -> bool {
    let (Some((left_in, left)), Some((right_in, right))) = (other(left), other(right)) else {
        return false;
    };
    sql.push("(");
    native(sql, left_in, left);
    sql.push(operator(op));
    native(sql, right_in, right);
    sql.push(")");
    true
}

fn other<'s, 'a>(source: &'s Source<'a>) -> Option<(&'s Computed<'a>, &'a Native)> {
    let Source::Computed(computed) = source else {
        return None;
    };
    if let Expr::Native(it) = computed.expr
        && it.kind == NativeKind::Other
    {
        return Some((computed, it));
    }
    None
}

fn write_argument(
    sql: &mut SqlWriter,
    computed: &Computed<'_>,
    argument: &Expr,
    mode: ArgumentMode,
) {
    let source = computed.source(argument);
    match (mode, argument) {
        (ArgumentMode::Native, Expr::Native(inner)) => native(sql, computed, inner),
        (ArgumentMode::Json | ArgumentMode::Native, _) => json_of(sql, &source),
        (ArgumentMode::Text, _) => {
            sql.push("(");
            typed(sql, &source, Scalar::Text);
            sql.push(")");
        }
        (ArgumentMode::Number, _) => typed(sql, &source, Scalar::Number),
        (ArgumentMode::Bool, _) => typed(sql, &source, Scalar::Bool),
        (ArgumentMode::Document, _) => document(sql, computed.filters.scope),
    }
}
