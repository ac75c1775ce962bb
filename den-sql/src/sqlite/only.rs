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
