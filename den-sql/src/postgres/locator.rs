//! How PostgreSQL reads a value out of a document.

use den_backend::{FieldKind, FieldPath, Value, value::float_text};

use super::compute;
use crate::{
    source::{Place, Scalar, Scope, Source},
    statement::Param,
    writer::SqlWriter,
};

/// Writes the `jsonb` at a place; NULL where there is no value. Safe beside any operator.
pub(super) fn json(sql: &mut SqlWriter, place: &Place<'_>) {
    if place.path.is_root() {
        return base(sql, place.scope);
    }
    sql.push("(");
    json_argument(sql, place);
    sql.push(")");
}

/// As [`json`], to stand alone as an argument.
pub(super) fn json_argument(sql: &mut SqlWriter, place: &Place<'_>) {
    base(sql, place.scope);
    steps(sql, place.path.segments());
}

/// Writes the way down from what is written already.
fn steps(sql: &mut SqlWriter, segments: &[String]) {
    for segment in segments {
        // `#>` takes a number for an index of an array and a key of an object; `->` with text only
        // ever means a key, which is what `01` and `-1` are.
        if FieldPath::index_of(segment).is_some() {
            sql.push("#>");
            index(sql, segment);
        } else {
            sql.push("->").literal(segment);
        }
    }
}

/// Writes the text of the value at a place: text without its quotes, JSON of anything else.
fn text(sql: &mut SqlWriter, place: &Place<'_>) {
    let Some((last, parents)) = place.path.segments().split_last() else {
        base(sql, place.scope);
        sql.push("#>>'{}'");
        return;
    };
    base(sql, place.scope);
    steps(sql, parents);
    if FieldPath::index_of(last).is_some() {
        sql.push("#>>");
        index(sql, last);
    } else {
        sql.push("->>").literal(last);
    }
}

fn index(sql: &mut SqlWriter, digits: &str) {
    let mut path = String::with_capacity(digits.len() + 2);
    path.push('{');
    path.push_str(digits);
    path.push('}');
    sql.literal(&path);
}

/// Writes the name of the value's JSON type; NULL where there is no value.
pub(super) fn type_of(sql: &mut SqlWriter, place: &Place<'_>) {
    sql.push("jsonb_typeof(");
    json_argument(sql, place);
    sql.push(")");
}

/// Writes the guarded value of one type, or the column that holds it. Safe beside any operator.
pub(super) fn typed_place(sql: &mut SqlWriter, place: &Place<'_>, scalar: Scalar) {
    if place.is_id() {
        match scalar {
            Scalar::Text => id(sql, place.scope),
            Scalar::Number | Scalar::Bool => null(sql, scalar),
        }
    } else if let Some(column) = place.column(scalar.kind()) {
        named_column(sql, place.scope, column);
    } else {
        guarded(sql, place, scalar);
    }
}

/// Writes the value of one type by its guarded expression: what a generated column computes and an
/// expression index holds.
pub(super) fn guarded(sql: &mut SqlWriter, place: &Place<'_>, scalar: Scalar) {
    sql.push("(CASE WHEN ");
    type_of(sql, place);
    match scalar {
        Scalar::Text => {
            sql.push(" = 'string' THEN ");
            text(sql, place);
            // Byte order, whatever the order of the database is.
            sql.push(" END) COLLATE \"C\"");
        }
        Scalar::Number => {
            sql.push(" = 'number' THEN (");
            text(sql, place);
            sql.push(")::numeric END)");
        }
        Scalar::Bool => {
            sql.push(" = 'boolean' THEN ");
            json(sql, place);
            sql.push("::boolean END)");
        }
    }
}

