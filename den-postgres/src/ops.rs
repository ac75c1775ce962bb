//! The operations of the contract, the same on any connection and in a transaction.

use std::sync::Arc;

use den_backend::{
    DeleteOutcome, Error, ErrorKind, Expectation, Explain, ExplainMode, Grouping, LockMode,
    OnConflict, Patch, Put, PutOutcome, Query, RawDocument, Refusal, Result, Returning, Updated,
    Upsert, UpsertOutcome,
};
use den_sql::{Dialect, Layouts, POSTGRES, Param, Statement};

use crate::{
    call::{Answer, Call, Effect, Guard},
    catalog::{Collection, kind_of},
    error::{of_patch, of_query},
    runner::{Runner, Shared, run_on},
    subject::Subject,
    values::{Bound, JsonText, column, document},
};

pub(crate) async fn get(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    id: &str,
) -> Result<Option<RawDocument>> {
    let it = shared.collections.find(collection, on).await?;
    let call = Call::read(Arc::clone(&it.texts.get), vec![text(id)]);
    first_document(&run_on(shared, on, &it, call).await?)
}

pub(crate) async fn get_for_update(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    id: &str,
    mode: LockMode,
) -> Result<Option<RawDocument>> {
    let it = shared.collections.find(collection, on).await?;
    let call = Call::read(it.texts.lock(mode), vec![text(id)]).guarded_by(match mode {
        LockMode::NoWait => Guard::Savepoint,
        LockMode::Wait | LockMode::SkipLocked => Guard::TimeLimit,
    });
    let answer = run_on(shared, on, &it, call).await;
    first_document(&answer.map_err(|error| name_document(error, id))?)
}

pub(crate) async fn get_many(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    ids: &[&str],
) -> Result<Vec<RawDocument>> {
    let it = shared.collections.find(collection, on).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.iter().map(|it| (*it).to_owned()).collect();
    let call = Call::read(Arc::clone(&it.texts.get_many), vec![Bound::TextArray(ids)]);
    documents(&run_on(shared, on, &it, call).await?)
}

pub(crate) async fn put(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    put: Put<'_>,
) -> Result<PutOutcome> {
    let it = shared.collections.find(collection, on).await?;
    let mut params = vec![text(put.id), Bound::Json(put.body.to_vec())];
    params.extend(revision(put.expect));
    let call = Call::write(it.texts.put(kind_of(put.expect)), params);
    let answer = run_on(shared, on, &it, call).await;
    let answer = answer.map_err(|error| name_document(error, put.id))?;
    match answer.rows.first() {
        Some(row) => Ok(written(column(row, 0)?)),
        None => {
            let refusal = refusal(shared, on, &it, put.id, put.expect).await?;
            Ok(PutOutcome::Refused(refusal))
        }
    }
}

/// What a returned row says.
pub(crate) fn written(inserted: bool) -> PutOutcome {
    match inserted {
        true => PutOutcome::Inserted,
        false => PutOutcome::Updated,
    }
}

pub(crate) async fn delete(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    id: &str,
    expect: Expectation<'_>,
) -> Result<DeleteOutcome> {
    let it = shared.collections.find(collection, on).await?;
    if expect == Expectation::Absent {
        let refusal = match state_of(shared, on, &it, id).await? {
            Presence::Missing => Refusal::Missing,
            Presence::There => Refusal::Exists,
        };
        return Ok(DeleteOutcome::Refused(refusal));
    }
    let mut params = vec![text(id)];
    params.extend(revision(expect));
    let call = Call::write(it.texts.delete(kind_of(expect)), params).guarded_by(Guard::TimeLimit);
    let answer = run_on(shared, on, &it, call).await?;
    if answer.affected > 0 {
        return Ok(DeleteOutcome::Deleted);
    }
    let refusal = match expect {
        Expectation::Any | Expectation::Absent | Expectation::Present | Expectation::Live => {
            Refusal::Missing
        }
        Expectation::Revision(_) => refusal(shared, on, &it, id, expect).await?,
    };
    Ok(DeleteOutcome::Refused(refusal))
}

