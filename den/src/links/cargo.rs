//! Documents that links carry, on their way to be saved.

use std::sync::Arc;

use den_backend::Result;
use futures_util::future::BoxFuture;

use super::{
    chain,
    run::{SaveRun, Shared},
};
use crate::{Document, Tx};

/// A document that a link carries and that is new or changed.
pub trait Cargo: Send {
    /// The document.
    fn document(&self) -> Shared;

    /// Saves a copy of it, with all that follows from it, and returns the copy.
    fn save<'a>(self: Box<Self>, run: &'a SaveRun, tx: &'a Tx) -> BoxFuture<'a, Result<Shared>>;
}

pub(super) struct Carrying<T>(Arc<T>);

impl<T: Document + Clone> Carrying<T> {
    pub(super) fn boxed(document: Arc<T>) -> Box<dyn Cargo> {
        Box::new(Self(document))
    }
}

impl<T: Document + Clone> Cargo for Carrying<T> {
    fn document(&self) -> Shared {
        Arc::<T>::clone(&self.0)
    }

    fn save<'a>(self: Box<Self>, run: &'a SaveRun, tx: &'a Tx) -> BoxFuture<'a, Result<Shared>> {
        Box::pin(async move {
            let mut document = T::clone(&self.0);
            chain::save(run, tx, &mut document).await?;
            let saved: Shared = Arc::new(document);
            Ok(saved)
        })
    }
}
