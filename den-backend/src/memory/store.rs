//! One state of a database: what each operation reads and changes, without locks or futures.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    CollectionMeta, ConflictTarget, DeleteOutcome, Error, ErrorKind, Expectation, Grouping,
    IndexMeta, OnConflict, OnRefusal, Patch, Put, PutOutcome, Query, RawDocument, RecordedIndex,
    Refusal, Result, Returning, Select, Updated, Upsert, UpsertOutcome, Value,
    check::OWN_PREFIX,
    evaluate::{Links, apply},
    memory::{
        collection::{Collection, SharedRow, StoredRow},
        group::group,
        run::{Row, matching, run, unwind},
    },
};

/// A row of a query, still shared with the state it comes from.
pub(super) type FoundRow = Row<String, SharedRow>;

/// A state of the database. A clone is a snapshot: what both hold is shared until one changes it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) collections: BTreeMap<String, Arc<Collection>>,
}

impl State {
    pub(super) fn get(&self, collection: &str, id: &str) -> Result<Option<RawDocument>> {
        let row = self.collection(collection)?.get(id);
        Ok(row.map(|it| whole(id, it)))
    }

    pub(super) fn get_many(&self, collection: &str, ids: &[&str]) -> Result<Vec<RawDocument>> {
        let collection = self.collection(collection)?;
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let found = ids
            .into_iter()
            .filter_map(|id| Some(whole(id, collection.get(id)?)));
        Ok(found.collect())
    }

    /// The rows of a query, still shared with this state.
    pub(super) fn query(&self, query: &Query) -> Result<Vec<FoundRow>> {
        self.check_collections(query)?;
        let found = run(self.rows(query)?, query, self)?;
        let owned = found.into_iter().map(|it| Row {
            id: it.id.to_owned(),
            document: it.document,
            element: it.element,
            score: it.score,
        });
        Ok(owned.collect())
    }

    pub(super) fn count(&self, query: &Query) -> Result<u64> {
        self.check_collections(query)?;
        // What is the same counts once, in whatever order.
        let all = Query {
            sort: Vec::new(),
            seek: None,
            skip: 0,
            limit: None,
            ..query.clone()
        };
        let found = run(self.rows(query)?, &all, self)?;
        Ok(found.iter().fold(0, |count, _| count + 1))
    }

    pub(super) fn exists(&self, query: &Query) -> Result<bool> {
        self.check_collections(query)?;
        Ok(!matching(self.rows(query)?, query, self)?.is_empty())
    }

    pub(super) fn group(&self, query: &Query, grouping: &Grouping) -> Result<Vec<Vec<u8>>> {
        self.check_collections(query)?;
        group(&matching(self.rows(query)?, query, self)?, grouping)
    }

    /// All documents of the query's collection, or all elements of what it unwinds.
    fn rows(&self, query: &Query) -> Result<Vec<Row<&str, SharedRow>>> {
        let rows = self.collection(&query.collection)?.rows();
        let Some(path) = &query.unwind else {
            let rows = rows.map(|(id, document)| Row {
                id,
                document,
                element: None,
                score: 0.0,
            });
            return Ok(rows.collect());
        };
        let rows = rows.flat_map(|(id, document)| unwind(&id, &document, path));
        Ok(rows.collect())
    }

    pub(super) fn put(&mut self, collection: &str, put: &Put<'_>) -> Result<PutOutcome> {
        let collection = self.collection_mut(collection)?;
        Ok(put_one(collection, put)?.outcome)
    }

