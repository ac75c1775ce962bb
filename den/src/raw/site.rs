//! The names of the places that run raw statements.

use std::fmt;

use den_backend::__private::inventory;

/// A place that runs a raw statement, by name; made by [`site!`](crate::site).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    name: &'static str,
    package: Option<&'static str>,
    module: &'static str,
    file: &'static str,
    line: u32,
}

inventory::collect!(Site);

/// Names a place that runs a raw statement.
///
/// # Behavior
///
/// - The name is a literal, and not empty. Every place of the program is known, whether it ran or not:
///   see `den::testing::check_raw_sites`.
/// - In a constant it is one place that may be used several times.
///
/// ```
/// use den::{raw::Site, site};
///
/// const LIST_ALERTS: Site = site!("list_alerts");
/// assert_eq!(LIST_ALERTS.name(), "list_alerts");
/// ```
#[macro_export]
macro_rules! site {
    ($name:literal) => {{
        const SITE: $crate::raw::Site =
            $crate::raw::Site::__new($name, module_path!(), file!(), line!())
                .__of(option_env!("CARGO_PKG_NAME"));
        $crate::__private::inventory::submit! { SITE }
        SITE
    }};
}

/// Every place of this program that runs a raw statement, by name.
pub fn sites() -> Vec<Site> {
    let mut all: Vec<Site> = inventory::iter::<Site>().copied().collect();
    all.sort_unstable();
    all
}

impl Site {
    #[doc(hidden)]
    pub const fn __new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        assert!(
            !name.is_empty(),
            "a place that runs raw statements needs a name"
        );
        Self {
            name,
            package: None,
            module,
            file,
            line,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __of(mut self, package: Option<&'static str>) -> Self {
        self.package = package;
        self
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The package it is in, by its name in `Cargo.toml`; the crate, where it was not built by Cargo.
    pub fn package(self) -> &'static str {
        self.package.unwrap_or_else(|| self.crate_name())
    }

    /// The crate it is in, as in `use`.
    pub(crate) fn crate_name(self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

impl fmt::Display for Site {
    /// Writes `name (file:line)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.file, self.line)
    }
}
