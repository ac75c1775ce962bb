//! Tables and indexes: made so that many processes may do it at once.
//!
//! - Nothing to do is one query and no DDL.
//! - Changes run in one transaction that holds an advisory lock, so processes take turns, and a
//!   failure leaves nothing behind.
//! - A new index on a table with rows is built afterwards without locking out writers, see
//!   [`late_index`](crate::late_index).

use std::sync::Arc;

use den_backend::{
    Capability, CollectionMeta, Error, ErrorKind, IndexKind, IndexMeta, Query, RecordedIndex,
    Result, check::check_collection, search::check_language,
};
use den_sql::{Layout, Layouts, POSTGRES, constraint, postgres_only, schema, search};

use crate::{
    call::{Call, Effect, Guard},
    catalog::{Standing, State},
    constraints,
    ddl::{run_all, within_ddl},
    late_index::{self, in_index_terms},
    runner::{Runner, Shared},
    session::Alone,
    values::{Bound, column},
};

/// Whether a function of this signature is found.
const IS_FUNCTION: &str = "SELECT to_regprocedure($1::text) IS NOT NULL";

/// Which of the names that indexes are to have something else has.
const TAKEN_NAMES: &str = "SELECT c.relname::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = ANY($1::text[])";

/// Whether den's tables are there: that of indexes, with the columns that its predecessor's lacks, and that
/// of constraints.
const CATALOG_STATE: &str = "SELECT count(*) FILTER (WHERE t.relname = '_den_indexes') > 0,
    count(*) FILTER (WHERE t.relname = '_den_indexes' AND a.attname IN ('kind', 'definition', 'hash')) = 3,
    count(*) FILTER (WHERE t.relname = '_den_constraints') > 0
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
WHERE n.nspname = current_schema() AND t.relname IN ('_den_indexes', '_den_constraints')
    AND a.attnum > 0 AND NOT a.attisdropped";

/// The text search configurations of the server, if one of them is asked for that is not there.
const CONFIGURATIONS: &str = "SELECT c.cfgname::text
FROM pg_catalog.pg_ts_config AS c
WHERE c.cfgnamespace = 'pg_catalog'::regnamespace
    AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_ts_config AS o
        WHERE o.cfgnamespace = 'pg_catalog'::regnamespace AND o.cfgname = $1::text
    )
ORDER BY c.cfgname::text COLLATE \"C\" NULLS FIRST";

/// Makes a collection and its indexes exist as described.
pub(crate) async fn ensure_collection(shared: &Shared, meta: &CollectionMeta) -> Result<()> {
    if !meta.is_own() {
        meta.check()?;
    }
    let state = State::read(&meta.name, shared).await?;
    state.check_own(&meta.name)?;
    if state.holds(meta) {
        shared.collections.learn(&meta.name, &state, Some(meta));
        return Ok(());
    }
    check_search(shared, meta).await?;
    let late = within_ddl(shared, Some(&meta.name), async |on| {
        change(on, meta, Builds::MayBeLate).await
    })
    .await;
    // Whatever comes of the indexes, the table may have gained columns.
    shared.collections.forget(&meta.name);
    for index in late? {
        late_index::build(shared, meta, index).await?;
    }
    let state = State::read(&meta.name, shared).await?;
    check_made(&state, meta)?;
    shared.collections.learn(&meta.name, &state, Some(meta));
    Ok(())
}

/// Makes a collection and its indexes exist as described, in a transaction.
pub(crate) async fn ensure_within(on: &Alone, meta: &CollectionMeta) -> Result<()> {
    let state = State::read(&meta.name, on).await?;
    state.check_own(&meta.name)?;
    if state.holds(meta) {
        return Ok(());
    }
    check_search(on, meta).await?;
    change(on, meta, Builds::AtOnce).await?;
    check_made(&State::read(&meta.name, on).await?, meta)
}

fn check_made(state: &State, meta: &CollectionMeta) -> Result<()> {
    let missing = (meta.indexes.iter()).find(|it| state.standing(it) != Standing::Made);
    match missing {
        None => Ok(()),
        Some(missing) => Err(Error::new(
            ErrorKind::Backend,
            format!(
                "the index {} could not be made: its name is taken by another table, or another \
                 process describes it differently",
                missing.name
            ),
        )
        .with_collection(&meta.name)),
    }
}

