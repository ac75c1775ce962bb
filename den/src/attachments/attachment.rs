//! What a document knows of its content.

use den_backend::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::{
    attachments::ContentHash,
    links::{Contains, Contents, Holds},
};

/// A reference to stored content, as a field of a document: `Attachment`, `Option<Attachment>`,
/// `Vec<Attachment>`.
///
/// # Behavior
///
/// - It is stored as an object: `sha256`, `size`, `media_type`, and `name` where there is one.
/// - `Attachments::put` makes one; what is deserialised is checked, so that the hash, the media type and the name are well-formed whoever sent them.
///   Whether the content is there is another question.
/// - Where the content lies follows from the hash alone; the name is for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Attachment {
    sha256: ContentHash,
    size: u64,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// An attachment whose texts were not looked at.
#[derive(Deserialize)]
struct Wire {
    sha256: ContentHash,
    size: u64,
    media_type: String,
    #[serde(default)]
    name: Option<String>,
}

/// The longest media type, in bytes.
const MEDIA_TYPE_LIMIT: usize = 255;

/// The longest name, in bytes.
const NAME_LIMIT: usize = 1024;

/// The largest size that JSON numbers hold exactly everywhere: 8 PiB.
const SIZE_LIMIT: u64 = 1 << 53;

impl Attachment {
    /// A reference to content that is stored already.
    ///
    /// # Errors
    ///
    /// `InvalidDocument` for a media type that is none, and for a size above 2⁵³.
    pub fn new(sha256: ContentHash, size: u64, media_type: impl Into<String>) -> Result<Self> {
        let media_type = media_type.into();
        check_media_type(&media_type)?;
        if size > SIZE_LIMIT {
            return Err(invalid("the size of an attachment is beyond 2⁵³ bytes"));
        }
        Ok(Self {
            sha256,
            size,
            media_type,
            name: None,
        })
    }

    /// The SHA-256 of the content.
    pub fn sha256(&self) -> &ContentHash {
        &self.sha256
    }

    /// The size of the content in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the content is, such as `image/png`, according to whoever put it.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The file name, for people: no path, no control characters.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Gives another file name.
    ///
    /// # Errors
    ///
    /// `InvalidDocument` for an empty or very long name, and for one with a slash, a backslash or
    /// a control character, or made of dots.
    pub fn rename(&mut self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        check_name(&name)?;
        self.name = Some(name);
        Ok(())
    }

    /// Takes the file name away.
    pub fn clear_name(&mut self) {
        self.name = None;
    }
}

impl TryFrom<Wire> for Attachment {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self> {
        let mut it = Self::new(wire.sha256, wire.size, wire.media_type)?;
        if let Some(name) = wire.name {
            it.rename(name)?;
        }
        Ok(it)
    }
}

impl<N> Contains<N> for Attachment {
    const CONTENTS: Contents = Contents::ATTACHMENT;
}

impl Holds for Attachment {
    fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
        visit(self);
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidDocument, message)
}

/// Refuses what is no media type: it ends up in a header, where a line break would do harm.
pub(super) fn check_media_type(text: &str) -> Result<()> {
    let is_token = |part: &str| {
        let is_token_char = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
        !part.is_empty() && part.bytes().all(is_token_char)
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_valid = text.len() <= MEDIA_TYPE_LIMIT
        && essence
            .trim_end_matches(' ')
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && parameters.bytes().all(|it| matches!(it, b' '..=b'~'));
    if !is_valid {
        return Err(invalid(
            "the media type of an attachment is not of the form `type/subtype`",
        ));
    }
    Ok(())
}

/// Refuses what is no file name: den never makes a path of it, but others might.
pub(super) fn check_name(text: &str) -> Result<()> {
    let is_separator = |it: char| matches!(it, '/' | '\\') || it.is_control();
    if text.is_empty() || text.len() > NAME_LIMIT {
        return Err(invalid("the name of an attachment is empty or too long"));
    }
    if text.contains(is_separator) || matches!(text, "." | "..") {
        return Err(invalid(
            "the name of an attachment is a path or has control characters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Attachment {
        let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let hash = ContentHash::parse(hash).unwrap();
        Attachment::new(hash, 5, "text/plain; charset=utf-8").unwrap()
    }

    #[test]
    fn it_is_stored_as_an_object() {
        let mut it = hello();
        let json = serde_json::json!({
            "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "size": 5,
            "media_type": "text/plain; charset=utf-8",
        });
        assert_eq!(serde_json::to_value(&it).unwrap(), json);
        assert_eq!(serde_json::from_value::<Attachment>(json).unwrap(), it);
        it.rename("hello – 世界.txt").unwrap();
        let json = serde_json::to_value(&it).unwrap();
        assert_eq!(json["name"], "hello – 世界.txt");
        assert_eq!(serde_json::from_value::<Attachment>(json).unwrap(), it);
        it.clear_name();
        assert_eq!(it, hello());
    }

    #[test]
    fn what_is_read_is_checked() {
        let good = serde_json::to_value(hello()).unwrap();
        let bad = [
            ("sha256", serde_json::json!("../../../../../../etc/passwd")),
            ("sha256", serde_json::json!(null)),
            ("size", serde_json::json!(-1)),
            ("size", serde_json::json!(SIZE_LIMIT + 1)),
            (
                "media_type",
                serde_json::json!("text/plain\r\nSet-Cookie: a=b"),
            ),
            ("media_type", serde_json::json!("text/plain; a=\r\nb")),
            ("media_type", serde_json::json!("")),
            ("media_type", serde_json::json!("text")),
            ("media_type", serde_json::json!("text/")),
            ("media_type", serde_json::json!("../../x/y")),
            (
                "media_type",
                serde_json::json!(format!("a/{}", "b".repeat(254))),
            ),
            ("name", serde_json::json!("")),
            ("name", serde_json::json!("..")),
            ("name", serde_json::json!("../../pwned.txt")),
            ("name", serde_json::json!("/etc/passwd")),
            ("name", serde_json::json!("..\\pwned.txt")),
            ("name", serde_json::json!("a\0b")),
            ("name", serde_json::json!("a\r\nb")),
            ("name", serde_json::json!("x".repeat(NAME_LIMIT + 1))),
        ];
        for (field, value) in bad {
            let mut json = good.clone();
            json[field] = value;
            let refused = serde_json::from_value::<Attachment>(json.clone());
            assert!(refused.is_err(), "{json}");
        }
    }
}
