//! A link from one document to another.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use den_backend::{Error, ErrorKind, Result};

use super::load;
use crate::{Document, Executor, Id, IntoId, base::Scope};

/// A link to a document of type `T`: stored as its id, `null` for an empty link.
///
/// # Behavior
///
/// - A link may carry the document it points to, once it was [fetched](Self::fetch) or loaded with
///   its holder. A clone shares it.
/// - Two links are equal if they point to the same id; two that carry documents without an id, if it
///   is one document in memory.
/// - When a transaction in which a carried document was saved is rolled back, the link carries what
///   it carried before.
/// - [`get_mut`](Self::get_mut) marks the document as changed, so that saving the holder with its
///   links saves it too.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Maker { #[serde(flatten)] base: Base<Maker>, name: String }
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, maker: Link<Maker> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let db = Db::open("sqlite://:memory:").await?;
/// db.register::<(Maker, Product)>().await?;
/// let mut acme = Maker { name: "Acme".into(), ..Default::default() };
/// acme.save(&db).await?;
/// let mut anvil = Product { maker: Link::to(&acme), ..Default::default() };
/// anvil.save(&db).await?;
///
/// let mut found = Product::find(&db, anvil.id()).await?;
/// assert!(!found.maker.is_loaded());
/// assert_eq!(found.maker.fetch(&db).await?.name, "Acme");
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
pub struct Link<T> {
    /// What it points to while it carries nothing.
    id: Id<T>,
    carried: Option<Carried<T>>,
    /// Whether it is about to be taken out of its holder.
    doomed: bool,
}

/// A document that a link carries.
struct Carried<T> {
    document: Arc<T>,
    /// The document knows its id best: it is given one when it is saved, and loses it when that is
    /// rolled back.
    id_of: fn(&T) -> &Id<T>,
    /// Whether the application made or changed it since it was loaded or saved.
    touched: bool,
    /// What was carried before it was saved, to go back to when that is rolled back.
    before: Option<Box<(Arc<Scope>, Carried<T>)>>,
}

impl<T> Link<T> {
    /// A link to the document with this id.
    pub fn to_id(id: impl IntoId<T>) -> Self {
        Self {
            id: id.into_id(),
            carried: None,
            doomed: false,
        }
    }

    /// The id it points to; empty for an empty link, and for a document that is not stored yet.
    pub fn id(&self) -> &Id<T> {
        match self.current() {
            Some(it) => (it.id_of)(&it.document),
            None => &self.id,
        }
    }

    /// Whether it points to nothing: no id and no document.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty() && self.carried.is_none()
    }

    /// Whether the document is at hand.
    pub fn is_loaded(&self) -> bool {
        self.carried.is_some()
    }

    /// The document, if it is at hand.
    pub fn get(&self) -> Option<&T> {
        self.current().map(|it| &*it.document)
    }

    /// The document, if it is at hand, shared.
    pub fn shared(&self) -> Option<Arc<T>> {
        self.current().map(|it| Arc::clone(&it.document))
    }

    /// The document, to change; it is copied if another link shares it.
    pub fn get_mut(&mut self) -> Option<&mut T>
    where
        T: Clone,
    {
        self.settle();
        let carried = self.carried.as_mut()?;
        carried.touched = true;
        // What the application changes from here on is not for a transaction to take back.
        carried.before = None;
        Some(Arc::make_mut(&mut carried.document))
    }

    /// Forgets the document, and keeps the id.
    pub fn unload(&mut self) {
        self.settle();
        if let Some(carried) = self.carried.take() {
            self.id = (carried.id_of)(&carried.document).clone();
        }
    }

    /// The document, if it is at hand; the link then carries it no longer, but keeps the id.
    pub fn take(&mut self) -> Option<Arc<T>> {
        let document = self.shared();
        self.unload();
        document
    }

    /// What is carried, looking through transactions that were rolled back.
    fn current(&self) -> Option<&Carried<T>> {
        let mut carried = self.carried.as_ref()?;
        while let Some(before) = &carried.before
            && before.0.is_rolled_back()
        {
            carried = &before.1;
        }
        Some(carried)
    }

    /// Puts back what a rolled-back transaction had changed, and forgets what a committed one has.
    fn settle(&mut self) {
        let Some(carried) = &mut self.carried else {
            return;
        };
        while let Some(before) = carried.before.take() {
            if before.0.is_rolled_back() {
                *carried = before.1;
                continue;
            }
            if !before.0.is_final() {
                carried.before = Some(before);
            }
            return;
        }
    }
}

