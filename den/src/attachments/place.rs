//! The files of a folder storage; everything here waits for the disk.
//!
//! `ab/cd/<hash>` is content, `uploads/<anything>` what is being uploaded. No other name is ever
//! made, and what is not a plain file or folder at such a place is refused.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use den_backend::{Error, ErrorKind, Result};

use crate::{
    Id, Timestamp,
    attachments::{ContentHash, Stored},
};

/// The folder of temporary files; longer than two characters, so never a folder of content.
const UPLOADS: &str = "uploads";

/// The root folder.
#[derive(Debug)]
pub(super) struct Root(PathBuf); // Invariant: absolute.

/// A file under `uploads`; removed when dropped, unless it was put in place.
#[derive(Debug)]
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
    is_placed: bool,
}

impl Root {
    /// Opens a folder; creates it where it is missing.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "the path of the storage folder is empty",
            ));
        }
        // A relative path must go on meaning the same when the process changes its directory.
        let path =
            std::path::absolute(path).map_err(failed("could not find the storage folder", path))?;
        let root = Self(path);
        let is_missing = |it: &&Path| !it.exists();
        let missing: Vec<&Path> = root.0.ancestors().take_while(is_missing).collect();
        for folder in [&root.0, &root.uploads()] {
            let made = folders().recursive(true).create(folder);
            made.map_err(failed("could not create the storage folder", folder))?;
        }
        // Content is as durable as the names of the folders around it.
        for folder in missing.into_iter().filter_map(Path::parent) {
            sync_folder(folder).map_err(failed("could not write to disk", folder))?;
        }
        root.check()?;
        Ok(root)
    }

    /// Starts a temporary file.
    pub(super) fn create(&self) -> Result<Temporary> {
        self.check()?;
        let path = self.uploads().join(Id::<()>::generate().as_str());
        // Only a new file: what lies there already, be it a link, is not opened.
        let file = new_file()
            .open(&path)
            .map_err(failed("could not create the file", &path))?;
        Ok(Temporary {
            file,
            path,
            is_placed: false,
        })
    }

    /// Puts a temporary file in place, durably.
    pub(super) fn place(&self, mut temporary: Temporary, hash: &ContentHash) -> Result<()> {
        let synced = temporary.file.sync_all();
        synced.map_err(failed("could not write to disk", &temporary.path))?;
        let metadata = temporary.file.metadata();
        let size = metadata.map_err(failed("could not read", &temporary.path))?;
        let [first, second, name] = hash.segments();
        let outer = self.0.join(first);
        let inner = outer.join(second);
        for folder in [&outer, &inner] {
            make_folder(folder)?;
        }
        let path = inner.join(name);
        let is_kept = match look(&path)? {
            Some(it) if !it.is_file() => return Err(foreign(&path)),
            // Of another size it is damaged: the good one takes its place.
            Some(it) => it.len() == size.len() && touch(&path).is_ok(),
            None => false,
        };
        if !is_kept {
            fs::rename(&temporary.path, &path).map_err(failed("could not put in place", &path))?;
            temporary.is_placed = true;
        }
        // Also for content that was there: whoever put it may not have come this far yet.
        for folder in [&inner, &outer, &self.0] {
            sync_folder(folder).map_err(failed("could not write to disk", folder))?;
        }
        Ok(())
    }

    /// Where content lies, and what is known of it.
    pub(super) fn find(&self, hash: &ContentHash) -> Result<Option<(PathBuf, Metadata)>> {
        let mut path = self.0.clone();
        let [first, second, name] = hash.segments();
        for folder in [first, second] {
            path.push(folder);
            match look(&path)? {
                Some(it) if it.is_dir() => {}
                Some(_) => return Err(foreign(&path)),
                None => return self.check().map(|()| None),
            }
        }
        path.push(name);
        match look(&path)? {
            Some(it) if it.is_file() => Ok(Some((path, it))),
            Some(_) => Err(foreign(&path)),
            None => self.check().map(|()| None),
        }
    }

    /// Opens content.
    pub(super) fn read(&self, hash: &ContentHash) -> Result<Option<(File, u64)>> {
        let Some((path, _)) = self.find(hash)? else {
            return Ok(None);
        };
        let opened = File::open(&path).and_then(|it| Ok((it.metadata()?.len(), it)));
        match opened {
            Ok((size, file)) => Ok(Some((file, size))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed("could not open", &path)(why)),
        }
    }

    /// Removes content; says whether there was any.
    pub(super) fn remove(&self, hash: &ContentHash) -> Result<bool> {
        let Some((path, _)) = self.find(hash)? else {
            return Ok(false);
        };
        remove(&path)
    }

    /// The folders that content lies in.
    pub(super) fn folders(&self) -> Result<Vec<PathBuf>> {
        self.check()?;
        folders_of_content(&self.0)
    }

    /// The content of one of [`folders`](Self::folders).
    pub(super) fn contents(outer: &Path) -> Result<Vec<Stored>> {
        let mut all = Vec::new();
        for inner in folders_of_content(outer)? {
            for (path, metadata) in entries(&inner)? {
                let hash = file_name(&path).and_then(|it| ContentHash::parse(it).ok());
                let Some(hash) = hash.filter(|_| metadata.is_file()) else {
                    continue;
                };
                let [first, second, _] = hash.segments();
                if file_name(outer) == Some(first) && file_name(&inner) == Some(second) {
                    all.push(Stored {
                        hash,
                        size: metadata.len(),
                        modified: modified(&metadata).map_or(Timestamp::UNIX_EPOCH, timestamp),
                    });
                }
            }
        }
        Ok(all)
    }

    /// Removes temporary files that nobody has written to for `age`.
    pub(super) fn sweep(&self, age: Duration) -> Result<u64> {
        self.check()?;
        let mut count = 0;
        for (path, metadata) in entries(&self.uploads())? {
            let unchanged = modified(&metadata).and_then(|it| it.elapsed().ok());
            let is_old = unchanged.is_some_and(|it| it >= age);
            if !metadata.is_dir() && is_old && remove(&path)? {
                count += 1;
            }
        }
        Ok(count)
    }

    fn uploads(&self) -> PathBuf {
        self.0.join(UPLOADS)
    }

    /// Whether the storage is there: a disk that is not mounted must not look like an empty one.
    fn check(&self) -> Result<()> {
        match look(&self.uploads())? {
            Some(it) if it.is_dir() => Ok(()),
            Some(_) => Err(foreign(&self.uploads())),
            None => Err(Error::new(
                ErrorKind::Backend,
                format!("the storage folder {} is gone", self.0.display()),
            )),
        }
    }
}

