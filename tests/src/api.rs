//! The public API of `den`, theme by theme: the same cases on every target.

mod support;

mod after_commit;
mod arrays;
mod bad_documents;
mod bad_names;
mod bad_queries;
mod bad_urls;
mod bad_values;
mod batches;
mod conditions;
mod corrupt;
mod crud;
mod deletes;
mod failed_writes;
mod handles;
mod limits;
mod locks;
mod names;
mod nested_use;
mod opening;
mod pages;
mod paths;
mod queries;
mod registration;
mod replace;
mod retries;
mod revisions;
mod savepoints;
mod sorting;
mod stored;
mod streams;
mod text;
mod times;
mod tokens;
mod transactions;
mod unique;
mod untyped;
mod values;

use crate::harness::Theme;

macro_rules! themes {
    ($($name:ident),+ $(,)?) => {
        &[$(Theme { name: stringify!($name), cases: $name::CASES }),+]
    };
}

/// The themes of this module.
pub const THEMES: &[Theme] = themes![
    opening,
    bad_urls,
    registration,
    names,
    crud,
    replace,
    batches,
    failed_writes,
    unique,
    revisions,
    queries,
    conditions,
    text,
    arrays,
    paths,
    times,
    sorting,
    pages,
    tokens,
    streams,
    values,
    deletes,
    untyped,
    transactions,
    savepoints,
    after_commit,
    nested_use,
    bad_documents,
    bad_names,
    stored,
    locks,
    retries,
    bad_values,
    bad_queries,
    corrupt,
    limits,
    handles,
];
