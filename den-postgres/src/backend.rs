//! The database, as the contract asks for it.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use den_backend::{
    Backend, Capabilities, Capability, CollectionMeta, ConstraintMeta, DatabaseUrl, DeleteOutcome,
    Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping, IndexMeta, OnRefusal,
    OpenOptions, Patch, PlannedChange, PoolStats, Put, PutOutcome, Query, RawDocument, ReadWrite,
    RecordedIndex, Result, Returning, RowStream, SchemaChange, Transaction, TxOptions, Updated,
    Upsert, UpsertOutcome, Value,
};

use crate::{
    alter, batch,
    call::Call,
    catalog::Collections,
    constraints, ops,
    partitioned::Partitioned,
    plan,
    pool::Pool,
    raw,
    runner::{Runner as _, Shared},
    schema,
    session::Session,
    stream,
    transaction::PostgresTransaction,
    url::Settings,
    values::column,
};

/// The oldest server that den is tested with, as `server_version_num` has it.
const OLDEST: i64 = 130_000;

/// What to know of a server before anything else, in one round trip.
const GREETING: &str = "SELECT current_setting('server_version_num')::bigint,
    current_setting('server_version')::text,
    (current_schema() IS NOT NULL),
    (current_setting('statement_timeout') <> '0' OR current_setting('lock_timeout') <> '0'),
    (current_setting('standard_conforming_strings', true) IS DISTINCT FROM 'off'),
    (current_setting('extra_float_digits')::integer > 0)";

/// A PostgreSQL database behind a pool of connections.
#[derive(Debug)]
pub(crate) struct PostgresBackend {
    shared: Arc<Shared>,
}

/// Opens a database: connects once, so that what is wrong is said now.
pub(crate) async fn open(url: &DatabaseUrl, options: &OpenOptions) -> Result<Arc<dyn Backend>> {
    let pool = Pool::new(Settings::parse(url, options)?)?;
    let mut shared = Shared {
        pool,
        collections: Collections::default(),
        time_limits: false,
    };
    let answer = shared.run(Call::read(GREETING.into(), Vec::new())).await?;
    let Some(row) = answer.rows.first() else {
        return Err(Error::new(
            ErrorKind::Backend,
            "the server did not tell its version",
        ));
    };
    let version: i64 = column(row, 0)?;
    if version < OLDEST {
        let name: &str = column(row, 1)?;
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("den needs PostgreSQL 13 or later, this is {name}"),
        ));
    }
    if !column::<bool>(row, 2)? {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "the schema to work in does not exist: create it, or name another with the URL's \
             parameter `schema`",
        ));
    }
    shared.time_limits = column(row, 3)?;
    // The keys in den's statements are quoted as the standard has it; elsewhere a backslash in one
    // would end the quotes.
    if !column::<bool>(row, 4)? {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "den needs `standard_conforming_strings`, which is off here: turn it on for this user \
             or database, or by the URL's parameter `options`",
        ));
    }
    if !column::<bool>(row, 5)? {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "den needs all digits of a float, but `extra_float_digits` is 0 or less here: set it to 1, \
             its default, for this user or database, or by the URL's parameter `options`",
        ));
    }
    Ok(Arc::new(PostgresBackend {
        shared: Arc::new(shared),
    }))
}

impl PostgresBackend {
    /// What all handles to the database share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    /// Takes a connection for a transaction, which begins with its first call.
    pub(crate) async fn begin(&self, text: &'static str) -> Result<Arc<Session>> {
        let lease = self.pool.acquire().await?;
        let statements = self.pool.statements();
        Ok(Arc::new(Session::new(
            lease,
            statements,
            text,
            self.time_limits,
        )))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadWrite for PostgresBackend {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        ops::get(&self.shared, &*self.shared, collection, id).await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        ops::get_many(&self.shared, &*self.shared, collection, ids).await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        if let Some(it) = Partitioned::find(&self.shared, &*self.shared, collection).await? {
            return it.put_alone_one(&self.shared, put).await;
        }
        ops::put(&self.shared, &*self.shared, collection, put).await
    }

    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        if let Some(it) = Partitioned::find(&self.shared, &*self.shared, collection).await? {
            return it.put_alone(&self.shared, puts, on_refusal).await;
        }
        batch::put_many(&self.shared, collection, puts, on_refusal).await
    }

    async fn upsert(&self, collection: &str, upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        if let Some(it) = Partitioned::find(&self.shared, &*self.shared, collection).await? {
            return Err(it.unsupported("upserts"));
        }
        ops::upsert(&self.shared, &*self.shared, collection, upsert).await
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        ops::delete(&self.shared, &*self.shared, collection, id, expect).await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        stream::query(&self.shared, query).await
    }

    async fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        ops::group(&self.shared, &*self.shared, query, grouping).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        ops::count(&self.shared, &*self.shared, query).await
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        ops::exists(&self.shared, &*self.shared, query).await
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        ops::delete_matching(&self.shared, &*self.shared, query).await
    }

    async fn update(&self, query: &Query, patch: &Patch, returning: Returning) -> Result<Updated> {
        if let Some(it) = Partitioned::find(&self.shared, &*self.shared, &query.collection).await? {
            it.check_patch(patch)?;
        }
        ops::update(&self.shared, &*self.shared, query, patch, returning).await
    }

    async fn raw_query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<u8>>> {
        raw::query(&self.shared, statement, parameters).await
    }

    async fn raw_execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        let raw = raw::parse(statement, parameters)?;
        raw::execute(&self.shared, &*self.shared, raw).await
    }

    async fn alter(&self, change: &SchemaChange) -> Result<()> {
        alter::alter(&self.shared, change).await
    }

    async fn explain(&self, query: &Query, mode: ExplainMode) -> Result<Explain> {
        ops::explain(&self.shared, &*self.shared, query, mode).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for PostgresBackend {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "postgres"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without(Capability::SubstringSearch)
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        schema::ensure_collection(&self.shared, meta).await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        schema::ensure_index(&self.shared, collection, index).await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        self.alter(&SchemaChange::DropIndex {
            collection: collection.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        schema::recorded_indexes(&self.shared, collection).await
    }

    async fn constraints(&self, collection: &str) -> Result<Vec<ConstraintMeta>> {
        constraints::list(&self.shared, collection).await
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        plan::plan_collection(&self.shared, meta).await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        schema::collections(&self.shared).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.alter(&SchemaChange::DropCollection(collection.to_owned()))
            .await
    }

    async fn begin(&self, options: TxOptions) -> Result<Arc<dyn Transaction>> {
        let transaction = PostgresTransaction::begin(&self.shared, options).await?;
        Ok(Arc::new(transaction))
    }

    async fn ping(&self) -> Result<()> {
        self.shared
            .run(Call::read("SELECT 1".into(), Vec::new()))
            .await
            .map(|_| ())
    }

    fn stats(&self) -> PoolStats {
        self.shared.pool.stats()
    }

    async fn close(&self) -> Result<()> {
        self.shared.pool.close().await
    }
}
