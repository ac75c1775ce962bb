//! An index on a table that has rows already, built while others go on writing.
//!
//! `CREATE INDEX CONCURRENTLY` runs outside of a transaction and waits for every transaction that
//! was running before it, so processes take turns as [`ddl`](crate::ddl) describes.

use den_backend::{
    CollectionMeta, Constraint, Direction, Error, ErrorKind, Expr, Field, FieldKind, IndexKind,
    IndexMeta, Query, Result, Root, Sort, Value,
};
use den_sql::{POSTGRES, schema};
use futures_util::TryStreamExt as _;

use crate::{
    catalog::{Standing, State},
    ddl::{lock_build, unlock_build},
    error::{Doing, classify, is_fatal},
    pool::{Lease, Usage},
    progress::told,
    runner::{Direct, Runner as _, Shared},
    schema::record,
    stream,
};

/// Takes back the settings of the build.
const RESET: &str = "RESET statement_timeout; RESET lock_timeout";

/// A build may take longer than any statement of the application. It waits for the transactions
/// that were running before it, but not for ever: one of them may be the caller's own.
const NO_TIME_LIMIT: &str = "SET statement_timeout = 0; SET lock_timeout = '60s'";

/// Builds an index that does not exist, or only as the leftover of an interrupted build.
pub(crate) async fn build(shared: &Shared, meta: &CollectionMeta, index: &IndexMeta) -> Result<()> {
    let lease = shared.pool.acquire().await?;
    // Dropped midway, the build is cancelled, and the connection closed with the lock it holds.
    lease.set_usage(Usage::Stream);
    let on = Direct {
        lease: &lease,
        statements: shared.pool.statements(),
    };
    lock_build(&on, &meta.name).await?;
    run_text(&lease, NO_TIME_LIMIT).await?;
    let names = (meta.name.as_str(), index.name.as_str());
    let built = told(shared, &lease, names, build_alone(&on, meta, index)).await;
    match &built {
        Err(error) if is_fatal(error) => lease.set_usage(Usage::Broken),
        Ok(()) | Err(_) => {
            run_text(&lease, RESET).await?;
            unlock_build(&on, &meta.name).await?;
            lease.set_usage(Usage::Idle);
        }
    }
    // The search for the offender wants a connection too, and there may be only this one.
    drop(lease);
    let Err(error) = built else { return Ok(()) };
    if error.kind() != ErrorKind::Duplicate {
        return Err(error);
    }
    match offender(shared, &meta.name, index).await {
        Ok(Some(id)) => Err(error.with_id(id)),
        Ok(None) | Err(_) => Err(error),
    }
}

async fn build_alone(on: &Direct<'_>, meta: &CollectionMeta, index: &IndexMeta) -> Result<()> {
    let collection = meta.name.as_str();
    let state = State::read(collection, on).await?;
    if state.standing(index) == Standing::Made {
        // Another process was faster.
        return Ok(());
    }
    let drop_it = schema::drop_index(POSTGRES, collection, &index.name, index.kind);
    if state.has_index(&index.name) {
        run_all(on.lease, &drop_it).await?;
    }
    let layout = state.layout(collection, Some(meta));
    let build = schema::create_index(POSTGRES, &layout, index, true);
    if let Err(error) = run_all(on.lease, &build).await {
        if !is_fatal(&error) {
            // A failed build leaves an invalid index, which would cost every write.
            run_all(on.lease, &drop_it).await?;
        }
        return Err(in_index_terms(error, collection, index));
    }
    on.run(record(collection, index)).await?;
    Ok(())
}

async fn run_all(lease: &Lease, statements: &[String]) -> Result<()> {
    for sql in statements {
        run_text(lease, sql).await?;
    }
    Ok(())
}

async fn run_text(lease: &Lease, sql: &str) -> Result<()> {
    let outcome = lease.client().batch_execute(sql).await;
    outcome.map_err(|error| classify(error, Doing::Call))
}

/// An error of making an index, with its collection, and its fields on a `Duplicate`.
pub(crate) fn in_index_terms(error: Error, collection: &str, index: &IndexMeta) -> Error {
    let error = error.with_collection(collection);
    if error.kind() != ErrorKind::Duplicate {
        return error;
    }
    let fields = index.fields.iter();
    let fields = fields.map(|(field, _)| field.path.to_string()).collect();
    error
        .with_context("the unique index was not made")
        .with_constraint(Constraint::new(&index.name, fields))
}

/// Finds a document whose values under a unique index another one has too: sorted by these values,
/// the two are neighbours.
async fn offender(shared: &Shared, collection: &str, index: &IndexMeta) -> Result<Option<String>> {
    if index.kind != IndexKind::Unique {
        return Ok(None);
    }
    let mut query = Query::new(collection);
    let mut present = Vec::new();
    for (field, _) in &index.fields {
        let field = Field {
            root: Root::Document,
            path: field.path.clone(),
            kind: field.kind,
        };
        let null = Expr::IsNull(Box::new(Expr::Field(field.clone())));
        present.push(Expr::Not(Box::new(null)));
        query.sort.push(Sort::field(field, Direction::Asc));
    }
    query.filter = index.filter.clone().and(Expr::And(present));
    let mut rows = stream::query(shared, &query).await?;
    let mut before: Option<Vec<Value>> = None;
    while let Some(row) = rows.try_next().await? {
        let Ok(document) = serde_json::from_slice::<Value>(&row.body) else {
            continue;
        };
        let values = index.fields.iter().map(|(field, _)| {
            let value = document.at(field.path.segments())?;
            is_of(value, field.kind).then(|| value.clone())
        });
        let Some(values) = values.collect::<Option<Vec<Value>>>() else {
            continue;
        };
        if before.as_ref() == Some(&values) {
            return Ok(Some(row.id));
        }
        before = Some(values);
    }
    Ok(None)
}

/// Whether a value takes part in an index over values of this kind.
fn is_of(value: &Value, kind: FieldKind) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) => matches!(kind, FieldKind::Bool | FieldKind::Any),
        Value::Int(_) | Value::Float(_) => matches!(kind, FieldKind::Number | FieldKind::Any),
        Value::Text(_) => matches!(kind, FieldKind::Text | FieldKind::Any),
        Value::Array(_) => matches!(kind, FieldKind::Array | FieldKind::Any),
        Value::Object(_) => matches!(kind, FieldKind::Object | FieldKind::Any),
    }
}
