//! What content a stored document refers to.

use std::collections::BTreeSet;

use den_backend::{RawDocument, Result};

use crate::{Document, attachments::ContentHash, document::decode_body};

/// The content that one document refers to, each with the size it is said to have.
///
/// It is read from what is stored, never from a document in hand, so that what was counted on a
/// write is found again on the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held(pub(super) BTreeSet<(ContentHash, u64)>);

impl Held {
    /// What a stored document refers to.
    pub(super) fn by_body<D: Document>(id: &str, body: &[u8]) -> Result<Self> {
        let document: D = decode_body(id, body)?;
        let mut held = Self::default();
        document.visit_attachments(&mut |it| {
            held.0.insert((it.sha256().clone(), it.size()));
        });
        Ok(held)
    }

    /// The names of the content, each once, in order.
    pub(super) fn hashes(&self) -> BTreeSet<&ContentHash> {
        self.0.iter().map(|(hash, _)| hash).collect()
    }
}

/// A registered type with attachments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    /// The collection.
    pub(super) collection: &'static str,
    /// What a stored document of it refers to.
    pub(super) held: fn(&RawDocument) -> Result<Held>,
}

impl Holder {
    /// The type `D`, if it has attachments.
    pub(crate) fn of<D: Document>() -> Option<Self> {
        D::ATTACHMENTS.then_some(Self {
            collection: D::COLLECTION,
            held: |raw| Held::by_body::<D>(&raw.id, &raw.body),
        })
    }
}
