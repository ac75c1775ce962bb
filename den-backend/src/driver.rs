//! The registry of drivers: which crate opens which URL scheme.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use crate::{Backend, DatabaseUrl, Error, ErrorKind, Result};

/// A future that opens a backend.
pub type OpenFuture = Pin<Box<dyn Future<Output = Result<Arc<dyn Backend>>> + Send>>;

/// What opens the URLs of some schemes.
///
/// ```
/// use den_backend::{DatabaseUrl, Driver, Error, ErrorKind, OpenOptions};
///
/// /// Opens `tape:` URLs.
/// pub static DRIVER: Driver = Driver {
///     name: "tape",
///     schemes: &["tape"],
///     open: |_url: DatabaseUrl, _options: OpenOptions| {
///         Box::pin(async { Err(Error::new(ErrorKind::ConnectionLost, "no tape in the drive")) })
///     },
/// };
/// den_backend::register_driver!(DRIVER);
///
/// assert_eq!(den_backend::find_driver("TAPE").unwrap().name, "tape");
/// ```
pub struct Driver {
    /// The name of the driver, in messages.
    pub name: &'static str,
    /// The URL schemes it opens, in lower case.
    pub schemes: &'static [&'static str],
    /// Opens a URL of one of these schemes.
    pub open: fn(DatabaseUrl, OpenOptions) -> OpenFuture,
}

/// How to open a database, beyond its URL. What the URL says itself takes precedence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// At most how many connections serve queries; a backend may keep a few more of its own.
    pub max_connections: Option<usize>,
    /// How long to wait for a free connection.
    pub acquire_timeout: Option<Duration>,
    /// How long to wait for the server to accept a connection.
    pub connect_timeout: Option<Duration>,
}

/// Announces a `static` [`Driver`] at link time.
///
/// A crate that no code mentions is dropped by the linker, and its drivers with it: applications
/// write `use the_crate as _;`.
#[macro_export]
macro_rules! register_driver {
    ($driver:path) => {
        $crate::__private::inventory::submit! { $crate::driver::Registered(&$driver) }
    };
}

/// An entry of the registry; made by [`register_driver!`](crate::register_driver).
#[derive(Debug)]
pub struct Registered(pub &'static Driver);

inventory::collect!(Registered);

/// Returns every driver that was linked into this program, by name.
pub fn drivers() -> Vec<&'static Driver> {
    let mut all: Vec<_> = inventory::iter::<Registered>
        .into_iter()
        .map(|it| it.0)
        .collect();
    all.sort_by_key(|it| it.name);
    all
}

/// Returns the driver for a scheme, which is case-insensitive.
///
/// # Errors
///
/// `UnknownScheme` if there is none (the message lists the schemes there are, and the line to
/// add), or if several drivers claim it (the message names them).
pub fn find_driver(scheme: &str) -> Result<&'static Driver> {
    let all = drivers();
    let opens = |it: &&&Driver| {
        it.schemes
            .iter()
            .any(|its| its.eq_ignore_ascii_case(scheme))
    };
    let found: Vec<&Driver> = all.iter().filter(opens).copied().collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(unknown(scheme, &all)),
        several => {
            let names: Vec<_> = several.iter().map(|it| format!("`{}`", it.name)).collect();
            Err(Error::new(
                ErrorKind::UnknownScheme,
                format!(
                    "the scheme `{scheme}` is claimed by several drivers: {}; link only one of \
                     them, or choose with `Db::builder().driver(&..)`",
                    names.join(" and ")
                ),
            ))
        }
    }
}

fn unknown(scheme: &str, all: &[&Driver]) -> Error {
    let mut schemes: Vec<&str> = all.iter().flat_map(|it| it.schemes).copied().collect();
    schemes.sort_unstable();
    let there = if schemes.is_empty() {
        "none".to_owned()
    } else {
        schemes.join(", ")
    };
    let hint = match scheme {
        "sqlite" | "memory" => format!("enable the feature `{scheme}` of den"),
        "postgres" | "postgresql" => "enable the feature `postgres` of den".to_owned(),
        other => format!("add the crate that opens `{other}:` and write `use the_crate as _;`"),
    };
    Error::new(
        ErrorKind::UnknownScheme,
        format!("no driver for the scheme `{scheme}`; registered: {there}; {hint}"),
    )
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("name", &self.name)
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}
