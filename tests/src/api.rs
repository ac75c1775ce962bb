//! The public API of `den`, theme by theme: the same cases on every target.

mod attached;
mod hooked;
mod linked;
mod support;

mod after_commit;
mod aggregates;
mod arrays;
mod attachment_refusals;
mod attachment_upkeep;
mod attachments;
mod bad_documents;
mod bad_names;
mod bad_patches;
mod bad_queries;
mod bad_urls;
mod bad_values;
mod batch;
mod batches;
mod bulk;
mod call_counts;
mod cascades;
mod claims;
mod computed;
mod conditions;
mod corrupt;
mod crud;
mod deep_deletes;
mod delete_rules;
mod deletes;
mod distinct;
mod expanded;
mod failed_writes;
mod faults;
mod get_or_create;
mod groups;
mod handles;
mod hooks;
mod hooks_at_work;
mod hooks_of_many;
mod lifecycle;
mod limits;
mod link_depths;
mod link_loading;
mod link_queries;
mod link_trouble;
mod links;
mod locks;
mod lost_answers;
mod names;
mod nested_use;
mod opening;
mod pages;
mod parity;
mod patch_hooks;
mod patches;
mod paths;
mod pg_only;
mod pg_partitions;
mod queries;
mod raw;
mod raw_conditions;
mod raw_engines;
mod raw_sites;
mod registration;
mod replace;
mod restores;
mod retries;
mod revisions;
mod saved_changes;
mod savepoints;
mod search;
mod search_at_work;
mod searched;
mod selections;
mod soft_delete;
mod sorting;
mod sqlite_only;
mod stored;
mod streams;
mod text;
mod times;
mod tokens;
mod tracking;
mod transactions;
mod unique;
mod untyped;
mod unwinding;
mod update_one;
mod upserts;
mod validation;
mod validation_hooks;
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
    lost_answers,
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
    patches,
    patch_hooks,
    bad_patches,
    update_one,
    claims,
    upserts,
    get_or_create,
    bulk,
    untyped,
    transactions,
    savepoints,
    search,
    search_at_work,
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
    links,
    faults,
    call_counts,
    link_loading,
    link_trouble,
    link_depths,
    link_queries,
    expanded,
    cascades,
    delete_rules,
    deep_deletes,
    hooks,
    hooks_of_many,
    hooks_at_work,
    soft_delete,
    restores,
    lifecycle,
    tracking,
    saved_changes,
    attachments,
    attachment_refusals,
    attachment_upkeep,
    validation,
    validation_hooks,
    raw,
    raw_conditions,
    raw_engines,
    raw_sites,
    batch,
    pg_only,
    pg_partitions,
    sqlite_only,
    computed,
    parity,
    selections,
    distinct,
    unwinding,
    aggregates,
    groups,
];
