//! Documents that are marked as deleted instead of taken away.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use den_backend::FieldKind;
use serde::{
    Deserialize, Serialize,
    ser::{SerializeMap, Serializer},
};

use crate::{
    Embedded, Field, FieldType, Nullable, Timestamp,
    base::Scope,
    fields::{path::Path, schema::Schema},
};

/// The keys of the mark in a stored document.
pub(crate) const DELETED_AT: &str = "_deleted_at";
pub(crate) const DELETED_BY: &str = "_deleted_by";
pub(crate) const DELETE_REASON: &str = "_delete_reason";

/// Marks documents as deleted instead of taking them away; flattened into a document.
///
/// # Behavior
///
/// - `delete` fills this in, and queries leave such documents out unless they say
///   [`with_deleted`](crate::QuerySet::with_deleted). Reads by id, and links, still find them.
/// - A copy loaded before someone else deleted the document cannot be saved: that is `NotFound`. A
///   copy that is known to be deleted can be, and stays deleted; with `deleted_at` cleared it is
///   restored.
/// - A rolled-back transaction leaves it as [`Base`](crate::Base) says of itself.
/// - A unique index counts live documents only, unless it says `unique(with_deleted)`.
///
/// ```
/// # use den::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// struct Note {
///     #[serde(flatten)]
///     base: Base<Note>,
///     #[serde(flatten)]
///     deletion: SoftDelete,
///     text: String,
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Note,)>().await?;
/// let mut note = Note { text: "call Ada".into(), ..Default::default() };
/// note.save(&db).await?;
/// note.delete(&db).await?;
/// assert!(note.deletion.is_deleted());
/// assert_eq!(Note::query(&db).count().await?, 0);
///
/// note.restore(&db).await?;
/// assert_eq!(Note::query(&db).count().await?, 1);
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default, Deserialize)]
pub struct SoftDelete {
    /// When the document was deleted.
    #[serde(rename = "_deleted_at", default)]
    pub deleted_at: Option<Timestamp>,
    /// Who deleted it, if that was said.
    #[serde(rename = "_deleted_by", default)]
    pub deleted_by: Option<String>,
    /// Why, if that was said.
    #[serde(rename = "_delete_reason", default)]
    pub delete_reason: Option<String>,
    /// Whether the stored document is marked, as far as this copy knows.
    #[serde(skip)]
    is_stored_deleted: bool,
    /// What writes in transactions have changed here, to be put back; the newest last.
    #[serde(skip)]
    earlier: Vec<Earlier>,
}

/// What a write in a transaction has changed.
#[derive(Clone)]
struct Earlier {
    scope: Arc<Scope>,
    was_stored_deleted: bool,
    /// The fields, where the write changed them.
    mark: Option<Mark>,
}

/// The fields of a [`SoftDelete`]: when, by whom, why.
pub(crate) type Mark = (Option<Timestamp>, Option<String>, Option<String>);

impl SoftDelete {
    /// Whether the document is marked as deleted.
    pub fn is_deleted(&self) -> bool {
        let (deleted_at, _, _) = self.current();
        deleted_at.is_some()
    }

    /// Puts back what a rolled-back transaction had changed. Every operation starts with this.
    pub fn settle(&mut self) {
        while let Some(earlier) = self.earlier.pop_if(|it| it.scope.is_rolled_back()) {
            self.is_stored_deleted = earlier.was_stored_deleted;
            if let Some(mark) = earlier.mark {
                self.put(mark);
            }
        }
        // What nothing can take back any more need not be known.
        let last = self.earlier.iter().rposition(|it| it.scope.is_final());
        self.earlier.drain(..last.map_or(0, |it| it + 1));
    }

    /// Whether the stored document is marked, as far as this copy knows.
    pub(crate) fn is_stored_deleted(&self) -> bool {
        self.is_stored_deleted
    }

    /// Notes that this is what is stored.
    pub(crate) fn mark_loaded(&mut self) {
        self.is_stored_deleted = self.deleted_at.is_some();
        self.earlier.clear();
    }

    /// Notes that the document was written as it is, in a transaction if there is a scope.
    pub(crate) fn mark_written(&mut self, scope: Option<&Arc<Scope>>) {
        self.note(scope, None);
    }

    /// Takes over the mark that was written to the stored document, in a transaction if there is a
    /// scope.
    pub(crate) fn mark_changed(&mut self, scope: Option<&Arc<Scope>>, mark: Mark) {
        let before = (
            self.deleted_at.take(),
            self.deleted_by.take(),
            self.delete_reason.take(),
        );
        self.put(mark);
        self.note(scope, Some(before));
    }

