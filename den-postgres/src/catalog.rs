//! What is known of each collection: where its fields lie, its indexes, and the texts of its
//! statements.

mod state;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use den_backend::{CollectionMeta, Constraint, Error, Expectation, FieldPath, LockMode, Result};
use den_sql::{ExpectationKind, Layout, POSTGRES};

pub(crate) use self::state::{Standing, State};
use crate::{
    call::{Call, Guard},
    error::{is_missing_table, refused_by},
    runner::Runner,
    values::{Bound, column},
};

/// The collection that an index or constraint of this name is recorded for.
const OWNER_OF_INDEX: &str = "SELECT r.collection FROM _den_indexes AS r WHERE r.name = $1::text";

/// The collections this process has met.
#[derive(Debug, Default)]
pub(crate) struct Collections {
    known: RwLock<HashMap<String, Arc<Collection>>>,
}

/// One collection.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) texts: Texts,
    /// The field by whose time it is partitioned, if it is.
    pub(crate) partitioned_by: Option<FieldPath>,
    /// What may refuse a document.
    constraints: Vec<Constraint>,
}

/// The texts that depend on the collection only, rendered once.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) get: Arc<str>,
    pub(crate) get_many: Arc<str>,
    pub(crate) state_of: Arc<str>,
    lock_wait: Arc<str>,
    lock_skip: Arc<str>,
    lock_no_wait: Arc<str>,
    put: ByExpectation,
    put_many: ByExpectation,
    delete: ByExpectation,
}

#[derive(Debug)]
struct ByExpectation {
    any: Arc<str>,
    absent: Arc<str>,
    present: Arc<str>,
    live: Arc<str>,
    revision: Arc<str>,
}

impl Collections {
    /// Returns what is known of a collection, asking the database the first time.
    ///
    /// # Errors
    ///
    /// `NotRegistered` if there is no such table.
    pub(crate) async fn find(&self, name: &str, on: &impl Runner) -> Result<Arc<Collection>> {
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        let state = State::read(name, on).await?;
        if !state.exists() {
            return Err(Error::not_registered(name));
        }
        Ok(self.learn(name, &state, None))
    }

    /// Keeps what was read of a collection; `meta` tells of columns that no index is recorded for.
    pub(crate) fn learn(
        &self,
        name: &str,
        state: &State,
        meta: Option<&CollectionMeta>,
    ) -> Arc<Collection> {
        let collection = Arc::new(Collection {
            name: name.to_owned(),
            layout: state.layout(name, meta),
            texts: Texts::new(name),
            partitioned_by: state.partitioned_by().cloned(),
            constraints: state.known_constraints(),
        });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&collection));
        collection
    }

    /// Forgets all.
    pub(crate) fn forget_all(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.clear();
    }

    /// Forgets a collection, so that the next use asks the database.
    pub(crate) fn forget(&self, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(name);
    }

    fn known(&self, name: &str) -> Option<Arc<Collection>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }
}

impl Collection {
    /// Adds what the database does not know to an error: the collection, and the document's fields
    /// behind a constraint.
    pub(crate) fn explain_error(&self, error: Error) -> Error {
        let name = error.constraint().map(Constraint::name);
        let error = match name.and_then(|it| self.constraint(it)) {
            Some(constraint) => refused_by(error, constraint),
            // Not den's: all there is to say is what the server calls it.
            None => error,
        };
        match error.collection() {
            Some(_) => error,
            None => error.with_collection(&self.name),
        }
    }

    /// Whether the name is that of an index or constraint this process knows of.
    pub(crate) fn knows_constraint(&self, name: &str) -> bool {
        self.constraint(name).is_some()
    }

    fn constraint(&self, name: &str) -> Option<Constraint> {
        let known = self.constraints.iter().find(|it| it.name() == name);
        match known {
            Some(it) => Some(it.clone()),
            // That of a partition.
            None if name.ends_with("_pkey") => Some(Constraint::new(name, vec!["_id".to_owned()])),
            None => None,
        }
    }
}

impl Texts {
    fn new(collection: &str) -> Self {
        let lock = |mode| den_sql::get_for_update(POSTGRES, collection, mode).into();
        Self {
            get: den_sql::get(POSTGRES, collection).into(),
            get_many: den_sql::get_many(POSTGRES, collection, 0).into(),
            state_of: den_sql::state_of(POSTGRES, collection).into(),
            lock_wait: lock(LockMode::Wait),
            lock_skip: lock(LockMode::SkipLocked),
            lock_no_wait: lock(LockMode::NoWait),
            put: ByExpectation::new(|kind| den_sql::put(POSTGRES, collection, kind)),
            put_many: ByExpectation::new(|kind| den_sql::put_many(POSTGRES, collection, kind)),
            delete: ByExpectation::new(|kind| den_sql::delete(POSTGRES, collection, kind)),
        }
    }

    pub(crate) fn lock(&self, mode: LockMode) -> Arc<str> {
        Arc::clone(match mode {
            LockMode::Wait => &self.lock_wait,
            LockMode::SkipLocked => &self.lock_skip,
            LockMode::NoWait => &self.lock_no_wait,
        })
    }

    pub(crate) fn put(&self, expect: ExpectationKind) -> Arc<str> {
        self.put.of(expect)
    }

    pub(crate) fn put_many(&self, expect: ExpectationKind) -> Arc<str> {
        self.put_many.of(expect)
    }

    pub(crate) fn delete(&self, expect: ExpectationKind) -> Arc<str> {
        self.delete.of(expect)
    }
}

impl ByExpectation {
    fn new(render: impl Fn(ExpectationKind) -> String) -> Self {
        Self {
            any: render(ExpectationKind::Any).into(),
            absent: render(ExpectationKind::Absent).into(),
            present: render(ExpectationKind::Present).into(),
            live: render(ExpectationKind::Live).into(),
            revision: render(ExpectationKind::Revision).into(),
        }
    }

    fn of(&self, expect: ExpectationKind) -> Arc<str> {
        Arc::clone(match expect {
            ExpectationKind::Any => &self.any,
            ExpectationKind::Absent => &self.absent,
            ExpectationKind::Present => &self.present,
            ExpectationKind::Live => &self.live,
            ExpectationKind::Revision => &self.revision,
        })
    }
}

/// What decides the text of a statement with an expectation.
pub(crate) fn kind_of(expect: Expectation<'_>) -> ExpectationKind {
    match expect {
        Expectation::Any => ExpectationKind::Any,
        Expectation::Absent => ExpectationKind::Absent,
        Expectation::Present => ExpectationKind::Present,
        Expectation::Live => ExpectationKind::Live,
        Expectation::Revision(_) => ExpectationKind::Revision,
    }
}

/// Finds the collection that an index or constraint of this name is recorded for.
pub(crate) async fn owner_of(constraint: &str, on: &impl Runner) -> Result<Option<String>> {
    let of_constraint = den_sql::constraint::owner(POSTGRES);
    for sql in [of_constraint.as_str(), OWNER_OF_INDEX] {
        let params = vec![Bound::Text(constraint.to_owned())];
        let call = Call::read(sql.into(), params).guarded_by(Guard::Savepoint);
        let answer = match on.run(call).await {
            // Nothing was recorded here yet.
            Err(error) if is_missing_table(&error) => continue,
            answer => answer?,
        };
        if let Some(row) = answer.rows.first() {
            return column(row, 0).map(Some);
        }
    }
    Ok(None)
}
