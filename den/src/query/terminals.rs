//! What can be asked of a query.

use den_backend::{
    Capability, Error, ErrorKind, Explain, ExplainMode, Expr, Query, RawDocument, Result, Root,
    Select,
};
use futures_util::TryStreamExt;

use super::selection::{Columns, Selection, Values};
use crate::{
    Document, Id, Isolation, QuerySet, Record, TxOptions, encode,
    executor::{Handle, Session},
    raw::named_in,
};

impl<T: Record> QuerySet<T> {
    /// Returns all documents.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a mistake made while building, `Unsupported` for what the backend
    ///   cannot do.
    /// - `Corrupt` for the first document that does not read as `T`; [`stream`](Self::stream)
    ///   reaches the others.
    pub async fn all(self) -> Result<Vec<T>> {
        let query = self.checked()?;
        self.fetch(&query).await
    }

    /// Returns the first document, if there is one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn first(self) -> Result<Option<T>> {
        let mut query = self.checked()?;
        query.limit = Some(1);
        Ok(self.fetch(&query).await?.pop())
    }

    /// Returns the only document.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none, `MultipleMatches` if there are several.
    /// - Else as [`all`](Self::all).
    pub async fn one(self) -> Result<T> {
        let mut query = self.checked()?;
        query.limit = Some(query.limit.map_or(2, |it| it.min(2)));
        let mut found = self.rows_of(&query).await?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => {
                let mut only = [only];
                self.finish(&mut only).await?;
                let [only] = only;
                Ok(only)
            }
            (None, _) => Err(Error::new(ErrorKind::NotFound, "no document matches")
                .with_collection(query.collection)),
            (Some(_), Some(_)) => Err(Error::new(
                ErrorKind::MultipleMatches,
                "several documents match where one was asked for",
            )
            .with_collection(query.collection)),
        }
    }

    /// Returns the number of documents that pass the filter; sort, limit and skip do not matter.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn count(self) -> Result<u64> {
        let query = without_window(self.checked_as(self.counted())?);
        let count = self.handle.read().await?.get().count(&query).await;
        count.map_err(named_in(&query))
    }

    /// Whether a document passes the filter; sort, limit and skip do not matter.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn exists(self) -> Result<bool> {
        let query = without_window(self.checked_as(self.counted())?);
        let exists = self.handle.read().await?.get().exists(&query).await;
        exists.map_err(named_in(&query))
    }

    /// Returns the documents, and the number of documents without limit and skip, from one
    /// snapshot.
    ///
    /// # Behavior
    ///
    /// - Outside of a transaction it runs in one of its own, read-only and repeatable. Inside, it
    ///   is as consistent as that transaction.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all); `Unsupported` on a backend without such transactions.
    pub async fn all_with_count(self) -> Result<(Vec<T>, u64)> {
        let query = self.checked()?;
        let counted = without_window(query.clone());
        if self.handle.is_transaction() {
            let total = self.handle.read().await?.get().count(&counted).await?;
            return Ok((self.fetch(&query).await?, total));
        }
        let db = self.handle.db();
        db.require(Capability::Transactions)?;
        let options = TxOptions::new()
            .isolation(Isolation::RepeatableRead)
            .read_only();
        let tx = db.begin_with(options).await?;
        let mut within = self;
        within.handle = Handle::Tx(tx.clone());
        let total = tx.session().await?.count(&counted).await?;
        let rows = within.fetch(&query).await?;
        drop(within);
        tx.commit().await?;
        Ok((rows, total))
    }

    /// Returns one value of each document: a field, or a computed value; `Option` for one that may
    /// be null. [`select`](Self::select) returns several.
    ///
    /// # Errors
    ///
    /// - `Corrupt` for a value that does not read as its type; so is a document that lacks a
    ///   required field, also where `#[serde(default)]` would fill it in for whole documents.
    /// - Else as [`all`](Self::all).
    pub async fn values<S: Selection<T>>(self, value: S) -> Result<Vec<S::Row>> {
        let columns = Columns::of(value);
        let path = match columns.exprs()?.as_slice() {
            [Expr::Field(field)] if field.root == Root::Document => field.path.clone(),
            _ => return self.select_columns::<S>(columns).all().await,
        };
        let query = self.checked_as(Select::Value(path))?;
        let session = self.session(&query).await?;
        let decode = |raw: &RawDocument| {
            let value: crate::Json = encode::decode(&query.collection, &raw.id, &raw.body)?;
            let (collection, id) = (&query.collection, Some(raw.id.as_str()));
            S::read(&mut Values::new(&columns, vec![value], collection, id))
        };
        collect(&session, &query, decode).await
    }

    /// Returns the different values of a field or computed value, or of a tuple of several, in their
    /// order. [`distinct_by`](Self::distinct_by) returns documents.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, category: Option<String> }
    /// async fn categories(db: &Db) -> den::Result<Vec<Option<String>>> {
    ///     Product::query(db).distinct(Product::fields().category).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Selected::distinct`](crate::Selected::distinct).
    pub async fn distinct<S: Selection<T>>(self, values: S) -> Result<Vec<S::Row>> {
        self.select(values).distinct().all().await
    }

    /// Deletes the documents, limit and skip included, and returns how many. Those of a type with
    /// [`SoftDelete`](crate::SoftDelete) are marked as deleted.
    ///
    /// # Behavior
    ///
    /// - One statement, whatever the revisions; on a type with hooks or attachments, and where
    ///   linked documents are concerned, document by document in one transaction.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` without a filter, unless [`all_rows`](Self::all_rows) was said.
    /// - Else as [`all`](Self::all), and what hooks and rules refuse.
    pub async fn delete(self) -> Result<u64> {
        T::delete(self).await
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

    /// What to ask for where rows are counted: elements need a selection.
    fn counted(&self) -> Select {
        match self.unwinds() {
            true => Select::Values(vec![Expr::Value(true.into())]),
            false => Select::Document,
        }
    }

    async fn explained(self, mode: ExplainMode) -> Result<Explain> {
        let query = self.checked()?;
        self.handle.db().require(Capability::Explain)?;
        let session = self.handle.read().await?;
        session.get().explain(&query, mode).await
    }

    /// The documents of the query, ready for the application.
    async fn fetch(&self, query: &Query) -> Result<Vec<T>> {
        let mut found = self.rows_of(query).await?;
        self.finish(&mut found).await?;
        Ok(found)
    }

    pub(super) async fn finish(&self, records: &mut [T]) -> Result<()> {
        if !T::NEEDS_LOADING {
            return Ok(());
        }
        T::finish(&self.handle, records, &self.links).await
    }

    async fn rows_of(&self, query: &Query) -> Result<Vec<T>> {
        let session = self.session(query).await?;
        collect(&session, query, |raw| T::decode(&query.collection, raw)).await
    }

    pub(super) async fn session(&self, query: &Query) -> Result<Session> {
        // Locking rows is a write as far as waiting for other transactions goes.
        if query.lock.is_some() {
            return self.handle.write().await;
        }
        self.handle.read().await
    }
}

