//! A transaction, as the contract asks for it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;
use den_backend::{
    Access, DeleteOutcome, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping,
    Isolation, LockMode, OnRefusal, Patch, Put, PutOutcome, Query, RawDocument, ReadWrite, Result,
    Returning, RowStream, SavepointId, SchemaChange, Transaction, TxOptions, Updated, Upsert,
    UpsertOutcome, Value,
};

use crate::{
    alter, batch,
    call::Call,
    ops,
    partitioned::Partitioned,
    pipeline::to_the_end,
    raw,
    runner::{Runner as _, Shared, Within},
    session::{Mends, Session, over},
    stream::ready_rows,
    values::Bound,
};

const ADVISORY_LOCK: &str = "SELECT pg_advisory_xact_lock($1::bigint)";

/// Begins a transaction of den's own: whatever the server's default is, its statements must see what
/// was committed while they waited.
pub(crate) const BEGIN_OWN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// A running transaction on a connection of its own.
pub(crate) struct PostgresTransaction {
    shared: Arc<Shared>,
    /// What is known of the database from the first change of its schema on: what others know is not so
    /// here, and what is so here is not for others yet.
    own: OnceLock<Arc<Shared>>,
    /// The changes of the schema.
    changes: Mutex<Vec<SchemaChange>>,
    access: Access,
    /// None once it is over.
    session: Mutex<Option<Arc<Session>>>,
    savepoints: Arc<Mutex<Savepoints>>,
}

#[derive(Debug, Default)]
struct Savepoints {
    last: u32,
    live: Vec<SavepointId>,
}

impl PostgresTransaction {
    /// Takes a connection. `BEGIN` itself travels with the first call.
    pub(crate) async fn begin(shared: &Arc<Shared>, options: TxOptions) -> Result<Self> {
        let session = shared.begin(begin_text(options)).await?;
        Ok(Self {
            shared: Arc::clone(shared),
            own: OnceLock::new(),
            changes: Mutex::default(),
            access: options.access,
            session: Mutex::new(Some(session)),
            savepoints: Arc::default(),
        })
    }

    /// What is known of the database in this transaction.
    fn shared(&self) -> &Arc<Shared> {
        self.own.get().unwrap_or(&self.shared)
    }

    fn on(&self) -> Result<Within> {
        let session = lock(&self.session).as_ref().map(Arc::clone);
        let session = session.ok_or_else(over)?;
        Ok(Within { session })
    }

    /// As [`on`](Self::on), for what a read-only transaction must not do.
    fn writing(&self) -> Result<Within> {
        let on = self.on()?;
        match self.access {
            Access::ReadWrite => Ok(on),
            Access::ReadOnly => Err(Error::new(
                ErrorKind::InvalidQuery,
                "a read-only transaction cannot write; begin one with `Access::ReadWrite`",
            )),
        }
    }

    /// Ends a savepoint. It is forgotten only when the server has carried that out: a call that is
    /// dropped while it waits for its turn must leave it to be ended by another.
    async fn end_savepoint(
        &self,
        savepoint: SavepointId,
        text: String,
        mends: Mends,
    ) -> Result<()> {
        let on = self.on()?;
        let (live, ended) = (Arc::clone(&self.savepoints), Arc::clone(&self.savepoints));
        let check = move || lock(&live).position(savepoint).map(drop);
        let done = move || lock(&ended).forget(savepoint);
        on.session.command_of(text, mends, check, done).await
    }

    fn end(&self) -> Result<Arc<Session>> {
        lock(&self.session).take().ok_or_else(over)
    }
}

