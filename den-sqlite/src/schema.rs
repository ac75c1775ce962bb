//! Changes of the schema: tables, indexes and constraints, each time in one transaction.

mod constraint;
mod plan;
mod refusal;
mod rename;

use den_backend::{
    CollectionMeta, Error, ErrorKind, IndexKind, IndexMeta, PlannedChange, SchemaChange,
    check::check_collection, search::check_language,
};
use den_sql::{SQLITE, schema};

pub(crate) use self::refusal::values_under;
use self::{
    plan::{misspelled, rebuilding, steps},
    refusal::no_collection,
};
use crate::{
    catalog,
    connection::Connection,
    error::{Failure, Outcome, Place},
};

/// The languages of FTS5.
const LANGUAGES: [&str; 1] = ["english"];

/// Whether everything is there as described.
pub(crate) fn is_current(connection: &Connection, meta: &CollectionMeta) -> Outcome<bool> {
    match steps(connection, meta) {
        Ok(steps) => Ok(steps.is_empty()),
        // Whoever goes on to make it learns why that is not possible.
        Err(Failure::Den(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// What [`ensure`] would do.
pub(crate) fn planned(
    connection: &Connection,
    meta: &CollectionMeta,
) -> Outcome<Vec<PlannedChange>> {
    check_languages(meta)?;
    let steps = steps(connection, meta)?;
    Ok(steps
        .into_iter()
        .map(|it| it.describe(&meta.name))
        .collect())
}

/// Makes a collection and its indexes exist as described.
pub(crate) fn ensure(connection: &mut Connection, meta: &CollectionMeta) -> Outcome<()> {
    if is_current(connection, meta)? {
        return Ok(());
    }
    immediate(connection, |it| make(it, meta))
}

/// Makes one more index exist on a collection.
pub(crate) fn ensure_index(
    connection: &mut Connection,
    collection: &str,
    index: &IndexMeta,
) -> Outcome<()> {
    if is_current(connection, &with_index(collection, index))? {
        return Ok(());
    }
    immediate(connection, |it| make_index(it, collection, index))
}

/// Drops a recorded index.
pub(crate) fn drop_index(connection: &mut Connection, collection: &str, name: &str) -> Outcome<()> {
    immediate(connection, |it| remove_index(it, collection, name))
}

/// Makes an index anew that den recorded.
pub(crate) fn rebuild_index(
    connection: &mut Connection,
    collection: &str,
    index: &IndexMeta,
) -> Outcome<()> {
    immediate(connection, |it| {
        rebuilding(it, collection, index)?.run(it, collection)?;
        spell_again(it, collection)
    })
}

/// Drops a collection with everything that belongs to it.
pub(crate) fn drop_collection(connection: &mut Connection, collection: &str) -> Outcome<()> {
    immediate(connection, |it| remove_collection(it, collection))
}

/// Changes the schema, in a transaction of its own.
pub(crate) fn alter(connection: &mut Connection, change: &SchemaChange) -> Outcome<()> {
    match change {
        SchemaChange::CreateCollection(meta) => ensure(connection, meta),
        SchemaChange::CreateIndex { collection, index } => {
            ensure_index(connection, collection, index)
        }
        SchemaChange::RenameCollection { .. }
        | SchemaChange::DropCollection(_)
        | SchemaChange::DropIndex { .. }
        | SchemaChange::CreateConstraint { .. }
        | SchemaChange::DropConstraint { .. } => immediate(connection, |it| apply(it, change)),
    }
}

/// Changes the schema in a transaction that the caller has begun, and takes back if this fails.
pub(crate) fn apply(connection: &Connection, change: &SchemaChange) -> Outcome<()> {
    match change {
        SchemaChange::CreateCollection(meta) => make(connection, meta),
        SchemaChange::RenameCollection { from, to } => rename::rename(connection, from, to),
        SchemaChange::DropCollection(name) => remove_collection(connection, name),
        SchemaChange::CreateIndex { collection, index } => {
            make_index(connection, collection, index)
        }
        SchemaChange::DropIndex { collection, name } => remove_index(connection, collection, name),
        SchemaChange::CreateConstraint {
            collection,
            constraint,
        } => constraint::create(connection, collection, constraint),
        SchemaChange::DropConstraint { collection, name } => {
            constraint::remove(connection, collection, name)
        }
    }
}

/// Runs `work` in a write transaction of its own.
pub(crate) fn immediate<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Outcome<T>,
) -> Outcome<T> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = work(connection).and_then(|it| {
        connection.execute_batch("COMMIT")?;
        Ok(it)
    });
    if done.is_err() {
        connection.clean();
    }
    done
}

/// Where an error about a schema occurred.
pub(crate) fn place(collection: &str) -> Place<'_> {
    Place {
        collection: Some(collection),
        ..Place::default()
    }
}

fn make(connection: &Connection, meta: &CollectionMeta) -> Outcome<()> {
    check_languages(meta)?;
    for step in steps(connection, meta)? {
        step.run(connection, &meta.name)?;
    }
    Ok(())
}

fn make_index(connection: &Connection, collection: &str, index: &IndexMeta) -> Outcome<()> {
    if !catalog::table_exists(connection, collection)? {
        return Err(Error::not_registered(collection).into());
    }
    make(connection, &with_index(collection, index))
}

/// A collection with an index of which nothing else is said.
fn with_index(collection: &str, index: &IndexMeta) -> CollectionMeta {
    CollectionMeta {
        indexes: vec![index.clone()],
        ..CollectionMeta::new(collection)
    }
}

fn remove_index(connection: &Connection, collection: &str, name: &str) -> Outcome<()> {
    let records = catalog::records(connection, collection)?;
    if let Some(record) = records.into_iter().find(|it| it.recorded.name == name) {
        drop_recorded(connection, &record)?;
        return spell_again(connection, collection);
    }
    let constraints = catalog::constraints(connection, collection)?;
    let needs_it = |it: &den_backend::ConstraintMeta| {
        it.name == name && den_sql::constraint::backing_index(it).is_some()
    };
    let (kind, message) = if constraints.iter().any(needs_it) {
        let message =
            format!("the constraint `{name}` needs its index; drop the constraint instead");
        (ErrorKind::Restricted, message)
    } else {
        let message = format!("den made no index `{name}` here");
        (ErrorKind::NotFound, message)
    };
    Err(Error::new(kind, message).with_collection(collection).into())
}

/// Drops a collection with everything that belongs to it.
///
/// # Behavior
///
/// - A table that is no collection is refused: den did not make it, so it is not den's to drop.
fn remove_collection(connection: &Connection, collection: &str) -> Outcome<()> {
    check_collection(collection)?;
    let is_there = catalog::table_exists(connection, collection)?;
    if is_there && !catalog::is_collection(&catalog::columns(connection, collection)?) {
        return Err(no_collection(collection).into());
    }
    for record in catalog::records(connection, collection)? {
        drop_recorded(connection, &record)?;
    }
    for constraint in catalog::constraints(connection, collection)? {
        constraint::drop_recorded(connection, collection, &constraint)?;
    }
    if !is_there {
        return Ok(());
    }
    for sql in schema::drop_table(SQLITE, collection) {
        connection.execute_batch(&sql)?;
    }
    Ok(())
}

/// Checks that the words of every search index can be cut as it wants.
fn check_languages(meta: &CollectionMeta) -> Outcome<()> {
    for options in meta.indexes.iter().filter_map(|it| it.search.as_ref()) {
        let checked = check_language(options.language.as_deref(), &LANGUAGES);
        checked.map_err(|error| error.with_collection(meta.name.as_str()))?;
    }
    Ok(())
}

/// Makes partial indexes again that are not spelled as they should be by now.
fn spell_again(connection: &Connection, collection: &str) -> Outcome<()> {
    let Some(known) = catalog::load(connection, collection)? else {
        return Ok(());
    };
    let indexes = catalog::records(connection, collection)?;
    let indexes = indexes.into_iter().filter_map(|it| it.index);
    for step in misspelled(connection, &known.layout, indexes)? {
        step.run(connection, collection)?;
    }
    Ok(())
}

fn drop_recorded(connection: &Connection, record: &catalog::Record) -> Outcome<()> {
    let recorded = &record.recorded;
    for sql in schema::drop_index(SQLITE, &recorded.collection, &recorded.name, record.kind()) {
        connection.execute_batch(&sql)?;
    }
    catalog::forget(connection, &recorded.collection, &recorded.name)
}

impl catalog::Record {
    /// The kind of index; one that another program recorded is of the plainest.
    fn kind(&self) -> IndexKind {
        self.index.as_ref().map_or(IndexKind::Plain, |it| it.kind)
    }
}
