//! A save of what was changed only.

use std::{slice, sync::Arc};

use den_backend::{
    Capabilities, Capability, Expr, Field, FieldKind, Patch, ReadWrite, Result, Returning,
};

use crate::{
    Document, Timestamp,
    attachments::counting,
    base::Scope,
    changes::Comparison,
    executor::Handle,
    links::{SaveRun, cascade},
    write::{
        atomically,
        chain::{after_write, before_write},
        draft::{Draft, MayChange, check, new_revision, next_update_time},
        mark::{Must, own_row, set_or_unset, why_refused},
        put::is_plain,
        refusal::GONE,
    },
};

/// Writes what was changed since the document was loaded or saved; whether that was anything.
pub(crate) async fn save_changes<D: Document>(handle: &Handle, document: &mut D) -> Result<bool> {
    handle.db().registered::<D>()?;
    handle.db().require(Capability::Patches)?;
    counting::check::<D>(handle.db())?;
    let draft = Draft::new(slice::from_mut(document), MayChange::Anything);
    let document = &mut draft.documents[0];
    let comparison = match Comparison::of(document) {
        Ok(comparison) => comparison,
        Err(error) => return draft.end(Err(error)),
    };
    // What is carried in owned links may have been changed all the same.
    if comparison.is_empty() && !D::OWNED {
        return draft.end(Ok(false));
    }
    let outcome = if is_plain::<D>(false) {
        save_plain(handle, document, comparison).await
    } else {
        Box::pin(atomically(handle, async |tx| {
            let run = SaveRun::default();
            if comparison.is_empty() {
                cascade::on_save(&run, &tx, document, false).await?;
                // A link to what was new until now is a change.
                if Comparison::of(document)?.is_empty() {
                    return Ok(false);
                }
            }
            before_write(&run, &tx, document, false, false).await?;
            // Hooks may have changed the document, or changed it back.
            let comparison = Comparison::of(document)?;
            if comparison.is_empty() {
                return Ok(false);
            }
            let held = counting::held_by_stored(&tx, document).await?;
            let session = tx.session().await?;
            let now = tx.db().now();
            write(&*session, Some(&tx.scope()), document, comparison, now).await?;
            counting::count_patched(&tx, document, &held).await?;
            after_write(&tx, document, false).await?;
            Ok(true)
        }))
        .await
    };
    draft.end(outcome)
}

async fn save_plain<D: Document>(
    handle: &Handle,
    document: &mut D,
    comparison: Comparison,
) -> Result<bool> {
    check(document)?;
    let session = handle.write().await?;
    let scope = handle.scope();
    let now = handle.db().now();
    write(session.get(), scope.as_ref(), document, comparison, now).await?;
    Ok(true)
}

/// The one statement.
async fn write<D: Document>(
    session: &dyn ReadWrite,
    scope: Option<&Arc<Scope>>,
    document: &mut D,
    comparison: Comparison,
    now: Timestamp,
) -> Result<()> {
    if D::LINKS {
        cascade::refuse_unstored(document)?;
    }
    let is_live = document
        .__deletion()
        .is_some_and(|it| !it.is_stored_deleted());
    let must = match is_live {
        true => Must::BeLive,
        false => Must::Exist,
    };
    let mut query = own_row(document, must)?;
    if !D::REVISION {
        // Someone else may have taken away what a value lies in, and the value alone must not be
        // all there is of it.
        for parent in comparison.parents()? {
            let parent = Expr::Field(Field::document(parent, FieldKind::Any));
            query.filter = query.filter.and(Expr::IsNull(Box::new(parent)).not());
        }
    }
    let before = document.base().snapshot();
    let updated_at = next_update_time(document.base(), now);
    let mut changes = comparison.into_patch::<D>()?;
    changes.push(set_or_unset("_updated_at", Some(updated_at))?);
    let rev = D::REVISION.then(new_revision);
    if rev.is_some() {
        changes.push(set_or_unset("_rev", rev.as_deref())?);
    }
    let patch = Patch::new(changes);
    patch.check(Capabilities::none()).map_err(|it| {
        it.with_collection(D::COLLECTION)
            .with_id(document.id().as_str())
    })?;
    if session
        .update(&query, &patch, Returning::Nothing)
        .await?
        .count
        == 0
    {
        return Err(why_refused(session, document, must, GONE).await);
    }
    let base = document.base_mut();
    base.updated_at = updated_at;
    if rev.is_some() {
        base.rev = rev;
    }
    base.mark_written(scope, before);
    if let Some(it) = document.__deletion_mut() {
        it.mark_written(scope);
    }
    if let Some(it) = document.__tracked_mut() {
        it.patch(scope.cloned(), &patch)?;
    }
    Ok(())
}