    /// The fields alone.
    pub(crate) fn into_mark(self) -> Mark {
        (self.deleted_at, self.deleted_by, self.delete_reason)
    }

    /// Takes over what another copy knows of transactions.
    pub(crate) fn keep_history(&mut self, of: &Self) {
        self.is_stored_deleted = of.is_stored_deleted;
        self.earlier.clone_from(&of.earlier);
    }

    fn note(&mut self, scope: Option<&Arc<Scope>>, mark: Option<Mark>) {
        let was_stored_deleted = self.is_stored_deleted;
        self.is_stored_deleted = self.deleted_at.is_some();
        match scope {
            None => self.earlier.clear(),
            Some(_) if mark.is_none() && was_stored_deleted == self.is_stored_deleted => {}
            Some(scope) => self.earlier.push(Earlier {
                scope: Arc::clone(scope),
                was_stored_deleted,
                mark,
            }),
        }
    }

    fn put(&mut self, mark: Mark) {
        (self.deleted_at, self.deleted_by, self.delete_reason) = mark;
    }

    /// The fields, looking through a transaction that was rolled back.
    fn current(&self) -> (Option<Timestamp>, Option<&str>, Option<&str>) {
        let mut now = (&self.deleted_at, &self.deleted_by, &self.delete_reason);
        let rolled_back = self.earlier.iter().rev();
        for earlier in rolled_back.take_while(|it| it.scope.is_rolled_back()) {
            if let Some((at, by, reason)) = &earlier.mark {
                now = (at, by, reason);
            }
        }
        (*now.0, now.1.as_deref(), now.2.as_deref())
    }
}

impl Serialize for SoftDelete {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (at, by, reason) = self.current();
        let mut map = serializer.serialize_map(None)?;
        if let Some(at) = at {
            map.serialize_entry(DELETED_AT, &at)?;
        }
        if let Some(by) = by {
            map.serialize_entry(DELETED_BY, by)?;
        }
        if let Some(reason) = reason {
            map.serialize_entry(DELETE_REASON, reason)?;
        }
        map.end()
    }
}

impl PartialEq for SoftDelete {
    /// Compares what is stored.
    fn eq(&self, other: &Self) -> bool {
        self.deleted_at == other.deleted_at
            && self.deleted_by == other.deleted_by
            && self.delete_reason == other.delete_reason
    }
}

impl Eq for SoftDelete {}

impl Hash for SoftDelete {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.deleted_at.hash(state);
        self.deleted_by.hash(state);
        self.delete_reason.hash(state);
    }
}

impl fmt::Debug for SoftDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftDelete")
            .field("deleted_at", &self.deleted_at)
            .field("deleted_by", &self.deleted_by)
            .field("delete_reason", &self.delete_reason)
            .finish_non_exhaustive()
    }
}

/// The fields of [`SoftDelete`], for filters and sorts.
pub struct SoftDeleteFields<D> {
    /// When the document was deleted.
    pub deleted_at: Field<D, Timestamp, Nullable>,
    /// Who deleted it.
    pub deleted_by: Field<D, String, Nullable>,
    /// Why.
    pub delete_reason: Field<D, String, Nullable>,
}

impl SoftDelete {
    #[doc(hidden)]
    pub const fn __den_at<D, N>(path: Path) -> SoftDeleteFields<D> {
        SoftDeleteFields {
            deleted_at: Field::__new(path.child(DELETED_AT), FieldKind::Text),
            deleted_by: Field::__new(path.child(DELETED_BY), FieldKind::Text),
            delete_reason: Field::__new(path.child(DELETE_REASON), FieldKind::Text),
        }
    }
}

impl FieldType for SoftDelete {
    type Handle<D, N> = SoftDeleteFields<D>;

    const KIND: FieldKind = FieldKind::Object;

    fn handle<D, N>(path: Path) -> SoftDeleteFields<D> {
        Self::__den_at::<D, N>(path)
    }

    fn describe(schema: &mut Schema, path: Path) {
        for name in [DELETED_AT, DELETED_BY, DELETE_REASON] {
            schema.field(path.child(name), FieldKind::Text);
        }
    }
}

impl Embedded for SoftDelete {}

impl<D> Clone for SoftDeleteFields<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for SoftDeleteFields<D> {}

impl<D> fmt::Debug for SoftDeleteFields<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftDeleteFields")
    }
}
