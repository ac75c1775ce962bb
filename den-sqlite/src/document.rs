//! Work on single documents and batches of them, on a connection at hand.

use den_backend::{
    DeleteOutcome, Error, ErrorKind, Expectation, Put, PutOutcome, RawDocument, Refusal, RowStream,
};
use den_sql::ExpectationKind;
use futures_util::stream;
use rusqlite::{OptionalExtension, Row, params_from_iter, types::ValueRef};

use crate::{
    collection::{Collection, kind_of, padded},
    connection::Connection,
    error::Outcome,
};

/// Tries of an upsert that other programs keep getting in between of.
const TRIES: usize = 100;

/// A [`Put`] that owns what it holds, for another thread.
#[derive(Debug, Clone)]
pub(crate) struct OwnedPut {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
    pub(crate) expect: OwnedExpectation,
}

/// An [`Expectation`] that owns what it holds.
#[derive(Debug, Clone)]
pub(crate) enum OwnedExpectation {
    Any,
    Absent,
    Present,
    Live,
    Revision(Option<String>),
}

impl OwnedPut {
    pub(crate) fn new(put: &Put<'_>) -> Self {
        Self {
            id: put.id.to_owned(),
            body: put.body.to_vec(),
            expect: OwnedExpectation::new(put.expect),
        }
    }
}

impl OwnedExpectation {
    pub(crate) fn new(expect: Expectation<'_>) -> Self {
        match expect {
            Expectation::Any => Self::Any,
            Expectation::Absent => Self::Absent,
            Expectation::Present => Self::Present,
            Expectation::Live => Self::Live,
            Expectation::Revision(it) => Self::Revision(it.map(str::to_owned)),
        }
    }

    pub(crate) fn as_ref(&self) -> Expectation<'_> {
        match self {
            Self::Any => Expectation::Any,
            Self::Absent => Expectation::Absent,
            Self::Present => Expectation::Present,
            Self::Live => Expectation::Live,
            Self::Revision(it) => Expectation::Revision(it.as_deref()),
        }
    }
}

/// One document.
pub(crate) fn get(
    connection: &Connection,
    collection: &Collection,
    id: &str,
) -> Outcome<Option<RawDocument>> {
    let mut statement = connection.prepare_cached(collection.get())?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => Ok(Some(raw_document(row)?)),
        None => Ok(None),
    }
}

/// Several documents.
pub(crate) fn get_many(
    connection: &Connection,
    collection: &Collection,
    ids: &[String],
) -> Outcome<Vec<RawDocument>> {
    let Some(last) = ids.last() else {
        return Ok(Vec::new());
    };
    let bound = padded(ids.len());
    let sql = collection.get_many(bound);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = if bound == 0 {
        let array = serde_json::to_string(ids).map_err(|error| {
            Error::new(ErrorKind::InvalidQuery, "the ids are no JSON").with_source(error)
        })?;
        statement.query([array])?
    } else {
        let padding = std::iter::repeat_n(last, bound - ids.len());
        statement.query(params_from_iter(ids.iter().chain(padding)))?
    };
    let mut found = Vec::with_capacity(ids.len().min(1024));
    while let Some(row) = rows.next()? {
        found.push(raw_document(row)?);
    }
    Ok(found)
}

/// Writes one document if the expectation holds.
pub(crate) fn put(
    connection: &Connection,
    collection: &Collection,
    id: &str,
    body: &[u8],
    expect: Expectation<'_>,
) -> Outcome<PutOutcome> {
    let Ok(body) = std::str::from_utf8(body) else {
        return Err(not_utf8().into());
    };
    let write = |kind| run(connection, collection.put(kind), (id, body));
    let refusal = match expect {
        Expectation::Any => {
            // SQLite's upsert does not say which of the two it did; each of these does.
            for _ in 0..TRIES {
                if write(ExpectationKind::Present)? {
                    return Ok(PutOutcome::Updated);
                }
                if write(ExpectationKind::Absent)? {
                    return Ok(PutOutcome::Inserted);
                }
            }
            return Err(Error::new(
                ErrorKind::Locked,
                "other programs keep inserting and deleting the document",
            )
            .into());
        }
        Expectation::Absent => match write(ExpectationKind::Absent) {
            Ok(true) => return Ok(PutOutcome::Inserted),
            Ok(false) => Refusal::Exists,
            // Triggers look at a row before its id is looked for.
            Err(failure) if failure.is_of_constraint() => {
                match missing_or(connection, collection, id, Refusal::Exists)? {
                    Refusal::Exists => Refusal::Exists,
                    Refusal::Missing | Refusal::OtherRevision => return Err(failure),
                }
            }
            Err(failure) => return Err(failure),
        },
        Expectation::Present | Expectation::Live => {
            if write(kind_of(expect))? {
                return Ok(PutOutcome::Updated);
            }
            Refusal::Missing
        }
        Expectation::Revision(revision) => {
            let sql = collection.put(ExpectationKind::Revision);
            if run(connection, sql, (id, body, revision))? {
                return Ok(PutOutcome::Updated);
            }
            missing_or(connection, collection, id, Refusal::OtherRevision)?
        }
    };
    Ok(PutOutcome::Refused(refusal))
}

