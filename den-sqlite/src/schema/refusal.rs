//! Why the schema cannot be changed as asked.

use den_backend::{
    Constraint, Direction, Error, ErrorKind, Expr, Field, FieldKind, IndexMeta, Query, Sort, Value,
};
use den_sql::{Layout, SQLITE};
use rusqlite::ffi;

use crate::{
    catalog,
    connection::Connection,
    error::{Failure, Outcome},
    scan,
};

/// Fails for a name that no collection can have.
pub(super) fn check_name(connection: &Connection, name: &str) -> Outcome<()> {
    let refuse = |message: String| Err(Error::new(ErrorKind::InvalidQuery, message).into());
    let prefix = name.get(..7).unwrap_or_default();
    let is_of_records = ["_den_indexes", "_den_constraints"];
    if prefix.eq_ignore_ascii_case("sqlite_")
        || is_of_records.iter().any(|it| name.eq_ignore_ascii_case(it))
    {
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
pub(super) fn no_collection(name: &str) -> Error {
    let message = format!(
        "the database has a table `{name}` that is no collection: it lacks the columns `id` and \
         `data`"
    );
    Error::new(ErrorKind::InvalidQuery, message)
}

/// Fails for a name that an index of this collection cannot have.
pub(super) fn check_index_name(
    connection: &Connection,
    collection: &str,
    name: &str,
    is_recorded: bool,
) -> Outcome<()> {
    if let Some(owner) = catalog::owner(connection, name, collection)? {
        let message = format!("the index name `{name}` is taken by the collection `{owner}`");
        return Err(Error::new(ErrorKind::InvalidQuery, message)
            .with_collection(collection)
            .into());
    }
    if catalog::constraint_owner(connection, name)?.is_some() {
        let message = format!("a constraint is named `{name}` already");
        return Err(Error::new(ErrorKind::Duplicate, message)
            .with_collection(collection)
            .into());
    }
    match is_recorded {
        true => Ok(()),
        false => check_free(connection, collection, name),
    }
}

/// Fails for a name that something has which den did not make.
pub(super) fn check_free(connection: &Connection, collection: &str, name: &str) -> Outcome<()> {
    if catalog::same_names(connection, name)?.is_empty() {
        return Ok(());
    }
    let message = format!("the database has something else named `{name}`, which den did not make");
    Err(Error::new(ErrorKind::InvalidQuery, message)
        .with_collection(collection)
        .into())
}

/// What to say when an index could not be made: for a unique one, which document is in the way.
pub(super) fn explain_failure(
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