/// Reads all rows of a query.
pub(crate) async fn query(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
) -> Result<Vec<RawDocument>> {
    let answer = answer(shared, on, query, den_sql::select, Effect::Read).await;
    documents(&answer.map_err(of_query)?)
}

pub(crate) async fn count(shared: &Shared, on: &impl Runner, query: &Query) -> Result<u64> {
    let answer = answer(shared, on, query, den_sql::count, Effect::Read).await;
    let answer = answer.map_err(of_query)?;
    let count: i64 = column(answer.rows.first().ok_or_else(no_row)?, 0)?;
    u64::try_from(count).map_err(|_| no_row())
}

pub(crate) async fn exists(shared: &Shared, on: &impl Runner, query: &Query) -> Result<bool> {
    let answer = answer(shared, on, query, den_sql::exists, Effect::Read).await;
    let answer = answer.map_err(of_query)?;
    column(answer.rows.first().ok_or_else(no_row)?, 0)
}

pub(crate) async fn delete_matching(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
) -> Result<u64> {
    let answer = answer(shared, on, query, den_sql::delete_matching, Effect::Write).await;
    let answer = answer.map_err(of_query)?;
    Ok(answer.affected)
}

pub(crate) async fn update(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
    patch: &Patch,
    returning: Returning,
) -> Result<Updated> {
    let render = |dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query| {
        den_sql::update(dialect, layouts, query, patch, returning)
    };
    let answer = answer(shared, on, query, render, Effect::Write).await;
    let answer = answer.map_err(|error| of_patch(error, &query.collection, patch))?;
    Ok(Updated {
        count: answer.affected,
        rows: match returning {
            Returning::Nothing => Vec::new(),
            Returning::New | Returning::Old => documents(&answer)?,
        },
    })
}

pub(crate) async fn upsert(
    shared: &Shared,
    on: &impl Runner,
    collection: &str,
    upsert: &Upsert<'_>,
) -> Result<UpsertOutcome> {
    // Only its collection and layout are of interest.
    let query = Query::new(collection);
    let render = |dialect: &dyn Dialect, layouts: Layouts<'_>, _: &Query| {
        den_sql::upsert(dialect, layouts, upsert)
    };
    let answer = answer(shared, on, &query, render, Effect::Write).await;
    let answer = match (answer, upsert.on_conflict) {
        (Err(error), OnConflict::Change(patch)) => Err(of_patch(error, collection, patch)),
        (outcome, OnConflict::Change(_) | OnConflict::Nothing) => outcome,
    }?;
    let Some(row) = answer.rows.first() else {
        return Ok(UpsertOutcome::Kept);
    };
    Ok(match column(row, 2)? {
        true => UpsertOutcome::Inserted,
        false => UpsertOutcome::Changed(document(row)?),
    })
}

pub(crate) async fn group(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
    grouping: &Grouping,
) -> Result<Vec<Vec<u8>>> {
    let render = |dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query| {
        den_sql::group(dialect, layouts, query, grouping)
    };
    let answer = answer(shared, on, query, render, Effect::Read).await;
    let answer = answer.map_err(of_query)?;
    let bodies = answer.rows.iter().map(|row| column::<JsonText>(row, 0));
    bodies.map(|it| it.map(|it| it.0)).collect()
}

