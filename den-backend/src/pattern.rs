//! Regular expressions that every engine reads alike.

use crate::{Error, ErrorKind, Result};

/// A regular expression in the syntax of the `regex` crate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a bad pattern.
    pub fn parse(text: &str) -> Result<Self> {
        regex_syntax::parse(text).map_err(|error| {
            Error::new(
                ErrorKind::InvalidQuery,
                "the pattern is not a regular expression",
            )
            .with_source(error)
        })?;
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
