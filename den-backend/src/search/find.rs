//! Where in a document a search is found.

use std::ops::Range;

use rust_stemmers::Stemmer;

use crate::{
    Search, SearchTerm, Value,
    search::{fold, language::stemmer, spans},
};

/// What a search looks for, made ready for many documents.
#[expect(missing_debug_implementations, reason = "a stemmer has none")]
pub struct Finder<'a> {
    search: &'a Search,
    substrings: bool,
    stemmer: Option<Stemmer>,
    /// The words of each term without their endings, by alternatives.
    terms: Vec<Vec<Vec<String>>>,
}

/// What was found in one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Finds {
    /// How often each term was found in each field, term by term in the order of the alternatives.
    pub counts: Vec<Vec<usize>>,
    /// The number of words in the fields.
    pub length: usize,
    /// Whether the search is satisfied.
    pub is_found: bool,
}

/// One text of a document: a field, or an element of an array.
pub(super) struct Text<'d> {
    pub(super) field: usize,
    pub(super) text: &'d str,
    words: Vec<Word>,
    /// The text in small letters, where there are no words.
    folded: String,
}

struct Word {
    span: Range<usize>,
    text: String,
}

impl<'a> Finder<'a> {
    /// Makes a search ready.
    ///
    /// # Behavior
    ///
    /// - In a language that is not known here words are taken as they are.
    pub fn new(search: &'a Search) -> Self {
        let options = search.index.search.as_ref();
        let language = options.and_then(|it| it.language.as_deref());
        let stemmer = language.and_then(stemmer);
        let stemmed = |term: &SearchTerm| term.words.iter().map(|it| stem(&stemmer, it)).collect();
        let terms = search.query.any.iter();
        let terms = terms.map(|all| all.iter().map(stemmed).collect()).collect();
        Self {
            search,
            substrings: options.is_some_and(|it| it.substrings),
            stemmer,
            terms,
        }
    }

    /// Looks for all terms in a document.
    pub fn find(&self, document: &Value) -> Finds {
        let texts = self.texts(document);
        let fields = self.search.index.fields.len();
        let mut counts = Vec::new();
        let mut is_found = false;
        for (terms, words) in self.search.query.any.iter().zip(&self.terms) {
            let mut holds = true;
            for (term, words) in terms.iter().zip(words) {
                let mut per_field = vec![0; fields];
                for text in &texts {
                    if let Some(count) = per_field.get_mut(text.field) {
                        *count += self.spans(term, words, text).len();
                    }
                }
                holds &= per_field.iter().any(|it| *it > 0) != term.negated;
                counts.push(per_field);
            }
            is_found |= holds;
        }
        Finds {
            counts,
            length: texts.iter().map(|it| it.words.len()).sum(),
            is_found,
        }
    }

    /// The texts of a document, field by field.
    pub(super) fn texts<'d>(&self, document: &'d Value) -> Vec<Text<'d>> {
        let mut texts = Vec::new();
        for (field, (meta, _)) in self.search.index.fields.iter().enumerate() {
            let items = match document.at(meta.path.segments()) {
                Some(it @ Value::Text(_)) => std::slice::from_ref(it),
                Some(Value::Array(items)) => items,
                Some(
                    Value::Null
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Float(_)
                    | Value::Object(_),
                )
                | None => &[],
            };
            for item in items {
                if let Value::Text(text) = item {
                    texts.push(self.text(field, text));
                }
            }
        }
        texts
    }

    /// Where each term that is wanted is found in a text, term by term.
    pub(super) fn wanted(&self, text: &Text<'_>) -> Vec<Vec<Range<usize>>> {
        let terms = self.search.query.any.iter().flatten();
        terms
            .zip(self.terms.iter().flatten())
            .filter(|(term, _)| !term.negated)
            .map(|(term, words)| self.spans(term, words, text))
            .collect()
    }

    fn text<'d>(&self, field: usize, text: &'d str) -> Text<'d> {
        let words = spans(text).filter_map(|span| {
            let word = fold(text.get(span.clone())?);
            Some(Word {
                text: stem(&self.stemmer, &word),
                span,
            })
        });
        Text {
            field,
            text,
            words: words.collect(),
            folded: match self.substrings {
                true => fold(text),
                false => String::new(),
            },
        }
    }

    /// Where a term with these words is found in a text.
    fn spans(&self, term: &SearchTerm, words: &[String], text: &Text<'_>) -> Vec<Range<usize>> {
        let is_elsewhere = term.field.is_some_and(|it| it != text.field);
        let Some((last, before)) = words.split_last() else {
            return Vec::new();
        };
        if is_elsewhere {
            return Vec::new();
        }
        if self.substrings {
            return pieces(text, last);
        }
        let begins_so = |found: &[Word]| {
            let Some((end, start)) = found.split_last() else {
                return false;
            };
            let ends = match term.prefix {
                true => end.text.starts_with(last.as_str()),
                false => end.text == *last,
            };
            ends && start.iter().map(|it| &it.text).eq(before)
        };
        let found = text.words.windows(words.len()).filter(|it| begins_so(it));
        found
            .filter_map(|it| Some(it.first()?.span.start..it.last()?.span.end))
            .collect()
    }
}

/// Where a piece is found. A small letter may have another number of bytes than its capital one, but
/// there is one for each.
fn pieces(text: &Text<'_>, piece: &str) -> Vec<Range<usize>> {
    let mut found = text.folded.match_indices(piece).peekable();
    if found.peek().is_none() {
        return Vec::new();
    }
    let bounds = |text: &str| {
        let starts = text.char_indices().map(|it| it.0);
        starts.chain([text.len()]).collect::<Vec<_>>()
    };
    let (folded, original) = (bounds(&text.folded), bounds(text.text));
    let place = |byte: usize| original.get(folded.binary_search(&byte).ok()?).copied();
    found
        .filter_map(|(from, piece)| Some(place(from)?..place(from + piece.len())?))
        .collect()
}

fn stem(stemmer: &Option<Stemmer>, word: &str) -> String {
    match stemmer {
        Some(stemmer) => stemmer.stem(word).into_owned(),
        None => word.to_owned(),
    }
}
