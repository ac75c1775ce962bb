//! What the database itself says of its collections: tables, columns, and den's records.

use den_backend::{ConstraintMeta, IndexKind, IndexMeta, RecordedIndex};
use den_sql::{Layout, SQLITE, column_name, constraint, schema, sqlite_constraints};
use rusqlite::OptionalExtension;

use crate::{
    collection::Collection,
    connection::Connection,
    error::{Outcome, Refused},
};

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

/// The tables of den's own records, in the order of [`schema::catalog`].
const RECORDS: [&str; 2] = ["_den_indexes", "_den_constraints"];

/// As [`schema::recorded_indexes`], in a table of another program.
const FOREIGN_RECORDS: &str =
    "SELECT name, fields, is_unique, NULL, NULL, NULL FROM _den_indexes WHERE collection = ?1
ORDER BY name";

const OWNED: &str = "SELECT collection FROM _den_indexes WHERE name = ?1";

const STRICT: &str =
    "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 AND strict";

const TRIGGER: &str =
    "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = ?1 AND tbl_name = ?2";

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
    let mut indexes = Vec::new();
    let mut foreign = Vec::new();
    for record in records(connection, name)? {
        match record.index {
            Some(index) => indexes.push(index),
            None if record.recorded.unique => foreign.push(record.recorded),
            None => {}
        }
    }
    let constraints = constraints(connection, name)?;
    let mut layout = column_layout(name, &indexes, &columns);
    for index in &indexes {
        match index.kind {
            IndexKind::Plain | IndexKind::Unique => {}
            IndexKind::Search => {
                if search_exists(connection, name, &index.name)? {
                    layout = layout.with_search(index);
                }
            }
            IndexKind::Members => {
                // Without its triggers the side table no longer says what is in the rows.
                if members_exist(connection, name, &index.name)? {
                    for (field, _) in &index.fields {
                        layout = layout.with_members(field.path.clone(), index.name.clone());
                    }
                }
            }
        }
    }
    for constraint in &constraints {
        layout = with_backing(layout, constraint, &columns);
    }
    Ok(Some(Collection::new(
        layout,
        &indexes,
        foreign,
        constraints,
    )))
}

/// Where fields lie, as far as indexes have columns for them that are there.
pub(crate) fn column_layout<'a>(
    collection: &str,
    indexes: impl IntoIterator<Item = &'a IndexMeta>,
    columns: &[String],
) -> Layout {
    let indexes = indexes.into_iter();
    indexes.fold(Layout::new(collection), |layout, index| {
        with_columns(layout, index, columns)
    })
}

/// The same with the columns of the index that backs a constraint.
pub(crate) fn with_backing(
    layout: Layout,
    constraint: &ConstraintMeta,
    columns: &[String],
) -> Layout {
    match constraint::backing_index(constraint) {
        Some(index) => with_columns(layout, &index, columns),
        None => layout,
    }
}

fn with_columns(layout: Layout, index: &IndexMeta, columns: &[String]) -> Layout {
    match index.kind {
        IndexKind::Plain | IndexKind::Unique => {}
        IndexKind::Members | IndexKind::Search => return layout,
    }
    let fields = index.fields.iter().map(|(field, _)| field);
    let there = fields.filter(|it| columns.contains(&column_name(&it.path, it.kind)));
    there.fold(layout, |layout, it| {
        layout.with_column(it.path.clone(), it.kind)
    })
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
    let mut statement = match missing_columns(connection)?.is_empty() {
        true => connection.prepare_cached(&schema::recorded_indexes(SQLITE))?,
        false => connection.prepare_cached(FOREIGN_RECORDS)?,
    };
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
    if !table_exists(connection, "_den_indexes")? {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(OWNER)?;
    let owner = statement.query_row([index, collection], |row| row.get(0));
    Ok(owner.optional()?)
}

/// The collection that has an index of this name.
pub(crate) fn index_owner(connection: &Connection, index: &str) -> Outcome<Option<String>> {
    if !table_exists(connection, "_den_indexes")? {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(OWNED)?;
    let owner = statement.query_row([index], |row| row.get(0));
    Ok(owner.optional()?)
}

/// Whether the types of a table's columns are more than wishes.
pub(crate) fn is_strict(connection: &Connection, table: &str) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(STRICT)?;
    Ok(statement.exists([table])?)
}

/// The statements that make den's records as they should be: none if they are.
pub(crate) fn missing_records(connection: &Connection) -> Outcome<Vec<String>> {
    let mut missing = Vec::new();
    for (table, statement) in RECORDS.into_iter().zip(schema::catalog(SQLITE)) {
        if !table_exists(connection, table)? {
            missing.push(statement);
        }
    }
    missing.extend(missing_columns(connection)?.into_iter().map(str::to_owned));
    Ok(missing)
}

/// The statements that add the columns which a table of records lacks that another program made.
fn missing_columns(connection: &Connection) -> Outcome<Vec<&'static str>> {
    let there = columns(connection, "_den_indexes")?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let columns = sqlite_constraints::CATALOG_COLUMNS.into_iter();
    let missing = columns.filter(|(name, _)| !there.iter().any(|it| it == name));
    Ok(missing.map(|(_, statement)| statement).collect())
}

