//! How a function says what failed, in a text that SQLite passes on.

use den_backend::{Error, ErrorKind};

/// What stands before the text, so that it is told from SQLite's own messages.
const MARK: &str = "den:failed:";

/// The kinds that are told apart, and what they are called in the text.
const KINDS: [(ErrorKind, &str); 4] = [
    (ErrorKind::OutOfRange, "range"),
    (ErrorKind::InvalidDocument, "document"),
    (ErrorKind::InvalidQuery, "query"),
    (ErrorKind::Corrupt, "corrupt"),
];

/// What SQLite is told, so that [`failed`] makes the same error of its message.
pub(super) fn failure(error: &Error, id: Option<&str>) -> rusqlite::Error {
    let name = KINDS.iter().find(|(kind, _)| *kind == error.kind());
    let name = name.map_or("other", |(_, name)| name);
    let text = serde_json::json!([name, error.to_string(), id]).to_string();
    rusqlite::Error::UserFunctionError([MARK, &text].concat().into())
}

/// The error that a message of SQLite stands for, if a function failed.
pub(crate) fn failed(message: &str) -> Option<Error> {
    let (_, text) = message.split_once(MARK)?;
    let (name, text, id): (String, String, Option<String>) = serde_json::from_str(text).ok()?;
    let kind = KINDS.iter().find(|(_, it)| *it == name);
    let error = Error::new(kind.map_or(ErrorKind::Backend, |(kind, _)| *kind), text);
    Some(match id {
        Some(id) => error.with_id(id),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_comes_back_as_it_was() {
        let error = Error::new(ErrorKind::OutOfRange, "too \"large\": den:failed:");
        for id in [None, Some("a:\"b\"")] {
            let message = failure(&error, id).to_string();
            let back = failed(&message).unwrap();
            assert_eq!(back.kind(), ErrorKind::OutOfRange);
            assert_eq!(back.id(), id);
            assert!(back.to_string().starts_with("too \"large\": den:failed:"));
        }
        assert!(failed("no such table: x").is_none());
    }
}
