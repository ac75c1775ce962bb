//! A transaction: one connection, held from begin to end.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use den_backend::{
    Access, DeleteOutcome, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping,
    Isolation, LockMode, OnRefusal, Patch, Put, PutOutcome, Query, RawDocument, ReadWrite, Result,
    Returning, RowStream, SavepointId, SchemaChange, Transaction, TxOptions, Updated, Upsert,
    UpsertOutcome, Value,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    cache::{Cache, schema_version},
    change,
    connection::Connection,
    document::raw_rows,
    error::{Failure, Outcome, transaction_closed},
    pool::{Lease, Pool, Purpose},
    raw, schema,
    session::{self, Batch, Session, Work, anywhere, read_only},
    threads::Threads,
    upsert,
};

/// A transaction that changed more rows than this commits on another thread.
const MANY_CHANGES: u64 = 64;

/// A running transaction.
pub(crate) struct SqliteTransaction {
    pool: Arc<Pool>,
    /// What others know, too.
    cache: Arc<Cache>,
    /// What is known here alone, once the schema was changed here.
    own: OnceLock<Arc<Cache>>,
    access: Access,
    state: Arc<Mutex<State>>,
}

/// What a transaction holds; dropping it rolls back.
struct State {
    /// None after the end.
    lease: Option<Lease>,
    threads: Arc<Threads>,
    /// The savepoints that are set, outermost first.
    savepoints: Vec<u32>,
    last_savepoint: u32,
    /// How many rows the connection had changed at the beginning, in all its life.
    changes_before: u64,
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Commit,
    Rollback,
}

impl SqliteTransaction {
    /// Begins a transaction.
    ///
    /// # Behavior
    ///
    /// - Every isolation level is serializable: writers exclude each other from the beginning, and
    ///   readers see one snapshot.
    pub(crate) async fn begin(
        pool: Arc<Pool>,
        cache: Arc<Cache>,
        options: TxOptions,
    ) -> Result<Self> {
        match options.isolation {
            Isolation::Default
            | Isolation::ReadCommitted
            | Isolation::RepeatableRead
            | Isolation::Serializable => {}
        }
        let (mut lease, begin): (Lease, fn(&mut Connection) -> Outcome<()>) = match options.access {
            Access::ReadWrite => (pool.writer().await?, begin_write),
            Access::ReadOnly => (pool.reader(Purpose::Scan).await?, begin_read),
        };
        let lease = match begin(&mut lease) {
            Ok(()) => lease,
            // Someone else's lock must not hold up the caller's other tasks.
            Err(failure) if failure.is_busy() => {
                let wait = pool.threads().run(move || {
                    lease.patiently(begin)?;
                    Ok(lease)
                });
                anywhere(wait).await?
            }
            Err(failure) => return anywhere(async { Ok(Err(failure)) }).await,
        };
        let state = State {
            threads: Arc::clone(pool.threads()),
            savepoints: Vec::new(),
            last_savepoint: 0,
            changes_before: lease.total_changes(),
            lease: Some(lease),
        };
        Ok(Self {
            pool,
            cache,
            own: OnceLock::new(),
            access: options.access,
            state: Arc::new(Mutex::new(state)),
        })
    }

    async fn state(&self) -> OwnedMutexGuard<State> {
        Arc::clone(&self.state).lock_owned().await
    }

    async fn end(&self, how: End) -> Result<()> {
        let mut state = self.state().await;
        let is_large = state.is_large()?;
        let waits = match how {
            End::Commit => self.access == Access::ReadWrite && self.pool.next_commit_waits(),
            End::Rollback => false,
        };
        let changed_schema = self.own.get().is_some();
        let cache = Arc::clone(&self.cache);
        let mut end = move || {
            let ended = state.end(how);
            if changed_schema {
                cache.clear();
            }
            ended
        };
        let ended = if is_large || waits {
            self.pool.threads().run(end).await?
        } else {
            end()
        };
        anywhere(async { Ok(ended) }).await
    }
}

impl State {
    fn is_large(&self) -> Result<bool> {
        let lease = self.lease.as_ref().ok_or_else(transaction_closed)?;
        Ok(lease.total_changes() - self.changes_before > MANY_CHANGES)
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut Connection) -> Outcome<T>) -> Outcome<T> {
        let lease = self.lease.as_mut().ok_or_else(transaction_closed)?;
        let done = work(lease);
        if lease.is_autocommit() {
            // SQLite ended the transaction itself, as it does when the disk is full.
            self.lease = None;
        }
        done
    }

    /// Ends the transaction. It is over even if that fails: the lease, when dropped, takes back
    /// what could not be committed.
    fn end(&mut self, how: End) -> Outcome<()> {
        let lease = self.lease.take().ok_or_else(transaction_closed)?;
        match how {
            End::Commit => lease.execute_batch("COMMIT").map_err(Failure::of_commit),
            End::Rollback => Ok(lease.execute_batch("ROLLBACK")?),
        }
    }

    /// How many savepoints are set since this one, itself included.
    fn depth(&self, savepoint: SavepointId) -> Result<usize> {
        let position = self.savepoints.iter().position(|it| *it == savepoint.0);
        position
            .map(|it| self.savepoints.len() - it)
            .ok_or_else(|| {
                let message = format!("the transaction has no savepoint {}", savepoint.0);
                Error::new(ErrorKind::InvalidQuery, message)
            })
    }

    /// Ends a savepoint and those set since. They all have one name: SQLite takes the last.
    fn end_savepoint(&mut self, savepoint: SavepointId, sql: &'static str) -> Outcome<()> {
        if self.lease.is_none() {
            return Err(transaction_closed().into());
        }
        for _ in 0..self.depth(savepoint)? {
            self.run(|connection| Ok(connection.execute_batch(sql)?))?;
            self.savepoints.pop();
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Taking back many changes is work; the lease does it when it is dropped over there.
        if let Some(lease) = self.lease.take() {
            self.threads.spawn(move || drop(lease));
        }
    }
}

