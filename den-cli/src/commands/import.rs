//! `den import`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use den::transfer::{CsvOptions, Import as Job, Numbers, Source};

use crate::{
    commands::{
        export::{delimiter, ending},
        transferred::{self, OnExisting},
    },
    context::Context,
    failure::{Failure, Outcome},
    progress::Progress,
    url::Missing,
};

const EXAMPLES: &str = "\
Examples:
  den import shop.den -u sqlite:///shop.db
  den import movies.json -c movies --bad-lines rejected.jsonl
  den import prices.csv -c prices --infer --id-from sku --mode upsert
  curl https://example.org/data.jsonl | den import - --format jsonl -c data";

/// Read documents from files.
///
/// Collections that are not there are made, and a SQLite file too. A document without `_id` gets one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// Where from: a file, a folder of JSON Lines, or `-` for the standard input.
    path: PathBuf,
    /// The format [default: by the path, and how the file begins].
    #[arg(short, long)]
    format: Option<Format>,
    /// The collection to read into [default: the name of the file]; of a folder or archive, those to
    /// read.
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// What becomes of what is there.
    #[arg(short, long, default_value = "require-empty")]
    mode: OnExisting,
    /// Leave out what cannot be stored, and write it to this file. Exit code 3 if there was any.
    #[arg(long, value_name = "PATH")]
    bad_lines: Option<PathBuf>,
    /// Remember the position, and go on from where an earlier try with --resume has come to.
    #[arg(long)]
    resume: bool,
    /// Store everything, or nothing.
    #[arg(long, conflicts_with = "resume")]
    whole: bool,
    /// Take the id of a document from this key.
    #[arg(long, value_name = "KEY")]
    id_from: Option<String>,
    /// What becomes of numbers that cannot be computed with exactly.
    #[arg(long)]
    numbers: Option<Rule>,
    /// Read cells that look like numbers and bools as such (csv).
    #[arg(long)]
    infer: bool,
    /// What stands between cells (csv) [default: a comma; a tab for a file `.tsv`].
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<char>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// What `den export` writes.
    Archive,
    /// A document on each line; a file, or a folder of them.
    Jsonl,
    /// A list of documents.
    Json,
    /// A table, whose first line names the fields.
    Csv,
}

/// What becomes of numbers that den cannot compute with exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// They are refused.
    Exact,
    /// The nearest that can be computed with is stored.
    Nearest,
    /// They are stored digit for digit.
    AsWritten,
}

impl Import {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let format = self.format()?;
        let collection = match format {
            Format::Archive => None,
            Format::Jsonl if self.path.is_dir() => None,
            Format::Jsonl | Format::Json | Format::Csv => Some(self.collection()?),
        };
        let delimiter = delimiter(self.delimiter, &self.path)?;
        let db = cx.open_url(cx.url()?, Missing::Create).await?;
        let progress = Progress::new(cx);
        let mut job = Job::new(&db)
            .mode(self.mode.into())
            .resume(self.resume)
            .on_progress(progress.of_transfer());
        if self.whole {
            job = job.in_one_transaction();
        }
        if let Some(path) = &self.bad_lines {
            job = job.bad_lines(path);
        }
        if let Some(key) = &self.id_from {
            job = job.id_from(key);
        }
        if let Some(rule) = self.numbers {
            job = job.numbers(match rule {
                Rule::Exact => Numbers::Exact,
                Rule::Nearest => Numbers::Nearest,
                Rule::AsWritten => Numbers::AsWritten,
            });
        }
        if collection.is_none() && !self.collections.is_empty() {
            job = job.collections(self.collections.clone());
        }
        let done = match (format, collection) {
            (Format::Archive, _) => job.archive(self.source()).await,
            (Format::Jsonl, Some(name)) => job.jsonl_file(name, self.source()).await,
            (Format::Json, Some(name)) => job.json_array(name, self.source()).await,
            (Format::Csv, Some(name)) => {
                let mut options = CsvOptions::new();
                if let Some(delimiter) = delimiter {
                    options = options.delimiter(delimiter);
                }
                if self.infer {
                    options = options.infer();
                }
                job.csv(name, self.source(), options).await
            }
            (Format::Jsonl | Format::Json | Format::Csv, None) => job.jsonl(&self.path).await,
        };
        progress.done();
        transferred::report(&done?, "stored", cx)
    }

    fn is_input(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    fn source(&self) -> Source {
        match self.is_input() {
            true => Source::reader(io::stdin()),
            false => Source::from(self.path.as_path()),
        }
    }

    fn collection(&self) -> Outcome<String> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        match self.collections.as_slice() {
            [only] => Ok(only.clone()),
            [] if !self.is_input() => match self.path.file_stem().and_then(|it| it.to_str()) {
                Some(name) => Ok(name.to_owned()),
                None => usage("into which collection? Name it with --collections"),
            },
            [] => usage("into which collection? Name it with --collections"),
            _ => usage("this is read into one collection"),
        }
    }

    fn format(&self) -> Outcome<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        if self.is_input() {
            return Err(Failure::Usage("what comes in? Say --format".into()));
        }
        if self.path.is_dir() {
            return Ok(Format::Jsonl);
        }
        match ending(&self.path).as_str() {
            "csv" | "tsv" => Ok(Format::Csv),
            "jsonl" | "ndjson" => Ok(Format::Jsonl),
            "json" => by_content(&self.path),
            _ => Ok(Format::Archive),
        }
    }
}

/// A list begins with a bracket, a document on a line with a brace.
fn by_content(path: &Path) -> Outcome<Format> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    read.map_err(|it| Failure::file("read", path, &it))?;
    let first = start
        .iter()
        .find(|it| !it.is_ascii_whitespace() && it.is_ascii());
    Ok(match first {
        Some(b'{') => Format::Jsonl,
        _ => Format::Json,
    })
}
