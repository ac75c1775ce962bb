//! One batch of a walk over a collection.

use den_backend::{
    Capability, Error, ErrorKind, Expectation, LockMode, OnRefusal, Put, PutOutcome, Query,
    RawDocument, Result, Seek, Transaction, check::check_collection,
};
use futures_util::TryStreamExt as _;

use super::{log::Position, registry::Batch};
use crate::{Db, Json, encode, write::new_revision};

/// Changes the documents that follow a position; answers the new position, and whether it is the end.
pub(super) async fn run(
    db: &Db,
    session: &dyn Transaction,
    batch: &Batch,
    position: Option<Position>,
) -> Result<(Position, bool)> {
    let collection = batch.collection.as_str();
    check_collection(collection)?;
    let mut query = Query::new(collection);
    let mut position = match position {
        Some(position) => position,
        None => Position {
            total: session.count(&query).await?,
            ..Position::default()
        },
    };
    if let Some(after) = &position.after {
        query.seek = Some(Seek {
            keys: Vec::new(),
            id: after.clone(),
        });
    }
    query.limit = Some(batch.size);
    if db.capabilities().has(Capability::RowLocks) {
        // What is changed is what was read.
        query.lock = Some(LockMode::Wait);
    }
    let rows: Vec<RawDocument> = session.query(&query).await?.try_collect().await?;
    let changed = change_all(db, batch, &rows)?;
    let puts: Vec<Put<'_>> = changed
        .iter()
        .map(|(id, body)| Put {
            id,
            body,
            expect: Expectation::Present,
        })
        .collect();
    if !puts.is_empty() {
        let outcomes = session
            .put_many(collection, &puts, OnRefusal::Abort)
            .await?;
        let is_refused = |it: &PutOutcome| matches!(it, PutOutcome::Refused(_));
        if outcomes.iter().any(is_refused) {
            return Err(Error::new(
                ErrorKind::Serialization,
                "a document was deleted while it was to be changed",
            )
            .with_collection(collection));
        }
    }
    let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    position.done += count(rows.len());
    position.changed += count(changed.len());
    let is_last = count(rows.len()) < batch.size;
    if let Some(last) = rows.into_iter().next_back() {
        position.after = Some(last.id);
    }
    Ok((position, is_last))
}

/// The documents that change, with their new bodies.
fn change_all<'a>(
    db: &Db,
    batch: &Batch,
    rows: &'a [RawDocument],
) -> Result<Vec<(&'a str, Vec<u8>)>> {
    let mut changed = Vec::new();
    for row in rows {
        let body = change_one(db, batch, row).map_err(|error| {
            error
                .with_collection(batch.collection.as_str())
                .with_id(&row.id)
        })?;
        if let Some(body) = body {
            changed.push((row.id.as_str(), body));
        }
    }
    Ok(changed)
}

fn change_one(db: &Db, batch: &Batch, row: &RawDocument) -> Result<Option<Vec<u8>>> {
    let before: Json = encode::decode(&batch.collection, &row.id, &row.body)?;
    let Some(mut after) = (batch.change)(before.clone())? else {
        return Ok(None);
    };
    if after == before {
        return Ok(None);
    }
    let Some(map) = after.as_object_mut() else {
        return Err(Error::new(
            ErrorKind::InvalidDocument,
            "a document is a JSON object",
        ));
    };
    if map.get("_id") != before.get("_id") {
        return Err(Error::new(
            ErrorKind::InvalidDocument,
            "a document keeps its id for life",
        ));
    }
    map.insert("_updated_at".to_owned(), db.now().to_string().into());
    if before.get("_rev").is_some_and(Json::is_string) {
        map.insert("_rev".to_owned(), new_revision().into());
    }
    encode::document(&after).map(Some)
}
