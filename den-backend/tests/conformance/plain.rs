//! A backend that does what every backend must, and nothing more.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use den_backend::{
    Backend, Capabilities, Capability, CollectionMeta, ConstraintMeta, DeleteOutcome, Error,
    ErrorKind, Expectation, Explain, ExplainMode, Grouping, IndexKind, IndexMeta, OnRefusal, Patch,
    PlannedChange, PoolStats, Put, PutOutcome, Query, RawDocument, ReadWrite, RecordedIndex,
    Result, Returning, RowStream, SchemaChange, Transaction, TxOptions, Updated, Upsert,
    UpsertOutcome, Value, memory::MemoryBackend,
};

/// The in-memory backend without its capabilities.
#[derive(Debug)]
pub(crate) struct PlainBackend(MemoryBackend);

impl PlainBackend {
    pub(crate) fn new() -> Self {
        Self(MemoryBackend::new())
    }
}

fn unsupported(capability: Capability) -> Error {
    Error::new(ErrorKind::Unsupported, capability.describe())
}

fn check_index(index: &IndexMeta) -> Result<()> {
    match index.kind {
        IndexKind::Unique => Err(unsupported(Capability::UniqueIndexes)),
        IndexKind::Search => Err(unsupported(Capability::FullText)),
        IndexKind::Plain | IndexKind::Members => Ok(()),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for PlainBackend {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        self.0.get(collection, id).await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        self.0.get_many(collection, ids).await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        self.0.put(collection, put).await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        _on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let mut outcomes = Vec::new();
        for put in puts {
            outcomes.push(self.0.put(collection, *put).await?);
        }
        Ok(outcomes)
    }

    async fn upsert(&self, _collection: &str, _upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        Err(unsupported(Capability::Upserts))
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        self.0.delete(collection, id, expect).await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        self.0.query(query).await
    }

    async fn group(&self, _query: &Query, _grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        Err(unsupported(Capability::Groups))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.0.count(query).await
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        self.0.exists(query).await
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        self.0.delete_matching(query).await
    }

    async fn update(
        &self,
        _query: &Query,
        _patch: &Patch,
        _returning: Returning,
    ) -> Result<Updated> {
        Err(unsupported(Capability::Patches))
    }

    async fn raw_query(&self, _statement: &str, _parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        Err(unsupported(Capability::RawStatements))
    }

    async fn raw_execute(&self, _statement: &str, _parameters: &[Value]) -> Result<u64> {
        Err(unsupported(Capability::RawStatements))
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        match change {
            SchemaChange::CreateCollection(meta) => self.ensure_collection(meta).await,
            SchemaChange::DropCollection(name) => self.drop_collection(name).await,
            SchemaChange::CreateIndex { collection, index } => {
                self.ensure_index(collection, index).await
            }
            SchemaChange::DropIndex { collection, name } => self.drop_index(collection, name).await,
            SchemaChange::RenameCollection { .. } => Err(unsupported(Capability::SchemaChanges)),
            SchemaChange::CreateConstraint { .. } | SchemaChange::DropConstraint { .. } => {
                Err(unsupported(Capability::Constraints))
            }
        }
    }

    async fn explain(&self, _query: &Query, _mode: ExplainMode) -> Result<Explain> {
        Err(unsupported(Capability::Explain))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for PlainBackend {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "plain"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        meta.indexes.iter().try_for_each(check_index)?;
        self.0.ensure_collection(meta).await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        check_index(index)?;
        self.0.ensure_index(collection, index).await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        self.0.drop_index(collection, name).await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        self.0.list_recorded_indexes(collection).await
    }

    async fn constraints(&self, _collection: &str) -> Result<Vec<ConstraintMeta>> {
        Err(unsupported(Capability::Constraints))
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        self.0.plan_collection(meta).await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.0.collections().await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.0.drop_collection(collection).await
    }

    async fn begin(&self, _options: TxOptions) -> Result<Arc<dyn Transaction>> {
        Err(unsupported(Capability::Transactions))
    }

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}
