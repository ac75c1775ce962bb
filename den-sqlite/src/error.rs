//! From SQLite's errors to den's: the one place where they are told apart.

use std::{path::Path, sync::Arc};

use den_backend::{Constraint, ConstraintMeta, ConstraintRule, Error, ErrorKind, Patch};
use den_sql::{constraint::describe, sqlite_constraints::REFUSED};
use rusqlite::ffi;

use crate::{
    collection::Collection,
    functions::{PATTERN_TOO_LARGE, failed},
};

/// What SQLite says of an upsert whose unique index it does not find.
const NO_SUCH_TARGET: &str = "ON CONFLICT clause does not match";

/// What goes wrong in work on a connection: SQLite's error, not yet classified, or den's own.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    /// At the document with this id, in a batch.
    Document(rusqlite::Error, String),
    Den(Error),
}

/// The answer of work on a connection.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A unique index as SQLite names it in its messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unique {
    pub(crate) name: String,
    /// The dotted paths of its fields.
    pub(crate) fields: Vec<String>,
    /// What SQLite calls it: `table.column, table.column`, or `index 'name'` for one with an
    /// expression among its keys, as those have that are partial.
    pub(crate) called: String,
    /// That of the constraint which it backs.
    pub(crate) rule: ConstraintRule,
}

/// Where an error occurred, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) collection: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) uniques: &'a [Unique],
    pub(crate) constraints: &'a [ConstraintMeta],
    /// The other collections that the statement looks into.
    pub(crate) linked: &'a [Arc<Collection>],
}

/// What refused a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A unique index, as SQLite calls it.
    Unique(String),
    /// The constraint of this name.
    Constraint(String),
}

impl Place<'_> {
    fn names(&self, table: &str) -> bool {
        self.collection == Some(table) || self.linked.iter().any(|it| it.name() == table)
    }
}

