//! Documents as they arrive.

use std::{fmt, marker::PhantomData, pin::Pin, task};

use den_backend::{
    Grouping, Query, RawDocument, Result, RowStream, Seek, Select, Sort, Value, order::sort_key,
};
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    QuerySet, Record, encode,
    executor::{Handle, Session},
    expr::walk::refuse_native_order,
    links::LinkPlan,
    raw::named_in,
};

/// So many rows are read at once while streaming inside a transaction.
const PAGE: u64 = 512;

/// So many documents are loaded at once, with all that belongs to them, while streaming.
const CHUNK: u64 = 256;

/// Documents as they arrive; made by [`QuerySet::stream`].
///
/// # Behavior
///
/// - A document that does not read as `T` is an `Err` of kind `Corrupt`, and the stream goes on;
///   it ends after any other error.
/// - Outside of a transaction it holds a connection until it ends or is dropped, and shows one
///   moment.
/// - In a transaction, and for types with hooks or links, it reads page by page: other calls may be
///   made while it is open, and it sees writes where they lie ahead of it. Do not move rows ahead while streaming, as by saving each document of a
///   stream sorted by `_updated_at`: it would meet them again, for ever.
#[must_use = "a stream does nothing until it is polled"]
pub struct DocumentStream<T> {
    source: Source<T>,
    record: PhantomData<fn() -> T>,
}

/// Where documents come from.
enum Source<T> {
    /// Rows, to be decoded one by one.
    Rows { rows: RowStream, collection: String },
    /// Documents with all that belongs to them, by the page.
    Loaded(Pin<Box<dyn Stream<Item = Result<T>> + Send>>),
}

/// The stored JSON of documents as they arrive, not decoded; made by [`QuerySet::json_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct JsonStream {
    rows: RowStream,
}

impl<T: Record> QuerySet<T> {
    /// Returns the documents as they arrive, without holding them all in memory.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String }
    /// use futures_util::TryStreamExt;
    ///
    /// async fn print_all(db: &Db) -> den::Result<()> {
    ///     let mut products = Product::query(db).stream();
    ///     while let Some(product) = products.try_next().await? {
    ///         println!("{}", product.name);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn stream(self) -> DocumentStream<T> {
        let source = if T::NEEDS_LOADING {
            Source::Loaded(self.loaded())
        } else {
            Source::Rows {
                collection: self.collection().to_owned(),
                rows: self.rows(),
            }
        };
        DocumentStream {
            source,
            record: PhantomData,
        }
    }

    /// Returns the stored JSON of the documents as it arrives: for answers that pass documents on
    /// without looking into them. Key order and spacing differ between backends.
    pub fn json_stream(self) -> JsonStream {
        JsonStream { rows: self.rows() }
    }

    fn rows(self) -> RowStream {
        let start = async move {
            let query = self.checked()?;
            rows_of(&self, query).await
        };
        Box::pin(stream::once(start).try_flatten())
    }
}

/// The rows of `query`, which was made of `from`.
pub(super) async fn rows_of<T: Record>(from: &QuerySet<T>, query: Query) -> Result<RowStream> {
    let session = from.session(&query).await?;
    if from.handle.is_transaction() && has_positions(&query) {
        refuse_native_order(&query)?;
        return Ok(paged(from.handle.clone(), query));
    }
    let rows = session.get().query(&query).await;
    let rows = rows.map_err(named_in(&query))?;
    Ok(Box::pin(rows.map_err(move |it| named_in(&query)(it))))
}

/// Whether a query can be gone on with after one of its rows.
fn has_positions(query: &Query) -> bool {
    query.unwind.is_none() && !query.search.as_ref().is_some_and(|it| it.ranked)
}

impl<T: Record> QuerySet<T> {
    /// Reads page by page, since what is loaded along needs a connection as well.
    fn loaded(self) -> Pin<Box<dyn Stream<Item = Result<T>> + Send>> {
        let start = async move {
            let query = self.checked()?;
            let pages = stream::try_unfold(Some(query), move |query| {
                let (handle, links) = (self.handle.clone(), self.links.clone());
                async move {
                    let Some(query) = query else {
                        return Ok(None);
                    };
                    let collection = query.collection.clone();
                    let (rows, next) = next_page(&handle, query, CHUNK).await?;
                    let rows = rows.iter().map(|raw| T::decode(&collection, raw));
                    let records = finish_good(&handle, rows.collect(), &links).await?;
                    Result::Ok(Some((stream::iter(records.into_iter().map(Ok)), next)))
                }
            });
            Result::Ok(pages.try_flatten())
        };
        let records = stream::once(start).try_flatten();
        // A document that does not read does not end the stream, an error of the source does.
        Box::pin(records.map(|it| it.and_then(|record| record)))
    }
}

