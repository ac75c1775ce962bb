//! The documents that a rule is about: those that link to a document, or are linked to by one.

use den_backend::{
    Capability, ErrorKind, Expr, LockMode, Query, RawDocument, Result, Returning, Seek, Select,
};
use futures_util::TryStreamExt;

use super::{
    chain,
    rules::{LinkMeta, Trail},
    run::DeleteRun,
};
use crate::{
    Document, Tx, document,
    executor::Handle,
    loading,
    write::{self, RunHooks},
};

/// So many documents are read at once.
const CHUNK: u64 = 256;

/// Deletes the documents that pass, with all that follows from it: with one statement where nothing
/// does, else one after the other.
pub(super) async fn delete<D: Document>(run: &DeleteRun, tx: &Tx, filter: Expr) -> Result<()> {
    // One that is marked as deleted already is not deleted again, but for good.
    let filter = if run.options.is_hard() {
        filter
    } else {
        live::<D>(filter)?
    };
    let is_plain = write::is_plain_delete::<D>(tx.db(), &run.options, RunHooks::Yes);
    // What is under way already is left to where it began.
    if is_plain && !run.has_begun_in(D::COLLECTION) {
        return delete_together::<D>(run, tx, filter).await;
    }
    let handle = Handle::Tx(tx.clone());
    let mut rows = Rows::of::<D>(tx, filter);
    while let Some(chunk) = rows.next(tx).await? {
        let mut documents = decoded::<D>(&handle, &chunk).await?;
        for document in &mut documents {
            if run.has_begun(D::COLLECTION, document.id().as_str()) {
                continue;
            }
            let id = document.id().clone();
            match chain::delete(run, tx, document).await {
                // A hook was faster.
                Err(error)
                    if error.kind() == ErrorKind::NotFound
                        && error.collection() == Some(D::COLLECTION)
                        && error.id() == Some(id.as_str()) => {}
                outcome => outcome?,
            }
        }
    }
    Ok(())
}

async fn delete_together<D: Document>(run: &DeleteRun, tx: &Tx, filter: Expr) -> Result<()> {
    let query = Query {
        filter,
        ..Query::new(D::COLLECTION)
    };
    query.check(tx.db().capabilities())?;
    let session = tx.session().await?;
    if write::marks::<D>(&run.options) {
        tx.db().require(Capability::Patches)?;
        let patch = write::deleted_patch::<D>(&run.options, tx.db().now())?;
        session.update(&query, &patch, Returning::Nothing).await?;
    } else {
        session.delete_matching(&query).await?;
    }
    Ok(())
}

async fn decoded<D: Document>(handle: &Handle, rows: &[RawDocument]) -> Result<Vec<D>> {
    let mut documents: Vec<D> = rows.iter().map(document::decode).collect::<Result<_>>()?;
    loading::after_load(handle, &mut documents).await?;
    Ok(documents)
}

/// Takes the links of one field to these documents out of the documents that pass, and updates them.
pub(super) async fn unlink<D: Document>(
    tx: &Tx,
    filter: Expr,
    meta: &LinkMeta,
    ids: &[&str],
) -> Result<()> {
    let mut rows = Rows::of::<D>(tx, filter);
    let handle = Handle::Tx(tx.clone());
    while let Some(chunk) = rows.next(tx).await? {
        for mut document in decoded::<D>(&handle, &chunk).await? {
            lose_links(&mut document, meta, ids);
            chain::update(tx, &mut document).await?;
        }
    }
    Ok(())
}

/// Takes the links of one field to these documents out of a document in memory.
fn lose_links<D: Document>(document: &mut D, meta: &LinkMeta, ids: &[&str]) {
    document.visit_links(&mut Trail::default(), &mut |trail, link| {
        if trail.steps() == meta.steps
            && link.target_type() == meta.target_type
            && ids.contains(&link.id())
        {
            link.doom();
        }
    });
    document.remove_links(&mut |link| link.is_doomed());
}

/// The ids of the first few live documents that pass.
pub(super) async fn first_live<D: Document>(
    tx: &Tx,
    filter: Expr,
    limit: u64,
) -> Result<Vec<String>> {
    let query = Query {
        filter: live::<D>(filter)?,
        limit: Some(limit),
        select: Select::Id,
        ..Query::new(D::COLLECTION)
    };
    let rows = read(tx, &query).await?;
    Ok(rows.into_iter().map(|it| it.id).collect())
}

/// Leaves out what is marked as deleted.
fn live<D: Document>(filter: Expr) -> Result<Expr> {
    if !D::SOFT_DELETE {
        return Ok(filter);
    }
    Ok(filter.and(crate::fields::schema::live()))
}

/// The documents that pass, chunk by chunk in the order of their ids, each locked until the
/// transaction ends.
struct Rows {
    /// What to read next; none at the end.
    query: Option<Query>,
}

impl Rows {
    fn of<D: Document>(tx: &Tx, filter: Expr) -> Self {
        let can_lock = tx.db().capabilities().has(Capability::RowLocks);
        Self {
            query: Some(Query {
                filter,
                limit: Some(CHUNK),
                lock: can_lock.then_some(LockMode::Wait),
                ..Query::new(D::COLLECTION)
            }),
        }
    }

    async fn next(&mut self, tx: &Tx) -> Result<Option<Vec<RawDocument>>> {
        let Some(mut query) = self.query.take() else {
            return Ok(None);
        };
        let rows = read(tx, &query).await?;
        if let Some(last) = rows.last()
            && rows.len() as u64 == CHUNK
        {
            query.seek = Some(Seek {
                keys: Vec::new(),
                id: last.id.clone(),
            });
            self.query = Some(query);
        }
        Ok(Some(rows))
    }
}

async fn read(tx: &Tx, query: &Query) -> Result<Vec<RawDocument>> {
    query.check(tx.db().capabilities())?;
    tx.session().await?.query(query).await?.try_collect().await
}
