//! Documents without a type, by collection name.

use den_backend::{
    DeleteOutcome, Error, ErrorKind, Expectation, Put, PutOutcome, RawDocument, Refusal, Result,
    check::check_collection,
};

use crate::{
    Executor, Id, Json, QuerySet, encode,
    executor::Handle,
    id::is_storable,
    write::{new_revision, refusal_error},
};

/// A collection by name: documents as [`Json`], for tools and migrations.
///
/// # Behavior
///
/// - The collection must exist: it was registered once, by this process or another.
/// - `_id`, `_created_at` and `_updated_at` are filled in on writes; `_rev` is changed where the
///   stored document has one.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # #[den(collection = "products")]
/// # struct Product { #[serde(flatten)] base: Base<Product> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// let products = db.collection("products");
/// let id = products.insert(serde_json::json!({ "address": { "city": "Oslo" } })).await?;
/// let in_oslo = products.query().filter(field("address.city").eq("Oslo")).count().await?;
/// assert_eq!(in_oslo, 1);
/// products.delete(&id).await?;
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Collection {
    handle: Handle,
    name: String,
}

impl Collection {
    pub(crate) fn new(executor: &impl Executor, name: String) -> Self {
        Self {
            handle: executor.__handle(),
            name,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts a query over all documents.
    pub fn query(&self) -> QuerySet<Json> {
        QuerySet::of_collection(self.handle.clone(), self.name.clone())
    }

    /// Returns the document with this id, if there is one.
    ///
    /// # Errors
    ///
    /// `NotRegistered` if there is no such collection.
    pub async fn get(&self, id: impl AsRef<str>) -> Result<Option<Json>> {
        check_collection(&self.name)?;
        let id = id.as_ref();
        if !is_storable(id) {
            return Ok(None);
        }
        let session = self.handle.read().await?;
        let found = session.get().get(&self.name, id).await?;
        found.map(|raw| self.decode(&raw)).transpose()
    }

    /// Stores a new document and returns its id, generated unless the document has an `_id`.
    ///
    /// # Errors
    ///
    /// - `Duplicate` if the id, or a value under a unique index, is taken.
    /// - `InvalidDocument` for anything but an object, and for what JSON cannot hold exactly.
    pub async fn insert(&self, mut document: Json) -> Result<String> {
        let map = object(&mut document)?;
        let id = match map.get("_id") {
            None | Some(Json::Null) => Id::<()>::generate().into_string(),
            Some(Json::String(id)) if !id.is_empty() && is_storable(id) => id.clone(),
            Some(_) => {
                return Err(invalid(
                    "the `_id` of a document is text, not empty and without control characters",
                ));
            }
        };
        let now = Json::String(self.handle.db().now().to_string());
        map.insert("_id".to_owned(), id.clone().into());
        map.entry("_created_at").or_insert_with(|| now.clone());
        map.entry("_updated_at").or_insert(now);
        let outcome = self.put(&id, &document, Expectation::Absent).await?;
        self.accept(outcome, &id)?;
        Ok(id)
    }

    /// Stores a document in place of the one with its `_id` (HTTP `PUT`).
    ///
    /// # Behavior
    ///
    /// - The time of creation is kept from the stored document, the time of update is new. Where the
    ///   stored document has a revision, a new one is written.
    /// - If the given document has a `_rev`, the stored one must have the same.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none with this id, `RevisionConflict` if it has another revision.
    /// - `Duplicate` and `InvalidDocument` as [`insert`](Self::insert).
    pub async fn replace(&self, mut document: Json) -> Result<()> {
        let map = object(&mut document)?;
        let Some(Json::String(id)) = map.get("_id").cloned() else {
            return Err(invalid("a document to be replaced needs its `_id`"));
        };
        let expected = map.get("_rev").and_then(Json::as_str).map(str::to_owned);
        loop {
            let Some(stored) = self.get(&id).await? else {
                return Err(refusal_error(&self.name, Refusal::Missing, &id));
            };
            let rev = stored.get("_rev").and_then(Json::as_str);
            if expected.is_some() && expected.as_deref() != rev {
                return Err(refusal_error(&self.name, Refusal::OtherRevision, &id));
            }
            let map = object(&mut document)?;
            keep(map, "_created_at", stored.get("_created_at").cloned());
            let now = Json::String(self.handle.db().now().to_string());
            keep(map, "_updated_at", Some(now));
            keep(map, "_rev", rev.map(|_| new_revision().into()));
            let expect = match rev {
                Some(rev) => Expectation::Revision(Some(rev)),
                None => Expectation::Present,
            };
            match self.put(&id, &document, expect).await? {
                // Someone else was faster, and the caller did not ask for a revision.
                PutOutcome::Refused(Refusal::OtherRevision) if expected.is_none() => {}
                outcome @ (PutOutcome::Inserted | PutOutcome::Updated | PutOutcome::Refused(_)) => {
                    return self.accept(outcome, &id);
                }
            }
        }
    }

    /// Deletes the document with this id.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none.
    pub async fn delete(&self, id: impl AsRef<str>) -> Result<()> {
        check_collection(&self.name)?;
        let id = id.as_ref();
        if !is_storable(id) {
            return Err(refusal_error(&self.name, Refusal::Missing, id));
        }
        let session = self.handle.write().await?;
        let outcome = session
            .get()
            .delete(&self.name, id, Expectation::Present)
            .await?;
        match outcome {
            DeleteOutcome::Deleted => Ok(()),
            DeleteOutcome::Refused(refusal) => Err(refusal_error(&self.name, refusal, id)),
        }
    }

    async fn put(&self, id: &str, document: &Json, expect: Expectation<'_>) -> Result<PutOutcome> {
        check_collection(&self.name)?;
        let body = encode::document(document)
            .map_err(|it| it.with_collection(self.name.as_str()).with_id(id))?;
        let session = self.handle.write().await?;
        let put = Put {
            id,
            body: &body,
            expect,
        };
        session.get().put(&self.name, put).await
    }

    fn accept(&self, outcome: PutOutcome, id: &str) -> Result<()> {
        match outcome {
            PutOutcome::Inserted | PutOutcome::Updated => Ok(()),
            PutOutcome::Refused(refusal) => Err(refusal_error(&self.name, refusal, id)),
        }
    }

    fn decode(&self, raw: &RawDocument) -> Result<Json> {
        encode::decode(&self.name, &raw.id, &raw.body)
    }
}

/// Sets a field that den owns, or takes it away.
fn keep(map: &mut serde_json::Map<String, Json>, key: &str, value: Option<Json>) {
    match value {
        Some(value) => map.insert(key.to_owned(), value),
        None => map.remove(key),
    };
}

fn object(document: &mut Json) -> Result<&mut serde_json::Map<String, Json>> {
    document
        .as_object_mut()
        .ok_or_else(|| invalid("a document is a JSON object"))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidDocument, message)
}
