//! The keys of a stored document in the order in which serde writes them.
//!
//! `validator` counts the entries of a map, so the key of an entry is looked up here.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A JSON value without its plain values.
pub(super) enum Keys {
    Object(Vec<(String, Keys)>),
    Array(Vec<Keys>),
    Plain,
}

impl Keys {
    /// Those of what a value is stored as.
    pub(super) fn of<T: Serialize>(value: &T) -> Self {
        let json = serde_json::to_vec(value);
        let keys = json.and_then(|it| serde_json::from_slice(&it));
        // What cannot be written has no names to look up; the write itself will say so.
        keys.unwrap_or(Self::Plain)
    }

    /// The key of the entry number `at` of the map at `path`; none where there is no map.
    pub(super) fn key(&self, path: &[String], at: usize) -> Option<&str> {
        let Some((first, rest)) = path.split_first() else {
            return match self {
                Self::Object(entries) => entries.get(at).map(|(key, _)| key.as_str()),
                Self::Array(_) | Self::Plain => None,
            };
        };
        let inner = match self {
            Self::Object(entries) => entries
                .iter()
                .find_map(|(key, value)| (key == first).then_some(value)),
            Self::Array(elements) => first.parse().ok().and_then(|it: usize| elements.get(it)),
            Self::Plain => None,
        };
        inner?.key(rest, at)
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Keys::Object(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Keys::Array(elements))
    }

    fn visit_unit<E>(self) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }

    fn visit_str<E>(self, _: &str) -> Result<Keys, E> {
        Ok(Keys::Plain)
    }
}
