//! One connection, set up as den needs it.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use den_backend::{Error, ErrorKind, Result};
use rusqlite::{ErrorCode, OpenFlags, OptionalExtension};

use crate::{
    error::not_opened,
    functions,
    options::{Location, Mode, Options},
};

/// Between two looks at whether a scan was cancelled, in steps of SQLite's virtual machine.
const STEPS: i32 = 1000;

/// How long a read may take that is tried where the call is made.
pub(crate) const BRIEF: Duration = Duration::from_micros(500);

/// Between two looks at the clock. A step may be the reading of a document: not many, then.
const BRIEF_STEPS: i32 = 200;

/// A connection to SQLite with den's settings.
///
/// # Behavior
///
/// - It does not wait for other programs, except in [`patiently`](Self::patiently).
pub(crate) struct Connection {
    sql: rusqlite::Connection,
    busy_timeout: Duration,
    wal_pages: Arc<AtomicU32>,
}

/// Where connections are made from.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    /// The folder of a database in memory, until every connection has its files open.
    folder: Option<tempfile::TempDir>,
    mode: Mode,
    options: Options,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
    Checkpointer,
}

impl Source {
    /// Finds the place of the database: makes its folder, refuses what cannot be a database.
    pub(crate) fn locate(options: &Options) -> Result<Self> {
        let (path, folder) = match &options.location {
            Location::File(path) => {
                check_path(path, options.mode)?;
                (path.clone(), None)
            }
            Location::Memory => {
                let folder = private_folder()?;
                (folder.path().join("memory.db"), Some(folder))
            }
        };
        Ok(Self {
            path,
            folder,
            mode: options.mode,
            options: options.clone(),
        })
    }

    /// Whether every connection must be made at once, because the files will have no name.
    pub(crate) fn is_memory(&self) -> bool {
        self.options.location == Location::Memory
    }

    /// Takes the name of an in-memory database's files away, so that nothing is left of it
    /// however the program ends.
    pub(crate) fn forget_name(&mut self) {
        // Windows refuses to delete open files; there the folder goes with the last use.
        if cfg!(unix) {
            self.folder = None;
        }
    }

    /// Opens one connection.
    pub(crate) fn open(&self, role: Role) -> Result<Connection> {
        self.connect(role)
            .map_err(|error| not_opened(error, &self.path))
    }

    fn connect(&self, role: Role) -> rusqlite::Result<Connection> {
        let options = &self.options;
        let access = match self.mode {
            Mode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        // den never uses one connection in two threads at once, so SQLite need not lock either.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let mut sql = rusqlite::Connection::open_with_flags(&self.path, flags)?;
        sql.busy_timeout(options.busy_timeout)?;
        sql.set_prepared_statement_cache_capacity(options.statement_cache);
        let synchronous = match options.location {
            Location::File(_) => options.synchronous.as_str(),
            Location::Memory => "OFF",
        };
        sql.pragma_update(None, "synchronous", synchronous)?;
        if role == Role::Writer && self.mode != Mode::ReadOnly {
            sql.pragma_update(None, "page_size", options.page_size)?;
            enter_wal(&sql, options.busy_timeout)?;
        }
        sql.pragma_update(None, "foreign_keys", options.foreign_keys)?;
        sql.pragma_update(None, "temp_store", "MEMORY")?;
        sql.pragma_update(None, "cache_size", options.cache_size)?;
        // It answers nothing where memory mapping is compiled out.
        sql.pragma_update_and_check(None, "mmap_size", options.mmap_size, |_| Ok(()))
            .optional()?;
        sql.pragma_update_and_check(
            None,
            "journal_size_limit",
            options.journal_size_limit,
            |_| Ok(()),
        )?;
        functions::register(&sql)?;
        if role == Role::Reader {
            sql.pragma_update(None, "query_only", true)?;
        }
        // The first read opens the write-ahead log, which must happen while it has a name.
        sql.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
        let wal_pages = Arc::new(AtomicU32::new(0));
        if role == Role::Writer {
            let seen = Arc::clone(&wal_pages);
            // This also takes SQLite's own checkpoints off the writer: `checkpoint` does them.
            sql.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))?;
        }
        sql.busy_timeout(Duration::ZERO)?;
        Ok(Connection {
            sql,
            busy_timeout: options.busy_timeout,
            wal_pages,
        })
    }
}

