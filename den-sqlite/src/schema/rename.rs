//! Giving a collection another name, with all that belongs to it.

use den_backend::{Error, ErrorKind};
use den_sql::{
    SQLITE,
    constraint::{self, definition, renamed},
    schema::{move_index_record, rename_table, renamed_index},
};

use super::{
    constraint::{enforce, release},
    drop_recorded,
    plan::rebuilding,
    refusal::{check_name, no_collection},
    spell_again,
};
use crate::{catalog, connection::Connection, error::Outcome};

/// What a table is called for a moment whose name changes in case only.
const BETWEEN: &str = "_den_renamed";

/// Renames a collection. What has the name that den gives by default gets the one that it has by default
/// in a collection of the new name.
pub(super) fn rename(connection: &Connection, from: &str, to: &str) -> Outcome<()> {
    if !catalog::table_exists(connection, from)? {
        return Err(Error::not_registered(from).into());
    }
    if !catalog::is_collection(&catalog::columns(connection, from)?) {
        return Err(no_collection(from).into());
    }
    let differs_in_case = from != to && from.eq_ignore_ascii_case(to);
    if !differs_in_case {
        check_name(connection, to)?;
    }
    if catalog::table_exists(connection, to)? {
        let error = Error::new(ErrorKind::Duplicate, "the collection exists already");
        return Err(error.with_collection(to).into());
    }
    for sql in catalog::missing_records(connection)? {
        connection.execute_batch(&sql)?;
    }
    let records = catalog::records(connection, from)?;
    let constraints = catalog::constraints(connection, from)?;

    // What gets another name is made anew; SQLite rewrites the rest when it renames the table.
    let mut made_anew = Vec::new();
    for record in &records {
        let index = record.index.as_ref().map(|it| renamed_index(it, from, to));
        match index {
            Some(index) if index.name != record.recorded.name => {
                drop_recorded(connection, record)?;
                made_anew.push(index);
            }
            Some(_) | None => {
                connection.execute(
                    &move_index_record(SQLITE),
                    [from, record.recorded.name.as_str(), to],
                )?;
            }
        }
    }
    for it in &constraints {
        release(connection, from, it)?;
    }
    if differs_in_case {
        connection.execute_batch(&rename_table(SQLITE, from, BETWEEN))?;
        connection.execute_batch(&rename_table(SQLITE, BETWEEN, to))?;
    } else {
        connection.execute_batch(&rename_table(SQLITE, from, to))?;
    }
    for index in &made_anew {
        rebuilding(connection, to, index)?.run(connection, to)?;
    }
    for it in &constraints {
        let new = renamed(it, from, to);
        enforce(connection, to, &new)?;
        connection.execute(
            &constraint::rename(SQLITE),
            [from, &it.name, to, &new.name, &definition(&new)],
        )?;
    }
    spell_again(connection, to)
}
