//! A JSON array of documents, element by element.
//!
//! Only brackets and texts are looked at here, so that an element that is not JSON can be reported, and
//! the next one read.

use std::{io::BufRead, sync::Arc};

use den_backend::{Error, ErrorKind, Result};

use crate::transfer::{
    files::unreadable,
    items::{Items, Raw, Unreadable, place},
};

/// So long may one element be.
const LONGEST: usize = 256 << 20;

/// The elements of an array.
pub(super) struct Elements {
    reader: Box<dyn BufRead + Send>,
    label: String,
    collection: Arc<str>,
    line: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array.
    Start,
    /// After the bracket, or a comma.
    Element { is_first: bool },
    /// After the array.
    End,
}

/// How an element ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Comma,
    Bracket,
}

impl Elements {
    pub(super) fn new(
        reader: Box<dyn BufRead + Send>,
        label: String,
        collection: Arc<str>,
    ) -> Self {
        Self {
            reader,
            label,
            collection,
            line: 1,
            state: State::Start,
        }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let peeked = self.peek()?;
        if let Some(it) = peeked {
            self.reader.consume(1);
            if it == b'\n' {
                self.line += 1;
            }
        }
        Ok(peeked)
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let buffer = self.reader.fill_buf();
        let buffer = buffer.map_err(|it| unreadable(&self.label, it))?;
        Ok(buffer.first().copied())
    }

    fn skip_space(&mut self) -> Result<u64> {
        let mut skipped = 0;
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek()? {
            self.byte()?;
            skipped += 1;
        }
        Ok(skipped)
    }

    /// The bytes up to the comma or bracket that ends the element.
    fn element(&mut self) -> Result<(Vec<u8>, Ended)> {
        let mut bytes = Vec::new();
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        loop {
            let Some(it) = self.byte()? else {
                return Err(self.broken("the array does not end"));
            };
            if in_text {
                in_text = escaped || it != b'"';
                escaped = !escaped && it == b'\\';
            } else {
                match it {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b',' if depth == 0 => return Ok((bytes, Ended::Comma)),
                    b']' if depth == 0 => return Ok((bytes, Ended::Bracket)),
                    b'}' if depth == 0 => return Err(self.broken("a bracket was never opened")),
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
            }
            if bytes.len() >= LONGEST {
                return Err(self.broken("an element is too long"));
            }
            bytes.push(it);
        }
    }

    fn broken(&self, what: &'static str) -> Error {
        let place = place(&self.label, self.line);
        Error::new(ErrorKind::InvalidDocument, format!("{place}: {what}"))
    }
}

impl Items for Elements {
    fn next(&mut self) -> Result<Option<Raw>> {
        let mut bytes = self.skip_space()?;
        if self.state == State::Start {
            if self.byte()? != Some(b'[') {
                return Err(self.broken("this is not a JSON array"));
            }
            self.state = State::Element { is_first: true };
            bytes += 1 + self.skip_space()?;
        }
        if self.state == (State::Element { is_first: true }) && self.peek()? == Some(b']') {
            self.byte()?;
            self.state = State::End;
        }
        if self.state == State::End {
            self.skip_space()?;
            return match self.peek()? {
                Some(_) => Err(self.broken("something follows the array")),
                None => Ok(None),
            };
        }
        let line = self.line;
        let (element, ended) = self.element()?;
        self.state = match ended {
            Ended::Comma => State::Element { is_first: false },
            Ended::Bracket => State::End,
        };
        bytes += element.len() as u64 + 1;
        let text = String::from_utf8(element).map_err(|why| Unreadable {
            text: String::from_utf8_lossy(why.as_bytes()).into_owned(),
            why: "it is not UTF-8".to_owned(),
        });
        Ok(Some(Raw {
            collection: Arc::clone(&self.collection),
            line,
            text,
            bytes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    /// The elements with their lines, and how it ended.
    fn read(text: &str) -> (Vec<(u64, String)>, Option<String>) {
        // A buffer of one byte, so that nothing depends on where it ends.
        let reader = BufReader::with_capacity(1, Cursor::new(text.to_owned().into_bytes()));
        let mut elements = Elements::new(Box::new(reader), "x".to_owned(), "c".into());
        let mut found = Vec::new();
        loop {
            match elements.next() {
                Ok(Some(it)) => found.push((it.line, it.text.unwrap().trim().to_owned())),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        let (found, error) = read(text);
        assert_eq!(error, None, "{text}");
        found.into_iter().map(|it| it.1).collect()
    }

    #[test]
    fn elements_are_found_whatever_is_in_them() {
        assert!(texts(" [ ] \n").is_empty());
        assert_eq!(texts("[1, 2]"), ["1", "2"]);
        let tricky = r#"{"a":"],{\"\\","b":[1,[2],{}]}"#;
        assert_eq!(texts(&format!("[{tricky} , null]")), [tricky, "null"]);
        assert_eq!(texts("[1,,NaN,]"), ["1", "", "NaN", ""]);
    }

    #[test]
    fn elements_have_the_line_on_which_they_begin() {
        let (found, _) = read("[\n{},\n{\n\n},\n\n {}\n]");
        let lines: Vec<u64> = found.iter().map(|it| it.0).collect();
        assert_eq!(lines, [2, 3, 7]);
    }

    #[test]
    fn what_is_no_array_is_an_error_with_its_line() {
        for (text, expected) in [
            ("{}", "line 1: this is not a JSON array"),
            ("", "not a JSON array"),
            ("[1,\n2", "line 2: the array does not end"),
            ("[1]\n\n2", "line 3: something follows the array"),
            ("[1}]", "never opened"),
        ] {
            let (_, error) = read(text);
            assert!(error.unwrap().contains(expected), "{text}");
        }
    }
}
