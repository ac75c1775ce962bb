//! The connections of one database: some that read, one that writes, one that makes checkpoints.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use den_backend::{Error, ErrorKind, PoolStats, Result};
use tokio::sync::{OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::{
    checkpoint::{Checkpoints, WriterSlot},
    connection::{Connection, Role, Source},
    error::closed,
    options::{Mode, Options},
    threads::Threads,
};

/// Connections that are kept beside those that scan: one for point reads (so that these never
/// wait for a scan), the writer, and the one that makes checkpoints.
const EXTRA: usize = 3;

/// The connections of one database.
pub(crate) struct Pool {
    options: Options,
    threads: Arc<Threads>,
    writer: WriterSlot,
    checkpoints: Arc<Checkpoints>,
    readers: Arc<Readers>,
    waiting: AtomicUsize,
    closed: AtomicBool,
}

/// The connections that read.
#[derive(Debug)]
struct Readers {
    idle: Mutex<Vec<Connection>>,
    /// One permit for each connection that there may be.
    all: Arc<Semaphore>,
    /// One permit for each that may be held for long: all but one.
    scans: Arc<Semaphore>,
    open: AtomicUsize,
    /// Last, because on Windows open files cannot be deleted with it.
    source: Source,
}

/// What a reading connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A bounded piece of work.
    Point,
    /// A scan, a stream, a transaction.
    Scan,
}

/// A connection in use; it goes back when dropped, without a transaction.
#[derive(Debug)]
pub(crate) enum Lease {
    Reader(Reader),
    Writer(Writer),
}

/// A reading connection in use.
pub(crate) struct Reader {
    /// None only once it was given back.
    connection: Option<Connection>,
    home: Arc<Readers>,
    _all: OwnedSemaphorePermit,
    _scan: Option<OwnedSemaphorePermit>,
}

/// The writing connection in use.
pub(crate) struct Writer {
    connection: OwnedMappedMutexGuard<Option<Connection>, Connection>,
    checkpoints: Arc<Checkpoints>,
}

