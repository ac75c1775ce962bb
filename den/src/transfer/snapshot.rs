//! Reading one moment of a database, document by document in order of id.

use std::sync::Arc;

use den_backend::{
    Access, Capability, CollectionMeta, ConstraintMeta, ErrorKind, Isolation, Query, RawDocument,
    ReadWrite, Result, Seek, Transaction, TxOptions,
};
use futures_util::TryStreamExt;

use crate::Db;

/// So many bytes of documents are read at once, about.
const PAGE_BYTES: usize = 1 << 20;

/// At first so many documents are read at once, while nothing is known of their size, and never more
/// than that.
const FIRST_PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 1000;

/// Collections of den's own that belong to what an application stores: which migrations have been
/// run, and how often content is referred to.
const OWN: &[&str] = &["_den_attachments", "_den_migrations"];

/// One moment of a database, as long as this lives; where the backend has no such thing, what is
/// there when it is read.
#[derive(Debug)]
pub(super) struct Snapshot {
    db: Db,
    tx: Option<Arc<dyn Transaction>>,
}

/// The documents of one collection in order of id.
#[derive(Debug)]
pub(super) struct Walk<'s> {
    snapshot: &'s Snapshot,
    /// None at the end.
    next: Option<Query>,
    page: u64,
}

impl Snapshot {
    pub(super) async fn open(db: &Db) -> Result<Self> {
        let can = db.capabilities();
        let mut tx = None;
        if can.has(Capability::Transactions) && can.has(Capability::Isolation) {
            let options = TxOptions {
                isolation: Isolation::RepeatableRead,
                access: Access::ReadOnly,
            };
            tx = Some(db.backend().begin(options).await?);
        }
        Ok(Self { db: db.clone(), tx })
    }

    pub(super) fn session(&self) -> &dyn ReadWrite {
        match &self.tx {
            Some(tx) => &**tx,
            None => self.db.backend(),
        }
    }

    /// The number of documents; none for a collection that is not there.
    pub(super) async fn count(&self, collection: &str) -> Result<Option<u64>> {
        if_there(self.session().count(&Query::new(collection)).await)
    }

    /// The documents of a collection that is there.
    pub(super) fn walk(&self, collection: &str) -> Walk<'_> {
        Walk {
            snapshot: self,
            next: Some(Query::new(collection)),
            page: FIRST_PAGE,
        }
    }

    /// The walk over a collection, one that ends at once if it is not there.
    pub(super) async fn walk_if_there(&self, collection: &str) -> Result<Walk<'_>> {
        let mut walk = self.walk(collection);
        if self.count(collection).await?.is_none() {
            walk.next = None;
        }
        Ok(walk)
    }
}

impl Walk<'_> {
    /// The next documents; none at the end.
    pub(super) async fn page(&mut self) -> Result<Vec<RawDocument>> {
        let Some(query) = &mut self.next else {
            return Ok(Vec::new());
        };
        query.limit = Some(self.page);
        let rows = self.snapshot.session().query(query).await?;
        let rows: Vec<RawDocument> = rows.try_collect().await?;
        let count = rows.len() as u64;
        match rows.last() {
            Some(last) if count == self.page => {
                let (keys, id) = (Vec::new(), last.id.clone());
                query.seek = Some(Seek { keys, id });
            }
            Some(_) | None => self.next = None,
        }
        let bytes: usize = rows.iter().map(|it| it.body.len() + it.id.len()).sum();
        let average = (bytes as u64 / count.max(1)).max(1);
        self.page = (PAGE_BYTES as u64 / average).clamp(1, LARGEST_PAGE);
        Ok(rows)
    }
}

/// The collections of a database with those of den's own that belong to them.
pub(super) async fn all_collections(db: &Db) -> Result<Vec<String>> {
    let mut names = db.collections().await?;
    for own in OWN {
        if exists(db, own).await? {
            names.push((*own).to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether there is such a collection.
pub(super) async fn exists(db: &Db, collection: &str) -> Result<bool> {
    let found = if_there(db.backend().exists(&Query::new(collection)).await)?;
    Ok(found.is_some())
}

/// Makes a collection exist; one that does is left as it is.
pub(super) async fn ensure(db: &Db, collection: &str) -> Result<()> {
    if exists(db, collection).await? {
        return Ok(());
    }
    let meta = CollectionMeta::new(collection);
    if !OWN.contains(&collection) {
        meta.check()?;
    }
    db.backend().ensure_collection(&meta).await
}

/// The constraints of a collection; none where the backend has no such thing.
pub(super) async fn constraints(db: &Db, collection: &str) -> Result<Vec<ConstraintMeta>> {
    if !db.capabilities().has(Capability::Constraints) {
        return Ok(Vec::new());
    }
    match db.backend().constraints(collection).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Vec::new()),
        found => found,
    }
}

fn if_there<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::NotRegistered => Ok(None),
        Err(error) => Err(error),
    }
}
