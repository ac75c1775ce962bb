//! The files: one folder per collection, one JSON file per document.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use den_backend::{Error, ErrorKind, Result, Value};

/// Numbers the temporary files of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The dotted paths of each index, and all that was declared of it, by its name.
pub(crate) type Indexes = BTreeMap<String, (Vec<String>, String)>;

#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Makes sure that the folder is there and can be written to.
    pub(crate) fn ping(&self) -> Result<()> {
        fs::create_dir_all(&self.root)
            .and_then(|()| self.lock())
            .map(drop)
            .map_err(|error| failed("could not use the folder", &self.root, error))
    }

    /// Runs `work` while no other writer does, in this process or another.
    pub(crate) fn locked<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let lock = self
            .lock()
            .map_err(|error| failed("could not lock", &self.root, error))?;
        let done = work();
        drop(lock);
        done
    }

    fn lock(&self) -> io::Result<File> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(self.root.join(".lock"))?;
        // Released when the file is closed.
        file.lock()?;
        Ok(file)
    }

    pub(crate) fn ensure(&self, collection: &str) -> Result<()> {
        let folder = self.folder(collection);
        fs::create_dir_all(&folder)
            .map_err(|error| failed("could not make the folder", &folder, error))
    }

    pub(crate) fn require(&self, collection: &str) -> Result<()> {
        if self.folder(collection).is_dir() {
            return Ok(());
        }
        Err(Error::not_registered(collection))
    }

    pub(crate) fn collections(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.entries(&self.root)? {
            if entry.is_dir() {
                names.extend(file_name(&entry).and_then(decode));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(crate) fn drop(&self, collection: &str) -> Result<()> {
        let folder = self.folder(collection);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("could not remove", &folder, error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(crate) fn read(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>> {
        self.require(collection)?;
        let file = self.file(collection, id);
        match fs::read(&file) {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("could not read", &file, error)),
        }
    }

    /// Puts a new file in place of the old one, so that a reader sees the one or the other.
    pub(crate) fn write(&self, collection: &str, id: &str, body: &[u8]) -> Result<()> {
        self.replace(&self.file(collection, id), body)
    }

    fn replace(&self, file: &Path, body: &[u8]) -> Result<()> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let fresh = self
            .root
            .join(format!(".new-{}-{number}", std::process::id()));
        let written = File::create(&fresh)
            .and_then(|mut it| {
                it.write_all(body)?;
                it.sync_all()
            })
            .and_then(|()| fs::rename(&fresh, file));
        written.map_err(|error| failed("could not write", file, error))
    }

    pub(crate) fn remove(&self, collection: &str, id: &str) -> Result<bool> {
        let file = self.file(collection, id);
        match fs::remove_file(&file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("could not remove", &file, error)),
        }
    }

    /// Every document of a collection.
    pub(crate) fn all(&self, collection: &str) -> Result<Vec<(String, Value)>> {
        self.require(collection)?;
        let mut documents = Vec::new();
        for file in self.entries(&self.folder(collection))? {
            let Some(id) = file_name(&file).and_then(|it| decode(it.strip_suffix(".json")?)) else {
                continue;
            };
            // A document that is deleted meanwhile is not there.
            if let Some(body) = self.read(collection, &id)? {
                let document = parse(&body)
                    .map_err(|error| error.with_collection(collection).with_id(id.as_str()))?;
                documents.push((id, document));
            }
        }
        Ok(documents)
    }

    /// The indexes that were declared for a collection, by name. They make nothing faster here;
    /// they are kept so that tools see what was declared.
    pub(crate) fn indexes(&self, collection: &str) -> Result<Indexes> {
        let file = self.index_file(collection);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                Error::new(ErrorKind::Corrupt, "the list of indexes cannot be read")
                    .with_collection(collection)
                    .with_source(error)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Indexes::new()),
            Err(error) => Err(failed("could not read", &file, error)),
        }
    }

    pub(crate) fn set_indexes(&self, collection: &str, indexes: &Indexes) -> Result<()> {
        let file = self.index_file(collection);
        let text = serde_json::to_vec(indexes).map_err(|error| {
            Error::new(ErrorKind::Backend, "could not write the list of indexes").with_source(error)
        })?;
        self.replace(&file, &text)
    }

    fn index_file(&self, collection: &str) -> PathBuf {
        self.folder(collection).join(".indexes")
    }

    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder).and_then(|entries| {
            let paths = entries.map(|entry| Ok(entry?.path()));
            paths.collect::<io::Result<Vec<PathBuf>>>()
        });
        entries.map_err(|error| failed("could not list", folder, error))
    }

    fn folder(&self, collection: &str) -> PathBuf {
        self.root.join(encode(collection))
    }

    fn file(&self, collection: &str, id: &str) -> PathBuf {
        self.folder(collection).join(encode(id) + ".json")
    }
}

pub(crate) fn parse(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(ErrorKind::Corrupt, "the stored document cannot be read").with_source(error)
    })
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// A name as a file name: letters, digits and `-` stand for themselves, any other byte is `_` and
/// two hex digits. Upper case is escaped too, because not every file system tells it apart.
fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("_{byte:02x}"));
        }
    }
    out
}

fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'_' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Backend, format!("{what}: {}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_a_file_name() {
        for name in ["notes", "Notes", "a/b", "..", "a_b", "ü", "\"", " "] {
            let file = encode(name);
            assert!(
                file.bytes()
                    .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
            );
            assert_eq!(decode(&file).as_deref(), Some(name));
        }
        assert_eq!(decode(".lock"), Some(".lock".into()));
    }
}
