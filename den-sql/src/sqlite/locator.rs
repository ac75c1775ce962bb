//! How SQLite reads a value out of a document.

use den_backend::{FieldKind, FieldPath, Value};

use super::compute::computed;
use crate::{
    computed::Mode,
    source::{Place, Scalar, Scope, Source},
    statement::Param,
    writer::SqlWriter,
};

/// SQLite paths say whether a number is a key or an index, so a path with numbers stands for
/// several, of which at most one leads anywhere. Beyond so many numbers it is walked instead.
const MOST_NUMBERS: usize = 6;

/// What to read at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// The type as `json_type` names it; NULL where there is no value.
    Type,
    /// The SQL value: NULL for JSON `null`, 1 and 0 for bools.
    Value,
    /// The JSON text; NULL where there is no value.
    Json,
    /// The number of elements; 0 or NULL for what is no array.
    Length,
}

/// Writes what `read` says of the value at a place.
pub(super) fn read(sql: &mut SqlWriter, read: Read, place: &Place<'_>) {
    if place.path.is_root() {
        return read_element(sql, read, place.scope);
    }
    let paths = JsonPaths::of(place.path);
    match paths {
        JsonPaths::One(path) => read_path(sql, read, place.scope, &path),
        JsonPaths::Several(paths) => {
            sql.push("coalesce(");
            for (i, path) in paths.iter().enumerate() {
                if i > 0 {
                    sql.push(", ");
                }
                read_path(sql, read, place.scope, path);
            }
            sql.push(")");
        }
        JsonPaths::TooMany => read_walk(sql, read, place),
    }
}

/// Writes the guarded value of one type, or the column that holds it.
pub(super) fn typed_place(sql: &mut SqlWriter, place: &Place<'_>, scalar: Scalar) {
    if place.is_id() {
        match scalar {
            Scalar::Text => id(sql, place.scope),
            Scalar::Number | Scalar::Bool => {
                sql.push("NULL");
            }
        }
    } else if let Some(column) = place.column(scalar.kind()) {
        named_column(sql, place.scope, column);
    } else {
        guarded(sql, place, scalar);
    }
}

/// Writes the value of one type by its guarded expression: what a generated column computes.
pub(super) fn guarded(sql: &mut SqlWriter, place: &Place<'_>, scalar: Scalar) {
    sql.push("CASE ");
    match scalar {
        Scalar::Text => {
            read(sql, Read::Type, place);
            sql.push(" WHEN 'text' THEN ");
            read(sql, Read::Value, place);
        }
        Scalar::Number => {
            sql.push("WHEN ");
            read(sql, Read::Type, place);
            sql.push(" IN ('integer', 'real') THEN ");
            read(sql, Read::Value, place);
        }
        Scalar::Bool => {
            read(sql, Read::Type, place);
            sql.push(" WHEN 'true' THEN 1 WHEN 'false' THEN 0");
        }
    }
    sql.push(" END");
}

/// Writes the expression of a generated column.
pub(super) fn generated(sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind) {
    match kind {
        FieldKind::Text => guarded(sql, place, Scalar::Text),
        FieldKind::Number => guarded(sql, place, Scalar::Number),
        FieldKind::Bool => guarded(sql, place, Scalar::Bool),
        FieldKind::Array => {
            sql.push("CASE ");
            read(sql, Read::Type, place);
            sql.push(" WHEN 'array' THEN ");
            read(sql, Read::Json, place);
            sql.push(" END");
        }
        FieldKind::Object => {
            sql.push("CASE ");
            read(sql, Read::Type, place);
            sql.push(" WHEN 'object' THEN ");
            read(sql, Read::Json, place);
            sql.push(" END");
        }
        // Numbers and text as they are; bools, arrays and objects as blobs, which equal neither.
        FieldKind::Any => {
            sql.push("CASE ");
            read(sql, Read::Type, place);
            sql.push(" WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'");
            sql.push(" WHEN 'array' THEN CAST(");
            read(sql, Read::Json, place);
            sql.push(" AS BLOB) WHEN 'object' THEN CAST(");
            read(sql, Read::Json, place);
            sql.push(" AS BLOB) ELSE ");
            read(sql, Read::Value, place);
            sql.push(" END");
        }
    }
}

