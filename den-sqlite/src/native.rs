//! SQLite's own connection, for what den has no words for.
//!
//! The types of `rusqlite`, which this module re-exports, are those of the version that den is built with.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use den_backend::{DatabaseUrl, OpenOptions};
//! # let url = DatabaseUrl::parse("sqlite::memory:")?;
//! # let backend = (den_sqlite::DRIVER.open)(url, OpenOptions::default()).await?;
//! let three: i64 = den_sqlite::native::with_connection(&*backend, |connection| {
//!     connection.query_row("SELECT 1 + 2", [], |row| row.get(0))
//! })
//! .await?;
//! assert_eq!(three, 3);
//! # backend.close().await?;
//! # Ok::<(), den_backend::Error>(()) }).unwrap();
//! ```

use den_backend::{Access, Backend, Error, ErrorKind, Result};
pub use rusqlite;

use crate::{backend::SqliteBackend, error::Outcome};

/// Runs work on the connection that writes, on another thread, once the writes before it are done.
///
/// # Behavior
///
/// - A transaction that the work leaves open is rolled back. Settings that it changes stay changed: den's
///   own are best left alone.
/// - Work that has begun runs to its end, even if the future is dropped.
///
/// # Errors
///
/// - `Unsupported` on another database than SQLite.
/// - What SQLite says, as den reports it elsewhere.
pub async fn with_connection<T: Send + 'static>(
    backend: &dyn Backend,
    work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    let it = sqlite(backend, "native::with_connection")?;
    it.with_connection(Access::ReadWrite, move |it| Ok(work(it)?))
        .await
}

/// As [`with_connection`], on a connection that cannot write, beside others that read and write.
///
/// # Errors
///
/// As [`with_connection`].
pub async fn with_reader<T: Send + 'static>(
    backend: &dyn Backend,
    work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    let it = sqlite(backend, "native::with_reader")?;
    it.with_connection(Access::ReadOnly, move |it| Ok(work(it)?))
        .await
}

/// What a feature runs on.
pub(crate) fn sqlite<'a>(backend: &'a dyn Backend, feature: &str) -> Result<&'a SqliteBackend> {
    backend.as_any().downcast_ref().ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "`{feature}` is a feature of sqlite; this database is {}",
                backend.name()
            ),
        )
    })
}

/// The same for work of den's own.
pub(crate) async fn run<T: Send + 'static>(
    backend: &dyn Backend,
    feature: &str,
    access: Access,
    work: impl FnOnce(&mut crate::connection::Connection) -> Outcome<T> + Send + 'static,
) -> Result<T> {
    sqlite(backend, feature)?
        .with_connection(access, work)
        .await
}
