//! Changes to the rows of a query, where they lie.

use den_backend::{Error, FieldKind, FieldPath, Patch, Query};

use crate::{
    changes::Changes,
    dialect::{Dialect, Held},
    filter::Filters,
    layout::Layouts,
    query::write_rows,
    statement::Statement,
    writer::SqlWriter,
};

/// What stands around the text by which a failed statement says which change failed where, so that
/// it is found in an engine's message in any language.
const MARK: &str = "den:parent:";
const END: &str = ":den";

/// Changes the rows of a query, window included; the number of affected rows is the answer.
///
/// # Behavior
///
/// - A row in which a change cannot be made fails the statement; see [`patch_failure`].
pub fn update(
    dialect: &dyn Dialect,
    layouts: Layouts<'_>,
    query: &Query,
    patch: &Patch,
) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("UPDATE ").ident(&layouts.own.collection);
    sql.push(" AS d\nSET data = ");
    write_document(dialect, &mut sql, &Changes::of(patch));
    write_rows(&mut sql, &filters, query);
    sql.finish()
}

/// The error that a failed [`update`] means, by the engine's message; `None` if it failed for
/// another reason.
///
/// # Behavior
///
/// - The message is what [`FAIL`](crate::sqlite_functions::FAIL) raised in SQLite, and that of
///   SQLSTATE 22P02 in PostgreSQL, in any language.
pub fn patch_failure(message: &str, collection: &str, patch: &Patch) -> Option<Error> {
    let start = message.find(MARK)? + MARK.len();
    let end = message.rfind(END)?;
    // The id comes last and may hold any character.
    let mut parts = message.get(start..end)?.splitn(4, ':');
    let change: usize = parts.next()?.parse().ok()?;
    let keys: usize = parts.next()?.parse().ok()?;
    let kind = match parts.next()? {
        "integer" | "real" | "number" => FieldKind::Number,
        "text" | "string" => FieldKind::Text,
        "true" | "false" | "boolean" => FieldKind::Bool,
        "array" => FieldKind::Array,
        _ => FieldKind::Any,
    };
    let id = parts.next()?;
    let field = patch.changes.get(change)?.path();
    let parent = FieldPath::from_segments(field.segments().get(..keys)?).ok()?;
    let error = Error::parent_holds(field, &parent, kind);
    Some(error.with_collection(collection).with_id(id))
}

/// Writes the new document of a row.
fn write_document(dialect: &dyn Dialect, sql: &mut SqlWriter, changes: &Changes<'_>) {
    if !changes.guards.is_empty() {
        sql.push("CASE");
    }
    for guard in &changes.guards {
        sql.push("\n    WHEN ");
        dialect.is_no_object(sql, guard.keys);
        sql.push(" THEN ");
        let held = Held::At(guard.keys);
        write_failure(dialect, sql, guard.change, guard.keys.len(), held);
    }
    if !changes.guards.is_empty() {
        sql.push("\n    ELSE ");
    }
    match changes.failure {
        Some(it) => write_failure(dialect, sql, it.change, it.keys, Held::Kind(it.kind)),
        None => dialect.changed(sql, &changes.document),
    }
    if !changes.guards.is_empty() {
        sql.push("\nEND");
    }
}

/// Writes an expression that fails where it is computed, and only there.
fn write_failure(
    dialect: &dyn Dialect,
    sql: &mut SqlWriter,
    change: usize,
    keys: usize,
    held: Held<'_>,
) {
    dialect.start_failure(sql);
    let mut text = String::from(MARK);
    text.push_str(&change.to_string());
    text.push(':');
    text.push_str(&keys.to_string());
    text.push(':');
    sql.literal(&text).push(" || ");
    match held {
        Held::At(keys) => dialect.type_at(sql, keys),
        Held::Kind(kind) => {
            sql.push(match kind {
                FieldKind::Text => "'text'",
                FieldKind::Number => "'number'",
                FieldKind::Bool => "'boolean'",
                FieldKind::Array => "'array'",
                FieldKind::Object | FieldKind::Any => "'any'",
            });
        }
    }
    sql.push(" || ':' || d.id || ").literal(END);
    dialect.end_failure(sql);
}
