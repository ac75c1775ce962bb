//! The backend and its transactions, with a recorder in front of them.

use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use den_backend::{
    Backend, Capabilities, CollectionMeta, ConstraintMeta, DeleteOutcome, Expectation, Explain,
    ExplainMode, Grouping, IndexMeta, LockMode, OnRefusal, Patch, PlannedChange, PoolStats, Put,
    PutOutcome, Query, RawDocument, ReadWrite, RecordedIndex, Result, Returning, RowStream,
    SavepointId, SchemaChange, Transaction, TxOptions, Updated, Upsert, UpsertOutcome, Value,
};
use futures_core::Stream;

use crate::testing::{
    Recorder,
    call::{Call, Method, Outcome},
    log::{Entry, Started},
};

/// A backend or a transaction whose calls are recorded.
#[derive(Debug)]
pub(super) struct Recorded<B: ?Sized> {
    inner: Arc<B>,
    recorder: Recorder,
    in_transaction: bool,
}

impl Recorded<dyn Backend> {
    pub(super) fn backend(inner: Arc<dyn Backend>, recorder: Recorder) -> Self {
        Self {
            inner,
            recorder,
            in_transaction: false,
        }
    }
}

impl Recorded<dyn Transaction> {
    fn transaction(inner: Arc<dyn Transaction>, recorder: Recorder) -> Self {
        Self {
            inner,
            recorder,
            in_transaction: true,
        }
    }
}

impl<B: ?Sized> Recorded<B> {
    /// A call that is about no collection.
    fn start(&self, method: Method) -> Started {
        self.record(method, None, None)
    }

    /// A call that is about a collection as a whole, or rows of it that only the backend knows.
    fn start_on(&self, method: Method, collection: &str) -> Started {
        self.record(method, Some(collection), None)
    }

    /// A call that is about so many documents.
    fn start_with(&self, method: Method, collection: &str, documents: usize) -> Started {
        self.record(method, Some(collection), Some(documents as u64))
    }

    fn record(&self, method: Method, collection: Option<&str>, rows: Option<u64>) -> Started {
        let call = Call {
            method,
            collection: collection.map(str::to_owned),
            in_transaction: self.in_transaction,
            rows,
            outcome: Outcome::Pending,
        };
        Started::new(&self.recorder, call)
    }

    /// Runs a call that answers how many rows it changed.
    async fn change_rows(
        &self,
        method: Method,
        query: &Query,
        work: impl Future<Output = Result<u64>>,
    ) -> Result<u64> {
        let started = self.start_on(method, &query.collection);
        let entry = started.entry.clone();
        let counted = async {
            let rows = work.await?;
            entry.add_rows(rows);
            Ok(rows)
        };
        started.run(counted).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: ReadWrite + ?Sized> ReadWrite for Recorded<B> {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        self.start_with(Method::Get, collection, 1)
            .run(self.inner.get(collection, id))
            .await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        self.start_with(Method::GetMany, collection, ids.len())
            .run(self.inner.get_many(collection, ids))
            .await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        self.start_with(Method::Put, collection, 1)
            .run(self.inner.put(collection, put))
            .await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        self.start_with(Method::PutMany, collection, puts.len())
            .run(self.inner.put_many(collection, puts, on_refusal))
            .await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        self.start_with(Method::Upsert, collection, 1)
            .run(self.inner.upsert(collection, upsert))
            .await
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        self.start_with(Method::Delete, collection, 1)
            .run(self.inner.delete(collection, id, expect))
            .await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        let started = self.start_on(Method::Query, &query.collection);
        let entry = started.entry.clone();
        let rows = started.run(self.inner.query(query)).await?;
        entry.add_rows(0);
        Ok(Box::pin(RecordedRows {
            rows: Some(rows),
            collection: query.collection.clone(),
            entry,
        }))
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        self.start_on(Method::Group, &query.collection)
            .run(self.inner.group(query, grouping))
            .await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.start_on(Method::Count, &query.collection)
            .run(self.inner.count(query))
            .await
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        self.start_on(Method::Exists, &query.collection)
            .run(self.inner.exists(query))
            .await
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        let work = self.inner.delete_matching(query);
        self.change_rows(Method::DeleteMatching, query, work).await
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        let mut rows = Vec::new();
        let work = async {
            let updated = self.inner.update(query, patch, returning).await?;
            rows = updated.rows;
            Ok(updated.count)
        };
        let count = self.change_rows(Method::Update, query, work).await?;
        Ok(Updated { count, rows })
    }

    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        self.start(Method::RawQuery)
            .run(self.inner.raw_query(statement, parameters))
            .await
    }

    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        self.start(Method::RawExecute)
            .run(self.inner.raw_execute(statement, parameters))
            .await
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        self.start_on(Method::Alter, change.collection())
            .run(self.inner.alter(change))
            .await
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        self.start_on(Method::Explain, &query.collection)
            .run(self.inner.explain(query, mode))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for Recorded<dyn Backend> {
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        self.start_on(Method::EnsureCollection, &meta.name)
            .run(self.inner.ensure_collection(meta))
            .await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        self.start_on(Method::EnsureIndex, collection)
            .run(self.inner.ensure_index(collection, index))
            .await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        self.start_on(Method::DropIndex, collection)
            .run(self.inner.drop_index(collection, name))
            .await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        self.start_on(Method::ListRecordedIndexes, collection)
            .run(self.inner.list_recorded_indexes(collection))
            .await
    }

