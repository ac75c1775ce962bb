//! Prefixes as ranges of text.

/// The least text above every text that starts with `prefix`, by bytes of UTF-8; `None` if there is
/// none.
///
/// # Behavior
///
/// - Bytes of UTF-8 order as code points do, so the last character is replaced by its successor;
///   one that has none (U+10FFFF) is cut off first.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = successor(last) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn successor(it: char) -> Option<char> {
    match it {
        // Surrogates are no characters.
        '\u{D7FF}' => Some('\u{E000}'),
        it => char::from_u32(u32::from(it) + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_its_successor() {
        assert_eq!(prefix_end("ab").as_deref(), Some("ac"));
        assert_eq!(prefix_end("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(prefix_end("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{10FFFF}\u{10FFFF}"), None);
        assert_eq!(prefix_end(""), None);
        assert_eq!(prefix_end("a\u{7f}").as_deref(), Some("a\u{80}"));
    }
}
