//! The backend: a pool of connections and what is known of the collections.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use den_backend::{
    Access, Backend, Capabilities, CollectionMeta, ConstraintMeta, DatabaseUrl, DeleteOutcome,
    Expectation, Explain, ExplainMode, Grouping, IndexMeta, OnRefusal, OpenOptions, Patch,
    PlannedChange, PoolStats, Put, PutOutcome, Query, RawDocument, ReadWrite, RecordedIndex,
    Result, Returning, RowStream, SchemaChange, Transaction, TxOptions, Updated, Upsert,
    UpsertOutcome, Value,
};
use tokio::sync::mpsc;

use crate::{
    cache::{Cache, schema_version},
    catalog, change,
    connection::Connection,
    document::raw_rows,
    error::Outcome,
    options::Options,
    pool::{Pool, Purpose},
    raw,
    scan::{self, Cancel, MESSAGES, Message, Rows},
    schema,
    session::{self, Batch, Session, Work},
    subject::Subject,
    threads::{Threads, panicked},
    transaction::SqliteTransaction,
    upsert,
};

/// So few rows are read at once, when the limit says that there are no more.
const FEW_ROWS: u64 = 128;

/// A SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct SqliteBackend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Arc<Pool>,
    cache: Arc<Cache>,
}

impl SqliteBackend {
    /// Opens a database.
    pub(crate) async fn open(url: &DatabaseUrl, options: &OpenOptions) -> Result<Self> {
        let options = Options::parse(url, options)?;
        let threads = Arc::new(Threads::new());
        let opening = Arc::clone(&threads);
        let pool = threads.run(move || Pool::open(options, opening)).await??;
        Ok(Self(Arc::new(Inner {
            pool: Arc::new(pool),
            cache: Arc::new(Cache::new()),
        })))
    }

    /// Starts to read the rows of a query; the first ones are there when this returns.
    async fn stream(&self, query: &Query) -> Result<Outcome<RowStream>> {
        let subject = Subject::find(self, query).await?;
        let statement = subject.render(|layouts| session::select(layouts, query));
        let mut lease = self.0.pool.reader(Purpose::Scan).await?;
        let (sender, mut receiver) = mpsc::channel(MESSAGES);
        let cancel = Cancel::default();
        let flag = cancel.flag();
        self.0.pool.threads().spawn(move || {
            let read = |it: &mut Connection| scan::send(it, &statement, &sender);
            let done = lease.cancellable(&flag, |it| it.patiently(read));
            drop(lease);
            let last = match done {
                Ok(()) => Message::End,
                Err(failure) => Message::Failed(failure),
            };
            // Without a receiver there is nobody to tell.
            let _ = sender.blocking_send(last);
        });
        Ok(match receiver.recv().await {
            Some(Message::Rows(first)) => Ok(Box::pin(Rows::new(first, receiver, subject, cancel))),
            Some(Message::End) => Ok(raw_rows(Vec::new())),
            Some(Message::Failed(failure)) => Err(failure),
            None => return Err(panicked()),
        })
    }

    /// Runs work on a connection, on another thread; to its end, once it has begun.
    pub(crate) async fn with_connection<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&mut Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let pool = &self.0.pool;
        let mut lease = match access {
            Access::ReadWrite => pool.writer().await?,
            Access::ReadOnly => pool.reader(Purpose::Scan).await?,
        };
        let cache = Arc::clone(&self.0.cache);
        let done = pool.threads().run(move || {
            let done = lease.patiently(work);
            lease.clean();
            // It may have changed the schema.
            if let Ok(version) = schema_version(&lease) {
                cache.saw_version(version);
            }
            done
        });
        session::anywhere(done).await
    }

    /// Runs work on the schema, with the writer's connection on another thread.
    async fn on_schema(
        &self,
        collection: &str,
        work: impl FnOnce(&mut Connection) -> Outcome<()> + Send + 'static,
    ) -> Result<()> {
        let mut lease = self.0.pool.writer().await?;
        let cache = Arc::clone(&self.0.cache);
        let done = self.0.pool.threads().run(move || {
            let done = lease.patiently(work);
            // Even if the caller is gone by now: what was known may be wrong.
            cache.clear();
            done
        });
        done.await?
            .map_err(|failure| failure.at(schema::place(collection)))
    }
}

impl Session for SqliteBackend {
    fn cache(&self) -> &Cache {
        &self.0.cache
    }

