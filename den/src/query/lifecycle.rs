//! Queries and documents that are marked as deleted; deletes of a whole query.

use std::{slice, sync::Arc};

use den_backend::{Capability, CompareOp, Error, ErrorKind, Expr, Query, Result, Returning};

use crate::{
    DeleteOptions, Document, QuerySet, Timestamp, Tx,
    document::decode,
    encode,
    executor::Handle,
    fields::schema::live,
    links::{DeleteRun, cascade},
    loading,
    query::queryset::{Deleted, invalid},
    raw::named_in,
    soft_delete::DELETED_AT,
    write::{self, RunHooks},
};

/// So many documents are in memory at once while they are deleted one by one.
const CHUNK: usize = 256;

/// On types with [`SoftDelete`](crate::SoftDelete); on others each is a mistake.
impl<D: Document> QuerySet<D> {
    /// Includes documents that are marked as deleted.
    pub fn with_deleted(mut self) -> Self {
        self.deleted = Deleted::With;
        self
    }

    /// Only documents that are marked as deleted.
    pub fn only_deleted(mut self) -> Self {
        self.deleted = Deleted::Only;
        self
    }

    /// Only documents that were marked as deleted at this time or later.
    pub fn deleted_since(self, time: Timestamp) -> Self {
        self.deleted_at(CompareOp::Ge, time)
    }

    /// Only documents that were marked as deleted before this time.
    pub fn deleted_before(self, time: Timestamp) -> Self {
        self.deleted_at(CompareOp::Lt, time)
    }

    fn deleted_at(mut self, op: CompareOp, time: Timestamp) -> Self {
        let filter = || {
            let time = Expr::Value(encode::operand(&time)?);
            Ok::<_, Error>(Expr::compare(op, write::own_field(DELETED_AT)?, time))
        };
        match filter() {
            Ok(filter) => self.add_filter(filter),
            Err(error) => self.mistake(error),
        }
        self.only_deleted()
    }

    /// Leaves the documents' hooks out where a [`delete`](Self::delete) or an
    /// [`update`](Self::update) would run them, which makes it one statement. What linked documents,
    /// attachments and declared rules ask for is done all the same.
    pub fn without_hooks(mut self) -> Self {
        self.hooks = RunHooks::No;
        self
    }

    /// Deletes the documents, limit and skip included, and returns how many.
    ///
    /// # Behavior
    ///
    /// - As [`delete`](Self::delete), with options.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for documents that are marked as deleted already, unless they are to be
    ///   deleted for good.
    /// - Else as [`delete`](Self::delete).
    pub async fn delete_with(self, options: DeleteOptions) -> Result<u64> {
        self.refuse_unbounded(UNBOUNDED_DELETE)?;
        let db = self.handle.db();
        let mut query = self.checked()?;
        let marks = write::marks::<D>(&options);
        if marks {
            match self.deleted {
                Deleted::No => {}
                Deleted::With => query.filter = query.filter.and(live()),
                Deleted::Only => return Err(invalid(MARKED_ALREADY)),
            }
        }
        if !write::is_plain_delete::<D>(db, &options, self.hooks) {
            return Box::pin(delete_each::<D>(&self.handle, query, options, self.hooks)).await;
        }
        if marks {
            db.require(Capability::Patches)?;
            let patch = write::deleted_patch::<D>(&options, db.now())?;
            let session = self.handle.write().await?;
            let updated = session.get().update(&query, &patch, Returning::Nothing);
            return Ok(updated.await.map_err(named_in(&query))?.count);
        }
        let session = self.handle.write().await?;
        let deleted = session.get().delete_matching(&query).await;
        deleted.map_err(named_in(&query))
    }

    /// Takes the mark of deletion away from those documents of the query that have it, and returns
    /// how many.
    ///
    /// # Behavior
    ///
    /// - One statement; neither rules nor hooks run.
    ///
    /// # Errors
    ///
    /// - `Duplicate` if another document has taken a value under a unique index: then none is
    ///   restored.
    /// - `InvalidQuery` without a filter, unless [`all_rows`](Self::all_rows) was said, and on a type
    ///   without [`SoftDelete`](crate::SoftDelete).
    pub async fn restore(self) -> Result<u64> {
        self.refuse_unbounded(UNBOUNDED_RESTORE)?;
        let query = self.only_deleted();
        let checked = query.checked()?;
        query.handle.db().require(Capability::Patches)?;
        let patch = write::restored_patch::<D>()?;
        let session = query.handle.write().await?;
        let updated = session.get().update(&checked, &patch, Returning::Nothing);
        Ok(updated.await.map_err(named_in(&checked))?.count)
    }

