//! Transactions.

use std::{
    fmt,
    pin::Pin,
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use den_backend::{Capability, Error, ErrorKind, LockMode, Result, SavepointId, Transaction};

use crate::{Collection, Db, Document, IntoId, base::Scope, document, executor::Handle, loading};

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
    /// Whether a closure's answer ends the transaction, and this handle may not.
    managed: bool,
}

struct TxInner {
    db: Db,
    outermost: Arc<Scope>,
    state: Mutex<TxState>,
    /// Held while abandoned savepoints are rolled back, so that no call slips in between.
    settling: tokio::sync::Mutex<()>,
}

struct TxState {
    /// Taken at the end.
    transaction: Option<Arc<dyn Transaction>>,
    /// The savepoints that are open, innermost last.
    open: Vec<Arc<Scope>>,
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
                    open: Vec::new(),
                    abandoned: Vec::new(),
                    after_commit: Vec::new(),
                }),
                settling: tokio::sync::Mutex::new(()),
            }),
            scope,
            managed: false,
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// A handle for a closure whose answer ends the transaction.
    pub(crate) fn managed(&self) -> Self {
        Self {
            managed: true,
            ..self.clone()
        }
    }

    /// The innermost open part of the transaction, which a write belongs to whatever handle it
    /// was given.
    pub(crate) fn scope(&self) -> Arc<Scope> {
        let state = self.inner.state();
        Arc::clone(state.open.last().unwrap_or(&self.inner.outermost))
    }

    /// A collection by name, for documents without a type.
    pub fn collection(&self, name: impl Into<String>) -> Collection {
        Collection::new(self, name.into())
    }

    /// Makes all writes permanent, then runs what [`after_commit`](Self::after_commit) registered.
    ///
    /// # Behavior
    ///
    /// - A dropped future leaves it open whether the transaction is committed, as a lost
    ///   connection does.
    ///
    /// # Errors
    ///
    /// - `Serialization`, `Deadlock`: nothing was written; the whole transaction may be tried again.
    /// - `CommitUnknown`: the connection was lost while the database was committing.
    /// - `InvalidQuery` on the handle that a closure was given: its answer ends the transaction.
    pub async fn commit(self) -> Result<()> {
        self.refuse_managed()?;
        self.end().await
    }

    /// Commits through a shared handle.
    pub(crate) async fn end(&self) -> Result<()> {
        let transaction = self.session().await?;
        let work = {
            let mut state = self.inner.state();
            state.transaction = None;
            std::mem::take(&mut state.after_commit)
        };
        match transaction.commit().await {
            Ok(()) => self.inner.outermost.mark_committed(),
            Err(error) => {
                if error.kind() != ErrorKind::CommitUnknown {
                    self.inner.outermost.mark_rolled_back();
                }
                return Err(error);
            }
        }
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
    /// - `TransactionClosed` if it had ended already.
    /// - `InvalidQuery` on the handle that a closure was given: its answer ends the transaction.
    pub async fn rollback(self) -> Result<()> {
        self.refuse_managed()?;
        self.abort().await
    }

    pub(crate) async fn abort(&self) -> Result<()> {
        let transaction = self.take().ok_or_else(closed)?;
        transaction.rollback().await
    }

    /// Drops the backend's transaction, which rolls back; does nothing after the end.
    pub(crate) fn abandon(&self) {
        drop(self.take());
    }

    /// Takes the backend's transaction in order to roll it back.
    fn take(&self) -> Option<Arc<dyn Transaction>> {
        let (transaction, work) = {
            let mut state = self.inner.state();
            let work = std::mem::take(&mut state.after_commit);
            (state.transaction.take(), work)
        };
        // What is dropped here may hold handles of this very transaction.
        drop(work);
        if transaction.is_some() {
            self.inner.outermost.mark_rolled_back();
        }
        transaction
    }

    fn refuse_managed(&self) -> Result<()> {
        if self.managed {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "the answer of the closure ends this transaction: `Ok` commits, `Err` rolls back",
            ));
        }
        Ok(())
    }

    /// Runs `work` so that its writes can be taken back alone: an `Err` rolls back to where it
    /// began, and the transaction goes on.
    ///
    /// # Behavior
    ///
    /// - Savepoints nest: inside, use the handle that the closure is given. They do not overlap.
    /// - A dropped future of this method rolls back, too, unless `work` had answered `Ok`.
    ///
    /// # Errors
    ///
    /// What `work` answers; `Unsupported` on a backend without savepoints; `InvalidQuery` while
    /// another savepoint of this handle is open.
    pub async fn savepoint<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        self.inner.db.require(Capability::Savepoints)?;
        let transaction = self.session().await?;
        let mut guard = SavepointGuard::open(self)?;
        let id = transaction.savepoint().await?;
        guard.id = Some(id);
        match work(guard.tx.clone()).await {
            Ok(value) => {
                let transaction = self.session().await?;
                // A future that is dropped from here on takes nothing back.
                guard.keep();
                if let Err(error) = transaction.release(id).await {
                    guard.id = Some(id);
                    match transaction.rollback_to(id).await {
                        Ok(()) => {
                            guard.tx.scope.mark_rolled_back();
                            guard.id = None;
                            return Err(error.into());
                        }
                        // It was released, and only the answer was lost: the writes are kept.
                        Err(gone) if gone.kind() == ErrorKind::InvalidQuery => guard.id = None,
                        Err(_) => return Err(error.into()),
                    }
                }
                Ok(value)
            }
            Err(error) => {
                guard.tx.scope.mark_rolled_back();
                if let Ok(transaction) = self.session_for_rollback().await
                    && transaction.rollback_to(id).await.is_ok()
                {
                    guard.id = None;
                }
                // Otherwise the guard leaves it to the next call, which reports what is wrong.
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
    /// - Links are not loaded.
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
        if !id.is_storable() {
            return Ok(None);
        }
        let transaction = self.session().await?;
        let found = transaction
            .get_for_update(D::COLLECTION, id.as_str(), mode)
            .await?;
        let Some(raw) = found else {
            return Ok(None);
        };
        let mut document = document::decode(&raw)?;
        loading::after_load(&Handle::Tx(self.clone()), slice::from_mut(&mut document)).await?;
        Ok(Some(document))
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
    ///   a retried transaction runs only what its last try registered. A panic in one, or a dropped
    ///   commit, leaves out the rest.
    /// - Do not move a handle of the transaction into it: use the database.
    pub fn after_commit<F, Fut>(&self, work: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let work: AfterCommit = Box::new(move || Box::pin(work()));
        let scope = self.scope();
        self.inner.state().after_commit.push((scope, work));
    }

    /// The backend's transaction, ready for a call.
    pub(crate) async fn session(&self) -> Result<Arc<dyn Transaction>> {
        let transaction = self.session_for_rollback().await?;
        if self.scope.is_rolled_back() {
            return Err(closed());
        }
        Ok(transaction)
    }

    /// As `session`, for a part of the transaction that is being rolled back.
    async fn session_for_rollback(&self) -> Result<Arc<dyn Transaction>> {
        let transaction = self.inner.state().transaction.clone().ok_or_else(closed)?;
        if self.inner.state().abandoned.is_empty() {
            return Ok(transaction);
        }
        let _settling = self.inner.settling.lock().await;
        loop {
            let Some(id) = self.inner.state().abandoned.first().copied() else {
                return Ok(transaction);
            };
            match transaction.rollback_to(id).await {
                Ok(()) => {}
                // Rolled back already, by a call that was dropped half-way.
                Err(error) if error.kind() == ErrorKind::InvalidQuery => {}
                Err(error) => return Err(error),
            }
            // Rolling back to one savepoint forgets the later ones as well.
            self.inner.state().abandoned.retain(|it| it.0 < id.0);
        }
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

/// Has a savepoint rolled back when its closure is dropped half-way.
struct SavepointGuard {
    /// The handle for the closure.
    tx: Tx,
    id: Option<SavepointId>,
}

impl SavepointGuard {
    fn open(outer: &Tx) -> Result<Self> {
        let mut state = outer.inner.state();
        let innermost = state.open.last().unwrap_or(&outer.inner.outermost);
        if !Arc::ptr_eq(innermost, &outer.scope) {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "a savepoint is open in this part of the transaction: inside of it, use the \
                 handle that its closure is given",
            ));
        }
        let scope = Scope::within(&outer.scope);
        state.open.push(Arc::clone(&scope));
        drop(state);
        Ok(Self {
            tx: Tx {
                inner: Arc::clone(&outer.inner),
                scope,
                managed: true,
            },
            id: None,
        })
    }

    /// The writes are kept.
    fn keep(&mut self) {
        self.id = None;
        self.tx.scope.mark_committed();
        self.close();
    }

    fn close(&self) {
        let mut state = self.tx.inner.state();
        state.open.retain(|it| !Arc::ptr_eq(it, &self.tx.scope));
    }
}

impl Drop for SavepointGuard {
    fn drop(&mut self) {
        self.close();
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
