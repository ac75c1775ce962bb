//! Computing the name of content, and the path that follows from it.

use sha2::{Digest, Sha256};

use crate::attachments::ContentHash;

impl ContentHash {
    /// The hash of these bytes.
    ///
    /// ```
    /// use den::attachments::ContentHash;
    ///
    /// assert!(ContentHash::of(b"").as_str().starts_with("e3b0c44298fc1c14"));
    /// ```
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The two folders and the name under which content lies: `ab`, `cd`, the whole hash.
    pub(super) fn segments(&self) -> [&str; 3] {
        let part = |from: usize, to: usize| {
            let digits = self.0.get(from..to);
            digits.expect("a hash has 64 digits")
        };
        [part(0, 2), part(2, 4), &self.0]
    }

    /// The relative path under which content lies, with slashes: `ab/cd/<hash>`.
    pub(super) fn path(&self) -> String {
        self.segments().join("/")
    }
}

/// Computes a [`ContentHash`] piece by piece.
#[derive(Debug, Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> ContentHash {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let bytes = self.0.finalize();
        let nibbles = bytes.iter().flat_map(|it| [it >> 4, it & 15]);
        let digits = nibbles.map(|it| char::from(DIGITS[usize::from(it)]));
        ContentHash(digits.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"");
        hasher.update(b"bc");
        let hash = hasher.finish();
        assert_eq!(hash, ContentHash::of(b"abc"));
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.as_str(), text);
        assert_eq!(hash.path(), format!("ba/78/{text}"));
        assert_eq!(ContentHash::parse(text).unwrap(), hash);
    }
}
