//! The mark of deletion: one statement to set it, one to take it away.

use std::sync::Arc;

use den_backend::{
    Capability, Change, CompareOp, Error, ErrorKind, Expr, Field, FieldKind, FieldPath, Patch,
    Query, ReadWrite, Refusal, Result, Returning, Value,
};
use serde::{Deserialize, Serialize};

use crate::{
    Db, DeleteOptions, Document, Json, Timestamp,
    base::Scope,
    encode,
    executor::Handle,
    fields::schema::live,
    soft_delete::{DELETE_REASON, DELETED_AT, DELETED_BY, Mark},
    write::{
        draft::new_revision,
        refusal::{no_id, not_found, refused},
    },
};

/// Puts back what a rolled-back transaction had changed of the document.
pub(crate) fn settle<D: Document>(document: &mut D) {
    document.base_mut().settle();
    if let Some(it) = document.__deletion_mut() {
        it.settle();
    }
}

/// A field of den's own.
pub(crate) fn own_field(name: &str) -> Result<Expr> {
    let path = FieldPath::from_segments([name])?;
    Ok(Expr::Field(Field::document(path, FieldKind::Text)))
}

/// What the stored document must be for a write to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Must {
    /// Not marked as deleted.
    BeLive,
    /// Marked as deleted.
    BeMarked,
    /// There.
    Exist,
}

/// The query for the stored form of this very document, in the revision at hand.
pub(super) fn own_row<D: Document>(document: &D, must: Must) -> Result<Query> {
    let base = document.base();
    if base.id.is_empty() {
        return Err(no_id::<D>());
    }
    if !base.id.is_storable() {
        return Err(not_found::<D>(base.id.as_str()));
    }
    let equals = |name: &str, text: &str| {
        let text = Expr::Value(Value::Text(text.to_owned()));
        Ok::<_, Error>(Expr::compare(CompareOp::Eq, own_field(name)?, text))
    };
    let mut query = Query::new(D::COLLECTION);
    query.filter = equals("_id", base.id.as_str())?;
    match must {
        Must::BeLive => query.filter = query.filter.and(live()),
        Must::BeMarked => query.filter = query.filter.and(live().not()),
        Must::Exist => {}
    }
    if D::REVISION {
        let same_revision = match &base.rev {
            Some(rev) => equals("_rev", rev)?,
            None => Expr::IsNull(Box::new(own_field("_rev")?)),
        };
        query.filter = query.filter.and(same_revision);
    }
    Ok(query)
}

/// Why a write by [`own_row`] found nothing; `otherwise` is what to say of a document that is not
/// what it must be.
pub(super) async fn why_refused<D: Document>(
    session: &dyn ReadWrite,
    document: &D,
    must: Must,
    otherwise: &'static str,
) -> Error {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "_deleted_at", default)]
        deleted_at: Option<Json>,
    }

    let id = document.base().id.as_str();
    let stored = match session.get(D::COLLECTION, id).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return not_found::<D>(id),
        Err(error) => return error,
    };
    let head: Head = match encode::decode(D::COLLECTION, id, &stored.body) {
        Ok(head) => head,
        Err(error) => return error,
    };
    let is_as_it_must = match must {
        Must::BeLive => head.deleted_at.is_none(),
        Must::BeMarked => head.deleted_at.is_some(),
        Must::Exist => true,
    };
    if is_as_it_must {
        // So it is something else about it that the write did not find.
        return refused::<D>(Refusal::OtherRevision, id);
    }
    Error::new(ErrorKind::NotFound, otherwise)
        .with_collection(D::COLLECTION)
        .with_id(id)
}

/// The changes that mark a document as deleted.
pub(crate) fn deleted_patch<D: Document>(options: &DeleteOptions, now: Timestamp) -> Result<Patch> {
    let mark = (Some(now), options.by.clone(), options.reason.clone());
    let rev = D::REVISION.then(new_revision);
    patch_of(&mark, rev.as_deref())
}

/// The changes that take the mark away.
pub(crate) fn restored_patch<D: Document>() -> Result<Patch> {
    let rev = D::REVISION.then(new_revision);
    patch_of(&Mark::default(), rev.as_deref())
}

fn patch_of((at, by, reason): &Mark, rev: Option<&str>) -> Result<Patch> {
    let mut changes = vec![
        set_or_unset(DELETED_AT, at.as_ref())?,
        set_or_unset(DELETED_BY, by.as_ref())?,
        set_or_unset(DELETE_REASON, reason.as_ref())?,
    ];
    if rev.is_some() {
        changes.push(set_or_unset("_rev", rev)?);
    }
    Ok(Patch::new(changes))
}

pub(crate) fn set_or_unset(name: &str, value: Option<impl Serialize>) -> Result<Change> {
    let path = FieldPath::from_segments([name])?;
    Ok(match value {
        Some(value) => Change::Set {
            path,
            value: encode::operand(&value)?,
        },
        None => Change::Unset { path },
    })
}

const MARKED_ALREADY: &str = "the document is marked as deleted already; to delete it for good, \
     say `delete_with(&db, DeleteOptions::new().hard())`";
const NOT_MARKED: &str = "the document is not marked as deleted, so there is nothing to restore";

/// Marks the document as deleted.
pub(super) async fn mark_deleted<D: Document>(
    db: &Db,
    session: &dyn ReadWrite,
    scope: Option<&Arc<Scope>>,
    document: &mut D,
    options: &DeleteOptions,
) -> Result<()> {
    let mark = (Some(db.now()), options.by.clone(), options.reason.clone());
    change_mark(db, session, scope, document, mark).await
}

/// Takes the mark away.
pub(crate) async fn restore<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    let db = handle.db();
    db.registered::<D>()?;
    if !D::SOFT_DELETE {
        return Err(not_soft_deleting::<D>("restore"));
    }
    settle(document);
    let session = handle.write().await?;
    let scope = handle.scope();
    let (session, mark) = (session.get(), Mark::default());
    change_mark(db, session, scope.as_ref(), document, mark).await
}

/// The error for what only documents can do that are marked as deleted.
fn not_soft_deleting<D: Document>(what: &str) -> Error {
    let name = std::any::type_name::<D>();
    Error::new(
        ErrorKind::InvalidQuery,
        format!(
            "`{what}` is for documents that are marked as deleted, but `{name}` is deleted for \
             good; for the other way, add `#[serde(flatten)] deletion: SoftDelete` to it"
        ),
    )
    .with_collection(D::COLLECTION)
}

async fn change_mark<D: Document>(
    db: &Db,
    session: &dyn ReadWrite,
    scope: Option<&Arc<Scope>>,
    document: &mut D,
    mark: Mark,
) -> Result<()> {
    db.require(Capability::Patches)?;
    let (must, otherwise) = match mark {
        (Some(_), _, _) => (Must::BeLive, MARKED_ALREADY),
        (None, _, _) => (Must::BeMarked, NOT_MARKED),
    };
    let rev = D::REVISION.then(new_revision);
    let patch = patch_of(&mark, rev.as_deref())?;
    let query = own_row(document, must)?;
    if session
        .update(&query, &patch, Returning::Nothing)
        .await?
        .count
        == 0
    {
        return Err(why_refused(session, document, must, otherwise).await);
    }
    let before = document.base().snapshot();
    if rev.is_some() {
        document.base_mut().rev = rev;
    }
    document.base_mut().mark_written(scope, before);
    if let Some(it) = document.__deletion_mut() {
        it.mark_changed(scope, mark);
    }
    if let Some(it) = document.__tracked_mut() {
        it.patch(scope.cloned(), &patch)?;
    }
    Ok(())
}
