//! Why a command did not do what was asked, and the exit codes.

use std::{error::Error as _, fmt, io};

use den::ErrorKind;

/// All went well.
pub(crate) const OK: u8 = 0;
/// Something failed.
pub(crate) const ERROR: u8 = 1;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// What was looked for is not there, or what was compared differs.
pub(crate) const DIFFERENT: u8 = 3;
/// Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    an error
  2    a mistake in the command line
  3    not found; or a difference or a fault was found
  130  interrupted by Ctrl-C, with nothing half done";

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// den, or the database, refused.
    Den(den::Error),
    /// Something else went wrong.
    Message(String),
    /// The command line makes no sense.
    Usage(String),
    /// What was looked for is not there.
    NotFound(String),
    /// Differences or faults were found, and shown.
    Different,
    /// Nobody reads the output any more.
    Closed,
}

/// What commands return.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Den(error) => of_kind(error.kind()),
            Self::Message(_) => ERROR,
            Self::Usage(_) => USAGE,
            Self::NotFound(_) | Self::Different => DIFFERENT,
            Self::Closed => OK,
        }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::Message(format!("could not {what} {}: {error}", path.display()))
    }
}

impl From<den::Error> for Failure {
    fn from(error: den::Error) -> Self {
        Self::Den(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() == io::ErrorKind::BrokenPipe {
            true => Self::Closed,
            false => Self::Message(format!("could not write the output: {error}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Den(error) => den_error(error, f),
            Self::Message(text) | Self::Usage(text) | Self::NotFound(text) => f.write_str(text),
            Self::Different | Self::Closed => Ok(()),
        }
    }
}

fn of_kind(kind: ErrorKind) -> u8 {
    if let ErrorKind::NotFound | ErrorKind::NotRegistered = kind {
        return DIFFERENT;
    }
    match kind == ErrorKind::UnknownScheme {
        true => USAGE,
        false => ERROR,
    }
}

fn den_error(error: &den::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.kind(), error.collection()) {
        (ErrorKind::NotRegistered, Some(collection)) => {
            write!(
                f,
                "there is no collection `{collection}`; `den ls` lists those there are"
            )?;
        }
        _ => write!(f, "{error}")?,
    }
    if let Some(code) = error.code() {
        write!(f, " (code {code})")?;
    }
    let violations = error.violations();
    for violation in violations.iter().skip(1) {
        write!(f, "\n  {violation}")?;
    }
    if !error.offenders().is_empty() {
        write!(
            f,
            "\n  documents in the way: {}",
            error.offenders().join(", ")
        )?;
    }
    let mut source = error.source();
    while let Some(why) = source {
        let text = why.to_string();
        for (at, line) in text.lines().enumerate() {
            let begin = if at == 0 {
                "\n  because: "
            } else {
                "\n           "
            };
            write!(f, "{begin}{line}")?;
        }
        source = why.source();
    }
    Ok(())
}
