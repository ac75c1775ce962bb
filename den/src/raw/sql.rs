//! The text of raw statements.

use std::borrow::Cow;

use den_backend::{Error, ErrorKind, Result};

/// The text of a raw statement: one for every engine, or one for each.
///
/// # Behavior
///
/// - Text is `&'static str`, so nothing that was made at run time becomes part of it by accident;
///   [`assert_safe`](Self::assert_safe) is the way around.
/// - On an engine without a text, nothing is run: `Unsupported`.
///
/// ```
/// use den::raw::RawSql;
///
/// let both: RawSql = "SELECT count(*) AS n FROM products".into();
/// let each = RawSql::new()
///     .sqlite("SELECT group_concat(id) AS ids FROM products")
///     .postgres("SELECT string_agg(id, ',') AS ids FROM products");
/// # let _ = (both, each);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a text does nothing until it is run"]
pub struct RawSql {
    every: Option<Cow<'static, str>>,
    each: Vec<(&'static str, &'static str)>,
}

impl RawSql {
    /// No text yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One text for every engine; a `&'static str` itself means the same.
    pub fn both(text: &'static str) -> Self {
        Self::from(text)
    }

    /// The text for SQLite.
    pub fn sqlite(self, text: &'static str) -> Self {
        self.on("sqlite", text)
    }

    /// The text for PostgreSQL.
    pub fn postgres(self, text: &'static str) -> Self {
        self.on("postgres", text)
    }

    /// The text for the backend of this [name](crate::Db::backend_name).
    pub fn on(mut self, backend: &'static str, text: &'static str) -> Self {
        self.each.retain(|(it, _)| *it != backend);
        self.each.push((backend, text));
        self
    }

    /// A text that was made at run time, for every engine. The caller asserts that nothing in it comes
    /// from outside of the program: such things are parameters.
    pub fn assert_safe(text: impl Into<String>) -> Self {
        Self {
            every: Some(Cow::Owned(text.into())),
            each: Vec::new(),
        }
    }

    /// The text for a backend.
    pub(super) fn text_for(self, backend: &str) -> Result<Cow<'static, str>> {
        let own = self.each.iter().find(|(it, _)| *it == backend);
        match own {
            Some((_, text)) => Ok(Cow::Borrowed(text)),
            None => self.every.ok_or_else(|| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("the raw statement has no text for the backend `{backend}`"),
                )
            }),
        }
    }
}

impl From<&'static str> for RawSql {
    fn from(text: &'static str) -> Self {
        Self {
            every: Some(Cow::Borrowed(text)),
            each: Vec::new(),
        }
    }
}
