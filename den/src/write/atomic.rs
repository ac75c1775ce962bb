//! All or nothing.

use den_backend::Result;

use crate::{Tx, executor::Handle, transaction::inside};

/// Runs `work` so that an error takes back all it wrote: in a transaction of its own, or in the
/// caller's since a savepoint, after which that transaction stays usable.
pub(crate) async fn atomically<T, F, Fut>(handle: &Handle, work: F) -> Result<T>
where
    F: FnOnce(Tx) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    match handle {
        Handle::Db(db) => db.transaction(work).await,
        Handle::Tx(tx) => inside(tx.db(), tx.savepoint(work)).await,
    }
}
