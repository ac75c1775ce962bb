//! What is known of each collection: where its fields lie, its indexes, and the texts of its
//! statements.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use den_backend::{
    CollectionMeta, Constraint, Error, ErrorKind, Expectation, FieldKind, FieldPath, IndexKind,
    IndexMeta, LockMode, RecordedIndex, Result,
};
use den_sql::{
    ExpectationKind, Layout, POSTGRES, column_name,
    schema::{self, search_column},
};
use tokio_postgres::Row;

use crate::{
    call::{Call, Guard},
    error::{is_missing_column, is_missing_table},
    runner::Runner,
    values::{Bound, column},
};

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
    indexes: Vec<RecordedIndex>,
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

/// What the database says about one collection.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The columns of its table; none if there is no table.
    columns: HashSet<String>,
    partitioned_by: Option<FieldPath>,
    /// den's records.
    records: Vec<Record>,
    /// The indexes that the table has, and whether each is valid.
    present: HashMap<String, bool>,
}

#[derive(Debug)]
struct Record {
    index: RecordedIndex,
    hash: Option<String>,
    definition: Option<IndexMeta>,
}

/// How far an index that should exist does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Made,
    /// It exists under this name with another definition.
    Changed,
    /// It does not, or a build of it was interrupted.
    Missing,
}

/// The table's columns and indexes; works on an empty database.
const TABLE_STATE: &str = "SELECT 'column' AS what, a.attname::text AS name, TRUE AS valid,
    NULL::text AS fields, NULL::boolean AS is_unique, NULL::text AS definition, NULL::text AS hash
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
WHERE n.nspname = current_schema() AND t.relname = $1::text AND t.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', c.relname::text, i.indisvalid, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE n.nspname = current_schema() AND t.relname = $1::text
UNION ALL
SELECT 'partitions', a.attname::text, TRUE, col_description(t.oid, a.attnum::integer), NULL, NULL, NULL
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
WHERE n.nspname = current_schema() AND t.relname = $1::text AND t.relkind = 'p' AND a.attname = 'part'";

