//! The document trait: what `#[derive(Document)]` gives a struct.

use den_backend::{CollectionMeta, Error, ErrorKind, RawDocument, Result};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Base, Executor, Id, IntoId, QuerySet, encode, fields::schema::Schema, write};

/// A struct that is stored as a JSON document; derived.
///
/// # Behavior
///
/// - Every call takes `&db` or, in a transaction, `&tx`.
/// - A failed or rolled-back write leaves the document's id, times and revision as they were.
/// - The type must be [registered](crate::Db::register) first, else calls fail with
///   `NotRegistered`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a den document",
    label = "not a document",
    note = "derive `Document`, `serde::Serialize` and `serde::Deserialize` for `{Self}`"
)]
pub trait Document: Serialize + DeserializeOwned + Send + Sync + Sized + 'static {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// Whether each write changes the revision and refuses a stale one.
    const REVISION: bool;

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
        async move { write::insert(&handle, self).await }
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
        async move { write::update(&handle, self).await }
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
        async move { write::save(&handle, self).await }
    }

    /// Stores this document in place of the one with its id, whatever its revision (HTTP `PUT`):
    /// the creation time is kept, the revision and update time are new.
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
        async move { write::replace(&handle, self).await }
    }

    /// Deletes the stored document.
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
        async move { write::delete(&handle, self).await }
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
        async move {
            self.base_mut().settle();
            let found = write::get(&handle, self.id()).await?;
            let found = found.ok_or_else(|| not_found::<Self>(self.id().as_str()))?;
            let before = self.base().is_pending().then(|| self.base().snapshot());
            *self = found;
            if let Some(before) = before {
                // What was read may be what the open transaction wrote.
                self.base_mut()
                    .mark_written(handle.scope().as_ref(), before);
            }
            Ok(())
        }
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
        async move { write::delete_all(&handle, documents).await }
    }
}

/// What the contract needs to know of a document type.
pub(crate) fn schema_of<D: Document>() -> CollectionMeta {
    let mut schema = Schema::default();
    D::describe(&mut schema);
    schema.into_meta(D::COLLECTION)
}

pub(crate) fn decode<D: Document>(raw: &RawDocument) -> Result<D> {
    let mut document: D = encode::decode(D::COLLECTION, &raw.id, &raw.body)?;
    document.base_mut().mark_stored();
    Ok(document)
}

pub(crate) fn not_found<D: Document>(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "no such document")
        .with_collection(D::COLLECTION)
        .with_id(id)
}
