//! One collection in memory: its rows, its constraints, and its indexes with what the unique ones hold.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use crate::{
    Constraint, ConstraintMeta, Error, ErrorKind, FieldKind, FieldMeta, FieldPath, IndexKind,
    IndexMeta, RecordedIndex, Result, Value,
    evaluate::matches,
    memory::constraint::Rule,
    search::{LANGUAGES, check_language},
};

/// A document as it was put, and parsed.
#[derive(Debug)]
pub(super) struct StoredRow {
    pub(super) body: Vec<u8>,
    pub(super) value: Value,
}

/// A row shared between the states of the database that hold it.
#[derive(Debug, Clone)]
pub(super) struct SharedRow(pub(super) Arc<StoredRow>);

#[derive(Debug, Clone)]
pub(super) struct Collection {
    name: String,
    rows: BTreeMap<String, SharedRow>,
    indexes: BTreeMap<String, Index>,
    /// In the order in which they were made.
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct Index {
    meta: IndexMeta,
    /// Which document holds which values; empty for an index that is not unique.
    taken: BTreeMap<UniqueKey, String>,
}

/// The values of one document under a unique index.
#[derive(Debug, Clone)]
pub(super) struct UniqueKey(Vec<Value>);

impl StoredRow {
    /// A document that is not as it was put, written anew.
    pub(super) fn new(value: Value) -> Self {
        Self {
            body: value.to_string().into_bytes(),
            value,
        }
    }

    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        let value = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::InvalidDocument, "the document is not JSON").with_source(error)
        })?;
        Ok(Self {
            body: body.to_vec(),
            value,
        })
    }
}

impl Collection {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            rows: BTreeMap::new(),
            indexes: BTreeMap::new(),
            rules: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn get(&self, id: &str) -> Option<&StoredRow> {
        self.rows.get(id).map(|it| &*it.0)
    }

