//! The files that collections are written to.

use std::fmt::Write;

const ENDING: &str = ".jsonl";

/// The name of the file of a collection.
///
/// # Behavior
///
/// - Letters, digits, `_` and `-` stand for themselves, so do spaces and dots within; any other byte is
///   written as `%2F`.
pub(super) fn file_of(collection: &str) -> String {
    let mut name = String::new();
    let last = collection.len().saturating_sub(1);
    for (at, it) in collection.bytes().enumerate() {
        let is_within = at > 0 && at < last;
        if it.is_ascii_alphanumeric() || b"_-".contains(&it) || (b" .".contains(&it) && is_within) {
            name.push(char::from(it));
        } else {
            // Writing into memory has no way to fail.
            let _ = write!(name, "%{it:02X}");
        }
    }
    name.push_str(ENDING);
    name
}

/// The collection of a file; none for one that [`file_of`] would not name so.
pub(super) fn collection_of(file: &str) -> Option<String> {
    let mut rest = file.strip_suffix(ENDING)?.as_bytes();
    let mut bytes = Vec::new();
    while let Some((first, more)) = rest.split_first() {
        if *first == b'%' {
            let digits = str::from_utf8(more.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = more.get(2..)?;
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).ok().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for name in [
            "products", "a b", "a/b", "../x", ".", "é", "100%", "a.b", " x ", "CON",
        ] {
            let file = file_of(name);
            assert!(!file.contains('/') && !file.starts_with('.'), "{file}");
            assert_eq!(collection_of(&file).as_deref(), Some(name));
        }
        assert_eq!(file_of("products"), "products.jsonl");
    }

    #[test]
    fn other_files_are_left_alone() {
        for file in [
            "products.json",
            ".jsonl",
            "a%.jsonl",
            "a%ZZ.jsonl",
            "a.jsonl.part",
        ] {
            assert_eq!(collection_of(file), None, "{file}");
        }
    }
}
