//! Writes of documents with attachments where den was built without the feature `attachments`:
//! they are refused, for nobody would count who refers to content.

use den_backend::{CollectionMeta, Error, ErrorKind, Result};

use crate::{Db, Document, Tx};

/// What a document refers to, which nobody counts.
#[derive(Debug, Default)]
pub(crate) struct Held;

/// Refuses documents with attachments.
pub(crate) fn check<D: Document>(_db: &Db) -> Result<()> {
    if !D::ATTACHMENTS {
        return Ok(());
    }
    let name = std::any::type_name::<D>();
    Err(Error::new(
        ErrorKind::InvalidQuery,
        format!(
            "`{name}` has attachments: turn on the feature `attachments` of den, and say where \
             their content lies with `Db::builder().storage(..)`"
        ),
    )
    .with_collection(D::COLLECTION))
}

/// Does nothing.
pub(crate) async fn ensure<D: Document>(_db: &Db) -> Result<()> {
    Ok(())
}

/// Nothing.
pub(crate) fn needed() -> Option<CollectionMeta> {
    None
}

/// Nothing.
pub(crate) async fn held_by_stored<D: Document>(_tx: &Tx, _document: &D) -> Result<Held> {
    Ok(Held)
}

/// Does nothing.
pub(crate) async fn count_written<D: Document>(
    _tx: &Tx,
    _id: &str,
    _before: &Held,
    _body: &[u8],
) -> Result<()> {
    Ok(())
}

/// Does nothing.
pub(crate) async fn count_patched<D: Document>(
    _tx: &Tx,
    _document: &D,
    _before: &Held,
) -> Result<()> {
    Ok(())
}

/// Does nothing.
pub(crate) async fn count_deleted<D: Document>(_tx: &Tx, _before: &Held) -> Result<()> {
    Ok(())
}
