//! What every document carries: id, times, revision.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use den_backend::FieldKind;
use serde::{Deserialize, Serialize};

use crate::{
    Field, FieldType, Id, Nullable, Timestamp,
    fields::{path::Path, schema::Schema},
};

/// The part every document has in common; flattened into it.
///
/// # Behavior
///
/// - den fills it in: the id at the first insert unless one was set, the times at each write,
///   the revision where `#[den(revision)]` asks for one. A failed write leaves it as it was.
/// - It also remembers, outside of the stored form, whether the document was loaded or saved
///   before; a clone remembers too.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Base<D> {
    /// The id; empty until the first insert.
    #[serde(rename = "_id", default)]
    pub id: Id<D>,
    /// When the document was first inserted.
    #[serde(rename = "_created_at", default)]
    pub created_at: Timestamp,
    /// When the document was last written.
    #[serde(rename = "_updated_at", default)]
    pub updated_at: Timestamp,
    /// The revision, on types with `#[den(revision)]`: a text that each write changes.
    #[serde(rename = "_rev", default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    #[serde(skip)]
    state: State,
}

/// Whether the document is known to be stored.
#[derive(Debug, Clone, Default)]
enum State {
    /// It was made by the application.
    #[default]
    New,
    /// It was loaded, or written outside of a transaction.
    Stored,
    /// It was written in a transaction whose outcome decides.
    Written(Box<Pending>),
}

#[derive(Debug, Clone)]
struct Pending {
    scope: Arc<Scope>,
    before: Snapshot,
}

/// What a write changes of a [`Base`], to be put back if it fails.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    rev: Option<String>,
    state: State,
}

/// A transaction, or the part of one since a savepoint, as far as documents care: was it rolled
/// back?
#[derive(Debug, Default)]
pub(crate) struct Scope {
    rolled_back: AtomicBool,
    committed: AtomicBool,
    parent: Option<Arc<Scope>>,
}

impl Scope {
    pub(crate) fn within(parent: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            parent: Some(Arc::clone(parent)),
            ..Self::default()
        })
    }

    pub(crate) fn mark_rolled_back(&self) {
        self.rolled_back.store(true, Ordering::Release);
    }

    pub(crate) fn mark_committed(&self) {
        self.committed.store(true, Ordering::Release);
    }

    pub(crate) fn is_rolled_back(&self) -> bool {
        self.rolled_back.load(Ordering::Acquire)
            || self.parent.as_deref().is_some_and(Self::is_rolled_back)
    }

    fn is_committed(&self) -> bool {
        let parent = self.parent.as_deref();
        self.committed.load(Ordering::Acquire) && parent.is_none_or(Self::is_committed)
    }
}

impl<D> Base<D> {
    /// Whether the document is stored, as far as this copy knows: it was loaded, or a write of it
    /// succeeded and was not rolled back.
    pub fn is_stored(&self) -> bool {
        match &self.state {
            State::New => false,
            State::Stored => true,
            State::Written(pending) if pending.scope.is_rolled_back() => pending.before.is_stored(),
            State::Written(_) => true,
        }
    }

    /// Puts back what a rolled-back transaction had changed. Every operation starts with this.
    pub(crate) fn settle(&mut self) {
        while let State::Written(pending) = &self.state {
            if pending.scope.is_rolled_back() {
                let before = pending.before.clone();
                self.restore(before);
            } else {
                if pending.scope.is_committed() {
                    self.state = State::Stored;
                }
                return;
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            id: self.id.as_str().to_owned(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            rev: self.rev.clone(),
            state: self.state.clone(),
        }
    }

    pub(crate) fn restore(&mut self, before: Snapshot) {
        self.id = Id::new(before.id);
        self.created_at = before.created_at;
        self.updated_at = before.updated_at;
        self.rev = before.rev;
        self.state = before.state;
    }

    /// Marks the document as loaded.
    pub(crate) fn mark_stored(&mut self) {
        self.state = State::Stored;
    }

    /// Marks the document as written, `before` being what it was; in a transaction, for as long
    /// as that is not rolled back.
    pub(crate) fn mark_written(&mut self, scope: Option<&Arc<Scope>>, before: Snapshot) {
        self.state = match scope {
            None => State::Stored,
            Some(scope) => State::Written(match before.state {
                // A second write in the same scope: rolling back leads to before the first.
                State::Written(pending) if Arc::ptr_eq(&pending.scope, scope) => pending,
                State::New | State::Stored | State::Written(_) => Box::new(Pending {
                    scope: Arc::clone(scope),
                    before,
                }),
            }),
        };
    }
}

impl Snapshot {
    fn is_stored(&self) -> bool {
        match &self.state {
            State::New => false,
            State::Stored => true,
            State::Written(pending) if pending.scope.is_rolled_back() => pending.before.is_stored(),
            State::Written(_) => true,
        }
    }
}

/// The fields of [`Base`], for filters and sorts.
pub struct BaseFields<D> {
    /// The id, served by the primary key.
    pub id: Field<D, Id<D>>,
    /// When the document was first inserted.
    pub created_at: Field<D, Timestamp>,
    /// When the document was last written.
    pub updated_at: Field<D, Timestamp>,
    /// The revision.
    pub rev: Field<D, String, Nullable>,
}

impl<E> Base<E> {
    #[doc(hidden)]
    pub const fn __den_at<D, N>(path: Path) -> BaseFields<D> {
        BaseFields {
            id: Field::__new(path.child("_id"), FieldKind::Text),
            created_at: Field::__new(path.child("_created_at"), FieldKind::Text),
            updated_at: Field::__new(path.child("_updated_at"), FieldKind::Text),
            rev: Field::__new(path.child("_rev"), FieldKind::Text),
        }
    }
}

impl<E> FieldType for Base<E> {
    type Handle<D, N> = BaseFields<D>;

    const KIND: FieldKind = FieldKind::Object;

    fn handle<D, N>(path: Path) -> BaseFields<D> {
        Self::__den_at::<D, N>(path)
    }

    fn describe(schema: &mut Schema, path: Path) {
        for name in ["_id", "_created_at", "_updated_at", "_rev"] {
            schema.field(path.child(name), FieldKind::Text);
        }
    }
}

// Written out, because derives would ask the same of `D`.

impl<D> Clone for Base<D> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            rev: self.rev.clone(),
            state: self.state.clone(),
        }
    }
}

impl<D> Default for Base<D> {
    fn default() -> Self {
        Self {
            id: Id::default(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            rev: None,
            state: State::New,
        }
    }
}

impl<D> PartialEq for Base<D> {
    /// Compares what is stored.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.created_at == other.created_at
            && self.updated_at == other.updated_at
            && self.rev == other.rev
    }
}

impl<D> fmt::Debug for Base<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("rev", &self.rev)
            .finish_non_exhaustive()
    }
}

impl<D> Clone for BaseFields<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for BaseFields<D> {}

impl<D> fmt::Debug for BaseFields<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseFields")
    }
}