fn begin_text(options: TxOptions) -> &'static str {
    match (options.isolation, options.access) {
        (Isolation::Default, Access::ReadWrite) => "BEGIN",
        (Isolation::Default, Access::ReadOnly) => "BEGIN READ ONLY",
        (Isolation::ReadCommitted, Access::ReadWrite) => "BEGIN ISOLATION LEVEL READ COMMITTED",
        (Isolation::ReadCommitted, Access::ReadOnly) => {
            "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
        }
        (Isolation::RepeatableRead, Access::ReadWrite) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        (Isolation::RepeatableRead, Access::ReadOnly) => {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        }
        (Isolation::Serializable, Access::ReadWrite) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        (Isolation::Serializable, Access::ReadOnly) => {
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for PostgresTransaction {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        ops::get(self.shared(), &self.on()?, collection, id).await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        ops::get_many(self.shared(), &self.on()?, collection, ids).await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        let on = self.writing()?;
        if let Some(it) = Partitioned::find(self.shared(), &on, collection).await? {
            return it.put_within_one(self.shared(), &on, put).await;
        }
        ops::put(self.shared(), &on, collection, put).await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let on = self.writing()?;
        if let Some(it) = Partitioned::find(self.shared(), &on, collection).await? {
            return it.put_within(self.shared(), &on, puts, on_refusal).await;
        }
        batch::put_many_within(self.shared(), &on, collection, puts, on_refusal).await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        let on = self.writing()?;
        if let Some(it) = Partitioned::find(self.shared(), &on, collection).await? {
            return Err(it.unsupported("upserts"));
        }
        ops::upsert(self.shared(), &on, collection, upsert).await
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        ops::delete(self.shared(), &self.writing()?, collection, id, expect).await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        let on = match query.lock {
            Some(_) => self.writing()?,
            None => self.on()?,
        };
        // All at once, so that nothing stands between the next call and its answer.
        Ok(ready_rows(ops::query(self.shared(), &on, query).await?))
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        ops::group(self.shared(), &self.on()?, query, grouping).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        ops::count(self.shared(), &self.on()?, query).await
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        ops::exists(self.shared(), &self.on()?, query).await
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        ops::delete_matching(self.shared(), &self.writing()?, query).await
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        let on = self.writing()?;
        if let Some(it) = Partitioned::find(self.shared(), &on, &query.collection).await? {
            it.check_patch(patch)?;
        }
        ops::update(self.shared(), &on, query, patch, returning).await
    }

    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        let raw = raw::parse(statement, parameters)?;
        let on = match raw.reads {
            true => self.on()?,
            false => self.writing()?,
        };
        raw::query_within(self.shared(), &on, raw).await
    }

    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        let raw = raw::parse(statement, parameters)?;
        raw::execute(self.shared(), &self.writing()?, raw).await
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        let on = self.writing()?;
        let shared = Arc::clone(self.own.get_or_init(|| Arc::new(self.shared.afresh())));
        lock(&self.changes).push(change.clone());
        let change = change.clone();
        // To its end, so that no half of a change is left to be committed.
        to_the_end(async move { alter::alter_within(&shared, &on.session, &change).await }).await
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        ops::explain(self.shared(), &self.on()?, query, mode).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transaction for PostgresTransaction {
    async fn commit(&self) -> Result<()> {
        let ended = self.end()?.commit().await;
        // Whatever came of it: it may have happened.
        for change in lock(&self.changes).drain(..) {
            alter::forget(&self.shared, &change);
        }
        ended
    }

    async fn rollback(&self) -> Result<()> {
        self.end()?.rollback().await
    }

    async fn savepoint(&self) -> Result<SavepointId> {
        let on = self.on()?;
        let id = {
            let mut savepoints = lock(&self.savepoints);
            savepoints.last += 1;
            let id = SavepointId(savepoints.last);
            savepoints.live.push(id);
            id
        };
        let made = on
            .session
            .command(named("SAVEPOINT s", id), Mends::No)
            .await;
        if made.is_err() {
            lock(&self.savepoints).live.retain(|it| *it != id);
        }
        made.map(|()| id)
    }

    async fn release(&self, savepoint: SavepointId) -> Result<()> {
        let text = named("RELEASE SAVEPOINT s", savepoint);
        self.end_savepoint(savepoint, text, Mends::No).await
    }

    async fn rollback_to(&self, savepoint: SavepointId) -> Result<()> {
        let mut text = named("ROLLBACK TO SAVEPOINT s", savepoint);
        text.push_str("; ");
        text.push_str(&named("RELEASE SAVEPOINT s", savepoint));
        let ended = self.end_savepoint(savepoint, text, Mends::Yes).await;
        if let Some(own) = self.own.get() {
            own.collections.forget_all();
        }
        ended
    }

    async fn get_for_update(
        &self,
        collection: &str,
        id: &str,
        mode: LockMode,
    ) -> Result<Option<RawDocument>> {
        ops::get_for_update(self.shared(), &self.writing()?, collection, id, mode).await
    }

    async fn advisory_lock(&self, key: i64) -> Result<()> {
        let call = Call::read(ADVISORY_LOCK.into(), vec![Bound::BigInt(key)]);
        self.writing()?.run(call).await.map(|_| ())
    }
}

impl Savepoints {
    /// Where a savepoint stands in the list.
    fn position(&self, savepoint: SavepointId) -> Result<usize> {
        let at = self.live.iter().position(|it| *it == savepoint);
        at.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidQuery,
                "the savepoint was released or rolled back, or belongs to another transaction",
            )
        })
    }

    /// Takes a savepoint and all later ones off the list.
    fn forget(&mut self, savepoint: SavepointId) {
        if let Ok(at) = self.position(savepoint) {
            self.live.truncate(at);
        }
    }
}

fn named(words: &'static str, savepoint: SavepointId) -> String {
    let mut text = String::from(words);
    text.push_str(&savepoint.0.to_string());
    text
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(session) = lock(&self.session).take() {
            session.abandon();
        }
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTransaction")
            .field("access", &self.access)
            .field("session", &*lock(&self.session))
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
