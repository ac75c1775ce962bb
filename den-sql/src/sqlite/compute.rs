//! Computed values in SQLite: functions of den's own compute them.

use den_backend::{Expr, Root};

use super::{
    locator::{Read, document, read, read_element, typed},
    natives::{Natives, native},
};
use crate::{
    computed::{Computed, Mode},
    source::{Scalar, Scope, Source},
    statement::Param,
    writer::SqlWriter,
};

/// Writes a computed value.
pub(super) fn computed(sql: &mut SqlWriter, computed: &Computed<'_>, mode: Mode) {
    if let Expr::Native(it) = computed.expr {
        return native(sql, computed, it, mode);
    }
    sql.push(match mode {
        Mode::Scalar(_) => "den_scalar(",
        Mode::Json => "den_value(",
    });
    let (expr, natives) = Natives::taken_out(computed.expr);
    // Only a native cannot be written as JSON, and none is left.
    let expr = serde_json::to_string(&expr).unwrap_or_default();
    sql.bind(Param::Json(expr)).push(", ");
    natives.document(sql, computed);
    sql.push(", ");
    if looks_at_element(computed.expr) {
        read_element(sql, Read::Json, Scope::Element(computed.level));
    } else {
        sql.push("NULL");
    }
    if let Mode::Scalar(scalar) = mode {
        sql.push(match scalar {
            Scalar::Text => ", 'text'",
            Scalar::Number => ", 'number'",
            Scalar::Bool => ", 'bool'",
        });
    }
    sql.push(")");
}

/// Writes any operand as JSON text; null where there is none.
pub(super) fn json(sql: &mut SqlWriter, source: &Source<'_>) {
    match source {
        Source::Place(place) => {
            sql.push("coalesce(");
            read(sql, Read::Json, place);
            sql.push(", 'null')");
        }
        Source::Len(_) => {
            sql.push("ifnull(");
            typed(sql, source, Scalar::Number);
            sql.push(", 'null')");
        }
        Source::Computed(it) => computed(sql, it, Mode::Json),
        Source::Value(value) => {
            sql.bind(Param::Json(value.to_string()));
        }
        Source::Count(count) => {
            sql.bind(Param::Json(count.to_string()));
        }
        Source::Null => {
            sql.push("'null'");
        }
    }
}

/// Writes the JSON text of the document.
pub(super) fn document_text(sql: &mut SqlWriter, scope: Scope) {
    sql.push("json(");
    document(sql, scope);
    sql.push(")");
}

/// Whether the element at hand is looked at, rather than one of a predicate within.
fn looks_at_element(expr: &Expr) -> bool {
    if let Expr::Field(field) | Expr::Exists(field) = expr {
        return field.root == Root::Element;
    }
    if let Expr::AnyElement { array, .. } | Expr::AllElements { array, .. } = expr {
        return looks_at_element(array);
    }
    expr.parts().any(looks_at_element)
}
