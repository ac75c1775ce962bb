//! Patches: changes to documents where they lie.

use serde::{Deserialize, Serialize};

use crate::{Expr, FieldKind, FieldPath, RawDocument, Value};

/// What to change in every document of a query, in one statement.
///
/// # Behavior
///
/// - The changes are made in the order given, each seeing the ones before.
/// - One that cannot be made in one of the documents fails the whole patch: nothing is changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Patch {
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// One change to a document.
///
/// # Behavior
///
/// - "Null" means missing or JSON `null`.
/// - A parent that is missing or null becomes an object where something is put below it. A parent
///   that is a scalar or an array is an error then, `InvalidDocument`, that names the collection,
///   the id and the path. So is a value of the wrong type.
/// - Segments of a path are keys of objects, also where they are numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Puts a value at a path, whatever is there.
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
    /// Puts the value of an expression at a path. It is computed from the document as it was before
    /// the whole patch; null is put as JSON `null`.
    SetExpr {
        /// Where.
        path: FieldPath,
        /// What.
        value: Expr,
    },
    /// Adds a number to a number; null counts as 0. As [`ArithmeticOp`](crate::ArithmeticOp) says,
    /// `OutOfRange` included.
    Inc {
        /// Where.
        path: FieldPath,
        /// How much; a number.
        by: Value,
    },
    /// Multiplies a number by a number; else as `Inc`.
    Mul {
        /// Where.
        path: FieldPath,
        /// By how much; a number.
        by: Value,
    },
    /// Puts the value if it is less than what is there, or if null is there. Both are numbers, texts
    /// or bools, of the same type.
    Min {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// Puts the value if it is greater than what is there; else as `Min`.
    Max {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// Appends a value to an array, as one element; null counts as an empty array.
    Push {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// As `Push`, unless an element equals the value.
    AddToSet {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// Takes all elements that equal the value out of an array; nothing happens to null.
    Pull {
        /// Where.
        path: FieldPath,
        /// What.
        value: Value,
    },
    /// Takes the first element out of an array; nothing happens to null or without elements.
    PopFirst {
        /// Where.
        path: FieldPath,
    },
    /// Takes the last element out of an array; else as `PopFirst`.
    PopLast {
        /// Where.
        path: FieldPath,
    },
    /// Moves a value, JSON `null` included, to another path, whatever is there; nothing happens
    /// where it is missing, or where a parent of it is no object.
    Rename {
        /// From where.
        from: FieldPath,
        /// To where; neither path leads through the other.
        to: FieldPath,
    },
}

/// Which documents an update returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Returning {
    /// None.
    #[default]
    Nothing,
    /// Those that were changed, as they are now.
    New,
    /// Those that were changed, as they were before.
    Old,
}

/// What an update did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Updated {
    /// How many documents were changed.
    pub count: u64,
    /// The documents that were asked for, in the order of the query as it was before.
    pub rows: Vec<RawDocument>,
}

impl Patch {
    /// A patch of these changes.
    pub fn new(changes: Vec<Change>) -> Self {
        Self { changes }
    }
}

impl Change {
    /// The field that is changed; of a [`Rename`](Self::Rename) the one it is moved to.
    pub fn path(&self) -> &FieldPath {
        match self {
            Self::Set { path, .. }
            | Self::Unset { path }
            | Self::SetExpr { path, .. }
            | Self::Inc { path, .. }
            | Self::Mul { path, .. }
            | Self::Min { path, .. }
            | Self::Max { path, .. }
            | Self::Push { path, .. }
            | Self::AddToSet { path, .. }
            | Self::Pull { path, .. }
            | Self::PopFirst { path }
            | Self::PopLast { path }
            | Self::Rename { to: path, .. } => path,
        }
    }

    /// The kind of value that must be at the path, if it is not null; none if any may be.
    pub const fn needs(&self) -> Option<FieldKind> {
        match self {
            Self::Inc { .. } | Self::Mul { .. } => Some(FieldKind::Number),
            Self::Min { value, .. } | Self::Max { value, .. } => Some(value.kind()),
            Self::Push { .. }
            | Self::AddToSet { .. }
            | Self::Pull { .. }
            | Self::PopFirst { .. }
            | Self::PopLast { .. } => Some(FieldKind::Array),
            Self::Set { .. } | Self::Unset { .. } | Self::SetExpr { .. } | Self::Rename { .. } => {
                None
            }
        }
    }
}
