//! Changes of the schema in memory, and what one would do.

use std::sync::Arc;

use crate::{
    CollectionMeta, ConstraintMeta, Error, ErrorKind, PlannedAction, PlannedChange, Result,
    SchemaChange, memory::store::State,
};

impl State {
    /// Changes the schema wholly or not at all.
    pub(super) fn alter(&mut self, change: &SchemaChange) -> Result<()> {
        match change {
            SchemaChange::CreateCollection(meta) => self.ensure_collection(meta),
            SchemaChange::RenameCollection { from, to } => self.rename_collection(from, to),
            SchemaChange::DropCollection(name) => {
                self.drop_collection(name);
                Ok(())
            }
            SchemaChange::CreateIndex { collection, index } => self.ensure_index(collection, index),
            SchemaChange::DropIndex { collection, name } => self.drop_index(collection, name),
            SchemaChange::CreateConstraint {
                collection,
                constraint,
            } => self.create_constraint(collection, constraint),
            SchemaChange::DropConstraint { collection, name } => {
                self.drop_constraint(collection, name)
            }
        }
    }

    pub(super) fn constraints(&self, collection: &str) -> Vec<ConstraintMeta> {
        let collection = self.collections.get(collection);
        collection.map_or_else(Vec::new, |it| it.constraints().cloned().collect())
    }

    /// What [`ensure_collection`](Self::ensure_collection) would do.
    pub(super) fn plan_collection(&self, meta: &CollectionMeta) -> Vec<PlannedChange> {
        let change = |action: PlannedAction| PlannedChange {
            collection: meta.name.clone(),
            action,
            statements: Vec::new(),
        };
        let existing = self.collections.get(&meta.name);
        let mut planned = Vec::new();
        if existing.is_none() {
            planned.push(change(PlannedAction::CreateCollection));
        }
        for index in &meta.indexes {
            let name = index.name.clone();
            match existing.and_then(|it| it.index(&name)) {
                None => planned.push(change(PlannedAction::CreateIndex { name })),
                Some(same) if same == index => {}
                Some(_) => {
                    let reason = "its definition changed".to_owned();
                    planned.push(change(PlannedAction::RebuildIndex { name, reason }));
                }
            }
        }
        planned
    }

    fn rename_collection(&mut self, from: &str, to: &str) -> Result<()> {
        if self.collections.contains_key(to) && self.collections.contains_key(from) {
            let error = Error::new(ErrorKind::Duplicate, "the collection exists already");
            return Err(error.with_collection(to));
        }
        let Some(mut renamed) = self.collections.remove(from) else {
            return Err(Error::not_registered(from));
        };
        Arc::make_mut(&mut renamed).rename(to);
        self.collections.insert(to.to_owned(), renamed);
        Ok(())
    }

    fn create_constraint(&mut self, collection: &str, constraint: &ConstraintMeta) -> Result<()> {
        let name = &constraint.name;
        let holder = self.collections.values().find(|it| it.has_name(name));
        let target = self.collection(collection)?;
        if target.constraints().any(|it| it == constraint) {
            return Ok(());
        }
        if let Some(holder) = holder {
            let message = format!(
                "an index or constraint of `{}` is named `{name}` already",
                holder.name()
            );
            return Err(Error::new(ErrorKind::Duplicate, message).with_collection(collection));
        }
        self.collection_mut(collection)?.add_constraint(constraint)
    }

    fn drop_constraint(&mut self, collection: &str, name: &str) -> Result<()> {
        let dropped = match self.collections.get_mut(collection) {
            Some(it) => Arc::make_mut(it).drop_constraint(name),
            None => false,
        };
        if dropped {
            return Ok(());
        }
        let message = format!("no constraint is named `{name}`");
        Err(Error::new(ErrorKind::NotFound, message).with_collection(collection))
    }
}
