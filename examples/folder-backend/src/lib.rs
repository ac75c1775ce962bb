//! A den backend that keeps one JSON file per document, in one folder per collection.
//!
//! It is small on purpose, to show what a backend of your own takes: the [`Backend`] trait, a
//! [`Driver`] that is registered for a URL scheme, and an honest list of capabilities. Whatever is
//! not on that list den refuses before it gets here. An application writes
//!
//! ```text
//! use den_folder as _;
//! let db = Db::open("folder:/var/lib/notes").await?;
//! ```
//!
//! # Behavior
//!
//! - A write is atomic (a new file is put in place of the old one) and excludes other writers, also
//!   those of other processes (a lock on the file `.lock`).
//! - A query reads every document of its collection. That is the price of having no index.

mod files;

use std::{
    any::Any,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use den_backend::{
    Backend, Capabilities, Capability, CollectionMeta, ConstraintMeta, DatabaseUrl, DeleteOutcome,
    Driver, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping, IndexKind, IndexMeta,
    OnRefusal, OpenOptions, Patch, PlannedAction, PlannedChange, PoolStats, Put, PutOutcome, Query,
    RawDocument, ReadWrite, RecordedIndex, Result, Returning, RowStream, SchemaChange, Transaction,
    TxOptions, Updated, Upsert, UpsertOutcome, Value,
    memory::{run_query, select},
};
use futures_util::stream;

use crate::files::Files;

/// Opens `folder:PATH`.
pub static DRIVER: Driver = Driver {
    name: "folder",
    schemes: &["folder"],
    open: |url: DatabaseUrl, _options: OpenOptions| {
        Box::pin(async move {
            let backend = FolderBackend::new(url.rest().trim_start_matches("//"));
            backend.ping().await?;
            Ok(Arc::new(backend) as Arc<dyn Backend>)
        })
    },
};
den_backend::register_driver!(DRIVER);

/// A folder of collections.
#[derive(Debug)]
pub struct FolderBackend {
    files: Files,
    closed: AtomicBool,
}

impl FolderBackend {
    /// A backend that keeps its collections in `folder`, which is made when it is first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            files: Files::new(folder.into()),
            closed: AtomicBool::new(false),
        }
    }

    /// Runs work on files where blocking is allowed. A future that is dropped does not stop it, so
    /// each operation happens wholly or not at all.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::ConnectionLost,
                "the database was closed",
            ));
        }
        let files = self.files.clone();
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.map_err(|error| {
            Error::new(ErrorKind::Backend, "the work was cut short").with_source(error)
        })?
    }

    async fn rows(&self, query: &Query) -> Result<Vec<(String, Value)>> {
        let query = query.clone();
        self.run(move |files| {
            let rows = files.all(&query.collection)?;
            run_query(rows, &query)
        })
        .await
    }

    async fn matching(&self, query: &Query) -> Result<usize> {
        let mut all = Query::new(&*query.collection);
        all.filter = query.filter.clone();
        Ok(self.rows(&all).await?.len())
    }
}

