//! A mistake in a filter, shown where it is.

use std::{fmt, ops::Range};

use unicode_width::UnicodeWidthStr as _;
use winnow::{
    error::ParserError,
    stream::{Location, Stream},
};

/// A mistake in the text of a filter, a sort or a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it is, in bytes.
    pub(super) span: Range<usize>,
    message: String,
    help: Option<String>,
    /// Whether something else may still fit here.
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Backtrack,
    Final,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
            mode: Mode::Final,
        }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message, the line of `source` it is about, and a caret under the place.
    pub(crate) fn render(&self, source: &str) -> String {
        let start = self.span.start.min(source.len());
        let end = self.span.end.clamp(start, source.len());
        let before = source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |it| it + 1);
        let line_end = source
            .get(start..)
            .and_then(|it| it.find('\n'))
            .map_or(source.len(), |it| start + it);
        let line = source.get(line_start..line_end).unwrap_or_default();
        let marked = source.get(start..end.min(line_end)).unwrap_or_default();
        let indent = columns(source.get(line_start..start).unwrap_or_default());
        let carets = columns(marked).max(1);
        let line: String = line.chars().map(visible).collect();
        let mut text = format!(
            "{}\n  | {line}\n  | {}{}",
            self.message,
            " ".repeat(indent),
            "^".repeat(carets)
        );
        if let Some(help) = &self.help {
            text.push_str("\n  = ");
            text.push_str(help);
        }
        text
    }
}

/// How many columns text takes in a terminal.
fn columns(text: &str) -> usize {
    let shown: String = text.chars().map(visible).collect();
    shown.width()
}

/// A tab and what cannot be seen take one column, as one character.
fn visible(it: char) -> char {
    match it {
        '\t' => ' ',
        it if it.is_control() => '\u{fffd}',
        it => it,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<I: Stream + Location> ParserError<I> for Fault {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        let at = input.current_token_start();
        Self {
            mode: Mode::Backtrack,
            ..Self::new(at..at, "this does not belong here")
        }
    }

    fn is_backtrack(&self) -> bool {
        self.mode == Mode::Backtrack
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}
