//! Several documents, all or none.

use std::collections::HashMap;

use den_backend::{Capability, OnRefusal, Put, Result};

use crate::{
    Document,
    executor::Handle,
    links::SaveRun,
    write::{
        atomically,
        chain::put_in,
        draft::{Draft, MayChange, checked},
        put::{Intent, is_plain},
        refusal::{accept, nth},
    },
};

pub(crate) async fn insert_many<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    put_many(handle, documents, Intent::Insert).await
}

pub(crate) async fn save_all<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    put_many(handle, documents, Intent::Save).await
}

async fn put_many<D: Document>(handle: &Handle, documents: &mut [D], intent: Intent) -> Result<()> {
    handle.db().registered::<D>()?;
    if documents.is_empty() {
        return Ok(());
    }
    if !is_plain::<D>(false) {
        return Box::pin(put_each(handle, documents, intent)).await;
    }
    if documents.len() > 1 {
        handle.db().require(Capability::AtomicBatches)?;
    }
    let mut draft = Draft::new(documents, MayChange::Base);
    let outcome = put_together(handle, &mut draft, intent).await;
    draft.end(outcome)
}

/// Writes all in one call.
async fn put_together<D: Document>(
    handle: &Handle,
    draft: &mut Draft<'_, D>,
    intent: Intent,
) -> Result<()> {
    let total = draft.documents.len();
    let mut writes = Vec::with_capacity(total);
    for (at, document) in draft.documents.iter_mut().enumerate() {
        let write = checked(document, intent, handle.db().now());
        writes.push(write.map_err(|it| nth(it, at, total))?);
    }
    // Of several documents with one id the last is stored.
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(total);
    for (at, write) in writes.iter().enumerate() {
        last.insert(&write.id, at);
    }
    let kept = || {
        writes
            .iter()
            .enumerate()
            .filter(|(at, it)| last.get(it.id.as_str()) == Some(at))
    };
    let puts: Vec<Put<'_>> = kept().map(|(_, write)| write.put()).collect();
    let session = handle.write().await?;
    let outcomes = session
        .get()
        .put_many(D::COLLECTION, &puts, OnRefusal::Abort)
        .await;
    let outcomes =
        outcomes.map_err(
            |error| match error.id().and_then(|id| last.get(id).copied()) {
                Some(at) => nth(error, at, total),
                None => error,
            },
        )?;
    for ((at, write), outcome) in kept().zip(outcomes) {
        accept::<D>(write, outcome).map_err(|it| nth(it, at, total))?;
    }
    draft.written(handle.scope().as_ref(), &writes);
    Ok(())
}

/// Writes one after the other, each with all that belongs to it.
async fn put_each<D: Document>(handle: &Handle, documents: &mut [D], intent: Intent) -> Result<()> {
    let draft = Draft::new(documents, MayChange::Anything);
    let documents = &mut *draft.documents;
    let outcome = atomically(handle, async |tx| {
        let run = SaveRun::default();
        let total = documents.len();
        let last = last_of_each_id(documents);
        for (at, document) in documents.iter_mut().enumerate() {
            if last.get(document.id().as_str()).is_some_and(|it| *it != at) {
                continue;
            }
            put_in(&run, &tx, document, intent, false)
                .await
                .map_err(|it| nth(it, at, total))?;
        }
        Ok(())
    })
    .await;
    draft.end(outcome)
}

/// Where the last document with each id stands; those without an id are none of them.
pub(super) fn last_of_each_id<D: Document>(documents: &[D]) -> HashMap<String, usize> {
    documents
        .iter()
        .enumerate()
        .filter(|(_, it)| !it.id().is_empty())
        .map(|(at, it)| (it.id().as_str().to_owned(), at))
        .collect()
}
