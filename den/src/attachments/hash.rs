//! The name of content: its SHA-256.

use std::{fmt, str::FromStr};

use den_backend::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The SHA-256 of content, as 64 lower case hexadecimal digits.
///
/// # Behavior
///
/// - Nothing else can be held, so that it is safe as a part of a path whoever it comes from.
/// - Upper case digits are refused, because filters compare the stored text.
///
/// # Examples
///
/// ```
/// use den::attachments::ContentHash;
///
/// let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // of no bytes
/// assert_eq!(ContentHash::parse(text)?.as_str(), text);
/// assert!(ContentHash::parse("../../etc/passwd").is_err());
/// # Ok::<(), den::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub(super) String); // Invariant: 64 times 0-9 or a-f.

/// The number of hexadecimal digits.
const LEN: usize = 64;

impl ContentHash {
    /// Reads a hash.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for anything but 64 lower case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        let is_digit = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != LEN || !text.bytes().all(is_digit) {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "the text is not a SHA-256 of 64 lower case hexadecimal digits",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl AsRef<str> for ContentHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lower_case_digits_are_a_hash() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ContentHash::parse(hash).unwrap().to_string(), hash);
        for bad in [
            "",
            "ab",
            &hash[1..],
            &format!("{hash}0"),
            &hash.to_uppercase(),
            &format!("../../../{}", &hash[9..]),
            &format!("/etc/passwd{}", &hash[11..]),
            &format!("{}\0", &hash[1..]),
            &format!("{}\n", &hash[1..]),
            &format!("ab\\cd{}", &hash[5..]),
            // 64 characters and 64 bytes that are no digits.
            &"é".repeat(64),
            &"é".repeat(32),
        ] {
            let error = ContentHash::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{bad:?}");
            let json = serde_json::to_string(bad).unwrap();
            assert!(serde_json::from_str::<ContentHash>(&json).is_err());
        }
    }
}
