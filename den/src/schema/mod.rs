//! Making the database fit the types: what would be done, doing it, checking it, and changes by hand.
//!
//! ```
//! use den::{constraint, prelude::*, schema::DryRun};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
//! #[den(collection = "products")]
//! struct Product {
//!     #[serde(flatten)]
//!     base: Base<Product>,
//!     #[den(unique)]
//!     sku: String,
//!     #[den(index)]
//!     price: f64,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // At deployment: look at what would be done, then do it.
//! let db = Db::builder().url("sqlite://:memory:").types::<(Product,)>().open().await?;
//! let plan = db.schema().plan().await?;
//! print!("{plan}"); // create the collection `products` ..
//! db.schema().apply().await?;
//! db.schema().drop_stale(DryRun::No).await?;
//!
//! // Rules that the database keeps, whoever writes.
//! let p = Product::fields();
//! let positive = constraint::check(p.price.ge(0.0)).named("price_is_positive");
//! db.schema().create_constraint("products", positive).if_not_exists().await?;
//!
//! // At the start of each process that serves: fail early where something is missing.
//! db.schema().check().await?;
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

mod alter;
pub mod constraint;
mod index;
mod plan;
mod stale;

use den_backend::{Error, ErrorKind, Result, SchemaChange};

use crate::{Db, Documents};

pub use den_backend::{
    ConstraintKind, ConstraintMeta, ConstraintRule, IndexKind, IndexMeta, JsonType, PlannedAction,
    PlannedChange, RecordedIndex,
};

pub use self::{
    alter::{CreateConstraint, CreateIndex, DropConstraint, DropIndex},
    index::{IntoIndex, NewIndex, index},
    plan::Plan,
    stale::{DryRun, StaleIndexes},
};

/// The collections, indexes and constraints of a database; made by [`Db::schema`].
///
/// # Behavior
///
/// - The types of this handle are those that were [registered](Db::register) or
///   [declared](Db::declare) with it.
/// - Nothing here is part of a transaction. In a transaction closure, changes through `&db` are refused;
///   a [migration](crate::migrate) makes them in its transaction.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'a> {
    db: &'a Db,
}

impl Db {
    /// The collections, indexes and constraints of the database; see [`schema`](mod@crate::schema).
    pub fn schema(&self) -> Schema<'_> {
        Schema { db: self }
    }

    /// Lets this handle use these types without a look at the database, whose collections and indexes
    /// something else makes: [`Schema::apply`](crate::schema::Schema::apply), say, at deployment.
    ///
    /// # Behavior
    ///
    /// - A collection that is not there is `NotRegistered` when it is used;
    ///   [`Schema::check`](crate::schema::Schema::check) finds out beforehand.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register), as far as that can be said without the database.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # #[den(collection = "products")]
    /// # struct Product { #[serde(flatten)] base: Base<Product> }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let db = Db::open("sqlite://:memory:").await?;
    /// db.declare::<(Product,)>()?;
    /// assert!(db.schema().check().await.is_err());
    /// db.schema().apply().await?;
    /// assert_eq!(Product::query(&db).count().await?, 0);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn declare<D: Documents>(&self) -> Result<()> {
        D::declare(self)
    }
}

impl<'a> Schema<'a> {
    /// What [`apply`](Self::apply) would do. Nothing is changed.
    ///
    /// # Behavior
    ///
    /// - [Empty](Plan::is_empty) right after `apply`.
    /// - Indexes that no type declares are [listed apart](Plan::stale).
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn plan(self) -> Result<Plan> {
        plan::plan(self.db).await
    }

    /// Makes the collections and indexes of all types of this handle exist, as
    /// [`Db::register`] does, and returns what there was to do.
    ///
    /// # Behavior
    ///
    /// - Safe when many processes do it at once.
    /// - What is not declared is left alone.
    ///
    /// # Errors
    ///
    /// As [`Db::register`]. Collections that came before the failing one are done.
    pub async fn apply(self) -> Result<Plan> {
        self.db.refuse_inside_transaction()?;
        plan::apply(self.db).await
    }

    /// Makes sure that there is nothing to apply. Nothing is changed.
    ///
    /// # Errors
    ///
    /// `Migration`, listing every difference.
    pub async fn check(self) -> Result<()> {
        plan::check(self.db).await
    }

