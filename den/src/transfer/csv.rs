//! CSV in and out.

use std::{io::BufRead, sync::Arc};

use den_backend::{Error, ErrorKind, FieldPath, RawDocument, Result};
use futures_util::{StreamExt, future::join};

use crate::{
    Json, QuerySet,
    transfer::{
        document::stored,
        export::{Destination, Output, not_written},
        files::blocking,
        items::{Items, Raw, Unreadable, place},
        node::{Keys, Node, write_text},
        options::{Observer, Progress, Stage, Transferred},
    },
};

/// So many records are written at once.
const BATCH: usize = 500;

/// How CSV is written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to an import or export"]
pub struct CsvOptions {
    delimiter: u8,
    infer: bool,
    nested: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl CsvOptions {
    /// Commas; every cell is text.
    pub const fn new() -> Self {
        Self {
            delimiter: b',',
            infer: false,
            nested: false,
        }
    }

    /// What stands between cells: `b';'`, `b'\t'`.
    pub const fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Reads cells as what they look like: `12` and `-1.5` are numbers, `true` and `false` are bools.
    ///
    /// # Behavior
    ///
    /// - What would not come back as it was stays text: `007`, `+1`, `1e5`, integers outside of `i64`,
    ///   fractions of more than 15 digits. (`1.50` becomes `1.5`.)
    /// - Columns that begin with `_` are text, as den's own fields are.
    pub const fn infer(mut self) -> Self {
        self.infer = true;
        self
    }

    /// Writes arrays and objects as JSON text, in place of refusing them.
    pub const fn nested_as_json(mut self) -> Self {
        self.nested = true;
        self
    }
}

/// The records of CSV.
pub(super) struct Records {
    reader: csv::Reader<Box<dyn BufRead + Send>>,
    keys: Vec<String>,
    label: String,
    collection: Arc<str>,
    infer: bool,
    record: csv::ByteRecord,
    /// How far it was read.
    bytes: u64,
}

impl Records {
    /// Reads the first record.
    pub(super) fn open(
        reader: Box<dyn BufRead + Send>,
        label: String,
        collection: Arc<str>,
        options: &CsvOptions,
    ) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(options.delimiter)
            .flexible(true)
            .from_reader(reader);
        let header = reader.headers().map_err(|it| broken(&label, &it))?;
        let keys: Vec<String> = header.iter().map(str::to_owned).collect();
        let mut sorted: Vec<&String> = keys.iter().collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|it| it[0] == it[1]);
        if let Some(problem) = twice
            .map(|it| format!("the column `{}` is there twice", it[0]))
            .or(keys
                .iter()
                .any(String::is_empty)
                .then(|| "a column has no name".to_owned()))
        {
            let message = format!("{}: {problem}", place(&label, 1));
            return Err(Error::new(ErrorKind::InvalidDocument, message));
        }
        Ok(Self {
            bytes: 0,
            reader,
            keys,
            label,
            collection,
            infer: options.infer,
            record: csv::ByteRecord::new(),
        })
    }

    fn text(&self) -> Result<String, Unreadable> {
        let shown = || {
            let cells: Vec<_> = self.record.iter().map(String::from_utf8_lossy).collect();
            cells.join(",")
        };
        if self.record.len() != self.keys.len() {
            let why = format!(
                "there are {} cells, and {} columns",
                self.record.len(),
                self.keys.len()
            );
            return Err(Unreadable { text: shown(), why });
        }
        let mut out = String::from("{");
        for (key, cell) in self.keys.iter().zip(&self.record) {
            let Ok(cell) = str::from_utf8(cell) else {
                let why = format!("`{key}` is not UTF-8");
                return Err(Unreadable { text: shown(), why });
            };
            if cell.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(',');
            }
            write_text(&mut out, key);
            out.push(':');
            if self.infer && !key.starts_with('_') && is_plain(cell) {
                out.push_str(cell);
            } else {
                write_text(&mut out, cell);
            }
        }
        out.push('}');
        Ok(out)
    }
}

impl Items for Records {
    fn next(&mut self) -> Result<Option<Raw>> {
        let read = self.reader.read_byte_record(&mut self.record);
        if !read.map_err(|it| broken(&self.label, &it))? {
            return Ok(None);
        }
        let end = self.reader.position().byte();
        let bytes = end.saturating_sub(self.bytes);
        self.bytes = end;
        Ok(Some(Raw {
            collection: Arc::clone(&self.collection),
            line: self.record.position().map_or(0, csv::Position::line),
            text: self.text(),
            bytes,
        }))
    }
}