impl Failure {
    /// Whether someone else holds a lock that was needed, so that nothing was done.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Document(error, _) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
            }
            Self::Den(_) => false,
        }
    }

    /// Whether the work was stopped from outside.
    pub(crate) fn is_interrupted(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Document(error, _) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
            }
            Self::Den(_) => false,
        }
    }

    /// The failure of one document of a batch.
    pub(crate) fn of_document(self, id: &str) -> Self {
        match self {
            Self::Sql(error) => Self::Document(error, id.to_owned()),
            Self::Document(..) => self,
            Self::Den(error) => Self::Den(error.with_id(id)),
        }
    }

    /// The failure of a patch: in den's terms where one of the changes could not be made.
    pub(crate) fn of_patch(self, collection: &str, patch: &Patch) -> Self {
        let meant = match &self {
            Self::Sql(error) | Self::Document(error, _) => message_of(error)
                .and_then(|message| den_sql::patch_failure(message, collection, patch)),
            Self::Den(_) => None,
        };
        meant.map_or(self, Self::Den)
    }

    /// The failure of a commit.
    pub(crate) fn of_commit(error: rusqlite::Error) -> Self {
        match error.sqlite_extended_error_code() {
            // The log may hold all of it already, and be read as committed later.
            Some(code) if code & 0xff == ffi::SQLITE_IOERR => {
                let message = "the database file could not be written during the commit: whether \
                               it is done is not known";
                let it = Error::new(ErrorKind::CommitUnknown, message).with_code(code.to_string());
                Self::Den(it.with_source(error))
            }
            _ => Self::Sql(error),
        }
    }

    /// What refused a row, if that is the failure.
    pub(crate) fn refused(&self) -> Option<Refused> {
        let (Self::Sql(error) | Self::Document(error, _)) = self else {
            return None;
        };
        let message = message_of(error)?;
        match error.sqlite_extended_error_code()? {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                what_refused(message).map(|it| Refused::Unique(it.to_owned()))
            }
            ffi::SQLITE_CONSTRAINT_TRIGGER => {
                let name = message.strip_prefix(REFUSED)?;
                Some(Refused::Constraint(name.to_owned()))
            }
            _ => None,
        }
    }

    /// Whether a constraint refused a row for what it holds itself.
    pub(crate) fn is_of_constraint(&self) -> bool {
        matches!(self.refused(), Some(Refused::Constraint(_)))
    }

    /// Whether a unique index or a constraint refused that is not among those known.
    pub(crate) fn is_unknown(&self, place: Place<'_>) -> bool {
        match self.refused() {
            Some(Refused::Unique(called)) => {
                let mut names = place.collection.into_iter();
                let is_id = names.any(|it| called.strip_prefix(it) == Some(".id"));
                !is_id && !place.uniques.iter().any(|it| it.called == called)
            }
            Some(Refused::Constraint(name)) => !place.constraints.iter().any(|it| it.name == name),
            None => false,
        }
    }

    /// Whether the table, or a column that a cached layout names, is gone, or a unique index is
    /// spelled otherwise than that layout would have it.
    pub(crate) fn is_stale_schema(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Document(error, _) => {
                let message = message_of(error).unwrap_or_default();
                message.starts_with("no such table")
                    || message.starts_with("no such column")
                    || message.starts_with(NO_SUCH_TARGET)
            }
            Self::Den(_) => false,
        }
    }

    /// The table that is not there, if that is the failure.
    pub(crate) fn missing_table(&self) -> Option<&str> {
        match self {
            Self::Sql(error) | Self::Document(error, _) => {
                message_of(error)?.strip_prefix("no such table: ")
            }
            Self::Den(_) => None,
        }
    }

    /// The error in den's terms.
    pub(crate) fn at(self, place: Place<'_>) -> Error {
        match self {
            Self::Sql(error) => classify(error, place),
            Self::Document(error, id) => {
                let id = Some(id.as_str());
                classify(error, Place { id, ..place })
            }
            Self::Den(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Den(error)
    }
}

/// What an error of SQLite means.
pub(crate) fn classify(error: rusqlite::Error, place: Place<'_>) -> Error {
    let code = if let rusqlite::Error::SqlInputError { error, .. } = &error {
        // With the place in the text, which the driver tells apart.
        Some(error.extended_code)
    } else {
        error.sqlite_extended_error_code()
    };
    let Some(code) = code else {
        return located(
            Error::new(ErrorKind::Backend, "SQLite could not do it"),
            place,
        )
        .with_source(error);
    };
    let message = message_of(&error).unwrap_or_default();
    if let Some(failed) = failed(message) {
        return located(failed, place);
    }
    let it = match code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
            Error::new(ErrorKind::Duplicate, "a document with this id exists")
                .with_constraint(Constraint::new("primary key", vec!["_id".to_owned()]))
        }
        ffi::SQLITE_CONSTRAINT_UNIQUE => duplicate(message, place),
        ffi::SQLITE_CONSTRAINT_TRIGGER => broken(message, place),
        _ => match code & 0xff {
            ffi::SQLITE_ERROR => plain_error(message, place),
            primary => {
                let (kind, text) = by_code(primary);
                Error::new(kind, text)
            }
        },
    };
    located(it, place)
        .with_code(code.to_string())
        .with_source(error)
}

/// The error for a connection that could not be made.
pub(crate) fn not_opened(error: rusqlite::Error, path: &Path) -> Error {
    let code = error.sqlite_extended_error_code();
    let (kind, text) = by_code(code.unwrap_or(ffi::SQLITE_ERROR) & 0xff);
    let message = format!(
        "could not open the SQLite database `{}`: {text}",
        path.display()
    );
    let mut it = Error::new(kind, message).with_source(error);
    if let Some(code) = code {
        it = it.with_code(code.to_string());
    }
    it
}

/// The error after `close`.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the database was closed")
}

/// The error after the end of a transaction.
pub(crate) fn transaction_closed() -> Error {
    Error::new(
        ErrorKind::TransactionClosed,
        "the transaction was committed or rolled back",
    )
}

fn located(mut error: Error, place: Place<'_>) -> Error {
    if let Some(collection) = place.collection
        && error.collection().is_none()
    {
        error = error.with_collection(collection);
    }
    if let Some(id) = place.id
        && error.id().is_none()
    {
        error = error.with_id(id);
    }
    error
}

fn duplicate(message: &str, place: Place<'_>) -> Error {
    let refused = what_refused(message).unwrap_or(message);
    let index = place.uniques.iter().find(|it| it.called == refused);
    let Some(index) = index else {
        // Not den's: all there is to say is what SQLite calls it.
        let message = "a unique index that den did not make refused the document";
        return Error::new(ErrorKind::Duplicate, message)
            .with_constraint(Constraint::new(refused, Vec::new()));
    };
    let constraint = Constraint::new(index.name.clone(), index.fields.clone());
    Error::duplicate(constraint.with_rule(index.rule))
}

