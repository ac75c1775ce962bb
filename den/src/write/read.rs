//! Reading documents by their ids.

use std::{collections::HashMap, slice};

use den_backend::Result;

use crate::{
    Document, Id,
    document::decode,
    executor::Handle,
    links::LinkPlan,
    loading,
    write::{mark::settle, refusal::not_found},
};

pub(crate) async fn get<D: Document>(handle: &Handle, id: &Id<D>) -> Result<Option<D>> {
    handle.db().registered::<D>()?;
    if !id.is_storable() {
        return Ok(None);
    }
    let session = handle.read().await?;
    let found = session.get().get(D::COLLECTION, id.as_str()).await?;
    // The connection is free again for what is loaded along.
    drop(session);
    let Some(raw) = found else {
        return Ok(None);
    };
    let mut document = decode(&raw)?;
    if loading::is_needed::<D>() {
        loading::finish(handle, slice::from_mut(&mut document), &LinkPlan::default()).await?;
    }
    Ok(Some(document))
}

pub(crate) async fn get_many<D: Document>(handle: &Handle, ids: &[Id<D>]) -> Result<Vec<D>> {
    let mut documents = load_many(handle, ids).await?;
    if loading::is_needed::<D>() {
        loading::finish(handle, &mut documents, &LinkPlan::default()).await?;
    }
    Ok(documents)
}

/// As `get_many`, without links and hooks.
async fn load_many<D: Document>(handle: &Handle, ids: &[Id<D>]) -> Result<Vec<D>> {
    handle.db().registered::<D>()?;
    let wanted: Vec<&str> = ids
        .iter()
        .filter(|it| it.is_storable())
        .map(Id::as_str)
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let session = handle.read().await?;
    let rows = session.get().get_many(D::COLLECTION, &wanted).await?;
    let mut by_id: HashMap<String, D> = HashMap::with_capacity(rows.len());
    for raw in rows {
        let document = decode(&raw)?;
        by_id.insert(raw.id, document);
    }
    Ok(ids
        .iter()
        .filter_map(|id| by_id.remove(id.as_str()))
        .collect())
}

pub(crate) async fn refresh<D: Document>(handle: &Handle, document: &mut D) -> Result<()> {
    settle(document);
    let found = get(handle, document.id()).await?;
    let found = found.ok_or_else(|| not_found::<D>(document.id().as_str()))?;
    let before = std::mem::replace(document, found);
    if before.base().is_pending() {
        // What was read may be what the open transaction wrote.
        carry_over(handle, document, &before);
    }
    Ok(())
}

/// Has a rollback lead to what the document was before an open transaction wrote it.
fn carry_over<D: Document>(handle: &Handle, document: &mut D, before: &D) {
    let scope = handle.scope();
    let base = before.base().snapshot();
    document.base_mut().mark_written(scope.as_ref(), base);
    if let (Some(it), Some(before)) = (document.__deletion_mut(), before.__deletion()) {
        let found = std::mem::replace(it, before.clone());
        it.mark_changed(scope.as_ref(), found.into_mark());
    }
    if let (Some(it), Some(before)) = (document.__tracked_mut(), before.__tracked()) {
        let found = std::mem::replace(it, before.clone());
        if let Some(body) = found.current() {
            it.remember(scope, body);
        }
    }
}
