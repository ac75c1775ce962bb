//! The upkeep of search indexes, which are tables of FTS5.

use den_backend::{Access, Backend, Error, ErrorKind, IndexKind, Result};
use den_sql::sqlite_only;

use crate::{catalog, connection::Connection, error::Outcome, native::run, schema};

/// Options of an FTS5 table that concern speed and size only, with their greatest values.
const OPTIONS: &[(&str, i64)] = &[
    ("automerge", 16),
    ("usermerge", 16),
    ("crisismerge", 1999),
    ("deletemerge", 100),
    ("pgsz", 65536),
];

/// Makes a search index anew from the documents there are.
///
/// # Behavior
///
/// - Searches see the old one or the new one; writes wait.
///
/// # Errors
///
/// - `NotFound` for what is no search index of this collection.
/// - `Unsupported` on another database than SQLite.
pub async fn rebuild_search_index(
    backend: &dyn Backend,
    collection: &str,
    index: &str,
) -> Result<()> {
    let (of, name) = (collection.to_owned(), index.to_owned());
    run(
        backend,
        "sqlite::rebuild_search_index",
        Access::ReadWrite,
        move |it| {
            let index = found(it, &of, &name)?;
            schema::rebuild_index(it, &of, &index)
        },
    )
    .await
}

/// Brings a search index into its most compact form: the fastest to search, and slow to do.
///
/// # Errors
///
/// As [`rebuild_search_index`].
pub async fn optimize_search_index(
    backend: &dyn Backend,
    collection: &str,
    index: &str,
) -> Result<()> {
    command(
        backend,
        "sqlite::optimize_search_index",
        collection,
        index,
        "optimize",
        None,
    )
    .await
}

/// Does some of that work: about so many pages of it. Called again and again, it comes to an end.
///
/// # Errors
///
/// As [`rebuild_search_index`].
pub async fn merge_search_index(
    backend: &dyn Backend,
    collection: &str,
    index: &str,
    pages: u16,
) -> Result<()> {
    let pages = Some(i64::from(pages));
    command(
        backend,
        "sqlite::merge_search_index",
        collection,
        index,
        "merge",
        pages,
    )
    .await
}

/// Looks for damage in a search index.
///
/// # Errors
///
/// As [`rebuild_search_index`]; `Corrupt` where there is damage.
pub async fn check_search_index(
    backend: &dyn Backend,
    collection: &str,
    index: &str,
) -> Result<()> {
    command(
        backend,
        "sqlite::check_search_index",
        collection,
        index,
        "integrity-check",
        None,
    )
    .await
}

/// Sets an option of FTS5 for a search index, for good: `automerge`, `usermerge`, `crisismerge`,
/// `deletemerge` or `pgsz`.
///
/// # Errors
///
/// As [`rebuild_search_index`]; `InvalidQuery` for another option, or a number that it does not take.
pub async fn set_search_option(
    backend: &dyn Backend,
    collection: &str,
    index: &str,
    option: &str,
    value: u32,
) -> Result<()> {
    let value = i64::from(value);
    let known = OPTIONS
        .iter()
        .find(|(name, most)| *name == option && value <= *most);
    let known = known.map(|(name, _)| *name).ok_or_else(|| {
        let message =
            format!("`{option}` is no option of a search index, or does not take {value}");
        Error::new(ErrorKind::InvalidQuery, message)
    });
    let feature = "sqlite::set_search_option";
    // Another engine is the greater mistake.
    crate::native::sqlite(backend, feature)?;
    command(backend, feature, collection, index, known?, Some(value)).await
}

async fn command(
    backend: &dyn Backend,
    feature: &str,
    collection: &str,
    index: &str,
    command: &'static str,
    argument: Option<i64>,
) -> Result<()> {
    let (of, name) = (collection.to_owned(), index.to_owned());
    run(backend, feature, Access::ReadWrite, move |it| {
        let index = found(it, &of, &name)?;
        let sql = sqlite_only::search_command(&index.name);
        it.execute(&sql, (command, argument))?;
        Ok(())
    })
    .await
}

fn found(connection: &Connection, collection: &str, name: &str) -> Outcome<den_backend::IndexMeta> {
    let records = catalog::records(connection, collection)?;
    let mut indexes = records.into_iter().filter_map(|it| it.index);
    let found = indexes.find(|it| it.name == name && it.kind == IndexKind::Search);
    found.ok_or_else(|| {
        let message = format!("the collection has no search index {name:?}");
        Error::new(ErrorKind::NotFound, message)
            .with_collection(collection)
            .into()
    })
}
