//! Document ids, typed by the document.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    str::FromStr,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a document of type `D`: text, on the wire a JSON string.
///
/// # Behavior
///
/// - An empty id means that the document has none yet; `insert` gives it a [ULID](Id::generate).
/// - Any text without control characters may be used as an id.
pub struct Id<D> {
    text: String,
    document: PhantomData<fn() -> D>,
}

/// What names a document of type `D`: an [`Id`] of that type, or text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a document of type `{D}`",
    label = "expected an `Id` of that document, or text"
)]
pub trait IntoId<D> {
    /// The id.
    fn into_id(self) -> Id<D>;
}

impl<D> Id<D> {
    /// An id with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            document: PhantomData,
        }
    }

    /// A new id that is unique and greater than every id generated before in this process: a
    /// [ULID](https://github.com/ulid/spec), 26 characters, 48 bits of milliseconds and 80 bits
    /// of randomness that grow by a random step within a millisecond.
    pub fn generate() -> Self {
        Self::new(next_ulid())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the document has no id yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a document can have this id; others name nothing.
    pub(crate) fn is_storable(&self) -> bool {
        is_storable(&self.text)
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.text
    }
}

/// Whether text can be an id: no control characters.
pub(crate) fn is_storable(id: &str) -> bool {
    !id.chars().any(char::is_control)
}

impl<D> IntoId<D> for Id<D> {
    fn into_id(self) -> Id<D> {
        self
    }
}

impl<D> IntoId<D> for &Id<D> {
    fn into_id(self) -> Id<D> {
        self.clone()
    }
}

impl<D> IntoId<D> for &str {
    fn into_id(self) -> Id<D> {
        Id::new(self)
    }
}

impl<D> IntoId<D> for &&str {
    fn into_id(self) -> Id<D> {
        Id::new(*self)
    }
}

impl<D> IntoId<D> for String {
    fn into_id(self) -> Id<D> {
        Id::new(self)
    }
}

impl<D> IntoId<D> for &String {
    fn into_id(self) -> Id<D> {
        Id::new(self.as_str())
    }
}

/// The alphabet of Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The last id that was generated, as a number: 48 bits of time, 80 bits of randomness.
static LAST: Mutex<u128> = Mutex::new(0);

fn next_ulid() -> String {
    let millis = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| it.as_millis())
        & 0xFFFF_FFFF_FFFF;
    let fresh = millis << 80 | rand::random::<u128>() >> 48;
    let next = {
        // The number is valid whatever a panicking thread left behind.
        let mut last = LAST
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Within one millisecond, or when the clock was set back, step on from the last id; an
        // overflow of the random part carries into the time, which keeps the order.
        let stepped = last.wrapping_add(u128::from(rand::random::<u32>()) + 1);
        *last = if fresh >> 80 > *last >> 80 {
            fresh
        } else {
            stepped
        };
        *last
    };
    let digit = |at: u32| {
        let index = (next >> (at * 5)) & 31;
        char::from(ALPHABET[usize::try_from(index).unwrap_or(0)])
    };
    (0..26).rev().map(digit).collect()
}

// Written out, because derives would ask the same of `D`.

impl<D> Clone for Id<D> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}

impl<D> Default for Id<D> {
    fn default() -> Self {
        Self::new(String::new())
    }
}

impl<D> PartialEq for Id<D> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<D> Eq for Id<D> {}

impl<D> PartialOrd for Id<D> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<D> Ord for Id<D> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<D> PartialEq<str> for Id<D> {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl<D> PartialEq<String> for Id<D> {
    fn eq(&self, other: &String) -> bool {
        &self.text == other
    }
}

impl<D> Borrow<str> for Id<D> {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl<D> From<Id<D>> for String {
    fn from(id: Id<D>) -> Self {
        id.text
    }
}

impl<D> PartialEq<&str> for Id<D> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl<D> Hash for Id<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<D> AsRef<str> for Id<D> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<D> From<&str> for Id<D> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<D> From<String> for Id<D> {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<D> FromStr for Id<D> {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl<D> fmt::Display for Id<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<D> fmt::Debug for Id<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:?})", self.text)
    }
}

impl<D> Serialize for Id<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, D> Deserialize<'de> for Id<D> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn generated_ids_are_unique_and_ascend() {
        let ids: Vec<Id<()>> = (0..20_000).map(|_| Id::generate()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.iter().all(|it| it.as_str().len() == 26));
        assert!(ids[0].as_str().starts_with('0'), "{}", ids[0]);
    }

    #[test]
    fn threads_do_not_share_ids() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..5_000).map(|_| next_ulid()).collect::<Vec<_>>()))
            .collect();
        let all: Vec<String> = threads
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
