//! For tests: what reaches the database, and what happens when the database fails.
//!
//! A [`Recorder`] stands between den and a backend. It writes down every call that passes, and
//! fails the calls it is told to fail.
//!
//! Counting statements:
//!
//! ```
//! use den::{prelude::*, testing::{Method, Recorder}};
//! # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
//! # #[den(collection = "products")]
//! # struct Product { #[serde(flatten)] base: Base<Product>, name: String }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let (db, recorder) = Recorder::open("sqlite://:memory:").await?;
//! db.register::<(Product,)>().await?;
//! recorder.clear();
//!
//! db.transaction(async |tx| Product::default().save(&tx).await).await?;
//! assert_eq!(recorder.take(), ["begin", "tx put products", "tx commit"]);
//!
//! Product::query(&db).all().await?;
//! assert_eq!(recorder.statements(), ["query products"]);
//! assert_eq!(recorder.count(Method::Begin), 0);
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```
//!
//! Failing each call of an operation in turn:
//!
//! ```
//! # use den::{prelude::*, testing::Recorder};
//! # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
//! # #[den(collection = "products")]
//! # struct Product { #[serde(flatten)] base: Base<Product>, name: String }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let (db, recorder) = Recorder::open("sqlite://:memory:").await?;
//! # db.register::<(Product,)>().await?;
//! for n in 1.. {
//!     recorder.fail_at(n);
//!     let outcome = db
//!         .transaction(async |tx| {
//!             Product::default().save(&tx).await?;
//!             Product::default().save(&tx).await
//!         })
//!         .await;
//!     if !recorder.heal() {
//!         // The operation makes fewer than `n` calls.
//!         outcome?;
//!         break;
//!     }
//!     assert!(outcome.is_err());
//!     assert_eq!(Product::query(&db).count().await?, 0);
//! }
//! assert_eq!(Product::query(&db).count().await?, 2);
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

mod call;
mod fault;
mod log;
mod raw_sites;
mod recorded;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use den_backend::{Backend, DatabaseUrl, OpenOptions, Result, find_driver};

use crate::{
    Db,
    testing::{log::Log, recorded::Recorded},
};

pub use crate::testing::{
    call::{Call, Method, Outcome},
    fault::Fault,
    raw_sites::check_raw_sites,
};

/// Records the calls that reach a backend, and injects faults.
///
/// # Behavior
///
/// - A cheap handle; clones are the same recorder.
/// - Calls are recorded in the order in which they began, those of transactions included. A call
///   that is failed before it reaches the backend is recorded too. A transaction that is dropped
///   rolls back without a call.
/// - For faults, a call counts when it begins. Rollbacks, of a transaction or to a savepoint,
///   always go through and do not count.
#[derive(Clone, Default)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
}

impl Recorder {
    /// Opens the database that a URL names, with a recorder in front of it.
    ///
    /// # Errors
    ///
    /// As [`Db::open`].
    pub async fn open(url: impl AsRef<str>) -> Result<(Db, Self)> {
        let url = DatabaseUrl::parse(url.as_ref())?;
        let driver = find_driver(url.scheme())?;
        let backend = (driver.open)(url, OpenOptions::default()).await?;
        let (backend, recorder) = Self::wrap(backend);
        let db = Db::builder().shared_backend(backend).open().await?;
        Ok((db, recorder))
    }

    /// Puts a recorder in front of a backend; for [`DbBuilder`](crate::DbBuilder) and for tools.
    pub fn wrap(backend: Arc<dyn Backend>) -> (Arc<dyn Backend>, Self) {
        let recorder = Self::default();
        let recorded = Recorded::backend(backend, recorder.clone());
        (Arc::new(recorded), recorder)
    }

    /// The calls so far, since the last [`take`](Self::take) or [`clear`](Self::clear).
    pub fn calls(&self) -> Vec<Call> {
        self.log().calls.clone()
    }

    /// The calls so far that read or wrote documents; see [`Method::is_statement`].
    pub fn statements(&self) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|it| it.method.is_statement());
        calls
    }

    /// How many of the calls so far are of this method.
    pub fn count(&self, method: Method) -> usize {
        let log = self.log();
        log.calls.iter().filter(|it| it.method == method).count()
    }

    /// Returns the calls so far, and forgets them.
    pub fn take(&self) -> Vec<Call> {
        self.log().take()
    }

    /// Forgets the calls so far. Faults stay as they are.
    pub fn clear(&self) {
        self.take();
    }

    /// How many calls have counted for faults since the recorder was made, whatever was forgotten.
    ///
    /// The difference before and after an operation is how many `n` there are for
    /// [`fail_at`](Self::fail_at).
    pub fn calls_seen(&self) -> u64 {
        self.log().counted
    }

    /// Has the `n`-th call from now fail instead of being carried out, with `injected fault` of
    /// kind `Backend`.
    ///
    /// # Behavior
    ///
    /// - `begin`, `savepoint`, `release`, `commit` and all else that is recorded counts, except
    ///   rollbacks.
    /// - A commit that fails so rolls back, and the transaction is over.
    ///
    /// # Panics
    ///
    /// If `n` is 0, as calls are counted from 1; so do the next two.
    pub fn fail_at(&self, n: u64) {
        self.inject(Fault::at(n));
    }

    /// Has the `n`-th call from now be carried out and its answer be lost: it fails with `injected
    /// fault` of kind `Backend`, and a commit with `CommitUnknown`.
    ///
    /// # Behavior
    ///
    /// - In a transaction, what the call wrote stays written and the transaction stays usable. A
    ///   transaction that is committed after such an error holds what the backend did.
    /// - Where the call itself fails, its error is the source of the injected one.
    pub fn fail_after(&self, n: u64) {
        self.inject(Fault::after(n));
    }

    /// Has the `n`-th row from now of any query fail instead of being delivered, which ends the
    /// stream it is in. Rows are counted over all streams; documents read by id are no rows.
    pub fn fail_row(&self, n: u64) {
        self.inject(Fault::row(n));
    }

    /// Adds a fault, beside those still to come. Each strikes once.
    pub fn inject(&self, fault: Fault) {
        self.log().faults.add(fault);
    }

    /// Forgets the faults still to come, and says whether any was injected since the last time.
    pub fn heal(&self) -> bool {
        self.log().heal()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing in here is left half-changed by a panic.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.log().calls.len();
        f.debug_struct("Recorder")
            .field("calls", &calls)
            .finish_non_exhaustive()
    }
}