impl<D: Document> QuerySet<D> {
    /// Returns the ids of the documents.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn ids(self) -> Result<Vec<Id<D>>> {
        let mut query = self.checked()?;
        query.select = Select::Id;
        let session = self.session(&query).await?;
        collect(&session, &query, |raw| Ok(Id::new(raw.id.as_str()))).await
    }
}

impl QuerySet<crate::Json> {
    /// Returns the ids of the documents.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn ids(self) -> Result<Vec<String>> {
        let mut query = self.checked()?;
        query.select = Select::Id;
        let session = self.session(&query).await?;
        collect(&session, &query, |raw| Ok(raw.id.clone())).await
    }

    /// Returns the value at a path of each document, `null` where there is none.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn values_at(self, path: impl crate::IntoFieldPath) -> Result<Vec<crate::Json>> {
        let path = path.into_field_path()?;
        let mut query = self.checked()?;
        query.select = Select::Value(path);
        let session = self.session(&query).await?;
        let decode = |raw: &RawDocument| encode::decode(&query.collection, &raw.id, &raw.body);
        collect(&session, &query, decode).await
    }
}

async fn collect<V>(
    session: &Session,
    query: &Query,
    decode: impl Fn(&RawDocument) -> Result<V>,
) -> Result<Vec<V>> {
    let rows = session.get().query(query).await;
    let mut rows = rows.map_err(named_in(query))?;
    let mut values = Vec::new();
    while let Some(raw) = rows.try_next().await.map_err(named_in(query))? {
        values.push(decode(&raw)?);
    }
    Ok(values)
}

fn without_window(mut query: Query) -> Query {
    query.sort.clear();
    query.seek = None;
    query.skip = 0;
    query.limit = None;
    query.lock = None;
    query
}
