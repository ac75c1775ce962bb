//! A whole query over rows in memory: filter, search, order, position, window, selection.

use std::{borrow::Borrow, cmp::Ordering, collections::BTreeSet};

use crate::{
    Expr, FieldPath, Query, RawDocument, Result, Select, Value,
    evaluate::{Links, Scope, aggregate},
    memory::search::Ranking,
    order::{compare_rows, follows, sort_keys},
};

/// Returns the rows of a query, in its order: filtered, sorted, distinct, after the position, within
/// the window.
///
/// A row is an id and its parsed document, owned or borrowed; a backend without an engine of its
/// own passes all rows of the collection. Links are not followed; [`run_linked_query`] does that.
/// What a query unwinds is left as it is.
///
/// # Examples
///
/// ```
/// use den_backend::{Query, Value, memory};
///
/// let documents = [("b", r#"{"_id":"b"}"#), ("a", r#"{"_id":"a"}"#)];
/// let rows = documents.map(|(id, text)| (id, serde_json::from_str::<Value>(text).unwrap()));
///
/// let found = memory::run_query(rows, &Query::new("letters"))?;
/// assert_eq!(found[0].0, "a");
/// # Ok::<(), den_backend::Error>(())
/// ```
///
/// # Errors
///
/// `OutOfRange` for a value that cannot be computed.
pub fn run_query<I, V>(rows: impl IntoIterator<Item = (I, V)>, query: &Query) -> Result<Vec<(I, V)>>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    run_linked_query(rows, query, &())
}

/// Returns the rows of a query as [`run_query`] does, with links followed.
///
/// # Errors
///
/// As [`run_query`].
pub fn run_linked_query<I, V>(
    rows: impl IntoIterator<Item = (I, V)>,
    query: &Query,
    links: &dyn Links,
) -> Result<Vec<(I, V)>>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let rows = rows.into_iter().map(|(id, document)| Row {
        id,
        document,
        element: None,
        score: 0.0,
    });
    let found = run(rows, query, links)?.into_iter();
    Ok(found.map(|it| (it.id, it.document)).collect())
}

/// What a query selected of one row.
///
/// # Errors
///
/// `OutOfRange` for a value that cannot be computed.
pub fn select(id: &str, document: &Value, select: &Select) -> Result<RawDocument> {
    Row {
        id,
        document,
        element: None,
        score: 0.0,
    }
    .select(select)
}

/// One row of a query.
#[derive(Debug, Clone)]
pub(super) struct Row<I, V> {
    pub(super) id: I,
    pub(super) document: V,
    /// The element at hand, of a query that unwinds.
    pub(super) element: Option<Value>,
    /// How well it fits the search.
    pub(super) score: f64,
}

impl<I: AsRef<str>, V: Borrow<Value>> Row<I, V> {
    /// What fields of this row are looked up in.
    pub(super) fn scope<'a>(&'a self, links: &'a dyn Links) -> Scope<'a> {
        Scope {
            element: self.element.as_ref(),
            links,
            ..Scope::of(self.document.borrow())
        }
    }

    /// What a query selected of this row.
    pub(super) fn select(&self, select: &Select) -> Result<RawDocument> {
        let document = self.document.borrow();
        let body = match select {
            Select::Document => document.to_string().into_bytes(),
            Select::Id => Vec::new(),
            Select::Value(path) => {
                let value = document.at(path.segments());
                value.unwrap_or(&Value::Null).to_string().into_bytes()
            }
            Select::Values(all) => Value::Array(values(self.scope(&()), all)?)
                .to_string()
                .into_bytes(),
            Select::Scored => format!("[{document},{}]", Value::Float(self.score)).into_bytes(),
        };
        Ok(RawDocument {
            id: self.id.as_ref().to_owned(),
            body,
        })
    }

    /// Whether the row is one of the query's; its score is then known.
    fn is_found(
        &mut self,
        query: &Query,
        ranking: Option<&Ranking<'_>>,
        links: &dyn Links,
    ) -> Result<bool> {
        if !self.scope(links).holds(&query.filter)? {
            return Ok(false);
        }
        let Some(ranking) = ranking else {
            return Ok(true);
        };
        let score = ranking.score(self.document.borrow());
        self.score = score.unwrap_or_default();
        Ok(score.is_some())
    }
}

/// The values of these expressions.
pub(super) fn values<'a>(scope: Scope<'a>, all: &'a [Expr]) -> Result<Vec<Value>> {
    let values = all.iter().map(|it| scope.value(it));
    values
        .map(|it| it.map(std::borrow::Cow::into_owned))
        .collect()
}

/// One row for each element of the array at this path; none for what is no array.
pub(super) fn unwind<I: Clone, V: Borrow<Value> + Clone>(
    id: &I,
    document: &V,
    path: &FieldPath,
) -> Vec<Row<I, V>> {
    let elements = match document.borrow().at(path.segments()) {
        Some(Value::Array(items)) => items.clone(),
        Some(
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Object(_),
        )
        | None => Vec::new(),
    };
    let rows = elements.into_iter().map(|element| Row {
        id: id.clone(),
        document: document.clone(),
        element: Some(element),
        score: 0.0,
    });
    rows.collect()
}

/// The rows that match, in no order: filter and search count.
pub(super) fn matching<I, V>(
    rows: impl IntoIterator<Item = Row<I, V>>,
    query: &Query,
    links: &dyn Links,
) -> Result<Vec<Row<I, V>>>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let rows: Vec<Row<I, V>> = rows.into_iter().collect();
    let documents = || rows.iter().map(|it| it.document.borrow());
    let search = query.search.as_ref();
    let ranking = search.map(|it| Ranking::of(it, documents()));
    let mut found = Vec::new();
    for mut row in rows {
        if row.is_found(query, ranking.as_ref(), links)? {
            found.push(row);
        }
    }
    Ok(found)
}

/// The rows of a query, in its order.
pub(super) fn run<I, V>(
    rows: impl IntoIterator<Item = Row<I, V>>,
    query: &Query,
    links: &dyn Links,
) -> Result<Vec<Row<I, V>>>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let mut found: Vec<(Vec<Value>, Row<I, V>)> = Vec::new();
    for row in matching(rows, query, links)? {
        found.push((sort_keys(row.document.borrow(), &query.sort)?, row));
    }
    let is_ranked = query.search.as_ref().is_some_and(|it| it.ranked);
    found.sort_by(|(a_keys, a), (b_keys, b)| {
        let by_score = match is_ranked {
            true => b.score.total_cmp(&a.score),
            false => Ordering::Equal,
        };
        by_score.then_with(|| compare_rows((a_keys, a.id.as_ref()), (b_keys, b.id.as_ref()), query))
    });
    if !query.distinct_by.is_empty() {
        let mut seen = BTreeSet::new();
        let mut first = Vec::new();
        for it in found {
            if seen.insert(distinct_key(&it.1, &query.distinct_by)?) {
                first.push(it);
            }
        }
        found = first;
    }
    if let Some(seek) = &query.seek {
        found.retain(|(keys, row)| follows((keys, row.id.as_ref()), seek, query));
    }
    // A window beyond the address space is beyond the rows.
    let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
    let limit = query.limit.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let window = found.into_iter().skip(skip).take(limit);
    Ok(window.map(|(_, row)| row).collect())
}

fn distinct_key<I, V>(row: &Row<I, V>, keys: &[Expr]) -> Result<String>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let mut values = values(row.scope(&()), keys)?;
    for (value, key) in values.iter_mut().zip(keys) {
        *value = aggregate::of_kind(value, key.kind()).clone();
    }
    Ok(aggregate::key(&Value::Array(values)))
}
