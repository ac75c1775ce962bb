//! A JSON value with its numbers as they are written, so that none of them passes through an `f64`.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{encode::MAX_DEPTH, transfer::number::Numbers};

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    /// In the one form in which den writes this number.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// In the order given; no key occurs twice.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// What a value may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) numbers: Numbers,
    /// Whether text may hold the character NUL.
    pub(super) nul: Nul,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nul {
    Allowed,
    Refused,
}

impl Rules {
    /// What a database holds: whatever it is, as it is.
    pub(super) const STORED: Self = Self {
        numbers: Numbers::AsWritten,
        nul: Nul::Allowed,
    };
    /// What is on the way from one database to another.
    pub(super) const CARRIED: Self = Self {
        numbers: Numbers::AsWritten,
        nul: Nul::Refused,
    };
}

/// In which order keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// By their bytes: one text for each value.
    Sorted,
    AsGiven,
}

/// Why a text is refused, and where in it.
#[derive(Debug)]
pub(super) struct Refused {
    /// From the inside out.
    path: Vec<String>,
    what: Cow<'static, str>,
}

impl Refused {
    fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: Vec::new(),
            what: what.into(),
        }
    }

    fn below(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        match path.as_slice() {
            [] => f.write_str(&self.what),
            path => write!(f, "`{}` {}", path.join("."), self.what),
        }
    }
}

impl<'a> Node<'a> {
    /// The value in a JSON text.
    pub(super) fn parse(text: &'a str, rules: Rules) -> Result<Self, Refused> {
        // Once for the whole text: what lies within is known to be JSON from here on.
        let raw: &RawValue = serde_json::from_str(text).map_err(|it| not_json(&it))?;
        Self::of(raw.get(), rules, 0)
    }

    fn of(raw: &'a str, rules: Rules, depth: usize) -> Result<Self, Refused> {
        Ok(match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(text_of(raw, rules)?),
            Some(b'[') => {
                let inner = within(depth)?;
                let items: Items<'a> = serde_json::from_str(raw).map_err(|it| not_json(&it))?;
                let items = items.0.into_iter().enumerate().map(|(at, it)| {
                    Self::of(it.get(), rules, inner).map_err(|why| why.below(at.to_string()))
                });
                Self::Array(items.collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let inner = within(depth)?;
                let entries: Entries<'a> = serde_json::from_str(raw).map_err(|it| not_json(&it))?;
                refuse_duplicates(&entries.0)?;
                let entries = entries.0.into_iter().map(|(Key(key), value)| {
                    if rules.nul == Nul::Refused && key.contains('\0') {
                        return Err(Refused::new("has a key with a NUL character"));
                    }
                    match Self::of(value.get(), rules, inner) {
                        Ok(value) => Ok((key, value)),
                        Err(why) => Err(why.below(key)),
                    }
                });
                Self::Object(entries.collect::<Result<_, _>>()?)
            }
            Some(_) | None => Self::Number(rules.numbers.read(raw).map_err(Refused::new)?),
        })
    }

    /// Writes the value as JSON, without a line break.
    pub(super) fn write(&self, out: &mut String, keys: Keys) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(it) => out.push_str(it),
            Self::Text(it) => write_text(out, it),
            Self::Array(items) => {
                out.push('[');
                for (at, it) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    it.write(out, keys);
                }
                out.push(']');
            }
            Self::Object(entries) => match keys {
                Keys::AsGiven => write_object(out, entries.iter(), keys),
                Keys::Sorted => {
                    let mut sorted: Vec<_> = entries.iter().collect();
                    sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                    write_object(out, sorted.into_iter(), keys);
                }
            },
        }
    }

    /// The JSON text that all equal values share.
    pub(super) fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Keys::Sorted);
        out
    }

    /// The value under a key of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|it| it.0 == key).map(|it| &it.1),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Array(_) => None,
        }
    }
}

