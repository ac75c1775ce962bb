//! Documents that are inserted, or change what is in the way.

use den_backend::{ConflictTarget, FieldKind, OnConflict, Upsert};

use crate::{
    dialect::Dialect,
    filter::Filters,
    layout::Layouts,
    source::{Place, Scope},
    statement::{Param, Statement},
    update::write_patch,
    writer::SqlWriter,
};

/// Inserts a document, or does what is said about the one that is in the way. Columns: `id`, `body`
/// (the document as it is now), `inserted` (bool; SQLite: NULL).
///
/// # Behavior
///
/// - No row means that another document is in the way and was left alone. A value taken under another index is an
///   error of the engine.
/// - SQLite has no mark by which an upsert tells its two outcomes apart. A backend runs it with
///   [`OnConflict::Nothing`] first: a row was inserted. Without a row it runs what was asked for, in
///   the same write transaction: the row was changed.
/// - A change that cannot be made fails the statement; see [`patch_failure`](crate::patch_failure).
pub fn upsert(dialect: &dyn Dialect, layouts: Layouts<'_>, upsert: &Upsert<'_>) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let layout = layouts.own;
    sql.push("INSERT INTO ").ident(&layout.collection);
    sql.push(" AS d (id, data)\nVALUES (");
    sql.bind(Param::Text(upsert.id.to_owned())).push(", ");
    let body = String::from_utf8_lossy(upsert.body).into_owned();
    dialect.new_document(&mut sql, body);
    sql.push(")\nON CONFLICT (");
    match upsert.target {
        ConflictTarget::Id => {
            sql.push("id)");
        }
        ConflictTarget::Index(index) => {
            for (i, (field, _)) in index.fields.iter().enumerate() {
                if i > 0 {
                    sql.push(", ");
                }
                let place = Place {
                    scope: Scope::Table,
                    path: &field.path,
                    layout,
                };
                conflict_key(&mut sql, dialect, &place, field.kind);
            }
            if !index.filter.is_always() {
                dialect.partial_end(&mut sql);
            }
            sql.push(")");
            if !index.filter.is_always() {
                // An engine knows the index by the text of its filter.
                sql.push(" WHERE ");
                sql.definition(|sql| Filters::of_table(dialect, layout).write(sql, &index.filter));
            }
        }
    }
    match upsert.on_conflict {
        OnConflict::Nothing => {
            sql.push(" DO NOTHING");
        }
        OnConflict::Change(patch) => {
            sql.push(" DO UPDATE\nSET data = ");
            write_patch(&mut sql, &Filters::of_query(dialect, layouts), patch);
        }
    }
    sql.push("\nRETURNING ");
    dialect.upserted(&mut sql);
    sql.finish()
}

fn conflict_key(sql: &mut SqlWriter, dialect: &dyn Dialect, place: &Place<'_>, kind: FieldKind) {
    if place.is_id() {
        sql.push("id");
    } else {
        dialect.conflict_key(sql, place, kind);
    }
}