/// The error for a row that a trigger refused.
fn broken(message: &str, place: Place<'_>) -> Error {
    let Some(name) = message.strip_prefix(REFUSED) else {
        return Error::new(ErrorKind::Backend, "a trigger of the table refused it");
    };
    match place.constraints.iter().find(|it| it.name == name) {
        Some(constraint) => Error::broken(describe(constraint)),
        // What is known of it is gone, or cannot be read.
        None => Error::broken(Constraint::new(name, Vec::new()).with_rule(ConstraintRule::Check)),
    }
}

/// What SQLite calls the index that refused.
fn what_refused(message: &str) -> Option<&str> {
    message.strip_prefix("UNIQUE constraint failed: ")
}

/// `SQLITE_ERROR` says what happened in its text only.
fn plain_error(message: &str, place: Place<'_>) -> Error {
    if message.starts_with("malformed JSON") {
        return Error::new(
            ErrorKind::InvalidDocument,
            "the document is not JSON, or nested deeper than SQLite allows (1000)",
        );
    }
    if let Some(missing) = message.strip_prefix("no such table: ")
        && place.names(missing)
    {
        return Error::not_registered(missing);
    }
    if let Some(index) = message.strip_prefix("no such table: _den_") {
        let message = format!("the index `{index}` was never made: register the type");
        return Error::new(ErrorKind::NotRegistered, message);
    }
    if message.starts_with(NO_SUCH_TARGET) {
        return Error::new(
            ErrorKind::InvalidQuery,
            "the collection has no unique index as the upsert names it",
        );
    }
    if message.contains(PATTERN_TOO_LARGE) {
        return Error::new(ErrorKind::InvalidQuery, PATTERN_TOO_LARGE);
    }
    if message.starts_with("Expression tree is too large")
        || message.starts_with("too many SQL variables")
        || message.starts_with("parser stack overflow")
    {
        return Error::new(
            ErrorKind::InvalidQuery,
            "the filter is larger than SQLite allows",
        );
    }
    Error::new(ErrorKind::Backend, "SQLite refused the statement")
}

fn by_code(primary: i32) -> (ErrorKind, &'static str) {
    match primary {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (
            ErrorKind::Locked,
            "the database is locked by another program or connection",
        ),
        ffi::SQLITE_CORRUPT => (ErrorKind::Corrupt, "the database file is damaged"),
        ffi::SQLITE_NOTADB => (ErrorKind::Corrupt, "the file is not a SQLite database"),
        ffi::SQLITE_FULL => (ErrorKind::Backend, "the disk is full"),
        ffi::SQLITE_IOERR => (
            ErrorKind::Backend,
            "the database file could not be read or written",
        ),
        ffi::SQLITE_CANTOPEN => (
            ErrorKind::ConnectionLost,
            "the database file could not be opened",
        ),
        ffi::SQLITE_READONLY => (ErrorKind::Backend, "the database file is read-only"),
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => {
            (ErrorKind::Backend, "access to the database file was denied")
        }
        ffi::SQLITE_TOOBIG => (
            ErrorKind::InvalidDocument,
            "the document is larger than SQLite allows",
        ),
        ffi::SQLITE_NOMEM => (ErrorKind::Backend, "SQLite ran out of memory"),
        ffi::SQLITE_INTERRUPT => (ErrorKind::Timeout, "the work was interrupted"),
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => {
            (ErrorKind::Backend, "a constraint of the table refused it")
        }
        _ => (ErrorKind::Backend, "SQLite could not do it"),
    }
}

