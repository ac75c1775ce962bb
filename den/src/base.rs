//! What every document carries: id, times, revision.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use den_backend::FieldKind;
use serde::{
    Deserialize, Serialize,
    ser::{SerializeMap, Serializer},
};

use crate::{
    Field, FieldType, Id, Nullable, Timestamp,
    fields::{path::Path, schema::Schema},
};

/// The part every document has in common; flattened into it.
///
/// # Behavior
///
/// - den fills it in: the id at the first insert unless one was set, the times at each write,
///   the revision where `#[den(revision)]` asks for one. A failed write leaves it as it was, as
///   [`Document`](crate::Document) says.
/// - It also remembers, outside of the stored form, whether the document was loaded or saved
///   before; a clone remembers too.
/// - When the transaction that wrote a document is rolled back, [`Document::id`], serialisation and
///   every operation see the document as it was before. The public fields are put back by the
///   next operation on the document, or by [`settle`](Self::settle).
///
/// [`Document::id`]: crate::Document::id
#[derive(Deserialize)]
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
    #[serde(rename = "_rev", default)]
    pub rev: Option<String>,
    #[serde(skip)]
    state: State<D>,
}

/// Whether the document is known to be stored.
enum State<D> {
    /// It was made by the application.
    New,
    /// It was loaded, or written outside of a transaction.
    Stored,
    /// It was written in a transaction whose outcome decides.
    Written(Box<Pending<D>>),
}

struct Pending<D> {
    scope: Arc<Scope>,
    before: Snapshot<D>,
}

/// What a write changes of a [`Base`], to be put back if it fails.
pub(crate) struct Snapshot<D> {
    id: Id<D>,
    created_at: Timestamp,
    updated_at: Timestamp,
    rev: Option<String>,
    state: State<D>,
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

    /// What the writes of this part belong to: what surrounds it, once it has ended well.
    pub(crate) fn owner(self: &Arc<Self>) -> Arc<Self> {
        let mut owner = self;
        while owner.is_committed()
            && let Some(parent) = &owner.parent
        {
            owner = parent;
        }
        Arc::clone(owner)
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

    /// Whether this part has ended well, and so has all that surrounds it.
    pub(crate) fn is_final(&self) -> bool {
        self.is_committed() && self.parent.as_deref().is_none_or(Self::is_final)
    }

    /// Whether this part has ended well; what becomes of its parent is another question.
    fn is_committed(&self) -> bool {
        self.committed.load(Ordering::Acquire)
    }
}

impl<D> Base<D> {
    /// Whether the document is stored, as far as this copy knows: it was loaded, or a write of it
    /// succeeded and was not rolled back. It stays true when the document is deleted, by this
    /// copy or someone else, so that a later `save` is refused.
    pub fn is_stored(&self) -> bool {
        match self.rolled_back_to() {
            Some(before) => before.state.is_stored(),
            None => self.state.is_stored(),
        }
    }

    /// Puts back what a rolled-back transaction had changed. Every operation starts with this.
    pub fn settle(&mut self) {
        loop {
            let State::Written(pending) = &mut self.state else {
                return;
            };
            if pending.scope.is_rolled_back() {
                let before = pending.before.clone();
                self.restore(before);
                continue;
            }
            if !pending.scope.is_committed() {
                return;
            }
            let Some(parent) = &pending.scope.parent else {
                self.state = State::Stored;
                return;
            };
            // What was written since a savepoint now belongs to what surrounds it.
            pending.scope = Arc::clone(parent);
            pending.merge();
        }
    }

    /// The state to go back to, if the transaction that wrote this copy was rolled back.
    fn rolled_back_to(&self) -> Option<&Snapshot<D>> {
        let mut to = None;
        let mut state = &self.state;
        while let State::Written(pending) = state
            && pending.scope.is_rolled_back()
        {
            to = Some(&pending.before);
            state = &pending.before.state;
        }
        to
    }

    /// The id, looking through a transaction that was rolled back.
    pub(crate) fn current_id(&self) -> &Id<D> {
        self.rolled_back_to().map_or(&self.id, |it| &it.id)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<D> {
        Snapshot {
            id: self.id.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            rev: self.rev.clone(),
            state: self.state.clone(),
        }
    }

    pub(crate) fn restore(&mut self, before: Snapshot<D>) {
        self.id = before.id;
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
    pub(crate) fn mark_written(&mut self, scope: Option<&Arc<Scope>>, before: Snapshot<D>) {
        self.state = match scope {
            None => State::Stored,
            Some(scope) => {
                let mut pending = Box::new(Pending {
                    scope: Arc::clone(scope),
                    before,
                });
                pending.merge();
                State::Written(pending)
            }
        };
    }

    /// Whether a transaction that is still open wrote this copy.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, State::Written(_))
    }
}

impl<D> Pending<D> {
    /// A second write in the same scope: rolling back leads to before the first.
    fn merge(&mut self) {
        if let State::Written(earlier) = &self.before.state
            && Arc::ptr_eq(&earlier.scope, &self.scope)
        {
            self.before = earlier.before.clone();
        }
    }
}

impl<D> State<D> {
    fn is_stored(&self) -> bool {
        match self {
            Self::New => false,
            Self::Stored | Self::Written(_) => true,
        }
    }
}

impl<D> Serialize for Base<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (id, created_at, updated_at, rev) = match self.rolled_back_to() {
            Some(it) => (&it.id, it.created_at, it.updated_at, &it.rev),
            None => (&self.id, self.created_at, self.updated_at, &self.rev),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("_id", id)?;
        map.serialize_entry("_created_at", &created_at)?;
        map.serialize_entry("_updated_at", &updated_at)?;
        if let Some(rev) = rev {
            map.serialize_entry("_rev", rev)?;
        }
        map.end()
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

impl<D> Clone for State<D> {
    fn clone(&self) -> Self {
        match self {
            Self::New => Self::New,
            Self::Stored => Self::Stored,
            Self::Written(pending) => Self::Written(Box::new(Pending {
                scope: Arc::clone(&pending.scope),
                before: pending.before.clone(),
            })),
        }
    }
}

impl<D> Clone for Snapshot<D> {
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

#[expect(
    clippy::derivable_impls,
    reason = "the derive would ask for `D: Default`"
)]
impl<D> Default for State<D> {
    fn default() -> Self {
        Self::New
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

impl<D> Eq for Base<D> {}

impl<D> Hash for Base<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        self.created_at.hash(state);
        self.updated_at.hash(state);
        self.rev.hash(state);
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
