//! Regular expressions that every engine reads alike.

mod postgres;

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use regex::{Regex, RegexBuilder};

use crate::{Error, ErrorKind, Result};

/// A regular expression in the syntax of the `regex` crate, as far as every engine can follow.
///
/// # Behavior
///
/// - A pattern is found anywhere in a text unless it is anchored with `^` or `$`, which mean the
///   start and the end of the text. `.` matches any character but a line feed.
/// - Word boundaries, anchors at lines, and repetition counts above 255 are refused.
#[derive(Clone)]
pub struct Pattern {
    regex: Regex,
    postgres: String,
}

/// Above this, compiling takes longer than a caller should wait for a filter.
const MAX_COMPILED: usize = 1 << 22;

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for what is no regular expression, and for what an engine cannot do exactly:
    /// the message names it and says what to write instead.
    pub fn parse(text: &str) -> Result<Self> {
        let hir = regex_syntax::parse(text)
            .map_err(|error| refused("the pattern is not a regular expression").with_source(error))?;
        let postgres = postgres::print(&hir)?;
        let regex = RegexBuilder::new(text)
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| refused(TOO_LARGE).with_source(error))?;
        Ok(Self { regex, postgres })
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// The pattern as an advanced regular expression of PostgreSQL, for the operator `~`.
    ///
    /// # Behavior
    ///
    /// - It means the same under every collation, because it spells out every character class.
    pub fn postgres(&self) -> &str {
        &self.postgres
    }

    /// Whether the pattern is found anywhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

const TOO_LARGE: &str = "the pattern is too large; use smaller repetition counts or fewer classes";

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.as_str()).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, postgres: &str) {
        let parsed = Pattern::parse(pattern).unwrap();
        assert_eq!(parsed.postgres(), postgres, "{pattern}");
    }

    fn check_refused(pattern: &str, words: &str) {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.to_string().contains(words), "{pattern}: {error}");
    }

    #[test]
    fn literals_are_escaped() {
        check("abc", "abc");
        check(r"a\.b\*", r"a\.b\*");
        check(r"\(\[\{\\", r"\(\[\{\\");
    }
}
