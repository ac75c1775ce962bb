//! Changes to documents where they lie.

use std::{collections::HashMap, sync::Arc};

use den_backend::{
    Access, Expr, Field, FieldKind, FieldPath, Patch, Query, RawDocument, Result, Returning,
    Select, Updated, Value,
};
use den_sql::{Layout, Layouts, SQLITE, Statement};

use crate::{
    connection::Connection,
    document,
    error::{Failure, Outcome},
    scan,
    session::{
        Batch, Session, Work, is_large, is_of_one, on_query, refresh, select, with_statement,
    },
    subject::Subject,
};

/// So many documents are looked at for the one that a constraint refused.
const MOST_TRIED: u64 = 10_000;

/// Changes the rows of a query.
///
/// # Behavior
///
/// - Rows are never locked by others while this writes: `query.lock` says nothing new.
pub(crate) async fn update<S: Session>(
    session: &S,
    query: &Query,
    patch: &Patch,
    returning: Returning,
    batch: Batch,
) -> Result<Updated> {
    match returning {
        Returning::Nothing => {
            let count = update_only(session, query, patch, batch).await?;
            Ok(Updated {
                count,
                rows: Vec::new(),
            })
        }
        Returning::New | Returning::Old => {
            update_found(session, query, patch, returning, batch).await
        }
    }
}

async fn update_only<S: Session>(
    session: &S,
    query: &Query,
    patch: &Patch,
    batch: Batch,
) -> Result<u64> {
    let render = |layouts: Layouts<'_>, query: &Query| statement(layouts, query, patch);
    let meant = Arc::new((query.clone(), patch.clone()));
    let work = move |connection: &Connection, statement: &Statement| {
        let (query, patch) = &*meant;
        scan::execute(connection, statement)
            .map_err(|failure| failure.of_patch(&query.collection, patch))
            .map_err(|failure| with_id(connection, failure, query, patch, batch))
    };
    with_statement(session, query, Access::ReadWrite, render, work).await
}

/// Finds the rows, then changes them: in one write transaction nothing comes in between.
async fn update_found<S: Session>(
    session: &S,
    query: &Query,
    patch: &Patch,
    returning: Returning,
    batch: Batch,
) -> Result<Updated> {
    refresh(session).await?;
    let patch = Arc::new(patch.clone());
    let wanted = Query {
        select: match returning {
            Returning::Old => Select::Document,
            Returning::Nothing | Returning::New => Select::Id,
        },
        ..query.clone()
    };
    on_query(session, query, |subject| {
        let found = subject.render(|layouts| select(layouts, &wanted));
        let in_one_go = subject.render(|layouts| statement(layouts, query, &patch));
        let kind = if is_of_one(query) && !is_large(&in_one_go) {
            Work::Write
        } else {
            Work::ScanWrite
        };
        let (subject, patch) = (subject.clone(), Arc::clone(&patch));
        let work = move |connection: &mut Connection| {
            let work = |it: &Connection| change_found(it, &subject, &found, &patch, returning);
            batch.run(connection, work, |_| true)
        };
        (kind, work)
    })
    .await
}

fn change_found(
    connection: &Connection,
    subject: &Subject,
    found: &Statement,
    patch: &Patch,
    returning: Returning,
) -> Outcome<Updated> {
    let found = scan::all(connection, found)?;
    if found.is_empty() {
        return Ok(Updated::default());
    }
    let ids: Vec<String> = found.iter().map(|it| it.id.clone()).collect();
    let collection = &subject.collection;
    let query = Query {
        filter: has_id(&ids)?,
        ..Query::new(collection.name())
    };
    let statement = subject.render(|layouts| statement(layouts, &query, patch));
    let count = scan::execute(connection, &statement)
        .map_err(|failure| failure.of_patch(collection.name(), patch))
        .map_err(|failure| with_id(connection, failure, &query, patch, Batch::Savepoint))?;
    let rows = match returning {
        Returning::Nothing => Vec::new(),
        Returning::Old => found,
        Returning::New => in_order(document::get_many(connection, collection, &ids)?, &ids),
    };
    Ok(Updated { count, rows })
}

/// The statement that changes the rows of a query.
pub(crate) fn statement(layouts: Layouts<'_>, query: &Query, patch: &Patch) -> Statement {
    // The rows are read in statements of their own.
    den_sql::update(SQLITE, layouts, query, patch, Returning::Nothing)
}

/// The failure, with the id of the document that a constraint refused.
///
/// # Behavior
///
/// - The message of a trigger cannot hold it. So each document is changed by itself until one is refused,
///   and that is taken back.
fn with_id(
    connection: &Connection,
    failure: Failure,
    query: &Query,
    patch: &Patch,
    batch: Batch,
) -> Failure {
    if !failure.is_of_constraint() {
        return failure;
    }
    let found = batch.run(connection, |it| refused(it, query, patch), |_| false);
    match found {
        Ok(Some(id)) => failure.of_document(&id),
        // Without it, what failed is said all the same.
        Ok(None) | Err(_) => failure,
    }
}

fn refused(connection: &Connection, query: &Query, patch: &Patch) -> Outcome<Option<String>> {
    let layout = Layout::new(query.collection.as_str());
    let limit = query.limit.unwrap_or(MOST_TRIED).min(MOST_TRIED);
    let wanted = Query {
        select: Select::Id,
        limit: Some(limit),
        ..query.clone()
    };
    for row in scan::all(connection, &select((&layout).into(), &wanted))? {
        let one = Query {
            filter: has_id(std::slice::from_ref(&row.id))?,
            ..Query::new(query.collection.as_str())
        };
        let done = scan::execute(connection, &statement((&layout).into(), &one, patch));
        if done.is_err_and(|failure| failure.is_of_constraint()) {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// The filter for documents with these ids.
pub(crate) fn has_id(ids: &[String]) -> Result<Expr> {
    let id = Field::document(FieldPath::parse("_id")?, FieldKind::Text);
    Ok(Expr::In {
        operand: Box::new(Expr::Field(id)),
        values: ids.iter().map(|it| Value::from(it.as_str())).collect(),
    })
}

fn in_order(mut rows: Vec<RawDocument>, ids: &[String]) -> Vec<RawDocument> {
    let places: HashMap<&str, usize> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| (id.as_str(), i))
        .collect();
    rows.sort_by_key(|it| places.get(it.id.as_str()).copied());
    rows
}