impl Pool {
    /// Opens a database. Blocks.
    pub(crate) fn open(options: Options, threads: Arc<Threads>) -> Result<Self> {
        let mut source = Source::locate(&options)?;
        let writer = source.open(Role::Writer)?;
        let checkpointer = source.open(Role::Checkpointer)?;
        let size = options.max_connections + 1;
        let mut idle = vec![source.open(Role::Reader)?];
        if source.is_memory() {
            while idle.len() < size {
                idle.push(source.open(Role::Reader)?);
            }
            source.forget_name();
        }
        let writer = Arc::new(tokio::sync::Mutex::new(Some(writer)));
        let checkpoints = Checkpoints::new(Arc::clone(&threads), Arc::clone(&writer), checkpointer);
        Ok(Self {
            readers: Arc::new(Readers {
                source,
                open: AtomicUsize::new(idle.len()),
                idle: Mutex::new(idle),
                all: Arc::new(Semaphore::new(size)),
                scans: Arc::new(Semaphore::new(options.max_connections)),
            }),
            options,
            threads,
            writer,
            checkpoints: Arc::new(checkpoints),
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// Where blocking work goes.
    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }

    /// Whether the next commit may wait for the disk.
    pub(crate) fn next_commit_waits(&self) -> bool {
        self.options.commits_wait_for_disk() || self.checkpoints.next_commit_waits()
    }

    /// Fails once the database was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self, purpose: Purpose) -> Result<Lease> {
        self.check_open()?;
        let scan = match purpose {
            Purpose::Point => None,
            Purpose::Scan => Some(self.permit(&self.readers.scans).await?),
        };
        let all = self.permit(&self.readers.all).await?;
        let idle = self.readers.idle().pop();
        let home = Arc::clone(&self.readers);
        let lease = |connection, home| {
            Lease::Reader(Reader {
                connection: Some(connection),
                home,
                _all: all,
                _scan: scan,
            })
        };
        if let Some(connection) = idle {
            return Ok(lease(connection, home));
        }
        // Opening a connection reads files.
        self.threads
            .run(move || {
                let connection = home.source.open(Role::Reader)?;
                home.open.fetch_add(1, Ordering::Relaxed);
                Ok(lease(connection, home))
            })
            .await?
    }

    /// The connection to write with, once everyone before in the queue is done.
    pub(crate) async fn writer(&self) -> Result<Lease> {
        self.check_open()?;
        if self.options.mode == Mode::ReadOnly {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "the database was opened for reading only (`mode=ro`)",
            ));
        }
        let guard = match Arc::clone(&self.writer).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => {
                let queue = Arc::clone(&self.writer).lock_owned();
                self.wait(queue).await.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Locked,
                        "another write or transaction of this program held the database for too \
                         long",
                    )
                })?
            }
        };
        let connection = OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| closed())?;
        Ok(Lease::Writer(Writer {
            connection,
            checkpoints: Arc::clone(&self.checkpoints),
        }))
    }

    /// How busy the connections are.
    pub(crate) fn stats(&self) -> PoolStats {
        let max_connections = self.options.max_connections + EXTRA;
        if self.closed.load(Ordering::Acquire) {
            return PoolStats {
                max_connections,
                ..PoolStats::default()
            };
        }
        let open = self.readers.open.load(Ordering::Relaxed);
        let writer_is_idle = self.writer.try_lock().is_ok();
        PoolStats {
            max_connections,
            connections: open + 2,
            idle: self.readers.idle().len() + usize::from(writer_is_idle) + 1,
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Waits for running work and closes every connection.
    pub(crate) async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        let readers = Arc::clone(&self.readers.all);
        let permits = u32::try_from(self.options.max_connections + 1).unwrap_or(u32::MAX);
        let busy = || {
            Error::new(
                ErrorKind::Timeout,
                "the database is closed to new work, but a stream or transaction is still open",
            )
        };
        let all = readers.acquire_many_owned(permits);
        // Held until nobody can get one any more: a reader in the queue would take its place.
        let Ok(permits) = self.wait(all).await.ok_or_else(busy)? else {
            // Closed before: there is nothing left to do.
            return Ok(());
        };
        let queue = self.writer.lock();
        let writer = self.wait(queue).await.ok_or_else(busy)?.take();
        self.readers.scans.close();
        self.readers.all.close();
        drop(permits);
        let readers = Arc::clone(&self.readers);
        let checkpoints = Arc::clone(&self.checkpoints);
        let finish = move || {
            readers.idle().clear();
            drop(writer);
            checkpoints.finish();
        };
        self.threads.run(finish).await
    }

    async fn permit(&self, semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(semaphore).try_acquire_owned() {
            return Ok(permit);
        }
        let queue = Arc::clone(semaphore).acquire_owned();
        match self.wait(queue).await {
            Some(permit) => permit.map_err(|_| closed()),
            None => Err(Error::new(
                ErrorKind::Timeout,
                "no connection became free in time; are streams or read-only transactions left \
                 open?",
            )
            .with_retryable(true)),
        }
    }

    /// Waits in a queue, not for longer than allowed.
    async fn wait<T>(&self, queue: impl Future<Output = T>) -> Option<T> {
        let _counted = Waiting::new(&self.waiting);
        tokio::time::timeout(self.options.acquire_timeout, queue)
            .await
            .ok()
    }
}

/// One more caller waits for as long as this lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // Held for a push or a pop only.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if connection.clean() || self.home.source.is_memory() {
            self.home.idle().push(connection);
        } else {
            self.home.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.connection.clean();
        self.checkpoints.wrote(self.connection.wal_pages());
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Reader(it) => it
                .connection
                .as_ref()
                .expect("a reader has its connection until it is dropped"),
            Self::Writer(it) => &it.connection,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Self::Reader(it) => it
                .connection
                .as_mut()
                .expect("a reader has its connection until it is dropped"),
            Self::Writer(it) => &mut it.connection,
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("options", &self.options)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
