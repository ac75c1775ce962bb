//! Documents into a database.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use den_backend::{Error, ErrorKind, Result};
use futures_util::future::join;

#[cfg(feature = "csv")]
use crate::transfer::csv::{CsvOptions, Records};
use crate::{
    Db,
    transfer::{
        archive::{self, ArchiveItems},
        array::Elements,
        bad::BadLines,
        document::{Bad, Reading},
        feed::{Batch, Feed},
        files::{Source, blocking, unreadable},
        items::{Items, JsonLines, Lines, place},
        names,
        number::Numbers,
        options::{Mode, Observer, Progress, Stage, Transferred},
        position::Position,
        put::{OnBad, Rejected, Scope, Target},
        snapshot::ensure,
        verify,
    },
};

/// Reads documents into a database.
///
/// # Behavior
///
/// - Collections that are not there are made, without declared indexes: registering their types adds those.
/// - A document with an `_id` is stored as it is, its times and revision included; no hook runs. One
///   without is new, and gets an id and times.
/// - Documents are read and written in batches, so what is in memory does not grow with the source.
/// - What happens to what is there, and after a failure, says [`Mode`].
///
/// # Errors
///
/// - `InvalidDocument`, naming source and line, for what cannot be a document; `Duplicate`, `Validation`
///   and others, naming the line too, for what the database refuses.
/// - `Duplicate` for a collection that must be empty and is not.
/// - `Corrupt` for an archive that is not whole.
///
/// ```
/// # use den::prelude::*;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use den::transfer::{Import, Source};
///
/// let db = Db::open("sqlite://:memory:").await?;
/// let text = r#"[{"Country Name": "Norway", "US Gross": null}, {"Country Name": "Chad"}]"#;
/// let done = Import::new(&db)
///     .json_array("countries", Source::reader(text.as_bytes()))
///     .await?;
/// assert_eq!(done.documents(), 2);
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "an import does nothing until it is told what to read"]
pub struct Import {
    db: Db,
    mode: Mode,
    numbers: Option<Numbers>,
    id_from: Option<String>,
    bad_lines: Option<PathBuf>,
    resume: bool,
    scope: Option<Scope>,
    name: Option<String>,
    collections: Option<Vec<String>>,
    observer: Observer,
}

/// One source that is read.
struct Job {
    /// Opens it.
    open: Box<dyn FnOnce() -> Result<Box<dyn Items>> + Send>,
    label: String,
    /// The name of its position.
    name: String,
    total_bytes: Option<u64>,
}

