//! Documents out of a database.

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use den_backend::{Error, ErrorKind, RawDocument, Result};
use futures_util::future::join;

use crate::{
    Db,
    transfer::{
        archive::{ArchiveWriter, Index, Opening},
        document::canonical,
        files::{Hash, Partial, blocking, unwritable},
        names,
        options::{Observer, Progress, Stage, Transferred},
        snapshot::{Snapshot, all_collections, constraints},
    },
};
#[cfg(feature = "csv")]
use crate::{
    IntoFieldPath, Json, QuerySet,
    transfer::csv::{self, CsvOptions},
};

/// Writes documents out of a database.
///
/// # Behavior
///
/// - All collections are written as they are at one moment, while others write.
/// - Documents are read page by page, so what is in memory does not grow with the database.
/// - A file is written under another name and put in place when it is complete; an export that fails or
///   is dropped leaves nothing behind.
/// - Documents are written as canonical JSON in order of id: equal content gives equal files.
///
/// ```
/// # use den::prelude::*;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use den::transfer::{Destination, Export};
///
/// # let folder = std::env::temp_dir().join(format!("den-export-{}", std::process::id()));
/// let db = Db::open("sqlite://:memory:").await?;
/// Export::new(&db).jsonl(&folder).await?;
/// Export::new(&db).archive(folder.join("shop.den")).await?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "an export does nothing until it is told where to write"]
pub struct Export {
    db: Db,
    collections: Option<Vec<String>>,
    observer: Observer,
}

/// Where something is written to: a file by its path, or a writer.
pub struct Destination(Kind);

enum Kind {
    Path(PathBuf),
    Writer(Box<dyn Write + Send>),
}

impl Destination {
    /// Writes to anything.
    pub fn writer(writer: impl Write + Send + 'static) -> Self {
        Self(Kind::Writer(Box::new(writer)))
    }

    fn path(&self) -> PathBuf {
        match &self.0 {
            Kind::Path(path) => path.clone(),
            Kind::Writer(_) => PathBuf::from("the output"),
        }
    }

    pub(super) fn open(self) -> Result<Output> {
        let path = self.path();
        let to = match self.0 {
            Kind::Path(path) => To::File(Partial::create(&path)?),
            Kind::Writer(writer) => To::Writer(io::BufWriter::new(writer)),
        };
        Ok(Output { to, path })
    }
}

/// Something that is written to.
pub(super) struct Output {
    to: To,
    path: PathBuf,
}

enum To {
    File(Partial),
    Writer(io::BufWriter<Box<dyn Write + Send>>),
}

