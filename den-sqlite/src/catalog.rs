//! What the database itself says of its collections: tables, columns, and den's records.

use den_backend::{IndexKind, IndexMeta, RecordedIndex};
use den_sql::{Layout, SQLITE, column_name, schema};
use rusqlite::OptionalExtension;

use crate::{collection::Collection, connection::Connection, error::Outcome};

const TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";

const SAME_NAME: &str = "SELECT name FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE";

const INDEX: &str =
    "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1 AND tbl_name = ?2";

const INDEX_TEXT: &str =
    "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1 AND tbl_name = ?2";

/// The side table of a members index and its three triggers, as den-sql names them.
const MEMBERS: &str = "SELECT count(*) FROM sqlite_schema
WHERE (type = 'table' AND name = '_den_' || ?1)
    OR (type = 'trigger' AND tbl_name = ?2
        AND name IN ('_den_' || ?1 || '_i', '_den_' || ?1 || '_u', '_den_' || ?1 || '_d'))";

/// The tables of a search index, the index over its keys, and its three triggers.
const SEARCH: &str = "SELECT count(*) FROM sqlite_schema
WHERE (type = 'table' AND name IN ('_den_' || ?1, '_den_' || ?1 || '_keys'))
    OR (type = 'index' AND name = ?1 AND tbl_name = '_den_' || ?1 || '_keys')
    OR (type = 'trigger' AND tbl_name = ?2
        AND name IN ('_den_' || ?1 || '_i', '_den_' || ?1 || '_u', '_den_' || ?1 || '_d'))";

const COLUMNS: &str = "SELECT name FROM pragma_table_xinfo(?1)";

const OWNER: &str = "SELECT collection FROM _den_indexes WHERE name = ?1 AND collection <> ?2";

const NOW: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// An index as den recorded it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) recorded: RecordedIndex,
    /// What it was made from; none if another program recorded it.
    pub(crate) index: Option<IndexMeta>,
    pub(crate) hash: Option<String>,
}

/// Reads what there is to know of a collection; none if its table is not there.
pub(crate) fn load(connection: &Connection, name: &str) -> Outcome<Option<Collection>> {
    if !table_exists(connection, name)? {
        return Ok(None);
    }
    let columns = columns(connection, name)?;
    if !is_collection(&columns) {
        return Ok(None);
    }
    let mut layout = Layout::new(name);
    let mut indexes = Vec::new();
    for index in records(connection, name)?
        .into_iter()
        .filter_map(|it| it.index)
    {
        if index.kind == IndexKind::Search && search_exists(connection, name, &index.name)? {
            layout = layout.with_search(&index);
        }
        for (field, _) in &index.fields {
            layout = match index.kind {
                IndexKind::Plain | IndexKind::Unique => {
                    let column = column_name(&field.path, field.kind);
                    if !columns.contains(&column) {
                        continue;
                    }
                    layout.with_column(field.path.clone(), field.kind)
                }
                IndexKind::Members => {
                    // Without its triggers the side table no longer says what is in the rows.
                    if !members_exist(connection, name, &index.name)? {
                        continue;
                    }
                    layout.with_members(field.path.clone(), index.name.clone())
                }
                IndexKind::Search => layout,
            };
        }
        indexes.push(index);
    }
    Ok(Some(Collection::new(layout, &indexes)))
}

/// Whether a table of exactly this name exists.
pub(crate) fn table_exists(connection: &Connection, name: &str) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(TABLE)?;
    Ok(statement.exists([name])?)
}

/// The names of tables and other objects that SQLite takes for this one.
pub(crate) fn same_names(connection: &Connection, name: &str) -> Outcome<Vec<String>> {
    texts(connection, SAME_NAME, &[name])
}

/// Whether a plain or unique index of this name exists on the table.
pub(crate) fn index_exists(connection: &Connection, table: &str, name: &str) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(INDEX)?;
    Ok(statement.exists([name, table])?)
}

/// The definition of a plain or unique index, as SQLite keeps it.
pub(crate) fn index_text(
    connection: &Connection,
    table: &str,
    name: &str,
) -> Outcome<Option<String>> {
    let mut statement = connection.prepare_cached(INDEX_TEXT)?;
    let text = statement.query_row([name, table], |row| row.get(0));
    Ok(text.optional()?)
}

/// Whether a members index of this name is there whole: its side table, and on the collection's
/// table the triggers that keep it.
pub(crate) fn members_exist(connection: &Connection, table: &str, name: &str) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(MEMBERS)?;
    let parts: i64 = statement.query_row([name, table], |row| row.get(0))?;
    Ok(parts == 4)
}

/// Whether a search index of this name is there whole.
pub(crate) fn search_exists(connection: &Connection, table: &str, name: &str) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(SEARCH)?;
    let parts: i64 = statement.query_row([name, table], |row| row.get(0))?;
    Ok(parts == 6)
}

/// The columns of a table, generated ones included.
pub(crate) fn columns(connection: &Connection, table: &str) -> Outcome<Vec<String>> {
    texts(connection, COLUMNS, &[table])
}

/// Whether a table with these columns is one of den's.
pub(crate) fn is_collection(columns: &[String]) -> bool {
    ["id", "data"]
        .iter()
        .all(|needed| columns.iter().any(|it| it == needed))
}

/// All collections, by name.
pub(crate) fn collections(connection: &Connection) -> Outcome<Vec<String>> {
    texts(connection, schema::collections(SQLITE), &[])
}

/// The recorded indexes of a collection, by name.
pub(crate) fn records(connection: &Connection, collection: &str) -> Outcome<Vec<Record>> {
    if !table_exists(connection, "_den_indexes")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(&schema::recorded_indexes(SQLITE))?;
    let mut rows = statement.query([collection])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let fields: String = row.get(1)?;
        let definition: Option<String> = row.get(4)?;
        records.push(Record {
            recorded: RecordedIndex {
                collection: collection.to_owned(),
                name: row.get(0)?,
                // A record of another program may hold anything; its fields are for people.
                fields: serde_json::from_str(&fields).unwrap_or_default(),
                unique: row.get(2)?,
            },
            index: definition.as_deref().and_then(schema::parse_definition),
            hash: row.get(5)?,
        });
    }
    Ok(records)
}

/// The other collection that has an index of this name.
pub(crate) fn owner(
    connection: &Connection,
    index: &str,
    collection: &str,
) -> Outcome<Option<String>> {
    let mut statement = connection.prepare_cached(OWNER)?;
    let owner = statement.query_row([index, collection], |row| row.get(0));
    Ok(owner.optional()?)
}

/// Records an index.
pub(crate) fn record(connection: &Connection, collection: &str, index: &IndexMeta) -> Outcome<()> {
    let fields: Vec<String> = index
        .fields
        .iter()
        .map(|(field, _)| field.path.to_string())
        .collect();
    let fields = serde_json::Value::from(fields).to_string();
    let now: String = connection.query_row(NOW, [], |row| row.get(0))?;
    connection.execute(
        schema::record_index(SQLITE),
        (
            collection,
            &index.name,
            fields,
            index.kind == IndexKind::Unique,
            now,
            schema::kind_name(index.kind),
            schema::definition(index),
            schema::definition_hash(index),
        ),
    )?;
    Ok(())
}

/// Forgets an index.
pub(crate) fn forget(connection: &Connection, collection: &str, index: &str) -> Outcome<()> {
    connection.execute(&schema::forget_index(SQLITE), [collection, index])?;
    Ok(())
}

fn texts(connection: &Connection, sql: &'static str, params: &[&str]) -> Outcome<Vec<String>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(params), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