/// Does what is to be done with those records that could be read.
async fn finish_good<T: Record>(
    handle: &Handle,
    records: Vec<Result<T>>,
    plan: &LinkPlan,
) -> Result<Vec<Result<T>>> {
    let mut good = Vec::with_capacity(records.len());
    let mut bad = Vec::new();
    for (at, record) in records.into_iter().enumerate() {
        match record {
            Ok(record) => good.push(record),
            Err(error) => bad.push((at, error)),
        }
    }
    T::finish(handle, &mut good, plan).await?;
    let mut records: Vec<Result<T>> = good.into_iter().map(Ok).collect();
    for (at, error) in bad {
        records.insert(at, Err(error));
    }
    Ok(records)
}

/// Reads a query page by page, so that other calls of the transaction fit in between.
fn paged(handle: Handle, query: Query) -> RowStream {
    let pages = stream::try_unfold(Some(query), move |query| {
        let handle = handle.clone();
        async move {
            let Some(query) = query else {
                return Ok(None);
            };
            let (rows, next) = next_page(&handle, query, PAGE).await?;
            let rows = stream::iter(rows.into_iter().map(Ok));
            Result::Ok(Some((rows, next)))
        }
    });
    Box::pin(pages.try_flatten())
}

/// The next rows of a query, and the query for those that follow.
async fn next_page(
    handle: &Handle,
    mut query: Query,
    size: u64,
) -> Result<(Vec<RawDocument>, Option<Query>)> {
    refuse_native_order(&query)?;
    if !has_positions(&query) {
        let session = handle.read().await?;
        return Ok((rows_at_once(&session, &query).await?, None));
    }
    let left = query.limit;
    query.limit = Some(left.map_or(size, |it| it.min(size)));
    let session = handle.read().await?;
    let rows = rows_at_once(&session, &query).await?;
    let count = rows.len() as u64;
    let is_full = Some(count) == query.limit;
    query.limit = left.map(|it| it.saturating_sub(count));
    let next = match rows.last() {
        Some(last) if is_full && query.limit != Some(0) => {
            query.seek = Some(position(&query, last)?);
            query.skip = 0;
            Some(query)
        }
        Some(_) | None => None,
    };
    Ok((rows, next))
}

/// All rows of a query.
pub(super) async fn rows_at_once(session: &Session, query: &Query) -> Result<Vec<RawDocument>> {
    let rows = session.get().query(query).await.map_err(named_in(query))?;
    rows.try_collect().await.map_err(named_in(query))
}

/// Where a row stands in the order of a query; the row is a whole document, or selected values with
/// the keys of the order behind them.
pub(super) fn position(query: &Query, row: &RawDocument) -> Result<Seek> {
    let keys = if query.sort.is_empty() {
        Vec::new()
    } else {
        let row: Value = encode::decode(&query.collection, &row.id, &row.body)?;
        let before_keys = match &query.select {
            Select::Values(all) => Some(all.len().saturating_sub(query.sort.len())),
            Select::Document | Select::Id | Select::Value(_) | Select::Scored => None,
        };
        let keys = query.sort.iter().enumerate();
        keys.map(|(at, sort)| match before_keys {
            None => sort_key(&row, sort),
            Some(before) => {
                let column = Grouping::column(before + at, sort.kind())?;
                sort_key(&row, &Sort::field(column, sort.direction))
            }
        })
        .collect::<Result<_>>()?
    };
    Ok(Seek {
        keys,
        id: row.id.clone(),
    })
}

impl<T: Record> Stream for DocumentStream<T> {
    type Item = Result<T>;

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Self::Item>> {
        match &mut self.get_mut().source {
            Source::Rows { rows, collection } => {
                let row = task::ready!(rows.poll_next_unpin(cx));
                task::Poll::Ready(row.map(|row| T::decode(collection, &row?)))
            }
            Source::Loaded(records) => records.poll_next_unpin(cx),
        }
    }
}

impl Stream for JsonStream {
    type Item = Result<Vec<u8>>;

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Self::Item>> {
        let row = task::ready!(self.get_mut().rows.poll_next_unpin(cx));
        task::Poll::Ready(row.map(|row| row.map(|it| it.body)))
    }
}

impl<T> fmt::Debug for DocumentStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentStream")
    }
}

impl fmt::Debug for JsonStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStream")
    }
}