/// Writes the expression of a generated column.
pub(super) fn generated(sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind) {
    match kind {
        FieldKind::Text => guarded(sql, place, Scalar::Text),
        FieldKind::Number => guarded(sql, place, Scalar::Number),
        FieldKind::Bool => guarded(sql, place, Scalar::Bool),
        FieldKind::Array | FieldKind::Object => {
            sql.push("(CASE WHEN ");
            type_of(sql, place);
            sql.push(if kind == FieldKind::Array {
                " = 'array' THEN "
            } else {
                " = 'object' THEN "
            });
            json_argument(sql, place);
            sql.push(" END)");
        }
        // `jsonb` compares by type and exact value already.
        FieldKind::Any => {
            sql.push("nullif(");
            json_argument(sql, place);
            sql.push(", 'null'::jsonb)");
        }
    }
}

/// Writes the value of one type of any operand. Safe beside any operator.
pub(super) fn typed(sql: &mut SqlWriter, source: &Source<'_>, scalar: Scalar) {
    match source {
        Source::Place(place) => typed_place(sql, place, scalar),
        Source::Len(place) if scalar == Scalar::Number => {
            sql.push("(CASE WHEN ");
            type_of(sql, place);
            sql.push(" = 'array' THEN jsonb_array_length(");
            json_argument(sql, place);
            sql.push(")::numeric END)");
        }
        Source::Value(value) if Scalar::of(value) == Some(scalar) => bind(sql, value),
        Source::Computed(computed) => compute::scalar(sql, computed, scalar),
        Source::Count(count) if scalar == Scalar::Number => {
            sql.bind(Param::Int(*count));
        }
        Source::Len(_) | Source::Value(_) | Source::Count(_) | Source::Null => null(sql, scalar),
    }
}

/// Binds a value in its own type.
pub(super) fn bind(sql: &mut SqlWriter, value: &Value) {
    match value {
        Value::Null => sql.push("NULL"),
        Value::Bool(it) => sql.bind(Param::Bool(*it)),
        Value::Int(it) => sql.bind(Param::Int(*it)),
        Value::Float(it) => sql.bind(Param::Float(*it)),
        Value::Text(it) => sql.bind(Param::Text(it.clone())),
        Value::Array(_) | Value::Object(_) => sql.bind(Param::Json(value.to_string())),
    };
}

/// The decimal text of a number.
pub(super) fn number_text(value: &Value) -> String {
    match value {
        Value::Float(it) => float_text(*it),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Text(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    }
}

/// Writes the column `id`.
pub(super) fn id(sql: &mut SqlWriter, scope: Scope) {
    qualifier(sql, scope);
    sql.push("id");
}

/// Writes a generated column.
pub(super) fn named_column(sql: &mut SqlWriter, scope: Scope, column: &str) {
    qualifier(sql, scope);
    sql.ident(column);
}

/// Writes the whole document.
pub(super) fn document(sql: &mut SqlWriter, scope: Scope) {
    base(sql, scope);
}

/// Writes the elements of the array at a place as rows; none where there is no array.
pub(super) fn elements(sql: &mut SqlWriter, place: &Place<'_>) {
    sql.push("jsonb_array_elements(CASE WHEN ");
    type_of(sql, place);
    sql.push(" = 'array' THEN ");
    json_argument(sql, place);
    sql.push(" END)");
}

fn null(sql: &mut SqlWriter, scalar: Scalar) {
    sql.push(match scalar {
        Scalar::Text => "NULL::text",
        Scalar::Number => "NULL::numeric",
        Scalar::Bool => "NULL::boolean",
    });
}

fn qualifier(sql: &mut SqlWriter, scope: Scope) {
    match scope {
        Scope::Table => {}
        Scope::Document => {
            sql.push("d.");
        }
        Scope::Old => {
            sql.push("OLD.");
        }
        Scope::New => {
            sql.push("NEW.");
        }
        Scope::Element(level) => {
            sql.push("e").number(level).push(".");
        }
    }
}

/// What paths start from.
fn base(sql: &mut SqlWriter, scope: Scope) {
    qualifier(sql, scope);
    sql.push(match scope {
        Scope::Table | Scope::Document | Scope::Old | Scope::New => "data",
        Scope::Element(_) => "v",
    });
}
