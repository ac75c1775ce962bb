//! What a query answers with.

use den_backend::{RawDocument, Result};

use crate::{
    Db, DeleteOptions, Document, Json, QuerySet, document, encode,
    executor::Handle,
    links::LinkPlan,
    loading,
    query::{Done, Job, lifecycle::UNBOUNDED_DELETE},
    raw::named_in,
    write,
};

/// What a [`QuerySet`](crate::QuerySet) answers with: a [`Document`], or [`Json`] for untyped
/// access.
pub trait Record: Sized + Send + 'static {
    /// Whether documents are marked as deleted.
    #[doc(hidden)]
    const SOFT_DELETE: bool;

    /// Whether there is something to do with documents that were read.
    #[doc(hidden)]
    const NEEDS_LOADING: bool;

    /// Makes sure that the type may be used with this database.
    #[doc(hidden)]
    fn check(db: &Db) -> Result<()>;

    /// Reads one row.
    #[doc(hidden)]
    fn decode(collection: &str, raw: &RawDocument) -> Result<Self>;

    /// Does what is to be done with documents that were read.
    #[doc(hidden)]
    fn finish(
        handle: &Handle,
        records: &mut [Self],
        plan: &LinkPlan,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Deletes the documents of a query.
    #[doc(hidden)]
    fn delete(query: QuerySet<Self>) -> impl Future<Output = Result<u64>> + Send;

    /// Changes the documents of a query.
    #[doc(hidden)]
    fn update(job: Job) -> impl Future<Output = Result<Done<Self>>> + Send;
}

impl<D: Document> Record for D {
    const SOFT_DELETE: bool = D::SOFT_DELETE;
    const NEEDS_LOADING: bool = loading::is_needed::<D>();

    fn check(db: &Db) -> Result<()> {
        db.registered::<D>()
    }

    fn decode(_collection: &str, raw: &RawDocument) -> Result<Self> {
        document::decode(raw)
    }

    async fn finish(handle: &Handle, records: &mut [Self], plan: &LinkPlan) -> Result<()> {
        loading::finish(handle, records, plan).await
    }

    async fn delete(query: QuerySet<Self>) -> Result<u64> {
        query.delete_with(DeleteOptions::new()).await
    }

    async fn update(job: Job) -> Result<Done<Self>> {
        write::update(job).await
    }
}

impl Record for Json {
    const SOFT_DELETE: bool = false;
    const NEEDS_LOADING: bool = false;

    fn check(_db: &Db) -> Result<()> {
        Ok(())
    }

    fn decode(collection: &str, raw: &RawDocument) -> Result<Self> {
        encode::decode(collection, &raw.id, &raw.body)
    }

    async fn finish(_handle: &Handle, _records: &mut [Self], _plan: &LinkPlan) -> Result<()> {
        Ok(())
    }

    async fn delete(query: QuerySet<Self>) -> Result<u64> {
        query.refuse_unbounded(UNBOUNDED_DELETE)?;
        let checked = query.checked()?;
        let session = query.handle.write().await?;
        let deleted = session.get().delete_matching(&checked).await;
        deleted.map_err(named_in(&checked))
    }

    async fn update(job: Job) -> Result<Done<Self>> {
        write::update_json(job).await
    }
}
