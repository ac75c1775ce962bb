//! The in-memory backend: the rules of this crate in plain Rust.
//!
//! Nothing here is clever. Every query scans its collection, so that what the other backends must
//! agree with can be read in one sitting: [`evaluate`](mod@crate::evaluate) for filters,
//! [`order`](crate::order) for sorts and positions, `store` for writes, `schema` and `constraint` for
//! what collections there are and what they demand, `transaction` for the rest.
//!
//! | URL | opens |
//! |---|---|
//! | `memory:`, `memory://` | a new, empty database of its own |
//! | `memory://name` | the database of this name, for as long as a handle to it lives |
//!
//! A backend without an engine of its own answers its queries with [`run_query`] and [`select`],
//! and makes its updates with
//! [`apply`](crate::evaluate::apply).

mod collection;
mod constraint;
mod explain;
mod group;
mod run;
mod schema;
mod search;
mod store;
mod transaction;

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use crate::{
    Access, Backend, Capabilities, Capability, CollectionMeta, ConstraintMeta, DatabaseUrl,
    DeleteOutcome, Driver, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping,
    IndexMeta, OnRefusal, Patch, PlannedChange, PoolStats, Put, PutOutcome, Query, RawDocument,
    ReadWrite, RecordedIndex, Result, Returning, RowStream, SchemaChange, Select, Transaction,
    TxOptions, Updated, Upsert, UpsertOutcome, Value,
    memory::{
        store::{FoundRow, State},
        transaction::MemoryTransaction,
    },
};

pub use crate::memory::run::{run_linked_query, run_query, select};

/// Opens `memory:` URLs.
pub static DRIVER: Driver = Driver {
    name: "memory",
    schemes: &["memory"],
    open: |url, _options| Box::pin(async move { open(&url) }),
};
crate::register_driver!(DRIVER);

/// A handle to a database in memory.
#[derive(Debug)]
pub struct MemoryBackend {
    shared: Arc<Shared>,
    closed: AtomicBool,
}

/// One database, shared by the handles to it.
#[derive(Debug, Default)]
struct Shared {
    /// The last committed state.
    state: Mutex<State>,
    /// Held by whoever writes: for one statement, or for a whole transaction.
    writer: Arc<tokio::sync::Mutex<()>>,
}

/// The databases that have a name.
static NAMED: LazyLock<Mutex<HashMap<String, Weak<Shared>>>> = LazyLock::new(Mutex::default);

fn open(url: &DatabaseUrl) -> Result<Arc<dyn Backend>> {
    if !url.parameters()?.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "a memory: URL takes no parameters",
        ));
    }
    let rest = url.rest();
    let name = rest.strip_prefix("//").unwrap_or(rest);
    Ok(Arc::new(match name {
        "" => MemoryBackend::new(),
        name => MemoryBackend::named(name),
    }))
}

impl MemoryBackend {
    /// Opens a new, empty database that no other handle sees.
    pub fn new() -> Self {
        Self::over(Arc::default())
    }

    /// Opens the database of this name, an empty one if no handle to it lives.
    pub fn named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match named.get(name).and_then(Weak::upgrade) {
            Some(living) => living,
            None => {
                named.retain(|_, it| it.strong_count() > 0);
                let shared = Arc::default();
                named.insert(name.to_owned(), Arc::downgrade(&shared));
                shared
            }
        };
        Self::over(shared)
    }

    fn over(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            closed: AtomicBool::new(false),
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::ConnectionLost,
                "the database handle is closed",
            ));
        }
        Ok(())
    }

    fn read<T>(&self, act: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        self.check_open()?;
        act(&self.shared.lock())
    }

    async fn write<T>(&self, act: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.check_open()?;
        let _writer = self.shared.writer.lock().await;
        // It may have been closed while this call waited.
        self.check_open()?;
        act(&mut self.shared.lock())
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> State {
        self.lock().clone()
    }

    fn publish(&self, state: State) {
        *self.lock() = state;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for MemoryBackend {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        self.read(|state| state.get(collection, id))
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        self.read(|state| state.get_many(collection, ids))
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        self.write(|state| state.put(collection, &put)).await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        self.write(|state| state.put_many(collection, puts, on_refusal))
            .await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        self.write(|state| state.upsert(collection, upsert)).await
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        self.write(|state| state.delete(collection, id, expect))
            .await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        let rows = self.read(|state| state.query(query))?;
        row_stream(rows, &query.select)
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        self.read(|state| state.group(query, grouping))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.read(|state| state.count(query))
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        self.read(|state| state.exists(query))
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        self.write(|state| state.delete_matching(query)).await
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        self.write(|state| state.update(query, patch, returning))
            .await
    }

    async fn raw_query(&self, _statement: &str, _parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        Err(no_language())
    }

    async fn raw_execute(&self, _statement: &str, _parameters: &[Value]) -> Result<u64> {
        Err(no_language())
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        self.write(|state| state.alter(change)).await
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        self.read(|state| state.check_collections(query))?;
        Ok(explain::explain(query, mode))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for MemoryBackend {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without(Capability::RawStatements)
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        self.write(|state| state.ensure_collection(meta)).await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        self.write(|state| state.ensure_index(collection, index))
            .await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        self.write(|state| state.drop_index(collection, name)).await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        self.read(|state| Ok(state.recorded_indexes(collection)))
    }

    async fn constraints(&self, collection: &str) -> Result<Vec<ConstraintMeta>> {
        self.read(|state| Ok(state.constraints(collection)))
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        self.read(|state| Ok(state.plan_collection(meta)))
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.read(|state| Ok(state.collections()))
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.write(|state| {
            state.drop_collection(collection);
            Ok(())
        })
        .await
    }

    async fn begin(&self, options: TxOptions) -> Result<Arc<dyn Transaction>> {
        self.check_open()?;
        let writer = match options.access {
            Access::ReadWrite => Some(Arc::clone(&self.shared.writer).lock_owned().await),
            Access::ReadOnly => None,
        };
        self.check_open()?;
        let shared = Arc::clone(&self.shared);
        // The isolation is always serializable: writers run one after the other, readers see one
        // snapshot.
        Ok(Arc::new(MemoryTransaction::new(
            shared,
            options.access,
            writer,
        )))
    }

    async fn ping(&self) -> Result<()> {
        self.check_open()
    }

    fn stats(&self) -> PoolStats {
        PoolStats::default()
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        let _no_writer_is_left = self.shared.writer.lock().await;
        Ok(())
    }
}

/// There is no engine behind this, and so no language of its own.
fn no_language() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the memory backend has no language for raw statements",
    )
}

/// The rows are shared with the state they come from; each is copied as it is asked for.
///
/// What cannot be computed fails the query before its first row.
fn row_stream(rows: Vec<FoundRow>, select: &Select) -> Result<RowStream> {
    if let Select::Values(_) = select {
        let answers = rows.iter().map(|row| row.select(select));
        let answers: Vec<RawDocument> = answers.collect::<Result<_>>()?;
        let answers = answers.into_iter().map(Ok);
        return Ok(Box::pin(futures_util::stream::iter(answers)));
    }
    let select = select.clone();
    let answers = rows
        .into_iter()
        .map(move |row| store::answer(&row, &select));
    Ok(Box::pin(futures_util::stream::iter(answers)))
}

#[cfg(test)]
mod tests;
