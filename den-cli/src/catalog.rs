//! What a database says of its own schema, without knowing the application's types.

use std::fmt;

use den::{
    Capability, Db, Json,
    raw::{ExecuteRaw as _, RawSql},
    site,
};
use serde::{Deserialize, Serialize};

use crate::failure::Outcome;

/// Something about the schema that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// The collection.
    pub(crate) collection: String,
    /// The index.
    pub(crate) index: String,
    /// What is wrong with it.
    pub(crate) problem: Problem,
}

/// What can be wrong with an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    /// It is recorded, but not there.
    Missing,
    /// Its build was interrupted.
    Invalid,
    /// It is recorded for a collection that is not there.
    Stale,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            collection, index, ..
        } = self;
        match self.problem {
            Problem::Missing => write!(
                f,
                "{collection}: the index {index} is recorded but gone; registering the type makes it again"
            ),
            Problem::Invalid => write!(
                f,
                "{collection}: the build of the index {index} was interrupted; registering the type repairs it"
            ),
            Problem::Stale => write!(
                f,
                "{collection}: the index {index} is recorded, but there is no such collection"
            ),
        }
    }
}

/// Whether the backend runs statements.
pub(crate) fn has_statements(db: &Db) -> bool {
    let known = ["sqlite", "postgres"].contains(&db.backend_name());
    known && db.capabilities().has(Capability::RawStatements)
}

#[derive(Debug, Deserialize)]
struct Found {
    found: i64,
}

/// What is wrong with recorded indexes.
pub(crate) async fn faults(db: &Db) -> Outcome<Vec<Fault>> {
    if !has_statements(db) || !has_table(db, "_den_indexes").await? {
        return Ok(Vec::new());
    }
    let statement = RawSql::new()
        .sqlite(
            "SELECT r.collection AS collection, r.name AS 'index',
    CASE WHEN t.name IS NULL THEN 'stale' ELSE 'missing' END AS problem
FROM _den_indexes AS r
LEFT JOIN sqlite_schema AS t ON t.type = 'table' AND t.name = r.collection
WHERE t.name IS NULL OR NOT EXISTS (SELECT 1 FROM sqlite_schema AS s
    WHERE (s.type = 'index' AND s.name = r.name) OR (s.type = 'table' AND s.name = '_den_' || r.name))
ORDER BY r.collection, r.name",
        )
        .postgres(
            "SELECT r.collection AS collection, r.name AS index,
    CASE WHEN t.oid IS NULL THEN 'stale' WHEN i.oid IS NULL THEN 'missing' ELSE 'invalid' END AS problem
FROM _den_indexes AS r
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = current_schema()
LEFT JOIN pg_catalog.pg_class AS t
    ON t.relnamespace = n.oid AND t.relname = r.collection AND t.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_class AS i
    ON i.relnamespace = n.oid AND i.relname = r.name AND i.relkind IN ('i', 'I')
LEFT JOIN pg_catalog.pg_index AS x ON x.indexrelid = i.oid
WHERE t.oid IS NULL OR i.oid IS NULL OR NOT x.indisvalid
ORDER BY r.collection, r.name",
        );
    Ok(db.query_raw(site!("den_cli_faults"), statement, ()).await?)
}

/// The log of migrations, as it is stored.
pub(crate) async fn migrations(db: &Db) -> Outcome<Vec<Json>> {
    #[derive(Deserialize)]
    struct Row {
        data: Json,
    }
    if !has_statements(db) || !has_table(db, "_den_migrations").await? {
        return Ok(Vec::new());
    }
    // Nothing but a step has a slash in its id.
    let statement = "SELECT m.data AS data FROM _den_migrations AS m WHERE m.id LIKE '%/%'";
    let rows: Vec<Row> = db
        .query_raw(site!("den_cli_migrations"), statement, ())
        .await?;
    Ok(rows.into_iter().map(|it| it.data).collect())
}

async fn has_table(db: &Db, name: &str) -> Outcome<bool> {
    let statement = RawSql::new()
        .sqlite("SELECT count(*) AS found FROM sqlite_schema WHERE type = 'table' AND name = $1")
        .postgres(
            "SELECT count(*) AS found FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = $1",
        );
    let rows: Vec<Found> = db
        .query_raw(site!("den_cli_table"), statement, (name,))
        .await?;
    Ok(rows.first().is_some_and(|it| it.found > 0))
}