    async fn constraints(&self, collection: &str) -> Result<Vec<ConstraintMeta>> {
        self.start_on(Method::Constraints, collection)
            .run(self.inner.constraints(collection))
            .await
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        self.start_on(Method::PlanCollection, &meta.name)
            .run(self.inner.plan_collection(meta))
            .await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.start(Method::Collections)
            .run(self.inner.collections())
            .await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.start_on(Method::DropCollection, collection)
            .run(self.inner.drop_collection(collection))
            .await
    }

    async fn begin(&self, options: TxOptions) -> Result<Arc<dyn Transaction>> {
        let transaction = self
            .start(Method::Begin)
            .run(self.inner.begin(options))
            .await?;
        let recorder = self.recorder.clone();
        Ok(Arc::new(Recorded::transaction(transaction, recorder)))
    }

    async fn ping(&self) -> Result<()> {
        self.start(Method::Ping).run(self.inner.ping()).await
    }

    fn stats(&self) -> PoolStats {
        self.inner.stats()
    }

    async fn close(&self) -> Result<()> {
        self.start(Method::Close).run(self.inner.close()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transaction for Recorded<dyn Transaction> {
    async fn commit(&self) -> Result<()> {
        let started = self.start(Method::Commit);
        if started.is_prevented() {
            // A commit that fails ends the transaction all the same, and nothing is written. Where
            // it had ended before, there is nothing to take back.
            if let Err(error) = self.inner.rollback().await {
                tracing::debug!(%error, "could not roll back in place of a commit");
            }
        }
        started.run(self.inner.commit()).await
    }

    async fn rollback(&self) -> Result<()> {
        self.start(Method::Rollback)
            .run(self.inner.rollback())
            .await
    }

    async fn savepoint(&self) -> Result<SavepointId> {
        self.start(Method::Savepoint)
            .run(self.inner.savepoint())
            .await
    }

    async fn release(&self, savepoint: SavepointId) -> Result<()> {
        self.start(Method::Release)
            .run(self.inner.release(savepoint))
            .await
    }

    async fn rollback_to(&self, savepoint: SavepointId) -> Result<()> {
        self.start(Method::RollbackTo)
            .run(self.inner.rollback_to(savepoint))
            .await
    }

    async fn get_for_update(
        &self,
        collection: &str,
        id: &str,
        mode: LockMode,
    ) -> Result<Option<RawDocument>> {
        self.start_with(Method::GetForUpdate, collection, 1)
            .run(self.inner.get_for_update(collection, id, mode))
            .await
    }

    async fn advisory_lock(&self, key: i64) -> Result<()> {
        self.start(Method::AdvisoryLock)
            .run(self.inner.advisory_lock(key))
            .await
    }
}

/// The rows of a query, counted as they pass.
struct RecordedRows {
    /// None after the end, so that the backend's work ends with it.
    rows: Option<RowStream>,
    collection: String,
    entry: Entry,
}

impl Stream for RecordedRows {
    type Item = Result<RawDocument>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rows) = &mut self.rows else {
            return Poll::Ready(None);
        };
        let next = match ready!(rows.as_mut().poll_next(context)) {
            Some(Ok(row)) => Some(self.entry.count_row(&self.collection).map(|()| row)),
            Some(Err(error)) => {
                self.entry.fail(&error);
                Some(Err(error))
            }
            None => None,
        };
        match &next {
            Some(Ok(_)) => self.entry.add_rows(1),
            Some(Err(_)) | None => self.rows = None,
        }
        Poll::Ready(next)
    }
}
