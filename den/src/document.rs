//! The document trait: what `#[derive(Document)]` gives a struct.

use den_backend::{CollectionMeta, RawDocument, Result};
use futures_util::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Base, BulkMode, DeleteOptions, Executor, GetOrCreate, HookContext, Id, IntoId, Outcome,
    QuerySet, SaveOptions, SoftDelete, Tracked, Update, Upsert, encode,
    fields::schema::Schema,
    hooks::Hook,
    links::{self, Holds},
    query::{Declared, by_id, update_parts::One},
    write::{self, Intent, not_found},
};

/// A struct that is stored as a JSON document; derived.
///
/// # Behavior
///
/// - Every call takes `&db` or, in a transaction, `&tx`.
/// - A failed or rolled-back write leaves the document's id, times and revision as they were. Only
///   where nobody knows whether an insert happened (`CommitUnknown`, `ConnectionLost`, a dropped
///   future), a generated id is kept: another try is then `Duplicate` instead of a second document.
/// - The type must be [registered](crate::Db::register) first, else calls fail with
///   `NotRegistered`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a den document",
    label = "not a document",
    note = "derive `Document`, `serde::Serialize` and `serde::Deserialize` for `{Self}`"
)]
pub trait Document: Holds + Serialize + DeserializeOwned + Send + Sync + Sized + 'static {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// Whether each write changes the revision and refuses a stale one.
    const REVISION: bool;

    /// Whether hooks run; see [`Hooks`](crate::Hooks).
    #[doc(hidden)]
    const HOOKS: bool = false;

    /// Whether there are declared rules to check; see `#[den(validate)]`.
    #[doc(hidden)]
    const VALIDATED: bool = false;

    /// Whether documents are marked as deleted; see [`SoftDelete`].
    #[doc(hidden)]
    const SOFT_DELETE: bool = false;

    /// Whether the document remembers what is stored; see [`Tracked`].
    #[doc(hidden)]
    const TRACKED: bool = false;

    /// The struct of field handles.
    #[doc(hidden)]
    type Fields: 'static;

    /// The field handles.
    #[doc(hidden)]
    fn __fields() -> &'static Self::Fields;

    /// Runs a hook.
    #[doc(hidden)]
    fn __run_hook<'a>(
        &'a mut self,
        _hook: Hook,
        _cx: &'a HookContext,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// A copy to go back to, where hooks may change the document.
    #[doc(hidden)]
    fn __backup(&self) -> Option<Self> {
        None
    }

    /// Checks the declared rules.
    #[doc(hidden)]
    fn __validate(&self) -> Result<()> {
        Ok(())
    }

    /// The mark of deletion.
    #[doc(hidden)]
    fn __deletion(&self) -> Option<&SoftDelete> {
        None
    }

    /// The mark of deletion.
    #[doc(hidden)]
    fn __deletion_mut(&mut self) -> Option<&mut SoftDelete> {
        None
    }

    /// What is remembered of the stored document.
    #[doc(hidden)]
    fn __tracked(&self) -> Option<&Tracked> {
        None
    }

    /// What is remembered of the stored document.
    #[doc(hidden)]
    fn __tracked_mut(&mut self) -> Option<&mut Tracked> {
        None
    }

    /// The id, times and revision.
    fn base(&self) -> &Base<Self>;

    /// The id, times and revision, to change.
    fn base_mut(&mut self) -> &mut Base<Self>;

    /// Tells the schema about the fields and indexes.
    #[doc(hidden)]
    fn describe(schema: &mut Schema);

    /// The id; empty until the first insert.
    fn id(&self) -> &Id<Self> {
        self.base().current_id()
    }

    /// Starts a query over all documents of this type.
    fn query(executor: &(impl Executor + ?Sized)) -> QuerySet<Self> {
        QuerySet::of_document(executor.__handle())
    }

    /// Returns the document with this id, if there is one.
    ///
    /// # Errors
    ///
    /// `Corrupt` if what is stored does not read as this type.
    fn get(
        executor: &(impl Executor + ?Sized),
        id: impl IntoId<Self>,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        let (handle, id) = (executor.__handle(), id.into_id());
        async move { write::get(&handle, &id).await }
    }

    /// Returns the document with this id.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none; else as [`get`](Self::get).
    fn find(
        executor: &(impl Executor + ?Sized),
        id: impl IntoId<Self>,
    ) -> impl Future<Output = Result<Self>> + Send {
        let (handle, id) = (executor.__handle(), id.into_id());
        async move {
            let found = write::get(&handle, &id).await?;
            found.ok_or_else(|| not_found::<Self>(id.as_str()))
        }
    }

    /// Returns the documents with these ids, in the order of the ids; missing ones are left out,
    /// and an id given twice is answered once.
    ///
    /// # Errors
    ///
    /// `Corrupt` if what is stored does not read as this type.
    fn get_many<I: IntoId<Self>>(
        executor: &(impl Executor + ?Sized),
        ids: impl IntoIterator<Item = I>,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send {
        let handle = executor.__handle();
        let ids: Vec<Id<Self>> = ids.into_iter().map(IntoId::into_id).collect();
        async move { write::get_many(&handle, &ids).await }
    }

    /// Stores a new document: gives it an id unless it has one, its times, and its revision.
    ///
    /// # Errors
    ///
    /// - `Duplicate` if the id, or a value under a unique index, is taken.
    /// - `InvalidDocument` for what JSON cannot hold exactly: NaN, text with NUL, a `u64` above
    ///   `i64::MAX`.
    fn insert(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Insert, SaveOptions::new()).await }
    }

    /// Inserts the document with options, such as saving the documents in its links first.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    fn insert_with(
        &mut self,
        executor: &(impl Executor + ?Sized),
        options: SaveOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Insert, options).await }
    }

    /// Replaces the stored document with this one, times of creation included.
    ///
    /// # Errors
    ///
    /// - `NotFound` if it is not stored (any more).
    /// - `RevisionConflict`, on types with a revision, if someone else has changed it since it was
    ///   loaded.
    /// - `Duplicate` and `InvalidDocument` as [`insert`](Self::insert).
    fn update(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Update, SaveOptions::new()).await }
    }

    /// Updates the document with options, such as saving the documents in its links first.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    fn update_with(
        &mut self,
        executor: &(impl Executor + ?Sized),
        options: SaveOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Update, options).await }
    }

    /// Inserts the document if it is new, or updates it if it was loaded or saved before. It
    /// never brings back a document that someone has deleted: that is `NotFound`.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert) or [`update`](Self::update).
    fn save(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Save, SaveOptions::new()).await }
    }

    /// Saves the document with options, such as saving the documents in its links first.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    fn save_with(
        &mut self,
        executor: &(impl Executor + ?Sized),
        options: SaveOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Save, options).await }
    }

    /// Changes the stored document with this id where it lies: see
    /// [`QuerySet::update_one`](crate::QuerySet::update_one).
    ///
    /// # Behavior
    ///
    /// - One that is marked as deleted is not found.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none; else as [`QuerySet::update`](crate::QuerySet::update).
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, sold: i64 }
    /// async fn sell(db: &Db, id: &Id<Product>) -> den::Result<i64> {
    ///     let p = Product::fields();
    ///     let product = Product::update_by_id(db, id).inc(p.sold, 1).returning().await?;
    ///     Ok(product.sold)
    /// }
    /// ```
    fn update_by_id(
        executor: &(impl Executor + ?Sized),
        id: impl IntoId<Self>,
    ) -> Update<Self, One<Self>> {
        by_id(executor.__handle(), id)
    }

    /// Stores this document in place of the one with its id, whatever its revision (HTTP `PUT`):
    /// the creation time is kept, and so is whether it is [marked](SoftDelete) as deleted; the
    /// revision and update time are new.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none with this id; else as [`update`](Self::update), but never
    /// `RevisionConflict`.
    fn replace(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::put_one(&handle, self, Intent::Replace, SaveOptions::new()).await }
    }

    /// Deletes the stored document; one with [`SoftDelete`] is marked as deleted.
    ///
    /// # Errors
    ///
    /// - `NotFound` if it is not stored (any more).
    /// - `RevisionConflict`, on types with a revision, if someone else has changed it since it was
    ///   loaded.
    fn delete(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::delete(&handle, self, DeleteOptions::new()).await }
    }

    /// Deletes the stored document with options: for good, by whom and why, what happens to linked
    /// documents.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    fn delete_with(
        &mut self,
        executor: &(impl Executor + ?Sized),
        options: DeleteOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::delete(&handle, self, options).await }
    }

    /// Takes the mark of deletion away; for types with [`SoftDelete`].
    ///
    /// # Behavior
    ///
    /// - Neither rules nor hooks run. The revision is new, the update time stays.
    ///
    /// # Errors
    ///
    /// - `NotFound` if it is not stored (any more), or not marked as deleted.
    /// - `Duplicate` if another document has taken a value under a unique index.
    /// - `RevisionConflict` as [`update`](Self::update).
    /// - `InvalidQuery` on a type without `SoftDelete`.
    fn restore(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::restore(&handle, self).await }
    }

    /// Loads the document again, replacing every field.
    ///
    /// # Errors
    ///
    /// `NotFound` if it is not stored (any more).
    fn refresh(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::refresh(&handle, self).await }
    }

    /// Loads all links of the document, and none of the documents they point to: one call of the
    /// database per target type. What is loaded already is kept.
    ///
    /// # Errors
    ///
    /// `DanglingLink`, naming collection and id, for a link to a document that is not there.
    fn fetch_links(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { links::fetch_links_of(&handle, std::slice::from_mut(self)).await }
    }

    /// Inserts several documents: all, or none if one is refused.
    ///
    /// # Behavior
    ///
    /// - Of several documents with one id, the last is stored.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), naming the document's place in the list.
    fn insert_many(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::insert_many(&handle, documents).await }
    }

    /// Inserts a document, or does something about the one that is in its way.
    ///
    /// # Behavior
    ///
    /// - Say what would be in the way, [`on`](crate::Upsert::on) the fields of a unique index or
    ///   [`on_id`](crate::Upsert::on_id), and then what to do about it:
    ///   [`update`](crate::UpsertOn::update), [`ignore`](crate::UpsertOn::ignore) or
    ///   [`replace`](crate::UpsertOn::replace).
    /// - Of many callers at once, one inserts and the others find it in the way.
    /// - One statement on types without hooks, rules and attachments; on others a transaction with
    ///   all that belongs to an insert or an update.
    /// - A document that lies outside of the index, because a field is null or it is marked as
    ///   deleted, has nothing in its way, and is in nobody's.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` where no unique index is over these fields.
    /// - `Duplicate` for a value that is taken under another unique index.
    /// - Else as [`insert`](Self::insert) and [`QuerySet::update`](crate::QuerySet::update).
    fn upsert(executor: &(impl Executor + ?Sized), document: Self) -> Upsert<Self> {
        Upsert::new(executor.__handle(), document)
    }

    /// Returns the stored document with the same values in the fields of a unique index, or inserts
    /// this one.
    ///
    /// # Behavior
    ///
    /// - A hit writes nothing: it is one read, and no hook of a write runs.
    /// - Of many callers at once, one inserts and all get the document.
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert).
    fn get_or_create(executor: &(impl Executor + ?Sized), document: Self) -> GetOrCreate<Self> {
        GetOrCreate::new(executor.__handle(), document)
    }

    /// Inserts several documents, and says what became of each, in their order.
    ///
    /// # Behavior
    ///
    /// - The mode says what becomes of one whose id is stored already: for imports.
    /// - One statement, on types without hooks and attachments; with
    ///   [`OverwriteIfRevision`](BulkMode::OverwriteIfRevision) at most two.
    /// - Of several documents with one id, the last is stored. A document in memory is only changed
    ///   if it was written.
    ///
    /// # Errors
    ///
    /// - As [`insert_many`](Self::insert_many), and nothing is written then: for a broken rule and a
    ///   value that is taken under a unique index in every mode, for a taken id with
    ///   [`Fail`](BulkMode::Fail).
    /// - `InvalidQuery` for `OverwriteIfRevision` on a type without a revision.
    ///
    /// ```
    /// # use den::{BulkMode, Outcome, prelude::*};
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// let mut products = vec![Product { name: "Widget".into(), ..Default::default() }];
    /// Product::insert_many(&db, &mut products).await?;
    /// products.push(Product { name: "Gadget".into(), ..Default::default() });
    /// let outcomes = Product::insert_many_with(&db, &mut products, BulkMode::SkipExisting).await?;
    /// assert!(!outcomes[0].is_written());
    /// assert_eq!(outcomes[1], Outcome::Inserted);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    fn insert_many_with(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
        mode: BulkMode,
    ) -> impl Future<Output = Result<Vec<Outcome>>> + Send {
        let handle = executor.__handle();
        async move { write::bulk(&handle, documents, Intent::Insert, mode).await }
    }

    /// Saves several documents, new and stored ones mixed, and says what became of each, in their
    /// order; else as [`insert_many_with`](Self::insert_many_with).
    ///
    /// # Errors
    ///
    /// As [`insert_many_with`](Self::insert_many_with).
    fn save_all_with(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
        mode: BulkMode,
    ) -> impl Future<Output = Result<Vec<Outcome>>> + Send {
        let handle = executor.__handle();
        async move { write::bulk(&handle, documents, Intent::Save, mode).await }
    }

    /// Inserts several documents, each in place of the stored one with its id if there is one, and
    /// says what became of each: [`insert_many_with`](Self::insert_many_with) with
    /// [`Overwrite`](BulkMode::Overwrite), which brings back one that is marked as deleted.
    ///
    /// # Errors
    ///
    /// As [`insert_many_with`](Self::insert_many_with).
    fn upsert_many(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
    ) -> impl Future<Output = Result<Vec<Outcome>>> + Send {
        let handle = executor.__handle();
        async move { write::bulk(&handle, documents, Intent::Insert, BulkMode::Overwrite).await }
    }

    /// Saves several documents, new and stored ones mixed: all, or none if one is refused.
    ///
    /// # Behavior
    ///
    /// - Of several documents with one id, the last is stored.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), naming the document's place in the list.
    fn save_all(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::save_all(&handle, documents).await }
    }

    /// Deletes several documents: all, or none if one is refused.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete), naming the document's place in the list.
    fn delete_all(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::delete_all(&handle, documents, DeleteOptions::new()).await }
    }

    /// Deletes several documents with options: all, or none if one is refused.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete), naming the document's place in the list.
    fn delete_all_with(
        executor: &(impl Executor + ?Sized),
        documents: &mut [Self],
        options: DeleteOptions,
    ) -> impl Future<Output = Result<()>> + Send {
        let handle = executor.__handle();
        async move { write::delete_all(&handle, documents, options).await }
    }
}

/// What the contract needs to know of a document type.
pub(crate) fn schema_of<D: Document>() -> CollectionMeta {
    let mut schema = Schema::default();
    D::describe(&mut schema);
    schema.into_meta(D::COLLECTION)
}

/// The fields that a document type declares.
pub(crate) fn declared_of<D: Document>() -> Declared {
    let mut schema = Schema::default();
    D::describe(&mut schema);
    let mut declared = schema.into_declared(D::REVISION);
    declared.read = Some(|raw| decode::<D>(raw).map(drop));
    declared
}

pub(crate) fn decode<D: Document>(raw: &RawDocument) -> Result<D> {
    let mut document: D = decode_body(&raw.id, &raw.body)?;
    if let Some(it) = document.__tracked_mut() {
        it.remember(None, &raw.body);
    }
    Ok(document)
}

/// As `decode`, without remembering what is stored.
pub(crate) fn decode_body<D: Document>(id: &str, body: &[u8]) -> Result<D> {
    let mut document: D = encode::decode(D::COLLECTION, id, body)?;
    document.base_mut().mark_stored();
    if let Some(it) = document.__deletion_mut() {
        it.mark_loaded();
    }
    Ok(document)
}
