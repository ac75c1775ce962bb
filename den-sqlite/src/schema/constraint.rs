//! Making and dropping constraints.

use den_backend::{ConstraintMeta, Error, ErrorKind};
use den_sql::{
    Layout, SQLITE, Statement,
    constraint::{self, backing_index, describe, has_rule, offenders},
    schema, sqlite_constraints,
};
use rusqlite::{ffi, params_from_iter};

use super::{
    plan::{Columns, needed_by},
    refusal::check_free,
    spell_again,
};
use crate::{catalog, connection::Connection, error::Outcome, scan};

/// So many documents that break a constraint are named.
const MOST_OFFENDERS: u64 = 10;

/// Makes a constraint, if all documents keep it.
pub(super) fn create(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<()> {
    if !catalog::table_exists(connection, collection)?
        || !catalog::is_collection(&catalog::columns(connection, collection)?)
    {
        return Err(Error::not_registered(collection).into());
    }
    let recorded = catalog::constraints(connection, collection)?;
    if let Some(there) = recorded.iter().find(|it| it.name == constraint.name) {
        if catalog::is_enforced(connection, collection, there)? {
            return match there == constraint {
                true => Ok(()),
                false => Err(taken(collection, collection, constraint)),
            };
        }
        // What is left of one that another program took away with its table.
        drop_recorded(connection, collection, there)?;
    }
    let owner = match catalog::constraint_owner(connection, &constraint.name)? {
        None => catalog::index_owner(connection, &constraint.name)?,
        owner => owner,
    };
    if let Some(owner) = owner {
        return Err(taken(&owner, collection, constraint));
    }
    check_rows(connection, collection, constraint)?;
    for sql in catalog::missing_records(connection)? {
        connection.execute_batch(&sql)?;
    }
    enforce(connection, collection, constraint)?;
    catalog::record_constraint(connection, collection, constraint)?;
    spell_again(connection, collection)
}

/// Drops a constraint.
pub(super) fn remove(connection: &Connection, collection: &str, name: &str) -> Outcome<()> {
    let recorded = catalog::constraints(connection, collection)?;
    let Some(constraint) = recorded.iter().find(|it| it.name == name) else {
        let message = format!("no constraint is named `{name}`");
        return Err(Error::new(ErrorKind::NotFound, message)
            .with_collection(collection)
            .into());
    };
    drop_recorded(connection, collection, constraint)?;
    spell_again(connection, collection)
}

/// Drops a recorded constraint with its record.
pub(super) fn drop_recorded(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<()> {
    release(connection, collection, constraint)?;
    connection.execute(
        &constraint::forget(SQLITE),
        [collection, constraint.name.as_str()],
    )?;
    Ok(())
}

/// Makes what enforces a constraint.
pub(super) fn enforce(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<()> {
    for sql in sqlite_constraints::create_guards(collection, constraint) {
        connection.execute_batch(&sql)?;
    }
    let Some(index) = backing_index(constraint) else {
        return Ok(());
    };
    check_free(connection, collection, &index.name)?;
    let mut columns = Columns::there(connection, collection)?;
    for sql in columns.add_missing(needed_by(&index)) {
        connection.execute_batch(&sql)?;
    }
    let fields = needed_by(&index);
    let layout = fields.fold(Layout::new(collection), |layout, (path, kind)| {
        layout.with_column(path.clone(), kind)
    });
    for sql in schema::create_index(SQLITE, &layout, &index, false) {
        let Err(error) = connection.execute_batch(&sql) else {
            continue;
        };
        if error.sqlite_extended_error_code() != Some(ffi::SQLITE_CONSTRAINT_UNIQUE) {
            return Err(error.into());
        }
        let sharing = sqlite_constraints::sharing(&layout, &index, MOST_OFFENDERS);
        return Err(Error::duplicate(describe(constraint))
            .with_collection(collection)
            .with_offenders(ids(connection, &sharing)?)
            .with_code(ffi::SQLITE_CONSTRAINT_UNIQUE.to_string())
            .with_source(error)
            .into());
    }
    Ok(())
}

/// Drops what enforces a constraint.
pub(super) fn release(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<()> {
    for sql in sqlite_constraints::drop_guards(constraint) {
        connection.execute_batch(&sql)?;
    }
    if let Some(index) = backing_index(constraint) {
        for sql in schema::drop_index(SQLITE, collection, &index.name, index.kind) {
            connection.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// Fails if there are documents that break the rule.
fn check_rows(
    connection: &Connection,
    collection: &str,
    constraint: &ConstraintMeta,
) -> Outcome<()> {
    if !has_rule(&constraint.kind) {
        return Ok(());
    }
    let statement = offenders(SQLITE, &Layout::new(collection), constraint, MOST_OFFENDERS);
    let offenders = ids(connection, &statement)?;
    match offenders.is_empty() {
        true => Ok(()),
        false => Err(Error::broken(describe(constraint))
            .with_collection(collection)
            .with_offenders(offenders)
            .into()),
    }
}

fn ids(connection: &Connection, statement: &Statement) -> Outcome<Vec<String>> {
    let mut prepared = connection.prepare(&statement.sql)?;
    let params = params_from_iter(statement.params.iter().map(scan::Bound));
    let ids = prepared.query_map(params, |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

fn taken(owner: &str, collection: &str, constraint: &ConstraintMeta) -> crate::error::Failure {
    let message = format!(
        "an index or constraint of `{owner}` is named `{}` already",
        constraint.name
    );
    Error::new(ErrorKind::Duplicate, message)
        .with_collection(collection)
        .into()
}
