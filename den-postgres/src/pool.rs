//! The pooled connections, and what becomes of one that is given back in doubt.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, PoolError, QueueMode, RecyclingMethod, Runtime,
    TimeoutType,
};
use den_backend::{Error, ErrorKind, PoolStats, Result};
use tokio::{runtime::Handle, sync::Notify, time::timeout};
use tokio_postgres::NoTls;

use crate::{
    error::{Doing, classify},
    url::{Settings, Statements},
};

/// How long a connection whose call was abandoned may take to become free by itself. A call of
/// ordinary length is over by then; a longer one is cancelled.
pub(crate) const SETTLE: Duration = Duration::from_millis(50);

/// How long a rollback or a cancel request behind the caller's back may take.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// So many prepared statements are kept on one connection.
const MAX_STATEMENTS: usize = 512;

/// The connections to one server.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: deadpool_postgres::Pool,
    statements: Statements,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    max_connections: usize,
    target: String,
    freed: Arc<Notify>,
}

/// A connection taken from the pool. When it is dropped it goes back, if nothing is in doubt.
pub(crate) struct Lease {
    object: Option<Object>,
    usage: Mutex<Usage>,
    freed: Arc<Notify>,
}

/// What a connection is busy with, and so what must be done about it when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Nothing: it may go back.
    Idle,
    /// A call of its own: it is given a moment to end, else cancelled and discarded.
    Call,
    /// A stream of unknown length: it is cancelled and discarded.
    Stream,
    /// A transaction: it is rolled back.
    Transaction,
    /// It is broken, or was sent a cancel request that may arrive late: it is discarded.
    Broken,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let manager = Manager::from_config(
            settings.config,
            NoTls,
            ManagerConfig {
                // No round trip to ask whether a connection lives: the call itself will tell.
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let inner = deadpool_postgres::Pool::builder(manager)
            .max_size(settings.max_connections)
            // The last one used has the warmest statement cache.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(settings.acquire_timeout))
            .create_timeout(Some(settings.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Backend, "the connection pool could not be made")
                    .with_source(error)
            })?;
        Ok(Self {
            inner,
            statements: settings.statements,
            acquire_timeout: settings.acquire_timeout,
            connect_timeout: settings.connect_timeout,
            max_connections: settings.max_connections,
            target: settings.target,
            freed: Arc::default(),
        })
    }

    /// The pool beneath.
    pub(crate) fn inner(&self) -> &deadpool_postgres::Pool {
        &self.inner
    }

    pub(crate) fn statements(&self) -> Statements {
        self.statements
    }

    /// Takes a connection, waiting for a free one and making one as needed.
    pub(crate) async fn acquire(&self) -> Result<Lease> {
        match self.inner.get().await {
            Ok(object) => Ok(self.lease(object)),
            Err(error) => Err(self.refusal(error)),
        }
    }

    /// Takes a connection if that needs no waiting for one to be given back.
    pub(crate) async fn acquire_free(&self) -> Option<Lease> {
        let mut timeouts = self.inner.timeouts();
        timeouts.wait = Some(Duration::ZERO);
        let object = self.inner.timeout_get(&timeouts).await.ok()?;
        Some(self.lease(object))
    }

    fn lease(&self, object: Object) -> Lease {
        let lease = Lease {
            object: Some(object),
            usage: Mutex::new(Usage::Idle),
            freed: Arc::clone(&self.freed),
        };
        lease.trim();
        lease
    }

    /// Drops every connection that is free: one of them turned out to be dead.
    pub(crate) fn drop_idle(&self) {
        self.inner.retain(|_, _| false);
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let status = self.inner.status();
        PoolStats {
            max_connections: self.max_connections,
            connections: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Refuses new work, waits for what is running, and closes every connection.
    ///
    /// # Errors
    ///
    /// `Timeout` if a stream or transaction stays open for longer than it may take to get a
    /// connection: its task may be the one that waits here.
    pub(crate) async fn close(&self) -> Result<()> {
        self.inner.close();
        let emptied = timeout(self.acquire_timeout, async {
            while self.inner.status().size > 0 {
                // A connection that was being made belongs to no lease, so look again by the clock
                // too.
                let _timed_out = timeout(SETTLE, self.freed.notified()).await;
            }
        });
        emptied.await.map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                "the database is closed to new work, but a stream or transaction is still open; \
                 its connection closes when that ends",
            )
        })
    }

    fn refusal(&self, error: PoolError) -> Error {
        match error {
            PoolError::Closed => closed(),
            PoolError::Timeout(TimeoutType::Wait) => Error::new(
                ErrorKind::Timeout,
                format!(
                    "no connection became free within {:?}: all {} are in use; raise \
                     `max_connections`, or make transactions and streams shorter",
                    self.acquire_timeout, self.max_connections
                ),
            ),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => Error::new(
                ErrorKind::ConnectionLost,
                format!(
                    "could not connect: the server did not answer within {:?}",
                    self.connect_timeout
                ),
            )
            .with_context(&self.target),
            PoolError::Backend(error) => classify(error, Doing::Connect).with_context(&self.target),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Error::new(ErrorKind::Backend, "the connection pool failed").with_source(error)
            }
        }
    }
}

