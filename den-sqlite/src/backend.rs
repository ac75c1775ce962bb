//! The backend: a pool of connections and what is known of the collections.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use den_backend::{
    Access, Backend, Capabilities, CollectionMeta, DatabaseUrl, DeleteOutcome, Error, Expectation,
    Explain, ExplainMode, IndexMeta, OpenOptions, PoolStats, Put, PutOutcome, Query, RawDocument,
    ReadWrite, RecordedIndex, Result, RowStream, Transaction, TxOptions,
};
use futures_util::stream;
use tokio::sync::mpsc;

use crate::{
    cache::{Cache, schema_version},
    catalog,
    connection::Connection,
    document::raw_rows,
    error::{Failure, Outcome},
    options::Options,
    pool::{Lease, Pool, Purpose},
    scan::{self, Cancel, MESSAGES, Message, Rows},
    schema,
    session::{self, Batch, Session, Work, anywhere},
    threads::{Threads, panicked},
    transaction::SqliteTransaction,
};

/// So few rows are sent at once, when the limit says that there are no more.
const FEW_ROWS: u64 = 64;

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

    /// Runs work on the schema, with the writer's connection on another thread.
    async fn on_schema(
        &self,
        collection: &str,
        work: impl FnOnce(&mut Connection) -> Outcome<()> + Send + 'static,
    ) -> Result<()> {
        let mut lease = self.0.pool.writer().await?;
        let cache = Arc::clone(&self.0.cache);
        let name = collection.to_owned();
        let done = self.0.pool.threads().run(move || {
            let done = lease.patiently(work);
            // Even if the caller is gone by now: what was known may be wrong.
            cache.forget(&name);
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
            Work::Read => pool.reader(Purpose::Point).await?,
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

    async fn put_many(&self, collection: &str, puts: &[Put<'_>]) -> Result<Vec<PutOutcome>> {
        session::put_many(self, collection, puts, Batch::Transaction).await
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
                self.0.cache.forget(&query.collection);
                let collection = session::collection(self, &query.collection).await?;
                let again = self.stream(query).await?;
                again.map_err(|failure| failure.at(collection.place(None)))
            }
            Err(failure) => {
                let collection = session::collection(self, &query.collection).await?;
                Err(failure.at(collection.place(None)))
            }
        }
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

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        session::explain(self, query, mode).await
    }
}
