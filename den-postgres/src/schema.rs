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
use den_sql::{Layout, Layouts, POSTGRES, schema, search};

use crate::{
    call::{Call, Effect, Guard},
    catalog::{Standing, State},
    ddl::{run_all, within_ddl},
    late_index::{self, in_index_terms},
    runner::{Runner, Shared, Within},
    values::{Bound, column},
};

/// Whether a function of this signature is found.
const IS_FUNCTION: &str = "SELECT to_regprocedure($1::text) IS NOT NULL";

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
    let late = within_ddl(shared, Some(&meta.name), async |on| change(on, meta).await).await;
    // Whatever comes of the indexes, the table may have gained columns.
    shared.collections.forget(&meta.name);
    for index in late? {
        late_index::build(shared, meta, index).await?;
    }
    let state = State::read(&meta.name, shared).await?;
    if let Some(missing) = (meta.indexes.iter()).find(|it| state.standing(it) != Standing::Made) {
        return Err(Error::new(
            ErrorKind::Backend,
            format!(
                "the index {} could not be made: its name is taken by another table, or another \
                 process describes it differently",
                missing.name
            ),
        )
        .with_collection(&meta.name));
    }
    shared.collections.learn(&meta.name, &state, Some(meta));
    Ok(())
}

/// Makes one more index exist.
pub(crate) async fn ensure_index(
    shared: &Shared,
    collection: &str,
    index: &IndexMeta,
) -> Result<()> {
    let state = State::read(collection, shared).await?;
    if !state.exists() {
        return Err(Error::not_registered(collection));
    }
    let mut meta = CollectionMeta::new(collection);
    meta.indexes.push(index.clone());
    ensure_collection(shared, &meta).await
}

/// Drops an index that den recorded.
pub(crate) async fn drop_index(shared: &Shared, collection: &str, name: &str) -> Result<()> {
    let dropped = within_ddl(shared, Some(collection), async |on| {
        let state = State::read(collection, on).await?;
        if !state.recorded().iter().any(|it| it.name == name) {
            return Err(
                Error::new(ErrorKind::NotFound, format!("no index is named {name}"))
                    .with_collection(collection),
            );
        }
        if state.has_index(name) {
            run_all(
                on,
                schema::drop_index(POSTGRES, collection, name, IndexKind::Plain),
            )
            .await?;
        }
        run_all(on, state.search_column_of(collection, name)).await?;
        let params = vec![text(collection), text(name)];
        on.run(Call::write(schema::forget_index(POSTGRES).into(), params))
            .await?;
        Ok(())
    })
    .await;
    shared.collections.forget(collection);
    dropped
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

/// Drops a collection with its indexes and records.
pub(crate) async fn drop_collection(shared: &Shared, collection: &str) -> Result<()> {
    check_collection(collection)?;
    let dropped = within_ddl(shared, Some(collection), async |on| {
        let state = State::read(collection, on).await?;
        state.check_own(collection)?;
        if state.exists() {
            run_all(on, schema::drop_table(POSTGRES, collection)).await?;
        }
        if !state.recorded().is_empty() {
            let params = vec![text(collection)];
            on.run(Call::write(
                schema::forget_collection(POSTGRES).into(),
                params,
            ))
            .await?;
        }
        Ok(())
    })
    .await;
    shared.collections.forget(collection);
    dropped
}

/// Makes the table and what indexes can be made here; returns those to be built afterwards.
async fn change<'a>(on: &Within, meta: &'a CollectionMeta) -> Result<Vec<&'a IndexMeta>> {
    run_all(on, schema::catalog(POSTGRES)).await?;
    let state = State::read(&meta.name, on).await?;
    refuse_unique(&state, meta)?;
    let to_make = |it: &&IndexMeta| state.standing(it) != Standing::Made;
    if (meta.indexes.iter().filter(to_make)).any(|it| it.kind == IndexKind::Search) {
        make_functions(on).await?;
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
                    add_columns(on, &state, meta, index).await?;
                }
            }
        }
    }
    // With all columns, so that the filter of an index is spelled as in queries.
    let layout = State::read(&meta.name, on).await?;
    let layout = layout.layout(&meta.name, Some(meta));
    let mut late = Vec::new();
    // Of a partitioned table no index can be built beside its writers.
    let at_once = empty || state.partitioned_by().is_some();
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
async fn check_search(shared: &Shared, meta: &CollectionMeta) -> Result<()> {
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
        let answer = shared.run(call).await?;
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

/// Makes the functions that search indexes need, unless they are there: they may be another role's.
async fn make_functions(on: &Within) -> Result<()> {
    for (signature, sql) in search::search_functions(POSTGRES) {
        let call = Call::read(IS_FUNCTION.into(), vec![text(signature)]);
        let answer = on.run(call).await?;
        let is_there: bool = answer
            .rows
            .first()
            .map_or(Ok(false), |row| column(row, 0))?;
        if !is_there {
            run_all(on, vec![sql]).await?;
        }
    }
    Ok(())
}

/// Refuses unique indexes of a partitioned table, which would be unique within each partition only.
fn refuse_unique(state: &State, meta: &CollectionMeta) -> Result<()> {
    let mut uniques = meta
        .indexes
        .iter()
        .filter(|it| it.kind == IndexKind::Unique);
    match (state.partitioned_by(), uniques.next()) {
        (Some(_), Some(index)) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "a partitioned collection does not support unique indexes, as {} is one",
                index.name
            ),
        )
        .with_collection(&meta.name)),
        (Some(_), None) | (None, _) => Ok(()),
    }
}

async fn has_rows(on: &Within, collection: &str) -> Result<bool> {
    let query = Query::new(collection);
    let statement = den_sql::exists(POSTGRES, Layouts::new(&Layout::new(collection)), &query);
    let answer = on.run(Call::rendered(statement, Effect::Read)).await?;
    answer.rows.first().map_or(Ok(false), |row| column(row, 0))
}

/// Adds the columns that an index on an empty table is to use.
async fn add_columns(
    on: &Within,
    state: &State,
    meta: &CollectionMeta,
    index: &IndexMeta,
) -> Result<()> {
    if !state.exists() || index.kind == IndexKind::Members {
        return Ok(());
    }
    if index.kind == IndexKind::Search {
        let sql = schema::add_search_column(POSTGRES, &meta.name, index);
        return run_all(on, sql.into_iter().collect()).await;
    }
    for (field, _) in &index.fields {
        if !field.path.is_id() && !state.has_column(&field.path, field.kind) {
            let sql = schema::add_column(POSTGRES, &meta.name, &field.path, field.kind);
            run_all(on, vec![sql]).await?;
        }
    }
    Ok(())
}

/// Makes an index in place of one of the same name, and records it.
async fn replace(
    on: &Within,
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
