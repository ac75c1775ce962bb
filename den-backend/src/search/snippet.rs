//! A piece of text around what was found.

use std::ops::Range;

use crate::{
    Search, Value,
    search::{Finder, find::Text, spans},
};

/// What a snippet looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnippetOptions {
    /// What stands before a find.
    pub before: String,
    /// What stands behind a find.
    pub after: String,
    /// What stands where text was left out.
    pub ellipsis: String,
    /// At most so many words.
    pub words: usize,
}

impl Default for SnippetOptions {
    fn default() -> Self {
        Self {
            before: "**".to_owned(),
            after: "**".to_owned(),
            ellipsis: "\u{2026}".to_owned(),
            words: 16,
        }
    }
}

impl SnippetOptions {
    /// A piece of the document's text around the first find.
    ///
    /// # Behavior
    ///
    /// - Of all texts in the fields of the index, the one in which most terms are found; the first of
    ///   several. Where nothing is to be found (`-word`), the first text.
    /// - The text is as it is in the document: nothing is escaped.
    pub fn snippet(&self, search: &Search, document: &Value) -> String {
        let finder = Finder::new(search);
        let texts = finder.texts(document);
        let mut best: Option<(usize, &Text<'_>, Vec<Range<usize>>)> = None;
        for text in &texts {
            let finds = finder.wanted(text);
            let terms = finds.iter().filter(|it| !it.is_empty()).count();
            let is_text = terms > 0 || !text.text.trim().is_empty();
            if is_text && best.as_ref().is_none_or(|it| it.0 < terms) {
                best = Some((terms, text, finds.concat()));
            }
        }
        match best {
            Some((_, text, finds)) => self.piece(text.text, merged(finds)),
            None => String::new(),
        }
    }

    fn piece(&self, text: &str, finds: Vec<Range<usize>>) -> String {
        let words: Vec<Range<usize>> = spans(text).collect();
        let first = finds.first().map_or(0, |find| {
            words.partition_point(|word| word.end <= find.start)
        });
        // Some words before the find say what it is about, and at the end of the text more of them.
        let most = self.words.max(1);
        let start = first
            .saturating_sub(most / 4)
            .min(words.len().saturating_sub(most));
        let end = start.saturating_add(most).min(words.len());
        let from = match start {
            0 => 0,
            _ => words.get(start).map_or(0, |it| it.start),
        };
        let to = match end == words.len() {
            true => text.len(),
            false => end
                .checked_sub(1)
                .and_then(|it| words.get(it))
                .map_or(0, |it| it.end),
        };
        let mut piece = String::new();
        if from > 0 {
            piece.push_str(&self.ellipsis);
        }
        let mut at = from;
        for find in finds {
            if find.start < at || find.end > to {
                continue;
            }
            piece.push_str(text.get(at..find.start).unwrap_or_default());
            piece.push_str(&self.before);
            piece.push_str(text.get(find.clone()).unwrap_or_default());
            piece.push_str(&self.after);
            at = find.end;
        }
        piece.push_str(text.get(at..to).unwrap_or_default());
        if to < text.len() {
            piece.push_str(&self.ellipsis);
        }
        piece.trim().to_owned()
    }
}

/// The finds in order, those that overlap made one.
fn merged(mut finds: Vec<Range<usize>>) -> Vec<Range<usize>> {
    finds.sort_by_key(|it| (it.start, it.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(finds.len());
    for find in finds {
        match merged.last_mut() {
            Some(last) if find.start < last.end => last.end = last.end.max(find.end),
            Some(_) | None => merged.push(find),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Direction, Expr, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta, SearchOptions,
        SearchQuery,
    };

    fn search(text: &str, options: SearchOptions) -> Search {
        let field = |path: &str| {
            let path = FieldPath::parse(path).unwrap();
            let kind = FieldKind::Any;
            (FieldMeta { path, kind }, Direction::Asc)
        };
        let index = IndexMeta {
            name: "sx".to_owned(),
            fields: vec![field("a"), field("b")],
            kind: IndexKind::Search,
            filter: Expr::always(),
            search: Some(options),
        };
        Search {
            query: SearchQuery::parse(text, &index),
            index,
            ranked: true,
        }
    }

    fn plain() -> SearchOptions {
        SearchOptions {
            language: None,
            weights: vec![1.0; 2],
            substrings: false,
        }
    }

    #[track_caller]
    fn gives(text: &str, options: SearchOptions, document: &str, expected: &str) {
        let document: Value = serde_json::from_str(document).unwrap();
        let look = SnippetOptions {
            before: "<".to_owned(),
            after: ">".to_owned(),
            ellipsis: "..".to_owned(),
            words: 6,
        };
        assert_eq!(look.snippet(&search(text, options), &document), expected);
    }

    #[test]
    fn finds_are_marked_where_they_are() {
        let document = r#"{"a":"Red SHOES, red hats","b":["no","blue shoes"]}"#;
        gives("red", plain(), document, "<Red> SHOES, <red> hats");
        gives("\"red shoes\"", plain(), document, "<Red SHOES>, red hats");
        gives("blue", plain(), document, "<blue> shoes");
        gives("blue shoes", plain(), document, "<blue> <shoes>");
        gives("b:shoes", plain(), document, "blue <shoes>");
        gives("sho* -blue", plain(), document, "Red <SHOES>, red hats");
        gives("-x", plain(), document, "Red SHOES, red hats");
        gives(
            "\"red shoes\" shoes",
            plain(),
            document,
            "<Red SHOES>, red hats",
        );
        gives("x", plain(), "{}", "");
    }

    #[test]
    fn long_texts_are_cut_around_the_first_find() {
        let document = r#"{"a":"one two three, four (five) six seven; eight nine ten."}"#;
        gives(
            "one",
            plain(),
            document,
            "<one> two three, four (five) six..",
        );
        gives(
            "six",
            plain(),
            document,
            "..five) <six> seven; eight nine ten.",
        );
        gives(
            "five ten",
            plain(),
            document,
            "..four (<five>) six seven; eight nine..",
        );
        gives(
            "ten",
            plain(),
            document,
            "..five) six seven; eight nine <ten>.",
        );
    }

    #[test]
    fn words_with_other_endings_and_pieces_are_marked() {
        let english = SearchOptions {
            language: Some("english".to_owned()),
            ..plain()
        };
        gives(
            "runs",
            english,
            r#"{"a":"Running, run!"}"#,
            "<Running>, <run>!",
        );
        let pieces = SearchOptions {
            substrings: true,
            ..plain()
        };
        // Small and capital letter have another number of bytes here.
        let document = r#"{"a":"\u023a\u023axabcx ABC"}"#;
        gives("abc", pieces, document, "\u{23a}\u{23a}x<abc>x <ABC>");
    }
}
