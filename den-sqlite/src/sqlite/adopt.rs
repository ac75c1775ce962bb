//! Databases of den's predecessor, den for Go.

use den_backend::{Access, Backend, Result};
use den_sql::sqlite_only;
use rusqlite::params_from_iter;

use crate::{
    backend::SqliteBackend, connection::Connection, error::Outcome, native::run, schema::immediate,
};

/// The predecessor's indexes of full text, with the tables they are over: each is a table of FTS5 that is
/// kept by a trigger.
const SEARCH_TABLES: &str = "SELECT t.name, i.tbl_name, i.sql
FROM sqlite_master AS t
JOIN sqlite_master AS i ON i.type = 'trigger' AND i.name = t.name || '_insert'
WHERE t.type = 'table' AND t.name = i.tbl_name || '_fts' AND t.sql LIKE 'CREATE VIRTUAL TABLE%fts5(%'";

/// Brings the predecessor's own indexes of full text in line with the documents.
///
/// # Behavior
///
/// - Nothing happens where there are none. One that is not as the predecessor makes them is left alone.
/// - The predecessor left such an index empty for the documents that were there before it; the next update
///   of one of them then failed with "database disk image is malformed".
///
/// # Errors
///
/// `Unsupported` on another database than SQLite.
pub async fn adopt(backend: &dyn Backend) -> Result<()> {
    run(backend, "sqlite::adopt", Access::ReadWrite, |it| {
        immediate(it, rebuild_all)
    })
    .await
}

/// Whether the database is SQLite.
pub fn is_sqlite(backend: &dyn Backend) -> bool {
    backend.as_any().is::<SqliteBackend>()
}

/// An index of full text that the predecessor made.
struct Theirs {
    table: String,
    collection: String,
    /// Where the texts lie, as SQLite writes paths.
    paths: Vec<String>,
}

fn rebuild_all(connection: &Connection) -> Outcome<()> {
    for theirs in find(connection)? {
        let columns = columns(connection, &theirs.table)?;
        if columns.len() != theirs.paths.len() {
            continue;
        }
        let [empty, fill] = sqlite_only::refill_search(&theirs.table, &theirs.collection, &columns);
        connection.execute(&empty, [])?;
        connection.execute(&fill, params_from_iter(&theirs.paths))?;
    }
    Ok(())
}

fn find(connection: &Connection) -> Outcome<Vec<Theirs>> {
    let mut statement = connection.prepare(SEARCH_TABLES)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let trigger: String = row.get(2)?;
        if let Some(paths) = paths_of(&trigger) {
            found.push(Theirs {
                table: row.get(0)?,
                collection: row.get(1)?,
                paths,
            });
        }
    }
    Ok(found)
}

fn columns(connection: &Connection, table: &str) -> Outcome<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The paths in the text of a trigger; none if it is not of the one form that the predecessor writes:
/// `.. VALUES (NEW.rowid, json_extract(NEW.data, '$.title'), json_extract(NEW.data, '$.body'));`.
fn paths_of(trigger: &str) -> Option<Vec<String>> {
    let (_, values) = trigger.split_once("VALUES (NEW.rowid, ")?;
    let (values, _) = values.split_once(");")?;
    let paths = values.split("), ").map(|it| {
        let path = it.strip_prefix("json_extract(NEW.data, '")?;
        let path = path.strip_suffix(')').unwrap_or(path).strip_suffix('\'')?;
        let is_plain = path.starts_with("$.") && !path.contains('\'');
        is_plain.then(|| path.to_owned())
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_the_trigger() {
        let one = "CREATE TRIGGER \"article_fts_insert\" AFTER INSERT ON \"article\" BEGIN\n\t\t\tINSERT INTO \
                   \"article_fts\"(rowid, body) VALUES (NEW.rowid, json_extract(NEW.data, '$.body'));\n\t\tEND";
        assert_eq!(paths_of(one).unwrap(), ["$.body"]);
        let two = one.replace(
            "'$.body')",
            "'$.title'), json_extract(NEW.data, '$.place.city')",
        );
        assert_eq!(paths_of(&two).unwrap(), ["$.title", "$.place.city"]);
        assert_eq!(paths_of("BEGIN DELETE FROM x; END"), None);
        assert_eq!(paths_of(&one.replace("json_extract", "upper")), None);
    }
}
