//! What the database says about one collection.

use std::collections::{HashMap, HashSet};

use den_backend::{
    CollectionMeta, Constraint, ConstraintMeta, Error, ErrorKind, FieldKind, FieldPath, IndexKind,
    IndexMeta, RecordedIndex, Result,
};
use den_sql::{
    Layout, POSTGRES, column_name, constraint,
    schema::{self, search_column},
};
use tokio_postgres::Row;

use crate::{
    call::{Call, Guard},
    error::is_missing_table,
    runner::Runner,
    values::{Bound, column},
};

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
    /// The index of the ids.
    primary: Option<String>,
    /// The names of the table's `CHECK` constraints.
    checks: HashSet<String>,
    /// The constraints that den recorded, each with its place in the order.
    constraints: Vec<(i64, ConstraintMeta)>,
}

/// A record of an index: of den's own if there is a hash, else of its predecessor's.
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
SELECT 'index', c.relname::text, i.indisvalid, NULL, i.indisprimary, NULL, NULL
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE n.nspname = current_schema() AND t.relname = $1::text
UNION ALL
SELECT 'check', k.conname::text, TRUE, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = t.oid
WHERE n.nspname = current_schema() AND t.relname = $1::text AND k.contype = 'c'
UNION ALL
SELECT 'partitions', a.attname::text, TRUE, col_description(t.oid, a.attnum::integer), NULL, NULL, NULL
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
WHERE n.nspname = current_schema() AND t.relname = $1::text AND t.relkind = 'p' AND a.attname = 'part'";

/// What den has recorded of indexes, in the same columns. The row is read as a whole, because the table
/// may be that of den's predecessor, which lacks the last columns.
const RECORD_STATE: &str = "
UNION ALL
SELECT 'record', r.name, TRUE, r.fields::text, r.is_unique, to_jsonb(r)->>'definition', to_jsonb(r)->>'hash'
FROM _den_indexes AS r
WHERE r.collection = $1::text";

/// What den has recorded of constraints, in the same columns.
const CONSTRAINT_STATE: &str = "
UNION ALL
SELECT 'constraint', c.name, TRUE, c.position::text, NULL, c.definition, NULL
FROM _den_constraints AS c
WHERE c.collection = $1::text";

impl State {
    /// Asks the database, in one round trip once den's records exist.
    pub(crate) async fn read(collection: &str, on: &impl Runner) -> Result<Self> {
        let call = |sql: String| {
            let params = vec![Bound::Text(collection.to_owned())];
            Call::read(sql.into(), params).guarded_by(Guard::Savepoint)
        };
        let mut answer = on
            .run(call([TABLE_STATE, RECORD_STATE, CONSTRAINT_STATE].concat()))
            .await;
        // Nothing was recorded here yet, or by a den that knew no constraints.
        for sql in [[TABLE_STATE, RECORD_STATE].concat(), TABLE_STATE.to_owned()] {
            match answer {
                Err(error) if is_missing_table(&error) => answer = on.run(call(sql)).await,
                other => {
                    answer = other;
                    break;
                }
            }
        }
        let answer = answer?;
        let mut state = Self::default();
        for row in &answer.rows {
            state.take(collection, row)?;
        }
        state
            .records
            .sort_by(|a, b| a.index.name.cmp(&b.index.name));
        state.constraints.sort_by_key(|(position, _)| *position);
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
                if column::<Option<bool>>(row, 4)? == Some(true) {
                    self.primary = Some(name.clone());
                }
                self.present.insert(name, column(row, 2)?);
            }
            "check" => {
                self.checks.insert(name);
            }
            "constraint" => {
                let position: Option<&str> = column(row, 3)?;
                let position = position.and_then(|it| it.parse().ok()).unwrap_or(i64::MAX);
                let definition: Option<&str> = column(row, 5)?;
                if let Some(it) = definition.and_then(constraint::parse_definition) {
                    self.constraints.push((position, it));
                }
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

    /// Whether the table has a column of this name.
    pub(crate) fn has_column_named(&self, name: &str) -> bool {
        self.columns.contains(name)
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

    /// Whether anything of indexes is recorded, by whomever.
    pub(crate) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// The indexes that den made, by name; without those of its predecessor, which are not den's to drop.
    pub(crate) fn recorded(&self) -> Vec<RecordedIndex> {
        let ours = self.records.iter().filter(|it| it.hash.is_some());
        ours.map(|it| it.index.clone()).collect()
    }

    /// The definitions of the indexes that den made, with the hash that each is recorded with.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = (&IndexMeta, &str)> {
        self.records.iter().filter_map(|it| {
            let hash = it.hash.as_deref()?;
            it.definition.as_ref().map(|definition| (definition, hash))
        })
    }

    /// The constraints, in the order in which they were made.
    pub(crate) fn constraints(&self) -> impl Iterator<Item = &ConstraintMeta> {
        let recorded = self.constraints.iter().map(|(_, it)| it);
        recorded.filter(|it| self.is_kept(it))
    }

    /// The constraints whose record is all that is left: the table was dropped behind den's back.
    pub(crate) fn lost_constraints(&self) -> impl Iterator<Item = &ConstraintMeta> {
        let recorded = self.constraints.iter().map(|(_, it)| it);
        recorded.filter(|it| !self.is_kept(it))
    }

    /// The constraint of this name.
    pub(crate) fn constraint(&self, name: &str) -> Option<&ConstraintMeta> {
        self.constraints().find(|it| it.name == name)
    }

    /// Whether the table has what enforces a constraint.
    fn is_kept(&self, constraint: &ConstraintMeta) -> bool {
        let name = &constraint.name;
        let needs_check = constraint::has_rule(&constraint.kind);
        let needs_index = constraint::backing_index(constraint).is_some();
        (!needs_check || self.checks.contains(name)) && (!needs_index || self.has_index(name))
    }

    /// The name of the index of the ids.
    pub(crate) fn primary(&self) -> Option<&str> {
        self.primary.as_deref()
    }

    /// All that may refuse a document, as errors name it.
    pub(crate) fn known_constraints(&self) -> Vec<Constraint> {
        let primary = self.primary.iter();
        let primary = primary.map(|it| Constraint::new(it, vec!["_id".to_owned()]));
        let records = self.records.iter().map(|it| &it.index);
        let records = records.map(|it| Constraint::new(&it.name, it.fields.clone()));
        let declared = self.constraints().map(constraint::describe);
        primary.chain(declared).chain(records).collect()
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
        let backing = self.constraints().filter_map(constraint::backing_index);
        for index in backing {
            for (field, _) in index.fields {
                layout = layout.with_expression(field.path, field.kind);
            }
        }
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