impl Lease {
    /// The connection.
    pub(crate) fn client(&self) -> &ClientWrapper {
        self.object
            .as_ref()
            .expect("the connection is only taken out by `drop`")
    }

    /// Forgets prepared statements if there are many: their texts follow the shapes of queries, of which
    /// an application may make any number, and each takes a share of the server's memory. Those that are
    /// just being run are kept until then.
    pub(crate) fn trim(&self) {
        let cache = &self.client().statement_cache;
        if cache.size() > MAX_STATEMENTS {
            cache.clear();
        }
    }

    /// Whether the connection was used before, so that it may have died unnoticed since.
    pub(crate) fn is_reused(&self) -> bool {
        let object = self.object.as_ref();
        object.is_some_and(|it| Object::metrics(it).recycle_count > 0)
    }

    /// Says what the connection is busy with from now on. Broken is for ever.
    pub(crate) fn set_usage(&self, usage: Usage) {
        let mut it = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        if *it != Usage::Broken {
            *it = usage;
        }
    }

    /// Asks the server to stop what it is doing. The request may arrive when it does something else
    /// already, so the connection is not used again.
    pub(crate) fn cancel(&self) {
        self.set_usage(Usage::Broken);
        send_cancel(self.client());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        let usage = *self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let doubtful = Doubtful {
            object: Some(object),
            freed: Arc::clone(&self.freed),
        };
        match usage {
            Usage::Idle => doubtful.trust(),
            Usage::Broken => drop(doubtful),
            Usage::Stream => {
                doubtful.cancel();
                drop(doubtful);
            }
            Usage::Call => in_background(doubtful.settle()),
            Usage::Transaction => in_background(doubtful.roll_back()),
        }
    }
}

/// A connection that is discarded when dropped, unless it turned out to be in order.
struct Doubtful {
    object: Option<Object>,
    freed: Arc<Notify>,
}

impl Doubtful {
    /// Gives the connection back to the pool.
    fn trust(mut self) {
        drop(self.object.take());
        self.freed.notify_waiters();
    }

    fn cancel(&self) {
        if let Some(object) = &self.object {
            send_cancel(object);
        }
    }

    async fn settle(self) {
        let Some(object) = &self.object else { return };
        // The answer follows that of the abandoned call, whatever it was.
        match timeout(SETTLE, object.check_connection()).await {
            Ok(Ok(())) => self.trust(),
            Ok(Err(_)) => {}
            Err(_too_long) => self.cancel(),
        }
    }

    async fn roll_back(self) {
        let Some(object) = &self.object else { return };
        match timeout(CLEAN_UP, object.batch_execute("ROLLBACK")).await {
            Ok(Ok(())) => self.trust(),
            Ok(Err(_)) => {}
            Err(_too_long) => self.cancel(),
        }
    }
}

impl Drop for Doubtful {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            // Out of the pool's books, then closed.
            drop(Object::take(object));
            self.freed.notify_waiters();
        }
    }
}

/// Runs on while nobody waits; without a runtime the future is dropped, which discards what it owns.
pub(crate) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => drop(work),
    }
}

fn send_cancel(client: &ClientWrapper) {
    let token = client.cancel_token();
    in_background(async move {
        match timeout(CLEAN_UP, token.cancel_query(NoTls)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a statement could not be cancelled"),
            Err(_) => tracing::debug!("a statement could not be cancelled in time"),
        }
    });
}

fn closed() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the database handle is closed")
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("target", &self.target)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}
