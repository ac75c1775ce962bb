//! A whole query over rows in memory: filter, order, position, window, selection.

use std::borrow::Borrow;

use crate::{
    Query, RawDocument, Select, Value,
    memory::evaluate::{Links, matches_linked},
    order::{compare_rows, follows, sort_keys},
};

/// Returns the rows of a query, in its order: filtered, sorted, after the position, within the
/// window.
///
/// A row is an id and its parsed document, owned or borrowed; a backend without an engine of its
/// own passes all rows of the collection. Links are not followed; [`run_linked_query`] does that.
///
/// # Examples
///
/// ```
/// use den_backend::{Query, Value, memory};
///
/// let documents = [("b", r#"{"_id":"b"}"#), ("a", r#"{"_id":"a"}"#)];
/// let rows = documents.map(|(id, text)| (id, serde_json::from_str::<Value>(text).unwrap()));
///
/// let found = memory::run_query(rows, &Query::new("letters"));
/// assert_eq!(found[0].0, "a");
/// ```
pub fn run_query<I, V>(rows: impl IntoIterator<Item = (I, V)>, query: &Query) -> Vec<(I, V)>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    run_linked_query(rows, query, &())
}

/// Returns the rows of a query as [`run_query`] does, with links followed.
pub fn run_linked_query<I, V>(
    rows: impl IntoIterator<Item = (I, V)>,
    query: &Query,
    links: &dyn Links,
) -> Vec<(I, V)>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let mut found: Vec<(Vec<Value>, I, V)> = rows
        .into_iter()
        .filter(|(_, document)| matches_linked(&query.filter, document.borrow(), links))
        .map(|(id, document)| (sort_keys(document.borrow(), &query.sort), id, document))
        .filter(|(keys, id, _)| match &query.seek {
            Some(seek) => follows((keys, id.as_ref()), seek, query),
            None => true,
        })
        .collect();
    found.sort_by(|a, b| compare_rows((&a.0, a.1.as_ref()), (&b.0, b.1.as_ref()), query));
    // A window beyond the address space is beyond the rows.
    let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
    let limit = query.limit.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let window = found.into_iter().skip(skip).take(limit);
    window.map(|(_, id, document)| (id, document)).collect()
}

/// What a query selected of one row.
pub fn select(id: &str, document: &Value, select: &Select) -> RawDocument {
    let body = match select {
        Select::Document => document.to_string().into_bytes(),
        Select::Id => Vec::new(),
        Select::Value(path) => {
            let value = document.at(path.segments());
            value.unwrap_or(&Value::Null).to_string().into_bytes()
        }
    };
    RawDocument {
        id: id.to_owned(),
        body,
    }
}
