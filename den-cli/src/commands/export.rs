//! `den export`.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use den::{
    Db, Json, QuerySet,
    transfer::{CsvOptions, Destination, Export as Job, Transferred},
};
use futures_util::TryStreamExt as _;

use crate::{
    commands::transferred,
    context::Context,
    documents::filter_of,
    failure::{Failure, Outcome},
    filter::{FieldList, SortList},
    progress::Progress,
};

const EXAMPLES: &str = "\
Examples:
  den export shop.den                                       everything, in one file that knows if it is whole
  den export folder/                                        a file of JSON Lines for each collection
  den export cheap.csv -c products --where 'price < 10' --select name,price
  den export - -u postgres://me@host/shop | ssh backup 'cat > shop.den'";

/// Write documents to files, as they are at one moment.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// Where to: a file, a folder, or `-` for the standard output.
    path: PathBuf,
    /// The format [default: jsonl for a folder, csv for a file `.csv` or `.tsv`, else archive].
    #[arg(short, long)]
    format: Option<Format>,
    /// Only these collections.
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// Overwrite what is there.
    #[arg(long)]
    force: bool,
    /// Only documents that pass this filter (csv).
    #[arg(short = 'w', long = "where", value_name = "FILTER")]
    filter: Option<String>,
    /// The columns: name,address.city (csv) [default: every field there is].
    #[arg(long, value_name = "FIELDS")]
    select: Option<FieldList>,
    /// What to sort by (csv).
    #[arg(short, long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<SortList>,
    /// What stands between cells (csv) [default: a comma; a tab for a file `.tsv`].
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<char>,
    /// Write lists and objects as JSON text, instead of refusing them (csv).
    #[arg(long)]
    nested: bool,
}

/// What files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One file, with counts and hashes.
    Archive,
    /// A document on each line; a file for each collection.
    Jsonl,
    /// A table of one collection.
    Csv,
}

impl Export {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let format = self.format();
        self.check(format, cx)?;
        let db = cx.open().await?;
        let progress = Progress::new(cx);
        let mut job = Job::new(&db).on_progress(progress.of_transfer());
        if !self.collections.is_empty() {
            job = job.collections(self.collections.clone());
        }
        let done = match format {
            Format::Archive => job.archive(self.destination()).await,
            Format::Jsonl => job.jsonl(&self.path).await,
            Format::Csv => return self.csv(job, &db, &progress, cx).await,
        };
        progress.done();
        self.report(&done?, cx)
    }

    fn format(&self) -> Format {
        if let Some(format) = self.format {
            return format;
        }
        let is_folder = self.path.is_dir() || self.path.to_string_lossy().ends_with(['/', '\\']);
        match ending(&self.path).as_str() {
            "csv" | "tsv" => Format::Csv,
            _ if is_folder => Format::Jsonl,
            _ => Format::Archive,
        }
    }

    fn check(&self, format: Format, cx: &Context) -> Outcome {
        let of_csv = self.filter.is_some()
            || self.select.is_some()
            || self.sort.is_some()
            || self.delimiter.is_some()
            || self.nested;
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        match format {
            Format::Csv if self.collections.len() != 1 => {
                return usage("a table is of one collection: name it with --collections");
            }
            Format::Archive | Format::Jsonl if of_csv => {
                return usage("--where, --select, --sort, --delimiter and --nested are for csv");
            }
            Format::Jsonl if self.is_output() => {
                return usage(
                    "JSON Lines of several collections go into a folder; `den find COLLECTION --json` writes one",
                );
            }
            Format::Archive | Format::Csv | Format::Jsonl => {}
        }
        if self.is_output() {
            if format == Format::Archive && io::stdout().is_terminal() {
                return usage("an archive is nothing to look at: name a file, or use a pipe");
            }
            if cx.out.is_json() {
                return usage("the report of --json would be mixed up with the documents");
            }
        }
        if !self.is_output() && !self.force && self.path.is_file() {
            let path = self.path.display();
            return Err(Failure::Message(format!(
                "{path} is there already; --force overwrites it"
            )));
        }
        Ok(())
    }

    fn is_output(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    fn destination(&self) -> Destination {
        match self.is_output() {
            true => Destination::writer(io::stdout()),
            false => Destination::from(self.path.as_path()),
        }
    }

    async fn csv(&self, job: Job, db: &Db, progress: &Progress, cx: &Context) -> Outcome {
        let filter = filter_of(self.filter.as_deref())?;
        let name = self.collections.first().map_or("", String::as_str);
        let mut query = db.collection(name).query().filter(filter);
        let columns = match &self.select {
            Some(fields) => fields.paths().to_vec(),
            None => keys(query.clone()).await?,
        };
        for order in self.sort.iter().flat_map(SortList::orders) {
            query = query.sort(order);
        }
        let mut options = CsvOptions::new();
        if let Some(delimiter) = delimiter(self.delimiter, &self.path)? {
            options = options.delimiter(delimiter);
        }
        if self.nested {
            options = options.nested_as_json();
        }
        let done = job.csv(query, columns, self.destination(), options).await;
        progress.done();
        self.report(&done?, cx)
    }

    fn report(&self, done: &Transferred, cx: &Context) -> Outcome {
        match self.is_output() {
            true => Ok(()),
            false => transferred::report(done, "documents", cx),
        }
    }
}

/// The end of a file's name, in lower case.
pub(crate) fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|it| it.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

/// What stands between cells, if it is no comma.
pub(crate) fn delimiter(given: Option<char>, path: &Path) -> Outcome<Option<u8>> {
    match given {
        None if ending(path) == "tsv" => Ok(Some(b'\t')),
        None => Ok(None),
        Some(it) => match u8::try_from(it) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Some(byte)),
            _ => Err(Failure::Usage(
                "the delimiter is one ASCII character, and no quote".into(),
            )),
        },
    }
}

/// Every field that a document of the query has, the id first.
async fn keys(query: QuerySet<Json>) -> Outcome<Vec<Vec<String>>> {
    let mut keys = BTreeSet::new();
    let mut rows = query.stream();
    while let Some(document) = rows.try_next().await? {
        for key in document.as_object().into_iter().flat_map(|it| it.keys()) {
            if !keys.contains(key) {
                keys.insert(key.clone());
            }
        }
    }
    let id = keys.take("_id");
    Ok(id.into_iter().chain(keys).map(|it| vec![it]).collect())
}
