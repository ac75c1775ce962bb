//! Changes to what collections there are, and what belongs to them.

use crate::{CollectionMeta, ConstraintMeta, IndexMeta};

/// One change of the schema; see [`ReadWrite::alter`](crate::ReadWrite::alter).
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaChange {
    /// Makes a collection exist as described; as
    /// [`ensure_collection`](crate::Backend::ensure_collection).
    CreateCollection(CollectionMeta),
    /// Gives a collection another name, with all that belongs to it.
    RenameCollection {
        /// The name it has; `NotRegistered` if there is none.
        from: String,
        /// The name it gets; `Duplicate` if there is one already.
        to: String,
    },
    /// Drops a collection with all that belongs to it; no error if there is none.
    DropCollection(String),
    /// Makes an index exist; as [`ensure_index`](crate::Backend::ensure_index).
    CreateIndex {
        /// The collection.
        collection: String,
        /// The index.
        index: IndexMeta,
    },
    /// Drops a recorded index; `NotFound` if there is none, `Restricted` if a constraint needs it.
    DropIndex {
        /// The collection.
        collection: String,
        /// The name.
        name: String,
    },
    /// Makes a constraint, after all documents were found to keep it; nothing if the same one is there,
    /// `Duplicate` if another of this name is.
    CreateConstraint {
        /// The collection.
        collection: String,
        /// The constraint.
        constraint: ConstraintMeta,
    },
    /// Drops a constraint; `NotFound` if there is none.
    DropConstraint {
        /// The collection.
        collection: String,
        /// The name.
        name: String,
    },
}

/// One thing that making a collection as described would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// The collection.
    pub collection: String,
    /// What would be done.
    pub action: PlannedAction,
    /// The statements that would be run, in order, in the engine's own language; none if it has none.
    pub statements: Vec<String>,
}

/// What would be done to a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedAction {
    /// It would be made.
    CreateCollection,
    /// An index that is not there would be made.
    CreateIndex {
        /// Its name.
        name: String,
    },
    /// An index of another definition would be replaced, or one that was left by an interrupted build.
    RebuildIndex {
        /// Its name.
        name: String,
        /// What is wrong with the one that is there, for a person.
        reason: String,
    },
}

impl SchemaChange {
    /// The collection that is changed.
    pub fn collection(&self) -> &str {
        match self {
            Self::CreateCollection(meta) => &meta.name,
            Self::RenameCollection { from, .. } => from,
            Self::DropCollection(name) => name,
            Self::CreateIndex { collection, .. }
            | Self::DropIndex { collection, .. }
            | Self::CreateConstraint { collection, .. }
            | Self::DropConstraint { collection, .. } => collection,
        }
    }
}
