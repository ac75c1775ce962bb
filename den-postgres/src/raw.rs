//! Statements that an application wrote itself.
//!
//! Rows are decoded by the types of their columns, so that any statement with rows will do (`RETURNING`,
//! `SHOW`, `EXPLAIN`), in the order in which they come. What cannot become JSON is told by the column's
//! type, before the statement is run.

mod decode;
pub(crate) mod time;

use std::error::Error as _;

use den_backend::{Error, ErrorKind, Result, Value};
use den_sql::{
    POSTGRES,
    placeholders::{Raw, raw},
};
use tokio_postgres::Row;

use crate::{
    call::{Answer, Call, Effect, Guard, collect},
    error::{Doing, ServerError, classify},
    pool::{Lease, Usage},
    raw::decode::Columns,
    runner::{Retry, Runner, Shared, Within},
    transaction::BEGIN_OWN,
    url::Statements,
    values::Bound,
};

/// Runs a statement for its rows, outside of a transaction.
pub(crate) async fn query(
    shared: &Shared,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<Vec<u8>>> {
    let raw = raw(POSTGRES, statement, parameters)?;
    let answer = match (raw.reads, shared.pool.statements()) {
        (true, Statements::Unnamed) => shared.run(call(raw)).await,
        (_, Statements::Cached) => looked_at(shared, &call(raw)).await,
        // What is sent under no name cannot be looked at before it is run.
        (false, Statements::Unnamed) => {
            let session = shared.begin(BEGIN_OWN).await?;
            let on = Within { session };
            match taken_back_unless_decoded(&on, call(raw)).await {
                Ok(answer) => on.session.commit().await.map(|()| answer),
                Err(error) => {
                    // The error says what happened; the rollback adds nothing to it.
                    let _rolled_back = on.session.rollback().await;
                    Err(error)
                }
            }
        }
    };
    decoded(&answer.map_err(in_terms)?.rows)
}

/// Runs a statement for its rows, in a transaction.
pub(crate) async fn query_within(on: &Within, raw: Raw) -> Result<Vec<Vec<u8>>> {
    let answer = match raw.reads {
        true => on.run(call(raw)).await,
        false => taken_back_unless_decoded(on, call(raw)).await,
    };
    decoded(&answer.map_err(in_terms)?.rows)
}

/// Runs a statement, and returns how many rows it changed.
pub(crate) async fn execute(on: &impl Runner, raw: Raw) -> Result<u64> {
    let reads = raw.reads;
    let answer = on.run(call(raw)).await.map_err(in_terms)?;
    // The server counts the rows that were read, too.
    Ok(if reads { 0 } else { answer.affected })
}

/// Reads a statement, so that one can see whether a transaction may run it.
pub(crate) fn parse(statement: &str, parameters: &[Value]) -> Result<Raw> {
    raw(POSTGRES, statement, parameters)
}

fn call(raw: Raw) -> Call {
    Call {
        sql: raw.sql.into(),
        params: raw.parameters.into_iter().map(bound).collect(),
        effect: match raw.reads {
            true => Effect::Read,
            false => Effect::Write,
        },
        guard: Guard::Savepoint,
    }
}

fn bound(value: Value) -> Bound {
    match value {
        Value::Null => Bound::NullableText(None),
        Value::Bool(it) => Bound::Bool(it),
        Value::Int(it) => Bound::BigInt(it),
        Value::Float(it) => Bound::Double(it),
        Value::Text(it) => Bound::Text(it),
        Value::Array(_) | Value::Object(_) => Bound::Json(value.to_string().into_bytes()),
    }
}

/// Runs a call on a free connection, once its columns were looked at.
async fn looked_at(shared: &Shared, call: &Call) -> Result<Answer> {
    let mut retry = Retry::default();
    loop {
        let lease = shared.pool.acquire().await?;
        lease.set_usage(Usage::Call);
        let error = match looked_at_on(&lease, call).await {
            Ok(outcome) => {
                lease.set_usage(Usage::Idle);
                return outcome;
            }
            Err(error) => classify(error, Doing::of(call.effect)),
        };
        if !retry.allows(&error, call.effect, &lease, &shared.pool) {
            return Err(error);
        }
    }
}

async fn looked_at_on(
    lease: &Lease,
    call: &Call,
) -> std::result::Result<Result<Answer>, tokio_postgres::Error> {
    let client = lease.client();
    let types = call.types();
    let statement = client.prepare_typed_cached(&call.sql, &types).await?;
    if let Err(refusal) = Columns::of(statement.columns()) {
        return Ok(Err(refusal));
    }
    let rows = client.query_raw(&statement, &call.params).await?;
    collect(rows).await.map(Ok)
}

/// Runs a call in a transaction; nothing of it is kept if its rows cannot become JSON.
async fn taken_back_unless_decoded(on: &Within, call: Call) -> Result<Answer> {
    let is_decoded = |answers: &[Answer]| answers.iter().all(|it| decoded(&it.rows).is_ok());
    let (mut answers, _) = on.session.batch(vec![call], is_decoded).await?;
    answers
        .pop()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the server did not answer"))
}

fn decoded(rows: &[Row]) -> Result<Vec<Vec<u8>>> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let columns = Columns::of(first.columns())?;
    rows.iter().map(|it| columns.row(it)).collect()
}

/// The error of a statement that is not about a document.
fn in_terms(error: Error) -> Error {
    let code = error.code().unwrap_or_default();
    // Wrong in itself: in its grammar, its names, its types, or for a value of those.
    let is_its_own = matches!(code.get(..2), Some("22" | "42" | "0A" | "54"));
    let is_told_apart = matches!(code, "42P01" | "42501" | "42883" | "22003");
    if !is_its_own || is_told_apart {
        return error;
    }
    let source = error
        .source()
        .and_then(|it| it.downcast_ref::<ServerError>());
    let it = Error::new(ErrorKind::Backend, "PostgreSQL refused the statement").with_code(code);
    match source {
        Some(source) => it.with_source(source.clone()),
        None => it.with_source(error),
    }
}