impl Import {
    /// An import into this database.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            mode: Mode::default(),
            numbers: None,
            id_from: None,
            bad_lines: None,
            resume: false,
            scope: None,
            name: None,
            collections: None,
            observer: Observer::default(),
        }
    }

    /// What becomes of what the collections hold already; [`Mode::RequireEmpty`] unless said.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What becomes of numbers that den cannot compute with exactly; unless said, they are refused, but
    /// kept as they are from an archive.
    pub fn numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = Some(numbers);
        self
    }

    /// Takes the id of a document without `_id` from this key: text, or an integer.
    pub fn id_from(mut self, key: impl Into<String>) -> Self {
        self.id_from = Some(key.into());
        self
    }

    /// Leaves out what cannot be stored, and writes it to this file: a JSON object with `line`, `error` and
    /// `text` on each line. There is no file if there is nothing to write.
    pub fn bad_lines(mut self, path: impl Into<PathBuf>) -> Self {
        self.bad_lines = Some(path.into());
        self
    }

    /// Keeps the position in the database with each batch, and goes on from where an earlier try with
    /// this on has come to.
    ///
    /// # Behavior
    ///
    /// - No document is stored twice or left out, whenever the process dies: batch and position are one
    ///   transaction, in the collection `_den_transfers`.
    /// - The source is read again up to the position, and refused with `InvalidQuery` if that part has
    ///   changed. One that has grown is read on.
    /// - An import that is one transaction, as with [`Mode::Replace`], has nothing to go on from: it
    ///   starts over.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Writes everything in one transaction: all of it is stored, or nothing.
    pub fn in_one_transaction(mut self) -> Self {
        self.scope = Some(Scope::Whole);
        self
    }

    /// The name under which the position is kept, in place of mode, collection and path of the source.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads only these collections of a folder or archive.
    pub fn collections(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.collections = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Has this called after each batch.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(tell);
        self
    }

    /// Reads a folder of JSON Lines, as [`Export::jsonl`](crate::transfer::Export::jsonl) writes it: each
    /// file `name.jsonl` into the collection `name`.
    pub async fn jsonl(self, folder: impl AsRef<Path>) -> Result<Transferred> {
        let folder = folder.as_ref().to_owned();
        let only = self.collections.clone();
        let files = blocking(move || files_in(&folder, only.as_deref())).await?;
        let names: Vec<String> = files.iter().map(|it| it.0.clone()).collect();
        let jobs = files.into_iter().map(|(collection, path)| {
            self.job(&collection, Source::from(path), |lines, collection| {
                Box::new(JsonLines::new(lines, collection))
            })
        });
        let jobs = jobs.collect();
        self.run(names, jobs).await
    }

    /// Reads JSON Lines into a collection: a document on each line.
    pub async fn jsonl_file(
        self,
        collection: impl Into<String>,
        source: impl Into<Source>,
    ) -> Result<Transferred> {
        let collection = collection.into();
        let job = self.job(&collection, source.into(), |lines, collection| {
            Box::new(JsonLines::new(lines, collection))
        });
        self.run(vec![collection], vec![job]).await
    }

    /// Reads a JSON array into a collection, element by element.
    pub async fn json_array(
        self,
        collection: impl Into<String>,
        source: impl Into<Source>,
    ) -> Result<Transferred> {
        let (collection, source) = (collection.into(), source.into());
        let (label, name) = (source.label(), self.position_name(&collection, &source));
        let (total_bytes, of) = (source.size(), Arc::from(collection.as_str()));
        let inner = label.clone();
        let job = Job {
            open: Box::new(move || Ok(Box::new(Elements::new(source.open()?, inner, of)))),
            label,
            name,
            total_bytes,
        };
        self.run(vec![collection], vec![job]).await
    }

    /// Reads CSV into a collection: the first record names the keys.
    #[cfg(feature = "csv")]
    pub async fn csv(
        self,
        collection: impl Into<String>,
        source: impl Into<Source>,
        options: CsvOptions,
    ) -> Result<Transferred> {
        let (collection, source) = (collection.into(), source.into());
        let (label, name) = (source.label(), self.position_name(&collection, &source));
        let (total_bytes, of) = (source.size(), Arc::from(collection.as_str()));
        let inner = label.clone();
        let job = Job {
            open: Box::new(move || {
                let records = Records::open(source.open()?, inner, of, &options)?;
                Ok(Box::new(records))
            }),
            label,
            name,
            total_bytes,
        };
        self.run(vec![collection], vec![job]).await
    }

    /// Reads an archive, as [`Export::archive`](crate::transfer::Export::archive) writes it.
    ///
    /// # Behavior
    ///
    /// - An archive in a file is read from end to end first: one that was cut, changed or is otherwise not
    ///   whole is `Corrupt`, and nothing is written. From a reader, everything is one transaction.
    /// - Where the collections were empty or are replaced, the constraints of the archive are made, and
    ///   what was stored is read again and compared with the hashes.
    pub async fn archive(mut self, source: impl Into<Source>) -> Result<Transferred> {
        let source = source.into();
        self.numbers.get_or_insert(Numbers::AsWritten);
        let (label, name) = (source.label(), self.position_name("", &source));
        let total_bytes = source.size();
        match source.path() {
            Some(path) => {
                let (path, observer) = (path.to_owned(), self.observer.clone());
                blocking(move || archive::check(Source::from(path), &observer)).await?;
            }
            None => self.scope = Some(Scope::Whole),
        }
        let only = self.collections.clone();
        let (items, contents) =
            blocking(move || ArchiveItems::open(source, only.as_deref())).await?;
        let names = contents.names();
        let job = Job {
            open: Box::new(move || Ok(Box::new(items))),
            label,
            name,
            total_bytes,
        };
        let (db, observer) = (self.db.clone(), self.observer.clone());
        let is_all_there_is = matches!(self.mode, Mode::RequireEmpty | Mode::Replace);
        let mut done = self.run(names, vec![job]).await?;
        if is_all_there_is {
            contents.make_constraints(&db).await?;
            if done.bad() == 0 {
                for (name, sha256) in contents.hashes() {
                    verify::is_as(&db, &name, &sha256, &observer).await?;
                    done.of(&name).sha256 = Some(sha256);
                }
            }
        }
        Ok(done)
    }

    fn job(
        &self,
        collection: &str,
        source: Source,
        items: impl FnOnce(Lines, Arc<str>) -> Box<dyn Items> + Send + 'static,
    ) -> Job {
        let (label, name) = (source.label(), self.position_name(collection, &source));
        let (total_bytes, of) = (source.size(), Arc::from(collection));
        let inner = label.clone();
        Job {
            open: Box::new(move || Ok(items(Lines::new(source.open()?, inner), of))),
            label,
            name,
            total_bytes,
        }
    }

    fn position_name(&self, collection: &str, source: &Source) -> String {
        let mode = self.mode.word();
        let label = match source.path().map(std::path::absolute) {
            Some(Ok(path)) => path.display().to_string(),
            Some(Err(_)) | None => source.label(),
        };
        // An id cannot hold control characters.
        let label: String = label.chars().filter(|it| !it.is_control()).collect();
        match &self.name {
            Some(name) => format!("{name} {collection}"),
            None => format!("{mode} {collection} {label}"),
        }
    }

    async fn run(mut self, names: Vec<String>, jobs: Vec<Job>) -> Result<Transferred> {
        let scope = match self.mode {
            Mode::Replace => Scope::Whole,
            Mode::RequireEmpty | Mode::Append | Mode::Upsert => {
                self.scope.unwrap_or(Scope::Batches)
            }
        };
        self.db.refuse_inside_transaction()?;
        if scope == Scope::Whole {
            self.resume = false;
        }
        for name in &names {
            ensure(&self.db, name).await?;
        }
        let on_bad = match self.bad_lines {
            Some(_) => OnBad::LeaveOut,
            None => OnBad::Stop,
        };
        let job_names: Vec<String> = jobs.iter().map(|it| it.name.clone()).collect();
        let positions = self.positions(&names, job_names).await?;
        let target = Target::open(&self.db, self.mode, on_bad, scope).await?;
        let is_begun = positions.iter().any(Option::is_some);
        if !is_begun || self.mode != Mode::RequireEmpty {
            for name in &names {
                target.prepare(name).await?;
            }
        }
        let mut done = Transferred::default();
        for name in &names {
            done.of(name);
        }
        let mut bad = Tally::open(self.bad_lines.as_deref(), &positions).await?;
        for (job, position) in jobs.into_iter().zip(positions) {
            self.read(&target, job, position, &mut bad, &mut done)
                .await?;
        }
        target.finish().await?;
        Ok(done)
    }

    /// Where earlier tries have come to, source by source.
    async fn positions(
        &self,
        names: &[String],
        jobs: Vec<String>,
    ) -> Result<Vec<Option<Position>>> {
        let mut found = Vec::new();
        if !self.resume {
            for job in &jobs {
                Position::forget(&self.db, job).await?;
                found.push(None);
            }
            return Ok(found);
        }
        Position::ensure(&self.db).await?;
        let mut is_empty = true;
        for name in names {
            let query = den_backend::Query::new(name.as_str());
            is_empty &= !self.db.backend().exists(&query).await?;
        }
        for job in &jobs {
            let position = Position::find(&self.db, job).await?;
            // What it has stored is gone, with its collection perhaps: it begins anew.
            found.push(position.filter(|it| !is_empty || it.stored == 0));
        }
        Ok(found)
    }

    async fn read(
        &self,
        target: &Target,
        job: Job,
        position: Option<Position>,
        bad: &mut Tally,
        done: &mut Transferred,
    ) -> Result<()> {
        let reading = Reading {
            db: self.db.clone(),
            numbers: self.numbers.unwrap_or_default(),
            id_from: self.id_from.clone(),
        };
        let mut at = position
            .clone()
            .unwrap_or_else(|| Position::begin(&job.name));
        if let Some(position) = &position
            && let [only] = done.collections.as_mut_slice()
        {
            only.resumed = position.stored;
        }
        let open = job.open;
        let (mut feed, mut next) = blocking(move || {
            let mut feed = Feed::new(open()?, reading);
            if let Some(position) = &position {
                feed.skip(position)?;
            }
            let first = feed.batch()?;
            Ok((feed, first))
        })
        .await?;
        let mut progress = Progress::new(Stage::Import, "", None);
        progress.total_bytes = job.total_bytes;
        while let Some(batch) = next {
            // The next one is read while this one is written.
            let reading = blocking(move || {
                let next = feed.batch();
                Ok((feed, next))
            });
            let writing = self.write(target, &job.label, &batch, &at, bad);
            let (read, written) = join(reading, writing).await;
            let after = written?;
            let count = done.of(&batch.collection);
            count.documents += after.stored - at.stored;
            count.bad += after.bad - at.bad;
            if *batch.collection != *progress.collection {
                progress.collection = batch.collection.to_string();
                progress.documents = 0;
            }
            progress.documents += after.stored - at.stored;
            progress.bytes = batch.mark.bytes;
            bad.bytes = after.bad_bytes;
            at = after;
            self.observer.tell(&progress);
            let (back, read) = read?;
            feed = back;
            next = read?;
        }
        Ok(())
    }

    async fn write(
        &self,
        target: &Target,
        label: &str,
        batch: &Batch,
        before: &Position,
        bad: &Tally,
    ) -> Result<Position> {
        if let (None, Some(first)) = (&bad.file, batch.bad.first()) {
            let place = place(label, first.line);
            let why = &first.why;
            return Err(
                Error::new(ErrorKind::InvalidDocument, format!("{place}: {why}"))
                    .with_collection(&*batch.collection),
            );
        }
        let after = |rejected: &[Rejected]| {
            let lost = lost(batch, rejected);
            let bad_bytes = match &bad.file {
                Some(file) => file.write(bad.bytes, &lost)?,
                None => 0,
            };
            Ok(Position {
                name: before.name.clone(),
                items: batch.mark.items,
                sha256: batch.mark.hash.hex(),
                stored: before.stored + (batch.items.len() - rejected.len()) as u64,
                bad: before.bad + lost.len() as u64,
                bad_bytes,
            })
        };
        let position = Mutex::new(before.clone());
        let record = |rejected: &[Rejected]| {
            let it = after(rejected)?;
            *position.lock().unwrap_or_else(PoisonError::into_inner) = it.clone();
            Ok(self.resume.then_some(it))
        };
        target.write(&batch.items, label, record).await?;
        Ok(position
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

/// The file of bad lines, and how much is in it.
struct Tally {
    file: Option<BadLines>,
    bytes: u64,
}

impl Tally {
    async fn open(path: Option<&Path>, positions: &[Option<Position>]) -> Result<Self> {
        let begun = positions.iter().flatten();
        let bytes = begun.map(|it| it.bad_bytes).max().unwrap_or(0);
        let Some(path) = path.map(Path::to_owned) else {
            return Ok(Self { file: None, bytes });
        };
        let file = blocking(move || BadLines::open(&path, bytes)).await?;
        Ok(Self {
            file: Some(file),
            bytes,
        })
    }
}

/// What of a batch is not stored, in order.
fn lost(batch: &Batch, rejected: &[Rejected]) -> Vec<Bad> {
    let refused = rejected.iter().filter_map(|it| {
        let item = batch.items.get(it.at)?;
        Some(Bad {
            line: item.line,
            text: item.body.clone(),
            why: it.error.to_string(),
        })
    });
    let mut lost: Vec<Bad> = batch.bad.iter().cloned().chain(refused).collect();
    lost.sort_by_key(|it| it.line);
    lost
}

/// The files of a folder with their collections, in order.
fn files_in(folder: &Path, only: Option<&[String]>) -> Result<Vec<(String, PathBuf)>> {
    let failed = |it| unreadable(&folder.display().to_string(), it);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|it| it.to_str());
        if let Some(collection) = name.and_then(names::collection_of)
            && only.is_none_or(|it| it.contains(&collection))
        {
            found.push((collection, path));
        }
    }
    found.sort_unstable();
    let missing = only.unwrap_or_default().iter();
    let missing = missing.filter(|name| !found.iter().any(|it| it.0 == **name));
    if let Some(name) = missing.into_iter().next() {
        let folder = folder.display();
        let message = format!("there is no file for the collection `{name}` in {folder}");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    Ok(found)
}
