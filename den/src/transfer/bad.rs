//! The file of lines that could not be stored.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use den_backend::Result;
use serde::Serialize;

use crate::transfer::{document::Bad, files::unwritable};

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    error: &'a str,
    text: &'a str,
}

/// The file. It is made with the first line that goes into it.
#[derive(Debug)]
pub(super) struct BadLines {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl BadLines {
    /// A file with as much as an earlier try has written of it; none of it is left of a first try.
    pub(super) fn open(path: &Path, kept: u64) -> Result<Self> {
        let mut file = None;
        if kept > 0 {
            let opened = OpenOptions::new().write(true).open(path);
            file = Some(opened.map_err(|it| unwritable(path, it))?);
        } else if let Err(why) = fs::remove_file(path)
            && why.kind() != io::ErrorKind::NotFound
        {
            return Err(unwritable(path, why));
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// Writes lines behind the first `at` bytes, in place of what is there; answers how many bytes
    /// there are then.
    pub(super) fn write(&self, at: u64, lines: &[Bad]) -> Result<u64> {
        let mut text = Vec::new();
        for it in lines {
            let line = Line {
                line: it.line,
                error: &it.why,
                text: &it.text,
            };
            // Writing plain fields into memory has no way to fail.
            text.extend(serde_json::to_vec(&line).unwrap_or_default());
            text.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() && text.is_empty() {
            return Ok(at);
        }
        self.replace(&mut file, at, &text)
            .map_err(|it| unwritable(&self.path, it))?;
        Ok(at + text.len() as u64)
    }

    fn replace(&self, file: &mut Option<File>, at: u64, text: &[u8]) -> io::Result<()> {
        let file = match file {
            Some(file) => file,
            None => file.insert(File::create(&self.path)?),
        };
        file.set_len(at)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(text)
    }
}