impl Session for SqliteTransaction {
    fn cache(&self) -> &Cache {
        self.own.get().unwrap_or(&self.cache)
    }

    async fn run<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl Fn(&mut Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<Outcome<T>> {
        let mut state = self.state().await;
        if state.lease.is_none() {
            return Err(transaction_closed());
        }
        if kind.writes() && self.access == Access::ReadOnly {
            return Err(read_only());
        }
        if kind.is_bounded() {
            return Ok(state.run(work));
        }
        if kind == Work::BriefRead {
            // Interrupting a read leaves the transaction as it is.
            match state.run(|it| it.briefly(&work)) {
                Err(failure) if failure.is_interrupted() => {}
                done => return Ok(done),
            }
        }
        // Not cancellable: interrupting a write would end the whole transaction.
        self.pool
            .threads()
            .run(move || state.run(|it| it.patiently(work)))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for SqliteTransaction {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        session::get(self, collection, id).await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        session::get_many(self, collection, ids).await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        session::put(self, collection, put).await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        session::put_many(self, collection, puts, on_refusal, Batch::Savepoint).await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        upsert::upsert(self, collection, upsert, Batch::Savepoint).await
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        session::delete(self, collection, id, expect).await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        // A statement left open would stand in the way of what the transaction does next.
        Ok(raw_rows(session::query(self, query).await?))
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        session::group(self, query, grouping).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        session::count(self, query).await
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        session::exists(self, query).await
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        session::delete_matching(self, query).await
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        change::update(self, query, patch, returning, Batch::Savepoint).await
    }

    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        raw::query(self, statement, parameters, Batch::Savepoint).await
    }

    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        raw::execute(self, statement, parameters, Batch::Savepoint).await
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        let own = Arc::clone(self.own.get_or_init(|| Arc::new(Cache::new())));
        let wanted = change.clone();
        let work = move |connection: &mut Connection| {
            let work = |it: &Connection| schema::apply(it, &wanted);
            let done = Batch::Savepoint.run(connection, work, |()| true);
            // Even if the caller is gone by now: what was known may be wrong.
            own.clear();
            done
        };
        let done = self.run(Work::ScanWrite, work).await?;
        done.map_err(|failure| failure.at(schema::place(change.collection())))
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        session::explain(self, query, mode).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transaction for SqliteTransaction {
    async fn commit(&self) -> Result<()> {
        self.end(End::Commit).await
    }

    async fn rollback(&self) -> Result<()> {
        self.end(End::Rollback).await
    }

    async fn savepoint(&self) -> Result<SavepointId> {
        let mut state = self.state().await;
        let set = |connection: &mut Connection| Ok(connection.execute_batch("SAVEPOINT den")?);
        let done = state.run(set);
        anywhere(async { Ok(done) }).await?;
        state.last_savepoint += 1;
        let savepoint = state.last_savepoint;
        state.savepoints.push(savepoint);
        Ok(SavepointId(savepoint))
    }

    async fn release(&self, savepoint: SavepointId) -> Result<()> {
        let mut state = self.state().await;
        let done = state.end_savepoint(savepoint, "RELEASE den");
        anywhere(async { Ok(done) }).await
    }

    async fn rollback_to(&self, savepoint: SavepointId) -> Result<()> {
        let mut state = self.state().await;
        let sql = "ROLLBACK TO den; RELEASE den";
        let done = self
            .pool
            .threads()
            .run(move || state.end_savepoint(savepoint, sql));
        let done = anywhere(done).await;
        if let Some(own) = self.own.get() {
            own.clear();
        }
        done
    }

    async fn get_for_update(
        &self,
        collection: &str,
        id: &str,
        mode: LockMode,
    ) -> Result<Option<RawDocument>> {
        // A write transaction holds the lock on everything, so there is nothing to wait for.
        match mode {
            LockMode::Wait | LockMode::SkipLocked | LockMode::NoWait => {}
        }
        self.check_writable().await?;
        session::get(self, collection, id).await
    }

    async fn advisory_lock(&self, _key: i64) -> Result<()> {
        // A write transaction excludes every other one, whatever the key.
        self.check_writable().await
    }
}

impl SqliteTransaction {
    async fn check_writable(&self) -> Result<()> {
        if self.state().await.lease.is_none() {
            return Err(transaction_closed());
        }
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(read_only()),
        }
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

fn begin_write(connection: &mut Connection) -> Outcome<()> {
    Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
}

/// Begins to read, and takes the snapshot now rather than at the first statement.
fn begin_read(connection: &mut Connection) -> Outcome<()> {
    connection.execute_batch("BEGIN DEFERRED")?;
    let read = schema_version(connection).map(|_| ());
    if read.is_err() {
        connection.clean();
    }
    read
}
