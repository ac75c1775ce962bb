//! Full text: what is searched for, as plain data, and what it means.
//!
//! | module | holds |
//! |---|---|
//! | [`letters`] | which characters make words |
//! | `parse` | [`SearchQuery::parse`]: the grammar that people write |
//! | `find` | [`Finder`]: where in a document a search is found |
//! | `language` | the endings of words |
//! | `snippet` | [`SnippetOptions`]: a piece of text around what was found |

mod find;
mod language;
pub mod letters;
mod parse;
mod snippet;

use std::ops::Range;

use crate::IndexMeta;

pub use self::{
    find::{Finder, Finds},
    language::{LANGUAGES, check_language},
    parse::{MAX_BYTES, MAX_WORDS},
    snippet::SnippetOptions,
};

/// Words to be found in documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The index to look into, of kind [`IndexKind::Search`](crate::IndexKind::Search); it exists as it is described.
    pub index: IndexMeta,
    /// What to find.
    pub query: SearchQuery,
    /// Whether the best documents come first, before the sort keys of the query. Then the query
    /// has no position.
    pub ranked: bool,
}

/// What to find: any of these alternatives. Without one, nothing is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    /// The alternatives; each is satisfied if all of its terms are.
    pub any: Vec<Vec<SearchTerm>>,
}

/// One condition of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    /// The number of the index's field to look into; all of them if none is said.
    pub field: Option<usize>,
    /// Whether it must not be found.
    pub negated: bool,
    /// What to find: words as [`words`] makes them, at least one. Several follow each other in one
    /// text: in the field, or in one element of an array.
    pub words: Vec<String>,
    /// Whether the last word may go on.
    pub prefix: bool,
}

/// How a search index reads text.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// The language whose endings are cut off (`english`); `None` for words as they are, which
    /// every engine reads alike.
    pub language: Option<String>,
    /// How much a find in each field counts, one positive number per field; at most four different
    /// ones.
    pub weights: Vec<f64>,
    /// Whether pieces of at least three characters are found inside of words
    /// ([`Capability::SubstringSearch`](crate::Capability::SubstringSearch)); then there are no words, and a term is found as it is.
    pub substrings: bool,
}

/// The words of a text: runs of letters and digits, in lower case.
///
/// # Behavior
///
/// - What is a letter, and which letters are equal, is said by [`letters`]: accents count.
///
/// # Examples
///
/// ```
/// use den_backend::search::words;
///
/// assert!(words("It's a C++/Rust ÉTUDE").eq(["it", "s", "a", "c", "rust", "étude"]));
/// ```
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    spans(text).filter_map(|span| Some(fold(text.get(span)?)))
}

/// Where the words of a text lie.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut chars = text.char_indices();
    std::iter::from_fn(move || {
        let (start, _) = chars.find(|(_, it)| letters::begins_word(*it))?;
        let end = chars.find(|(_, it)| !letters::continues_word(*it));
        Some(start..end.map_or(text.len(), |(end, _)| end))
    })
}

/// A text in small letters, as far as every engine agrees on them.
pub fn fold(text: &str) -> String {
    text.chars().map(letters::fold).collect()
}