pub(crate) async fn explain(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
    mode: ExplainMode,
) -> Result<Explain> {
    let subject = Subject::find(shared, on, query).await?;
    let statement = subject.render(|layouts| den_sql::select(POSTGRES, layouts, query));
    let mut explain = Explain {
        parameters: statement.params.iter().map(shown).collect(),
        statement: statement.sql.clone(),
        plan: Vec::new(),
    };
    match mode {
        ExplainMode::Statement => {}
        ExplainMode::Plan => {
            // The server plans with the values that are bound, as it would on a first run.
            let mut asked = statement;
            asked.sql.insert_str(0, "EXPLAIN (COSTS OFF) ");
            let asked = Call::rendered(asked, Effect::Read);
            let answer = run_on(shared, on, &subject.collection, asked).await?;
            for row in &answer.rows {
                explain.plan.push(column(row, 0)?);
            }
        }
    }
    Ok(explain)
}

/// Runs a query in one of its forms. Where a table, or a column that this process knew of, is gone,
/// the database is looked at again.
async fn answer(
    shared: &Shared,
    on: &impl Runner,
    query: &Query,
    render: impl Fn(&dyn Dialect, Layouts<'_>, &Query) -> Statement + Send + Sync,
    effect: Effect,
) -> Result<Answer> {
    let rendered = |layouts: Layouts<'_>| render(POSTGRES, layouts, query);
    let subject = Subject::find(shared, on, query).await?;
    let call = Call::rendered(subject.render(rendered), effect);
    match run_on(shared, on, &subject.collection, call).await {
        Err(error) if subject.is_outdated(&error) => {
            let subject = Subject::find_again(shared, on, query).await?;
            let call = Call::rendered(subject.render(rendered), effect);
            run_on(shared, on, &subject.collection, call).await
        }
        outcome => outcome,
    }
}

/// Names why a write did not happen. Only asks the database where the expectation leaves it open.
pub(crate) async fn refusal(
    shared: &Shared,
    on: &impl Runner,
    it: &Collection,
    id: &str,
    expect: Expectation<'_>,
) -> Result<Refusal> {
    match expect {
        Expectation::Absent => Ok(Refusal::Exists),
        Expectation::Any | Expectation::Present | Expectation::Live => Ok(Refusal::Missing),
        Expectation::Revision(_) => Ok(match state_of(shared, on, it, id).await? {
            Presence::Missing => Refusal::Missing,
            Presence::There => Refusal::OtherRevision,
        }),
    }
}

enum Presence {
    Missing,
    There,
}

async fn state_of(
    shared: &Shared,
    on: &impl Runner,
    it: &Collection,
    id: &str,
) -> Result<Presence> {
    let call = Call::read(Arc::clone(&it.texts.state_of), vec![text(id)]);
    let answer = run_on(shared, on, it, call).await?;
    Ok(match answer.rows.is_empty() {
        true => Presence::Missing,
        false => Presence::There,
    })
}

/// The parameter that an expected revision adds.
fn revision(expect: Expectation<'_>) -> Option<Bound> {
    match expect {
        Expectation::Any | Expectation::Absent | Expectation::Present | Expectation::Live => None,
        Expectation::Revision(rev) => Some(Bound::NullableText(rev.map(str::to_owned))),
    }
}

fn text(text: &str) -> Bound {
    Bound::Text(text.to_owned())
}

fn documents(answer: &Answer) -> Result<Vec<RawDocument>> {
    answer.rows.iter().map(document).collect()
}

fn first_document(answer: &Answer) -> Result<Option<RawDocument>> {
    answer.rows.first().map(document).transpose()
}

fn name_document(error: Error, id: &str) -> Error {
    error.with_id(id)
}

fn no_row() -> Error {
    Error::new(ErrorKind::Corrupt, "the server answered without a number")
}

/// A bound value for a person to read.
fn shown(param: &Param) -> String {
    match param {
        Param::Bool(it) => it.to_string(),
        Param::Int(it) | Param::Rows(it) => it.to_string(),
        Param::Float(it) => den_backend::value::float_text(*it),
        Param::Text(it) => format!("{it:?}"),
        Param::Json(it) => it.clone(),
        Param::TextArray(it) => format!("{it:?}"),
        Param::NumericArray(it) | Param::JsonArray(it) => ["[", &it.join(", "), "]"].concat(),
    }
}
