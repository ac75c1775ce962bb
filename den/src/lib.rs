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

mod base;
mod builder;
mod collection;
mod db;
mod document;
mod encode;
mod executor;
mod fields;
mod id;
mod query;
pub mod times;
mod timestamp;
mod transaction;
mod tx;
mod write;

pub use den_backend::{
    Capabilities, Capability, CollectionMeta, Constraint, DatabaseUrl, Driver, Error, ErrorKind,
    Explain, Expr, FieldKind, FieldPath, Isolation, LockMode, Pattern, PoolStats, Result, Value,
    Violation, drivers,
};
pub use den_derive::{Document, Embedded};
#[cfg(feature = "postgres")]
pub use den_postgres as postgres;
#[cfg(feature = "sqlite")]
pub use den_sqlite as sqlite;
/// A JSON value, for documents without a type.
pub use serde_json::Value as Json;

pub use crate::{
    base::{Base, BaseFields},
    builder::DbBuilder,
    collection::Collection,
    db::{Db, Documents},
    document::Document,
    executor::Executor,
    fields::{
        ElementOf, Embedded, Field, FieldType, Filter, IntoFieldPath, Length, Nullability,
        Nullable, Operand, Order, Ordered, Required, Untyped, field,
    },
    id::{Id, IntoId},
    query::{DocumentStream, JsonStream, Page, PageRequest, PageToken, QuerySet, Record},
    timestamp::Timestamp,
    transaction::{Retry, Retryable, TxOptions},
    tx::Tx,
};

/// What most programs need: `use den::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Base, Db, Document, Embedded, Error, ErrorKind, Executor, Filter, Id, Isolation, Json,
        LockMode, Page, PageRequest, PageToken, QuerySet, Retry, Timestamp, Tx, TxOptions, field,
    };
}

/// What the derive macros expand to; not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use den_backend::{Direction, FieldKind};

    pub use crate::fields::{
        path::Path,
        schema::{IndexDecl, Schema},
    };
}
