//! Where content can be fetched.

use crate::attachments::ContentHash;

/// What the URLs of a storage start with, if it has any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UrlPrefix(Option<String>);

impl UrlPrefix {
    pub(super) fn new(prefix: &str) -> Self {
        Self(Some(prefix.trim_end_matches('/').to_owned()))
    }

    /// The prefix, then the path under which the content lies.
    pub(super) fn url(&self, hash: &ContentHash) -> Option<String> {
        let prefix = self.0.as_ref()?;
        Some(format!("{prefix}/{}", hash.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_the_prefix_and_the_path() {
        let hash = ContentHash::of(b"");
        let path = hash.path();
        assert_eq!(UrlPrefix::default().url(&hash), None);
        for (prefix, url) in [
            (
                "https://cdn.test/files",
                format!("https://cdn.test/files/{path}"),
            ),
            (
                "https://cdn.test/files//",
                format!("https://cdn.test/files/{path}"),
            ),
            ("/files", format!("/files/{path}")),
            ("/", format!("/{path}")),
            ("", format!("/{path}")),
        ] {
            assert_eq!(UrlPrefix::new(prefix).url(&hash), Some(url));
        }
    }
}