#[async_trait]
impl ReadWrite for FolderBackend {
    async fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.run(move |files| {
            let body = files.read(&collection, &id)?;
            Ok(body.map(|body| RawDocument { id, body }))
        })
        .await
    }

    async fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        let collection = collection.to_owned();
        let mut ids: Vec<String> = ids.iter().map(|it| (*it).to_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        self.run(move |files| {
            let mut found = Vec::new();
            for id in ids {
                if let Some(body) = files.read(&collection, &id)? {
                    found.push(RawDocument { id, body });
                }
            }
            Ok(found)
        })
        .await
    }

    async fn put(&self, collection: &str, put: Put<'_>) -> Result<PutOutcome> {
        let collection = collection.to_owned();
        let (id, body) = (put.id.to_owned(), put.body.to_vec());
        let expect = OwnedExpectation::from(put.expect);
        self.run(move |files| {
            files.locked(|| {
                let stored = files.read(&collection, &id)?;
                if let Some(refusal) = expect.refusal(stored.as_deref())? {
                    return Ok(PutOutcome::Refused(refusal));
                }
                files.write(&collection, &id, &body)?;
                Ok(match stored {
                    None => PutOutcome::Inserted,
                    Some(_) => PutOutcome::Updated,
                })
            })
        })
        .await
    }

    // Without atomic batches it makes no difference what a refusal does to the others.
    async fn put_many(
        &self,
        collection: &str,
        puts: &[Put<'_>],
        _on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let mut outcomes = Vec::with_capacity(puts.len());
        for put in puts {
            outcomes.push(self.put(collection, *put).await?);
        }
        Ok(outcomes)
    }

    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        let (collection, id) = (collection.to_owned(), id.to_owned());
        let expect = OwnedExpectation::from(match expect {
            // What is to be deleted must be there.
            Expectation::Any => Expectation::Present,
            Expectation::Absent
            | Expectation::Present
            | Expectation::Live
            | Expectation::Revision(_) => expect,
        });
        self.run(move |files| {
            files.locked(|| {
                let stored = files.read(&collection, &id)?;
                if let Some(refusal) = expect.refusal(stored.as_deref())? {
                    return Ok(DeleteOutcome::Refused(refusal));
                }
                if !files.remove(&collection, &id)? {
                    return Ok(DeleteOutcome::Refused(den_backend::Refusal::Missing));
                }
                Ok(DeleteOutcome::Deleted)
            })
        })
        .await
    }

    async fn query(&self, query: &Query) -> Result<RowStream> {
        let rows = self.rows(query).await?;
        let what = query.select.clone();
        let rows = rows
            .into_iter()
            .map(move |(id, document)| select(&id, &document, &what));
        Ok(Box::pin(stream::iter(rows)))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        Ok(self.matching(query).await? as u64)
    }

    async fn exists(&self, query: &Query) -> Result<bool> {
        Ok(self.matching(query).await? > 0)
    }

    async fn delete_matching(&self, query: &Query) -> Result<u64> {
        let query = query.clone();
        self.run(move |files| {
            files.locked(|| {
                let rows = run_query(files.all(&query.collection)?, &query)?;
                for (id, _) in &rows {
                    files.remove(&query.collection, id)?;
                }
                Ok(rows.len() as u64)
            })
        })
        .await
    }

    // A crash between two files would leave half of an update, so there are none.
    async fn update(&self, _: &Query, _: &Patch, _: Returning) -> Result<Updated> {
        Err(unsupported(Capability::Patches))
    }

    async fn upsert(&self, _collection: &str, _upsert: &Upsert<'_>) -> Result<UpsertOutcome> {
        Err(unsupported(Capability::Upserts))
    }

    async fn group(&self, _query: &Query, _grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        Err(unsupported(Capability::Groups))
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
impl Backend for FolderBackend {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "folder"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .with(Capability::Regex)
            .with(Capability::ElementPredicates)
            .with(Capability::Expressions)
    }

    async fn ensure_collection(&self, meta: &CollectionMeta) -> Result<()> {
        for index in &meta.indexes {
            refuse_undone(index)?;
        }
        let meta = meta.clone();
        self.run(move |files| {
            files.ensure(&meta.name)?;
            record(files, &meta.name, &meta.indexes)
        })
        .await
    }

    async fn ensure_index(&self, collection: &str, index: &IndexMeta) -> Result<()> {
        refuse_undone(index)?;
        let (collection, index) = (collection.to_owned(), index.clone());
        self.run(move |files| {
            files.require(&collection)?;
            record(files, &collection, &[index])
        })
        .await
    }

    async fn drop_index(&self, collection: &str, name: &str) -> Result<()> {
        let (collection, name) = (collection.to_owned(), name.to_owned());
        self.run(move |files| {
            files.locked(|| {
                let mut indexes = files.indexes(&collection)?;
                if indexes.remove(&name).is_none() {
                    let message = format!("there is no index `{name}`");
                    return Err(
                        Error::new(ErrorKind::NotFound, message).with_collection(collection)
                    );
                }
                files.set_indexes(&collection, &indexes)
            })
        })
        .await
    }

    async fn list_recorded_indexes(&self, collection: &str) -> Result<Vec<RecordedIndex>> {
        let collection = collection.to_owned();
        self.run(move |files| {
            let indexes = files.indexes(&collection)?.into_iter();
            let recorded = indexes.map(|(name, (fields, _))| RecordedIndex {
                collection: collection.clone(),
                name,
                fields,
                unique: false,
            });
            Ok(recorded.collect())
        })
        .await
    }

    async fn constraints(&self, _collection: &str) -> Result<Vec<ConstraintMeta>> {
        Err(unsupported(Capability::Constraints))
    }

    async fn plan_collection(&self, meta: &CollectionMeta) -> Result<Vec<PlannedChange>> {
        let wanted = meta.clone();
        self.run(move |files| {
            let planned = |action| PlannedChange {
                collection: wanted.name.clone(),
                action,
                statements: Vec::new(),
            };
            let is_there = files.collections()?.contains(&wanted.name);
            let indexes = files.indexes(&wanted.name)?;
            let mut plan = Vec::new();
            if !is_there {
                plan.push(planned(PlannedAction::CreateCollection));
            }
            for index in &wanted.indexes {
                let name = index.name.clone();
                match indexes.get(&name) {
                    None => plan.push(planned(PlannedAction::CreateIndex { name })),
                    Some((_, kept)) if *kept != declaration(index) => {
                        let reason = "it is declared otherwise".to_owned();
                        plan.push(planned(PlannedAction::RebuildIndex { name, reason }));
                    }
                    Some(_) => {}
                }
            }
            Ok(plan)
        })
        .await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.run(Files::collections).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        let collection = collection.to_owned();
        self.run(move |files| files.locked(|| files.drop(&collection)))
            .await
    }

    async fn begin(&self, _options: TxOptions) -> Result<Arc<dyn Transaction>> {
        Err(unsupported(Capability::Transactions))
    }

    async fn ping(&self) -> Result<()> {
        self.run(Files::ping).await
    }

    fn stats(&self) -> PoolStats {
        PoolStats::default()
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

fn refuse_undone(index: &IndexMeta) -> Result<()> {
    match index.kind {
        IndexKind::Unique => Err(unsupported(Capability::UniqueIndexes)),
        IndexKind::Search => Err(unsupported(Capability::FullText)),
        IndexKind::Plain | IndexKind::Members => Ok(()),
    }
}

/// Keeps the declaration of indexes, in place of earlier ones with the same names.
fn record(files: &Files, collection: &str, declared: &[IndexMeta]) -> Result<()> {
    files.locked(|| {
        let mut indexes = files.indexes(collection)?;
        for index in declared {
            let paths = index.fields.iter().map(|(field, _)| field.path.to_string());
            let kept = (paths.collect(), declaration(index));
            indexes.insert(index.name.clone(), kept);
        }
        files.set_indexes(collection, &indexes)
    })
}

/// All of a declaration as text, to see whether it changed.
fn declaration(index: &IndexMeta) -> String {
    format!("{index:?}")
}

fn unsupported(capability: Capability) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "the backend `folder` does not support {}",
            capability.describe()
        ),
    )
}