impl Temporary {
    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(failed("could not write", &self.path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed now is swept later.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// What lies at a path, itself, not what it links to.
fn look(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(it) => Ok(Some(it)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(failed("could not look at", path)(why)),
    }
}

fn make_folder(path: &Path) -> Result<()> {
    match folders().create(path) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            let is_folder = look(path)?.is_some_and(|it| it.is_dir());
            if is_folder {
                Ok(())
            } else {
                Err(foreign(path))
            }
        }
        Err(why) => Err(failed("could not create the folder", path)(why)),
    }
}

fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(failed("could not remove", path)(why)),
    }
}

/// The folders of two hexadecimal digits in a folder.
fn folders_of_content(path: &Path) -> Result<Vec<PathBuf>> {
    let is_digit = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    let all = entries(path)?.into_iter();
    let folders = all.filter(|(path, metadata)| {
        let name = file_name(path).unwrap_or_default();
        metadata.is_dir() && name.len() == 2 && name.bytes().all(is_digit)
    });
    Ok(folders.map(|(path, _)| path).collect())
}

/// What lies in a folder, links not followed; without what vanishes meanwhile.
fn entries(path: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
    let entries = fs::read_dir(path).map_err(failed("could not list", path))?;
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("could not list", path))?;
        if let Some(metadata) = look(&entry.path())? {
            all.push((entry.path(), metadata));
        }
    }
    Ok(all)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name().and_then(|it| it.to_str())
}

fn modified(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

/// Sets the time of change to now.
fn touch(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_modified(SystemTime::now())
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| it.as_micros());
    let micros = i64::try_from(micros).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Folders that others than the owner and the group cannot enter, where the system knows that.
fn folders() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut it = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut it, 0o750);
    it
}

/// Files that others than the owner and the group cannot read, where the system knows that.
fn new_file() -> OpenOptions {
    let mut it = OpenOptions::new();
    it.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut it, 0o640);
    it
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and the system writes names by itself.
    if cfg!(unix) {
        return File::open(path)?.sync_all();
    }
    Ok(())
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + 'a {
    move |why| {
        let message = format!("{action} {}", path.display());
        Error::new(ErrorKind::Backend, message).with_source(why)
    }
}

fn foreign(path: &Path) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "{} is a link, or something else that does not belong into a storage folder",
            path.display()
        ),
    )
}
