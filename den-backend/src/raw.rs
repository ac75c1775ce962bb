//! Statements that an application wrote itself, as far as one can know them without an engine.
//!
//! Placeholders are written `$1`, `$2` .. for every engine. To find them, and to tell one statement
//! from several, the text is read as the engine's own scanner reads it: literals, quoted names and
//! comments are passed over.

mod scan;
#[cfg(test)]
mod tests;

use crate::{
    Error, ErrorKind, Result,
    raw::scan::{Scanner, Token},
};

/// How an engine reads the text of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Comments end at the first `*/`; names may stand in `[..]` and in backquotes.
    Sqlite,
    /// Comments nest; texts may stand between `$$` or `$tag$`, and in `E'..'` with backslashes.
    Postgres,
}

/// The text of one statement, or of a part of one.
#[derive(Debug, Clone)]
pub struct RawText<'a> {
    text: &'a str,
    first_words: Vec<String>,
    writes: bool,
    rolls_back: bool,
    parentheses: Parentheses,
    placeholders: Vec<Placeholder>,
}

/// How the parentheses of a text go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parentheses {
    /// So many are open.
    Open(usize),
    /// One was closed that was not open.
    Broken,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawPiece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// A placeholder: the parameter it stands for, from 0.
    Parameter(usize),
}

/// A placeholder: where it stands, and the parameter it stands for, from 0.
#[derive(Debug, Clone, Copy)]
struct Placeholder {
    start: usize,
    end: usize,
    index: usize,
}

/// Engines allow some thirty thousand.
const MAX_PARAMETERS: usize = 32_766;

/// So many words say what a statement does.
const FIRST_WORDS: usize = 3;

const READING: &[&str] = &["SELECT", "VALUES", "TABLE", "WITH", "SHOW", "EXPLAIN"];

/// Words with which writing begins wherever they stand, but for names given by `AS`; `FOR UPDATE` locks,
/// and `INTO` also makes a table of a query.
const WRITING: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "INTO"];

/// Words that have an `EXPLAIN` run its statement.
const RUNNING: &[&str] = &["ANALYZE", "ANALYSE"];

impl Syntax {
    /// The syntax of the engine of this name; SQLite's, which is closest to the standard, for one
    /// that is not known.
    pub fn of(engine: &str) -> Self {
        match engine {
            "postgres" => Self::Postgres,
            _ => Self::Sqlite,
        }
    }
}

impl<'a> RawText<'a> {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for more than one statement, for placeholders other than `$n`, and for a literal,
    /// quoted name or comment that has no end.
    pub fn parse(text: &'a str, syntax: Syntax) -> Result<Self> {
        let mut it = Self {
            text,
            first_words: Vec::new(),
            writes: false,
            rolls_back: false,
            parentheses: Parentheses::Open(0),
            placeholders: Vec::new(),
        };
        if text.contains('\0') {
            return Err(invalid("the statement holds a NUL character"));
        }
        let mut ended = false;
        // The two tokens before the one at hand, for the end of a trigger's body.
        let mut before = (Token::Other, Token::Other);
        for token in Scanner::new(text, syntax) {
            if ended {
                return Err(invalid(
                    "the text holds more than one statement; run each on its own",
                ));
            }
            match token {
                Token::Word(word) => it.take_word(word, before),
                Token::Placeholder(start, end, digits) => {
                    let number = digits.parse::<usize>().ok();
                    let index = number.and_then(|it| it.checked_sub(1));
                    let Some(index) = index.filter(|it| *it < MAX_PARAMETERS) else {
                        return Err(not_a_placeholder(&["$", digits].concat()));
                    };
                    it.placeholders.push(Placeholder { start, end, index });
                }
                Token::Own(own) => return Err(not_a_placeholder(own)),
                Token::Semicolon => ended = !it.makes_trigger() || ends_body(before),
                Token::Unfinished(why) => return Err(invalid(why)),
                Token::Open => it.parentheses = it.parentheses.opened(),
                Token::Close => it.parentheses = it.parentheses.closed(),
                Token::Other => {}
            }
            before = (before.1, token);
        }
        Ok(it)
    }

