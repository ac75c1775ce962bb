//! What SQLite alone can do, under its own name.
//!
//! The functions are given the backend (`db.backend()`); on another database they are refused with
//! `Unsupported` before anything is done.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use den_backend::{DatabaseUrl, OpenOptions, Value};
//! # let url = DatabaseUrl::parse("sqlite::memory:")?;
//! # let backend = (den_sqlite::DRIVER.open)(url, OpenOptions::default()).await?;
//! use den_sqlite::sqlite;
//!
//! sqlite::set_pragma(&*backend, "user_version", 7).await?;
//! assert_eq!(sqlite::pragma(&*backend, "user_version").await?, Value::Int(7));
//! assert!(sqlite::integrity_check(&*backend).await?.is_empty());
//! # backend.close().await?;
//! # Ok::<(), den_backend::Error>(()) }).unwrap();
//! ```

mod adopt;
mod search;

use std::path::Path;

use den_backend::{Access, Backend, Error, ErrorKind, Result, Value};
use rusqlite::types::ValueRef;

pub use self::adopt::{adopt, is_sqlite};
pub use self::search::{
    check_search_index, merge_search_index, optimize_search_index, rebuild_search_index,
    set_search_option,
};
use crate::native::run;

/// Settings and facts that reading does not change anything of.
const READABLE: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "busy_timeout",
    "cache_size",
    "compile_options",
    "data_version",
    "encoding",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "journal_mode",
    "journal_size_limit",
    "mmap_size",
    "page_count",
    "page_size",
    "query_only",
    "schema_version",
    "secure_delete",
    "synchronous",
    "temp_store",
    "user_version",
    "wal_autocheckpoint",
];

/// Settings of the database, or of what only the writing connection does. Those of each connection are
/// parameters of the URL.
const WRITABLE: &[(&str, &[&str])] = &[
    ("application_id", &[]),
    ("auto_vacuum", &["none", "full", "incremental"]),
    ("secure_delete", &["on", "off", "fast"]),
    ("user_version", &[]),
];

/// Reads a setting or fact of the database, such as `user_version` or `page_count`; a list of values where
/// there are several, null where there is none.
///
/// # Errors
///
/// - `InvalidQuery` for a name that is not among those that can be read without changing anything.
/// - `Unsupported` on another database than SQLite.
pub async fn pragma(backend: &dyn Backend, name: &str) -> Result<Value> {
    let known = READABLE.iter().find(|it| **it == name).copied();
    let known = known.ok_or_else(|| unknown(name));
    run(backend, "sqlite::pragma", Access::ReadWrite, move |it| {
        let name = known?;
        let mut values = Vec::new();
        it.pragma_query(None, name, |row| {
            values.push(value_of(row.get_ref(0)?));
            Ok(())
        })?;
        Ok(match values.len() {
            0 => Value::Null,
            1 => values.remove(0),
            _ => Value::Array(values),
        })
    })
    .await
}

/// Changes a setting: `user_version` and `application_id` are numbers; `auto_vacuum` is `none`, `full` or
/// `incremental`, from the next [`vacuum`] on; `secure_delete` is `on`, `off` or `fast`, until the database
/// is closed. Whatever else there is to set is a parameter of the URL.
///
/// # Errors
///
/// - `InvalidQuery` for another name or value.
/// - `Unsupported` on another database than SQLite.
pub async fn set_pragma(backend: &dyn Backend, name: &str, value: impl Into<Value>) -> Result<()> {
    let value = value.into();
    let known = WRITABLE.iter().find(|(it, _)| *it == name);
    let to = match known {
        Some((name, words)) => setting(name, words, &value).map(|to| (*name, to)),
        None => Err(unknown(name)),
    };
    run(
        backend,
        "sqlite::set_pragma",
        Access::ReadWrite,
        move |it| {
            let (name, to) = to?;
            let set = it.pragma_update_and_check(None, name, to, |_| Ok(()));
            match set {
                // Only some answer with what they are now.
                Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
                Err(error) => Err(error.into()),
            }
        },
    )
    .await
}

/// Writes a copy of the database, as small as can be, to a file that does not exist yet; writers go on.
///
/// # Errors
///
/// - `InvalidQuery` for a path that is taken, or is no text.
/// - `Unsupported` on another database than SQLite.
pub async fn vacuum_into(backend: &dyn Backend, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref().to_owned();
    run(
        backend,
        "sqlite::vacuum_into",
        Access::ReadOnly,
        move |it| {
            let Some(text) = path.to_str().filter(|it| !it.is_empty()) else {
                return Err(invalid("the path of the copy is no text").into());
            };
            if path.exists() {
                return Err(invalid("the path of the copy is taken").into());
            }
            // Only for these words: what is written is another file.
            it.pragma_update(None, "query_only", false)?;
            let done = it.execute("VACUUM INTO ?1", [text]);
            it.pragma_update(None, "query_only", true)?;
            done?;
            Ok(())
        },
    )
    .await
}

/// Writes the database anew, without gaps. Other writes wait; it needs room for a copy.
///
/// # Errors
///
/// `Unsupported` on another database than SQLite.
pub async fn vacuum(backend: &dyn Backend) -> Result<()> {
    batch(backend, "sqlite::vacuum", "VACUUM").await
}

/// Has SQLite look at what its indexes hold, where it has not done so lately, for better plans; quick.
///
/// # Errors
///
/// `Unsupported` on another database than SQLite.
pub async fn optimize(backend: &dyn Backend) -> Result<()> {
    batch(backend, "sqlite::optimize", "PRAGMA optimize").await
}

/// Looks for damage in the whole database, and says what there is, line by line; nothing is well.
///
/// # Errors
///
/// `Unsupported` on another database than SQLite.
pub async fn integrity_check(backend: &dyn Backend) -> Result<Vec<String>> {
    run(backend, "sqlite::integrity_check", Access::ReadOnly, |it| {
        let mut lines = Vec::new();
        it.pragma_query(None, "integrity_check", |row| {
            lines.push(row.get::<_, String>(0)?);
            Ok(())
        })?;
        lines.retain(|it| it != "ok");
        Ok(lines)
    })
    .await
}

async fn batch(backend: &dyn Backend, feature: &str, sql: &'static str) -> Result<()> {
    run(backend, feature, Access::ReadWrite, move |it| {
        Ok(it.execute_batch(sql)?)
    })
    .await
}

/// The value of a setting as SQLite is to be given it.
fn setting(name: &str, words: &[&'static str], value: &Value) -> Result<rusqlite::types::Value> {
    match value {
        Value::Int(it) if words.is_empty() && i32::try_from(*it).is_ok() => Ok((*it).into()),
        Value::Text(it) => match words.iter().find(|word| *word == it) {
            Some(word) => Ok((*word).to_owned().into()),
            None => Err(no_value(name)),
        },
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_) => Err(no_value(name)),
    }
}

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(it) => Value::Int(it),
        ValueRef::Real(it) => Value::Float(it),
        ValueRef::Text(it) => Value::Text(String::from_utf8_lossy(it).into_owned()),
    }
}

fn no_value(name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidQuery,
        format!("`{name}` does not take this value"),
    )
}

fn unknown(name: &str) -> Error {
    let message = format!("`{name}` is no setting that is handled here");
    Error::new(ErrorKind::InvalidQuery, message)
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
