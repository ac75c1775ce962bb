//! What is said of content when it is put.

/// What content is, and how much of it is taken.
///
/// ```
/// use den::attachments::PutOptions;
///
/// let picture = PutOptions::new("image/png").name("cat.png").limit(10 << 20);
/// # let _ = picture;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a put"]
pub struct PutOptions {
    pub(super) media_type: String,
    pub(super) name: Option<String>,
    pub(super) limit: Option<u64>,
}

impl PutOptions {
    /// Content of this media type, such as `image/png`.
    pub fn new(media_type: impl Into<String>) -> Self {
        Self {
            media_type: media_type.into(),
            name: None,
            limit: None,
        }
    }

    /// The file name, kept for people; it has no influence on where the content lies.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Refuses content of more bytes than this.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }
}

impl Default for PutOptions {
    /// Bytes of which nothing is known: `application/octet-stream`.
    fn default() -> Self {
        Self::new("application/octet-stream")
    }
}
