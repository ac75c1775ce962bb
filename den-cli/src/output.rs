//! What is written to the terminal, to a file or into a pipe.

use std::{
    env,
    io::{self, BufWriter, IsTerminal as _, Stdout, Write as _},
    sync::{Mutex, PoisonError},
};

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::{failure::Outcome, table::Table};

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a person.
    Text,
    /// For a program: one JSON value on each line.
    Json,
}

/// The standard output, and what may be said on the standard error output.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    quiet: bool,
    /// The columns of the terminal; none where the output is no terminal.
    width: Option<usize>,
    stdout: Mutex<BufWriter<Stdout>>,
}

/// A style for a heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// A style for what is less important.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// A style for what is right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// A style for what is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A style for what deserves a look.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();

impl Output {
    pub(crate) fn new(form: Form, quiet: bool) -> Self {
        Self {
            form,
            quiet,
            width: io::stdout().is_terminal().then(terminal_width),
            stdout: Mutex::new(BufWriter::new(io::stdout())),
        }
    }

    /// Whether the output is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Whether a person looks at the output.
    pub(crate) fn is_terminal(&self) -> bool {
        self.width.is_some()
    }

    /// Whether remarks and progress are unwanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Text in a style, if the output is a terminal that shows it.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        match self.is_terminal() && colors_wanted() {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// Writes one line.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Outcome {
        let mut out = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_ref().as_bytes())?;
        out.write_all(b"\n")?;
        // A person, or a program that reads along, sees it at once.
        if self.is_terminal() {
            out.flush()?;
        }
        Ok(())
    }

    /// Writes one JSON value as a line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Outcome {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.line(text)
    }

    /// Writes a table, as wide as the terminal at most.
    pub(crate) fn table(&self, table: &Table) -> Outcome {
        for (at, line) in table.lines(self.width).enumerate() {
            match at {
                0 => self.line(self.styled(HEADING, &line))?,
                _ => self.line(line)?,
            }
        }
        for note in table.notes(self.width) {
            self.remark(&note);
        }
        Ok(())
    }

    /// Says something beside the output, unless that is unwanted.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet && !self.is_json() {
            // What was written before comes before; if nobody reads it, that is found out elsewhere.
            let _ = self.flush();
            let text = match io::stderr().is_terminal() && colors_wanted() {
                true => format!("{FAINT}{text}{FAINT:#}"),
                false => text.to_owned(),
            };
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Makes sure that everything is written.
    pub(crate) fn flush(&self) -> Outcome {
        let mut out = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(out.flush()?)
    }
}

/// How many columns the terminal has.
fn terminal_width() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    let said = size.map(|(columns, _)| usize::from(columns.0)).or_else(|| {
        let columns = env::var("COLUMNS").ok()?;
        columns.parse().ok()
    });
    said.unwrap_or(80).clamp(20, 1000)
}

/// Says what went wrong.
pub(crate) fn complain(word: &str, text: &str) {
    let mut stderr = io::stderr();
    let line = match stderr.is_terminal() && colors_wanted() {
        true => format!("{BAD}{word}:{BAD:#} {text}"),
        false => format!("{word}: {text}"),
    };
    // There is nowhere left to say that this failed.
    let _ = writeln!(stderr, "{line}");
}

/// Whether colours are welcome, on a terminal.
pub(crate) fn colors_wanted() -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|it| it == "dumb");
    !no_color && !dumb
}