    async fn run<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl Fn(&mut Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<Outcome<T>> {
        let pool = &self.0.pool;
        let mut lease = match kind {
            Work::Read | Work::BriefRead => pool.reader(Purpose::Point).await?,
            Work::ScanRead => pool.reader(Purpose::Scan).await?,
            Work::Write | Work::LargeWrite | Work::ScanWrite => pool.writer().await?,
        };
        let waits = kind.writes() && pool.next_commit_waits();
        if kind.is_bounded() && !waits {
            match work(&mut lease) {
                // Someone else's lock must not hold up the caller's other tasks.
                Err(failure) if failure.is_busy() => {}
                done => return Ok(done),
            }
        }
        if kind == Work::BriefRead {
            match lease.briefly(&work) {
                Err(failure) if failure.is_busy() || failure.is_interrupted() => {}
                done => return Ok(done),
            }
            // What takes long must not keep the connection of the point reads.
            drop(lease);
            lease = pool.reader(Purpose::Scan).await?;
        }
        let cancel = Cancel::default();
        let flag = cancel.flag();
        pool.threads()
            .run(move || lease.cancellable(&flag, |it| it.patiently(|it| work(it))))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for SqliteBackend {
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
        session::put_many(self, collection, puts, on_refusal, Batch::Transaction).await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        upsert::upsert(self, collection, upsert, Batch::Transaction).await
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
        // Few rows come back at once, which is one message less and frees the connection early.
        if query.limit.is_some_and(|it| it <= FEW_ROWS) {
            let rows = session::query(self, query).await?;
            return Ok(raw_rows(rows));
        }
        session::refresh(self).await?;
        match self.stream(query).await? {
            Ok(stream) => Ok(stream),
            Err(failure) if failure.is_stale_schema() => {
                Subject::forget(self, query);
                let subject = Subject::find(self, query).await?;
                let again = self.stream(query).await?;
                again.map_err(|failure| failure.at(subject.place()))
            }
            Err(failure) => {
                let subject = Subject::find(self, query).await?;
                Err(failure.at(subject.place()))
            }
        }
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
        change::update(self, query, patch, returning, Batch::Transaction).await
    }

    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        raw::query(self, statement, parameters, Batch::Transaction).await
    }

    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        raw::execute(self, statement, parameters, Batch::Transaction).await
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        let wanted = change.clone();
        self.on_schema(change.collection(), move |it| schema::alter(it, &wanted))
            .await
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        session::explain(self, query, mode).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for SqliteBackend {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        let wanted = meta.clone();
        let check = move |connection: &mut Connection| schema::is_current(connection, &wanted);
        let is_current = session::anywhere(self.run(Work::Read, check)).await?;
        if is_current {
            return Ok(());
        }
        let wanted = meta.clone();
        self.on_schema(&meta.name, move |it| schema::ensure(it, &wanted))
            .await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        let (name, wanted) = (collection.to_owned(), index.clone());
        self.on_schema(collection, move |it| {
            schema::ensure_index(it, &name, &wanted)
        })
        .await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        let (of, name) = (collection.to_owned(), name.to_owned());
        self.on_schema(collection, move |it| schema::drop_index(it, &of, &name))
            .await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        let name = collection.to_owned();
        let read = move |connection: &mut Connection| catalog::records(connection, &name);
        let records = session::anywhere(self.run(Work::Read, read)).await?;
        // Those of the predecessor are not den's to drop.
        let ours = records.into_iter().filter(|it| it.hash.is_some());
        Ok(ours.map(|it| it.recorded).collect())
    }

    async fn constraints(&self, collection: &str) -> Result<Vec<ConstraintMeta>> {
        let name = collection.to_owned();
        let read = move |connection: &mut Connection| catalog::enforced(connection, &name);
        session::anywhere(self.run(Work::Read, read)).await
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        let wanted = meta.clone();
        let read = move |connection: &mut Connection| schema::planned(connection, &wanted);
        let planned = self.run(Work::Read, read).await?;
        planned.map_err(|failure| failure.at(schema::place(&meta.name)))
    }

    async fn collections(&self) -> Result<Vec<String>> {
        session::anywhere(self.run(Work::ScanRead, |it| catalog::collections(it))).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        let name = collection.to_owned();
        self.on_schema(collection, move |it| schema::drop_collection(it, &name))
            .await
    }

    async fn begin(&self, options: TxOptions) -> Result<Arc<dyn Transaction>> {
        let pool = Arc::clone(&self.0.pool);
        let cache = Arc::clone(&self.0.cache);
        let transaction = SqliteTransaction::begin(pool, cache, options).await?;
        Ok(Arc::new(transaction))
    }

    async fn ping(&self) -> Result<()> {
        let version = |connection: &mut Connection| schema_version(connection);
        session::anywhere(self.run(Work::Read, version)).await?;
        Ok(())
    }

    fn stats(&self) -> PoolStats {
        self.0.pool.stats()
    }

    async fn close(&self) -> Result<()> {
        self.0.pool.close().await
    }
}
