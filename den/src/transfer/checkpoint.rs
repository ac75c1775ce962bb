//! A consistent copy of a database in one file, and back.

use std::{
    fs,
    future::IntoFuture,
    io::Read,
    path::{Path, PathBuf},
};

use den_backend::{Error, ErrorKind, Result};
use futures_util::future::BoxFuture;

use crate::{
    Db,
    transfer::{
        copy::copy,
        export::Export,
        files::{blocking, unreadable},
        import::Import,
        options::{Mode, Observer, Progress, Transferred},
    },
};

/// How a file of SQLite begins.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// What a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Checkpoint {
    /// A database of SQLite, to be opened as it is.
    Sqlite,
    /// An archive.
    Archive,
}

/// Writes a copy of a database to a file, as it is at one moment, while others write.
///
/// # Behavior
///
/// - A database of SQLite is copied whole by SQLite itself, indexes and foreign tables included, and can be
///   opened as it is. Of any other, an [archive](Export::archive) is written.
/// - The file is there when it is complete. It must not exist: nothing is overwritten.
///
/// # Errors
///
/// `InvalidQuery` for a path that is taken.
///
/// ```
/// # use den::prelude::*;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let folder = std::env::temp_dir().join(format!("den-checkpoint-{}", std::process::id()));
/// # let file = folder.join("shop.checkpoint");
/// # let db = Db::open("sqlite://:memory:").await?;
/// den::transfer::checkpoint(&db, &file).await?;
///
/// let fresh = Db::open("sqlite://:memory:").await?; // or "postgres://user:pw@host/shop"
/// den::transfer::restore(&file, &fresh).await?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
pub async fn checkpoint(db: &Db, path: impl AsRef<Path>) -> Result<Checkpoint> {
    checkpoint_observed(db, path.as_ref(), &Observer::default()).await
}

/// The same, and tells how far it is; SQLite itself does not say.
pub async fn checkpoint_with_progress(
    db: &Db,
    path: impl AsRef<Path>,
    tell: impl Fn(&Progress) + Send + Sync + 'static,
) -> Result<Checkpoint> {
    checkpoint_observed(db, path.as_ref(), &Observer::new(tell)).await
}

async fn checkpoint_observed(db: &Db, path: &Path, observer: &Observer) -> Result<Checkpoint> {
    if path.exists() {
        let path = path.display();
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            format!("{path} is there already; a checkpoint overwrites nothing"),
        ));
    }
    #[cfg(feature = "sqlite")]
    if den_sqlite::sqlite::is_sqlite(db.backend()) {
        sqlite::copy_to(db, path).await?;
        return Ok(Checkpoint::Sqlite);
    }
    let observer = observer.clone();
    let export = Export::new(db).on_progress(move |it| observer.tell(it));
    export.archive(path).await?;
    Ok(Checkpoint::Archive)
}

/// Reads a [checkpoint], or another archive or database of SQLite, into a database.
///
/// # Behavior
///
/// - The collections of the checkpoint must be empty in the database, unless a [mode](Restore::mode) says
///   otherwise; others are left alone. Register the types before or afterwards for their indexes.
/// - What was stored is read again and compared.
/// - All of it is stored, or nothing; the file is not changed.
///
/// # Errors
///
/// - `Corrupt` for an archive that is not whole, before anything is written.
/// - `Duplicate` for a collection that must be empty and is not.
pub fn restore(path: impl AsRef<Path>, db: &Db) -> Restore {
    Restore {
        path: path.as_ref().to_owned(),
        db: db.clone(),
        mode: Mode::default(),
        observer: Observer::default(),
    }
}

/// A restore that is about to be made; await it.
#[derive(Debug, Clone)]
#[must_use = "nothing is restored until it is awaited"]
pub struct Restore {
    path: PathBuf,
    db: Db,
    mode: Mode,
    observer: Observer,
}

impl Restore {
    /// What becomes of what the collections hold already; [`Mode::RequireEmpty`] unless said.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Has this called now and then.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(tell);
        self
    }

    async fn run(self) -> Result<Transferred> {
        let path = self.path.clone();
        let observer = self.observer.clone();
        let tell = move |it: &Progress| observer.tell(it);
        if !blocking(move || is_sqlite_file(&path)).await? {
            let import = Import::new(&self.db).mode(self.mode).on_progress(tell);
            return import.in_one_transaction().archive(self.path).await;
        }
        let from = self.open_sqlite().await?;
        let copy = copy(&from, &self.db).mode(self.mode).on_progress(tell);
        let done = copy.in_one_transaction().await;
        from.close().await?;
        done
    }

    #[cfg(feature = "sqlite")]
    async fn open_sqlite(&self) -> Result<Db> {
        Db::open(sqlite::url_of(&self.path)?).await
    }

    #[cfg(not(feature = "sqlite"))]
    async fn open_sqlite(&self) -> Result<Db> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "this is a database of SQLite, and den was built without its feature `sqlite`",
        ))
    }
}

impl IntoFuture for Restore {
    type Output = Result<Transferred>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn is_sqlite_file(path: &Path) -> Result<bool> {
    let label = path.display().to_string();
    let file = fs::File::open(path).map_err(|it| unreadable(&label, it))?;
    let mut start = Vec::new();
    let read = file.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut start);
    read.map_err(|it| unreadable(&label, it))?;
    Ok(start == SQLITE_MAGIC)
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::{
        fmt::Write,
        fs,
        path::{Path, PathBuf},
    };

    use den_backend::{Error, ErrorKind, Result};

    use crate::{
        Db,
        transfer::files::{blocking, place, temporary_path, unwritable},
    };

    /// Has SQLite copy itself.
    pub(super) async fn copy_to(db: &Db, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            let folder = folder.to_owned();
            blocking(move || fs::create_dir_all(&folder).map_err(|it| unwritable(&folder, it)))
                .await?;
        }
        let temporary = Temporary(temporary_path(path));
        den_sqlite::sqlite::vacuum_into(db.backend(), &temporary.0).await?;
        let path = path.to_owned();
        blocking(move || {
            let synced = fs::File::open(&temporary.0).and_then(|it| it.sync_all());
            let placed = synced.and_then(|()| place(&temporary.0, &path));
            placed.map_err(|it| unwritable(&path, it))
        })
        .await
    }

    /// A file that is removed, unless it was moved.
    struct Temporary(PathBuf);

    impl Drop for Temporary {
        fn drop(&mut self) {
            // Most often it is gone: it has been given its name.
            let _ = fs::remove_file(&self.0);
        }
    }

    /// The URL of a file that is only read.
    pub(super) fn url_of(path: &Path) -> Result<String> {
        let Some(text) = path.to_str() else {
            let message = "the path is no text";
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        };
        let mut url = String::from("sqlite:///");
        for it in text.bytes() {
            if it.is_ascii_alphanumeric() || b"/._-~".contains(&it) {
                url.push(char::from(it));
            } else {
                // Writing into memory has no way to fail.
                let _ = write!(url, "%{it:02X}");
            }
        }
        url.push_str("?mode=ro");
        Ok(url)
    }
}