/// Makes one more index exist.
pub(crate) async fn ensure_index(
    shared: &Shared,
    collection: &str,
    index: &IndexMeta,
) -> Result<()> {
    let state = State::read(collection, shared).await?;
    ensure_collection(shared, &with_one_more(&state, collection, index)?).await
}

/// Makes one more index exist, in a transaction.
pub(crate) async fn ensure_index_within(
    on: &Alone,
    collection: &str,
    index: &IndexMeta,
) -> Result<()> {
    let state = State::read(collection, on).await?;
    ensure_within(on, &with_one_more(&state, collection, index)?).await
}

fn with_one_more(state: &State, collection: &str, index: &IndexMeta) -> Result<CollectionMeta> {
    if !state.exists() {
        return Err(Error::not_registered(collection));
    }
    let mut meta = CollectionMeta::new(collection);
    meta.indexes.push(index.clone());
    Ok(meta)
}

/// Drops an index that den recorded.
pub(crate) async fn drop_index(on: &Alone, collection: &str, name: &str) -> Result<()> {
    let state = State::read(collection, on).await?;
    let constraint = state.constraint(name).and_then(constraint::backing_index);
    if constraint.is_some() {
        return Err(Error::new(
            ErrorKind::Restricted,
            format!("the constraint {name} needs its index; drop the constraint instead"),
        )
        .with_collection(collection));
    }
    if !state.recorded().iter().any(|it| it.name == name) {
        return Err(
            Error::new(ErrorKind::NotFound, format!("no index is named {name}"))
                .with_collection(collection),
        );
    }
    if state.has_index(name) {
        let sql = schema::drop_index(POSTGRES, collection, name, IndexKind::Plain);
        run_all(on, sql).await?;
    }
    run_all(on, state.search_column_of(collection, name)).await?;
    let params = vec![text(collection), text(name)];
    on.run(Call::write(schema::forget_index(POSTGRES).into(), params))
        .await?;
    Ok(())
}

/// Lists den's records of a collection, by name.
pub(crate) async fn recorded_indexes(
    shared: &Shared,
    collection: &str,
) -> Result<Vec<RecordedIndex>> {
    Ok(State::read(collection, shared).await?.recorded())
}

/// Lists the collections, by name.
pub(crate) async fn collections(shared: &Shared) -> Result<Vec<String>> {
    let call = Call::read(schema::collections(POSTGRES).into(), Vec::new());
    let answer = shared.run(call).await?;
    answer.rows.iter().map(|row| column(row, 0)).collect()
}

/// Drops a collection with its indexes, constraints and records.
pub(crate) async fn drop_collection(on: &Alone, collection: &str) -> Result<()> {
    check_collection(collection)?;
    let state = State::read(collection, on).await?;
    state.check_own(collection)?;
    if state.exists() {
        run_all(on, schema::drop_table(POSTGRES, collection)).await?;
    }
    if state.has_records() {
        let sql = schema::forget_collection(POSTGRES);
        let params = vec![text(collection)];
        on.run(Call::write(sql.into(), params)).await?;
    }
    constraints::forget_all(on, &state, collection).await
}

/// When indexes on a table with rows are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Builds {
    /// In the transaction: writers wait.
    AtOnce,
    /// After it, beside the writers.
    MayBeLate,
}

