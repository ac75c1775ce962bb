//! The grammar that people write. Every text is valid.
//!
//! | written | means |
//! |---|---|
//! | `red shoes` | both words |
//! | `"red shoes"`, `red-shoes` | the one right before the other |
//! | `sho*`, `"red sho*"` | words that begin so |
//! | `-red`, `-"red shoes"` | not found |
//! | `red OR blue shoes` | `red`, or else both `blue` and `shoes` |
//! | `title:red`, `-title:"red shoes"` | in this field of the index only |
//!
//! All else is taken for words: an `OR` with nothing on one side, an unknown field, a lone quote or
//! star. What holds no words says nothing, and a search that says nothing finds nothing.

use std::ops::ControlFlow;

use crate::{
    IndexMeta, SearchQuery, SearchTerm,
    search::{fold, letters, words},
};

/// So many bytes of a search are read; the rest is left out.
pub const MAX_BYTES: usize = 10_000;

/// So many words of a search are looked for; the rest is left out.
pub const MAX_WORDS: usize = 200;

/// Pieces of text below this many characters are not found inside of words.
const LEAST_PIECE: usize = 3;

/// What begins and ends a phrase.
const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

impl SearchQuery {
    /// Reads what a person wrote; never fails.
    ///
    /// # Behavior
    ///
    /// - Words must all occur; `"a phrase"`, `prefix*`, `-not`, `OR`, and `field:word` for the fields
    ///   of the index, by their dotted paths.
    /// - `foo-bar` is the phrase `foo bar`. A field that the index does not have is just more words.
    /// - At most [`MAX_BYTES`] and
    ///   [`MAX_WORDS`] are read.
    /// - In an index of [substrings](crate::SearchOptions::substrings) pieces of less than three characters say nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use den_backend::{Expr, IndexKind, IndexMeta, SearchOptions, SearchQuery};
    ///
    /// # let search = SearchOptions { language: None, weights: vec![], substrings: false };
    /// let index = IndexMeta {
    ///     name: "sx".into(),
    ///     fields: vec![],
    ///     kind: IndexKind::Search,
    ///     filter: Expr::always(),
    ///     search: Some(search),
    /// };
    /// let query = SearchQuery::parse(r#"rust "full text" -slow"#, &index);
    /// assert_eq!(query.any[0].len(), 3);
    /// assert!(SearchQuery::parse(" -- \" ", &index).any.is_empty());
    /// ```
    pub fn parse(text: &str, index: &IndexMeta) -> Self {
        let parser = Parser {
            fields: index
                .fields
                .iter()
                .map(|it| it.0.path.to_string())
                .collect(),
            substrings: index.search.as_ref().is_some_and(|it| it.substrings),
        };
        parser.alternatives(head(text))
    }

    /// The terms that are to be found.
    pub fn wanted(&self) -> impl Iterator<Item = &SearchTerm> {
        self.any.iter().flatten().filter(|it| !it.negated)
    }
}

struct Parser {
    fields: Vec<String>,
    substrings: bool,
}

enum Item {
    Term(SearchTerm),
    /// The word, should it stand alone.
    Or(Option<SearchTerm>),
}

