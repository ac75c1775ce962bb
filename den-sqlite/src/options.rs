//! What a SQLite URL says.

use std::{path::PathBuf, time::Duration};

use den_backend::{DatabaseUrl, Error, ErrorKind, OpenOptions, Result, url::percent_decode};

/// Where the database is and how to open it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) location: Location,
    pub(crate) mode: Mode,
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) acquire_timeout: Duration,
    /// As the pragma has it: pages, or KiB if negative.
    pub(crate) cache_size: i64,
    pub(crate) mmap_size: i64,
    pub(crate) page_size: i64,
    pub(crate) journal_size_limit: i64,
    pub(crate) foreign_keys: bool,
    pub(crate) statement_cache: usize,
    /// So many scans run at once.
    pub(crate) max_connections: usize,
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Location {
    File(PathBuf),
    Memory,
}

/// What may be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read, write, create if missing.
    Create,
    /// Read and write what is there.
    ReadWrite,
    /// Read what is there.
    ReadOnly,
}

/// When SQLite waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Synchronous {
    Off,
    Normal,
    Full,
    Extra,
}

const PARAMETERS: [&str; 11] = [
    "acquire_timeout",
    "busy_timeout",
    "cache_size",
    "foreign_keys",
    "journal_size_limit",
    "max_connections",
    "mmap_size",
    "mode",
    "page_size",
    "statement_cache",
    "synchronous",
];

impl Options {
    /// Reads a URL; what it says takes precedence over `options`.
    pub(crate) fn parse(url: &DatabaseUrl, options: &OpenOptions) -> Result<Self> {
        let mut it = Self {
            location: Location::parse(url)?,
            mode: Mode::Create,
            synchronous: Synchronous::Normal,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: options.acquire_timeout.unwrap_or(Duration::from_secs(30)),
            // Small enough that a scan of a large database leaves no large footprint.
            cache_size: -16_000,
            mmap_size: 0,
            page_size: 8192,
            journal_size_limit: 64 * 1024 * 1024,
            foreign_keys: true,
            statement_cache: 256,
            max_connections: options.max_connections.unwrap_or(4).clamp(1, 1000),
        };
        let mut seen = Vec::new();
        for (name, value) in url.parameters()? {
            it.set(&name, &value)?;
            if seen.contains(&name) {
                return Err(invalid(format!("the parameter `{name}` is given twice")));
            }
            seen.push(name);
        }
        if it.location == Location::Memory && it.mode != Mode::Create {
            return Err(invalid(
                "a database in memory is always created; leave out `mode`".to_owned(),
            ));
        }
        Ok(it)
    }

    /// Whether a commit waits for the disk.
    pub(crate) fn commits_wait_for_disk(&self) -> bool {
        match self.synchronous {
            Synchronous::Off | Synchronous::Normal => false,
            Synchronous::Full | Synchronous::Extra => true,
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "acquire_timeout" => self.acquire_timeout = milliseconds(name, value)?,
            "busy_timeout" => self.busy_timeout = milliseconds(name, value)?,
            "cache_size" => {
                let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
                self.cache_size = number(name, value, range)?;
            }
            "foreign_keys" => {
                let choices = [("on", true), ("off", false)];
                self.foreign_keys = choice(name, value, &choices)?;
            }
            "journal_size_limit" => {
                self.journal_size_limit = number(name, value, -1..=i64::MAX)?;
            }
            "max_connections" => self.max_connections = size(name, value, 1..=1000)?,
            "mmap_size" => self.mmap_size = number(name, value, 0..=i64::MAX)?,
            "mode" => {
                let choices = [
                    ("rwc", Mode::Create),
                    ("rw", Mode::ReadWrite),
                    ("ro", Mode::ReadOnly),
                ];
                self.mode = choice(name, value, &choices)?;
            }
            "page_size" => {
                let size = number(name, value, 512..=65_536)?;
                if size.count_ones() != 1 {
                    return Err(invalid(
                        "the parameter `page_size` must be a power of two".to_owned(),
                    ));
                }
                self.page_size = size;
            }
            "statement_cache" => self.statement_cache = size(name, value, 0..=100_000)?,
            "synchronous" => {
                let choices = [
                    ("off", Synchronous::Off),
                    ("normal", Synchronous::Normal),
                    ("full", Synchronous::Full),
                    ("extra", Synchronous::Extra),
                ];
                self.synchronous = choice(name, value, &choices)?;
            }
            unknown => {
                return Err(invalid(format!(
                    "unknown parameter `{unknown}` in a SQLite URL; known are {}",
                    PARAMETERS.join(", ")
                )));
            }
        }
        Ok(())
    }
}

