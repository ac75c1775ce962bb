//! What the text of a statement is made of, as far as placeholders are concerned.

use std::str::CharIndices;

use super::Syntax;

/// A part of a text that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or key word without quotes.
    Word(&'a str),
    /// `$n`: where it starts and ends, and its digits.
    Placeholder(usize, usize, &'a str),
    /// A placeholder of the engine's own, which den does not number: `?`, `:name`, `@name`.
    Own(&'a str),
    /// The end of a statement.
    Semicolon,
    /// An opening parenthesis.
    Open,
    /// A closing parenthesis.
    Close,
    /// Anything else that is neither space nor comment.
    Other,
    /// A literal, quoted name or comment without an end.
    Unfinished(&'static str),
}

/// Goes over a text as the engine's own scanner would.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    syntax: Syntax,
}

const STRING: &str = "a text literal has no end";
const NAME: &str = "a quoted name has no end";
const COMMENT: &str = "a comment has no end";

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, syntax: Syntax) -> Self {
        Self {
            text,
            at: 0,
            syntax,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn is_postgres(&self) -> bool {
        match self.syntax {
            Syntax::Postgres => true,
            Syntax::Sqlite => false,
        }
    }

    /// Goes on by what `is_part` is true for, and returns it.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Goes behind the next `end`, and says whether there is one.
    fn skip_to(&mut self, end: &str) -> bool {
        match self.rest().find(end) {
            Some(found) => {
                self.at += found + end.len();
                true
            }
            None => false,
        }
    }

    /// Goes behind a quoted part, whose quotes are doubled inside; `backslash` quotes as well.
    fn skip_quoted(&mut self, quote: char, backslash: bool) -> bool {
        let rest = self.rest();
        let mut chars: CharIndices<'_> = rest.char_indices();
        while let Some((at, it)) = chars.next() {
            if backslash && it == '\\' {
                chars.next();
                continue;
            }
            if it != quote {
                continue;
            }
            let after = at + quote.len_utf8();
            if rest.get(after..).is_some_and(|it| it.starts_with(quote)) {
                chars.next();
                continue;
            }
            self.at += after;
            return true;
        }
        false
    }

    /// Goes behind a text literal of PostgreSQL, and those that continue it on other lines, which are
    /// read alike.
    fn skip_string(&mut self, backslash: bool) -> bool {
        loop {
            if !self.skip_quoted('\'', backslash) {
                return false;
            }
            let rest = self.rest();
            let next = rest.trim_start();
            let gap = rest.len() - next.len();
            let continues = rest.get(..gap).is_some_and(|it| it.contains(['\n', '\r']));
            if !continues || !next.starts_with('\'') {
                return true;
            }
            self.at += gap + 1;
        }
    }

    /// Goes behind a comment that began; PostgreSQL's may hold others.
    fn skip_comment(&mut self) -> bool {
        if !self.is_postgres() {
            // SQLite lets the last comment go on to the end.
            if !self.skip_to("*/") {
                self.at = self.text.len();
            }
            return true;
        }
        let mut depth = 1;
        while depth > 0 {
            let rest = self.rest();
            let Some(found) = rest.find(['*', '/']) else {
                return false;
            };
            let pair = rest.get(found..).unwrap_or_default();
            if pair.starts_with("*/") {
                depth -= 1;
                self.at += found + 2;
            } else if pair.starts_with("/*") {
                depth += 1;
                self.at += found + 2;
            } else {
                self.at += found + 1;
            }
        }
        true
    }

    /// A word; for PostgreSQL perhaps the mark in front of a literal.
    fn word(&mut self) -> Token<'a> {
        let word = self.take_while(is_word);
        if self.is_postgres() && word.eq_ignore_ascii_case("e") && self.rest().starts_with('\'') {
            self.at += 1;
            return match self.skip_string(true) {
                true => Token::Other,
                false => Token::Unfinished(STRING),
            };
        }
        Token::Word(word)
    }

    /// What begins with `$`: a placeholder, or a text between two equal tags.
    fn dollar(&mut self) -> Token<'a> {
        let start = self.at;
        self.at += 1;
        let digits = self.take_while(|it| it.is_ascii_digit());
        if !digits.is_empty() {
            // `$1a` is read in two ways by two versions of PostgreSQL, and as a name by SQLite.
            let tail = self.take_while(is_word);
            return match tail.is_empty() {
                true => Token::Placeholder(start, self.at, digits),
                false => Token::Own(self.text.get(start..self.at).unwrap_or_default()),
            };
        }
        let name = self.take_while(|it| is_word(it) && it != '$');
        if self.is_postgres() && self.rest().starts_with('$') {
            self.at += 1;
            let tag = self.text.get(start..self.at).unwrap_or_default();
            return match self.skip_to(tag) {
                true => Token::Other,
                false => Token::Unfinished(STRING),
            };
        }
        match name.is_empty() {
            true => Token::Other,
            false => Token::Own(self.text.get(start..self.at).unwrap_or_default()),
        }
    }

    /// A placeholder in one of SQLite's ways, if this is one.
    fn own(&mut self, first: char) -> Option<Token<'a>> {
        if self.is_postgres() {
            return None;
        }
        let start = self.at;
        let is_own = match first {
            '?' => true,
            ':' | '@' | '#' => {
                let rest = self.rest().get(1..).unwrap_or_default();
                rest.starts_with(is_word)
            }
            _ => false,
        };
        if !is_own {
            return None;
        }
        self.at += 1;
        self.take_while(is_word);
        Some(Token::Own(
            self.text.get(start..self.at).unwrap_or_default(),
        ))
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|it| it.is_ascii_whitespace() || it == '\u{b}');
            let rest = self.rest();
            let first = rest.chars().next()?;
            if rest.starts_with("--") {
                let ends: &[char] = match self.syntax {
                    Syntax::Sqlite => &['\n'],
                    Syntax::Postgres => &['\n', '\r'],
                };
                self.take_while(|it| !ends.contains(&it));
                continue;
            }
            if rest.starts_with("/*") {
                self.at += 2;
                match self.skip_comment() {
                    true => continue,
                    false => return Some(Token::Unfinished(COMMENT)),
                }
            }
            if first.is_ascii_digit() {
                // With what follows it at once: `1e5`, and `1$1`, which is no placeholder.
                self.take_while(is_word);
                return Some(Token::Other);
            }
            if first == '$' {
                return Some(self.dollar());
            }
            if is_word(first) {
                return Some(self.word());
            }
            if let Some(own) = self.own(first) {
                return Some(own);
            }
            self.at += first.len_utf8();
            let done = match (first, self.syntax) {
                (';', _) => return Some(Token::Semicolon),
                ('(', _) => return Some(Token::Open),
                (')', _) => return Some(Token::Close),
                ('\'', Syntax::Postgres) => self.skip_string(false),
                ('\'', Syntax::Sqlite) => self.skip_quoted('\'', false),
                ('"', _) => match self.skip_quoted('"', false) {
                    true => true,
                    false => return Some(Token::Unfinished(NAME)),
                },
                ('`', Syntax::Sqlite) => self.skip_quoted('`', false),
                ('[', Syntax::Sqlite) => self.skip_to("]"),
                _ => true,
            };
            return Some(match (done, first) {
                (true, _) => Token::Other,
                (false, '\'') => Token::Unfinished(STRING),
                (false, _) => Token::Unfinished(NAME),
            });
        }
    }
}

/// Whether a name may hold it behind its first character; `$` may stand there on both engines.
fn is_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || it == '$' || !it.is_ascii()
}
