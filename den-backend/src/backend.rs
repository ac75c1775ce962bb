//! The traits a backend implements.
//!
//! # Errors
//!
//! - A unique violation MUST be `Duplicate` with its [`Constraint`](crate::Constraint); den tells
//!   the application which field was taken.
//! - A broken connection MUST be `ConnectionLost`, or `CommitUnknown` while a commit was under way;
//!   anything else would be retried or believed.
//! - A serialization failure, a deadlock and a lock not granted in time MUST be `Serialization`,
//!   `Deadlock` and `Locked`, wherever they surface (commit and reads included).
//! - A collection that was never ensured MUST be `NotRegistered`.
//!
//! # Cancellation
//!
//! Any returned future may be dropped at any await point. The backend MUST stay usable, and each
//! operation MUST have happened wholly or not at all. A connection in doubt is discarded.
//!
//! # Checks
//!
//! den calls [`Query::check`](crate::Query::check) before every query, so a backend may rely on
//! the rules stated there; a backend MUST NOT approximate what it cannot do.

use std::{any::Any, fmt, pin::Pin, sync::Arc};

use async_trait::async_trait;
use futures_core::Stream;

use crate::{
    Capabilities, CollectionMeta, ConstraintMeta, DeleteOutcome, Expectation, Grouping, IndexMeta,
    LockMode, OnRefusal, Patch, PlannedChange, Put, PutOutcome, Query, RawDocument, RecordedIndex,
    Result, Returning, SchemaChange, Updated, Upsert, UpsertOutcome, Value,
};

/// The rows of a query, as they arrive. Ends after the first error.
pub type RowStream = Pin<Box<dyn Stream<Item = Result<RawDocument>> + Send + 'static>>;

/// What can be done both in a transaction and outside of one.
#[async_trait]
pub trait ReadWrite: fmt::Debug + Send + Sync {
    /// Returns the document with this id.
    ///
    /// # Behavior
    ///
    /// - A missing document is `Ok(None)`, not an error.
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>>;

    /// Returns the documents with these ids, in no particular order.
    ///
    /// # Behavior
    ///
    /// - Missing ids are left out, an id given twice is returned once; any number of ids is allowed.
    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>>;

    /// Writes one document if the expectation holds.
    ///
    /// # Behavior
    ///
    /// - Check and write MUST be one atomic step: of two puts with the same expected revision,
    ///   exactly one succeeds.
    /// - An expectation that does not hold is `Ok(PutOutcome::Refused(..))`, not an error; a value
    ///   taken under a unique index is `Err` with kind `Duplicate`.
    /// - In a transaction, an error here MUST leave the transaction usable.
    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome>;

    /// Writes several documents, each as [`put`](Self::put) would; one outcome each, in order.
    ///
    /// # Behavior
    ///
    /// - Any number of documents, ids are distinct (den removes duplicates).
    /// - With `Capability::AtomicBatches`: if one fails, none is written, and so it is if one is
    ///   refused, with [`OnRefusal::Abort`]. A refusal is still reported in the outcomes (the other
    ///   outcomes then say what would have happened). With [`OnRefusal::Skip`] those that are not
    ///   refused are written.
    ///   Without it, each document is written on its own, and the first error stops the batch.
    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>>;

    /// Inserts a document, or does what is said about the one that is in the way.
    ///
    /// Requires `Capability::Upserts`.
    ///
    /// # Behavior
    ///
    /// - One atomic step: of two upserts of one value, one inserts and the other finds it in the way.
    /// - Only the target counts as in the way, and it is looked at first; a value taken under another
    ///   unique index, or an id, is `Duplicate` if nothing is in the way.
    ///   A document that takes no part in the target's index has nothing in its way.
    /// - As [`update`](Self::update) in what a patch may do; the document that was changed keeps its
    ///   id.
    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome>;

    /// Deletes one document if the expectation holds.
    ///
    /// # Behavior
    ///
    /// - `Any` and `Present` mean the same; `Absent` is always refused.
    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome>;

    /// Returns the rows of a query, as they arrive.
    ///
    /// # Behavior
    ///
    /// - Every row is owned; nothing passed in is kept after the call returns.
    /// - Outside a transaction the stream MUST NOT hold the whole result in memory, and holds a
    ///   connection until it ends or is dropped. Dropping it ends the work.
    /// - In a transaction other calls on the same transaction MUST work while the stream is
    ///   open; a backend MAY read all rows first (den asks in bounded pages).
    /// - `query.lock` is only given in a transaction.
    async fn query(&self, query: &Query) -> Result<RowStream>;