impl Output {
    pub(super) fn finish(self) -> Result<()> {
        match self.to {
            To::File(file) => file.finish(),
            To::Writer(mut writer) => writer.flush().map_err(|it| unwritable(&self.path, it)),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::File(file) => file.write(bytes),
            To::Writer(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::File(file) => file.flush(),
            To::Writer(writer) => writer.flush(),
        }
    }
}

impl Export {
    /// An export of this database.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            collections: None,
            observer: Observer::default(),
        }
    }

    /// Writes only these collections.
    pub fn collections(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.collections = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Has this called now and then.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(tell);
        self
    }

    /// Writes a file of JSON Lines for each collection into a folder: `products.jsonl`, a document on each
    /// line. Files of that name are replaced.
    ///
    /// # Errors
    ///
    /// - `NotRegistered` for a collection that is not there.
    /// - `InvalidQuery` for two names that many file systems cannot tell apart.
    pub async fn jsonl(self, folder: impl AsRef<Path>) -> Result<Transferred> {
        let names = match &self.collections {
            Some(names) => names.clone(),
            None => self.db.collections().await?,
        };
        refuse_alike(&names)?;
        let snapshot = Snapshot::open(&self.db).await?;
        let mut done = Transferred::default();
        let mut files = Vec::new();
        for name in &names {
            let path = folder.as_ref().join(names::file_of(name));
            let file = blocking(move || Destination::from(path).open()).await?;
            let lines = JsonLines {
                out: file,
                hash: Hash::default(),
            };
            let lines = self.write(&snapshot, name, lines, &mut done).await?;
            done.of(name).sha256 = Some(lines.hash.hex());
            files.push(lines.out);
        }
        blocking(move || files.into_iter().try_for_each(Output::finish)).await?;
        Ok(done)
    }

    /// Writes an archive: one stream that knows whether it is whole.
    ///
    /// # Behavior
    ///
    /// - It holds all collections, den's own records of migrations and attachments among them unless
    ///   collections are named, and their constraints. Of indexes it holds the names, for people:
    ///   registering the types makes them.
    ///
    /// # Errors
    ///
    /// `NotRegistered` for a collection that is not there.
    pub async fn archive(self, to: impl Into<Destination>) -> Result<Transferred> {
        let to = to.into();
        let names = match &self.collections {
            Some(names) => names.clone(),
            None => all_collections(&self.db).await?,
        };
        let snapshot = Snapshot::open(&self.db).await?;
        let path = to.path();
        let header = names.clone();
        let failed = move |it| unwritable(&path, it);
        let begin = move || {
            let out = to.open()?;
            ArchiveWriter::begin(out, header).map_err(failed)
        };
        let mut archive = blocking(begin).await?;
        let mut done = Transferred::default();
        for name in &names {
            let opening = self.opening(name).await?;
            archive = blocking(move || {
                archive.open(opening).map_err(not_written)?;
                Ok(archive)
            })
            .await?;
            archive = self.write(&snapshot, name, archive, &mut done).await?;
            let of = name.clone();
            let (back, sha256) = blocking(move || {
                let sha256 = archive.close(of).map_err(not_written)?;
                Ok((archive, sha256))
            })
            .await?;
            archive = back;
            done.of(name).sha256 = Some(sha256);
        }
        blocking(move || archive.finish().map_err(not_written)?.finish()).await?;
        Ok(done)
    }

    /// Writes CSV: the documents of a query, a column for each of these fields, which the first record
    /// names. Null and missing are empty; no array or object fits in, unless the options say so.
    ///
    /// # Errors
    ///
    /// `InvalidQuery`, naming document and field, for an array or object.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # use den::transfer::{Import, Source};
    /// # let text = r#"[{"name": "Widget", "price": 9.5}]"#;
    /// # Import::new(&db).json_array("products", Source::reader(text.as_bytes())).await?;
    /// use den::transfer::{CsvOptions, Export};
    ///
    /// # let file = std::env::temp_dir().join(format!("den-cheap-{}.csv", std::process::id()));
    /// let cheap = db.collection("products").query().filter(field("price").lt(10));
    /// Export::new(&db).csv(cheap, ["name", "price"], &file, CsvOptions::new()).await?;
    /// assert_eq!(std::fs::read_to_string(&file).unwrap(), "name,price\nWidget,9.5\n");
    /// # std::fs::remove_file(&file).unwrap();
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    #[cfg(feature = "csv")]
    pub async fn csv<P: IntoFieldPath>(
        self,
        selection: QuerySet<Json>,
        columns: impl IntoIterator<Item = P>,
        to: impl Into<Destination>,
        options: CsvOptions,
    ) -> Result<Transferred> {
        let paths = columns.into_iter().map(IntoFieldPath::into_field_path);
        let paths = paths.collect::<Result<Vec<_>>>()?;
        csv::write(selection, paths, to.into(), options, &self.observer).await
    }

    async fn opening(&self, name: &str) -> Result<Opening> {
        let indexes = self.db.backend().list_recorded_indexes(name).await?;
        let indexes = indexes.into_iter().map(|it| Index {
            name: it.name,
            fields: it.fields,
            unique: it.unique,
        });
        Ok(Opening {
            name: name.to_owned(),
            indexes: indexes.collect(),
            constraints: constraints(&self.db, name).await?,
        })
    }

    /// Writes the documents of a collection.
    async fn write<S: Sink>(
        &self,
        snapshot: &Snapshot,
        name: &str,
        mut sink: S,
        done: &mut Transferred,
    ) -> Result<S> {
        let total = snapshot.count(name).await?;
        if total.is_none() {
            return Err(Error::not_registered(name));
        }
        let mut progress = Progress::new(Stage::Export, name, total);
        let collection: Arc<str> = name.into();
        let mut walk = snapshot.walk(name);
        let mut page = walk.page().await?;
        while !page.is_empty() {
            progress.documents += page.len() as u64;
            let of = Arc::clone(&collection);
            let writing = blocking(move || write_page(&of, &page, sink));
            // The next page is read while this one is written.
            let (written, next) = join(writing, walk.page()).await;
            sink = written?;
            page = next?;
            self.observer.tell(&progress);
        }
        done.of(name).documents = progress.documents;
        Ok(sink)
    }
}

/// Something that documents are written to, one after the other.
trait Sink: Send + 'static {
    fn document(&mut self, canonical: &str) -> io::Result<()>;
}

struct JsonLines {
    out: Output,
    hash: Hash,
}

impl Sink for JsonLines {
    fn document(&mut self, canonical: &str) -> io::Result<()> {
        self.hash.line(canonical);
        self.out.write_all(canonical.as_bytes())?;
        self.out.write_all(b"\n")
    }
}

impl Sink for ArchiveWriter<Output> {
    fn document(&mut self, canonical: &str) -> io::Result<()> {
        Self::document(self, canonical)
    }
}

fn write_page<S: Sink>(collection: &str, page: &[RawDocument], mut sink: S) -> Result<S> {
    for raw in page {
        let text = canonical(collection, raw)?;
        sink.document(&text).map_err(not_written)?;
    }
    Ok(sink)
}

pub(super) fn not_written(why: io::Error) -> Error {
    Error::new(ErrorKind::Backend, "the output cannot be written").with_source(why)
}

fn refuse_alike(names: &[String]) -> Result<()> {
    let mut lower: Vec<(String, &String)> =
        names.iter().map(|it| (it.to_lowercase(), it)).collect();
    lower.sort_unstable();
    match lower.windows(2).find(|it| it[0].0 == it[1].0) {
        Some(alike) => Err(Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "the collections `{}` and `{}` would share a file where case does not matter; \
                 export them one by one, or as an archive",
                alike[0].1, alike[1].1
            ),
        )),
        None => Ok(()),
    }
}

impl From<&Path> for Destination {
    fn from(path: &Path) -> Self {
        Self(Kind::Path(path.to_owned()))
    }
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Path(path))
    }
}

impl From<&PathBuf> for Destination {
    fn from(path: &PathBuf) -> Self {
        Self(Kind::Path(path.clone()))
    }
}

impl From<&str> for Destination {
    fn from(path: &str) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl From<String> for Destination {
    fn from(path: String) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&self.path()).finish()
    }
}
