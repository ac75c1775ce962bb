//! From the driver's errors to den's.

use std::{error, fmt, io};

use den_backend::{Constraint, ConstraintRule, Error, ErrorKind, Patch};
use tokio_postgres::error::DbError;

use crate::call::Effect;

/// What a call was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Connecting.
    Connect,
    /// A call that changes nothing by itself: a read, or anything before a commit.
    Call,
    /// A write that commits by itself: a lost answer leaves the outcome unknown.
    Write,
    /// Committing: a lost answer leaves the outcome unknown.
    Commit,
}

impl Doing {
    /// What a call outside of a transaction does.
    pub(crate) fn of(effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::Call,
            Effect::Write => Self::Write,
        }
    }
}

/// Turns an error of the driver into den's; the one place that knows SQLSTATEs.
pub(crate) fn classify(error: tokio_postgres::Error, doing: Doing) -> Error {
    let Some(server) = error.as_db_error() else {
        return without_answer(error, doing);
    };
    let (kind, message) = meaning(server, doing);
    let constraint = server.constraint();
    let constraint = constraint.map(|it| Constraint::new(it, Vec::new()));
    let it = Error::new(kind, message)
        .with_code(server.code().code())
        .with_source(ServerError(Box::new(server.clone())));
    match (constraint, refused_id(server)) {
        (Some(constraint), id) if kind == ErrorKind::Validation => {
            let it = broken(&it, constraint.with_rule(ConstraintRule::Check));
            match id {
                Some(id) => it.with_id(id),
                None => it,
            }
        }
        (Some(constraint), _) => it.with_constraint(constraint),
        (None, _) => it,
    }
}

/// The error of what a constraint refused, once it is known.
pub(crate) fn refused_by(error: Error, constraint: Constraint) -> Error {
    if error.kind() == ErrorKind::Validation {
        broken(&error, constraint)
    } else if error.kind() == ErrorKind::Duplicate {
        let message = constraint.refusal();
        error.with_message(message).with_constraint(constraint)
    } else {
        error.with_constraint(constraint)
    }
}

/// The error of a broken constraint, with what another one of the same failure says beside that.
fn broken(error: &Error, constraint: Constraint) -> Error {
    let mut it = Error::broken(constraint);
    if let Some(code) = error.code() {
        it = it.with_code(code);
    }
    if let Some(collection) = error.collection() {
        it = it.with_collection(collection);
    }
    if let Some(id) = error.id() {
        it = it.with_id(id);
    }
    match cause(error) {
        Some(cause) => it.with_source(cause.clone()),
        None => it,
    }
}

/// The table that the server names in an error.
pub(crate) fn table_of(error: &Error) -> Option<&str> {
    cause(error).and_then(|ServerError(it)| it.table())
}

/// The id of a document that breaks a `CHECK`. The server shows the row, `(id, {"_id": ..` at its start,
/// in whatever language it speaks, and cuts a text that is longer than 64 bytes.
fn refused_id(server: &DbError) -> Option<&str> {
    if server.code().code() != CHECK_VIOLATION {
        return None;
    }
    let (_, row) = server.detail()?.split_once('(')?;
    let (id, _) = row.split_once(", {")?;
    (!id.is_empty() && id.len() < 64).then_some(id)
}

fn cause(error: &Error) -> Option<&ServerError> {
    error::Error::source(error)?.downcast_ref()
}

const CHECK_VIOLATION: &str = "23514";

/// The error of a statement that computes: a text that is not what it was cast to is no document
/// that cannot be stored.
pub(crate) fn of_query(error: Error) -> Error {
    if error.code() != Some("22P02") {
        return error;
    }
    let mut it = Error::new(ErrorKind::InvalidQuery, NOT_READ).with_code("22P02");
    if let Some(collection) = error.collection() {
        it = it.with_collection(collection);
    }
    match cause(&error) {
        Some(cause) => it.with_source(cause.clone()),
        None => it,
    }
}