/// Deletes one document if the expectation holds.
pub(crate) fn delete(
    connection: &Connection,
    collection: &Collection,
    id: &str,
    expect: Expectation<'_>,
) -> Outcome<DeleteOutcome> {
    let run = |revision: Option<Option<&str>>| -> Outcome<bool> {
        let mut statement = connection.prepare_cached(collection.delete(kind_of(expect)))?;
        let deleted = match revision {
            Some(revision) => statement.execute((id, revision))?,
            None => statement.execute([id])?,
        };
        Ok(deleted > 0)
    };
    let refusal = match expect {
        Expectation::Any | Expectation::Present | Expectation::Live => {
            if run(None)? {
                return Ok(DeleteOutcome::Deleted);
            }
            Refusal::Missing
        }
        Expectation::Absent => missing_or(connection, collection, id, Refusal::Exists)?,
        Expectation::Revision(revision) => {
            if run(Some(revision))? {
                return Ok(DeleteOutcome::Deleted);
            }
            missing_or(connection, collection, id, Refusal::OtherRevision)?
        }
    };
    Ok(DeleteOutcome::Refused(refusal))
}

/// Writes several documents; the caller has begun something that can be rolled back.
///
/// # Behavior
///
/// - Goes on after a refusal, to say of each document what would have happened.
pub(crate) fn put_each(
    connection: &Connection,
    collection: &Collection,
    puts: &[OwnedPut],
) -> Outcome<Vec<PutOutcome>> {
    let mut outcomes = Vec::with_capacity(puts.len());
    for it in puts {
        let outcome = put(connection, collection, &it.id, &it.body, it.expect.as_ref());
        outcomes.push(outcome.map_err(|failure| failure.of_document(&it.id))?);
    }
    Ok(outcomes)
}

/// Whether all documents of a batch were written.
pub(crate) fn all_written(outcomes: &[PutOutcome]) -> bool {
    outcomes.iter().all(|it| match it {
        PutOutcome::Inserted | PutOutcome::Updated => true,
        PutOutcome::Refused(_) => false,
    })
}

/// A row of `id` and `body` as den takes it.
pub(crate) fn raw_document(row: &Row<'_>) -> Outcome<RawDocument> {
    let corrupt = || {
        Error::new(
            ErrorKind::Corrupt,
            "a stored document has an id or body that is not text",
        )
    };
    let id = row.get_ref(0)?.as_str().map_err(|_| corrupt())?.to_owned();
    let body = match row.get_ref(1)? {
        ValueRef::Text(text) => text.to_vec(),
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
            return Err(corrupt().with_id(id).into());
        }
    };
    Ok(RawDocument { id, body })
}

/// Rows at hand as a stream.
pub(crate) fn raw_rows(rows: Vec<RawDocument>) -> RowStream {
    Box::pin(stream::iter(rows.into_iter().map(Ok)))
}

/// The error for a document that is no text.
pub(crate) fn not_utf8() -> Error {
    Error::new(ErrorKind::InvalidDocument, "the document is not UTF-8")
}

/// The error for a document that is no JSON.
pub(crate) fn not_json() -> Error {
    Error::new(ErrorKind::InvalidDocument, "the document is not JSON")
}

/// Runs a statement that writes at most one row, and says whether it did.
fn run(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    // Outside a transaction the last step commits, and only then says whether that went well.
    while rows.next()?.is_some() {}
    Ok(connection.changes() > 0)
}

fn missing_or(
    connection: &Connection,
    collection: &Collection,
    id: &str,
    refusal: Refusal,
) -> Outcome<Refusal> {
    let mut statement = connection.prepare_cached(collection.state_of())?;
    let there = statement.query_row([id], |_| Ok(())).optional()?;
    Ok(there.map_or(Refusal::Missing, |()| refusal))
}
