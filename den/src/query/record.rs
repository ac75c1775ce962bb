//! What a query answers with.

use den_backend::{RawDocument, Result};

use crate::{Db, Document, Json, document, encode};

/// What a [`QuerySet`](crate::QuerySet) answers with: a [`Document`], or [`Json`] for untyped
/// access.
pub trait Record: Sized + Send + 'static {
    /// Makes sure that the type may be used with this database.
    #[doc(hidden)]
    fn check(db: &Db) -> Result<()>;

    /// Reads one row.
    #[doc(hidden)]
    fn decode(collection: &str, raw: &RawDocument) -> Result<Self>;
}

impl<D: Document> Record for D {
    fn check(db: &Db) -> Result<()> {
        db.registered::<D>()
    }

    fn decode(_collection: &str, raw: &RawDocument) -> Result<Self> {
        document::decode(raw)
    }
}

impl Record for Json {
    fn check(_db: &Db) -> Result<()> {
        Ok(())
    }

    fn decode(collection: &str, raw: &RawDocument) -> Result<Self> {
        encode::decode(collection, &raw.id, &raw.body)
    }
}
