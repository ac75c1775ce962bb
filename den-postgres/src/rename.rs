//! A collection gets another name, with all that belongs to it.
//!
//! Names that den made of the old name become those that it makes of the new one: a type that is registered
//! under that asks for them.

use den_backend::{ConstraintMeta, Error, ErrorKind, FieldPath, IndexMeta, Result};
use den_sql::{POSTGRES, constraint, postgres_only, schema};

use crate::{
    call::Call,
    catalog::State,
    constraints,
    ddl::run_all,
    pg::partition,
    runner::Runner as _,
    schema::{make_catalog, record},
    session::Alone,
    values::{Bound, column},
};

/// Whether anything in the schema has this name: a view, for one, that is no collection.
const IS_TAKEN: &str = "SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relname = $1::text
)";

/// Whether a function of this signature is found.
const IS_FUNCTION: &str = "SELECT to_regprocedure($1::text) IS NOT NULL";

/// Moves the records of indexes that den did not make.
const MOVE_RECORDS: &str =
    "UPDATE _den_indexes SET collection = $2::text WHERE collection = $1::text";

/// The longest name that the server keeps whole.
const MAX_NAME: usize = 63;

/// Renames a collection.
pub(crate) async fn rename_collection(on: &Alone, from: &str, to: &str) -> Result<()> {
    make_catalog(on).await?;
    let state = State::read(from, on).await?;
    state.check_own(from)?;
    if !state.exists() {
        return Err(Error::not_registered(from));
    }
    if asked(on, IS_TAKEN, to).await? {
        return Err(
            Error::new(ErrorKind::Duplicate, "the collection exists already").with_collection(to),
        );
    }
    // What is left of a table that was dropped behind den's back.
    let left = State::read(to, on).await?;
    let sql = schema::forget_collection(POSTGRES);
    on.run(Call::write(sql.into(), vec![text(to)])).await?;
    constraints::forget_all(on, &left, to).await?;
    run_all(on, vec![postgres_only::rename_table(from, to)]).await?;
    rename_primary(on, &state, from, to).await?;
    if state.partitioned_by().is_some() {
        for (old, new) in partition::renamed(on, from, to).await? {
            run_all(on, vec![postgres_only::rename_table(&old, &new)]).await?;
        }
    }
    for (index, hash) in state.definitions() {
        rename_index(on, &state, (from, to), index, hash).await?;
    }
    if state.has_records() {
        let params = vec![text(from), text(to)];
        on.run(Call::write(MOVE_RECORDS.into(), params)).await?;
    }
    for constraint in state.constraints() {
        rename_constraint(on, (from, to), constraint).await?;
    }
    Ok(())
}

/// So that a table which gets the old name finds the name of its index free.
async fn rename_primary(on: &Alone, state: &State, from: &str, to: &str) -> Result<()> {
    let name = [to, "_pkey"].concat();
    let is_default = state.primary() == Some(&[from, "_pkey"].concat());
    if is_default && name.len() <= MAX_NAME && !asked(on, IS_TAKEN, &name).await? {
        let sql = postgres_only::rename_index(&[from, "_pkey"].concat(), &name);
        run_all(on, vec![sql]).await?;
    }
    Ok(())
}

/// Renames an index, and records it anew.
async fn rename_index(
    on: &Alone,
    state: &State,
    (from, to): (&str, &str),
    index: &IndexMeta,
    hash: &str,
) -> Result<()> {
    let paths: Vec<&FieldPath> = index.fields.iter().map(|(it, _)| &it.path).collect();
    // The name that a type gives its search index says nothing of the fields.
    let named_by = [paths.as_slice(), &[]]
        .into_iter()
        .find(|it| index.name == IndexMeta::default_name(from, index.kind, it));
    let Some(named_by) = named_by else {
        return Ok(());
    };
    let renamed = IndexMeta {
        name: IndexMeta::default_name(to, index.kind, named_by),
        ..index.clone()
    };
    if state.has_index(&index.name) {
        let sql = postgres_only::rename_index(&index.name, &renamed.name);
        run_all(on, vec![sql]).await?;
    }
    // The name is a part of the definition, and so of what the column is called.
    let column = schema::search_column_of(hash);
    if state.has_column_named(&column) {
        let sql = postgres_only::rename_column(to, &column, &schema::search_column(&renamed));
        run_all(on, vec![sql]).await?;
    }
    let params = vec![text(from), text(&index.name)];
    on.run(Call::write(schema::forget_index(POSTGRES).into(), params))
        .await?;
    on.run(record(to, &renamed)).await?;
    Ok(())
}

/// Renames a constraint, and records it anew.
async fn rename_constraint(
    on: &Alone,
    (from, to): (&str, &str),
    meta: &ConstraintMeta,
) -> Result<()> {
    let mut renamed = meta.clone();
    if meta.name == ConstraintMeta::default_name(from, &meta.kind) {
        renamed.name = ConstraintMeta::default_name(to, &meta.kind);
        if constraint::has_rule(&meta.kind) {
            let sql = postgres_only::rename_check(to, &meta.name, &renamed.name);
            run_all(on, vec![sql]).await?;
            if asked(on, IS_FUNCTION, &postgres_only::check_function(&meta.name)).await? {
                let sql = postgres_only::rename_check_function(&meta.name, &renamed.name);
                run_all(on, vec![sql]).await?;
            }
        }
        if constraint::backing_index(meta).is_some() {
            let sql = postgres_only::rename_index(&meta.name, &renamed.name);
            run_all(on, vec![sql]).await?;
        }
    }
    let params = vec![
        text(from),
        text(&meta.name),
        text(to),
        text(&renamed.name),
        text(&constraint::definition(&renamed)),
    ];
    on.run(Call::write(constraint::rename(POSTGRES).into(), params))
        .await?;
    Ok(())
}

async fn asked(on: &Alone, sql: &'static str, name: &str) -> Result<bool> {
    let answer = on.run(Call::read(sql.into(), vec![text(name)])).await?;
    answer.rows.first().map_or(Ok(false), |row| column(row, 0))
}

fn text(text: &str) -> Bound {
    Bound::Text(text.to_owned())
}
