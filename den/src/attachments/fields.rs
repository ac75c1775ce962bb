//! An attachment as a field of a document.

use std::fmt;

use den_backend::{Expr, FieldKind, Result};

use crate::{
    Embedded, Field, FieldType, Nullable, Operand, Required,
    attachments::{Attachment, ContentHash},
    fields::{path::Path, schema::Schema},
};

/// The fields of an [`Attachment`], for filters and sorts.
///
/// ```
/// use den::{attachments::Attachment, prelude::*};
///
/// #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, Document)]
/// struct Mail {
///     #[serde(flatten)]
///     base: Base<Mail>,
///     picture: Option<Attachment>,
///     files: Vec<Attachment>,
/// }
///
/// let m = Mail::fields();
/// let large = m.files.any_element(|it| it.size.gt(1 << 20) & it.media_type.starts_with("image/"));
/// let pictured = m.picture.sha256.is_not_null();
/// # let _ = large & pictured;
/// ```
pub struct AttachmentFields<D, N = Required> {
    /// The SHA-256 of the content; compared with a [`ContentHash`] or with text.
    pub sha256: Field<D, ContentHash, N>,
    /// The size in bytes.
    pub size: Field<D, u64, N>,
    /// The media type.
    pub media_type: Field<D, String, N>,
    /// The file name.
    pub name: Field<D, String, Nullable>,
}

impl Attachment {
    #[doc(hidden)]
    pub const fn __den_at<D, N>(path: Path) -> AttachmentFields<D, N> {
        AttachmentFields {
            sha256: Field::__new(path.child("sha256"), FieldKind::Text),
            size: Field::__new(path.child("size"), FieldKind::Number),
            media_type: Field::__new(path.child("media_type"), FieldKind::Text),
            name: Field::__new(path.child("name"), FieldKind::Text),
        }
    }
}

impl FieldType for Attachment {
    type Handle<D, N> = AttachmentFields<D, N>;

    const KIND: FieldKind = FieldKind::Object;

    fn handle<D, N>(path: Path) -> AttachmentFields<D, N> {
        Self::__den_at::<D, N>(path)
    }

    fn describe(schema: &mut Schema, path: Path) {
        schema.field(path.child("sha256"), FieldKind::Text);
        schema.field(path.child("size"), FieldKind::Number);
        schema.field(path.child("media_type"), FieldKind::Text);
        schema.field(path.child("name"), FieldKind::Text);
    }
}

impl Embedded for Attachment {}

impl<D> Operand<D, ContentHash> for &str {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.into()))
    }
}

impl<D, N> Clone for AttachmentFields<D, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, N> Copy for AttachmentFields<D, N> {}

impl<D, N> fmt::Debug for AttachmentFields<D, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentFields")
    }
}
