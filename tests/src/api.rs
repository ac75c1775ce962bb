//! The public API of `den`, theme by theme: the same cases on every target.

mod support;

mod opening;
mod bad_urls;
mod registration;
mod names;
mod crud;
mod replace;
mod batches;
mod failed_writes;
mod unique;
mod revisions;
mod queries;
mod conditions;
mod text;
mod arrays;
mod paths;
mod times;
mod sorting;
mod pages;
mod tokens;
mod streams;
mod values;
mod deletes;
mod untyped;
mod transactions;
mod savepoints;
mod after_commit;
mod nested_use;
mod locks;
mod retries;
mod bad_values;
mod bad_queries;
mod corrupt;
mod limits;
mod handles;

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
    locks,
    retries,
    bad_values,
    bad_queries,
    corrupt,
    limits,
    handles,
];