    /// All rows, by id.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, SharedRow)> + Clone {
        self.rows.iter().map(|(id, row)| (id.as_str(), row.clone()))
    }

    /// Inserts or replaces a row and returns the one before, or refuses and changes nothing.
    pub(super) fn insert(&mut self, id: &str, row: SharedRow) -> Result<Option<SharedRow>> {
        for rule in &self.rules {
            let checked = rule.check(id, &row.0.value);
            checked.map_err(|error| self.of(id, error))?;
        }
        for index in self.indexes.values() {
            let holder = index.key(&row.0.value).and_then(|it| index.holder(&it));
            if holder.is_some_and(|holder| holder != id) {
                return Err(duplicate(&self.name, id, &index.meta));
            }
        }
        let before = self.remove(id);
        for index in self.indexes.values_mut() {
            index.add(id, &row.0.value);
        }
        for rule in &mut self.rules {
            rule.add(id, &row.0.value);
        }
        self.rows.insert(id.to_owned(), row);
        Ok(before)
    }

    /// Fails for a document that no collection with these constraints holds, whatever else it holds.
    pub(super) fn check_alone(&self, id: &str, document: &Value) -> Result<()> {
        let mut checked = self.rules.iter().map(|it| it.check_alone(document));
        checked
            .try_for_each(|it| it)
            .map_err(|error| self.of(id, error))
    }

    fn of(&self, id: &str, error: Error) -> Error {
        error.with_collection(&*self.name).with_id(id)
    }

    /// The id of the document that has what this one has under a unique index.
    pub(super) fn holder(&self, index: &IndexMeta, document: &Value) -> Result<Option<String>> {
        let index = match self.indexes.get(&index.name) {
            Some(it) if it.meta == *index && index.kind == IndexKind::Unique => it,
            Some(_) | None => {
                let message = format!("no unique index is named {}", index.name);
                let error = Error::new(ErrorKind::InvalidQuery, message);
                return Err(error.with_collection(&*self.name));
            }
        };
        let key = index.key(document);
        Ok(key.and_then(|it| index.holder(&it).map(str::to_owned)))
    }

    /// The error for an id that is taken.
    pub(super) fn taken(&self, id: &str) -> Error {
        Error::duplicate(Constraint::new("primary key", vec!["_id".to_owned()]))
            .with_collection(&*self.name)
            .with_id(id)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<SharedRow> {
        let row = self.rows.remove(id)?;
        for index in self.indexes.values_mut() {
            index.remove(&row.0.value);
        }
        for rule in &mut self.rules {
            rule.remove(&row.0.value);
        }
        Some(row)
    }

    /// Whether there is an index of exactly this definition.
    pub(super) fn has_index(&self, meta: &IndexMeta) -> bool {
        let index = self.indexes.get(&meta.name);
        index.is_some_and(|it| it.meta == *meta)
    }

    /// The index of this name.
    pub(super) fn index(&self, name: &str) -> Option<&IndexMeta> {
        self.indexes.get(name).map(|it| &it.meta)
    }

    /// Whether an index or a constraint has this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.indexes.contains_key(name) || self.constraints().any(|it| it.name == name)
    }

    /// The constraints, in the order in which they were made.
    pub(super) fn constraints(&self) -> impl Iterator<Item = &ConstraintMeta> {
        self.rules.iter().map(Rule::meta)
    }

    /// Adds a constraint if all documents keep it.
    pub(super) fn add_constraint(&mut self, meta: &ConstraintMeta) -> Result<()> {
        let rule = Rule::make(meta, self.rows());
        let rule = rule.map_err(|error| error.with_collection(&*self.name))?;
        self.rules.push(rule);
        Ok(())
    }

    /// Whether there was a constraint of this name to drop.
    pub(super) fn drop_constraint(&mut self, name: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|it| it.meta().name != name);
        self.rules.len() < before
    }

    /// Gives the collection another name. What has the name that den gives by default gets the one
    /// that a collection of the new name has it under.
    pub(super) fn rename(&mut self, to: &str) {
        let from = std::mem::replace(&mut self.name, to.to_owned());
        let indexes = std::mem::take(&mut self.indexes);
        let renamed = indexes.into_values().map(|mut it| {
            it.rename_collection(&from, to);
            (it.meta.name.clone(), it)
        });
        self.indexes = renamed.collect();
        for rule in &mut self.rules {
            rule.rename_collection(&from, to);
        }
    }

    /// Adds an index, or replaces one of another definition.
    pub(super) fn ensure_index(&mut self, meta: &IndexMeta) -> Result<()> {
        if self.has_index(meta) {
            return Ok(());
        }
        if self.constraints().any(|it| it.name == meta.name) {
            let message = format!("a constraint is named `{}` already", meta.name);
            return Err(Error::new(ErrorKind::Duplicate, message).with_collection(&*self.name));
        }
        let search = meta.search.as_ref();
        check_language(search.and_then(|it| it.language.as_deref()), &LANGUAGES)
            .map_err(|error| error.with_collection(&*self.name))?;
        let mut index = Index::new(meta.clone());
        for (id, row) in &self.rows {
            let Some(key) = index.key(&row.0.value) else {
                continue;
            };
            match index.taken.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(id.clone());
                }
                Entry::Occupied(_) => return Err(duplicate(&self.name, id, meta)),
            }
        }
        self.indexes.insert(meta.name.clone(), index);
        Ok(())
    }

    /// Whether there was an index of this name to drop; `Err` for the one that a constraint needs.
    pub(super) fn drop_index(&mut self, name: &str) -> Result<bool> {
        let mut rules = self.rules.iter();
        if rules.any(|it| it.has_index() && it.meta().name == name) {
            let message =
                format!("the constraint `{name}` needs its index; drop the constraint instead");
            return Err(Error::new(ErrorKind::Restricted, message).with_collection(&*self.name));
        }
        Ok(self.indexes.remove(name).is_some())
    }

    pub(super) fn recorded_indexes(&self) -> Vec<RecordedIndex> {
        let all = self.indexes.values().map(|it| RecordedIndex {
            collection: self.name.clone(),
            name: it.meta.name.clone(),
            fields: dotted(&it.meta),
            unique: it.meta.kind == IndexKind::Unique,
        });
        all.collect()
    }
}

