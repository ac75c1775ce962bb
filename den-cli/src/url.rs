//! The URL of the database: where it stands, and how it is shown.

use std::{ffi::OsString, path::Path};

use clap::Command;
use den::{DatabaseUrl, drivers};

use crate::failure::{Failure, Outcome};

/// The environment variable that names the database.
pub(crate) const VARIABLE: &str = "DEN_URL";

/// Whether a database may be made by opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It has to be there.
    Refuse,
    /// It is made.
    Create,
}

/// Makes `den find URL products` the same as `den find --url URL products`.
///
/// A URL may stand right behind the words of any command that takes none of its own.
pub(crate) fn named(mut arguments: Vec<OsString>, program: &Command) -> Vec<OsString> {
    let mut command = program;
    let mut at = 1;
    while let Some(found) = arguments
        .get(at)
        .and_then(|it| it.to_str())
        .and_then(|it| command.find_subcommand(it))
    {
        command = found;
        at += 1;
    }
    let takes_url = command
        .get_positionals()
        .any(|it| is_url_argument(it.get_id().as_str()));
    let is_leaf = at > 1 && !command.has_subcommands();
    let takes_nothing = command.get_positionals().next().is_none();
    let next = arguments.get(at).and_then(|it| it.to_str());
    let is_url = next.is_some_and(|it| match takes_nothing {
        true => !it.starts_with('-'),
        false => looks_like_url(it),
    });
    if is_leaf && is_url && !takes_url {
        arguments.insert(at, "--url".into());
    }
    arguments
}

fn is_url_argument(id: &str) -> bool {
    matches!(id, "source" | "target" | "left" | "right")
}

/// Whether this names a database rather than a collection.
fn looks_like_url(text: &str) -> bool {
    if let Some((scheme, rest)) = text.split_once(':') {
        let scheme = scheme.to_ascii_lowercase();
        let known = drivers()
            .iter()
            .any(|it| it.schemes.contains(&scheme.as_str()));
        return known || rest.starts_with("//");
    }
    let path = Path::new(text);
    is_named_as_database(path) && path.is_file()
}

/// The URL to open: a path of a file is one of SQLite; a database that is not there is not made by
/// looking at it.
pub(crate) fn prepared(text: &str, missing: Missing) -> Outcome<String> {
    let url = match (DatabaseUrl::parse(text), Path::new(text)) {
        (Err(_), path) if path.is_file() || is_named_as_database(path) => of_file(path)?,
        (Ok(_), _) | (Err(_), _) => text.trim().to_owned(),
    };
    let parsed = DatabaseUrl::parse(&url)?;
    let is_file = parsed.scheme() == "sqlite" && !parsed.rest().ends_with(":memory:");
    let has_mode = parsed.parameters()?.iter().any(|(name, _)| name == "mode");
    if !is_file || has_mode || missing == Missing::Create {
        return Ok(url);
    }
    let join = if url.contains('?') { "&" } else { "?" };
    Ok([url.as_str(), join, "mode=rw"].concat())
}

fn is_named_as_database(path: &Path) -> bool {
    let ending = path.extension().and_then(|it| it.to_str());
    ending.is_some_and(|it| ["db", "sqlite", "sqlite3"].contains(&it))
}

fn of_file(path: &Path) -> Outcome<String> {
    let Some(path) = path.to_str() else {
        return Err(Failure::Usage(
            "the path of the database is not UTF-8".into(),
        ));
    };
    let mut url = String::from("sqlite:///");
    for it in path.chars() {
        match it {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            it => url.push(it),
        }
    }
    Ok(url)
}

/// The URL without its password, to be shown.
pub(crate) fn shown(text: &str) -> String {
    match DatabaseUrl::parse(text) {
        Ok(url) => url.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// Takes passwords out of texts that others wrote: messages of drivers and of the reader of the
/// command line, which repeats what was given.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    /// What is replaced, and by what; longer ones first.
    secrets: Vec<(String, String)>,
}

impl Redactor {
    /// Knows the URLs among these arguments, and that of the environment.
    pub(crate) fn new(arguments: &[OsString]) -> Self {
        let mut it = Self::default();
        for argument in arguments {
            let argument = argument.to_string_lossy();
            it.learn(&argument);
            if let Some((_, value)) = argument.split_once('=') {
                it.learn(value);
            }
        }
        if let Ok(url) = std::env::var(VARIABLE) {
            it.learn(&url);
        }
        it.secrets
            .sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        it
    }

    fn learn(&mut self, text: &str) {
        let Ok(url) = DatabaseUrl::parse(text) else {
            return;
        };
        let shown = url.to_string();
        if shown == text {
            return;
        }
        self.secrets.push((text.to_owned(), shown));
        let authority = text
            .split_once("://")
            .and_then(|(_, it)| it.rsplit_once('@'));
        let password = authority.and_then(|(user, _)| user.split_once(':'));
        if let Some((_, password)) = password {
            self.hide(password);
        }
        for (name, value) in url.parameters().unwrap_or_default() {
            if name.to_ascii_lowercase().contains("pass") {
                self.hide(&value);
            }
        }
    }

    fn hide(&mut self, password: &str) {
        // A shorter one would tear other words apart; it is in no text that den itself writes.
        if password.len() < 4 {
            return;
        }
        self.secrets.push((password.to_owned(), "***".to_owned()));
    }

    /// The text without passwords.
    pub(crate) fn clean(&self, text: &str) -> String {
        let replace =
            |text: String, (secret, shown): &(String, String)| text.replace(secret, shown);
        self.secrets.iter().fold(text.to_owned(), replace)
    }
}
