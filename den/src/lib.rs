//! A document-store ORM: your serde structs, stored as JSON documents in SQLite or PostgreSQL, one
//! typed API, the same answer from both.
//!
//! ```
//! use den::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
//! #[den(collection = "products", index(fields("category", "price")))]
//! struct Product {
//!     #[serde(flatten)]
//!     base: Base<Product>,
//!     name: String,
//!     #[den(unique)]
//!     sku: String,
//!     #[den(index)]
//!     price: f64,
//!     category: Option<String>,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let db = Db::open("sqlite://:memory:").await?; // or "postgres://user:pw@host/shop"
//! db.register::<(Product,)>().await?;
//!
//! let mut widget = Product { name: "Widget".into(), sku: "w-1".into(), price: 9.99, ..Default::default() };
//! widget.save(&db).await?;
//!
//! let p = Product::fields();
//! let cheap = Product::query(&db)
//!     .filter(p.price.lt(20.0) & p.category.is_null())
//!     .sort(p.price.desc())
//!     .limit(20)
//!     .all()
//!     .await?;
//! assert_eq!(cheap.len(), 1);
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | open a database | [`Db`], [`DbBuilder`] |
//! | declare a document | [`trait@Document`], [`trait@Embedded`], [`Base`], [`Id`], [`Timestamp`] |
//! | read and write one | the methods of [`trait@Document`] |
//! | find many | [`QuerySet`], [`Filter`], [`Field`], [`Page`] |
//! | say it in SQL | [`raw`] |
//! | make the database fit your types | [`schema`], [`Db::schema`] |
//! | have the database keep rules | [`constraint`] |
//! | run a transaction | [`Db::transaction`], [`Tx`], [`TxOptions`] |
//! | work without a type | [`Db::collection`], [`field`] |
//! | handle failure | [`Error`], [`ErrorKind`] |
//! | write a backend | the crate `den-backend` |
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `sqlite` (default) | SQLite, compiled in: `sqlite:///file.db`, `sqlite://:memory:` |
//! | `postgres` | PostgreSQL 13 and later: `postgres://user:password@host/name` |
//! | `memory` | the in-memory reference backend: `memory:` |
//! | `chrono`, `time` | serde helpers for the times of these crates, see [`times`] |
//! | `attachments` | storages for [`attachments`]: a folder, memory, or your own |
//! | `object-store` | a storage in the cloud, through the crate `object_store` |
//! | `validate` | declared rules, checked on every write, see [`validation`] |
//! | `csv` | CSV in and out, see [`transfer`] |
//! | `testing` | for tests: records what reaches the database, injects faults |

pub mod adopt;
pub mod attachments;
mod base;
mod batch;
mod builder;
mod changes;
mod collection;
mod db;
mod document;
mod encode;
mod executor;
mod expr;
mod fields;
mod hooks;
mod id;
mod links;
mod loading;
pub mod migrate;
mod options;
mod query;
pub mod raw;
pub mod schema;
mod soft_delete;
#[cfg(feature = "testing")]
pub mod testing;
pub mod times;
mod timestamp;
mod tracked;
mod transaction;
pub mod transfer;
mod tx;
pub mod validation;
mod write;

pub use den_backend::{
    Capabilities, Capability, CollectionMeta, Constraint, DatabaseUrl, Driver, Error, ErrorKind,
    Explain, Expr, FieldKind, FieldPath, Isolation, LockMode, Pattern, PoolStats, Refusal, Result,
    TimeUnit, Value, Violation, drivers, search::SnippetOptions,
};
pub use den_derive::{Document, Embedded, Projection};
#[cfg(feature = "postgres")]
pub use den_postgres as postgres;
#[cfg(feature = "sqlite")]
pub use den_sqlite as sqlite;
/// A JSON value, for documents without a type.
pub use serde_json::Value as Json;
#[cfg(feature = "validate")]
pub use validator;

pub use crate::schema::constraint;
#[cfg(feature = "validate")]
pub use crate::validation::validate;
pub use crate::{
    attachments::Attachment,
    base::{Base, BaseFields},
    batch::Batch,
    builder::DbBuilder,
    changes::{Change, Tracking},
    collection::Collection,
    db::{Db, Documents},
    document::Document,
    executor::Executor,
    expr::{
        Aggregated, Assign, Computed, IntoComputed, Labeled, Literal, Mix, Number, Several,
        TextType, case_when, coalesce, concat, count, greatest, least, now, null, value,
    },
    fields::{
        Comparable, ElementOf, Embedded, Field, FieldType, Filter, IntoFieldPath, IntoUntyped,
        Length, Nullability, Nullable, Operand, Order, Ordered, Required, Untyped, field,
    },
    hooks::{HookContext, Hooks},
    id::{Id, IntoId},
    links::{Expanded, Link, LinkField, LinkInfo, LinkSelection, Links, OnDelete, fetch_links},
    options::{BulkMode, DeleteOptions, Outcome, SaveOptions},
    query::{
        ByLabel, Groups, OfDocuments, OfGroups, Projected, Projection, ReadRow, Selected,
        SelectedStream, Selection, Unselected, Unwind, projection,
    },
    query::{
        DocumentStream, GetOrCreate, Hit, JsonStream, Page, PageRequest, PageToken, QuerySet,
        ReadyUpsert, Record, UniqueFields, Update, Upsert, UpsertOn, Upserted, update_parts,
    },
    soft_delete::{SoftDelete, SoftDeleteFields},
    timestamp::Timestamp,
    tracked::Tracked,
    transaction::{Retry, Retryable, TxOptions},
    tx::Tx,
};

/// What most programs need: `use den::prelude::*;`.
pub mod prelude {
    pub use crate::raw::ExecuteRaw;
    pub use crate::{
        Attachment, Base, BulkMode, Db, DeleteOptions, Document, Embedded, Error, ErrorKind,
        Executor, Expanded, Filter, HookContext, Hooks, Id, Isolation, Json, Link, Links, LockMode,
        OnDelete, Page, PageRequest, PageToken, Projection, QuerySet, Retry, SaveOptions,
        SoftDelete, Timestamp, Tracked, Tracking, Tx, TxOptions, Upserted, field,
    };
}

/// What the derive macros expand to; not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use den_backend::{__private::inventory, Direction, FieldKind};

    pub use futures_util::future::BoxFuture;

    pub use crate::{
        fields::{
            path::Path,
            schema::{IndexDecl, Schema},
        },
        hooks::{Hook, run_hook},
        links::{
            AnyLink, Contains, ContainsNothing, Contents, Depth, Holds, HoldsNothing, IsGone,
            LinkMeta, LinkRules, Look, OnDelete, Probe, Step, Trail, VisitLink, Whole,
        },
        query::projection_parts::{Columns, Values, given, project},
        validation::{FieldName, FieldsOf, Named, Unnamed, run_validation},
    };
}
