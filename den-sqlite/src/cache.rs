//! What was learned of the collections, until the schema changes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use crate::{collection::Collection, connection::Connection, error::Outcome};

/// How long another program's new index may go unnoticed. A layout that lags behind is never wrong,
/// only slower; a table or column that is gone is noticed at once.
const TRUST: Duration = Duration::from_secs(1);

/// The collections known so far.
#[derive(Debug)]
pub(crate) struct Cache(RwLock<State>);

#[derive(Debug)]
struct State {
    known: HashMap<String, Arc<Collection>>,
    version: Option<i64>,
    checked: Instant,
}

impl Cache {
    /// Nothing is known.
    pub(crate) fn new() -> Self {
        Self(RwLock::new(State {
            known: HashMap::new(),
            version: None,
            checked: Instant::now(),
        }))
    }

    /// What is known of a collection.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Collection>> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.known.get(name).map(Arc::clone)
    }

    /// Whether it is time to look if the schema has changed.
    pub(crate) fn is_old(&self) -> bool {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.checked.elapsed() > TRUST
    }

    /// Forgets everything if the schema has another version than last time.
    pub(crate) fn saw_version(&self, version: i64) {
        let mut state = self.write();
        if state.version.replace(version) != Some(version) {
            state.known.clear();
        }
        state.checked = Instant::now();
    }

    /// Remembers a collection.
    pub(crate) fn learn(&self, collection: Collection) -> Arc<Collection> {
        let collection = Arc::new(collection);
        let name = collection.name().to_owned();
        self.write().known.insert(name, Arc::clone(&collection));
        collection
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.write().known.clear();
    }

    /// Forgets a collection.
    pub(crate) fn forget(&self, name: &str) {
        self.write().known.remove(name);
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that changes with every change of the schema, whoever makes it.
pub(crate) fn schema_version(connection: &Connection) -> Outcome<i64> {
    let mut statement = connection.prepare_cached("PRAGMA schema_version")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
