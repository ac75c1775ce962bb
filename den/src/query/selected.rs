//! Queries for some values of each document.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    task,
};

use den_backend::{
    Capability, Error, ErrorKind, Explain, ExplainMode, Query, RawDocument, Result, RowStream,
    Select,
};
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::{
    page::{self, Page, PageRequest},
    queryset::QuerySet,
    selection::{ByLabel, Columns, Projected, Projection, ReadRow, Selection, Values, projection},
    stream::rows_of,
};
use crate::{Filter, Groups, Json, Order, Record, encode, raw::named_in};

/// A query for some values of each document of type `T`; made by [`QuerySet::select`].
///
/// # Behavior
///
/// - The values are computed by the database, and only they travel.
/// - Awaiting it is the same as [`all`](Self::all).
#[must_use = "a query does nothing until a terminal method such as `.all()` is awaited"]
pub struct Selected<T, S> {
    query: QuerySet<T>,
    columns: Columns,
    row: PhantomData<fn() -> S>,
}

/// Rows of selected values as they arrive; made by [`Selected::stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct SelectedStream<S> {
    rows: RowStream,
    collection: String,
    columns: Columns,
    row: PhantomData<fn() -> S>,
}

impl<T: Record> QuerySet<T> {
    /// Selects values of each document: fields, computed values, filters, in a tuple.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64, stock: i64, category: Option<String> }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// # Product { name: "Widget".into(), price: 2.5, stock: 4, ..Default::default() }.insert(&db).await?;
    /// let p = Product::fields();
    /// let worths: Vec<(String, f64)> = Product::query(&db)
    ///     .sort(p.name.asc())
    ///     .select((p.name, p.price * p.stock))
    ///     .all()
    ///     .await?;
    /// assert_eq!(worths, [("Widget".to_owned(), 10.0)]);
    ///
    /// let as_json: Vec<Json> = Product::query(&db)
    ///     .select((p.name, (p.price * p.stock).label("worth")))
    ///     .json()
    ///     .all()
    ///     .await?;
    /// assert_eq!(as_json[0]["worth"], 10.0);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn select<S: Selection<T>>(self, selection: S) -> Selected<T, S> {
        self.select_columns(Columns::of(selection))
    }

    pub(super) fn select_columns<S: ReadRow>(self, columns: Columns) -> Selected<T, S> {
        Selected {
            query: self,
            columns,
            row: PhantomData,
        }
    }

    /// Selects the fields of a struct; see [`#[derive(Projection)]`](macro@crate::Projection).
    pub fn project<P: Projection<T>>(self) -> Selected<T, Projected<T, P>> {
        self.select(projection::<T, P>())
    }
}

impl<T: Record, S: ReadRow> Selected<T, S> {
    /// Reads each row as a JSON object. Each value needs a label; a field has its path.
    pub fn json(self) -> Selected<T, ByLabel<Json>> {
        self.rows()
    }

    /// Reads each row as a type of serde's, by label. Each value needs one; a field has its path.
    pub fn rows<R: DeserializeOwned>(self) -> Selected<T, ByLabel<R>> {
        Selected {
            query: self.query,
            columns: self.columns,
            row: PhantomData,
        }
    }

    /// As [`QuerySet::filter`].
    pub fn filter(self, filter: Filter<T>) -> Self {
        self.change(|query| query.filter(filter))
    }

    /// As [`QuerySet::sort`]; what is sorted by need not be selected.
    pub fn sort(self, order: Order<T>) -> Self {
        self.change(|query| query.sort(order))
    }

    /// As [`QuerySet::limit`].
    pub fn limit(self, limit: u64) -> Self {
        self.change(|query| query.limit(limit))
    }

    /// As [`QuerySet::skip`].
    pub fn skip(self, skip: u64) -> Self {
        self.change(|query| query.skip(skip))
    }

    fn change(self, change: impl FnOnce(QuerySet<T>) -> QuerySet<T>) -> Self {
        Self {
            query: change(self.query),
            ..self
        }
    }

    /// Keeps one of the rows that are equal.
    ///
    /// # Behavior
    ///
    /// - The order of the query so far stays, where it is an order by what is selected; else that is
    ///   a mistake. A limit or skip is to be said after `distinct`.
    pub fn distinct(self) -> Groups<T, S> {
        Groups::distinct(self.query, self.columns)
    }

    /// Returns all rows.
    ///
    /// # Errors
    ///
    /// - `Corrupt` for a value that does not read as its type; so is null for a value that is
    ///   required.
    /// - Else as [`QuerySet::all`].
    pub async fn all(self) -> Result<Vec<S::Row>> {
        let query = self.checked()?;
        self.fetch(&query).await
    }

