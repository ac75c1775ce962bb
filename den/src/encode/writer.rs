//! The output of a document under way: its text, and where in the document it is.

use std::{collections::HashSet, fmt, hash::BuildHasher as _, io::Write as _};

use den_backend::value::float_text;
use serde::{Serialize, ser};

use super::check::{DUPLICATE, KEY_NUL, MAX_DEPTH, NUL, Refused, TOO_DEEP};

/// From this many keys on, an object's keys are held in a set.
const MANY_KEYS: usize = 32;

/// The text written so far.
///
/// The path to a refused value costs nothing until it is asked for: when a `Serialize` fails, the
/// open containers are left as they are, and the last key of each stands in the text.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    open: Vec<Container>,
    /// Where the keys of all open objects stand in `out`, without their quotes.
    keys: Vec<(usize, usize)>,
    /// Whether a value was refused, also when its `Serialize` ignored that.
    failed: bool,
}

#[derive(Debug)]
struct Container {
    kind: Kind,
    /// How many elements or keys were begun.
    count: usize,
    /// Where its keys begin in [`Writer::keys`].
    first_key: usize,
    /// One bit for each key, by a cheap hash: a key whose bit is not set is new.
    seen: u64,
    /// How its keys are ordered, once there are many.
    order: Order,
}

/// The order in which an object's keys came.
#[derive(Debug)]
enum Order {
    /// Not looked at yet.
    Unknown,
    /// As from a sorted map: a new key is compared with the one before only.
    Ascending,
    /// None: the hashes of all keys tell whether a key is new.
    Mixed(HashSet<u64>),
}

/// What brackets enclose a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            out: Vec::with_capacity(1536),
            open: Vec::with_capacity(4),
            keys: Vec::with_capacity(32),
            failed: false,
        }
    }

    /// The text, if it is one whole object.
    pub(super) fn finish(self) -> Result<Vec<u8>, &'static str> {
        if self.failed || !self.open.is_empty() || self.out.is_empty() {
            return Err("its Serialize went on after an error");
        }
        if self.out.first() != Some(&b'{') {
            return Err("it is not an object");
        }
        Ok(self.out)
    }

    /// A sentence that says what was refused, and where.
    pub(super) fn explain(&self, refused: &Refused) -> String {
        let open = match refused {
            Refused::Value(_) | Refused::Custom(_) => self.path(self.open.len()),
            // The key that was refused is not there to be named: its object is.
            Refused::Key(_) => self.path(self.open.len().saturating_sub(1)),
        };
        match (refused, open.as_str()) {
            (Refused::Value(it) | Refused::Key(it), "") => format!("it {it}"),
            (Refused::Value(it) | Refused::Key(it), path) => format!("`{path}` {it}"),
            (Refused::Custom(it), "") => it.to_string(),
            (Refused::Custom(it), path) => format!("`{path}`: {it}"),
        }
    }

    /// The dotted path through the outermost containers, up to `depth` of them.
    fn path(&self, depth: usize) -> String {
        let mut path = String::new();
        for (at, container) in self.open.iter().enumerate().take(depth) {
            let segment = match (container.kind, container.count) {
                (_, 0) => continue,
                (Kind::Array, count) => (count - 1).to_string(),
                (Kind::Object, _) => {
                    let next = self
                        .open
                        .get(at + 1)
                        .map_or(self.keys.len(), |it| it.first_key);
                    self.key_at(next.saturating_sub(1))
                }
            };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
        path
    }

    fn key_at(&self, index: usize) -> String {
        let quoted = self.keys.get(index).and_then(|(start, end)| {
            let text = self.out.get(start.checked_sub(1)?..=*end)?;
            serde_json::from_slice(text).ok()
        });
        quoted.unwrap_or_default()
    }

    /// Opens an array or object.
    #[inline]
    pub(super) fn open(&mut self, kind: Kind) -> Result<(), Refused> {
        if self.open.len() == MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        self.out.push(match kind {
            Kind::Array => b'[',
            Kind::Object => b'{',
        });
        self.open.push(Container {
            kind,
            count: 0,
            first_key: self.keys.len(),
            seen: 0,
            order: Order::Unknown,
        });
        Ok(())
    }

    /// Closes the innermost array or object.
    #[inline]
    pub(super) fn close(&mut self) {
        if let Some(container) = self.open.pop() {
            self.keys.truncate(container.first_key);
            self.out.push(match container.kind {
                Kind::Array => b']',
                Kind::Object => b'}',
            });
        }
    }

    /// Writes a value where one belongs.
    #[inline]
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let result = value.serialize(&mut *self);
        self.failed |= result.is_err();
        result
    }

    /// Writes the next element of the innermost array.
    #[inline]
    pub(super) fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.separate();
        self.value(value)
    }

    /// Writes a key of the innermost object, up to its colon.
    #[inline]
    pub(super) fn key(&mut self, key: &str) -> Result<(), Refused> {
        self.separate();
        self.out.push(b'"');
        let start = self.out.len();
        if self.escaped(key).is_err() {
            self.failed = true;
            return Err(KEY_NUL);
        }
        let end = self.out.len();
        self.out.extend_from_slice(b"\":");
        let repeated = self.is_repeated(start, end);
        self.keys.push((start, end));
        if repeated {
            self.failed = true;
            return Err(DUPLICATE);
        }
        Ok(())
    }

    /// Whether the innermost object has the key that stands at `start..end` already.
    #[inline]
    fn is_repeated(&mut self, start: usize, end: usize) -> bool {
        let (Some(container), Some(key)) = (self.open.last_mut(), self.out.get(start..end)) else {
            return false;
        };
        let bit = 1 << (mix(key) & 63);
        let is_new = container.seen & bit == 0;
        container.seen |= bit;
        let before = self.keys.get(container.first_key..).unwrap_or_default();
        let mut texts = before.iter().filter_map(|it| self.out.get(it.0..it.1));
        let may_repeat = if before.len() < MANY_KEYS {
            !is_new
        } else {
            container.may_repeat(texts.clone(), key)
        };
        may_repeat && texts.any(|it| it == key)
    }

    /// Counts an element or key of the innermost container, with a comma before all but the first.
    #[inline]
    fn separate(&mut self) {
        if let Some(container) = self.open.last_mut() {
            if container.count > 0 {
                self.out.push(b',');
            }
            container.count += 1;
        }
    }

    #[inline]
    pub(super) fn word(&mut self, word: &'static str) {
        self.out.extend_from_slice(word.as_bytes());
    }

    pub(super) fn integer(&mut self, it: i64) -> Result<(), Refused> {
        self.json(&it)
    }

    /// Writes a finite float as [`float_text`] does.
    pub(super) fn float(&mut self, it: f64) -> Result<(), Refused> {
        // In this range serde_json writes the same text, without an allocation.
        let plain = 1e-4..9_007_199_254_740_992.0;
        if it == 0.0 || plain.contains(&it.abs()) {
            return self.json(&it);
        }
        self.out.extend_from_slice(float_text(it).as_bytes());
        Ok(())
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), Refused> {
        self.out.push(b'"');
        self.escaped(text)?;
        self.out.push(b'"');
        Ok(())
    }

    /// Writes what `value` displays, as text.
    pub(super) fn displayed(&mut self, value: &dyn fmt::Display) -> Result<(), Refused> {
        let mut text = Displayed {
            writer: self,
            refused: None,
        };
        text.writer.out.push(b'"');
        let result = fmt::Write::write_fmt(&mut text, format_args!("{value}"));
        if let Some(refused) = text.refused {
            return Err(refused);
        }
        result.map_err(ser::Error::custom)?;
        self.out.push(b'"');
        Ok(())
    }

    fn json<T: Serialize>(&mut self, it: &T) -> Result<(), Refused> {
        serde_json::to_writer(&mut self.out, it).map_err(ser::Error::custom)
    }

    /// Writes text as it stands between quotes.
    #[inline]
    fn escaped(&mut self, text: &str) -> Result<(), Refused> {
        if !needs_escape(text.as_bytes()) {
            self.out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        self.escaped_slowly(text.as_bytes())
    }

    fn escaped_slowly(&mut self, mut rest: &[u8]) -> Result<(), Refused> {
        while let Some(at) = rest.iter().position(|it| SPECIAL[usize::from(*it)]) {
            let (plain, from) = rest.split_at(at);
            self.out.extend_from_slice(plain);
            let Some((special, tail)) = from.split_first() else {
                break;
            };
            match special {
                0 => return Err(NUL),
                b'"' => self.word("\\\""),
                b'\\' => self.word("\\\\"),
                b'\n' => self.word("\\n"),
                b'\r' => self.word("\\r"),
                b'\t' => self.word("\\t"),
                0x08 => self.word("\\b"),
                0x0C => self.word("\\f"),
                // Writing into memory does not fail.
                other => write!(self.out, "\\u{other:04x}").map_err(ser::Error::custom)?,
            }
            rest = tail;
        }
        self.out.extend_from_slice(rest);
        Ok(())
    }
}

