//! Changes to the rows of a query, where they lie.

use den_backend::{Error, FieldKind, FieldPath, Patch, Query, Returning};

use crate::{
    changes::{Base, Changes, Staged, stages},
    dialect::{Dialect, Held},
    filter::Filters,
    layout::Layouts,
    query::{write_found, write_rows},
    statement::Statement,
    writer::SqlWriter,
};

/// What stands around the text by which a failed statement says which change failed where, so that
/// it is found in an engine's message in any language.
const MARK: &str = "den:parent:";
const END: &str = ":den";

/// What stands for the kind of a value that nests too deep.
const DEEP: &str = "deep";

/// Changes the rows of a query, window included.
///
/// # Behavior
///
/// - A row in which a change cannot be made fails the statement; see [`patch_failure`].
/// - With [`Returning::Nothing`] and without a lock the number of affected rows is the answer.
/// - PostgreSQL otherwise answers with a row for each document that was changed, in the order of the
///   query as it was before. Columns: `id`, `body` (as asked for; NULL for nothing).
/// - SQLite always answers with the number of rows only: nothing changes between two statements of
///   a write transaction, so a backend reads there what it needs with [`select`](crate::select).
pub fn update(
    dialect: &dyn Dialect,
    layouts: Layouts<'_>,
    query: &Query,
    patch: &Patch,
    returning: Returning,
) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    let is_answered = returning != Returning::Nothing || query.lock.is_some();
    if dialect.looks_again() && is_answered {
        write_answered(&mut sql, &filters, query, patch, returning);
    } else {
        sql.push("UPDATE ").ident(&layouts.own.collection);
        sql.push(" AS d\nSET data = ");
        write_patch(&mut sql, &filters, patch);
        write_rows(&mut sql, &filters, query);
    }
    sql.finish()
}

/// Finds, locks and keeps the rows, then changes them, then puts them into the order in which they
/// were found.
///
/// The rows are found once: a sub-select in the condition could be run again for each row, and lock
/// more rows than were asked for.
fn write_answered(
    sql: &mut SqlWriter,
    filters: &Filters<'_>,
    query: &Query,
    patch: &Patch,
    returning: Returning,
) {
    sql.push("WITH found AS MATERIALIZED (\n");
    write_found(sql, filters, query);
    sql.push("\n), numbered AS (\nSELECT f.id, f.data, row_number() OVER () AS n FROM found AS f");
    sql.push("\n), changed AS (\nUPDATE ")
        .ident(&filters.layout.collection);
    sql.push(" AS d\nSET data = ");
    write_patch(sql, filters, patch);
    sql.push("\nFROM numbered AS o\nWHERE d.id = o.id\nRETURNING d.id AS id, ");
    sql.push(match returning {
        Returning::Nothing => "NULL::jsonb",
        Returning::New => "d.data",
        Returning::Old => "o.data",
    });
    sql.push(" AS body, o.n AS n\n)\nSELECT c.id AS id, c.body AS body\nFROM changed AS c");
    sql.push("\nORDER BY c.n ASC NULLS LAST");
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
    let kind = parts.next()?;
    let is_deep = kind == DEEP;
    let kind = match kind {
        "integer" | "real" | "number" => FieldKind::Number,
        "text" | "string" => FieldKind::Text,
        "true" | "false" | "boolean" => FieldKind::Bool,
        "array" => FieldKind::Array,
        "object" => FieldKind::Object,
        _ => FieldKind::Any,
    };
    let id = parts.next()?;
    let change = patch.changes.get(change)?;
    let field = change.path();
    let error = match change.needs() {
        _ if is_deep => Error::nested_too_deep(field),
        Some(needed) if keys == field.segments().len() => Error::field_holds(field, kind, needed),
        Some(_) | None => {
            let parent = FieldPath::from_segments(field.segments().get(..keys)?).ok()?;
            Error::parent_holds(field, &parent, kind)
        }
    };
    Some(error.with_collection(collection).with_id(id))
}

/// Writes the new document of a row.
pub(crate) fn write_patch(sql: &mut SqlWriter, filters: &Filters<'_>, patch: &Patch) {
    if !filters.dialect.patched(sql, patch) {
        write_stages(sql, filters, &stages(patch));
    }
}

/// Writes the last of these stages over the one before it, and so on to the row.
fn write_stages(sql: &mut SqlWriter, filters: &Filters<'_>, stages: &[Changes<'_>]) {
    match stages {
        [] => {}
        [only] => write_stage(sql, filters, only, Base::Row),
        [before @ .., last] => {
            sql.push("(SELECT ");
            write_stage(sql, filters, last, Base::Stage);
            sql.push("\nFROM (SELECT ");
            write_stages(sql, filters, before);
            // So that it is computed once, however often it is looked at.
            sql.push(" AS data OFFSET 0) AS s)");
        }
    }
}

fn write_stage(sql: &mut SqlWriter, filters: &Filters<'_>, stage: &Changes<'_>, base: Base) {
    let dialect = filters.dialect;
    let is_guarded = stage.moved.is_some() || !stage.guards.is_empty();
    if is_guarded {
        sql.push("CASE");
    }
    if let Some(from) = stage.moved {
        sql.push("\n    WHEN (");
        dialect.holds(sql, base, from);
        sql.push(") IS NOT TRUE THEN ");
        sql.push(base.data());
    }
    for guard in &stage.guards {
        sql.push("\n    WHEN ");
        dialect.holds_other(sql, base, guard.keys, guard.kind);
        sql.push(" THEN ");
        let held = Held::At(base, guard.keys);
        write_failure(dialect, sql, guard.change, guard.keys.len(), held);
    }
    if is_guarded {
        sql.push("\n    ELSE ");
    }
    match stage.failure {
        Some(it) => write_failure(dialect, sql, it.change, it.keys, Held::Kind(it.kind)),
        None => {
            let staged = Staged {
                base,
                filters: *filters,
            };
            dialect.changed(sql, &stage.document, &staged);
        }
    }
    if is_guarded {
        sql.push("\nEND");
    }
}

/// Writes an expression that fails where it is computed, and only there.
pub(crate) fn write_failure(
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
        Held::At(base, keys) => dialect.type_at(sql, base, keys),
        Held::Kind(kind) => {
            sql.push(match kind {
                FieldKind::Text => "'text'",
                FieldKind::Number => "'number'",
                FieldKind::Bool => "'boolean'",
                FieldKind::Array => "'array'",
                FieldKind::Object | FieldKind::Any => "'any'",
            });
        }
        Held::Deep => {
            sql.literal(DEEP);
        }
    }
    sql.push(" || ':' || d.id || ").literal(END);
    dialect.end_failure(sql);
}
