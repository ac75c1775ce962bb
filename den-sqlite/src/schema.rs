//! Making tables and indexes as described, each time in one transaction.

use den_backend::{
    CollectionMeta, Constraint, Direction, Error, ErrorKind, Expr, Field, FieldKind, IndexKind,
    IndexMeta, Query, Sort, Value, check::check_collection, search::check_language,
};
use den_sql::{Layout, SQLITE, column_name, schema};
use rusqlite::ffi;

use crate::{
    catalog,
    connection::Connection,
    error::{Failure, Outcome, Place},
    scan,
};

/// The languages of FTS5.
const LANGUAGES: [&str; 1] = ["english"];

/// Whether everything is there as described.
pub(crate) fn is_current(connection: &Connection, meta: &CollectionMeta) -> Outcome<bool> {
    if !catalog::table_exists(connection, &meta.name)? {
        return Ok(false);
    }
    let columns = catalog::columns(connection, &meta.name)?;
    if !catalog::is_collection(&columns) || needed(meta).any(|it| !columns.contains(&it)) {
        return Ok(false);
    }
    let records = catalog::records(connection, &meta.name)?;
    for index in &meta.indexes {
        if !index_is_current(connection, &meta.name, index, &records)? {
            return Ok(false);
        }
    }
    let is_partial = |it: &IndexMeta| !it.filter.is_always();
    Ok(!meta.indexes.iter().any(is_partial) || misspelled(connection, &meta.name)?.is_empty())
}

/// Makes a collection and its indexes exist as described.
pub(crate) fn ensure(connection: &mut Connection, meta: &CollectionMeta) -> Outcome<()> {
    if is_current(connection, meta)? {
        return Ok(());
    }
    check_languages(meta)?;
    immediate(connection, |connection| {
        // Another program may have been faster.
        if is_current(connection, meta)? {
            return Ok(());
        }
        check_name(connection, &meta.name)?;
        for sql in schema::catalog(SQLITE) {
            connection.execute_batch(&sql)?;
        }
        if catalog::table_exists(connection, &meta.name)? {
            add_columns(connection, meta)?;
        } else {
            connection.execute_batch(&schema::create_table(SQLITE, meta))?;
        }
        make_indexes(connection, meta)?;
        spell_again(connection, &meta.name)
    })
}

/// Makes one more index exist on a collection.
pub(crate) fn ensure_index(
    connection: &mut Connection,
    collection: &str,
    index: &IndexMeta,
) -> Outcome<()> {
    let meta = CollectionMeta {
        indexes: vec![index.clone()],
        ..CollectionMeta::new(collection)
    };
    if is_current(connection, &meta)? {
        return Ok(());
    }
    check_languages(&meta)?;
    immediate(connection, |connection| {
        if !catalog::table_exists(connection, collection)? {
            return Err(Error::not_registered(collection).into());
        }
        for sql in schema::catalog(SQLITE) {
            connection.execute_batch(&sql)?;
        }
        add_columns(connection, &meta)?;
        make_indexes(connection, &meta)?;
        spell_again(connection, collection)
    })
}

/// Checks that the words of every search index can be cut as it wants.
fn check_languages(meta: &CollectionMeta) -> Outcome<()> {
    for options in meta.indexes.iter().filter_map(|it| it.search.as_ref()) {
        let checked = check_language(options.language.as_deref(), &LANGUAGES);
        checked.map_err(|error| error.with_collection(meta.name.as_str()))?;
    }
    Ok(())
}

/// Drops a recorded index.
pub(crate) fn drop_index(connection: &mut Connection, collection: &str, name: &str) -> Outcome<()> {
    immediate(connection, |connection| {
        let records = catalog::records(connection, collection)?;
        let Some(record) = records.into_iter().find(|it| it.recorded.name == name) else {
            let message = format!("den made no index `{name}` here");
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_collection(collection)
                .into());
        };
        drop_recorded(connection, &record)?;
        spell_again(connection, collection)
    })
}

/// Makes an index anew that den recorded.
pub(crate) fn rebuild_index(
    connection: &mut Connection,
    collection: &str,
    index: &IndexMeta,
) -> Outcome<()> {
    let meta = CollectionMeta {
        indexes: vec![index.clone()],
        ..CollectionMeta::new(collection)
    };
    immediate(connection, |connection| {
        let records = catalog::records(connection, collection)?;
        let own = |it: &catalog::Record| it.recorded.name == index.name;
        if let Some(record) = records.into_iter().find(own) {
            drop_recorded(connection, &record)?;
        }
        make_indexes(connection, &meta)?;
        spell_again(connection, collection)
    })
}

