//! Checkpoints: moving what was committed from the write-ahead log into the database file, on a
//! thread of their own, so that no commit waits for the disk.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use crate::{connection::Connection, threads::Threads};

/// A checkpoint starts when the log has so many pages more than at the last one.
const PAGES: u32 = 1000;

/// A log of so many pages is worth keeping writers waiting for a moment, to start it anew.
const MANY_PAGES: u32 = 8 * PAGES;

/// Where the writer's connection lies.
pub(crate) type WriterSlot = Arc<tokio::sync::Mutex<Option<Connection>>>;

/// When and how checkpoints are made.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    threads: Arc<Threads>,
    writer: WriterSlot,
    connection: Mutex<Option<Connection>>,
    running: AtomicBool,
    /// The size of the log at which the next checkpoint is due.
    due: AtomicU32,
    /// The next commit starts the log anew, and waits for the disk in doing so.
    restarts: AtomicBool,
}

impl Checkpoints {
    pub(crate) fn new(threads: Arc<Threads>, writer: WriterSlot, connection: Connection) -> Self {
        Self {
            threads,
            writer,
            connection: Mutex::new(Some(connection)),
            running: AtomicBool::new(false),
            due: AtomicU32::new(PAGES),
            restarts: AtomicBool::new(false),
        }
    }

    /// Takes note of the size of the log after a write, and has a checkpoint made when it is due.
    pub(crate) fn wrote(self: &Arc<Self>, pages: u32) {
        let due = self.due.load(Ordering::Relaxed);
        if pages < due {
            if pages < PAGES && due > PAGES {
                // The log was started anew since the last checkpoint.
                self.due.store(PAGES, Ordering::Relaxed);
            }
            return;
        }
        if self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = Arc::clone(self);
        self.threads.spawn(move || {
            let size = this.run();
            if let Some(size) = size {
                let due = size.saturating_add(PAGES);
                this.due.store(due, Ordering::Relaxed);
            }
            this.running.store(false, Ordering::Release);
        });
    }

    /// Whether the next commit waits for the disk; asked once, it is forgotten.
    pub(crate) fn next_commit_waits(&self) -> bool {
        self.restarts.load(Ordering::Relaxed) && self.restarts.swap(false, Ordering::Relaxed)
    }

    /// Makes a last checkpoint, if nobody else uses the database, and closes the connection.
    pub(crate) fn finish(&self) {
        let mut connection = self.lock();
        if let Some(connection) = connection.take() {
            // Another program may be reading or writing; then it makes the checkpoint.
            if let Err(error) = checkpoint(&connection, "PRAGMA wal_checkpoint(TRUNCATE)") {
                tracing::debug!(%error, "the last checkpoint was left to someone else");
            }
        }
    }

    /// The size of the log afterwards.
    fn run(&self) -> Option<u32> {
        let mut connection = self.lock();
        let connection = connection.as_mut()?;
        let mut state = passive(connection)?;
        if state.log >= MANY_PAGES {
            // Under steady writing something was added meanwhile, and the log, which can only be
            // started anew when all of it was moved, would grow for ever.
            let _writer = self.writer.blocking_lock();
            state = passive(connection)?;
        }
        if state.moved == state.log {
            self.restarts.store(true, Ordering::Relaxed);
        }
        Some(state.log)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log in pages, and how many of them are in the database file.
struct State {
    log: u32,
    moved: u32,
}

fn passive(connection: &Connection) -> Option<State> {
    match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
        Ok(state) => Some(state),
        Err(error) => {
            tracing::warn!(%error, "a checkpoint of the SQLite database failed");
            None
        }
    }
}

fn checkpoint(connection: &Connection, sql: &'static str) -> rusqlite::Result<State> {
    connection.query_row(sql, [], |row| {
        let pages = |index| -> rusqlite::Result<u32> {
            let pages: i64 = row.get(index)?;
            Ok(u32::try_from(pages).unwrap_or(0))
        };
        Ok(State {
            log: pages(1)?,
            moved: pages(2)?,
        })
    })
}