/// Writes the value of one type of any operand.
pub(super) fn typed(sql: &mut SqlWriter, source: &Source<'_>, scalar: Scalar) {
    match source {
        Source::Place(place) => typed_place(sql, place, scalar),
        Source::Len(place) if scalar == Scalar::Number => {
            sql.push("CASE ");
            read(sql, Read::Type, place);
            sql.push(" WHEN 'array' THEN ");
            read(sql, Read::Length, place);
            sql.push(" END");
        }
        Source::Value(value) if Scalar::of(value) == Some(scalar) => bind(sql, value),
        Source::Computed(it) => computed(sql, it, Mode::Scalar(scalar)),
        Source::Count(count) if scalar == Scalar::Number => {
            sql.bind(Param::Int(*count));
        }
        Source::Len(_) | Source::Value(_) | Source::Count(_) | Source::Null => {
            sql.push("NULL");
        }
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

/// Writes `json_each` over the value at a place: its elements or members.
pub(super) fn each(sql: &mut SqlWriter, place: &Place<'_>) {
    sql.push("json_each(");
    match (JsonPaths::of(place.path), place.path.is_root()) {
        (JsonPaths::One(path), false) => {
            base(sql, place.scope);
            sql.push(", ").literal(&path);
        }
        (JsonPaths::One(_) | JsonPaths::Several(_) | JsonPaths::TooMany, _) => {
            read(sql, Read::Json, place);
        }
    }
    sql.push(")");
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

/// Writes the document's column.
pub(super) fn document(sql: &mut SqlWriter, scope: Scope) {
    qualifier(sql, scope);
    sql.push("data");
}

/// What paths start from.
fn base(sql: &mut SqlWriter, scope: Scope) {
    match scope {
        Scope::Table | Scope::Document | Scope::Old | Scope::New => document(sql, scope),
        Scope::Element(_) => container(sql, scope),
    }
}

/// The JSON text of an element that is an array or object. `json_each` gives other elements as SQL
/// values, which are not JSON.
fn container(sql: &mut SqlWriter, scope: Scope) {
    sql.push("(CASE WHEN ");
    qualifier(sql, scope);
    sql.push("type IN ('array', 'object') THEN ");
    qualifier(sql, scope);
    sql.push("value END)");
}

fn read_path(sql: &mut SqlWriter, read: Read, scope: Scope, path: &str) {
    match read {
        Read::Type => {
            sql.push("json_type(");
            base(sql, scope);
            sql.push(", ").literal(path).push(")");
        }
        Read::Value => {
            base(sql, scope);
            sql.push(" ->> ").literal(path);
        }
        Read::Json => {
            base(sql, scope);
            sql.push(" -> ").literal(path);
        }
        Read::Length => {
            sql.push("json_array_length(");
            base(sql, scope);
            sql.push(", ").literal(path).push(")");
        }
    }
}

/// Reads a row of `json_each`.
pub(super) fn read_element(sql: &mut SqlWriter, read: Read, scope: Scope) {
    match read {
        Read::Type => {
            qualifier(sql, scope);
            sql.push("type");
        }
        Read::Value => {
            qualifier(sql, scope);
            sql.push("value");
        }
        Read::Json => {
            sql.push("CASE ");
            qualifier(sql, scope);
            sql.push("type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'");
            sql.push(" WHEN 'array' THEN ");
            qualifier(sql, scope);
            sql.push("value WHEN 'object' THEN ");
            qualifier(sql, scope);
            sql.push("value ELSE den_json(");
            qualifier(sql, scope);
            sql.push("value) END");
        }
        Read::Length => {
            sql.push("json_array_length(");
            container(sql, scope);
            sql.push(")");
        }
    }
}

/// Walks a path step by step: the last resort for paths of many numbers. No column or index can
/// hold such an expression.
fn read_walk(sql: &mut SqlWriter, read: Read, place: &Place<'_>) {
    // Aliases above those of any element predicate around, which nest 100 deep at most.
    const FIRST: usize = 1000;
    let segments = place.path.segments();
    sql.push("(SELECT ");
    read_element(sql, read, Scope::Element(FIRST + segments.len() - 1));
    sql.push(" FROM ");
    for i in 0..segments.len() {
        if i == 0 {
            sql.push("json_each(");
            base(sql, place.scope);
        } else {
            sql.push(", json_each(");
            container(sql, Scope::Element(FIRST + i - 1));
        }
        sql.push(") AS e").number(FIRST + i);
    }
    sql.push(" WHERE ");
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 {
            sql.push(" AND ");
        }
        // `json_each` has numbers as keys of arrays, and text as keys of objects.
        sql.push("e").number(FIRST + i).push(".key IN (");
        sql.literal(segment);
        if let Some(index) = FieldPath::index_of(segment) {
            sql.push(", ").number(index);
        }
        sql.push(")");
    }
    sql.push(")");
}

/// The spellings of a path.
enum JsonPaths {
    One(String),
    Several(Vec<String>),
    TooMany,
}

impl JsonPaths {
    fn of(path: &FieldPath) -> Self {
        let is_number = |it: &&String| FieldPath::index_of(it).is_some();
        let numbers = path.segments().iter().filter(is_number).count();
        if numbers > MOST_NUMBERS {
            return Self::TooMany;
        }
        let mut paths = vec![String::from("$")];
        for segment in path.segments() {
            if FieldPath::index_of(segment).is_some() {
                let mut indexed = paths.clone();
                for path in &mut indexed {
                    path.push('[');
                    path.push_str(segment);
                    path.push(']');
                }
                push_key(&mut paths, segment);
                indexed.append(&mut paths);
                paths = indexed;
            } else {
                push_key(&mut paths, segment);
            }
        }
        if paths.len() > 1 {
            return Self::Several(paths);
        }
        Self::One(paths.pop().unwrap_or_default())
    }
}

fn push_key(paths: &mut [String], key: &str) {
    for path in paths {
        path.push('.');
        super::push_label(path, key);
    }
}