impl Container {
    /// Whether `key` may be among the many keys before it; remembers it.
    #[inline(never)]
    fn may_repeat<'k>(
        &mut self,
        before: impl DoubleEndedIterator<Item = &'k [u8]> + Clone,
        key: &[u8],
    ) -> bool {
        if let Order::Unknown = self.order {
            self.order = if before.clone().is_sorted() {
                Order::Ascending
            } else {
                Order::Mixed(HashSet::new())
            };
        }
        if let Order::Ascending = self.order {
            if before.clone().next_back() < Some(key) {
                return false;
            }
            self.order = Order::Mixed(HashSet::new());
        }
        let Order::Mixed(hashes) = &mut self.order else {
            return true;
        };
        if hashes.is_empty() {
            for it in before {
                let hash = hashes.hasher().hash_one(it);
                hashes.insert(hash);
            }
        }
        let hash = hashes.hasher().hash_one(key);
        !hashes.insert(hash)
    }
}

/// Text on its way from a `Display` into the output.
struct Displayed<'w> {
    writer: &'w mut Writer,
    refused: Option<Refused>,
}

impl fmt::Write for Displayed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.writer.escaped(text).map_err(|refused| {
            self.refused = Some(refused);
            fmt::Error
        })
    }
}

#[inline]
fn is_special(it: u8) -> bool {
    it < 0x20 || it == b'"' || it == b'\\'
}

/// [`is_special`] of every byte.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = true;
        at += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Whether any byte is special, without a branch for each: the compiler makes vectors of it.
#[inline]
fn needs_escape(text: &[u8]) -> bool {
    let mut chunks = text.chunks_exact(32);
    let any = |chunk: &[u8]| chunk.iter().fold(false, |any, it| any | is_special(*it));
    chunks.by_ref().any(any) || any(chunks.remainder())
}

/// A number that differs for most keys of one object.
#[inline]
fn mix(key: &[u8]) -> usize {
    let byte = |at: usize| key.get(at).copied().map_or(0, usize::from);
    let last = byte(key.len().wrapping_sub(1));
    (key.len() * 13) ^ (byte(0) * 3) ^ (last * 7) ^ (byte(key.len() / 2) * 31)
}
