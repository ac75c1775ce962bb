//! Statements about single documents. Their text depends on the dialect, the collection and the
//! expectation only, so a backend renders each once and keeps it.

use den_backend::LockMode;

use crate::{dialect::Dialect, writer::SqlWriter};

/// An [`Expectation`](den_backend::Expectation) without its revision: what decides the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpectationKind {
    /// Insert or overwrite.
    Any,
    /// No document has this id.
    Absent,
    /// A document has this id.
    Present,
    /// A document has this id, and its `_deleted_at` is null or missing.
    Live,
    /// The stored document's `_rev` is the given text, or null where none is given.
    Revision,
}

/// One document by id. Parameter: id (text). Columns: `id`, `body`.
pub fn get(dialect: &dyn Dialect, collection: &str) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    write_get(dialect, &mut sql, collection);
    sql.into_text()
}

/// As [`get`], locking the row on PostgreSQL; on SQLite the same as [`get`].
pub fn get_for_update(dialect: &dyn Dialect, collection: &str, mode: LockMode) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    write_get(dialect, &mut sql, collection);
    dialect.lock(&mut sql, mode);
    sql.into_text()
}

/// Several documents by id. Columns: `id`, `body`.
///
/// # Behavior
///
/// - PostgreSQL: one parameter, `text[]`; `n` is ignored, any number of ids is one text.
/// - SQLite: `n` parameters (pad with the last id to a few sizes, so that statement caches hit);
///   with `n` = 0 one parameter, a JSON array of the ids, for any number of them.
pub fn get_many(dialect: &dyn Dialect, collection: &str, n: usize) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    write_columns(dialect, &mut sql, collection);
    dialect.get_many(&mut sql, n);
    sql.into_text()
}

/// Writes one document if the expectation holds, in one statement.
///
/// Parameters: id (text), document (JSON text; PostgreSQL `jsonb`), and with
/// [`ExpectationKind::Revision`] the revision (text, may be null). Column: `inserted` (bool).
///
/// # Behavior
///
/// - One row if it was written, no row if the expectation did not hold. A value taken under a
///   unique index is an error of the engine.
/// - SQLite has no mark by which an upsert tells its two outcomes apart, so there `Any` answers
///   `inserted` = NULL. A backend that must know runs `Present`, then `Absent`, in turn until one
///   returns a row: each is one atomic statement and only one of them writes.
pub fn put(dialect: &dyn Dialect, collection: &str, expect: ExpectationKind) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    dialect.put(&mut sql, collection, expect);
    sql.into_text()
}

/// Writes many documents as [`put`] would each. Columns: `id`, `inserted`; rows in no order.
///
/// Parameters on PostgreSQL: ids (`text[]`, distinct, sorted), documents (`jsonb[]`), and with
/// [`ExpectationKind::Revision`] revisions (`text[]`, elements may be null). SQLite has no arrays:
/// there it is the text of [`put`], to be run once for each document.
pub fn put_many(dialect: &dyn Dialect, collection: &str, expect: ExpectationKind) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    dialect.put_many(&mut sql, collection, expect);
    sql.into_text()
}

/// Deletes one document if the expectation holds. Parameters: id (text), and with
/// [`ExpectationKind::Revision`] the revision (text, may be null). The number of affected rows is
/// the answer.
///
/// # Behavior
///
/// - `Any` and `Present` mean the same; `Absent` matches no row.
pub fn delete(dialect: &dyn Dialect, collection: &str, expect: ExpectationKind) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("DELETE FROM ").ident(collection).push(" AS d");
    sql.push("\nWHERE d.id = ").parameter(1, "::text");
    match expect {
        ExpectationKind::Any | ExpectationKind::Present => {}
        ExpectationKind::Absent => {
            sql.push(" AND FALSE");
        }
        ExpectationKind::Live => {
            sql.push(" AND ");
            dialect.is_live(&mut sql);
        }
        ExpectationKind::Revision => {
            sql.push(" AND ");
            dialect.revision_is(&mut sql, 2);
        }
    }
    sql.into_text()
}

/// The state of one document, to name a refusal. Parameter: id (text). Column: `rev`, the JSON text
/// of `_rev`, or NULL; no row if there is no document.
pub fn state_of(dialect: &dyn Dialect, collection: &str) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("SELECT ");
    dialect.revision(&mut sql);
    sql.push(" AS rev\nFROM ").ident(collection).push(" AS d");
    sql.push("\nWHERE d.id = ").parameter(1, "::text");
    sql.into_text()
}

fn write_get(dialect: &dyn Dialect, sql: &mut SqlWriter, collection: &str) {
    write_columns(dialect, sql, collection);
    sql.push("d.id = ").parameter(1, "::text");
}

/// Writes everything up to the condition.
fn write_columns(dialect: &dyn Dialect, sql: &mut SqlWriter, collection: &str) {
    sql.push("SELECT d.id AS id, ");
    dialect.document(sql);
    sql.push("\nFROM ").ident(collection).push(" AS d\nWHERE ");
}
