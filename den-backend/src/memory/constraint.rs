//! The constraints of one collection in memory, and what the unique ones hold.

use std::collections::BTreeMap;

use crate::{
    Constraint, ConstraintKind, ConstraintMeta, Direction, Error, Expr, FieldKind, FieldMeta,
    FieldPath, IndexKind, IndexMeta, JsonType, Result, Value,
    evaluate::matches,
    memory::collection::{Index, SharedRow, UniqueKey},
};

/// The most documents that are named as in the way of a constraint.
const MAX_OFFENDERS: usize = 10;

/// A constraint, and who has which values if they are unique.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    meta: ConstraintMeta,
    index: Option<Index>,
}

impl Rule {
    /// A constraint that all these documents keep.
    pub(super) fn make<'a>(
        meta: &ConstraintMeta,
        rows: impl Iterator<Item = (&'a str, SharedRow)> + Clone,
    ) -> Result<Self> {
        let mut rule = Self {
            index: backing(meta).map(Index::new),
            meta: meta.clone(),
        };
        let mut broken = Vec::new();
        for (id, row) in rows.clone() {
            if !rule.is_kept_by(&row.0.value)? {
                broken.push(id.to_owned());
            }
        }
        if !broken.is_empty() {
            broken.truncate(MAX_OFFENDERS);
            return Err(Error::broken(rule.constraint()).with_offenders(broken));
        }
        let mut holders: BTreeMap<UniqueKey, Vec<&str>> = BTreeMap::new();
        for (id, row) in rows.clone() {
            if let Some(key) = rule.key(&row.0.value) {
                holders.entry(key).or_default().push(id);
            }
        }
        let shared = holders.values().filter(|ids| ids.len() > 1);
        let mut shared: Vec<String> = shared.flatten().map(|id| (*id).to_owned()).collect();
        if !shared.is_empty() {
            shared.sort_unstable();
            shared.truncate(MAX_OFFENDERS);
            return Err(Error::duplicate(rule.constraint()).with_offenders(shared));
        }
        for (id, row) in rows {
            rule.add(id, &row.0.value);
        }
        Ok(rule)
    }

    pub(super) fn meta(&self) -> &ConstraintMeta {
        &self.meta
    }

    /// Whether its values are unique, which an index sees to.
    pub(super) fn has_index(&self) -> bool {
        self.index.is_some()
    }

    /// Fails for a document that may not be stored under this id.
    pub(super) fn check(&self, id: &str, document: &Value) -> Result<()> {
        if !self.is_kept_by(document)? {
            return Err(Error::broken(self.constraint()));
        }
        let holder = self.key(document).and_then(|key| self.holder(&key));
        match holder {
            Some(holder) if holder != id => Err(Error::duplicate(self.constraint())),
            Some(_) | None => Ok(()),
        }
    }

    /// Fails for a document that breaks what can be seen of it alone.
    pub(super) fn check_alone(&self, document: &Value) -> Result<()> {
        match self.is_kept_by(document)? {
            true => Ok(()),
            false => Err(Error::broken(self.constraint())),
        }
    }

    pub(super) fn add(&mut self, id: &str, document: &Value) {
        if let Some(index) = &mut self.index {
            index.add(id, document);
        }
    }

    pub(super) fn remove(&mut self, document: &Value) {
        if let Some(index) = &mut self.index {
            index.remove(document);
        }
    }

    /// The same rule under the name that it has by default in another collection, if its name is the
    /// one that it has by default in this one.
    pub(super) fn rename_collection(&mut self, from: &str, to: &str) {
        if self.meta.name == ConstraintMeta::default_name(from, &self.meta.kind) {
            self.meta.name = ConstraintMeta::default_name(to, &self.meta.kind);
        }
    }

    fn key(&self, document: &Value) -> Option<UniqueKey> {
        self.index.as_ref()?.key(document)
    }

    fn holder(&self, key: &UniqueKey) -> Option<&str> {
        self.index.as_ref()?.holder(key)
    }

    /// Whether the document keeps the rule, as far as that does not depend on other documents.
    fn is_kept_by(&self, document: &Value) -> Result<bool> {
        let is_there = |field: &FieldPath| value(document, field).is_some();
        match &self.meta.kind {
            ConstraintKind::Unique { .. } => Ok(true),
            ConstraintKind::Required { field } => Ok(is_there(field)),
            ConstraintKind::Type { field, types } => Ok(match value(document, field) {
                Some(value) => types.iter().any(|it| is_of(value, *it)),
                None => true,
            }),
            ConstraintKind::Key { fields } => Ok(fields.iter().all(is_there)),
            ConstraintKind::Check { filter } => matches(filter, document),
        }
    }

    fn constraint(&self) -> Constraint {
        let fields = self.meta.kind.fields();
        let fields = fields.iter().map(ToString::to_string).collect();
        Constraint::new(&*self.meta.name, fields).with_rule(self.meta.kind.rule())
    }
}

/// The value at a path, if there is one and it is not null.
fn value<'a>(document: &'a Value, field: &FieldPath) -> Option<&'a Value> {
    document
        .at(field.segments())
        .filter(|value| !value.is_null())
}

fn is_of(value: &Value, wanted: JsonType) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) => wanted == JsonType::Bool,
        Value::Int(_) => matches!(wanted, JsonType::Integer | JsonType::Number),
        Value::Float(it) => match wanted {
            JsonType::Number => true,
            JsonType::Integer => it.fract() == 0.0,
            JsonType::String | JsonType::Bool | JsonType::Array | JsonType::Object => false,
        },
        Value::Text(_) => wanted == JsonType::String,
        Value::Array(_) => wanted == JsonType::Array,
        Value::Object(_) => wanted == JsonType::Object,
    }
}

/// The index that a constraint of unique values is kept with.
fn backing(meta: &ConstraintMeta) -> Option<IndexMeta> {
    let fields = match &meta.kind {
        ConstraintKind::Unique { fields } | ConstraintKind::Key { fields } => fields,
        ConstraintKind::Required { .. }
        | ConstraintKind::Type { .. }
        | ConstraintKind::Check { .. } => return None,
    };
    let of_any_kind = |path: &FieldPath| FieldMeta {
        path: path.clone(),
        kind: FieldKind::Any,
    };
    Some(IndexMeta {
        name: meta.name.clone(),
        fields: fields
            .iter()
            .map(|it| (of_any_kind(it), Direction::Asc))
            .collect(),
        kind: IndexKind::Unique,
        filter: Expr::always(),
        search: None,
    })
}
