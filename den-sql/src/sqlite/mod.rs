//! SQLite.

mod changes;
mod compute;
pub mod constraints;
mod definitions;
mod documents;
mod groups;
mod locator;
mod natives;
pub mod only;
mod predicates;
mod search;
mod sets;

use crate::{dialect::Dialect, writer::Placeholders};

/// The dialect of SQLite 3.50 and later.
#[derive(Debug)]
pub(crate) struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn placeholders(&self) -> Placeholders {
        Placeholders::Question
    }
}

/// Writes one label of a JSON path: plain where SQLite reads it plainly, else quoted with the
/// escapes of JSON, which SQLite resolves before it compares.
fn push_label(path: &mut String, key: &str) {
    let plain = !key.is_empty()
        && !key.starts_with(|it: char| it.is_ascii_digit())
        && key
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if plain {
        path.push_str(key);
        return;
    }
    path.push('"');
    for it in key.chars() {
        match it {
            '"' => path.push_str("\\\""),
            '\\' => path.push_str("\\\\"),
            '\n' => path.push_str("\\n"),
            '\r' => path.push_str("\\r"),
            '\t' => path.push_str("\\t"),
            '\u{0}'..='\u{1f}' => {
                path.push_str("\\u00");
                path.push(if it < '\u{10}' { '0' } else { '1' });
                path.extend(char::from_digit(u32::from(it) & 0xf, 16));
            }
            it => path.push(it),
        }
    }
    path.push('"');
}
