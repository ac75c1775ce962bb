//! How transactions are run: begin, commit or roll back, try again.

use std::{sync::Arc, time::Duration};

use den_backend::{Access, Capability, Error, Isolation, Result};

use crate::{Db, Tx, batch};

tokio::task_local! {
    /// The databases that have a part of a transaction, a closure or hooks, running in this task.
    static OPEN: Vec<usize>;
}

/// How a transaction runs.
///
/// ```
/// use den::{Isolation, Retry, TxOptions};
///
/// let options = TxOptions::new()
///     .isolation(Isolation::Serializable)
///     .retry(Retry::times(5));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a transaction"]
pub struct TxOptions {
    contract: den_backend::TxOptions,
    retry: Retry,
}

/// How often a transaction is tried again after an error that can be retried.
///
/// Between two tries it waits 5 ms, then twice as long each time up to 500 ms, less a random part
/// of up to a half so that competitors fall out of step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retry {
    times: u32,
}

/// An error that may say that its transaction is worth another try.
pub trait Retryable {
    /// Whether the transaction may succeed when tried again.
    fn is_retryable(&self) -> bool;
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }
}

impl Retryable for Box<dyn std::error::Error + Send + Sync> {
    fn is_retryable(&self) -> bool {
        self.downcast_ref::<Error>()
            .is_some_and(Error::is_retryable)
    }
}

impl Retryable for Box<dyn std::error::Error> {
    fn is_retryable(&self) -> bool {
        self.downcast_ref::<Error>()
            .is_some_and(Error::is_retryable)
    }
}

impl TxOptions {
    /// The defaults: read and write, the backend's default isolation, no retry.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the transaction is kept apart from concurrent ones; a backend without that level uses
    /// a stronger one or refuses.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.contract.isolation = isolation;
        self
    }

    /// Only reads: writes are refused. On SQLite such a transaction does not keep writers waiting.
    pub fn read_only(mut self) -> Self {
        self.contract.access = Access::ReadOnly;
        self
    }

    /// Tries again after an error that can be retried. The closure may then run several times.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

impl Retry {
    /// No second try.
    pub const fn never() -> Self {
        Self { times: 0 }
    }

    /// Up to so many further tries after the first.
    pub const fn times(times: u32) -> Self {
        Self { times }
    }

    fn pause(after: u32) -> Duration {
        let full = Duration::from_millis(5)
            .saturating_mul(1 << after.min(10))
            .min(Duration::from_millis(500));
        full - full.mul_f64(rand::random::<f64>() / 2.0)
    }
}

/// Whether a part of a transaction of this database is running in this task.
pub(crate) fn is_open_here(db: &Db) -> bool {
    OPEN.try_with(|open| open.contains(&db.identity()))
        .unwrap_or(false)
}

pub(crate) async fn begin(db: &Db, options: TxOptions) -> Result<Tx> {
    db.require(Capability::Transactions)?;
    if options.contract != den_backend::TxOptions::default() {
        db.require(Capability::Isolation)?;
    }
    if options.contract.access == Access::ReadWrite {
        batch::refuse_write(db)?;
        db.refuse_inside_transaction()?;
    }
    let transaction = db.backend().begin(options.contract).await?;
    Ok(Tx::new(db.clone(), transaction))
}

pub(crate) async fn run<T, E, F, Fut>(db: &Db, options: TxOptions, work: F) -> Result<T, E>
where
    F: FnOnce(Tx) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    let tx = begin(db, options).await?;
    attempt(db, tx, work).await
}

pub(crate) async fn run_with<T, E, F, Fut>(db: &Db, options: TxOptions, mut work: F) -> Result<T, E>
where
    F: FnMut(Tx) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Error> + Retryable,
{
    let mut tries = 0;
    loop {
        let outcome = match begin(db, options).await {
            Ok(tx) => attempt(db, tx, &mut work).await,
            Err(error) => Err(error.into()),
        };
        match outcome {
            Err(error) if tries < options.retry.times && error.is_retryable() => {
                tokio::time::sleep(Retry::pause(tries)).await;
                tries += 1;
            }
            other => return other,
        }
    }
}

/// Runs `work` in a transaction that was begun, and ends it.
pub(crate) async fn attempt<T, E, Fut>(
    db: &Db,
    tx: Tx,
    work: impl FnOnce(Tx) -> Fut,
) -> Result<T, E>
where
    Fut: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    let guard = AbandonOnDrop(tx);
    let outcome = inside(db, work(guard.0.managed())).await;
    end(&guard.0, outcome).await
}

/// Runs a part of a transaction of this database, so that a write through the database handle is
/// refused in there.
pub(crate) fn inside<F: Future>(db: &Db, part: F) -> impl Future<Output = F::Output> {
    let mut open = OPEN.try_with(Vec::clone).unwrap_or_default();
    if !open.contains(&db.identity()) {
        open.push(db.identity());
    }
    OPEN.scope(open, part)
}

/// Ends the transaction when its closure panics or is dropped, even if a clone of the handle
/// lives on elsewhere.
struct AbandonOnDrop(Tx);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

async fn end<T, E: From<Error>>(tx: &Tx, outcome: Result<T, E>) -> Result<T, E> {
    match outcome {
        Ok(value) => {
            tx.end().await?;
            Ok(value)
        }
        Err(error) => {
            // The caller's error is the one to report; a connection that cannot roll back is
            // discarded by the backend.
            if let Err(error) = tx.abort().await {
                tracing::debug!(%error, "could not roll back");
            }
            Err(error)
        }
    }
}

/// The transaction an operation runs in: the caller's, or one of its own.
pub(crate) enum Own {
    Callers(Tx),
    Mine(Tx),
}

impl Own {
    pub(crate) async fn begin(handle: &crate::executor::Handle) -> Result<Self> {
        match handle {
            crate::executor::Handle::Tx(tx) => Ok(Self::Callers(tx.clone())),
            crate::executor::Handle::Db(db) => Ok(Self::Mine(db.begin().await?)),
        }
    }

    pub(crate) fn tx(&self) -> &Tx {
        match self {
            Self::Callers(tx) | Self::Mine(tx) => tx,
        }
    }

    pub(crate) async fn end<T>(self, outcome: Result<T>) -> Result<T> {
        match self {
            Self::Callers(_) => outcome,
            Self::Mine(tx) => end(&tx, outcome).await,
        }
    }
}

const _: fn() = || {
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Db>();
    send_and_sync::<Tx>();
    send_and_sync::<Arc<dyn den_backend::Transaction>>();
};