    /// Drops the indexes that den made and no type of this handle declares any more: in the collections of
    /// its types.
    ///
    /// # Behavior
    ///
    /// - Indexes of collections that no type of this handle has are kept, and listed as such: another
    ///   program may declare them. [`drop_index`](Self::drop_index) drops one.
    /// - An index that was made by [`create_index`](Self::create_index) or a migration, and that no type
    ///   declares, is dropped too: do a [dry run](DryRun::Yes) first.
    /// - What den did not make, and what backs a constraint, is never touched.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports; the indexes before the failing one are dropped.
    pub async fn drop_stale(self, dry_run: DryRun) -> Result<StaleIndexes> {
        self.db.refuse_inside_transaction()?;
        stale::drop_stale(self.db, dry_run).await
    }

    /// Lists the collections in the database, by name; without den's own.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn collections(self) -> Result<Vec<String>> {
        self.db.backend().collections().await
    }

    /// Lists the indexes that den made for a collection, by name; without those that back a constraint.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn indexes(self, collection: &str) -> Result<Vec<RecordedIndex>> {
        self.db.backend().list_recorded_indexes(collection).await
    }

    /// Lists the constraints of a collection, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a backend without constraints.
    pub async fn constraints(self, collection: &str) -> Result<Vec<ConstraintMeta>> {
        self.db.require(den_backend::Capability::Constraints)?;
        self.db.backend().constraints(collection).await
    }

    /// Gives a collection another name, with its documents, indexes and constraints.
    ///
    /// # Behavior
    ///
    /// - Indexes and constraints that have the name den gives by default get the one that is default in
    ///   the new collection, so that registering the type under its new name finds them.
    /// - Content that [attachments](crate::attachments) refer to is counted by collection:
    ///   count it anew afterwards.
    ///
    /// # Errors
    ///
    /// `NotRegistered` if there is no such collection, `Duplicate` if the new name is taken.
    pub async fn rename_collection(self, from: &str, to: &str) -> Result<()> {
        self.change(&SchemaChange::RenameCollection {
            from: from.to_owned(),
            to: to.to_owned(),
        })
        .await
    }

    /// Drops a collection with its documents, indexes and constraints; no error if there is none.
    ///
    /// # Behavior
    ///
    /// - No hooks run, links are not followed, and content that [attachments](crate::attachments) refer to
    ///   stays in the storage.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn drop_collection(self, name: &str) -> Result<()> {
        self.change(&SchemaChange::DropCollection(name.to_owned()))
            .await
    }

    /// Makes an index of a collection: an [`index`] of some fields, or an [`IndexMeta`].
    ///
    /// ```
    /// # use den::{prelude::*, schema};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.backend().ensure_collection(&den::CollectionMeta::new("products")).await?;
    /// let open = field("state").eq("open");
    /// let index = schema::index(["customer", "placed_at:DESC"]).filter::<Json>(open);
    /// let name = db.schema().create_index("products", index).await?;
    /// db.schema().drop_index("products", name).await?;
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn create_index(self, collection: &'a str, index: impl IntoIndex) -> CreateIndex<'a> {
        CreateIndex::new(self, collection, index)
    }

    /// Drops an index that den made.
    pub fn drop_index(self, collection: &'a str, name: impl Into<String>) -> DropIndex<'a> {
        DropIndex::new(self, collection, name.into())
    }

    /// Makes a [`constraint`] of a collection, once all its documents were found to keep it.
    ///
    /// ```
    /// # use den::{constraint, prelude::*, schema::JsonType};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.backend().ensure_collection(&den::CollectionMeta::new("products")).await?;
    /// let schema = db.schema();
    /// schema.create_constraint("products", constraint::unique(["sku"])).await?;
    /// let number = constraint::of_type("price", [JsonType::Number]);
    /// schema.create_constraint("products", number).if_not_exists().await?;
    ///
    /// let products = db.collection("products");
    /// let refused = products.insert(serde_json::json!({ "price": "cheap" })).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Validation);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn create_constraint(
        self,
        collection: &'a str,
        constraint: impl constraint::IntoConstraint,
    ) -> CreateConstraint<'a> {
        CreateConstraint::new(self, collection, constraint)
    }

    /// Drops a constraint.
    pub fn drop_constraint(
        self,
        collection: &'a str,
        name: impl Into<String>,
    ) -> DropConstraint<'a> {
        DropConstraint::new(self, collection, name.into())
    }

    /// Makes one change.
    async fn change(self, change: &SchemaChange) -> Result<()> {
        self.db.refuse_inside_transaction()?;
        change.check(self.db.capabilities(), false)?;
        self.db.backend().alter(change).await
    }
}

fn already_there(what: &str, name: &str, collection: &str) -> Error {
    let message = format!("there is {what} `{name}` already");
    Error::new(ErrorKind::Duplicate, message).with_collection(collection)
}