impl<T: Document> Link<T> {
    /// A link to a stored document, which is not carried along.
    pub fn to(document: &T) -> Self {
        Self::to_id(document.id())
    }

    /// A link that carries this document, which may be new: saving the holder with its links saves
    /// it first and fills in the id.
    pub fn new(document: T) -> Self {
        Self {
            id: Id::default(),
            carried: Some(Carried::new(Arc::new(document), true)),
            doomed: false,
        }
    }

    /// Loads the document unless it is at hand, and returns it.
    ///
    /// # Behavior
    ///
    /// - The document is as [`find`](Document::find) gives it: its eager links are loaded too.
    ///
    /// # Errors
    ///
    /// `DanglingLink`, naming collection and id, if there is no such document; `InvalidQuery` for
    /// an empty link.
    pub async fn fetch(&mut self, executor: &(impl Executor + ?Sized)) -> Result<&T>
    where
        T: Clone,
    {
        if self.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "an empty link has no document to fetch",
            )
            .with_collection(T::COLLECTION));
        }
        let handle = executor.__handle();
        load::fetch(&handle, std::slice::from_mut(self)).await?;
        self.get()
            .ok_or_else(|| load::not_there(T::COLLECTION, self.id.as_str()))
    }

    /// Whether it carries a document that the application made or changed.
    pub(super) fn is_touched(&self) -> bool {
        self.current().is_some_and(|it| it.touched)
    }

    /// Marks it to be taken out of its holder.
    pub(super) fn doom(&mut self) {
        self.doomed = true;
    }

    /// Whether it was marked so.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed
    }

    /// Carries what was loaded.
    pub(super) fn load(&mut self, document: &Arc<T>) {
        self.carried = Some(Carried::new(Arc::clone(document), false));
    }

    /// Carries what was saved in `scope`, instead of what it carried until now.
    pub(super) fn put_saved(&mut self, document: Arc<T>, scope: &Arc<Scope>) {
        self.settle();
        let Some(mut before) = self.carried.take() else {
            return;
        };
        if let Some((_, earlier)) = before
            .before
            .take_if(|it| Arc::ptr_eq(&it.0, scope))
            .map(|it| *it)
        {
            // A second time in one scope: rolling back leads to before the first.
            before = earlier;
        }
        let mut carried = Carried::new(document, false);
        carried.before = Some(Box::new((Arc::clone(scope), before)));
        self.carried = Some(carried);
    }
}

impl<T: Document> Carried<T> {
    fn new(document: Arc<T>, touched: bool) -> Self {
        Self {
            document,
            id_of: T::id,
            touched,
            before: None,
        }
    }
}

// Written out, because derives would ask the same of `T`.

impl<T> Clone for Carried<T> {
    fn clone(&self) -> Self {
        Self {
            document: Arc::clone(&self.document),
            id_of: self.id_of,
            touched: self.touched,
            before: self.before.clone(),
        }
    }
}

impl<T> Clone for Link<T> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            carried: self.carried.clone(),
            doomed: self.doomed,
        }
    }
}

impl<T> Default for Link<T> {
    fn default() -> Self {
        Self::to_id("")
    }
}

impl<T> Link<T> {
    /// Tells documents without an id apart.
    fn address(&self) -> Option<*const T> {
        let document = self.get().filter(|_| self.id().is_empty())?;
        Some(std::ptr::from_ref(document))
    }
}

impl<T> PartialEq for Link<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id() && self.address() == other.address()
    }
}

impl<T> Eq for Link<T> {}

impl<T> PartialOrd for Link<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Link<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_id = self.id().cmp(other.id());
        by_id.then_with(|| self.address().cmp(&other.address()))
    }
}

impl<T> Hash for Link<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl<T> From<Id<T>> for Link<T> {
    fn from(id: Id<T>) -> Self {
        Self::to_id(id)
    }
}

impl<T> From<&Id<T>> for Link<T> {
    fn from(id: &Id<T>) -> Self {
        Self::to_id(id)
    }
}

impl<T: Document> From<&T> for Link<T> {
    fn from(document: &T) -> Self {
        Self::to(document)
    }
}

impl<T> IntoId<T> for &Link<T> {
    fn into_id(self) -> Id<T> {
        self.id().clone()
    }
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loaded = if self.carried.is_some() {
            ", loaded"
        } else {
            ""
        };
        write!(f, "Link({:?}{loaded})", self.id().as_str())
    }
}