fn write_object<'n, 'a: 'n>(
    out: &mut String,
    entries: impl Iterator<Item = &'n (Cow<'a, str>, Node<'a>)>,
    keys: Keys,
) {
    out.push('{');
    for (at, (key, value)) in entries.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(out, key);
        out.push(':');
        value.write(out, keys);
    }
    out.push('}');
}

/// Writes text as JSON.
pub(super) fn write_text(out: &mut String, text: &str) {
    let is_plain = |it: u8| it >= b' ' && it != b'"' && it != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return;
    }
    // Writing text into memory has no way to fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

fn text_of<'a>(raw: &'a str, rules: Rules) -> Result<Cow<'a, str>, Refused> {
    let inner = raw.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    if let Some(inner) = inner
        && !inner.contains('\\')
    {
        return Ok(Cow::Borrowed(inner));
    }
    let Key(text) = serde_json::from_str(raw).map_err(|it| not_json(&it))?;
    if rules.nul == Nul::Refused && text.contains('\0') {
        return Err(Refused::new("has a NUL character"));
    }
    Ok(text)
}

fn within(depth: usize) -> Result<usize, Refused> {
    if depth >= MAX_DEPTH {
        return Err(Refused::new("is nested too deeply"));
    }
    Ok(depth + 1)
}

fn refuse_duplicates(entries: &[(Key<'_>, &RawValue)]) -> Result<(), Refused> {
    let mut keys: Vec<&str> = entries.iter().map(|it| &*it.0.0).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|it| it[0] == it[1]) {
        Some(twice) => Err(Refused::new("occurs twice").below(twice[0])),
        None => Ok(()),
    }
}

fn not_json(why: &serde_json::Error) -> Refused {
    Refused::new(format!("it is not JSON: {why}"))
}

/// Text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The elements of an array, not looked into.
struct Items<'a>(Vec<&'a RawValue>);

/// The fields of an object, not looked into, duplicates included.
struct Entries<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(it) = seq.next_element()? {
                    items.push(it);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(it) = map.next_entry()? {
                    entries.push(it);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED: Rules = Rules {
        numbers: Numbers::Exact,
        nul: Nul::Refused,
    };

    #[test]
    fn equal_values_have_one_text() {
        let cases = [
            (
                r#" { "b" : 1, "a" : [ 1.0, 1e2 ] } "#,
                r#"{"a":[1.0,100.0],"b":1}"#,
            ),
            (r#"{"é":"\u00e9\/\n"}"#, "{\"é\":\"é/\\n\"}"),
            ("[true,false,null,{},[]]", "[true,false,null,{},[]]"),
            (r#"{"a":{"z":1,"y":2}}"#, r#"{"a":{"y":2,"z":1}}"#),
        ];
        for (text, expected) in cases {
            let node = Node::parse(text, CHECKED).unwrap();
            assert_eq!(node.canonical(), expected);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_refused_with_its_place() {
        let deep = ["[".repeat(200), "]".repeat(200)].concat();
        let cases = [
            (
                r#"{"a":{"b":[0,"x\u0000"]}}"#,
                "`a.b.1` has a NUL character",
            ),
            (r#"{"a":[{"k":1,"j":2,"k":3}]}"#, "`a.0.k` occurs twice"),
            (r#"{"a":1,"\u0061":2}"#, "`a` occurs twice"),
            (r#"{"a":"\ud800"}"#, "not JSON"),
            (r#"{"a":01}"#, "not JSON"),
            (r#"{"a":NaN}"#, "not JSON"),
            (r#"{"a":1}}"#, "not JSON"),
            (&deep, "nested too deeply"),
        ];
        for (text, expected) in cases {
            let why = Node::parse(text, CHECKED).unwrap_err().to_string();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[test]
    fn the_order_of_keys_can_be_kept() {
        let node = Node::parse(r#"{"b":1,"a":{"d":1,"c":2}}"#, CHECKED).unwrap();
        let mut out = String::new();
        node.write(&mut out, Keys::AsGiven);
        assert_eq!(out, r#"{"b":1,"a":{"d":1,"c":2}}"#);
    }
}