impl Parser {
    fn alternatives(&self, text: &str) -> SearchQuery {
        let items = self.items(text);
        let is_term = |at: Option<&Item>| matches!(at, Some(Item::Term(_)));
        let mut divides = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|it| items.get(it));
            let is_or = matches!(item, Item::Or(_));
            divides.push(is_or && is_term(before) && is_term(items.get(at + 1)));
        }
        let mut query = SearchQuery::default();
        let mut terms = Vec::new();
        let mut left = MAX_WORDS;
        for (item, divides) in items.into_iter().zip(divides) {
            let term = match item {
                Item::Or(_) if divides => {
                    query.any.push(std::mem::take(&mut terms));
                    continue;
                }
                Item::Or(None) => continue,
                Item::Or(Some(term)) | Item::Term(term) => term,
            };
            if term.words.len() > left {
                break;
            }
            left -= term.words.len();
            terms.push(term);
        }
        query.any.push(terms);
        query.any.retain(|it| !it.is_empty());
        query
    }

    fn items(&self, text: &str) -> Vec<Item> {
        let mut items = Vec::new();
        let mut rest = text;
        while let ControlFlow::Continue(item) = self.item(&mut rest) {
            items.extend(item);
        }
        items
    }

    /// The next item; none for what holds no words.
    fn item(&self, rest: &mut &str) -> ControlFlow<(), Option<Item>> {
        *rest = rest.trim_start_matches(is_gap);
        if rest.is_empty() {
            return ControlFlow::Break(());
        }
        let negated = self.negation(rest);
        let field = self.field(rest);
        let is_plain = !negated && field.is_none();
        let (text, prefix) = match rest.strip_prefix(QUOTES) {
            Some(inside) => {
                let end = inside.find(QUOTES).unwrap_or(inside.len());
                let (text, behind) = inside.split_at(end);
                let behind = behind.strip_prefix(QUOTES).unwrap_or_default();
                *rest = behind.strip_prefix('*').unwrap_or(behind);
                (text, behind.starts_with('*'))
            }
            None => {
                let end = rest.find(|it| is_gap(it) || QUOTES.contains(&it));
                let (text, behind) = rest.split_at(end.unwrap_or(rest.len()));
                *rest = behind;
                if is_plain && text == "OR" {
                    let word = self.term("or", None, false, false);
                    return ControlFlow::Continue(Some(Item::Or(word)));
                }
                (text, false)
            }
        };
        let term = self.term(text, field, negated, prefix);
        ControlFlow::Continue(term.map(Item::Term))
    }

    /// Takes the sign that what follows must not be found.
    fn negation(&self, rest: &mut &str) -> bool {
        let Some(behind) = rest.strip_prefix('-') else {
            return false;
        };
        let is_sign = behind.starts_with(|it: char| it != '-' && !is_gap(it));
        if is_sign {
            *rest = behind;
        }
        is_sign
    }

    /// Takes the name of a field, the longest that fits.
    fn field(&self, rest: &mut &str) -> Option<usize> {
        let fitting = self.fields.iter().enumerate().filter_map(|(at, name)| {
            let behind = rest.strip_prefix(name.as_str())?.strip_prefix(':')?;
            let is_value = behind.starts_with(|it: char| !is_gap(it));
            is_value.then_some((at, behind))
        });
        let (at, behind) = fitting.min_by_key(|(_, behind)| behind.len())?;
        *rest = behind;
        Some(at)
    }

    fn term(
        &self,
        text: &str,
        field: Option<usize>,
        negated: bool,
        prefix: bool,
    ) -> Option<SearchTerm> {
        let (words, prefix): (Vec<String>, bool) = match self.substrings {
            true => (pieces(text), false),
            false => (words(text).collect(), prefix || goes_on(text)),
        };
        (!words.is_empty()).then_some(SearchTerm {
            field,
            negated,
            words,
            prefix,
        })
    }
}

/// What separates items, and stands in no piece.
fn is_gap(it: char) -> bool {
    it.is_whitespace() || it.is_control()
}

/// The beginning of a long text, cut between characters.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Whether a star follows the last word.
fn goes_on(text: &str) -> bool {
    let behind = text.trim_end_matches(|it| !letters::continues_word(it));
    text.get(behind.len()..)
        .is_some_and(|it| it.starts_with('*'))
}

/// A text to be found as it is; nothing if it is too short.
fn pieces(text: &str) -> Vec<String> {
    let text = text.strip_suffix('*').unwrap_or(text);
    let text: String = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    let piece = fold(text.trim());
    match piece.chars().count() >= LEAST_PIECE {
        true => vec![piece],
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
