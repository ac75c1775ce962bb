//! The driver's own pool and connections, for what den has no words for.
//!
//! The types are those of [`deadpool_postgres`] and [`tokio_postgres`], re-exported in the versions that
//! den is built with.
//!
//! ```no_run
//! use den_backend::{Backend, Error, Result};
//!
//! async fn notify(backend: &dyn Backend) -> Result<()> {
//!     let client = den_postgres::native::pool(backend)?.get().await.map_err(Error::custom)?;
//!     client.execute("SELECT pg_notify('jobs', $1)", &[&"new"]).await.map_err(Error::custom)?;
//!     Ok(())
//! }
//! ```

pub use deadpool_postgres;
use den_backend::{Backend, Error, ErrorKind, Result};
pub use tokio_postgres;

use crate::backend::PostgresBackend;

/// The pool that den takes its connections from.
///
/// # Behavior
///
/// - A connection taken from it counts towards `max_connections`. It goes back as it is: end your
///   transactions, and leave its settings as they were, or take it out for good with
///   [`Object::take`](deadpool_postgres::Object::take).
///
/// # Errors
///
/// `Unsupported` on another database than PostgreSQL.
pub fn pool(backend: &dyn Backend) -> Result<&deadpool_postgres::Pool> {
    match backend.as_any().downcast_ref::<PostgresBackend>() {
        Some(it) => Ok(it.shared().pool.inner()),
        None => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "`native::pool` is a feature of postgres; this database is {}",
                backend.name()
            ),
        )),
    }
}
