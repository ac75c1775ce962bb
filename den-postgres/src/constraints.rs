//! Constraints: made after all documents were found to keep them, dropped, listed.
//!
//! The statement that makes one locks the table, looks at every row, and fails at the first that is in the
//! way; only then are the others searched. What is written concurrently waits, and is looked at then.

use den_backend::{Constraint, ConstraintMeta, Error, ErrorKind, Result};
use den_sql::{Layout, POSTGRES, Statement, constraint, postgres_only, schema};

use crate::{
    call::{Call, Effect},
    catalog::State,
    ddl::run_all,
    error::refused_by,
    runner::{Runner, Shared},
    schema::{make_catalog, not_partitioned},
    session::Alone,
    values::{Bound, column},
};

/// So many offenders are named.
const MOST_OFFENDERS: u64 = 10;

/// Whether something has the name that a constraint is to have: any table or index of the schema, or a
/// constraint of the table.
const IS_TAKEN: &str = "SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relname = $2::text
) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = current_schema() AND t.relname = $1::text AND k.conname = $2::text
)";

/// Lists the constraints of a collection, in the order in which they were made.
pub(crate) async fn list(shared: &Shared, collection: &str) -> Result<Vec<ConstraintMeta>> {
    let state = State::read(collection, shared).await?;
    Ok(state.constraints().cloned().collect())
}

/// Makes a constraint.
pub(crate) async fn create(on: &Alone, collection: &str, meta: &ConstraintMeta) -> Result<()> {
    make_catalog(on).await?;
    let state = State::read(collection, on).await?;
    state.check_own(collection)?;
    if !state.exists() {
        return Err(Error::not_registered(collection));
    }
    if state.constraint(&meta.name) == Some(meta) {
        return Ok(());
    }
    for lost in state.lost_constraints() {
        forget(on, collection, &lost.name).await?;
    }
    let described = constraint::describe(meta);
    if is_taken(on, collection, &meta.name).await? {
        return Err(Error::new(
            ErrorKind::Duplicate,
            format!("an index or constraint is named {} already", meta.name),
        )
        .with_collection(collection));
    }
    let index = constraint::backing_index(meta);
    if index.is_some() && state.partitioned_by().is_some() {
        let what = ["unique values, as the constraint ", &meta.name, " asks for"].concat();
        return Err(not_partitioned(collection, &what));
    }
    let layout = Layout::new(collection);
    if constraint::has_rule(&meta.kind) {
        let sql = postgres_only::create_check(collection, meta);
        let search =
            || constraint::offenders(POSTGRES, &Layout::new(collection), meta, MOST_OFFENDERS);
        make(on, collection, sql, &described, search).await?;
    }
    if let Some(index) = index {
        let sql = schema::create_index(POSTGRES, &layout, &index, false);
        let search = || postgres_only::sharing(collection, &index, MOST_OFFENDERS);
        make(on, collection, sql, &described, search).await?;
    }
    let params = vec![
        text(collection),
        text(&meta.name),
        text(meta.kind.rule().word()),
        text(&constraint::definition(meta)),
        // The server reads this word as the present time.
        text("now"),
    ];
    on.run(Call::write(constraint::record(POSTGRES).into(), params))
        .await?;
    Ok(())
}

/// Drops a constraint.
pub(crate) async fn drop(on: &Alone, collection: &str, name: &str) -> Result<()> {
    let state = State::read(collection, on).await?;
    let Some(meta) = state.constraint(name) else {
        let message = format!("no constraint is named {name}");
        return Err(Error::new(ErrorKind::NotFound, message).with_collection(collection));
    };
    if constraint::has_rule(&meta.kind) {
        run_all(on, postgres_only::drop_check(collection, name)).await?;
    }
    if let Some(index) = constraint::backing_index(meta) {
        let sql = schema::drop_index(POSTGRES, collection, name, index.kind);
        run_all(on, sql).await?;
    }
    forget(on, collection, name).await
}

/// Forgets the constraints of a collection whose table is gone.
pub(crate) async fn forget_all(on: &Alone, state: &State, collection: &str) -> Result<()> {
    for meta in state.constraints().chain(state.lost_constraints()) {
        if constraint::has_rule(&meta.kind) {
            run_all(on, vec![postgres_only::drop_check_function(&meta.name)]).await?;
        }
        forget(on, collection, &meta.name).await?;
    }
    Ok(())
}

async fn forget(on: &Alone, collection: &str, name: &str) -> Result<()> {
    let params = vec![text(collection), text(name)];
    on.run(Call::write(constraint::forget(POSTGRES).into(), params))
        .await?;
    Ok(())
}

/// Whether another constraint, or anything else where names must differ, has this one.
async fn is_taken(on: &Alone, collection: &str, name: &str) -> Result<bool> {
    let params = vec![text(name)];
    let owner = Call::read(constraint::owner(POSTGRES).into(), params);
    if !on.run(owner).await?.rows.is_empty() {
        return Ok(true);
    }
    let params = vec![text(collection), text(name)];
    let answer = on.run(Call::read(IS_TAKEN.into(), params)).await?;
    answer.rows.first().map_or(Ok(false), |row| column(row, 0))
}

/// Makes a part of a constraint; if documents are in the way, the error names them.
async fn make(
    on: &Alone,
    collection: &str,
    sql: Vec<String>,
    described: &Constraint,
    search: impl FnOnce() -> Statement,
) -> Result<()> {
    let made = on.tried(async |on| run_all(on, sql).await).await;
    let Err(error) = made else { return Ok(()) };
    if ![ErrorKind::Duplicate, ErrorKind::Validation].contains(&error.kind()) {
        return Err(error.with_collection(collection));
    }
    let error = refused_by(error, described.clone());
    let answer = on.run(Call::rendered(search(), Effect::Read)).await?;
    let offenders = answer.rows.iter().map(|row| column(row, 0));
    let offenders: Vec<String> = offenders.collect::<Result<_>>()?;
    let error = error
        .with_context("the constraint was not made")
        .with_collection(collection);
    Err(match offenders.first() {
        Some(first) => error.with_id(first).with_offenders(offenders),
        None => error,
    })
}

fn text(text: &str) -> Bound {
    Bound::Text(text.to_owned())
}
