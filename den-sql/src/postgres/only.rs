//! Definitions that PostgreSQL alone has.

use den_backend::{FieldPath, Value};

pub use super::constraints::{
    check_function, create_check, drop_check, drop_check_function, rename_check,
    rename_check_function, rename_column, rename_index, rename_table, sharing, widen_catalog,
};
use super::{
    Postgres,
    locator::{document, json, typed_place},
};
use crate::{
    dialect::Documents as _,
    document::ExpectationKind,
    layout::Layout,
    source::{Place, Scalar, Scope},
    writer::{Placeholders, SqlWriter},
};

/// What a GIN index is over.
#[derive(Debug, Clone, Copy)]
pub enum GinKey<'a> {
    /// The whole document.
    Document,
    /// The JSON at a path.
    Json(&'a FieldPath),
    /// The words, by this configuration, of the text at a path.
    Words(&'a str, &'a FieldPath),
}

/// `CREATE EXTENSION`, if it is not there.
pub fn create_extension(name: &str) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("CREATE EXTENSION IF NOT EXISTS ").ident(name);
    sql.into_text()
}

/// Has the ids of a table compare by their bytes.
pub fn compare_ids_by_bytes(collection: &str) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("ALTER TABLE ").ident(collection);
    sql.push(" ALTER COLUMN id TYPE text COLLATE \"C\"");
    sql.into_text()
}

/// A GIN index, spelled as the expressions in queries are. The operator class is a word that was checked.
pub fn create_gin_index(
    layout: &Layout,
    name: &str,
    key: GinKey<'_>,
    operator_class: Option<&str>,
) -> String {
    let place = |path| Place {
        scope: Scope::Table,
        path,
        layout,
    };
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("CREATE INDEX ").ident(name);
    sql.push(" ON ").ident(&layout.collection);
    sql.push(" USING gin (");
    match key {
        GinKey::Document => document(&mut sql, Scope::Table),
        GinKey::Json(path) => json(&mut sql, &place(path)),
        GinKey::Words(configuration, path) => {
            sql.push("to_tsvector(").literal(configuration);
            sql.push("::regconfig, ");
            typed_place(&mut sql, &place(path), Scalar::Text);
            sql.push(")");
        }
    }
    if let Some(class) = operator_class {
        sql.push(" ").ident(class);
    }
    sql.push(")");
    sql.into_text()
}

/// The table of a collection that is partitioned by ranges of time, and where its time is kept: a
/// comment, because the key must be a column of its own that no expression can fill.
pub fn create_partitioned_table(collection: &str, field: &FieldPath) -> Vec<String> {
    let mut table = SqlWriter::of_definition(Placeholders::Dollar);
    table.push("CREATE TABLE ").ident(collection);
    table.push(
        " (\n    id text COLLATE \"C\" NOT NULL,\n    data jsonb NOT NULL,\n    \
         part timestamptz NOT NULL,\n    PRIMARY KEY (id, part)\n) PARTITION BY RANGE (part)",
    );
    let mut comment = SqlWriter::of_definition(Placeholders::Dollar);
    comment.push("COMMENT ON COLUMN ").ident(collection);
    comment.push(".part IS ");
    let segments = field.segments().iter();
    let segments: Vec<Value> = segments.map(|it| Value::from(it.as_str())).collect();
    comment.literal(&Value::from(segments).to_string());
    vec![table.into_text(), comment.into_text()]
}

/// A partition from one day to another, both as `YYYY-MM-DD`, in UTC.
pub fn create_partition(collection: &str, name: &str, from: &str, to: &str) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("CREATE TABLE ").ident(name);
    sql.push(" PARTITION OF ").ident(collection);
    sql.push(" FOR VALUES FROM (").literal(&midnight(from));
    sql.push(") TO (").literal(&midnight(to)).push(")");
    sql.into_text()
}

/// Drops a table that was found to be a partition.
pub fn drop_partition(name: &str) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
    sql.push("DROP TABLE ").ident(name);
    sql.into_text()
}

fn midnight(day: &str) -> String {
    [day, " 00:00:00+00"].concat()
}

/// Writes one document of a partitioned collection if one with its id is there and the expectation holds.
/// Parameters and columns are as of [`put`](crate::put), with the time (text) as the third parameter.
pub fn move_document(collection: &str, expect: ExpectationKind) -> String {
    let mut sql = SqlWriter::new(Placeholders::Dollar);
    sql.push("UPDATE ")
        .ident(collection)
        .push(" AS d\nSET data = ");
    sql.parameter(2, "::jsonb").push(", part = (");
    sql.parameter(3, "::text")
        .push(")::timestamptz\nWHERE d.id = ");
    sql.parameter(1, "::text");
    match expect {
        ExpectationKind::Any | ExpectationKind::Absent | ExpectationKind::Present => {}
        ExpectationKind::Live => {
            sql.push(" AND ");
            Postgres.is_live(&mut sql);
        }
        ExpectationKind::Revision => {
            sql.push(" AND ");
            Postgres.revision_is(&mut sql, 4);
        }
    }
    sql.push("\nRETURNING FALSE AS inserted");
    sql.into_text()
}

/// Writes one new document of a partitioned collection; parameters and column as of [`move_document`].
pub fn insert_document(collection: &str) -> String {
    let mut sql = SqlWriter::new(Placeholders::Dollar);
    sql.push("INSERT INTO ").ident(collection);
    sql.push(" AS d (id, data, part)\nVALUES (")
        .parameter(1, "::text");
    sql.push(", ").parameter(2, "::jsonb").push(", (");
    sql.parameter(3, "::text");
    sql.push(")::timestamptz)\nRETURNING TRUE AS inserted");
    sql.into_text()
}
