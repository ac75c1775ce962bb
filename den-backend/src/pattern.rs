//! Regular expressions that every engine reads alike.

mod postgres;

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
};

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// A regular expression in the syntax of the `regex` crate, as far as every engine can follow.
///
/// # Behavior
///
/// - A pattern is found anywhere in a text unless it is anchored with `^` or `$`, which mean the
///   start and the end of the text. `.` matches any character but a line feed.
/// - Word boundaries, anchors at lines, and repetition counts above 255 are refused.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    regex: Regex,
    postgres: String,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for what is no regular expression, and for what an engine cannot do exactly:
    /// the message names it and says what to write instead.
    pub fn parse(text: &str) -> Result<Self> {
        let hir = regex_syntax::parse(text).map_err(|error| {
            refused("the pattern is not a regular expression").with_source(error)
        })?;
        let postgres = postgres::print(&hir)?;
        // What parses can only fail to compile for its size.
        let regex = Regex::new(text).map_err(|error| refused(TOO_LARGE).with_source(error))?;
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

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

const TOO_LARGE: &str = "the pattern is too large; use smaller repetition counts or fewer classes";

fn refused(message: impl Into<Cow<'static, str>>) -> Error {
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
        check("é😀", "é😀");
        check(r"a\.b\*", r"a\.b\*");
        check(r"\(\[\{\\", r"\(\[\{\\");
        check("a b-c_d%'", r"a\ b\-c\_d\%\'");
        check("\n\t\u{85}", r"\u000a\u0009\u0085");
        // `***` would switch PostgreSQL to another syntax, were it not escaped.
        check(r"\*\*\*:x", r"\*\*\*\:x");
    }

    #[test]
    fn classes_are_ranges_of_code_points() {
        check("[a-c]", "[a-c]");
        check(r"[\]\[^\\-]", r"[\u002d\u005b-\u005e]");
        check("[é😀]", r"[\u00e9\U0001f600]");
        check(".", r"[\u0001-\u0009\u000b-\U0010ffff]");
        check("(?s).", r"[\u0001-\U0010ffff]");
        check("[^a]", r"[\u0001-\u0060b-\U0010ffff]");
        check("[[:digit:]]", "[0-9]");
        check("(?-u)[a-c]", "[a-c]");
        check("(?i)k", r"[Kk\u212a]");
    }

    #[test]
    fn anchors_are_the_ends_of_the_text() {
        check("^a$", "^a$");
        check(r"\Aa\z", "^a$");
        // PostgreSQL repeats no anchor.
        check("(?:^)*a", "(?:)a");
        check("(?:^)+a", "^a");
        check("(?:^|$){2,3}a", "(?:^|$)a");
    }

    #[test]
    fn groups_and_repetitions() {
        check("(a)(?:bc)(?P<n>d)", "(?:a)bc(?:d)");
        check("ab*", "ab*");
        check("(ab)*?", "(?:(?:ab))*");
        check("(?:ab)+", "(?:ab)+");
        check("é?", "é?");
        check("a{2}b{2,}c{2,255}", "a{2}b{2,}c{2,255}");
        check("(?:a*)*", "(?:a*)*");
        check("ab|cd", "ab|cd");
        check("x(?:ab|cd)y", "x(?:ab|cd)y");
    }

    #[test]
    fn nothing_is_written_out() {
        check("", "(?:)");
        check("a|", "a|(?:)");
        check("(?:)*", "(?:)");
        check(r"[^\s\S]", r"[^\u0001-\U0010ffff]");
        check(r"(?:[a&&b])*", r"[^\u0001-\U0010ffff]*");
    }

    #[test]
    fn what_engines_do_differently_is_refused() {
        check_refused("(", "not a regular expression");
        check_refused(r"(a)\1", "not a regular expression");
        check_refused("(?=a)", "not a regular expression");
        check_refused(r"\bword\b", "word boundary");
        check_refused(r"(?-u:\b)", "word boundary");
        check_refused(r"(?:\B)*", "word boundary");
        check_refused("(?m)^a", "anchors at lines");
        check_refused("(?mR)a$", "anchors at lines");
        check_refused("a{256}", "more than 255");
        check_refused("a{256,}", "more than 255");
        check_refused("a{0,1000}", "more than 255");
        check_refused(r"a\x00b", "NUL");
        check_refused(r"[\x00]", "NUL");
        check_refused("(?:a{100}){100}", "too large");
        check_refused(r"(?:\w{100}){20}", "too large");
    }

    #[test]
    fn a_pattern_is_its_text() {
        let [a, b] = ["a+", "a+"].map(|it| Pattern::parse(it).unwrap());
        assert_eq!(a, b);
        assert_eq!(a.as_str(), "a+");
        assert_eq!(format!("{a:?}"), r#"Pattern("a+")"#);
        assert!(a.is_match("baa"));
        assert!(!a.is_match("b"));
    }
}