impl Connection {
    /// Runs `work`, in which SQLite waits for other programs as long as the URL says.
    pub(crate) fn patiently<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        // Setting a timeout on an open connection has no way to fail.
        let _ = self.sql.busy_timeout(self.busy_timeout);
        let answer = work(self);
        let _ = self.sql.busy_timeout(Duration::ZERO);
        answer
    }

    /// Runs `work`, in which SQLite stops soon after `cancelled` becomes true.
    pub(crate) fn cancellable<T>(
        &mut self,
        cancelled: &Arc<AtomicBool>,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        // A handler that looks at a flag of this one piece of work can, unlike an interrupt, not
        // hit whoever uses the connection next.
        let flag = Arc::clone(cancelled);
        let handler = move || flag.load(Ordering::Relaxed);
        let _ = self.sql.progress_handler(STEPS, Some(handler));
        let answer = work(self);
        let _ = self.sql.progress_handler(0, None::<fn() -> bool>);
        answer
    }

    /// Runs `work`, in which SQLite stops once it took too long for the thread it is on.
    pub(crate) fn briefly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let handler = move || started.elapsed() > BRIEF;
        let _ = self.sql.progress_handler(BRIEF_STEPS, Some(handler));
        let answer = work(self);
        let _ = self.sql.progress_handler(0, None::<fn() -> bool>);
        answer
    }

    /// How many pages the write-ahead log had after the last commit here.
    pub(crate) fn wal_pages(&self) -> u32 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// Ends a transaction that was left open, and says whether the connection may be used again.
    pub(crate) fn clean(&mut self) -> bool {
        // A panic in the middle of work leaves these set, and they would stop the next user's.
        let _ = self.sql.progress_handler(0, None::<fn() -> bool>);
        let _ = self.sql.busy_timeout(Duration::ZERO);
        if !self.sql.is_autocommit() {
            let rolled_back = self.sql.execute_batch("ROLLBACK");
            if let Err(error) = rolled_back {
                tracing::warn!(%error, "could not roll back a SQLite transaction");
            }
        }
        self.sql.is_autocommit()
    }
}

impl Deref for Connection {
    type Target = rusqlite::Connection;

    fn deref(&self) -> &rusqlite::Connection {
        &self.sql
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("path", &self.sql.path())
            .finish_non_exhaustive()
    }
}

/// Switches a database to write-ahead logging, if it is not there already.
fn enter_wal(sql: &rusqlite::Connection, timeout: Duration) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        let mode =
            sql.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
                let message = "the place does not allow write-ahead logging".to_owned();
                return Err(rusqlite::Error::SqliteFailure(code, Some(message)));
            }
            // SQLite does not use its busy timeout here when several programs switch at once.
            Err(error) if is_busy(&error) && started.elapsed() < timeout => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn check_path(path: &Path, mode: Mode) -> Result<()> {
    let refuse = |message: String| Err(Error::new(ErrorKind::ConnectionLost, message));
    if path.is_dir() {
        return refuse(format!(
            "the SQLite database `{}` is a folder",
            path.display()
        ));
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    match mode {
        Mode::Create => {
            let Some(folder) = folder else { return Ok(()) };
            std::fs::create_dir_all(folder).map_err(|error| {
                let message = format!(
                    "could not make the folder `{}` for the SQLite database",
                    folder.display()
                );
                Error::new(ErrorKind::ConnectionLost, message).with_source(error)
            })
        }
        Mode::ReadWrite | Mode::ReadOnly if path.exists() => Ok(()),
        Mode::ReadWrite | Mode::ReadOnly => refuse(format!(
            "there is no SQLite database `{}`; `mode=rwc` would make one",
            path.display()
        )),
    }
}

/// A folder of its own for a database in memory: SQLite keeps readers and a writer apart only in
/// files, so the database is a file that nobody else can open and that never waits for the disk.
fn private_folder() -> Result<tempfile::TempDir> {
    let places = [std::env::temp_dir(), "/dev/shm".into(), "/var/tmp".into()];
    let mut failed = None;
    for place in &places {
        match tempfile::Builder::new().prefix("den-").tempdir_in(place) {
            Ok(folder) => return Ok(folder),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let message = format!(
        "could not make a temporary folder in `{}` for a database in memory",
        places[0].display()
    );
    let error = Error::new(ErrorKind::ConnectionLost, message);
    Err(match failed {
        Some(source) => error.with_source(source),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use den_backend::{DatabaseUrl, OpenOptions};

    use super::*;

    #[test]
    fn a_panic_leaves_no_limits_behind() {
        let url = DatabaseUrl::parse("sqlite::memory:").unwrap();
        let options = Options::parse(&url, &OpenOptions::default()).unwrap();
        let source = Source::locate(&options).unwrap();
        let mut connection = source.open(Role::Writer).unwrap();
        let cancelled = Arc::new(AtomicBool::new(true));
        let work = AssertUnwindSafe(|| {
            connection.cancellable(&cancelled, |it| it.patiently(|_| panic!("as expected")))
        });
        assert!(catch_unwind(work).is_err());
        let timeout = |it: &Connection| -> i64 {
            it.pragma_query_value(None, "busy_timeout", |row| row.get(0))
                .unwrap()
        };
        assert_ne!(timeout(&connection), 0);
        assert!(connection.clean());
        assert_eq!(timeout(&connection), 0);
        let long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)
            SELECT sum(i) FROM n";
        let sum: i64 = connection.query_row(long, [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 50_005_000);
    }
}