impl Index {
    pub(super) fn new(meta: IndexMeta) -> Self {
        Self {
            meta,
            taken: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, id: &str, document: &Value) {
        if let Some(key) = self.key(document) {
            self.taken.insert(key, id.to_owned());
        }
    }

    pub(super) fn remove(&mut self, document: &Value) {
        if let Some(key) = self.key(document) {
            self.taken.remove(&key);
        }
    }

    /// The document that has these values.
    pub(super) fn holder(&self, key: &UniqueKey) -> Option<&str> {
        self.taken.get(key).map(String::as_str)
    }

    /// Takes the name that the index has by default in another collection, if its name is the one
    /// that it has by default in this one.
    fn rename_collection(&mut self, from: &str, to: &str) {
        let name = {
            let fields = self.meta.fields.iter();
            let paths: Vec<&FieldPath> = fields.map(|(field, _)| &field.path).collect();
            let name_in = |it: &str| IndexMeta::default_name(it, self.meta.kind, &paths);
            (self.meta.name == name_in(from)).then(|| name_in(to))
        };
        if let Some(name) = name {
            self.meta.name = name;
        }
    }

    /// The values the document has under this index; none if the index is not unique, does not
    /// cover the document, or the document takes no part in it.
    pub(super) fn key(&self, document: &Value) -> Option<UniqueKey> {
        // The filter of an index computes nothing, so there is nothing to fail.
        if !matches(&self.meta.filter, document).unwrap_or(false) {
            return None;
        }
        match self.meta.kind {
            IndexKind::Unique => {
                let fields = self.meta.fields.iter();
                let values: Option<Vec<Value>> =
                    fields.map(|(field, _)| present(document, field)).collect();
                values.map(UniqueKey)
            }
            IndexKind::Plain | IndexKind::Members | IndexKind::Search => None,
        }
    }
}

fn present(document: &Value, field: &FieldMeta) -> Option<Value> {
    let value = document.at(field.path.segments())?;
    let kind = match value {
        Value::Null => return None,
        Value::Bool(_) => FieldKind::Bool,
        Value::Int(_) | Value::Float(_) => FieldKind::Number,
        Value::Text(_) => FieldKind::Text,
        Value::Array(_) => FieldKind::Array,
        Value::Object(_) => FieldKind::Object,
    };
    let takes_part = field.kind == FieldKind::Any || field.kind == kind;
    takes_part.then(|| value.clone())
}

fn duplicate(collection: &str, id: &str, index: &IndexMeta) -> Error {
    Error::duplicate(Constraint::new(index.name.clone(), dotted(index)))
        .with_collection(collection)
        .with_id(id)
}

fn dotted(index: &IndexMeta) -> Vec<String> {
    let fields = index.fields.iter();
    fields.map(|(field, _)| field.path.to_string()).collect()
}

impl Borrow<Value> for SharedRow {
    fn borrow(&self) -> &Value {
        &self.0.value
    }
}

impl Ord for UniqueKey {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_lists(&self.0, &other.0)
    }
}

impl PartialOrd for UniqueKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for UniqueKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for UniqueKey {}

/// Some total order that agrees with `==`, arrays and objects included.
fn compare_deep(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => compare_lists(a, b),
        (Value::Object(a), Value::Object(b)) => {
            let by_keys = a.keys().cmp(b.keys());
            let values = a.values().zip(b.values());
            by_keys.then_with(|| {
                let mut each = values.map(|(a, b)| compare_deep(a, b));
                each.find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
            })
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => crate::order::compare_values(a, b),
    }
}

fn compare_lists(a: &[Value], b: &[Value]) -> Ordering {
    let mut each = a.iter().zip(b).map(|(a, b)| compare_deep(a, b));
    let first = each.find(|it| it.is_ne()).unwrap_or(Ordering::Equal);
    first.then_with(|| a.len().cmp(&b.len()))
}
