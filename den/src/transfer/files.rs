//! Files, read and written where they may block: away from the threads that drive tasks.

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use den_backend::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::Id;

/// How much is read and written at a time.
const BUFFER: usize = 256 << 10;

/// Runs work that may block on a thread that may be blocked.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(why) => {
                Err(Error::new(ErrorKind::Backend, "the work was cancelled").with_source(why))
            }
        },
    }
}

/// Where something is read from: a file by its path, or a reader.
///
/// ```
/// use den::transfer::Source;
///
/// let file = Source::from("products.jsonl");
/// let input = Source::reader(std::io::stdin());
/// # let _ = (file, input);
/// ```
pub struct Source(Kind);

enum Kind {
    Path(PathBuf),
    Reader(Box<dyn Read + Send>),
}

impl Source {
    /// Reads from anything.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(Kind::Reader(Box::new(reader)))
    }

    /// What to call it.
    pub(super) fn label(&self) -> String {
        match &self.0 {
            Kind::Path(path) => path.display().to_string(),
            Kind::Reader(_) => "the input".to_owned(),
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Path(path) => Some(path),
            Kind::Reader(_) => None,
        }
    }

    /// How many bytes there are, if that is known.
    pub(super) fn size(&self) -> Option<u64> {
        fs::metadata(self.path()?).ok().map(|it| it.len())
    }

    /// Opens it, and steps over the mark that some programs put at the start of UTF-8.
    pub(super) fn open(self) -> Result<Box<dyn BufRead + Send>> {
        let label = self.label();
        let reader: Box<dyn Read + Send> = match self.0 {
            Kind::Path(path) => Box::new(File::open(path).map_err(|it| unreadable(&label, it))?),
            Kind::Reader(reader) => reader,
        };
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let mut start = Vec::with_capacity(BOM.len());
        let mark = (&mut reader).take(BOM.len() as u64);
        // A reader may give fewer bytes at a time than there are.
        io::copy(&mut { mark }, &mut start).map_err(|it| unreadable(&label, it))?;
        if start == BOM {
            start.clear();
        }
        Ok(Box::new(io::Cursor::new(start).chain(reader)))
    }
}

const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self(Kind::Path(path.to_owned()))
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Path(path))
    }
}

impl From<&PathBuf> for Source {
    fn from(path: &PathBuf) -> Self {
        Self(Kind::Path(path.clone()))
    }
}

impl From<&str> for Source {
    fn from(path: &str) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl From<String> for Source {
    fn from(path: String) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.label()).finish()
    }
}

/// A file under a name of its own until it is complete; then it is put in place in one step, and what
/// was there is replaced. Dropped before, it is removed.
pub(super) struct Partial {
    file: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Partial {
    /// A file that will be at `path`; its folder is made.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let failed = |it| unwritable(path, it);
        if let Some(folder) = folder_of(path) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let temporary = temporary_path(path);
        let file = File::create_new(&temporary).map_err(failed)?;
        Ok(Self {
            file: Some(BufWriter::with_capacity(BUFFER, file)),
            temporary,
            path: path.to_owned(),
        })
    }

    /// Puts the file in place, once all of it is on disk.
    pub(super) fn finish(mut self) -> Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let done = (|| {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            place(&self.temporary, &self.path)
        })();
        if done.is_err() {
            // It is of no use to anybody; the error to report is the first.
            let _ = fs::remove_file(&self.temporary);
        }
        done.map_err(|it| unwritable(&self.path, it))
    }
}

/// A path beside this one that nobody else uses.
pub(super) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(Id::<()>::generate().as_str());
    name.push(".part");
    path.with_file_name(name)
}

/// Gives a complete file its name, for good.
pub(super) fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::rename(temporary, path)?;
    // Where folders can be synced, the name survives a loss of power as well.
    if let Some(folder) = folder_of(path)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|it| !it.as_os_str().is_empty())
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A SHA-256 under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// One text, ended so that two texts are not another one.
    pub(super) fn line(&mut self, text: impl AsRef<[u8]>) {
        self.0.update(text);
        self.0.update(b"\n");
    }

    /// The hash of what there was so far, in hexadecimal.
    pub(super) fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let bytes = self.0.clone().finalize();
        let nibbles = bytes.iter().flat_map(|it| [it >> 4, it & 15]);
        nibbles
            .map(|it| char::from(DIGITS[usize::from(it)]))
            .collect()
    }
}

pub(super) fn unreadable(label: &str, why: io::Error) -> Error {
    Error::new(ErrorKind::Backend, format!("{label} cannot be read")).with_source(why)
}

pub(super) fn unwritable(path: &Path, why: io::Error) -> Error {
    let path = path.display();
    Error::new(ErrorKind::Backend, format!("{path} cannot be written")).with_source(why)
}