    /// Computes values over the documents of a query, group by group: one row, a JSON array, each.
    ///
    /// Requires `Capability::Groups`, and `Capability::Expressions` for keys and operands that are
    /// not plain fields.
    ///
    /// # Behavior
    ///
    /// - Only the collection, filter, search and what is unwound of the query count; den gives no other.
    /// - A number is written as [`AggregateFunction`](crate::AggregateFunction) says: a sum of integers
    ///   without fraction, a sum with a float, and an average, with one.
    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>>;

    /// Returns the number of documents that match filter and search, of elements for a query that
    /// unwinds, and of those that differ if that is asked; order, window and lock are ignored.
    async fn count(&self, query: &Query) -> Result<u64>;

    /// Whether a document matches filter and search; order, window and lock are ignored.
    async fn exists(&self, query: &Query) -> Result<bool>;

    /// Deletes the rows of a query, window included, and returns how many.
    async fn delete_matching(&self, query: &Query) -> Result<u64>;

    /// Changes the rows of a query, window included, and returns how many there were, and the
    /// documents that were asked for.
    ///
    /// Requires `Capability::Patches`, and `Capability::Expressions` for `Change::SetExpr`.
    ///
    /// # Behavior
    ///
    /// - Finding and changing MUST be one atomic step: of two updates of one row, neither is lost,
    ///   and a row that no longer matches when its turn comes is left alone.
    /// - A row counts as changed although its new content equals the old.
    /// - An error in one row, or a value taken under a unique index, leaves all rows as they were,
    ///   and a transaction usable.
    /// - `query.lock` is given outside of transactions too: rows that others have locked are left out
    ///   with `SkipLocked`, so that each of several callers takes rows of its own.
    /// - den has called [`Patch::check`].
    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated>;

    /// Runs a statement in the engine's own language, and returns its rows, each a JSON object of
    /// its columns.
    ///
    /// Requires `Capability::RawStatements`.
    ///
    /// # Behavior
    ///
    /// - Parameters are written `$1`, `$2`, .. in the text, on every engine, as often and in whatever
    ///   order as needed, and bound: a number to the engine's integer or double, an array or object to its JSON.
    /// - Stored documents come back as JSON, whatever the engine keeps them as; bytes as base64.
    /// - A placeholder without parameter is `InvalidQuery`.
    /// - An error leaves nothing of the statement done, and a transaction usable.
    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>>;

    /// Runs a statement in the engine's own language, and returns how many rows it changed.
    ///
    /// Requires `Capability::RawStatements`; else as [`raw_query`](Self::raw_query).
    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64>;

    /// Changes the schema.
    ///
    /// Requires `Capability::SchemaChanges` in a transaction and for `RenameCollection`, and
    /// `Capability::Constraints` for constraints.
    ///
    /// # Behavior
    ///
    /// - Happens wholly or not at all; in a transaction it is taken back with it, and an error leaves the
    ///   transaction usable.
    /// - den has called [`SchemaChange::check`].
    /// - A document that breaks a constraint is `Validation` with the [`Constraint`](crate::Constraint);
    ///   for one that is to be made, with the ids of the first few such documents as
    ///   [`offenders`](crate::Error::offenders). A value taken under a unique or key constraint is
    ///   `Duplicate`, with the two or more that share it as offenders.
    async fn alter(&self, change: &SchemaChange) -> Result<()>;

    /// Says how the query would be run, without returning rows.
    ///
    /// Requires `Capability::Explain`.
    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain>;
}

/// A database.
#[async_trait]
pub trait Backend: ReadWrite {
    /// Itself, for a crate that offers what only its own backend has.
    fn as_any(&self) -> &dyn Any;

    /// The engine's name, such as `sqlite`.
    fn name(&self) -> &'static str;

    /// What this backend can do beyond the plain contract.
    fn capabilities(&self) -> Capabilities;

    /// Makes the collection and its indexes exist as described.
    ///
    /// # Behavior
    ///
    /// - den has called [`CollectionMeta::check`], so a backend may rely on the rules stated there,
    ///   but for the names of den's own collections, which begin with `_den_`.
    /// - Idempotent; an unchanged description changes nothing in the database.
    /// - Safe when many processes do it at once, on an empty database too.
    /// - An index whose definition changed under the same name is rebuilt. Recorded indexes that
    ///   are not described are left alone.
    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()>;

    /// Makes one more index exist on a collection that was ensured.
    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()>;

    /// Drops an index that the backend recorded; `NotFound` for any other name.
    async fn drop_index(&self, collection: &str, name: &str) -> Result<()>;

    /// Lists the indexes the backend made for a collection, by name.
    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>>;

