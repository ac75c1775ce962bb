//! Documents without a type, by collection name.

use den_backend::{DeleteOutcome, Error, ErrorKind, Expectation, Put, PutOutcome, Result};

use crate::{
    Executor, Id, Json, QuerySet, Timestamp, encode,
    executor::Handle,
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
        let session = self.handle.read().await?;
        let found = session.get().get(&self.name, id.as_ref()).await?;
        found
            .map(|raw| encode::decode(&self.name, &raw.id, &raw.body))
            .transpose()
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
            Some(Json::String(id)) if !id.is_empty() => id.clone(),
            Some(_) => return Err(invalid("the `_id` of a document is text that is not empty")),
        };
        let now = Json::String(Timestamp::now().to_string());
        map.insert("_id".to_owned(), id.clone().into());
        map.entry("_created_at").or_insert_with(|| now.clone());
        map.entry("_updated_at").or_insert(now);
        self.put(&id, &document, Expectation::Absent).await?;
        Ok(id)
    }

    /// Stores a document in place of the one with its `_id`.
    ///
    /// # Behavior
    ///
    /// - If the document has a `_rev`, the stored one must have the same; a new one is written.
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
        let now = Json::String(Timestamp::now().to_string());
        map.insert("_updated_at".to_owned(), now);
        let rev = match map.get("_rev") {
            Some(Json::String(rev)) => Some(rev.clone()),
            Some(_) | None => None,
        };
        let expect = match &rev {
            Some(rev) => Expectation::Revision(Some(rev)),
            None => Expectation::Present,
        };
        if rev.is_some() {
            map.insert("_rev".to_owned(), new_revision().into());
        }
        self.put(&id, &document, expect).await
    }

    /// Deletes the document with this id.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none.
    pub async fn delete(&self, id: impl AsRef<str>) -> Result<()> {
        let id = id.as_ref();
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

    async fn put(&self, id: &str, document: &Json, expect: Expectation<'_>) -> Result<()> {
        let body = encode::document(document)
            .map_err(|it| it.with_collection(self.name.as_str()).with_id(id))?;
        let session = self.handle.write().await?;
        let put = Put {
            id,
            body: &body,
            expect,
        };
        match session.get().put(&self.name, put).await? {
            PutOutcome::Inserted | PutOutcome::Updated => Ok(()),
            PutOutcome::Refused(refusal) => Err(refusal_error(&self.name, refusal, id)),
        }
    }
}

fn object(document: &mut Json) -> Result<&mut serde_json::Map<String, Json>> {
    document
        .as_object_mut()
        .ok_or_else(|| invalid("a document is a JSON object"))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidDocument, message)
}