/// The error of a patch: in the document's terms where one of the changes could not be made.
pub(crate) fn of_patch(error: Error, collection: &str, patch: &Patch) -> Error {
    let message = match (error.code(), cause(&error)) {
        (Some("22P02"), Some(ServerError(it))) => it.message(),
        _ => return error,
    };
    den_sql::patch_failure(message, collection, patch).unwrap_or_else(|| of_query(error))
}

/// Whether the error says that the statement's plan or name is no longer good; nothing was done.
pub(crate) fn is_stale_statement(error: &Error) -> bool {
    // `0A000` has many causes; of den's statements, only "cached plan must not change result type".
    matches!(error.code(), Some("0A000" | "26000"))
}

/// Whether the statement failed only because an earlier one broke the transaction.
pub(crate) fn is_aborted_transaction(error: &Error) -> bool {
    error.code() == Some("25P02")
}

/// Whether the error says that a table is not there.
pub(crate) fn is_missing_table(error: &Error) -> bool {
    error.code() == Some("42P01")
}

/// Whether the error says that a column is not there.
pub(crate) fn is_missing_column(error: &Error) -> bool {
    error.code() == Some("42703")
}

/// Whether the connection cannot be used any more.
pub(crate) fn is_fatal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionLost | ErrorKind::CommitUnknown
    )
}

fn without_answer(error: tokio_postgres::Error, doing: Doing) -> Error {
    let encoding = error::Error::source(&error)
        .and_then(|it| it.downcast_ref::<Error>())
        .cloned();
    if let Some(ours) = encoding {
        // A parameter that could not be encoded: nothing was sent.
        return ours;
    }
    if doing != Doing::Connect && is_unsendable(&error) {
        return Error::new(
            ErrorKind::InvalidQuery,
            "the statement, or a value of it, is larger than the server takes",
        )
        .with_source(error);
    }
    let (kind, message) = match doing {
        Doing::Connect => (ErrorKind::ConnectionLost, "could not connect to the server"),
        Doing::Call => (
            ErrorKind::ConnectionLost,
            "the connection to the server was lost",
        ),
        Doing::Write => (ErrorKind::CommitUnknown, WRITE_UNKNOWN),
        Doing::Commit => (ErrorKind::CommitUnknown, COMMIT_UNKNOWN),
    };
    Error::new(kind, message).with_source(error)
}

/// Whether a message could not be put into the form of the protocol, so that nothing was sent. No
/// connection fails in this way.
fn is_unsendable(error: &tokio_postgres::Error) -> bool {
    error::Error::source(error)
        .and_then(|it| it.downcast_ref::<io::Error>())
        .is_some_and(|it| it.kind() == io::ErrorKind::InvalidInput)
}

const NOT_READ: &str = "PostgreSQL cannot read a value as what the query asks for";

const COMMIT_UNKNOWN: &str =
    "the connection to the server was lost during commit, so its outcome is not known";

const WRITE_UNKNOWN: &str =
    "the connection to the server was lost during a write, so its outcome is not known";