    /// Writes all or nothing.
    pub(super) fn put_many(
        &mut self,
        collection: &str,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let collection = self.collection_mut(collection)?;
        let mut written: Vec<(&str, Written)> = Vec::new();
        let mut failure = None;
        for put in puts {
            match put_one(collection, put) {
                Ok(it) => written.push((put.id, it)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let outcomes: Vec<PutOutcome> = written.iter().map(|(_, it)| it.outcome).collect();
        let refused = on_refusal == OnRefusal::Abort
            && outcomes
                .iter()
                .any(|it| matches!(it, PutOutcome::Refused(_)));
        if refused || failure.is_some() {
            // Backwards, so that each step undone finds the unique values as they were before it.
            for (id, it) in written.into_iter().rev() {
                match (it.outcome, it.before) {
                    (PutOutcome::Inserted, _) => drop(collection.remove(id)),
                    (PutOutcome::Updated, Some(before)) => drop(collection.insert(id, before)?),
                    (PutOutcome::Updated, None) | (PutOutcome::Refused(_), _) => {}
                }
            }
        }
        failure.map_or(Ok(outcomes), Err)
    }

    pub(super) fn delete(
        &mut self,
        collection: &str,
        id: &str,
        expect: Expectation<'_>,
    ) -> Result<DeleteOutcome> {
        let collection = self.collection_mut(collection)?;
        let refusal = match collection.get(id) {
            None => Some(Refusal::Missing),
            Some(row) => match expect {
                Expectation::Any | Expectation::Present => None,
                Expectation::Absent => Some(Refusal::Exists),
                Expectation::Live | Expectation::Revision(_) => refusal(Some(row), expect),
            },
        };
        if let Some(refusal) = refusal {
            return Ok(DeleteOutcome::Refused(refusal));
        }
        collection.remove(id);
        Ok(DeleteOutcome::Deleted)
    }

    pub(super) fn delete_matching(&mut self, query: &Query) -> Result<u64> {
        let rows = self.query(query)?;
        let collection = self.collection_mut(&query.collection)?;
        let mut count = 0;
        for row in rows {
            collection.remove(&row.id);
            count += 1;
        }
        Ok(count)
    }

    pub(super) fn upsert(
        &mut self,
        collection: &str,
        upsert: &Upsert<'_>,
    ) -> Result<UpsertOutcome> {
        let collection = self.collection_mut(collection)?;
        let row = StoredRow::parse(upsert.body)?;
        collection.check_alone(upsert.id, &row.value)?;
        let in_the_way = match upsert.target {
            ConflictTarget::Id => collection.get(upsert.id).map(|_| upsert.id.to_owned()),
            ConflictTarget::Index(index) => collection.holder(index, &row.value)?,
        };
        let Some(id) = in_the_way else {
            if collection.get(upsert.id).is_some() {
                return Err(collection.taken(upsert.id));
            }
            collection.insert(upsert.id, SharedRow(Arc::new(row)))?;
            return Ok(UpsertOutcome::Inserted);
        };
        match (upsert.on_conflict, collection.get(&id)) {
            (OnConflict::Nothing, _) | (OnConflict::Change(_), None) => Ok(UpsertOutcome::Kept),
            (OnConflict::Change(patch), Some(before)) => {
                let changed = patched(patch, collection.name(), &id, before)?;
                let answer = whole(&id, &changed.0);
                collection.insert(&id, changed)?;
                Ok(UpsertOutcome::Changed(answer))
            }
        }
    }

    /// Changes all or nothing.
    pub(super) fn update(
        &mut self,
        query: &Query,
        patch: &Patch,
        returning: Returning,
    ) -> Result<Updated> {
        let mut changed = Vec::new();
        let mut updated = Updated::default();
        for Row { id, document, .. } in self.query(query)? {
            let row = patched(patch, &query.collection, &id, &document.0)?;
            updated.count += 1;
            match returning {
                Returning::Nothing => {}
                Returning::New => updated.rows.push(whole(&id, &row.0)),
                Returning::Old => updated.rows.push(whole(&id, &document.0)),
            }
            changed.push((id, row));
        }
        let collection = self.collection_mut(&query.collection)?;
        // Changed aside, so that a value that is taken changes nothing. The rows are taken out
        // first, for no row is in the way of what it becomes itself.
        let mut copy = collection.clone();
        for (id, _) in &changed {
            copy.remove(id);
        }
        for (id, row) in changed {
            copy.insert(&id, row)?;
        }
        *collection = copy;
        Ok(updated)
    }

    pub(super) fn ensure_collection(&mut self, meta: &CollectionMeta) -> Result<()> {
        let existing = self.collections.get(&meta.name);
        // Changed aside and put in place as a whole, so that a failure changes nothing.
        let mut changed = match existing {
            Some(it) => Arc::clone(it),
            None => Arc::new(Collection::new(&meta.name)),
        };
        for index in &meta.indexes {
            if !changed.has_index(index) {
                self.check_index_name(&meta.name, &index.name)?;
                Arc::make_mut(&mut changed).ensure_index(index)?;
            }
        }
        self.collections.insert(meta.name.clone(), changed);
        Ok(())
    }

    pub(super) fn ensure_index(&mut self, collection: &str, index: &IndexMeta) -> Result<()> {
        self.check_index_name(collection, &index.name)?;
        self.collection_mut(collection)?.ensure_index(index)
    }

    /// Fails for a name that an index or constraint of another collection has.
    fn check_index_name(&self, collection: &str, name: &str) -> Result<()> {
        let mut others = self
            .collections
            .values()
            .filter(|it| it.name() != collection);
        let Some(owner) = others.find(|it| it.has_name(name)) else {
            return Ok(());
        };
        let owner = owner.name();
        let message = format!("the index name `{name}` is taken by the collection `{owner}`");
        Err(Error::new(ErrorKind::InvalidQuery, message).with_collection(collection))
    }

    pub(super) fn drop_index(&mut self, collection: &str, name: &str) -> Result<()> {
        let dropped = match self.collections.get_mut(collection) {
            Some(it) => Arc::make_mut(it).drop_index(name)?,
            None => false,
        };
        if dropped {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::NotFound, format!("no index is named {name}"))
                .with_collection(collection),
        )
    }

    pub(super) fn recorded_indexes(&self, collection: &str) -> Vec<RecordedIndex> {
        let collection = self.collections.get(collection);
        collection.map_or_else(Vec::new, |it| it.recorded_indexes())
    }

    pub(super) fn collections(&self) -> Vec<String> {
        let is_listed = |it: &&String| !it.starts_with(OWN_PREFIX);
        self.collections.keys().filter(is_listed).cloned().collect()
    }

    pub(super) fn drop_collection(&mut self, collection: &str) {
        self.collections.remove(collection);
    }

    /// Fails for a query of a collection that was never ensured, or into one.
    pub(super) fn check_collections(&self, query: &Query) -> Result<()> {
        let linked = query.filter.linked_collections();
        let mut names = [&*query.collection].into_iter().chain(linked);
        names.try_for_each(|it| self.collection(it).map(|_| ()))
    }

    pub(super) fn collection(&self, name: &str) -> Result<&Collection> {
        match self.collections.get(name) {
            Some(it) => Ok(it),
            None => Err(Error::not_registered(name)),
        }
    }

    pub(super) fn collection_mut(&mut self, name: &str) -> Result<&mut Collection> {
        match self.collections.get_mut(name) {
            Some(it) => Ok(Arc::make_mut(it)),
            None => Err(Error::not_registered(name)),
        }
    }
}

impl Links for State {
    fn document(&self, collection: &str, id: &str) -> Option<&Value> {
        let row = self.collections.get(collection)?.get(id)?;
        Some(&row.value)
    }
}

/// What a put did, and what it takes to undo it.
struct Written {
    outcome: PutOutcome,
    before: Option<SharedRow>,
}

fn put_one(collection: &mut Collection, put: &Put<'_>) -> Result<Written> {
    if let Some(refusal) = refusal(collection.get(put.id), put.expect) {
        return Ok(Written {
            outcome: PutOutcome::Refused(refusal),
            before: None,
        });
    }
    let row = SharedRow(Arc::new(StoredRow::parse(put.body)?));
    let before = collection.insert(put.id, row)?;
    let outcome = match before {
        Some(_) => PutOutcome::Updated,
        None => PutOutcome::Inserted,
    };
    Ok(Written { outcome, before })
}

/// Why the expectation does not hold; none if it does.
fn refusal(stored: Option<&StoredRow>, expect: Expectation<'_>) -> Option<Refusal> {
    match (expect, stored) {
        (Expectation::Any, _) | (Expectation::Absent, None) | (Expectation::Present, Some(_)) => {
            None
        }
        (Expectation::Absent, Some(_)) => Some(Refusal::Exists),
        (Expectation::Present | Expectation::Live | Expectation::Revision(_), None) => {
            Some(Refusal::Missing)
        }
        (Expectation::Live, Some(row)) => {
            let deleted_at = row.value.at(&["_deleted_at".to_owned()]);
            let is_live = deleted_at.is_none_or(Value::is_null);
            (!is_live).then_some(Refusal::Missing)
        }
        (Expectation::Revision(expected), Some(row)) => {
            let stored = row.value.at(&["_rev".to_owned()]).unwrap_or(&Value::Null);
            let same = match (expected, stored) {
                (None, stored) => stored.is_null(),
                (Some(expected), Value::Text(stored)) => stored == expected,
                (
                    Some(_),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Float(_)
                    | Value::Array(_)
                    | Value::Object(_),
                ) => false,
            };
            (!same).then_some(Refusal::OtherRevision)
        }
    }
}

/// What the query selected of a row; the whole document is the bytes that were put.
pub(super) fn answer(row: &FoundRow, selected: &Select) -> Result<RawDocument> {
    match selected {
        Select::Document => Ok(whole(&row.id, &row.document.0)),
        Select::Id | Select::Value(_) | Select::Values(_) | Select::Scored => row.select(selected),
    }
}

/// What a patch makes of a row.
fn patched(patch: &Patch, collection: &str, id: &str, before: &StoredRow) -> Result<SharedRow> {
    let mut document = before.value.clone();
    apply(patch, &mut document).map_err(|it| it.with_collection(collection).with_id(id))?;
    Ok(SharedRow(Arc::new(StoredRow::new(document))))
}

fn whole(id: &str, row: &StoredRow) -> RawDocument {
    RawDocument {
        id: id.to_owned(),
        body: row.body.clone(),
    }
}
