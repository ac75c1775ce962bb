//! Search indexes: what both engines need to know of one.

use den_backend::{FieldPath, IndexMeta, Search, SearchQuery, SearchTerm};

use crate::{
    dialect::Dialect,
    layout::Layout,
    source::{Place, Scope},
};

/// The functions that search indexes are made with, each as the name it is looked for by and the
/// statement that makes it. Make them if they are missing, before tables and indexes.
///
/// # Behavior
///
/// - SQLite needs none.
pub fn search_functions(dialect: &dyn Dialect) -> Vec<(&'static str, String)> {
    dialect.search_functions()
}

/// The language of an index, if its words are cut.
pub(crate) fn language(index: &IndexMeta) -> Option<&str> {
    index.search.as_ref()?.language.as_deref()
}

/// Whether an index finds pieces inside of words.
pub(crate) fn has_substrings(index: &IndexMeta) -> bool {
    index.search.as_ref().is_some_and(|it| it.substrings)
}

/// How much a find counts, field by field.
pub(crate) fn weights(index: &IndexMeta) -> &[f64] {
    index.search.as_ref().map_or(&[], |it| &it.weights)
}

/// The places of the fields of an index.
pub(crate) fn places<'a>(
    index: &'a IndexMeta,
    layout: &'a Layout,
    scope: Scope,
) -> impl Iterator<Item = Place<'a>> {
    let paths = index.fields.iter().map(|(field, _)| &field.path);
    paths.map(move |path: &FieldPath| Place {
        scope,
        path,
        layout,
    })
}

/// The alternatives in which something is to be found, and those that only leave out.
pub(crate) fn divided(search: &Search) -> (Vec<&[SearchTerm]>, Vec<&[SearchTerm]>) {
    let SearchQuery { any } = &search.query;
    any.iter()
        .map(Vec::as_slice)
        .partition(|terms| terms.iter().any(|it| !it.negated))
}