/// An expectation that can travel to another thread.
enum OwnedExpectation {
    Any,
    Absent,
    Present,
    Live,
    Revision(Option<String>),
}

impl From<Expectation<'_>> for OwnedExpectation {
    fn from(expect: Expectation<'_>) -> Self {
        match expect {
            Expectation::Any => Self::Any,
            Expectation::Absent => Self::Absent,
            Expectation::Present => Self::Present,
            Expectation::Live => Self::Live,
            Expectation::Revision(rev) => Self::Revision(rev.map(str::to_owned)),
        }
    }
}

impl OwnedExpectation {
    /// Why the stored document, if there is one, does not meet the expectation.
    fn refusal(&self, stored: Option<&[u8]>) -> Result<Option<den_backend::Refusal>> {
        use den_backend::Refusal;
        Ok(match (self, stored) {
            (Self::Any, _) | (Self::Absent, None) | (Self::Present, Some(_)) => None,
            (Self::Absent, Some(_)) => Some(Refusal::Exists),
            (Self::Present | Self::Live | Self::Revision(_), None) => Some(Refusal::Missing),
            (Self::Live, Some(stored)) => {
                let stored = files::parse(stored)?;
                let deleted_at = stored.at(&["_deleted_at".to_owned()]);
                let is_live = deleted_at.is_none_or(Value::is_null);
                (!is_live).then_some(Refusal::Missing)
            }
            (Self::Revision(expected), Some(stored)) => {
                let stored = files::parse(stored)?;
                let actual = match stored.at(&["_rev".to_owned()]) {
                    Some(Value::Text(rev)) => Some(rev),
                    Some(_) | None => None,
                };
                (actual != expected.as_ref()).then_some(Refusal::OtherRevision)
            }
        })
    }
}
