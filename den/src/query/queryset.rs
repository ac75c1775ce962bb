//! The query builder.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
};

use den_backend::{Error, ErrorKind, Expr, LockMode, Query, Result};

use crate::{
    Document, Filter, Order, Record, executor::Handle, fields::schema::live, links::LinkPlan,
    write::RunHooks,
};

/// A query over documents of type `T`, or over [`Json`](crate::Json) for untyped access.
///
/// # Behavior
///
/// - Lazy: nothing happens until a terminal method such as [`all`](Self::all) is awaited; awaiting
///   the query itself is the same as `all`. A clone is a query of its own.
/// - Building never fails: a mistake is reported by the terminal, before any I/O.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64 }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// let p = Product::fields();
/// let cheap: Vec<Product> = Product::query(&db)
///     .filter(p.price.lt(20.0) & !p.name.starts_with("Used"))
///     .sort(p.price.desc())
///     .sort(p.name.asc())
///     .limit(20)
///     .all()
///     .await?;
/// # let _ = cheap; Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[must_use = "a query does nothing until a terminal method such as `.all()` is awaited"]
pub struct QuerySet<T> {
    pub(super) handle: Handle,
    query: Query,
    all_rows: bool,
    pub(super) deleted: Deleted,
    pub(super) hooks: RunHooks,
    /// Which links of the documents are loaded.
    pub(crate) links: LinkPlan,
    /// The first mistake made while building.
    error: Option<Error>,
    record: PhantomData<fn() -> T>,
}

/// Whether documents that are marked as deleted are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    /// They are not: the default.
    No,
    /// They are, too.
    With,
    /// Only they are.
    Only,
}

impl<D: Document> QuerySet<D> {
    pub(crate) fn of_document(handle: Handle) -> Self {
        Self::of_collection(handle, D::COLLECTION.to_owned())
    }
}

impl<T> QuerySet<T> {
    pub(crate) fn of_collection(handle: Handle, collection: String) -> Self {
        Self {
            handle,
            query: Query::new(collection),
            all_rows: false,
            deleted: Deleted::No,
            hooks: RunHooks::Yes,
            links: LinkPlan::default(),
            error: None,
            record: PhantomData,
        }
    }

    /// Keeps the documents that pass the filter; several calls are all to be passed.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        match filter.into_expr() {
            Ok(expr) => self.add_filter(expr),
            Err(error) => self.mistake(error),
        }
        self
    }

    pub(crate) fn add_filter(&mut self, filter: Expr) {
        let others = std::mem::replace(&mut self.query.filter, Expr::always());
        self.query.filter = others.and(filter);
    }

    /// Applies a filter only if there is a value for it.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
    /// fn up_to(db: &Db, max: Option<f64>) -> QuerySet<Product> {
    ///     let p = Product::fields();
    ///     Product::query(db).filter_opt(max, |max| p.price.le(max))
    /// }
    /// ```
    pub fn filter_opt<V>(self, value: Option<V>, filter: impl FnOnce(V) -> Filter<T>) -> Self {
        match value {
            Some(value) => self.filter(filter(value)),
            None => self,
        }
    }

    /// Orders the documents; the next call orders those that tie. Ties that remain are ordered by
    /// id, in the direction of the last key, so the order is total.
    pub fn sort(mut self, order: Order<T>) -> Self {
        match order.into_sort() {
            Ok(sort) => {
                self.query.id_direction = sort.direction;
                self.query.sort.push(sort);
            }
            Err(error) => self.mistake(error),
        }
        self
    }

    /// At most so many documents; zero is a mistake.
    pub fn limit(mut self, limit: u64) -> Self {
        if limit == 0 {
            self.mistake(invalid(
                "a limit of zero asks for nothing; leave the query out",
            ));
        }
        self.query.limit = Some(limit);
        self
    }

    /// Leaves out so many documents at the start. For pages, [`page`](Self::page) is faster and
    /// does not slip when documents are inserted.
    pub fn skip(mut self, skip: u64) -> Self {
        self.query.skip = skip;
        self
    }

    /// Locks the documents that are returned until the transaction ends; only in a transaction.
    pub fn for_update(mut self, mode: LockMode) -> Self {
        self.query.lock = Some(mode);
        self
    }

    /// Says that a [`delete`](Self::delete) without a filter is meant to delete every document.
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    /// Notes a mistake, for the terminal to report.
    pub(crate) fn mistake(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(super) fn collection(&self) -> &str {
        &self.query.collection
    }

    /// Refuses what would concern every document, unless that was said to be meant. Filters that
    /// den adds do not count.
    pub(super) fn refuse_unbounded(&self, message: &'static str) -> Result<()> {
        if self.query.filter.is_always() && !self.all_rows {
            return Err(invalid(message).with_collection(&self.query.collection));
        }
        Ok(())
    }
}

impl<T: Record> QuerySet<T> {
    /// The query as plain data, checked: what every terminal starts with.
    pub(super) fn checked(&self) -> Result<Query> {
        if let Some(error) = &self.error {
            return Err(error.clone().with_collection(&self.query.collection));
        }
        T::check(self.handle.db())?;
        if self.query.lock.is_some() && !self.handle.is_transaction() {
            return Err(invalid(
                "`for_update` needs a transaction to hold the locks; pass `&tx` to the query",
            ));
        }
        // Before it is cloned, because a filter may be too deep even for that.
        self.check(&self.query)?;
        let mut query = self.query.clone();
        if !T::SOFT_DELETE {
            return match self.deleted {
                Deleted::No => Ok(query),
                Deleted::With | Deleted::Only => {
                    Err(invalid(NEVER_MARKED).with_collection(&query.collection))
                }
            };
        }
        match self.deleted {
            Deleted::No => query.filter = query.filter.and(live()),
            Deleted::With => {}
            Deleted::Only => query.filter = query.filter.and(live().not()),
        }
        self.check(&query)?;
        Ok(query)
    }

    fn check(&self, query: &Query) -> Result<()> {
        query
            .check(self.handle.db().capabilities())
            .map_err(|it| it.with_collection(&query.collection))
    }
}

const NEVER_MARKED: &str = "this asks for documents that are marked as deleted, but documents of \
     this type are deleted for good; for the other way, add `#[serde(flatten)] deletion: \
     SoftDelete` to it";

pub(super) fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

impl<T: Record> IntoFuture for QuerySet<T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl<T> Clone for QuerySet<T> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            query: self.query.clone(),
            all_rows: self.all_rows,
            deleted: self.deleted,
            hooks: self.hooks,
            links: self.links.clone(),
            error: self.error.clone(),
            record: PhantomData,
        }
    }
}

impl<T> fmt::Debug for QuerySet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuerySet")
            .field("query", &self.query)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