    /// Makes sure that each of so many parameters is used, and that no other is.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` with the number of the first that is not.
    pub fn check_parameters(&self, count: usize) -> Result<()> {
        let indexes = self.placeholders.iter().map(|it| it.index);
        if let Some(missing) = indexes.clone().filter(|it| *it >= count).min() {
            let given = match count {
                0 => "no parameter is given".to_owned(),
                1 => "one parameter is given".to_owned(),
                count => format!("{count} parameters are given"),
            };
            let number = missing + 1;
            return Err(invalid(format!(
                "the statement has a placeholder ${number}, but {given}"
            )));
        }
        let mut used = vec![false; count];
        for index in indexes {
            if let Some(it) = used.get_mut(index) {
                *it = true;
            }
        }
        match used.iter().position(|it| !it) {
            Some(index) => Err(invalid(format!(
                "a parameter is given for ${}, but the statement has no such placeholder",
                index + 1
            ))),
            None => Ok(()),
        }
    }

    /// Makes sure that each parenthesis is closed within the text, so that it can stand between two
    /// others as a condition.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for one that is not, and for one too many.
    pub fn check_parentheses(&self) -> Result<()> {
        match self.parentheses {
            Parentheses::Open(0) => Ok(()),
            Parentheses::Open(1..) => Err(invalid("a parenthesis is not closed")),
            Parentheses::Broken => Err(invalid("a parenthesis is closed that was not opened")),
        }
    }

    /// The text, taken apart at its placeholders.
    pub fn pieces(&self) -> Vec<RawPiece<'a>> {
        let mut pieces = Vec::with_capacity(2 * self.placeholders.len() + 1);
        let mut done = 0;
        for it in &self.placeholders {
            pieces.push(RawPiece::Text(
                self.text.get(done..it.start).unwrap_or_default(),
            ));
            pieces.push(RawPiece::Parameter(it.index));
            done = it.end;
        }
        pieces.push(RawPiece::Text(self.text.get(done..).unwrap_or_default()));
        pieces
    }

    /// The word of this number, from 0, in upper case; empty where there is none. Only the first few
    /// are known.
    pub fn word(&self, number: usize) -> &str {
        self.first_words.get(number).map_or("", String::as_str)
    }

    /// Whether it changes and locks nothing, but for what the functions do that it calls.
    pub fn reads(&self) -> bool {
        READING.contains(&self.word(0)) && !self.writes
    }

    /// Whether the word `ROLLBACK` occurs in it, as in `INSERT OR ROLLBACK`.
    pub fn rolls_back(&self) -> bool {
        self.rolls_back
    }

    /// Takes the next word, and what it says behind the two tokens before it. What is in doubt writes.
    fn take_word(&mut self, word: &str, before: (Token<'_>, Token<'_>)) {
        let word = word.to_ascii_uppercase();
        let is_locking = word == "SHARE"
            && (is_word(before.1, "FOR") || is_word(before.1, "KEY") && is_word(before.0, "FOR"));
        let is_writing = WRITING.contains(&word.as_str()) && !is_word(before.1, "AS");
        let is_running = self.word(0) == "EXPLAIN" && RUNNING.contains(&word.as_str());
        self.writes |= is_locking || is_writing || is_running;
        self.rolls_back |= word == "ROLLBACK";
        if self.first_words.len() < FIRST_WORDS {
            self.first_words.push(word);
        }
    }

    /// Whether it makes a trigger, whose body holds statements.
    fn makes_trigger(&self) -> bool {
        self.word(0) == "CREATE" && (self.word(1) == "TRIGGER" || self.word(2) == "TRIGGER")
    }
}

impl Parentheses {
    fn opened(self) -> Self {
        match self {
            Self::Open(depth) => Self::Open(depth + 1),
            Self::Broken => Self::Broken,
        }
    }

    fn closed(self) -> Self {
        match self {
            Self::Open(depth) => depth.checked_sub(1).map_or(Self::Broken, Self::Open),
            Self::Broken => Self::Broken,
        }
    }
}

fn ends_body(before: (Token<'_>, Token<'_>)) -> bool {
    is_word(before.1, "END") && before.0 == Token::Semicolon
}

fn is_word(token: Token<'_>, word: &str) -> bool {
    matches!(token, Token::Word(it) if it.eq_ignore_ascii_case(word))
}

fn not_a_placeholder(found: &str) -> Error {
    invalid(format!(
        "`{found}` is no placeholder here; write `$1`, `$2` and so on, on every database"
    ))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message.into())
}
