//! What is declared about links, for tools.

use den_backend::{FieldPath, Result};

use super::rules::{LinkMeta, OnDelete, Step, keys};

/// A link field of a document type; see [`Db::links`](crate::Db::links).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// Where it lies, in stored names; through lists and maps, without a place or key.
    pub path: FieldPath,
    /// The collection of the documents it links to.
    pub target: &'static str,
    /// Whether the type of these is registered with this database.
    pub is_registered: bool,
    /// Whether there may be several links: it lies in a list or map.
    pub is_many: bool,
    /// Whether the link itself is an `Option`.
    pub is_optional: bool,
    /// Whether it is loaded with the document: `#[den(eager)]`.
    pub is_eager: bool,
    /// Whether the target is saved and deleted with the document: `#[den(owned)]`.
    pub is_owned: bool,
    /// What happens to the document when the target is deleted.
    pub on_delete: OnDelete,
}

impl LinkInfo {
    pub(crate) fn new(link: &LinkMeta, is_registered: bool) -> Result<Self> {
        Ok(Self {
            path: FieldPath::from_segments(keys(&link.steps))?,
            target: link.target,
            is_registered,
            is_many: link.steps.iter().any(|it| !matches!(it, Step::Key(_))),
            is_optional: link.optional,
            is_eager: link.rules.eager,
            is_owned: link.rules.owned,
            on_delete: link.rules.on_delete,
        })
    }
}