/// Whether a cell looks like a number or bool, and comes back as it was.
fn is_plain(cell: &str) -> bool {
    if matches!(cell, "true" | "false") {
        return true;
    }
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !all_digits(whole) || has_leading_zero || cell == "-0" {
        return false;
    }
    match fraction {
        Some(fraction) => all_digits(fraction) && whole.len() + fraction.len() <= 15,
        None => cell.parse::<i64>().is_ok(),
    }
}

/// Writes what a query selects.
pub(super) async fn write(
    selection: QuerySet<Json>,
    columns: Vec<FieldPath>,
    to: Destination,
    options: CsvOptions,
    observer: &Observer,
) -> Result<Transferred> {
    let collection = selection.collection().to_owned();
    let name: Arc<str> = collection.as_str().into();
    let mut rows = selection.json_stream().chunks(BATCH);
    let columns: Arc<[FieldPath]> = columns.into();
    let header = Arc::clone(&columns);
    let mut out = blocking(move || {
        let mut out = csv::WriterBuilder::new()
            .delimiter(options.delimiter)
            .from_writer(to.open()?);
        let names = header.iter().map(|it| it.segments().join("."));
        out.write_record(names).map_err(not_csv)?;
        Ok(out)
    })
    .await?;
    let mut progress = Progress::new(Stage::Export, &collection, None);
    let mut page = rows.next().await;
    while let Some(bodies) = page {
        let bodies: Vec<Vec<u8>> = bodies.into_iter().collect::<Result<_>>()?;
        progress.documents += bodies.len() as u64;
        let (of, columns) = (Arc::clone(&name), Arc::clone(&columns));
        let writing = blocking(move || {
            for body in bodies {
                let id = String::new();
                let raw = RawDocument { id, body };
                write_row(&mut out, &of, &raw, &columns, options)?;
            }
            Ok(out)
        });
        let (written, next) = join(writing, rows.next()).await;
        out = written?;
        page = next;
        observer.tell(&progress);
    }
    blocking(move || {
        let out = out
            .into_inner()
            .map_err(|it| not_written(it.into_error()))?;
        out.finish()
    })
    .await?;
    let mut done = Transferred::default();
    done.of(&collection).documents = progress.documents;
    Ok(done)
}

fn write_row(
    out: &mut csv::Writer<Output>,
    collection: &str,
    raw: &RawDocument,
    columns: &[FieldPath],
    options: CsvOptions,
) -> Result<()> {
    let document = stored(collection, raw)?;
    for column in columns {
        let cell = match at(&document, column) {
            None | Some(Node::Null) => String::new(),
            Some(Node::Text(it)) => it.clone().into_owned(),
            Some(Node::Number(it)) => it.clone().into_owned(),
            Some(Node::Bool(it)) => it.to_string(),
            Some(it @ (Node::Array(_) | Node::Object(_))) => {
                if !options.nested {
                    return Err(nested(collection, &document, column));
                }
                let mut text = String::new();
                it.write(&mut text, Keys::AsGiven);
                text
            }
        };
        out.write_field(cell).map_err(not_csv)?;
    }
    out.write_record(None::<&[u8]>).map_err(not_csv)
}

fn at<'n, 'a>(document: &'n Node<'a>, path: &FieldPath) -> Option<&'n Node<'a>> {
    path.segments()
        .iter()
        .try_fold(document, |node, segment| match node {
            Node::Object(_) => node.get(segment),
            Node::Array(items) => items.get(FieldPath::index_of(segment)?),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
        })
}

fn nested(collection: &str, document: &Node<'_>, column: &FieldPath) -> Error {
    let message = format!(
        "`{column}` holds an array or object, which is no cell; select fields within it, or say \
         `nested_as_json`"
    );
    let error = Error::new(ErrorKind::InvalidQuery, message).with_collection(collection);
    if let Some(Node::Text(id)) = document.get("_id") {
        return error.with_id(id.clone().into_owned());
    }
    error
}

fn not_csv(why: csv::Error) -> Error {
    Error::new(ErrorKind::Backend, "the output cannot be written").with_source(why)
}

fn broken(label: &str, why: &csv::Error) -> Error {
    let line = why.position().map_or(1, csv::Position::line);
    let message = format!("{}: this cannot be read as CSV: {why}", place(label, line));
    Error::new(ErrorKind::InvalidDocument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_back_as_it_was_is_a_number() {
        for it in [
            "0",
            "-1",
            "12",
            "1.5",
            "0.25",
            "true",
            "9223372036854775807",
        ] {
            assert!(is_plain(it), "{it}");
        }
        for it in [
            "",
            "007",
            "+1",
            "1e5",
            "-",
            ".5",
            "5.",
            "1,5",
            "-0",
            "NaN",
            "True",
            " 1",
            "9223372036854775808",
            "0.1234567890123456",
        ] {
            assert!(!is_plain(it), "{it}");
        }
    }
}
