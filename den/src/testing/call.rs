//! What is written down about one call.

use std::fmt;

use den_backend::ErrorKind;

/// One call that reached the backend, or was failed by a [`Fault`](super::Fault) on its way there.
///
/// # Behavior
///
/// - `Display` is the short form, such as `tx query products`; with `{:#}`, and in `Debug`, rows
///   and outcome follow.
/// - It equals a text that is its short form, so a list of calls can be compared with a list of
///   texts.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The method of the backend or transaction.
    pub method: Method,
    /// The collection it is about, where it is about one.
    pub collection: Option<String>,
    /// Whether it was made on a transaction, which `begin` is not.
    pub in_transaction: bool,
    /// How many documents or ids it was given; for `query`, the rows delivered so far; for
    /// `delete_matching` and `update`, the rows changed. None where that is not known.
    pub rows: Option<u64>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A method of a backend or of a transaction.
///
/// `name`, `capabilities` and `stats` do no work in the database and are not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Method {
    /// Reads one document.
    Get,
    /// Reads documents by id.
    GetMany,
    /// Reads one document and locks it.
    GetForUpdate,
    /// Writes one document.
    Put,
    /// Writes several documents.
    PutMany,
    /// Deletes one document.
    Delete,
    /// Reads the rows of a query.
    Query,
    /// Counts the rows of a query.
    Count,
    /// Asks whether a query has a row.
    Exists,
    /// Changes the rows of a query.
    Update,
    /// Deletes the rows of a query.
    DeleteMatching,
    /// Inserts a document, or changes the one in the way.
    Upsert,
    /// Computes values over groups.
    Group,
    /// Runs a statement in the engine's language, for its rows.
    RawQuery,
    /// Runs a statement in the engine's language.
    RawExecute,
    /// Asks how a query would be run.
    Explain,
    /// Makes a collection exist.
    EnsureCollection,
    /// Makes an index exist.
    EnsureIndex,
    /// Drops an index.
    DropIndex,
    /// Lists the indexes of a collection.
    ListRecordedIndexes,
    /// Lists the collections.
    Collections,
    /// Drops a collection.
    DropCollection,
    /// `alter`.
    Alter,
    /// `constraints`.
    Constraints,
    /// `plan_collection`.
    PlanCollection,
    /// Starts a transaction.
    Begin,
    /// Makes the writes of a transaction permanent.
    Commit,
    /// Takes the writes of a transaction back.
    Rollback,
    /// Marks a point to roll back to.
    Savepoint,
    /// Forgets a savepoint.
    Release,
    /// Takes back what was written since a savepoint.
    RollbackTo,
    /// Waits for a lock by number.
    AdvisoryLock,
    /// Makes sure that the database answers.
    Ping,
    /// Closes every connection.
    Close,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// No answer yet; for a call that was dropped half-way, for ever.
    Pending,
    /// The backend answered; a refused write is an answer too.
    Done,
    /// The backend failed, at once or in the middle of its rows.
    Failed(ErrorKind),
    /// A [`Fault`](super::Fault) was injected, at once or in the middle of the rows.
    Injected,
}

impl Method {
    /// The name of the method, such as `get_many`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::GetForUpdate => "get_for_update",
            Self::Put => "put",
            Self::PutMany => "put_many",
            Self::Delete => "delete",
            Self::Query => "query",
            Self::Count => "count",
            Self::Exists => "exists",
            Self::Update => "update",
            Self::DeleteMatching => "delete_matching",
            Self::Upsert => "upsert",
            Self::Group => "group",
            Self::RawQuery => "raw_query",
            Self::RawExecute => "raw_execute",
            Self::Explain => "explain",
            Self::EnsureCollection => "ensure_collection",
            Self::EnsureIndex => "ensure_index",
            Self::DropIndex => "drop_index",
            Self::ListRecordedIndexes => "list_recorded_indexes",
            Self::Collections => "collections",
            Self::DropCollection => "drop_collection",
            Self::Alter => "alter",
            Self::Constraints => "constraints",
            Self::PlanCollection => "plan_collection",
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Savepoint => "savepoint",
            Self::Release => "release",
            Self::RollbackTo => "rollback_to",
            Self::AdvisoryLock => "advisory_lock",
            Self::Ping => "ping",
            Self::Close => "close",
        }
    }

    /// Whether it reads or writes documents: what is counted when statements are.
    pub const fn is_statement(self) -> bool {
        match self {
            Self::Get
            | Self::GetMany
            | Self::GetForUpdate
            | Self::Put
            | Self::PutMany
            | Self::Delete
            | Self::Query
            | Self::Count
            | Self::Exists
            | Self::Update
            | Self::DeleteMatching
            | Self::Upsert
            | Self::Group
            | Self::RawQuery
            | Self::RawExecute => true,
            Self::Explain
            | Self::EnsureCollection
            | Self::EnsureIndex
            | Self::DropIndex
            | Self::ListRecordedIndexes
            | Self::Collections
            | Self::DropCollection
            | Self::Alter
            | Self::Constraints
            | Self::PlanCollection
            | Self::Begin
            | Self::Commit
            | Self::Rollback
            | Self::Savepoint
            | Self::Release
            | Self::RollbackTo
            | Self::AdvisoryLock
            | Self::Ping
            | Self::Close => false,
        }
    }

    /// Whether it takes something back. No fault hinders that, and none is counted by it: what a
    /// test wants to know is the state after it.
    pub const fn is_rollback(self) -> bool {
        matches!(self, Self::Rollback | Self::RollbackTo)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_transaction {
            f.write_str("tx ")?;
        }
        f.write_str(self.method.name())?;
        if let Some(collection) = &self.collection {
            write!(f, " {collection}")?;
        }
        if !f.alternate() {
            return Ok(());
        }
        match self.rows {
            Some(1) => f.write_str(", 1 row")?,
            Some(rows) => write!(f, ", {rows} rows")?,
            None => {}
        }
        match self.outcome {
            Outcome::Pending => f.write_str(", no answer"),
            Outcome::Done => Ok(()),
            Outcome::Failed(kind) => write!(f, ", failed: {kind}"),
            Outcome::Injected => f.write_str(", fault injected"),
        }
    }
}

impl fmt::Debug for Call {
    /// Writes the long form, which reads well where two lists of calls differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self:#}\"")
    }
}

impl PartialEq<str> for Call {
    fn eq(&self, other: &str) -> bool {
        let short = self.to_string();
        short == other
    }
}

impl PartialEq<&str> for Call {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}