    /// Lists the constraints of a collection, in the order in which they were made.
    ///
    /// Requires `Capability::Constraints`.
    async fn constraints(&self, collection: &str) -> Result<Vec<ConstraintMeta>>;

    /// Says what [`ensure_collection`](Self::ensure_collection) would do, and changes nothing; empty
    /// right after it.
    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>>;

    /// Lists the collections in the database, by name; without den's own, which begin with `_den_`.
    async fn collections(&self) -> Result<Vec<String>>;

    /// Drops a collection with its indexes and records; no error if there is none.
    async fn drop_collection(&self, collection: &str) -> Result<()>;

    /// Starts a transaction.
    ///
    /// Requires `Capability::Transactions`; options other than the default require
    /// `Capability::Isolation`.
    ///
    /// # Behavior
    ///
    /// - The isolation is the one asked for or a stronger one, never a weaker one.
    async fn begin(&self, options: TxOptions) -> Result<Arc<dyn Transaction>>;

    /// Makes sure that the database answers.
    async fn ping(&self) -> Result<()>;

    /// How busy the connections are, without I/O.
    fn stats(&self) -> PoolStats;

    /// Waits for running work and closes every connection; later calls fail with `ConnectionLost`.
    async fn close(&self) -> Result<()>;
}

/// A running transaction. Reads see its own writes.
///
/// # Behavior
///
/// - Dropping the last handle rolls back.
/// - After `commit` or `rollback` every method fails with `TransactionClosed`.
/// - A failed call (a `Duplicate`, say) leaves the transaction usable, with nothing of that call
///   done. Where the engine ended the transaction (a deadlock, say), later calls fail.
#[async_trait]
pub trait Transaction: ReadWrite {
    /// Makes all writes permanent.
    async fn commit(&self) -> Result<()>;

    /// Takes all writes back.
    async fn rollback(&self) -> Result<()>;

    /// Marks a point to roll back to.
    ///
    /// Requires `Capability::Savepoints`.
    async fn savepoint(&self) -> Result<SavepointId>;

    /// Forgets a savepoint (and later ones), keeping what was written since.
    async fn release(&self, savepoint: SavepointId) -> Result<()>;

    /// Takes back what was written since the savepoint, and forgets it (and later ones).
    ///
    /// # Errors
    ///
    /// `InvalidQuery`, here and in `release`, for a savepoint that was forgotten already.
    async fn rollback_to(&self, savepoint: SavepointId) -> Result<()>;

    /// Returns the document with this id and locks it until the transaction ends.
    ///
    /// Requires `Capability::RowLocks`.
    ///
    /// # Behavior
    ///
    /// - A missing document is `Ok(None)`; so is one locked by someone else with `SkipLocked`.
    /// - One locked by someone else is `Locked` with `NoWait`.
    /// - A backend whose write transactions exclude each other holds every lock already.
    async fn get_for_update(
        &self,
        collection: &str,
        id: &str,
        mode: LockMode,
    ) -> Result<Option<RawDocument>>;

    /// Waits until no other transaction holds `key`, then holds it until this one ends.
    ///
    /// Requires `Capability::AdvisoryLocks`.
    async fn advisory_lock(&self, key: i64) -> Result<()>;
}

/// A point in a transaction, numbered from 1 within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SavepointId(pub u32);

/// How a transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TxOptions {
    /// How it is kept apart from concurrent ones.
    pub isolation: Isolation,
    /// Whether it may write.
    pub access: Access,
}

/// How a transaction is kept apart from concurrent ones; SQL's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// What the backend does by default: at least read committed.
    #[default]
    Default,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see one snapshot.
    RepeatableRead,
    /// As if the transactions ran one after the other.
    Serializable,
}

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It may.
    #[default]
    ReadWrite,
    /// It may not; writes fail with `InvalidQuery`.
    ReadOnly,
}

/// How much to find out about a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainMode {
    /// Only the statement that would be sent.
    Statement,
    /// The statement and the engine's plan for it.
    Plan,
}

/// How a query would be run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explain {
    /// The statement in the engine's own language, with placeholders.
    pub statement: String,
    /// What is bound to the placeholders, in order, for a person to read.
    pub parameters: Vec<String>,
    /// The engine's plan, line by line; empty with [`ExplainMode::Statement`].
    pub plan: Vec<String>,
}

/// How busy the connections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// At most so many connections are made.
    pub max_connections: usize,
    /// So many are open.
    pub connections: usize,
    /// So many of them are free.
    pub idle: usize,
    /// So many callers wait for one.
    pub waiting: usize,
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.statement)?;
        for (i, parameter) in self.parameters.iter().enumerate() {
            writeln!(f, "  ${} = {parameter}", i + 1)?;
        }
        for line in &self.plan {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