/// The recorded constraints of a collection, in the order in which they were made.
pub(crate) fn constraints(
    connection: &Connection,
    collection: &str,
) -> Outcome<Vec<ConstraintMeta>> {
    if !table_exists(connection, "_den_constraints")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(&constraint::recorded(SQLITE))?;
    let definitions = statement.query_map([collection], |row| row.get::<_, String>(2))?;
    let definitions = definitions.collect::<rusqlite::Result<Vec<_>>>()?;
    let constraints = definitions.iter();
    Ok(constraints
        .filter_map(|it| constraint::parse_definition(it))
        .collect())
}

/// Those of the recorded constraints that are in force.
pub(crate) fn enforced(connection: &Connection, collection: &str) -> Outcome<Vec<ConstraintMeta>> {
    let mut enforced = Vec::new();
    for constraint in constraints(connection, collection)? {
        if is_enforced(connection, collection, &constraint)? {
            enforced.push(constraint);
        }
    }
    Ok(enforced)
}

/// The collection that has a constraint of this name.
pub(crate) fn constraint_owner(connection: &Connection, name: &str) -> Outcome<Option<String>> {
    if !table_exists(connection, "_den_constraints")? {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(&constraint::owner(SQLITE))?;
    let owner = statement.query_row([name], |row| row.get(0));
    Ok(owner.optional()?)
}

/// Whether all is there that enforces a constraint. Another program that drops the table takes it along,
/// and leaves the record.
pub(crate) fn is_enforced(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(TRIGGER)?;
    for name in sqlite_constraints::guard_names(constraint) {
        if !statement.exists([name.as_str(), collection])? {
            return Ok(false);
        }
    }
    match constraint::backing_index(constraint) {
        Some(index) => index_exists(connection, collection, &index.name),
        None => Ok(true),
    }
}

/// The collection whose index or constraint refused a row.
pub(crate) fn refusing(connection: &Connection, refused: &Refused) -> Outcome<Option<Collection>> {
    let called = match refused {
        Refused::Constraint(name) => {
            let owner = constraint_owner(connection, name)?;
            return owner.map_or(Ok(None), |it| load(connection, &it));
        }
        Refused::Unique(called) => called,
    };
    let quoted = called.strip_prefix("index '");
    if let Some(name) = quoted.and_then(|it| it.strip_suffix('\'')) {
        let owner = index_owner(connection, &name.replace("''", "'"))?;
        return owner.map_or(Ok(None), |it| load(connection, &it));
    }
    for name in collections(connection)? {
        let columns = called.strip_prefix(name.as_str());
        if !columns.is_some_and(|it| it.starts_with('.')) {
            continue;
        }
        let found = load(connection, &name)?;
        if let Some(found) = found.filter(|it| it.is_called(called)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Records a constraint.
pub(crate) fn record_constraint(
    connection: &Connection,
    collection: &str,
    meta: &ConstraintMeta,
) -> Outcome<()> {
    let now: String = connection.query_row(NOW, [], |row| row.get(0))?;
    connection.execute(
        &constraint::record(SQLITE),
        (
            collection,
            &meta.name,
            meta.kind.rule().word(),
            constraint::definition(meta),
            now,
        ),
    )?;
    Ok(())
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