fn message_of(error: &rusqlite::Error) -> Option<&str> {
    if let rusqlite::Error::SqliteFailure(_, message) = error {
        return message.as_deref();
    }
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        return Some(msg);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(setup: &str, sql: &str) -> rusqlite::Error {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(setup).unwrap();
        connection.execute_batch(sql).unwrap_err()
    }

    fn place(uniques: &[Unique]) -> Place<'_> {
        Place {
            collection: Some("people"),
            id: Some("1"),
            uniques,
            ..Place::default()
        }
    }

    #[test]
    fn a_unique_violation_names_index_and_fields() {
        let uniques = [Unique {
            name: "ux_people_name".into(),
            fields: vec!["name.first".into(), "name.last".into()],
            called: "people.a, people.b".into(),
            rule: ConstraintRule::Unique,
        }];
        let error = failed(
            "CREATE TABLE people (id PRIMARY KEY, a, b); CREATE UNIQUE INDEX i ON people (a, b);",
            "INSERT INTO people VALUES (1, 'secret', 1), (2, 'secret', 1)",
        );
        let error = classify(error, place(&uniques));
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name(), "ux_people_name");
        assert_eq!(constraint.fields(), ["name.first", "name.last"]);
        assert_eq!(error.code(), Some("2067"));
        assert_eq!(
            (error.collection(), error.id()),
            (Some("people"), Some("1"))
        );
        let debug = format!("{error:?}");
        assert!(!debug.contains("secret"), "{debug}");
    }

    #[test]
    fn a_partial_unique_index_is_told_from_others_over_the_same_fields() {
        let unique = |name: &str, called: &str| Unique {
            name: name.into(),
            fields: vec!["code".into()],
            called: called.into(),
            rule: ConstraintRule::Unique,
        };
        let uniques = [
            unique("ux_all", "people.a"),
            unique("ux's", "index 'ux''s'"),
        ];
        let error = failed(
            "CREATE TABLE people (id PRIMARY KEY, a);
            CREATE UNIQUE INDEX \"ux's\" ON people (a, (x'')) WHERE a > 5;",
            "INSERT INTO people VALUES (1, 9), (2, 9)",
        );
        let failure = Failure::Sql(error);
        assert!(!failure.is_unknown(place(&uniques)));
        assert!(failure.is_unknown(place(&uniques[..1])));
        let error = failure.at(place(&uniques));
        let constraint = error.constraint().unwrap();
        assert_eq!(
            (constraint.name(), constraint.fields()),
            ("ux's", &["code".to_owned()][..])
        );
    }

    #[test]
    fn a_primary_key_violation_is_about_the_id() {
        let error = failed(
            "CREATE TABLE people (id TEXT PRIMARY KEY)",
            "INSERT INTO people VALUES ('1'), ('1')",
        );
        let error = classify(error, place(&[]));
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
    }

    #[test]
    fn texts_of_plain_errors_are_told_apart() {
        for (sql, kind) in [
            ("SELECT jsonb('{')", ErrorKind::InvalidDocument),
            ("SELECT * FROM people", ErrorKind::NotRegistered),
            ("SELECT nonsense()", ErrorKind::Backend),
        ] {
            assert_eq!(classify(failed("", sql), place(&[])).kind(), kind, "{sql}");
        }
    }

    #[test]
    fn a_commit_that_could_not_be_written_is_unknown() {
        for (code, kind) in [
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::CommitUnknown),
            (ffi::SQLITE_FULL, ErrorKind::Backend),
            (ffi::SQLITE_BUSY, ErrorKind::Locked),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = Failure::of_commit(error).at(Place::default());
            assert_eq!(error.kind(), kind, "{code}");
            assert_eq!(error.code(), Some(code.to_string().as_str()));
        }
    }

    #[test]
    fn result_codes_have_kinds() {
        for (code, kind) in [
            (ffi::SQLITE_BUSY, ErrorKind::Locked),
            (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Locked),
            (ffi::SQLITE_LOCKED, ErrorKind::Locked),
            (ffi::SQLITE_CORRUPT_INDEX, ErrorKind::Corrupt),
            (ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
            (ffi::SQLITE_CANTOPEN_ISDIR, ErrorKind::ConnectionLost),
            (ffi::SQLITE_IOERR_READ, ErrorKind::Backend),
            (ffi::SQLITE_FULL, ErrorKind::Backend),
            (ffi::SQLITE_TOOBIG, ErrorKind::InvalidDocument),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = classify(error, Place::default());
            assert_eq!(error.kind(), kind, "{code}");
            assert_eq!(error.code(), Some(code.to_string().as_str()));
            assert_eq!(error.is_retryable(), kind == ErrorKind::Locked);
        }
    }
}