/// Makes the table and what indexes can be made here; returns those to be built afterwards.
async fn change<'a>(
    on: &Alone,
    meta: &'a CollectionMeta,
    builds: Builds,
) -> Result<Vec<&'a IndexMeta>> {
    make_catalog(on).await?;
    let state = State::read(&meta.name, on).await?;
    check_indexes(on, &state, meta).await?;
    if makes_search(&state, meta) {
        run_all(on, functions_to_make(on).await?).await?;
    }
    let empty = if state.exists() {
        !has_rows(on, &meta.name).await?
    } else {
        run_all(on, vec![schema::create_table(POSTGRES, meta)]).await?;
        true
    };
    if empty {
        for index in &meta.indexes {
            match state.standing(index) {
                Standing::Made => {}
                Standing::Missing | Standing::Changed => {
                    run_all(on, columns_to_add(&state, &meta.name, index)).await?;
                }
            }
        }
    }
    // With all columns, so that the filter of an index is spelled as in queries.
    let layout = State::read(&meta.name, on).await?;
    let layout = layout.layout(&meta.name, Some(meta));
    let mut late = Vec::new();
    let at_once = match builds {
        Builds::AtOnce => true,
        // Of a partitioned table no index can be built beside its writers.
        Builds::MayBeLate => empty || state.partitioned_by().is_some(),
    };
    for index in &meta.indexes {
        match (state.standing(index), at_once) {
            (Standing::Made, _) => {}
            (Standing::Missing, false) => late.push(index),
            // In the transaction, so that the old one is there until the new one is.
            (Standing::Missing, true) | (Standing::Changed, _) => {
                replace(on, &state, &meta.name, &layout, index).await?;
            }
        }
    }
    Ok(late)
}

/// Checks that the server can read text as the search indexes want it.
pub(crate) async fn check_search(on: &impl Runner, meta: &CollectionMeta) -> Result<()> {
    for options in meta.indexes.iter().filter_map(|it| it.search.as_ref()) {
        if options.substrings {
            let what = Capability::SubstringSearch.describe();
            let message = format!("this backend does not support {what}");
            return Err(Error::new(ErrorKind::Unsupported, message).with_collection(&*meta.name));
        }
        let Some(language) = options.language.as_deref() else {
            continue;
        };
        let call = Call::read(CONFIGURATIONS.into(), vec![text(language)]);
        let answer = on.run(call).await?;
        let others: Vec<&str> = (answer.rows.iter())
            .map(|row| column(row, 0))
            .collect::<Result<_>>()?;
        if !others.is_empty() {
            let checked = check_language(Some(language), &others);
            return checked.map_err(|error| error.with_collection(&*meta.name));
        }
    }
    Ok(())
}

/// Whether a search index is to be made.
pub(crate) fn makes_search(state: &State, meta: &CollectionMeta) -> bool {
    let to_make = |it: &&IndexMeta| state.standing(it) != Standing::Made;
    let mut to_make = meta.indexes.iter().filter(to_make);
    to_make.any(|it| it.kind == IndexKind::Search)
}

/// The statements that make the functions which search indexes need; those that are there are left
/// alone, as they may be another role's.
pub(crate) async fn functions_to_make(on: &impl Runner) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for (signature, sql) in search::search_functions(POSTGRES) {
        let call = Call::read(IS_FUNCTION.into(), vec![text(signature)]);
        let answer = on.run(call).await?;
        let is_there: bool = answer
            .rows
            .first()
            .map_or(Ok(false), |row| column(row, 0))?;
        if !is_there {
            missing.push(sql);
        }
    }
    Ok(missing)
}

