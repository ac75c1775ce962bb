//! The query builder.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
};

use den_backend::{Error, ErrorKind, Expr, LockMode, Query, Result, Select};

use super::{
    search::search_of,
    selection::{Columns, Selection},
};
use crate::{
    Document, Field, Filter, Order, Record, Timestamp, Untyped, executor::Handle, expr::walk,
    fields::schema::live, links::LinkPlan, write::RunHooks,
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
    /// What is searched for.
    search: Option<String>,
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
            search: None,
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

    /// Of documents that have the same values for these, keeps the first in the order of the query:
    /// one field or computed value, or a tuple of several. To say it twice is a mistake.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, category: Option<String> }
    /// async fn cheapest_of_each(db: &Db) -> den::Result<Vec<Product>> {
    ///     let p = Product::fields();
    ///     Product::query(db)
    ///         .distinct_by(p.category)
    ///         .sort(p.price.asc())
    ///         .all()
    ///         .await
    /// }
    /// ```
    pub fn distinct_by<S: Selection<T>>(mut self, keys: S) -> Self {
        match Columns::of(keys).exprs() {
            Ok(_) if !self.query.distinct_by.is_empty() => self.mistake(invalid(
                "documents are made distinct once; give all values to one `distinct_by`, as a tuple",
            )),
            Ok(keys) => self.query.distinct_by = keys,
            Err(error) => self.mistake(error),
        }
        self
    }

    /// Makes one row of each element of a list: `p.tags.element()` then stands for it, in filters
    /// too. Such a query can be selected from, grouped and counted, without order.
    ///
    /// # Behavior
    ///
    /// - A document without elements has no rows. To unwind a second list is a mistake.
    /// - The rows of a document are in the order of the list, documents in the order of their ids.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, tags: Vec<String> }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// let p = Product::fields();
    /// let tag = p.tags.element();
    /// let popular: Vec<(String, u64)> = Product::query(&db)
    ///     .unwind(p.tags)
    ///     .filter(tag.ne("old"))
    ///     .group_by(tag)
    ///     .select((tag, den::count()))
    ///     .sort(den::count().desc())
    ///     .all()
    ///     .await?;
    /// # let _ = popular; Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn unwind(mut self, list: impl Unwind<T>) -> Self {
        match list.list() {
            Ok(_) if self.unwinds() => {
                self.mistake(invalid("one list is unwound; a query has no rows for two"));
            }
            Ok(list) => self.query.unwind = Some(list.path),
            Err(error) => self.mistake(error),
        }
        self
    }

    /// Locks the documents that are returned until the transaction ends; only in a transaction.
    pub fn for_update(mut self, mode: LockMode) -> Self {
        self.query.lock = Some(mode);
        self
    }

    /// Says that a [`delete`](Self::delete) or [`update`](Self::update) without a filter is meant for
    /// every document.
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    /// At most so many documents, whatever else was said.
    pub(super) fn limit_to(&mut self, limit: u64) {
        self.query.limit = Some(self.query.limit.map_or(limit, |it| it.min(limit)));
    }

    /// The order, which is taken away.
    pub(super) fn take_orders(&mut self) -> Vec<Order<T>> {
        self.query.id_direction = den_backend::Direction::Asc;
        let sort = std::mem::take(&mut self.query.sort);
        sort.into_iter().map(Order::from_sort).collect()
    }

    pub(super) fn unwinds(&self) -> bool {
        self.query.unwind.is_some()
    }

    pub(super) fn has_window(&self) -> bool {
        self.query.has_window()
    }

    /// What the query is ordered by.
    pub(super) fn sort_keys(&self) -> impl Iterator<Item = Expr> {
        self.query.sort.iter().map(|it| it.key.clone())
    }

    /// Notes what is searched for; whether something was noted before.
    pub(super) fn note_search(&mut self, text: String) -> bool {
        self.search.replace(text).is_some()
    }

    pub(super) fn is_search(&self) -> bool {
        self.search.is_some()
    }

    /// Notes a mistake, for the terminal to report.
    pub(crate) fn mistake(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn collection(&self) -> &str {
        &self.query.collection
    }

    /// Refuses what would concern every document, unless that was said to be meant. Filters that
    /// den adds do not count.
    pub(super) fn refuse_unbounded(&self, message: &'static str) -> Result<()> {
        if self.query.filter.is_always() && self.search.is_none() && !self.all_rows {
            return Err(invalid(message).with_collection(&self.query.collection));
        }
        Ok(())
    }
}

impl<T: Record> QuerySet<T> {
    /// The query as plain data, checked: what every terminal starts with.
    pub(super) fn checked(&self) -> Result<Query> {
        self.checked_as(Select::Document)
    }

    /// The same, with something else of each document than the whole.
    pub(super) fn checked_as(&self, select: Select) -> Result<Query> {
        let query = self.prepared_as(select, self.handle.db().now())?;
        self.check(&query)?;
        Ok(query)
    }

    /// The query as plain data, not checked yet.
    pub(super) fn prepared(&self, now: Timestamp) -> Result<Query> {
        self.prepared_as(Select::Document, now)
    }

    fn prepared_as(&self, select: Select, now: Timestamp) -> Result<Query> {
        if let Some(error) = &self.error {
            return Err(error.clone().with_collection(&self.query.collection));
        }
        T::check(self.handle.db())?;
        if self.query.lock.is_some() && !self.handle.is_transaction() {
            return Err(invalid(
                "`for_update` needs a transaction to hold the locks; pass `&tx` to the query",
            ));
        }
        let named = |it: Error| it.with_collection(&self.query.collection);
        // Before it is cloned, because a filter may be too deep even for that.
        walk::check_query(&self.query).map_err(named)?;
        let mut query = self.query.clone();
        query.select = select;
        walk::check_query(&query).map_err(named)?;
        walk::set_time(&mut query, now);
        if let Some(text) = &self.search {
            query.search = Some(search_of(self.handle.db(), &query, text)?);
        }
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
        Ok(query)
    }

    fn check(&self, query: &Query) -> Result<()> {
        if query.unwind.is_some() && !query.sort.is_empty() {
            return Err(invalid(
                "rows of elements have no order of their own; what is made of them does: \
                 `.select(..).distinct()` keeps the order, and `.group_by(..).select(..)` takes one",
            )
            .with_collection(&query.collection));
        }
        let db = self.handle.db();
        query
            .check(db.capabilities())
            .and_then(|()| query.check_engine(db.backend_name()))
            .map_err(|it| it.with_collection(&query.collection))
    }
}

/// A list that a query can [unwind](QuerySet::unwind): a field that holds one, or an untyped field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no elements to unwind",
    label = "no list of these documents"
)]
pub trait Unwind<D> {
    /// Where it lies.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a bad path.
    #[doc(hidden)]
    fn list(self) -> Result<den_backend::Field>;
}

impl<D, E, N> Unwind<D> for Field<D, Vec<E>, N> {
    fn list(self) -> Result<den_backend::Field> {
        Ok(self.to_contract())
    }
}

impl<D> Unwind<D> for Untyped {
    fn list(self) -> Result<den_backend::Field> {
        self.to_contract()
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
            search: self.search.clone(),
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
            .field("search", &self.search)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
