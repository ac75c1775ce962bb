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
];
