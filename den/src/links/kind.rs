//! Document types whose name is not known: what loading links asks of them.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc};

use den_backend::{Expr, Result};
use futures_util::future::BoxFuture;

use super::{
    Link,
    any_link::AnyLink,
    holds::VisitLink,
    referrers,
    rules::{LinkMeta, Trail},
    run::DeleteRun,
};
use crate::{Document, HookContext, Tx, document, executor::Handle, hooks::Hook, id::is_storable};

/// A document type.
pub trait Kind: fmt::Debug + Send + Sync {
    /// The collection.
    fn collection(&self) -> &'static str;

    /// Whether a delete may mark the documents instead of taking them away.
    fn can_be_marked(&self) -> bool;

    /// Loads the documents with these ids; missing ones are left out.
    fn load<'a>(
        &'static self,
        handle: &'a Handle,
        ids: Vec<&'a str>,
    ) -> BoxFuture<'a, Result<Box<dyn Batch>>>;

    /// Deletes the documents that pass, with all that follows from it.
    fn delete<'a>(
        &'static self,
        run: &'a DeleteRun,
        tx: &'a Tx,
        filter: Expr,
    ) -> BoxFuture<'a, Result<()>>;

    /// Takes the links of this field to documents with these ids out of the documents that pass.
    fn unlink<'a>(
        &'static self,
        tx: &'a Tx,
        filter: Expr,
        link: &'a LinkMeta,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<()>>;

    /// The ids of the first few live documents that pass.
    fn first_live<'a>(
        &'static self,
        tx: &'a Tx,
        filter: Expr,
        limit: u64,
    ) -> BoxFuture<'a, Result<Vec<String>>>;
}

/// Documents whose links are to be loaded.
pub trait Holders: Send {
    /// Visits the links of all of them, always in the same order.
    fn visit(&mut self, visit: VisitLink<'_>);
}

/// Documents of one type that links point to, being loaded.
pub trait Batch: Holders {
    /// Whether there is one with this id.
    fn has(&self, id: &str) -> bool;

    /// Runs what is to run after a document was read.
    fn finish<'a>(&'a mut self, handle: &'a Handle) -> BoxFuture<'a, Result<()>>;

    /// The documents, to be shared by links.
    fn share(self: Box<Self>) -> Box<dyn Shelf>;
}

/// Documents of one type, shared by links.
pub trait Shelf: Send {
    /// Has a link to that type carry its document.
    fn give(&self, link: &mut dyn AnyLink);
}

/// What can be done with documents of type `D`.
pub(crate) fn kind_of<D: Document>() -> &'static dyn Kind {
    &Of::<D>(PhantomData)
}

struct Of<D>(PhantomData<fn() -> D>);

impl<D: Document> Kind for Of<D> {
    fn collection(&self) -> &'static str {
        D::COLLECTION
    }

    fn can_be_marked(&self) -> bool {
        D::SOFT_DELETE
    }

    fn load<'a>(
        &'static self,
        handle: &'a Handle,
        ids: Vec<&'a str>,
    ) -> BoxFuture<'a, Result<Box<dyn Batch>>> {
        Box::pin(async move {
            let batch: Box<dyn Batch> = Box::new(Loaded::<D>::load(handle, ids).await?);
            Ok(batch)
        })
    }

    fn delete<'a>(
        &'static self,
        run: &'a DeleteRun,
        tx: &'a Tx,
        filter: Expr,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(referrers::delete::<D>(run, tx, filter))
    }

    fn unlink<'a>(
        &'static self,
        tx: &'a Tx,
        filter: Expr,
        link: &'a LinkMeta,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(referrers::unlink::<D>(tx, filter, link, ids))
    }

    fn first_live<'a>(
        &'static self,
        tx: &'a Tx,
        filter: Expr,
        limit: u64,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(referrers::first_live::<D>(tx, filter, limit))
    }
}

impl<D: Document> fmt::Debug for Of<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<D>())
    }
}

/// Documents that a query has read.
pub(super) struct Read<'a, D>(pub(super) &'a mut [D]);

impl<D: Document> Holders for Read<'_, D> {
    fn visit(&mut self, visit: VisitLink<'_>) {
        for document in self.0.iter_mut() {
            document.visit_links(&mut Trail::default(), visit);
        }
    }
}

/// Links without a holder.
pub(super) struct Bare<'a, T>(pub(super) &'a mut [Link<T>]);

impl<T: Document + Clone> Holders for Bare<'_, T> {
    fn visit(&mut self, visit: VisitLink<'_>) {
        for link in self.0.iter_mut() {
            visit(&Trail::default(), link);
        }
    }
}

/// Documents by id.
struct Loaded<D> {
    documents: Vec<D>,
    places: HashMap<String, usize>,
}

impl<D: Document> Loaded<D> {
    async fn load(handle: &Handle, mut ids: Vec<&str>) -> Result<Self> {
        handle.db().registered::<D>()?;
        ids.retain(|id| is_storable(id));
        let mut documents = Vec::with_capacity(ids.len());
        let mut places = HashMap::with_capacity(ids.len());
        if !ids.is_empty() {
            let session = handle.read().await?;
            for raw in session.get().get_many(D::COLLECTION, &ids).await? {
                documents.push(document::decode(&raw)?);
                places.insert(raw.id, documents.len() - 1);
            }
        }
        Ok(Self { documents, places })
    }
}

impl<D: Document> Holders for Loaded<D> {
    fn visit(&mut self, visit: VisitLink<'_>) {
        if D::LINKS {
            Read(&mut self.documents).visit(visit);
        }
    }
}

impl<D: Document> Batch for Loaded<D> {
    fn has(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    fn finish<'a>(&'a mut self, handle: &'a Handle) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !D::HOOKS {
                return Ok(());
            }
            let cx = HookContext::new(handle.clone());
            for document in &mut self.documents {
                document.__run_hook(Hook::AfterLoad, &cx).await?;
            }
            Ok(())
        })
    }

    fn share(self: Box<Self>) -> Box<dyn Shelf> {
        Box::new(Shared {
            documents: self.documents.into_iter().map(Arc::new).collect(),
            places: self.places,
        })
    }
}

struct Shared<D> {
    documents: Vec<Arc<D>>,
    places: HashMap<String, usize>,
}

impl<D: Document> Shelf for Shared<D> {
    fn give(&self, link: &mut dyn AnyLink) {
        let place = self.places.get(link.id()).copied();
        let document = place.and_then(|it| self.documents.get(it));
        if let (Some(document), Some(link)) = (document, link.as_any().downcast_mut::<Link<D>>()) {
            link.load(document);
        }
    }
}
