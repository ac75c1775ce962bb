//! A transaction over the in-memory database: a state of its own until it commits.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;

use crate::{
    Access, DeleteOutcome, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping, LockMode,
    OnRefusal, Patch, Put, PutOutcome, Query, RawDocument, ReadWrite, Result, Returning, RowStream,
    SavepointId, SchemaChange, Transaction, Updated, Upsert, UpsertOutcome, Value,
    memory::{Shared, explain::explain, no_language, row_stream, store::State},
};

/// A running transaction. Writers exclude each other, so it holds every lock from its start.
pub(super) struct MemoryTransaction {
    shared: Arc<Shared>,
    access: Access,
    /// None once it is over.
    running: Mutex<Option<Running>>,
}

struct Running {
    state: State,
    savepoints: Vec<(SavepointId, State)>,
    next_savepoint: u32,
    /// Held until the end by a transaction that may write.
    _writer: Option<OwnedMutexGuard<()>>,
}

impl MemoryTransaction {
    pub(super) fn new(
        shared: Arc<Shared>,
        access: Access,
        writer: Option<OwnedMutexGuard<()>>,
    ) -> Self {
        let running = Running {
            state: shared.snapshot(),
            savepoints: Vec::new(),
            next_savepoint: 1,
            _writer: writer,
        };
        Self {
            shared,
            access,
            running: Mutex::new(Some(running)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        // No statement panics halfway, and what a panic interrupts is rolled back when dropped.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Running) -> Result<T>) -> Result<T> {
        act(self.lock().as_mut().ok_or_else(closed)?)
    }

    fn write<T>(&self, act: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.with(|running| match self.access {
            Access::ReadWrite => act(&mut running.state),
            Access::ReadOnly => Err(Error::new(
                ErrorKind::InvalidQuery,
                "a read-only transaction cannot write; begin one with `Access::ReadWrite`",
            )),
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for MemoryTransaction {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        self.with(|it| it.state.get(collection, id))
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        self.with(|it| it.state.get_many(collection, ids))
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        self.write(|state| state.put(collection, &put))
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        self.write(|state| state.put_many(collection, puts, on_refusal))
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        self.write(|state| state.upsert(collection, upsert))
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        self.write(|state| state.delete(collection, id, expect))
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        let rows = self.with(|it| it.state.query(query))?;
        row_stream(rows, &query.select)
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        self.with(|it| it.state.group(query, grouping))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.with(|it| it.state.count(query))
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        self.with(|it| it.state.exists(query))
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        self.write(|state| state.delete_matching(query))
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        self.write(|state| state.update(query, patch, returning))
    }

    async fn raw_query(&self, _statement: &str, _parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        Err(no_language())
    }

    async fn raw_execute(&self, _statement: &str, _parameters: &[Value]) -> Result<u64> {
        Err(no_language())
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        self.write(|state| state.alter(change))
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        self.with(|it| it.state.check_collections(query))?;
        Ok(explain(query, mode))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transaction for MemoryTransaction {
    async fn commit(&self) -> Result<()> {
        let running = self.lock().take().ok_or_else(closed)?;
        match self.access {
            Access::ReadWrite => self.shared.publish(running.state),
            Access::ReadOnly => {}
        }
        Ok(())
    }

    async fn rollback(&self) -> Result<()> {
        self.lock().take().ok_or_else(closed)?;
        Ok(())
    }

    async fn savepoint(&self) -> Result<SavepointId> {
        self.with(|running| {
            let id = SavepointId(running.next_savepoint);
            running.next_savepoint += 1;
            running.savepoints.push((id, running.state.clone()));
            Ok(id)
        })
    }

    async fn release(&self, savepoint: SavepointId) -> Result<()> {
        self.with(|running| {
            let at = running.position(savepoint)?;
            running.savepoints.truncate(at);
            Ok(())
        })
    }

    async fn rollback_to(&self, savepoint: SavepointId) -> Result<()> {
        self.with(|running| {
            let at = running.position(savepoint)?;
            if let Some((_, state)) = running.savepoints.drain(at..).next() {
                running.state = state;
            }
            Ok(())
        })
    }

    async fn get_for_update(
        &self,
        collection: &str,
        id: &str,
        _mode: LockMode,
    ) -> Result<Option<RawDocument>> {
        self.write(|state| state.get(collection, id))
    }

    async fn advisory_lock(&self, _key: i64) -> Result<()> {
        self.write(|_| Ok(()))
    }
}

impl Running {
    fn position(&self, savepoint: SavepointId) -> Result<usize> {
        let at = self.savepoints.iter().position(|(id, _)| *id == savepoint);
        at.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidQuery,
                "the savepoint was released or rolled back, or belongs to another transaction",
            )
        })
    }
}

impl fmt::Debug for MemoryTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransaction")
            .field("access", &self.access)
            .field("open", &self.lock().is_some())
            .finish_non_exhaustive()
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::TransactionClosed,
        "the transaction is already committed or rolled back",
    )
}