    /// Returns the first row, if there is one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn first(self) -> Result<Option<S::Row>> {
        let mut query = self.checked()?;
        query.limit = Some(1);
        Ok(self.fetch(&query).await?.pop())
    }

    /// Returns the only row.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none, `MultipleMatches` if there are several.
    /// - Else as [`all`](Self::all).
    pub async fn one(self) -> Result<S::Row> {
        let mut query = self.checked()?;
        query.limit = Some(query.limit.map_or(2, |it| it.min(2)));
        only(self.fetch(&query).await?, &query.collection)
    }

    /// Returns the number of documents that pass the filter (of elements, of a query that unwinds);
    /// sort, limit and skip do not matter.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn count(self) -> Result<u64> {
        self.query.count().await
    }

    /// Returns the rows as they arrive, without holding them all in memory.
    pub fn stream(self) -> SelectedStream<S> {
        let collection = self.query.collection().to_owned();
        let (query, columns) = (self.query, self.columns);
        let read = columns.clone();
        let start = async move {
            let sorted = with_keys(&query, &columns, S::BY_LABEL)?;
            rows_of(&query, sorted).await
        };
        SelectedStream {
            rows: Box::pin(stream::once(start).try_flatten()),
            collection,
            columns: read,
            row: PhantomData,
        }
    }

    /// Returns one page; as [`QuerySet::page`].
    ///
    /// # Errors
    ///
    /// As [`QuerySet::page`].
    pub async fn page(self, request: PageRequest) -> Result<Page<S::Row>> {
        let query = with_keys(&self.query, &self.columns, S::BY_LABEL)?;
        let collection = query.collection.clone();
        let page = page::fetch(&self.query, query, request).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for raw in &page.items {
            items.push(read::<S>(&self.columns, &collection, raw)?);
        }
        Ok(Page {
            items,
            next: page.next,
            prev: page.prev,
            total: page.total,
        })
    }

    /// Says how the database would run the query: its statement and its plan.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a backend without plans; else as [`all`](Self::all).
    pub async fn explain(self) -> Result<Explain> {
        self.explained(ExplainMode::Plan).await
    }

    /// Returns the statement that would be sent, with placeholders and what is bound to them.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a backend without statements; else as [`all`](Self::all).
    pub async fn to_sql(self) -> Result<Explain> {
        self.explained(ExplainMode::Statement).await
    }

    async fn explained(self, mode: ExplainMode) -> Result<Explain> {
        let query = self.checked()?;
        self.query.handle.db().require(Capability::Explain)?;
        let session = self.query.handle.read().await?;
        session.get().explain(&query, mode).await
    }

    /// The query as plain data, checked.
    fn checked(&self) -> Result<Query> {
        selecting(&self.query, &self.columns, S::BY_LABEL, false)
    }

    async fn fetch(&self, query: &Query) -> Result<Vec<S::Row>> {
        let session = self.query.session(query).await?;
        let rows = session.get().query(query).await;
        let mut rows = rows.map_err(named_in(query))?;
        let mut found = Vec::new();
        while let Some(raw) = rows.try_next().await.map_err(named_in(query))? {
            found.push(read::<S>(&self.columns, &query.collection, &raw)?);
        }
        Ok(found)
    }
}

/// The only one of these rows.
pub(super) fn only<R>(mut rows: Vec<R>, collection: &str) -> Result<R> {
    match (rows.pop(), rows.pop()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            Err(Error::new(ErrorKind::NotFound, "no row matches").with_collection(collection))
        }
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::MultipleMatches,
            "several rows match where one was asked for",
        )
        .with_collection(collection)),
    }
}

/// The same query with the keys of its order behind the selected values: where positions in the
/// order are needed, for the documents do not travel.
fn with_keys<T: Record>(query: &QuerySet<T>, columns: &Columns, by_label: bool) -> Result<Query> {
    selecting(query, columns, by_label, true)
}

fn selecting<T: Record>(
    query: &QuerySet<T>,
    columns: &Columns,
    by_label: bool,
    with_keys: bool,
) -> Result<Query> {
    if by_label {
        let checked = columns.check_labels();
        checked.map_err(|it| it.with_collection(query.collection()))?;
    }
    let mut exprs = columns.exprs()?;
    if with_keys {
        exprs.extend(query.sort_keys());
    }
    query.checked_as(Select::Values(exprs))
}

/// Reads one row.
fn read<S: ReadRow>(columns: &Columns, collection: &str, raw: &RawDocument) -> Result<S::Row> {
    let values: Vec<Json> = encode::decode(collection, &raw.id, &raw.body)?;
    S::read(&mut Values::new(columns, values, collection, Some(&raw.id)))
}

impl<S: ReadRow> Stream for SelectedStream<S> {
    type Item = Result<S::Row>;

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let row = task::ready!(this.rows.poll_next_unpin(cx));
        let read = |raw: Result<RawDocument>| read::<S>(&this.columns, &this.collection, &raw?);
        task::Poll::Ready(row.map(read))
    }
}

impl<T: Record, S: ReadRow + 'static> IntoFuture for Selected<T, S>
where
    S::Row: Send,
{
    type Output = Result<Vec<S::Row>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl<T, S> Clone for Selected<T, S> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            columns: self.columns.clone(),
            row: PhantomData,
        }
    }
}

impl<T, S> fmt::Debug for Selected<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected")
            .field("query", &self.query)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for SelectedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelectedStream")
    }
}
