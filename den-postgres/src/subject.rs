//! What a statement about a query is about: its collection, and those that its filter looks into.

use std::sync::Arc;

use den_backend::{Error, Query, Result};
use den_sql::{Layout, Layouts, Statement};

use crate::{
    catalog::Collection,
    error::{is_missing_column, is_missing_table},
    runner::{Runner, Shared},
};

/// The collection of a query, and those that its filter looks into.
#[derive(Debug)]
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
    pub(crate) async fn find(shared: &Shared, on: &impl Runner, query: &Query) -> Result<Self> {
        let collection = shared.collections.find(&query.collection, on).await?;
        let mut linked = Vec::new();
        for name in query.filter.linked_collections() {
            linked.push(shared.collections.find(name, on).await?);
        }
        Ok(Self { collection, linked })
    }

    /// Finds them once more, asking the database.
    pub(crate) async fn find_again(
        shared: &Shared,
        on: &impl Runner,
        query: &Query,
    ) -> Result<Self> {
        shared.collections.forget(&query.collection);
        for name in query.filter.linked_collections() {
            shared.collections.forget(name);
        }
        Self::find(shared, on, query).await
    }

    /// Whether the error says that what is known of the collections is not so any more.
    pub(crate) fn is_outdated(&self, error: &Error) -> bool {
        // The error of a missing table does not say which of several it is.
        is_missing_column(error) || (is_missing_table(error) && !self.linked.is_empty())
    }

    /// Makes a statement that may look into all of them.
    pub(crate) fn render(&self, render: impl FnOnce(Layouts<'_>) -> Statement) -> Statement {
        let linked: Vec<&Layout> = self.linked.iter().map(|it| &it.layout).collect();
        render(Layouts::new(&self.collection.layout).with_linked(&linked))
    }
}
