//! The SQLite backend of den.
//!
//! An application names it only to link it (`den` does so with its feature `sqlite`); everything
//! else is a URL:
//!
//! | URL | opens |
//! |---|---|
//! | `sqlite:///app.db` | `app.db` in the working folder: exactly one `/` is stripped |
//! | `sqlite:////var/lib/app.db` | `/var/lib/app.db` |
//! | `sqlite::memory:`, `sqlite://:memory:` | a private database that is gone once it is closed |
//!
//! Missing parent folders are made. The path may be percent-encoded. A database in memory is one
//! database however many connections read it, and no other `open` sees it; its pages live in a
//! file that has no name (on Windows: in a temporary folder), is never synced, and vanishes with
//! the process.
//!
//! # Parameters
//!
//! | parameter | values | default | |
//! |---|---|---|---|
//! | `synchronous` | `off`, `normal`, `full`, `extra` | `normal` | when a commit waits for the disk, see below |
//! | `busy_timeout` | milliseconds | 5000 | how long to wait for a lock that another program holds; then `Locked` |
//! | `acquire_timeout` | milliseconds | 30000 | how long to wait for a connection that this program holds |
//! | `max_connections` | 1 to 1000 | 4 | so many scans, streams and read-only transactions at once; three more connections serve point reads, writes and checkpoints |
//! | `mode` | `rwc`, `rw`, `ro` | `rwc` | read, write and create; not create; only read |
//! | `cache_size` | pages, or KiB if negative | -16000 | page cache of each connection |
//! | `mmap_size` | bytes | 0 | memory-mapped reading |
//! | `page_size` | 512 to 65536 | 8192 | of a new database file |
//! | `journal_size_limit` | bytes, -1 for none | 64 MiB | what is kept of the write-ahead log after a checkpoint |
//! | `foreign_keys` | `on`, `off` | `on` | whether SQLite enforces them |
//! | `statement_cache` | number | 256 | prepared statements kept by each connection |
//!
//! # What survives
//!
//! The database is in WAL mode, so it is never damaged by a crash, and transactions are never torn.
//! What differs is whether the last commits are still there:
//!
//! | `synchronous` | the program crashes | the machine crashes or loses power |
//! |---|---|---|
//! | `off` | nothing is lost | the last commits may be lost, and the file may be damaged |
//! | `normal` | nothing is lost | commits since the last checkpoint may be lost, the newest first |
//! | `full`, `extra` | nothing is lost | nothing is lost |
//!
//! # How it runs
//!
//! Reads and writes of single documents run where they are called, on a connection that is free;
//! whatever can scan, batch, or wait for another program or for the disk runs on threads of the
//! backend. One connection writes; a write transaction holds it from begin to end, so it holds
//! every row lock and every advisory lock there is. Checkpoints are made on a thread of their own.
//!
//! What den computes and SQLite does not, or not with the same answer (arithmetic, functions, exact
//! sums, most patches), is computed by functions that every connection has, on the documents as
//! SQLite finds them. They are part of no table or index, so other programs can read and write the file
//! without them; of triggers only those of a check that needs them have them.
//!
//! # Constraints
//!
//! Unique values have a unique index over what the documents hold, with its type. Anything else that a
//! constraint asks for is looked at by two triggers, before a row is inserted and before it is updated. Both
//! are plain SQL that holds for every program, `INSERT OR REPLACE` and `UPDATE OR IGNORE` included. A check
//! that SQLite cannot compute, such as one with a regular expression or arithmetic, refuses the writes of
//! programs that lack den's functions. Arrays and objects are unique by their text: `[1]` and `[1.0]`
//! differ there.

mod backend;
mod cache;
mod catalog;
mod change;
mod checkpoint;
mod collection;
mod connection;
mod document;
mod error;
mod functions;
pub mod native;
mod options;
#[cfg(test)]
mod plans;
mod pool;
mod raw;
mod scan;
mod schema;
mod session;
pub mod sqlite;
mod subject;
mod threads;
mod transaction;
mod upsert;

use std::sync::Arc;

use den_backend::{Backend, Driver};

use crate::backend::SqliteBackend;

/// Opens `sqlite:` URLs.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use den_backend::{Backend, CollectionMeta, DatabaseUrl, OpenOptions};
///
/// let url = DatabaseUrl::parse("sqlite::memory:")?;
/// let backend = (den_sqlite::DRIVER.open)(url, OpenOptions::default()).await?;
/// backend.ensure_collection(&CollectionMeta::new("notes")).await?;
/// assert_eq!(backend.get("notes", "1").await?, None);
/// backend.close().await?;
/// # Ok::<(), den_backend::Error>(()) }).unwrap();
/// ```
pub static DRIVER: Driver = Driver {
    name: "sqlite",
    schemes: &["sqlite"],
    open: |url, options| {
        Box::pin(async move {
            let backend = SqliteBackend::open(&url, &options).await?;
            Ok(Arc::new(backend) as Arc<dyn Backend>)
        })
    },
};

den_backend::register_driver!(DRIVER);
