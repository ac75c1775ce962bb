//! Where in a document a value lies.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// A list of segments that leads from the root of a document to a value.
///
/// # Behavior
///
/// - A segment is a key, taken literally: dots, spaces and quotes are allowed.
/// - A segment that [is a number](FieldPath::index_of) indexes an array, and is a key of an object.
/// - No segment is empty or holds a control character (NUL included).
/// - The empty path is the value itself; it only occurs below [`Root::Element`](crate::Root).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The path of the value itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Splits `text` on dots.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for an empty path, an empty segment or a control character.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_segments(text.split('.'))
    }

    /// Takes every segment literally.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for no segment, an empty segment or a control character.
    pub fn from_segments<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Result<Self> {
        let segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        if segments.is_empty() {
            return Err(invalid("a field path needs at least one segment".into()));
        }
        for segment in &segments {
            check_segment(segment)?;
        }
        Ok(Self(segments))
    }

    /// This path with one more segment.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for an empty segment or a control character.
    pub fn child(&self, segment: impl Into<String>) -> Result<Self> {
        let segment = segment.into();
        check_segment(&segment)?;
        let mut segments = self.0.clone();
        segments.push(segment);
        Ok(Self(segments))
    }

    /// The segments, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether this is the value itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is the document's id.
    pub fn is_id(&self) -> bool {
        matches!(self.0.as_slice(), [only] if only == "_id")
    }

    /// The array index that a segment stands for: canonical decimal (`0`, `17`, not `01` or `-1`),
    /// at most `i32::MAX`.
    pub fn index_of(segment: &str) -> Option<usize> {
        let digits = segment.bytes().all(|it| it.is_ascii_digit());
        let canonical = segment == "0" || !segment.starts_with('0');
        if !digits || !canonical {
            return None;
        }
        let index: i32 = segment.parse().ok()?;
        usize::try_from(index).ok()
    }
}

impl TryFrom<Vec<String>> for FieldPath {
    type Error = Error;

    /// Takes every segment literally; no segment is the value itself.
    fn try_from(segments: Vec<String>) -> Result<Self> {
        match segments.is_empty() {
            true => Ok(Self::root()),
            false => Self::from_segments(segments),
        }
    }
}

impl From<FieldPath> for Vec<String> {
    fn from(path: FieldPath) -> Self {
        path.0
    }
}

fn check_segment(segment: &str) -> Result<()> {
    if segment.is_empty() {
        return Err(invalid("a field path has an empty segment".into()));
    }
    if segment.chars().any(char::is_control) {
        return Err(invalid(format!(
            "the field path segment {segment:?} holds a control character"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

impl fmt::Display for FieldPath {
    /// Writes the dotted form; a segment that itself holds a dot, quote or space is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            if segment.contains(['.', ' ', '"']) {
                write!(f, "{segment:?}")?;
            } else {
                f.write_str(segment)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_are_segments() {
        let path = FieldPath::from_segments(["a.b", "US Gross"]).unwrap();
        assert_eq!(path.segments(), ["a.b", "US Gross"]);
        assert_eq!(path.to_string(), r#""a.b"."US Gross""#);
    }

    #[test]
    fn bad_segments_are_refused() {
        for bad in ["", ".", "a.", ".a", "a..b", "a\0b", "a\nb"] {
            assert!(FieldPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(FieldPath::from_segments(Vec::<String>::new()).is_err());
    }

    #[test]
    fn only_canonical_numbers_index() {
        assert_eq!(FieldPath::index_of("0"), Some(0));
        assert_eq!(FieldPath::index_of("17"), Some(17));
        for key in ["01", "-1", "+1", "1a", "", "99999999999"] {
            assert_eq!(FieldPath::index_of(key), None, "{key:?}");
        }
    }
}
