//! What is read from outside, item by item: lines, elements of an array, records, an archive.

use std::{
    io::{BufRead, Read},
    sync::Arc,
};

use den_backend::{Error, ErrorKind, Result};

use crate::transfer::files::unreadable;

/// So long may one line be.
const LONGEST_LINE: u64 = 256 << 20;

/// One item, before it is looked into.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) collection: Arc<str>,
    /// The line on which it begins, from 1 on.
    pub(super) line: u64,
    pub(super) text: Result<String, Unreadable>,
    /// How many bytes of the source it took.
    pub(super) bytes: u64,
}

/// An item that is not even text, or has no shape.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// What there is, as well as it can be shown.
    pub(super) text: String,
    pub(super) why: String,
}

/// Something that gives items until there are no more. An `Err` ends it.
pub(super) trait Items: Send {
    fn next(&mut self) -> Result<Option<Raw>>;
}

/// The lines of a text, counted.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    label: String,
    /// The number of the last line that was read.
    pub(super) line: u64,
}

impl Lines {
    pub(super) fn new(reader: Box<dyn BufRead + Send>, label: String) -> Self {
        Self {
            reader,
            label,
            line: 0,
        }
    }

    /// The next line with the break that ends it, if it has one; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_LINE + 1);
        let read = limited.read_until(b'\n', &mut line);
        let read = read.map_err(|it| unreadable(&self.label, it))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if line.len() as u64 > LONGEST_LINE {
            let message = format!("{} has a line that is too long", self.place());
            return Err(Error::new(ErrorKind::InvalidDocument, message));
        }
        Ok(Some(line))
    }

    /// Where the last line is, for a person.
    pub(super) fn place(&self) -> String {
        place(&self.label, self.line)
    }
}

/// Where something is, for a person.
pub(super) fn place(label: &str, line: u64) -> String {
    format!("{label}, line {line}")
}

/// JSON Lines: a document on each line; empty lines do not count.
pub(super) struct JsonLines {
    lines: Lines,
    collection: Arc<str>,
}

impl JsonLines {
    pub(super) fn new(lines: Lines, collection: Arc<str>) -> Self {
        Self { lines, collection }
    }
}

impl Items for JsonLines {
    fn next(&mut self) -> Result<Option<Raw>> {
        let mut skipped = 0;
        while let Some(line) = self.lines.next()? {
            let bytes = skipped + line.len() as u64;
            if line.trim_ascii().is_empty() {
                skipped = bytes;
                continue;
            }
            let text = String::from_utf8(line).map_err(|why| Unreadable {
                text: String::from_utf8_lossy(why.as_bytes())
                    .trim_end()
                    .to_owned(),
                why: "it is not UTF-8".to_owned(),
            });
            return Ok(Some(Raw {
                collection: Arc::clone(&self.collection),
                line: self.lines.line,
                text,
                bytes,
            }));
        }
        Ok(None)
    }
}