/// The kind and message for an SQLSTATE, by its class and then by its code.
fn meaning(server: &DbError, doing: Doing) -> (ErrorKind, &'static str) {
    let code = server.code().code();
    if doing == Doing::Connect {
        return (ErrorKind::ConnectionLost, connecting(code));
    }
    match code {
        "23505" => (ErrorKind::Duplicate, "a unique value is already taken"),
        // Without a name the server has refused a row that fits no partition.
        CHECK_VIOLATION if server.constraint().is_some() => (
            ErrorKind::Validation,
            "the document breaks a rule of the collection",
        ),
        "40001" => (
            ErrorKind::Serialization,
            "the transaction could not be serialised with a concurrent one",
        ),
        "40P01" => (
            ErrorKind::Deadlock,
            "the transaction was ended to break a deadlock",
        ),
        "55P03" => (
            ErrorKind::Locked,
            "the row or table is locked by someone else",
        ),
        "57014" => (
            ErrorKind::Timeout,
            "the statement ran into the server's time limit or was cancelled",
        ),
        "25P03" | "25P04" => (
            ErrorKind::ConnectionLost,
            "the server ended a transaction that ran or idled for too long",
        ),
        "25006" => (
            ErrorKind::InvalidQuery,
            "a read-only transaction or server cannot write",
        ),
        "25P02" => (
            ErrorKind::TransactionClosed,
            "the database ended the transaction after an earlier error; roll it back",
        ),
        "42P01" => (ErrorKind::NotRegistered, "the collection is not registered"),
        "54000" => (
            ErrorKind::InvalidDocument,
            "PostgreSQL cannot index the document: the text of an indexed field is longer than an \
             index entry may be (about 2 700 bytes after compression)",
        ),
        "22003" => (
            ErrorKind::OutOfRange,
            "a computed number is too large or too small for its type",
        ),
        "22P02" | "22P05" | "22021" => (
            ErrorKind::InvalidDocument,
            "PostgreSQL cannot store the document",
        ),
        "22012" => (ErrorKind::OutOfRange, "PostgreSQL cannot divide by zero"),
        "2201B" => (
            ErrorKind::InvalidQuery,
            "PostgreSQL cannot use the regular expression",
        ),
        "22007" | "22008" | "22018" | "22023" | "22030" | "22031" | "22032" | "22033" | "22034"
        | "22035" | "22036" | "22037" | "22038" | "22039" | "2203A" | "2203B" | "2203C"
        | "2203D" | "2203E" | "2203F" | "2203G" => (ErrorKind::InvalidQuery, NOT_READ),
        "42883" => (
            ErrorKind::Backend,
            "the server has no such function or operator for these types; where an extension has it, \
             make that first: `create_extension(\"pgcrypto\")`, for instance",
        ),
        "42501" => (
            ErrorKind::Backend,
            "the database user has no permission for that",
        ),
        "57P01" | "57P02" | "57P03" | "57P05" => match doing {
            Doing::Commit => (ErrorKind::CommitUnknown, COMMIT_UNKNOWN),
            Doing::Write => (ErrorKind::CommitUnknown, WRITE_UNKNOWN),
            Doing::Connect | Doing::Call => {
                (ErrorKind::ConnectionLost, "the server ended the connection")
            }
        },
        "53300" => (ErrorKind::ConnectionLost, connecting(code)),
        "53100" => (ErrorKind::Backend, "the server's disk is full"),
        "53200" => (ErrorKind::Backend, "the server ran out of memory"),
        "0A000" | "26000" => (
            ErrorKind::Backend,
            "a prepared statement was not valid any more",
        ),
        _ if code.starts_with("08") => match doing {
            Doing::Commit => (ErrorKind::CommitUnknown, COMMIT_UNKNOWN),
            // A pooler in between reports a lost server this way, whatever the server had done.
            Doing::Write => (ErrorKind::CommitUnknown, WRITE_UNKNOWN),
            Doing::Connect | Doing::Call => (
                ErrorKind::ConnectionLost,
                "the connection to the server was lost",
            ),
        },
        _ => (ErrorKind::Backend, "the server reported an error"),
    }
}

fn connecting(code: &str) -> &'static str {
    match code {
        "28P01" => "could not connect: the server refused the password",
        "28000" => "could not connect: the server refused the user",
        "3D000" => "could not connect: the database does not exist",
        "53300" => {
            "could not connect: the server has no connection to spare; lower `max_connections` of \
             den, or raise that of the server"
        }
        "57P03" => "could not connect: the server is starting up or shutting down",
        "22023" | "42704" | "0A000" | "08P01" => {
            "could not connect: the server does not accept the session's settings"
        }
        _ => "could not connect: the server refused",
    }
}

/// What the server reported, without the fields that hold values of documents (detail, context).
#[derive(Clone)]
pub(crate) struct ServerError(Box<DbError>);

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(it) = self;
        write!(
            f,
            "{}: {} ({})",
            it.severity(),
            it.message(),
            it.code().code()
        )?;
        match it.hint() {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerError({self})")
    }
}

impl error::Error for ServerError {}
