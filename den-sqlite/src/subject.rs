//! What a statement about a query is about: its collection, and those that its filter looks into.

use std::sync::Arc;

use den_backend::{Query, Result};
use den_sql::{Layout, Layouts, Statement};

use crate::{
    collection::Collection,
    error::Place,
    session::{Session, collection},
};

/// The collection of a query, and those that its filter looks into.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) collection: Arc<Collection>,
    linked: Vec<Arc<Collection>>,
}

impl Subject {
    /// Finds the collections of a query.
    ///
    /// # Errors
    ///
    /// `NotRegistered` for the first one that the database does not have.
    pub(crate) async fn find<S: Session>(session: &S, query: &Query) -> Result<Self> {
        let main = collection(session, &query.collection).await?;
        let mut linked = Vec::new();
        for name in query.filter.linked_collections() {
            linked.push(collection(session, name).await?);
        }
        Ok(Self {
            collection: main,
            linked,
        })
    }

    /// Forgets what is known of the collections of a query.
    pub(crate) fn forget<S: Session>(session: &S, query: &Query) {
        session.cache().forget(&query.collection);
        for name in query.filter.linked_collections() {
            session.cache().forget(name);
        }
    }

    /// Makes a statement that may look into all of them.
    pub(crate) fn render(&self, render: impl FnOnce(Layouts<'_>) -> Statement) -> Statement {
        let linked: Vec<&Layout> = self.linked.iter().map(|it| &it.layout).collect();
        render(Layouts::new(&self.collection.layout).with_linked(&linked))
    }

    /// Where an error of the statement occurred.
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            linked: &self.linked,
            ..self.collection.place(None)
        }
    }
}