/// Refuses unique indexes of a partitioned table, which would be unique within each partition only, and
/// names that something else has: the server would take an index of another table for the one to be made.
pub(crate) async fn check_indexes(
    on: &impl Runner,
    state: &State,
    meta: &CollectionMeta,
) -> Result<()> {
    let duplicate = |what: &str, name: &str| {
        let message = [what, " is named ", name, " already"].concat();
        Error::new(ErrorKind::Duplicate, message).with_collection(&meta.name)
    };
    let mut new = Vec::new();
    for index in &meta.indexes {
        if state.partitioned_by().is_some() && index.kind == IndexKind::Unique {
            let what = ["unique indexes, as ", &index.name, " is one"].concat();
            return Err(not_partitioned(&meta.name, &what));
        }
        if state.constraint(&index.name).is_some() {
            return Err(duplicate("a constraint", &index.name));
        }
        if !state.has_index(&index.name) {
            new.push(index.name.clone());
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let call = Call::read(TAKEN_NAMES.into(), vec![Bound::TextArray(new)]);
    let answer = on.run(call).await?;
    match answer.rows.first() {
        Some(row) => Err(duplicate("a table, index or constraint", column(row, 0)?)),
        None => Ok(()),
    }
}

/// The error for what a partitioned collection cannot have.
pub(crate) fn not_partitioned(collection: &str, what: &str) -> Error {
    let message = ["a partitioned collection does not support ", what].concat();
    Error::new(ErrorKind::Unsupported, message).with_collection(collection)
}

/// Makes den's own records possible: its tables, and in a table of its predecessor the columns it lacks.
/// Looks first, because what would change nothing locks the table all the same.
pub(crate) async fn make_catalog(on: &Alone) -> Result<()> {
    let answer = on.run(Call::read(CATALOG_STATE.into(), Vec::new())).await?;
    let Some(row) = answer.rows.first() else {
        return Ok(());
    };
    let has_indexes: bool = column(row, 0)?;
    let is_ours: bool = column(row, 1)?;
    let has_constraints: bool = column(row, 2)?;
    if !(has_indexes && has_constraints) {
        run_all(on, schema::catalog(POSTGRES)).await?;
    }
    if has_indexes && !is_ours {
        run_all(on, vec![postgres_only::widen_catalog()]).await?;
    }
    Ok(())
}

/// Whether there are any documents.
pub(crate) async fn has_rows(on: &impl Runner, collection: &str) -> Result<bool> {
    let query = Query::new(collection);
    let statement = den_sql::exists(POSTGRES, Layouts::new(&Layout::new(collection)), &query);
    let answer = on.run(Call::rendered(statement, Effect::Read)).await?;
    answer.rows.first().map_or(Ok(false), |row| column(row, 0))
}

/// The statements that add the columns which an index on an empty table is to use.
pub(crate) fn columns_to_add(state: &State, collection: &str, index: &IndexMeta) -> Vec<String> {
    if !state.exists() {
        return Vec::new();
    }
    match index.kind {
        IndexKind::Members => Vec::new(),
        IndexKind::Search => schema::add_search_column(POSTGRES, collection, index)
            .into_iter()
            .collect(),
        IndexKind::Plain | IndexKind::Unique => {
            let missing = index.fields.iter().map(|(field, _)| field);
            missing
                .filter(|it| !it.path.is_id() && !state.has_column(&it.path, it.kind))
                .map(|it| schema::add_column(POSTGRES, collection, &it.path, it.kind))
                .collect()
        }
    }
}

/// Makes an index in place of one of the same name, and records it.
async fn replace(
    on: &Alone,
    state: &State,
    collection: &str,
    layout: &Layout,
    index: &IndexMeta,
) -> Result<()> {
    if state.has_index(&index.name) {
        run_all(
            on,
            schema::drop_index(POSTGRES, collection, &index.name, index.kind),
        )
        .await?;
    }
    if index.kind == IndexKind::Search {
        // The column of another definition would cost every write, and hold nothing that is asked for.
        run_all(on, state.old_search_column(collection, index)).await?;
    }
    let sql = schema::create_index(POSTGRES, layout, index, false);
    let made = run_all(on, sql).await;
    made.map_err(|error| in_index_terms(error, collection, index))?;
    on.run(record(collection, index)).await?;
    Ok(())
}

/// The call that records an index.
pub(crate) fn record(collection: &str, index: &IndexMeta) -> Call {
    let fields: Vec<String> = index
        .fields
        .iter()
        .map(|(field, _)| field.path.to_string())
        .collect();
    let fields = serde_json::Value::from(fields).to_string();
    let params = vec![
        text(collection),
        text(&index.name),
        Bound::Json(fields.into_bytes()),
        Bound::Bool(index.kind == IndexKind::Unique),
        // The server reads this word as the present time.
        text("now"),
        text(schema::kind_name(index.kind)),
        text(&schema::definition(index)),
        text(&schema::definition_hash(index)),
    ];
    let sql = Arc::from(schema::record_index(POSTGRES));
    Call::write(sql, params).guarded_by(Guard::TimeLimit)
}

fn text(text: &str) -> Bound {
    Bound::Text(text.to_owned())
}
