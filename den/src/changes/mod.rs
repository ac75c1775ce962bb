//! What was changed of a document since it was loaded or saved.

mod compare;
mod patch;

use den_backend::{Error, ErrorKind, FieldPath, Result};

pub(crate) use self::{compare::Comparison, patch::patched};
use crate::{Document, Executor, Json, document::decode_body, write};

/// One value that was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it lies. Objects are looked into; an array is one value.
    pub path: FieldPath,
    /// What is stored; none for a key that is not.
    pub before: Option<Json>,
    /// What the document says; none for a key that it no longer has.
    pub after: Option<Json>,
}

/// What a document with a field of type [`Tracked`](crate::Tracked) can tell about itself; derived
/// along with `Document`.
///
/// # Behavior
///
/// - What is stored is remembered by every typed read and every write, and by a rolled-back
///   transaction forgotten again.
/// - Values are compared as they would be stored, so a database that reformats JSON, or a new field
///   with a default that old documents lack, makes no change. `_id`, `_updated_at` and `_rev` are
///   den's to change and left out.
///
/// ```
/// # use den::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// struct Product {
///     #[serde(flatten)]
///     base: Base<Product>,
///     #[serde(skip)]
///     tracked: Tracked,
///     name: String,
///     price: f64,
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// let mut product = Product { name: "Widget".into(), price: 9.5, ..Default::default() };
/// product.save(&db).await?;
/// assert!(!product.is_changed()?);
///
/// product.price = 8.0;
/// let changes = product.changes()?;
/// assert_eq!(changes.len(), 1);
/// assert_eq!(changes[0].path.to_string(), "price");
/// assert_eq!(changes[0].before, Some(9.5.into()));
///
/// assert!(product.save_changes(&db).await?); // writes the price alone
/// assert!(!product.save_changes(&db).await?); // nothing to write
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
pub trait Tracking: Document {
    /// Whether the document says something else than what is stored.
    ///
    /// # Errors
    ///
    /// - `NoSnapshot` for a document that was never loaded or saved.
    /// - `InvalidDocument` for a document that cannot be stored as it is.
    fn is_changed(&self) -> Result<bool> {
        Ok(!Comparison::of(self)?.is_empty())
    }

    /// Returns what was changed, in the order of the paths.
    ///
    /// # Errors
    ///
    /// As [`is_changed`](Self::is_changed).
    fn changes(&self) -> Result<Vec<Change>> {
        Ok(Comparison::of(self)?.into_changes())
    }

    /// Puts back what is stored.
    ///
    /// # Behavior
    ///
    /// - The id, times and revision stay. Links are no longer loaded, fields that are not stored are
    ///   at their defaults, and no hook runs.
    ///
    /// # Errors
    ///
    /// As [`is_changed`](Self::is_changed), and `Corrupt` if what was stored does not read as this
    /// type.
    fn revert(&mut self) -> Result<()> {
        write::settle(self);
        let stored = snapshot(self)?;
        let mut document: Self = decode_body(self.id().as_str(), stored)?;
        std::mem::swap(document.base_mut(), self.base_mut());
        if let (Some(it), Some(now)) = (document.__tracked_mut(), self.__tracked_mut()) {
            std::mem::swap(it, now);
        }
        if let (Some(it), Some(now)) = (document.__deletion_mut(), self.__deletion()) {
            it.keep_history(now);
        }
        *self = document;
        Ok(())
    }

    /// Writes what was changed, and nothing else of the document; answers whether that was anything.
    ///
    /// # Behavior
    ///
    /// - One statement, so that two writers who change different fields of a document without a
    ///   revision do not take each other's changes back.
    /// - Rules are checked and hooks run as in [`update`](Document::update). Where nothing was
    ///   changed, none of that happens and nothing is written but changed documents in
    ///   `#[den(owned)]` links.
    ///
    /// # Errors
    ///
    /// - As [`is_changed`](Self::is_changed) and [`update`](Document::update).
    /// - `RevisionConflict`, also on types without a revision, if someone else has taken away what
    ///   a changed value lies in, as the address of a changed `address.city`.
    fn save_changes(
        &mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<bool>> + Send {
        let handle = executor.__handle();
        async move { write::save_changes(&handle, self).await }
    }
}

/// What is remembered as stored.
fn snapshot<D: Document>(document: &D) -> Result<&[u8]> {
    let stored = document.__tracked().and_then(crate::Tracked::current);
    stored.ok_or_else(|| {
        let error = Error::new(
            ErrorKind::NoSnapshot,
            "the document was never loaded or saved, so there is nothing to compare it with",
        )
        .with_collection(D::COLLECTION);
        match document.id().as_str() {
            "" => error,
            id => error.with_id(id),
        }
    })
}
