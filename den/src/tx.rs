//! Transactions.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use den_backend::{Capability, Error, ErrorKind, LockMode, Result, SavepointId, Transaction};

use crate::{Collection, Db, Document, IntoId, base::Scope, document};

/// A running transaction: pass `&tx` where `&db` would go.
///
/// # Behavior
///
/// - A cheap handle; clones are the same transaction. When the last one is dropped before
///   [`commit`](Self::commit), the transaction is rolled back.
/// - Reads see the transaction's own writes. A failed call, such as a `Duplicate` that you catch,
///   leaves it usable.
/// - After the end, every call fails with `TransactionClosed`.
#[derive(Clone)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    inner: Arc<TxInner>,
    /// The part of the transaction this handle belongs to: all of it, or since a savepoint.
    scope: Arc<Scope>,
}

struct TxInner {
    db: Db,
    outermost: Arc<Scope>,
    state: Mutex<TxState>,
}

struct TxState {
    /// Taken at the end.
    transaction: Option<Arc<dyn Transaction>>,
    /// Savepoints whose closure was dropped half-way; rolled back before the next call.
    abandoned: Vec<SavepointId>,
    after_commit: Vec<(Arc<Scope>, AfterCommit)>,
}

type AfterCommit = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

impl Tx {
    pub(crate) fn new(db: Db, transaction: Arc<dyn Transaction>) -> Self {
        let scope = Arc::new(Scope::default());
        Self {
            inner: Arc::new(TxInner {
                db,
                outermost: Arc::clone(&scope),
                state: Mutex::new(TxState {
                    transaction: Some(transaction),
                    abandoned: Vec::new(),
                    after_commit: Vec::new(),
                }),
            }),
            scope,
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// A collection by name, for documents without a type.
    pub fn collection(&self, name: impl Into<String>) -> Collection {
        Collection::new(self, name.into())
    }

    /// Makes all writes permanent, then runs what [`after_commit`](Self::after_commit) registered.
    ///
    /// # Errors
    ///
    /// - `Serialization`, `Deadlock`: nothing was written; the whole transaction may be tried again.
    /// - `CommitUnknown`: the connection was lost while the database was committing.
    pub async fn commit(self) -> Result<()> {
        self.end().await
    }

    /// Commits through a shared handle.
    pub(crate) async fn end(&self) -> Result<()> {
        let transaction = self.session().await?;
        // From here on other handles find the transaction closed; a cancelled commit drops it.
        self.inner.state().transaction = None;
        let guard = EndGuard(&self.inner);
        match transaction.commit().await {
            Ok(()) => {
                self.inner.outermost.mark_committed();
                std::mem::forget(guard);
            }
            Err(error) if error.kind() == ErrorKind::CommitUnknown => {
                std::mem::forget(guard);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        let work = std::mem::take(&mut self.inner.state().after_commit);
        for (scope, run) in work {
            if !scope.is_rolled_back() {
                run().await;
            }
        }
        Ok(())
    }

    /// Takes all writes back. Documents written in the transaction are as they were before.
    ///
    /// # Errors
    ///
    /// `TransactionClosed` if it had ended already.
    pub async fn rollback(self) -> Result<()> {
        self.abort().await
    }

    pub(crate) async fn abort(&self) -> Result<()> {
        let transaction = {
            let mut state = self.inner.state();
            state.after_commit.clear();
            state.transaction.take()
        };
        let transaction = transaction.ok_or_else(closed)?;
        self.inner.outermost.mark_rolled_back();
        transaction.rollback().await
    }

    /// Drops the backend's transaction, which rolls back; does nothing after the end.
    pub(crate) fn abandon(&self) {
        let transaction = self.inner.state().transaction.take();
        if transaction.is_some() {
            self.inner.outermost.mark_rolled_back();
        }
    }

    /// Runs `work` so that its writes can be taken back alone: an `Err` rolls back to where it
    /// began, and the transaction goes on.
    ///
    /// # Behavior
    ///
    /// - Savepoints nest. A dropped future of this method rolls back, too.
    ///
    /// # Errors
    ///
    /// What `work` answers; `Unsupported` on a backend without savepoints.
    pub async fn savepoint<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        self.inner.db.require(Capability::Savepoints)?;
        let transaction = self.session().await?;
        let id = transaction.savepoint().await?;
        let inner = Self {
            inner: Arc::clone(&self.inner),
            scope: Scope::within(&self.scope),
        };
        let mut guard = SavepointGuard {
            tx: inner.clone(),
            id: Some(id),
        };
        match work(inner.clone()).await {
            Ok(value) => {
                let transaction = self.session().await?;
                transaction.release(id).await?;
                guard.id = None;
                inner.scope.mark_committed();
                Ok(value)
            }
            Err(error) => {
                inner.scope.mark_rolled_back();
                // If this fails, the guard leaves it to the next call.
                let transaction = self.session().await?;
                transaction.rollback_to(id).await?;
                guard.id = None;
                Err(error)
            }
        }
    }

    /// Returns the document with this id and locks it until the transaction ends.
    ///
    /// # Behavior
    ///
    /// - `None` if there is none; also, with `SkipLocked`, if someone else has locked it.
    /// - On SQLite, write transactions exclude each other, so every lock is held already.
    ///
    /// # Errors
    ///
    /// `Locked` with `NoWait` if someone else has locked it.
    pub async fn lock<D: Document>(
        &self,
        id: impl IntoId<D> + Send,
        mode: LockMode,
    ) -> Result<Option<D>> {
        let id = id.into_id();
        self.inner.db.registered::<D>()?;
        self.inner.db.require(Capability::RowLocks)?;
        let transaction = self.session().await?;
        let found = transaction
            .get_for_update(D::COLLECTION, id.as_str(), mode)
            .await?;
        found.map(|raw| document::decode(&raw)).transpose()
    }

    /// Waits until no other transaction holds `key`, then holds it until this one ends.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a backend without advisory locks.
    pub async fn advisory_lock(&self, key: i64) -> Result<()> {
        self.inner.db.require(Capability::AdvisoryLocks)?;
        self.session().await?.advisory_lock(key).await
    }

    /// Registers work to run once, after the transaction was committed.
    ///
    /// # Behavior
    ///
    /// - It does not run if the transaction, or the savepoint it was registered in, is rolled back.
    /// - [`commit`](Self::commit) runs such work in the order of registration and waits for it;
    ///   a retried transaction runs only what its last try registered.
    pub fn after_commit<F, Fut>(&self, work: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let work: AfterCommit = Box::new(move || Box::pin(work()));
        let scope = Arc::clone(&self.scope);
        self.inner.state().after_commit.push((scope, work));
    }

    /// The backend's transaction, ready for a call.
    pub(crate) async fn session(&self) -> Result<Arc<dyn Transaction>> {
        let transaction = self.inner.state().transaction.clone().ok_or_else(closed)?;
        loop {
            let Some(id) = self.inner.state().abandoned.first().copied() else {
                break;
            };
            transaction.rollback_to(id).await?;
            // Rolling back to one savepoint forgets the later ones as well.
            self.inner.state().abandoned.retain(|it| it.0 < id.0);
        }
        if self.scope.is_rolled_back() {
            return Err(closed());
        }
        Ok(transaction)
    }
}

impl TxInner {
    fn state(&self) -> MutexGuard<'_, TxState> {
        // Nothing in here is left half-changed by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TxInner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.transaction.is_some() {
            self.outermost.mark_rolled_back();
        }
    }
}

/// Marks the transaction as rolled back when its commit fails or is cancelled.
struct EndGuard<'a>(&'a TxInner);

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        self.0.outermost.mark_rolled_back();
    }
}

/// Has a savepoint rolled back when its closure is dropped half-way.
struct SavepointGuard {
    tx: Tx,
    id: Option<SavepointId>,
}

impl Drop for SavepointGuard {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.tx.scope.mark_rolled_back();
            let mut state = self.tx.inner.state();
            state.abandoned.push(id);
            state.abandoned.sort_unstable_by_key(|it| it.0);
        }
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::TransactionClosed,
        "the transaction is already committed or rolled back",
    )
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.inner.state().transaction.is_some();
        f.debug_struct("Tx")
            .field("open", &open)
            .finish_non_exhaustive()
    }
}