/// What den has recorded, in the same columns.
const RECORD_STATE: &str = "
UNION ALL
SELECT 'record', r.name, TRUE, r.fields::text, r.is_unique, r.definition, r.hash
FROM _den_indexes AS r
WHERE r.collection = $1::text";

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
            partitioned_by: state.partitioned_by.clone(),
            indexes: state.recorded(),
        });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&collection));
        collection
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
        let error = match error.constraint() {
            Some(constraint) => {
                let fields = self.fields_of(constraint.name());
                let constraint = Constraint::new(constraint.name(), fields);
                let error = match constraint.fields() {
                    // Not den's: all there is to say is what the server calls it.
                    [] => error,
                    _ if error.kind() == ErrorKind::Duplicate => {
                        error.with_message(constraint.refusal())
                    }
                    _ => error,
                };
                error.with_constraint(constraint)
            }
            None => error,
        };
        match error.collection() {
            Some(_) => error,
            None => error.with_collection(&self.name),
        }
    }

    /// Whether the name is that of an index this process knows of.
    pub(crate) fn knows_constraint(&self, name: &str) -> bool {
        !self.fields_of(name).is_empty()
    }

    fn fields_of(&self, constraint: &str) -> Vec<String> {
        let index = self.indexes.iter().find(|it| it.name == constraint);
        match index {
            Some(index) => index.fields.clone(),
            None if constraint.ends_with("_pkey") => vec!["_id".to_owned()],
            None => Vec::new(),
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

impl State {
    /// Asks the database, in one round trip once den's records exist.
    pub(crate) async fn read(collection: &str, on: &impl Runner) -> Result<Self> {
        let call = |sql: String| {
            let params = vec![Bound::Text(collection.to_owned())];
            Call::read(sql.into(), params).guarded_by(Guard::Savepoint)
        };
        let answer = match on.run(call([TABLE_STATE, RECORD_STATE].concat())).await {
            // Nothing was recorded here yet, or not in columns that den knows.
            Err(error) if is_missing_table(&error) || is_missing_column(&error) => {
                on.run(call(TABLE_STATE.to_owned())).await?
            }
            answer => answer?,
        };
        let mut state = Self::default();
        for row in &answer.rows {
            state.take(collection, row)?;
        }
        state
            .records
            .sort_by(|a, b| a.index.name.cmp(&b.index.name));
        Ok(state)
    }

    fn take(&mut self, collection: &str, row: &Row) -> Result<()> {
        let what: &str = column(row, 0)?;
        let name: String = column(row, 1)?;
        match what {
            "column" => {
                self.columns.insert(name);
            }
            "index" => {
                self.present.insert(name, column(row, 2)?);
            }
            // A comment: den's, if it reads as one.
            "partitions" => {
                let segments: Option<&str> = column(row, 3)?;
                let segments = segments.and_then(|it| serde_json::from_str::<Vec<String>>(it).ok());
                self.partitioned_by = segments.and_then(|it| FieldPath::from_segments(it).ok());
            }
            _ => {
                let fields: Option<&str> = column(row, 3)?;
                let unique: Option<bool> = column(row, 4)?;
                let definition: Option<&str> = column(row, 5)?;
                self.records.push(Record {
                    index: RecordedIndex {
                        collection: collection.to_owned(),
                        name,
                        fields: fields
                            .and_then(|it| serde_json::from_str(it).ok())
                            .unwrap_or_default(),
                        unique: unique.unwrap_or(false),
                    },
                    definition: definition.and_then(schema::parse_definition),
                    hash: column(row, 6)?,
                });
            }
        }
        Ok(())
    }

    /// The field by whose time the collection is partitioned, if it is.
    pub(crate) fn partitioned_by(&self) -> Option<&FieldPath> {
        self.partitioned_by.as_ref()
    }

    /// Whether the collection has a table.
    pub(crate) fn exists(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Whether the table, if there is one, is of den's making: another program's must not be taken
    /// for a collection.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a table without the columns of a collection.
    pub(crate) fn check_own(&self, collection: &str) -> Result<()> {
        let is_own = ["id", "data"].iter().all(|it| self.columns.contains(*it));
        if is_own || !self.exists() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidQuery,
            "the database has a table of this name that is not a collection",
        )
        .with_collection(collection))
    }

    /// Whether the field has a column of its own.
    pub(crate) fn has_column(&self, path: &FieldPath, kind: FieldKind) -> bool {
        self.columns.contains(&column_name(path, kind))
    }

    /// Whether the table has an index of this name, valid or not.
    pub(crate) fn has_index(&self, name: &str) -> bool {
        self.present.contains_key(name)
    }

    /// How far an index exists.
    pub(crate) fn standing(&self, index: &IndexMeta) -> Standing {
        let Some(true) = self.present.get(&index.name) else {
            return Standing::Missing;
        };
        let record = self.records.iter().find(|it| it.index.name == index.name);
        let hash = record.and_then(|it| it.hash.as_deref());
        match hash == Some(schema::definition_hash(index).as_str()) {
            true => Standing::Made,
            false => Standing::Changed,
        }
    }

    /// Whether everything described exists as described.
    pub(crate) fn holds(&self, meta: &CollectionMeta) -> bool {
        let made = |it: &IndexMeta| self.standing(it) == Standing::Made;
        self.exists() && meta.indexes.iter().all(made)
    }

    /// The statement that drops the column of a recorded search index, if it has one.
    pub(crate) fn search_column_of(&self, collection: &str, index: &str) -> Vec<String> {
        let record = self.records.iter().find(|it| it.index.name == index);
        let hash = record.and_then(|it| it.hash.as_deref());
        let hash = hash.filter(|it| self.columns.contains(&schema::search_column_of(it)));
        hash.map(|it| schema::drop_search_column(POSTGRES, collection, it))
            .into_iter()
            .collect()
    }

    /// The same for the record of another definition of this index.
    pub(crate) fn old_search_column(&self, collection: &str, index: &IndexMeta) -> Vec<String> {
        match self.standing(index) {
            Standing::Changed => self.search_column_of(collection, &index.name),
            Standing::Made | Standing::Missing => Vec::new(),
        }
    }

    /// den's records, by name.
    pub(crate) fn recorded(&self) -> Vec<RecordedIndex> {
        self.records.iter().map(|it| it.index.clone()).collect()
    }

    /// Where the fields lie. Only what exists is named, so the layout can be used at once.
    pub(crate) fn layout(&self, name: &str, meta: Option<&CollectionMeta>) -> Layout {
        let mut layout = Layout::new(name);
        let declared = meta.map_or(&[][..], |it| &it.fields);
        for field in declared {
            if self.has_column(&field.path, field.kind) {
                layout = layout.with_column(field.path.clone(), field.kind);
            }
        }
        let definitions = self.records.iter().filter_map(|it| it.definition.as_ref());
        let described = meta.map_or(&[][..], |it| &it.indexes);
        for index in definitions.chain(described) {
            if index.kind == IndexKind::Search && self.columns.contains(&search_column(index)) {
                layout = layout.with_search(index);
            }
            for (field, _) in &index.fields {
                let (path, kind) = (field.path.clone(), field.kind);
                layout = match index.kind {
                    IndexKind::Members => layout.with_members(path, index.name.clone()),
                    IndexKind::Search => layout,
                    IndexKind::Plain | IndexKind::Unique if self.has_column(&path, kind) => {
                        layout.with_column(path, kind)
                    }
                    IndexKind::Plain | IndexKind::Unique => layout.with_expression(path, kind),
                };
            }
        }
        layout
    }
}
