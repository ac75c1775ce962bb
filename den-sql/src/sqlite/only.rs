//! Statements that SQLite alone has.

use super::definitions::members_table;
use crate::writer::{Placeholders, SqlWriter};

/// A command to the FTS5 table of a search index. Parameters: the command (text), and its argument (a
/// number, or null).
pub fn search_command(index: &str) -> String {
    let mut sql = SqlWriter::new(Placeholders::Question);
    let mut name = String::from("_den_");
    name.push_str(index);
    sql.push("INSERT INTO ");
    members_table(&mut sql, index);
    sql.push(" (").ident(&name).push(", rank) VALUES (");
    sql.parameter(1, "").push(", ").parameter(2, "").push(")");
    sql.into_text()
}

/// Empties an FTS5 table, and fills it from the documents of a collection. Parameters of the second: the
/// place of each column's text, as SQLite writes paths.
pub fn refill_search(table: &str, collection: &str, columns: &[String]) -> [String; 2] {
    let mut empty = SqlWriter::new(Placeholders::Question);
    empty
        .push("INSERT INTO ")
        .ident(table)
        .push(" (")
        .ident(table);
    empty.push(") VALUES ('delete-all')");
    let mut fill = SqlWriter::new(Placeholders::Question);
    fill.push("INSERT INTO ").ident(table).push(" (rowid");
    for column in columns {
        fill.push(", ").ident(column);
    }
    fill.push(") SELECT rowid");
    for number in 1..=columns.len() {
        fill.push(", json_extract(data, ")
            .parameter(number, "")
            .push(")");
    }
    fill.push(" FROM ").ident(collection);
    [empty.into_text(), fill.into_text()]
}