impl Location {
    fn parse(url: &DatabaseUrl) -> Result<Self> {
        let rest = url.rest();
        let path = match rest.strip_prefix("//") {
            Some(rest) => rest.strip_prefix('/').unwrap_or(rest),
            None => rest,
        };
        let path = percent_decode(path)?;
        if path == ":memory:" {
            return Ok(Self::Memory);
        }
        if path.is_empty() {
            return Err(invalid(
                "the SQLite URL names no file; write `sqlite:///app.db` for a relative path, \
                 `sqlite:////var/app.db` for an absolute one, or `sqlite::memory:`"
                    .to_owned(),
            ));
        }
        if path.contains('\0') {
            return Err(invalid(
                "the path in the SQLite URL holds a NUL character".to_owned(),
            ));
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

impl Synchronous {
    /// The value of the pragma.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
            Self::Extra => "EXTRA",
        }
    }
}

fn milliseconds(name: &str, value: &str) -> Result<Duration> {
    let value = number(name, value, 0..=i64::from(i32::MAX))?;
    Ok(Duration::from_millis(value.unsigned_abs()))
}

fn size(name: &str, value: &str, range: std::ops::RangeInclusive<i64>) -> Result<usize> {
    let value = number(name, value, range)?;
    usize::try_from(value).map_err(|_| invalid(format!("the parameter `{name}` is too large")))
}

fn number(name: &str, value: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64> {
    let parsed = value.parse().ok().filter(|it| range.contains(it));
    parsed.ok_or_else(|| {
        invalid(format!(
            "the parameter `{name}` must be a number from {} to {}, not `{value}`",
            range.start(),
            range.end()
        ))
    })
}

fn choice<T: Copy>(name: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    let found = choices
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value));
    found.map(|(_, it)| *it).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        invalid(format!(
            "the parameter `{name}` must be one of {}, not `{value}`",
            words.join(", ")
        ))
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Options> {
        Options::parse(&DatabaseUrl::parse(url).unwrap(), &OpenOptions::default())
    }

    fn path(url: &str) -> PathBuf {
        match parse(url).unwrap().location {
            Location::File(path) => path,
            Location::Memory => panic!("{url} is in memory"),
        }
    }

    #[test]
    fn exactly_one_slash_is_stripped() {
        for (url, expected) in [
            ("sqlite:///rel.db", "rel.db"),
            ("sqlite:////abs/x.db", "/abs/x.db"),
            ("sqlite://rel.db", "rel.db"),
            ("sqlite:rel.db", "rel.db"),
            ("sqlite:///a%20b.db?mode=rw", "a b.db"),
            ("SQLITE:///./x/y.db", "./x/y.db"),
        ] {
            assert_eq!(path(url), PathBuf::from(expected), "{url}");
        }
    }

    #[test]
    fn memory_has_two_spellings() {
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite:///:memory:"] {
            assert_eq!(parse(url).unwrap().location, Location::Memory, "{url}");
        }
        assert!(parse("sqlite::memory:?mode=ro").is_err());
    }

    #[test]
    fn no_file_is_refused() {
        for url in ["sqlite:", "sqlite://", "sqlite:///", "sqlite:///?mode=rw"] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{url}");
        }
    }

    #[test]
    fn every_parameter_is_read() {
        let it = parse(
            "sqlite:///x.db?acquire_timeout=1&busy_timeout=2&cache_size=-3&foreign_keys=off\
             &journal_size_limit=4&max_connections=5&mmap_size=6&mode=ro&page_size=4096\
             &statement_cache=7&synchronous=FULL",
        )
        .unwrap();
        let expected = Options {
            location: Location::File("x.db".into()),
            mode: Mode::ReadOnly,
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_millis(2),
            acquire_timeout: Duration::from_millis(1),
            cache_size: -3,
            mmap_size: 6,
            page_size: 4096,
            journal_size_limit: 4,
            foreign_keys: false,
            statement_cache: 7,
            max_connections: 5,
        };
        assert_eq!(it, expected);
    }

    #[test]
    fn bad_parameters_are_refused_with_what_is_allowed() {
        for (parameters, hint) in [
            ("sychronous=full", "synchronous"),
            ("synchronous=maybe", "off, normal, full, extra"),
            ("busy_timeout=-1", "from 0"),
            ("busy_timeout=5s", "from 0"),
            ("max_connections=0", "from 1"),
            ("page_size=5000", "power of two"),
            ("foreign_keys=yes", "on, off"),
            ("mode=memory", "rwc, rw, ro"),
            ("mode=rw&mode=ro", "twice"),
            ("cache_size=", "number"),
        ] {
            let url = ["sqlite:///x.db?", parameters].concat();
            let error = parse(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{parameters}");
            assert!(error.to_string().contains(hint), "{error}");
        }
    }

    #[test]
    fn the_url_outweighs_the_options() {
        let mut options = OpenOptions::default();
        options.max_connections = Some(9);
        let url = DatabaseUrl::parse("sqlite:///x.db").unwrap();
        assert_eq!(Options::parse(&url, &options).unwrap().max_connections, 9);
        let url = DatabaseUrl::parse("sqlite:///x.db?max_connections=2").unwrap();
        assert_eq!(Options::parse(&url, &options).unwrap().max_connections, 2);
    }
}
