//! Patches: changes to documents where they lie.

use crate::{FieldPath, Value};

/// What to change in every document of a query, in one statement.
///
/// # Behavior
///
/// - The changes are made in the order given, each seeing the ones before.
/// - One that cannot be made in one of the documents fails the whole patch: nothing is changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patch {
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// One change to a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Puts a value at a path.
    ///
    /// # Behavior
    ///
    /// - What is there is replaced, whatever it is.
    /// - Parents that are missing or null become objects. A parent that is a scalar or an array is
    ///   an error, `InvalidDocument`, that names the collection, the id and the path.
    Set {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// Takes a key away; nothing happens where it is missing, or where a parent is no object.
    Unset {
        /// Where.
        path: FieldPath,
    },
}

impl Patch {
    /// A patch of these changes.
    pub fn new(changes: Vec<Change>) -> Self {
        Self { changes }
    }
}

impl Change {
    /// The field that is changed.
    pub fn path(&self) -> &FieldPath {
        match self {
            Self::Set { path, .. } | Self::Unset { path } => path,
        }
    }
}