    /// Deletes for good the documents of the query that were marked as deleted before this time,
    /// and returns how many.
    ///
    /// # Errors
    ///
    /// As [`delete_with`](Self::delete_with); `InvalidQuery` on a type without
    /// [`SoftDelete`](crate::SoftDelete).
    pub async fn purge_deleted_before(self, time: Timestamp) -> Result<u64> {
        let query = self.deleted_before(time);
        query.delete_with(DeleteOptions::new().hard()).await
    }
}

pub(super) const UNBOUNDED_DELETE: &str = "a delete without a filter would delete every document; if that is \
     meant, say `.all_rows()`";
const UNBOUNDED_RESTORE: &str = "a restore without a filter would bring back every deleted \
     document; if that is meant, say `.all_rows()`";
const MARKED_ALREADY: &str = "these documents are marked as deleted already; to delete them for \
     good, say `.delete_with(DeleteOptions::new().hard())`";

/// Deletes the documents of a query one by one, each with all that belongs to it.
async fn delete_each<D: Document>(
    handle: &Handle,
    query: Query,
    options: DeleteOptions,
    hooks: RunHooks,
) -> Result<u64> {
    let run = DeleteRun::new(Arc::new(options));
    write::atomically(handle, async |tx| {
        let count = delete_chunks::<D>(&run, &tx, &query, hooks).await?;
        cascade::after_delete(&run, &tx).await?;
        Ok(count)
    })
    .await
}

async fn delete_chunks<D: Document>(
    run: &DeleteRun,
    tx: &Tx,
    query: &Query,
    hooks: RunHooks,
) -> Result<u64> {
    let handle = Handle::Tx(tx.clone());
    let mut count = 0;
    for ids in write::locked(tx, query).await?.chunks(CHUNK) {
        let mut rows = write::rows::<D>(tx, ids).await?;
        // Hooks of those before may have deleted one.
        let rows = ids.iter().filter_map(|id| rows.remove(id));
        let mut documents: Vec<D> = rows.map(|it| decode(&it)).collect::<Result<_>>()?;
        // All are noted first: what one of them leads to leaves the others to their own turn.
        let mut begun = Vec::with_capacity(documents.len());
        for document in &mut documents {
            begun.push(write::begin_delete(run, document)?);
        }
        let begun = documents.iter_mut().zip(begun).filter(|(_, begun)| *begun);
        for (at, (document, _)) in begun.enumerate() {
            if D::HOOKS && hooks == RunHooks::Yes {
                if at > 0 && !look_again(tx, document).await? {
                    continue;
                }
                loading::after_load(&handle, slice::from_mut(document)).await?;
            }
            let deleted = write::delete_begun(run, tx, document, hooks).await;
            count += u64::from(unless_gone(deleted, document)?);
        }
    }
    Ok(count)
}

/// Reads a document again, since hooks of those before it may have changed it; `false` if it is
/// gone.
async fn look_again<D: Document>(tx: &Tx, document: &mut D) -> Result<bool> {
    let session = tx.session().await?;
    let now = session.get(D::COLLECTION, document.id().as_str()).await?;
    let is_there = now.is_some();
    if let Some(now) = now {
        *document = decode(&now)?;
    }
    Ok(is_there)
}

/// Whether a document was deleted; hooks of those before it may have been faster.
fn unless_gone<D: Document>(deleted: Result<()>, document: &D) -> Result<bool> {
    match deleted {
        Err(error)
            if error.kind() == ErrorKind::NotFound
                && error.collection() == Some(D::COLLECTION)
                && error.id() == Some(document.id().as_str()) =>
        {
            Ok(false)
        }
        outcome => outcome.map(|()| true),
    }
}
