//! What PostgreSQL alone can do, under its own name.
//!
//! - [Expressions](expression): casts, operators on `jsonb`, `tsvector`, passwords. They go into typed
//!   queries by `Filter::native` and `Computed::native` of `den`. On another database such a query is
//!   refused with `Unsupported` before anything is sent.
//! - Definitions: [`create_extension`], [`create_gin_index`], and [partitions](partition). They are given
//!   the backend (`db.backend()`), and are refused likewise on another.
//!
//! ```no_run
//! use den_backend::Backend;
//! use den_postgres::pg;
//!
//! async fn prepare(backend: &dyn Backend) -> den_backend::Result<()> {
//!     pg::create_extension(backend, "pgcrypto").await?;
//!     let over = pg::GinTarget::path("labels")?;
//!     pg::create_gin_index(backend, "events", "events_labels", &over, Some("jsonb_path_ops")).await
//! }
//! ```

mod adopt;
mod definitions;
pub mod expression;
pub mod partition;

use den_backend::{Backend, Error, ErrorKind, Result};

pub use self::{
    adopt::{adopt, is_postgres},
    definitions::{GinTarget, create_extension, create_gin_index},
    expression::{
        PgExpr, bigint, cast, crypt, doc, float8, gen_salt, int, jsonb, jsonb_contains,
        jsonb_exists, jsonb_path, jsonb_path_exists, numeric, plainto_tsquery, text, timestamptz,
        to_tsvector, ts_rank, tsvector_matches, uuid, websearch_to_tsquery,
    },
    partition::{
        create_daily_partitions_ahead, create_range_partitioned_collection, drop_partition,
        list_daily_partitions_before,
    },
};

use crate::{backend::PostgresBackend, runner::Shared};

/// The longest name that the server keeps whole.
const MAX_NAME: usize = 63;

/// What a feature runs on.
fn shared<'a>(backend: &'a dyn Backend, feature: &str) -> Result<&'a Shared> {
    match backend.as_any().downcast_ref::<PostgresBackend>() {
        Some(it) => Ok(it.shared()),
        None => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "`{feature}` is a feature of postgres; this database is {}",
                backend.name()
            ),
        )),
    }
}

/// Refuses a name that the server would cut, or take for something else.
fn check_name(name: &str, what: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "{name:?} is no name for {what}: it has 1 to {MAX_NAME} bytes, and no control characters"
            ),
        ));
    }
    Ok(())
}

/// Refuses what is not a plain word: lower case letters, digits, `_`, and what `also` holds.
fn check_word(word: &str, what: &str, also: &[char]) -> Result<()> {
    let first = |it: char| it.is_ascii_lowercase() || it == '_';
    let is_word = word.starts_with(first)
        && word.len() <= MAX_NAME
        && word
            .chars()
            .all(|it| first(it) || it.is_ascii_digit() || also.contains(&it));
    if is_word {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidQuery,
        format!("{word:?} is no name of {what}"),
    ))
}
