//! The archive: a database as one stream of lines that knows whether it is whole.
//!
//! ```text
//! {"archive":{"version":1,"collections":["makers","products"]}}
//! {"collection":{"name":"makers","indexes":[..],"constraints":[..]}}
//! {"document":{"_id":"..",..}}
//! {"end":{"name":"makers","documents":1,"sha256":".."}}
//! ..
//! {"footer":{"documents":2,"sha256":".."}}
//! ```
//!
//! Documents are canonical JSON in order of id, and the hash at the end of a collection is over them, each
//! followed by a line break. The hash in the footer is over all bytes before it. Equal content gives
//! equal bytes, whichever engine it comes from.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use den_backend::{ConstraintMeta, Error, ErrorKind, Result, SchemaChange};
use serde::{Deserialize, Serialize};

use crate::{
    Db,
    transfer::{
        files::{Hash, Source},
        items::{Items, Lines, Raw},
        options::{Observer, Progress, Stage, Transferred},
    },
};

const VERSION: u32 = 1;
const DOCUMENT: &[u8] = b"{\"document\":";

/// A line that is no document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Archive(Header),
    Collection(Opening),
    End(Closing),
    Footer(Footer),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    collections: Vec<String>,
}

/// What belongs to a collection besides documents.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) name: String,
    /// For people: registering the types makes them.
    pub(super) indexes: Vec<Index>,
    pub(super) constraints: Vec<ConstraintMeta>,
}

/// What is known of an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) fields: Vec<String>,
    pub(super) unique: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closing {
    name: String,
    documents: u64,
    sha256: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    documents: u64,
    sha256: String,
}

/// Counts and hashes of what goes by.
#[derive(Debug, Default)]
struct Sums {
    whole: Hash,
    documents: u64,
    /// Of the collection that is under way.
    of_collection: Hash,
    in_collection: u64,
}

impl Sums {
    fn document(&mut self, canonical: &[u8]) {
        self.of_collection.line(canonical);
        self.in_collection += 1;
        self.documents += 1;
    }

    fn close(&mut self, name: String) -> Closing {
        let documents = std::mem::take(&mut self.in_collection);
        let sha256 = std::mem::take(&mut self.of_collection).hex();
        Closing {
            name,
            documents,
            sha256,
        }
    }

    fn footer(&self) -> Footer {
        Footer {
            documents: self.documents,
            sha256: self.whole.hex(),
        }
    }
}

/// An archive that is written.
pub(super) struct ArchiveWriter<W> {
    out: W,
    sums: Sums,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn begin(out: W, collections: Vec<String>) -> std::io::Result<Self> {
        let sums = Sums::default();
        let mut archive = Self { out, sums };
        let version = VERSION;
        archive.line(&Line::Archive(Header {
            version,
            collections,
        }))?;
        Ok(archive)
    }

    pub(super) fn open(&mut self, opening: Opening) -> std::io::Result<()> {
        self.line(&Line::Collection(opening))
    }

    pub(super) fn document(&mut self, canonical: &str) -> std::io::Result<()> {
        self.sums.document(canonical.as_bytes());
        self.write(DOCUMENT)?;
        self.write(canonical.as_bytes())?;
        self.write(b"}\n")
    }

    /// Ends a collection, and answers the hash of its documents.
    pub(super) fn close(&mut self, name: String) -> std::io::Result<String> {
        let closing = self.sums.close(name);
        let sha256 = closing.sha256.clone();
        self.line(&Line::End(closing))?;
        Ok(sha256)
    }

    pub(super) fn finish(mut self) -> std::io::Result<W> {
        let footer = self.sums.footer();
        self.line(&Line::Footer(footer))?;
        Ok(self.out)
    }

    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.write(&text)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sums.whole.update(bytes);
        self.out.write_all(bytes)
    }
}

/// The documents of an archive. What is wrong with it is an error at the end at the latest.
pub(super) struct ArchiveItems {
    lines: Lines,
    sums: Sums,
    header: Header,
    /// Which are given.
    only: Option<Vec<String>>,
    found: Found,
    state: State,
}

/// Where in an archive.
enum State {
    Between,
    Within(Arc<str>),
    /// Behind the footer.
    End,
}

/// What was found so far.
type Found = Arc<Mutex<Vec<(Opening, Option<Closing>)>>>;

/// What an archive says of itself, while and after it is read.
pub(super) struct Contents {
    names: Vec<String>,
    found: Found,
}