/// Drops a collection with everything that belongs to it.
///
/// # Behavior
///
/// - A table that is no collection is refused: den did not make it, so it is not den's to drop.
pub(crate) fn drop_collection(connection: &mut Connection, collection: &str) -> Outcome<()> {
    check_collection(collection)?;
    immediate(connection, |connection| {
        let is_there = catalog::table_exists(connection, collection)?;
        if is_there && !catalog::is_collection(&catalog::columns(connection, collection)?) {
            return Err(no_collection(collection).into());
        }
        for record in catalog::records(connection, collection)? {
            drop_recorded(connection, &record)?;
        }
        if !is_there {
            return Ok(());
        }
        for sql in schema::drop_table(SQLITE, collection) {
            connection.execute_batch(&sql)?;
        }
        Ok(())
    })
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

fn check_name(connection: &Connection, name: &str) -> Outcome<()> {
    let refuse = |message: String| Err(Error::new(ErrorKind::InvalidQuery, message).into());
    let prefix = name.get(..7).unwrap_or_default();
    if prefix.eq_ignore_ascii_case("sqlite_") || name.eq_ignore_ascii_case("_den_indexes") {
        return refuse(format!("the collection name `{name}` is reserved"));
    }
    if catalog::table_exists(connection, name)? {
        let columns = catalog::columns(connection, name)?;
        if !catalog::is_collection(&columns) {
            return Err(no_collection(name).into());
        }
        return Ok(());
    }
    // SQLite takes names that differ in ASCII case for one.
    match catalog::same_names(connection, name)?.first() {
        Some(taken) => refuse(format!(
            "the collection name `{name}` is taken by `{taken}`: SQLite ignores case in names"
        )),
        None => Ok(()),
    }
}

/// The error for a table that den did not make.
fn no_collection(name: &str) -> Error {
    let message = format!(
        "the database has a table `{name}` that is no collection: it lacks the columns `id` and \
         `data`"
    );
    Error::new(ErrorKind::InvalidQuery, message)
}

/// The columns that the indexes of a collection need.
fn needed(meta: &CollectionMeta) -> impl Iterator<Item = String> {
    Layout::of(meta)
        .columns()
        .map(|(path, kind)| column_name(path, kind))
        .collect::<Vec<_>>()
        .into_iter()
}

fn add_columns(connection: &Connection, meta: &CollectionMeta) -> Outcome<()> {
    let there = catalog::columns(connection, &meta.name)?;
    for (path, kind) in Layout::of(meta).columns() {
        if !there.contains(&column_name(path, kind)) {
            let sql = schema::add_column(SQLITE, &meta.name, path, kind);
            connection.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// Where the fields lie, those of other indexes included: a filter is to be spelled as in queries.
fn layout_of(connection: &Connection, meta: &CollectionMeta) -> Outcome<Layout> {
    let known = catalog::load(connection, &meta.name)?;
    let known = known.map_or_else(|| Layout::new(meta.name.as_str()), |it| it.layout);
    let described = Layout::of(meta);
    let columns = described.columns();
    Ok(columns.fold(known, |layout, (path, kind)| {
        layout.with_column(path.clone(), kind)
    }))
}

fn make_indexes(connection: &Connection, meta: &CollectionMeta) -> Outcome<()> {
    let layout = layout_of(connection, meta)?;
    let records = catalog::records(connection, &meta.name)?;
    for index in &meta.indexes {
        if index_is_current(connection, &meta.name, index, &records)? {
            continue;
        }
        if let Some(owner) = catalog::owner(connection, &index.name, &meta.name)? {
            let message = format!(
                "the index name `{}` is taken by the collection `{owner}`",
                index.name
            );
            return Err(Error::new(ErrorKind::InvalidQuery, message)
                .with_collection(meta.name.as_str())
                .into());
        }
        if let Some(record) = records.iter().find(|it| it.recorded.name == index.name) {
            drop_recorded(connection, record)?;
        }
        if !catalog::same_names(connection, &index.name)?.is_empty() {
            let message = format!(
                "the database has something else named `{}`, which den did not make",
                index.name
            );
            return Err(Error::new(ErrorKind::InvalidQuery, message)
                .with_collection(meta.name.as_str())
                .into());
        }
        for sql in schema::create_index(SQLITE, &layout, index, false) {
            connection
                .execute_batch(&sql)
                .or_else(|error| Err(explain_failure(connection, &layout, index, error)?))?;
        }
        catalog::record(connection, &meta.name, index)?;
    }
    Ok(())
}

/// Makes partial indexes again that are not spelled as they should be by now.
fn spell_again(connection: &Connection, collection: &str) -> Outcome<()> {
    for (index, statements) in misspelled(connection, collection)? {
        let dropped = schema::drop_index(SQLITE, collection, &index.name, index.kind);
        for sql in dropped.iter().chain(&statements) {
            connection.execute_batch(sql)?;
        }
    }
    Ok(())
}

/// Partial indexes whose filter is spelled otherwise than in statements, with what makes them: a
/// column has come or gone since that the filter can look at. SQLite finds such an index by the text of
/// its filter.
fn misspelled(connection: &Connection, collection: &str) -> Outcome<Vec<(IndexMeta, Vec<String>)>> {
    let Some(known) = catalog::load(connection, collection)? else {
        return Ok(Vec::new());
    };
    let records = catalog::records(connection, collection)?;
    let mut found = Vec::new();
    for index in records.into_iter().filter_map(|it| it.index) {
        if index.filter.is_always() {
            continue;
        }
        let wanted = schema::create_index(SQLITE, &known.layout, &index, false);
        let there = catalog::index_text(connection, collection, &index.name)?;
        let is_wanted = |there: &str| wanted.iter().all(|it| from_name(it) == from_name(there));
        if there.is_some_and(|it| !is_wanted(&it)) {
            found.push((index, wanted));
        }
    }
    Ok(found)
}

/// The definition of an index from its name on. SQLite does not keep what stands before as it was.
fn from_name(definition: &str) -> &str {
    definition.split_once('"').map_or(definition, |(_, it)| it)
}

fn index_is_current(
    connection: &Connection,
    collection: &str,
    index: &IndexMeta,
    records: &[catalog::Record],
) -> Outcome<bool> {
    let hash = schema::definition_hash(index);
    let recorded = records
        .iter()
        .any(|it| it.recorded.name == index.name && it.hash.as_ref() == Some(&hash));
    if !recorded {
        return Ok(false);
    }
    match index.kind {
        IndexKind::Plain | IndexKind::Unique => {
            catalog::index_exists(connection, collection, &index.name)
        }
        // Another program that drops the table takes the triggers with it, and leaves the record.
        IndexKind::Members => catalog::members_exist(connection, collection, &index.name),
        IndexKind::Search => catalog::search_exists(connection, collection, &index.name),
    }
}

fn drop_recorded(connection: &Connection, record: &catalog::Record) -> Outcome<()> {
    let recorded = &record.recorded;
    let kind = record.index.as_ref().map_or(IndexKind::Plain, |it| it.kind);
    for sql in schema::drop_index(SQLITE, &recorded.collection, &recorded.name, kind) {
        connection.execute_batch(&sql)?;
    }
    catalog::forget(connection, &recorded.collection, &recorded.name)
}

/// What to say when an index could not be made: for a unique one, which document is in the way.
fn explain_failure(
    connection: &Connection,
    layout: &Layout,
    index: &IndexMeta,
    error: rusqlite::Error,
) -> Outcome<Failure> {
    let code = error.sqlite_extended_error_code();
    if code != Some(ffi::SQLITE_CONSTRAINT_UNIQUE) {
        return Ok(Failure::Sql(error));
    }
    let fields: Vec<String> = index
        .fields
        .iter()
        .map(|(field, _)| field.path.to_string())
        .collect();
    let message = format!(
        "the unique index {} cannot be made: several documents have the same {}",
        index.name,
        fields.join(", ")
    );
    let mut it = Error::new(ErrorKind::Duplicate, message)
        .with_collection(layout.collection.as_str())
        .with_constraint(Constraint::new(index.name.as_str(), fields))
        .with_code(ffi::SQLITE_CONSTRAINT_UNIQUE.to_string())
        .with_source(error);
    if let Some(id) = offender(connection, layout, index)? {
        it = it.with_id(id);
    }
    Ok(Failure::Den(it))
}

/// A document with the same values under the index as another.
fn offender(
    connection: &Connection,
    layout: &Layout,
    index: &IndexMeta,
) -> Outcome<Option<String>> {
    let mut query = Query::new(layout.collection.as_str());
    query.filter = index.filter.clone();
    for (field, _) in &index.fields {
        let field = Field::document(field.path.clone(), field.kind);
        let present = Expr::IsNull(Box::new(Expr::Field(field.clone()))).not();
        query.filter = query.filter.and(present);
        query.sort.push(Sort::field(field, Direction::Asc));
    }
    let statement = den_sql::select(SQLITE, layout.into(), &query);
    let mut before: Option<Vec<Value>> = None;
    let mut found = None;
    scan::each(connection, &statement, |row| {
        let values = serde_json::from_slice::<Value>(&row.body)
            .ok()
            .and_then(|document| values_under(index, &document));
        if values.is_some() && values == before {
            found = Some(row.id);
            return false;
        }
        before = values;
        true
    })?;
    Ok(found)
}

/// The values a document has under a unique index; none if it takes no part in it.
pub(crate) fn values_under(index: &IndexMeta, document: &Value) -> Option<Vec<Value>> {
    let fields = index.fields.iter();
    fields
        .map(|(field, _)| {
            let value = document.at(field.path.segments())?;
            let kind = match value {
                Value::Null => return None,
                Value::Bool(_) => FieldKind::Bool,
                Value::Int(_) | Value::Float(_) => FieldKind::Number,
                Value::Text(_) => FieldKind::Text,
                Value::Array(_) => FieldKind::Array,
                Value::Object(_) => FieldKind::Object,
            };
            let takes_part = field.kind == FieldKind::Any || field.kind == kind;
            takes_part.then(|| value.clone())
        })
        .collect()
}

/// Where an error about a schema occurred.
pub(crate) fn place(collection: &str) -> Place<'_> {
    Place {
        collection: Some(collection),
        ..Place::default()
    }
}
