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
    catalog::owner_of,
    error::{Doing, ServerError, classify, table_of},
    pool::{Lease, Usage},
    raw::decode::Columns,
    runner::{Retry, Runner, Shared, Within, in_terms_of},
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
    match answer {
        Ok(answer) => decoded(&answer.rows),
        Err(error) => Err(in_terms(shared, shared, error).await),
    }
}

/// Runs a statement for its rows, in a transaction.
pub(crate) async fn query_within(shared: &Shared, on: &Within, raw: Raw) -> Result<Vec<Vec<u8>>> {
    let answer = match raw.reads {
        true => on.run(call(raw)).await,
        false => taken_back_unless_decoded(on, call(raw)).await,
    };
    match answer {
        Ok(answer) => decoded(&answer.rows),
        Err(error) => Err(in_terms(shared, on, error).await),
    }
}

/// Runs a statement, and returns how many rows it changed.
pub(crate) async fn execute(shared: &Shared, on: &impl Runner, raw: Raw) -> Result<u64> {
    let reads = raw.reads;
    match on.run(call(raw)).await {
        // The server counts the rows that were read, too.
        Ok(answer) => Ok(if reads { 0 } else { answer.affected }),
        Err(error) => Err(in_terms(shared, on, error).await),
    }
}

/// Reads a statement, so that one can see whether a transaction may run it.
pub(crate) fn parse(statement: &str, parameters: &[Value]) -> Result<Raw> {
    raw(POSTGRES, statement, parameters)
}

fn call(raw: Raw) -> Call {
    // Whatever functions do that it calls, they change rows at most.
    let keeps_tables = raw.reads
        || matches!(
            raw.verb.as_str(),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "WITH"
        );
    Call {
        sql: raw.sql.into(),
        params: raw.parameters.into_iter().map(bound).collect(),
        // Also of one that reads: what its functions do must not be done twice.
        effect: Effect::Write,
        guard: Guard::Savepoint,
        redefines: !keeps_tables,
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
    call.check()?;
    let mut retry = Retry::default();
    loop {
        let lease = shared.pool.acquire().await?;
        lease.set_usage(Usage::Call);
        let (error, effect) = match looked_at_on(&lease, call).await {
            Ok(outcome) => {
                lease.set_usage(Usage::Idle);
                return outcome;
            }
            Err(Failed { error, effect }) => (classify(error, Doing::of(effect)), effect),
        };
        if !retry.allows(&error, effect, &lease, &shared.pool) {
            return Err(error);
        }
    }
}

/// A call that failed, and what it may have done by then.
struct Failed {
    error: tokio_postgres::Error,
    effect: Effect,
}

async fn looked_at_on(lease: &Lease, call: &Call) -> std::result::Result<Result<Answer>, Failed> {
    let client = lease.client();
    let types = call.types();
    let prepared = client.prepare_typed_cached(&call.sql, &types).await;
    // Until here it was only looked at.
    let effect = Effect::Read;
    let statement = prepared.map_err(|error| Failed { error, effect })?;
    if let Err(refusal) = Columns::of(statement.columns()) {
        return Ok(Err(refusal));
    }
    let run = async {
        let rows = client.query_raw(&statement, &call.params).await?;
        collect(rows).await
    };
    let effect = call.effect;
    run.await.map(Ok).map_err(|error| Failed { error, effect })
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

/// The error of a statement of which den does not know what it is about: in a document's terms where the
/// server names a constraint.
async fn in_terms(shared: &Shared, on: &impl Runner, error: Error) -> Error {
    let Some(constraint) = error.constraint() else {
        return of_itself(error);
    };
    let owner = match owner_of(constraint.name(), on).await {
        Ok(Some(owner)) => Some(owner),
        Ok(None) | Err(_) => table_of(&error).map(str::to_owned),
    };
    let Some(owner) = owner else { return error };
    match shared.collections.find(&owner, on).await {
        Ok(collection) => in_terms_of(shared, on, &collection, error).await,
        Err(_) => error,
    }
}

/// The error of a statement that is wrong.
fn of_itself(error: Error) -> Error {
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