impl ArchiveItems {
    /// Reads the header.
    pub(super) fn open(source: Source, only: Option<&[String]>) -> Result<(Self, Contents)> {
        let label = source.label();
        let mut lines = Lines::new(source.open()?, label);
        let mut sums = Sums::default();
        let header = match lines.next()? {
            Some(line) => {
                sums.whole.update(&line);
                match serde_json::from_slice(&line) {
                    Ok(Line::Archive(header)) if line.ends_with(b"\n") => header,
                    Ok(Line::Archive(_)) => return Err(cut(&lines)),
                    Ok(Line::Collection(_) | Line::End(_) | Line::Footer(_)) | Err(_) => {
                        return Err(damaged(&lines, "this is not the start of an archive"));
                    }
                }
            }
            None => return Err(damaged(&lines, "there is nothing")),
        };
        if header.version != VERSION {
            return Err(damaged(
                &lines,
                "the archive is of a version that is not known",
            ));
        }
        let is_wanted = |it: &&String| only.is_none_or(|only| only.contains(it));
        let names: Vec<String> = header
            .collections
            .iter()
            .filter(is_wanted)
            .cloned()
            .collect();
        if let Some(missing) = only
            .unwrap_or_default()
            .iter()
            .find(|it| !names.contains(it))
        {
            let message = format!("the archive has no collection `{missing}`");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let found = Found::default();
        let contents = Contents {
            names,
            found: Arc::clone(&found),
        };
        let items = Self {
            lines,
            sums,
            header,
            only: only.map(<[String]>::to_vec),
            found,
            state: State::Between,
        };
        Ok((items, contents))
    }

    /// What follows a line that is no document.
    fn turn(&mut self, line: &[u8]) -> Result<State> {
        let parsed = serde_json::from_slice(line).ok();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match (parsed, &self.state) {
            (Some(Line::Collection(opening)), State::Between)
                if self.header.collections.get(found.len()) == Some(&opening.name) =>
            {
                let name = Arc::from(opening.name.as_str());
                found.push((opening, None));
                Ok(State::Within(name))
            }
            (Some(Line::End(closing)), State::Within(name)) => {
                let expected = self.sums.close(name.to_string());
                if closing != expected {
                    let what = "the documents before it are not those that were written";
                    return Err(damaged(&self.lines, what));
                }
                if let Some(last) = found.last_mut() {
                    last.1 = Some(closing);
                }
                Ok(State::Between)
            }
            (Some(Line::Footer(_)), State::Between)
                if found.len() == self.header.collections.len() =>
            {
                Ok(State::End)
            }
            (
                Some(Line::Archive(_) | Line::Collection(_) | Line::End(_) | Line::Footer(_))
                | None,
                State::Between | State::Within(_) | State::End,
            ) => Err(damaged(&self.lines, "this line does not belong here")),
        }
    }
}

impl Items for ArchiveItems {
    fn next(&mut self) -> Result<Option<Raw>> {
        let mut bytes = 0;
        while !matches!(self.state, State::End) {
            // The footer is not over itself.
            let expected = self.sums.footer();
            let Some(line) = self.lines.next()? else {
                return Err(cut(&self.lines));
            };
            let Some(content) = line.strip_suffix(b"\n") else {
                return Err(cut(&self.lines));
            };
            self.sums.whole.update(&line);
            bytes += line.len() as u64;
            let document = content.strip_prefix(DOCUMENT);
            let document = document.and_then(|it| it.strip_suffix(b"}"));
            if let (Some(document), State::Within(name)) = (document, &self.state) {
                self.sums.document(document);
                if self
                    .only
                    .as_ref()
                    .is_some_and(|only| !only.iter().any(|it| **it == **name))
                {
                    continue;
                }
                let Ok(text) = str::from_utf8(document) else {
                    return Err(damaged(&self.lines, "this is not UTF-8"));
                };
                return Ok(Some(Raw {
                    collection: Arc::clone(name),
                    line: self.lines.line,
                    text: Ok(text.to_owned()),
                    bytes,
                }));
            }
            self.state = self.turn(content)?;
            if matches!(self.state, State::End) {
                let footer = serde_json::to_vec(&Line::Footer(expected)).ok();
                if footer.as_deref() != Some(content) {
                    let what = "what is before it is not what was written";
                    return Err(damaged(&self.lines, what));
                }
                if self.lines.next()?.is_some() {
                    return Err(damaged(&self.lines, "something follows the archive"));
                }
            }
        }
        Ok(None)
    }
}

impl Contents {
    /// The collections that are read.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// The hashes of the collections that were read.
    pub(super) fn hashes(&self) -> Vec<(String, String)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = found.iter().filter_map(|it| it.1.as_ref());
        closed
            .filter(|it| self.names.contains(&it.name))
            .map(|it| (it.name.clone(), it.sha256.clone()))
            .collect()
    }

    /// Makes the constraints of the collections that were read.
    pub(super) async fn make_constraints(&self, db: &Db) -> Result<()> {
        let changes: Vec<SchemaChange> = {
            let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let openings = found.iter().map(|it| &it.0);
            openings
                .filter(|it| self.names.contains(&it.name))
                .flat_map(|it| changes_of(&it.name, &it.constraints))
                .collect()
        };
        for change in &changes {
            change.check(db.capabilities(), false)?;
            db.backend().alter(change).await?;
        }
        Ok(())
    }
}

/// The changes that make these constraints.
pub(super) fn changes_of(
    collection: &str,
    constraints: &[ConstraintMeta],
) -> impl Iterator<Item = SchemaChange> {
    constraints.iter().map(|it| SchemaChange::CreateConstraint {
        collection: collection.to_owned(),
        constraint: it.clone(),
    })
}

/// Reads an archive from end to end.
pub(super) fn check(source: Source, observer: &Observer) -> Result<Transferred> {
    let total_bytes = source.size();
    let (mut items, contents) = ArchiveItems::open(source, None)?;
    let mut progress = Progress::new(Stage::Check, "", None);
    progress.total_bytes = total_bytes;
    while let Some(raw) = items.next()? {
        if *raw.collection != *progress.collection {
            progress.collection = raw.collection.to_string();
            progress.documents = 0;
        }
        progress.documents += 1;
        progress.bytes += raw.bytes;
        if progress.documents.is_multiple_of(1000) {
            observer.tell(&progress);
        }
    }
    observer.tell(&progress);
    let mut done = Transferred::default();
    let found = contents
        .found
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for closing in found.iter().filter_map(|it| it.1.as_ref()) {
        let it = done.of(&closing.name);
        it.documents = closing.documents;
        it.sha256 = Some(closing.sha256.clone());
    }
    Ok(done)
}

fn cut(lines: &Lines) -> Error {
    damaged(lines, "the archive ends here, before its end: it was cut")
}

fn damaged(lines: &Lines, what: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{}: {what}", lines.place()))
}
