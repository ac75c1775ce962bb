//! Documents as text, in and out.

use std::{
    io::{IsTerminal as _, Read as _},
    path::Path,
};

use den::{Filter, Json};

use crate::{
    failure::{Failure, Outcome},
    filter,
};

/// Reads a filter that was given; all documents without one.
pub(crate) fn filter_of(text: Option<&str>) -> Outcome<Filter<Json>> {
    let text = text.unwrap_or_default();
    filter::parse(text)
        .map_err(|fault| Failure::Usage(format!("in the filter: {}", fault.render(text))))
}

/// The value as JSON over several lines, fit for a terminal.
pub(crate) fn pretty(value: &Json) -> String {
    // What JSON itself does not escape, a terminal may still act upon.
    let text = format!("{value:#}");
    if !text.contains(|it: char| it.is_control() && it != '\n') {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for it in text.chars() {
        match it.is_control() && it != '\n' {
            true => safe.push_str(&format!("\\u{:04x}", u32::from(it))),
            false => safe.push(it),
        }
    }
    safe
}

/// The value as it stands in a table.
pub(crate) fn cell(value: Option<&Json>) -> String {
    match value {
        None => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(it) => it.to_string(),
    }
}

/// Reads a file, or the standard input for `-`.
pub(crate) async fn read_text(path: Option<&Path>) -> Outcome<String> {
    let path = path.filter(|it| it.as_os_str() != "-").map(Path::to_owned);
    let read = move || match path {
        Some(path) => {
            std::fs::read_to_string(&path).map_err(|it| Failure::file("read", &path, &it))
        }
        None => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            let named = |it| Failure::Message(format!("could not read the standard input: {it}"));
            read.map_err(named).map(|_| text)
        }
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|_| Err(Failure::Message("reading broke off".to_owned())))
}

/// Whether something other than a person is at the standard input.
pub(crate) fn input_is_piped() -> bool {
    !std::io::stdin().is_terminal()
}

/// Reads documents: one, several one after the other, or a list of them.
pub(crate) fn parse_documents(text: &str) -> Outcome<Vec<Json>> {
    let mut documents = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match value {
            Ok(Json::Array(items)) => documents.extend(items),
            Ok(value) => documents.push(value),
            Err(error) => return Err(Failure::Message(format!("this is no JSON: {error}"))),
        }
    }
    Ok(documents)
}

/// Asks a question; only yes is yes.
pub(crate) async fn confirm(question: &str) -> Outcome<bool> {
    eprint!("{question} [y/N] ");
    let read = || {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    };
    let answer = tokio::task::spawn_blocking(read).await;
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
