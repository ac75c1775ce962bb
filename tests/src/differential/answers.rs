//! What a backend answers, in a form that compares.

use std::fmt;

use den_backend::{
    Backend, Error, ErrorKind, Patch, Query, RawDocument, ReadWrite, Returning, Seek, Select,
    TxOptions, Value, order::sort_keys,
};
use futures_util::TryStreamExt as _;

use super::{
    groups::{Groups, is_total},
    queries::Case,
};

/// More pages than any case has, so that a walk that goes round in circles ends.
const MOST_PAGES: usize = 100;

/// Everything a backend says about a case.
#[derive(Debug)]
pub(super) struct Answers {
    rows: Said<Vec<Row>>,
    count: Said<u64>,
    exists: Said<bool>,
    pages: Option<Said<Pages>>,
    deleted: Option<Said<Deleted>>,
    patched: Option<Said<Patched>>,
    grouped: Option<Grouped>,
}

/// What was answered, or which error.
pub(super) type Said<T> = Result<T, Failure>;

fn is_out_of_range<T>(said: &Said<T>) -> bool {
    let kind = said.as_ref().err().map(|it| it.0.kind());
    kind == Some(ErrorKind::OutOfRange)
}

fn same<T: PartialEq>(one: &Said<T>, two: &Said<T>) -> bool {
    is_out_of_range(one) || is_out_of_range(two) || one == two
}

fn same_part<T: PartialEq>(one: Option<&Said<T>>, two: Option<&Said<T>>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (one, two) => one.is_none() && two.is_none(),
    }
}

/// An error; two are the same if their kinds are.
pub(super) struct Failure(pub(super) Error);

/// One row, its body parsed; none with `Select::Id`.
#[derive(PartialEq)]
struct Row {
    id: String,
    body: Option<Value>,
}

/// The ids of each page, as they were reached.
#[derive(Debug, PartialEq)]
struct Pages {
    forwards: Vec<Vec<String>>,
    back: Vec<Vec<String>>,
}

/// What a delete in a transaction did.
#[derive(Debug, PartialEq)]
struct Deleted {
    count: u64,
    left: Vec<String>,
}

/// What an update in a transaction did, and what it left.
#[derive(Debug, PartialEq)]
struct Patched {
    count: Said<u64>,
    returned: Vec<Row>,
    documents: Vec<Row>,
}

/// The rows of groups.
#[derive(Debug)]
struct Grouped {
    rows: Said<Vec<Value>>,
    /// Whether their order says all.
    is_total: bool,
}

impl Answers {
    /// Asks a backend about everything in the case.
    pub(super) async fn of(backend: &dyn Backend, case: &Case) -> Self {
        let query = &case.query;
        Self {
            rows: rows(backend, query).await.map_err(Failure),
            count: backend.count(query).await.map_err(Failure),
            exists: backend.exists(query).await.map_err(Failure),
            pages: match case.page {
                Some(size) => Some(walk(backend, query, size).await.map_err(Failure)),
                None => None,
            },
            deleted: match case.delete {
                true => Some(delete(backend, query).await.map_err(Failure)),
                false => None,
            },
            patched: match &case.patch {
                Some(patch) => {
                    let patched = update(backend, query, patch, case.returning).await;
                    Some(patched.map_err(Failure))
                }
                None => None,
            },
            grouped: match &case.groups {
                Some(groups) => Some(Grouped {
                    rows: group(backend, groups).await.map_err(Failure),
                    is_total: is_total(&groups.grouping.keys),
                }),
                None => None,
            },
        }
    }

    /// Whether both say the same. A number out of range is only met where it is computed, and engines
    /// are free to compute what the answer does not need, or to leave it out: it is no difference.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        same(&self.rows, &other.rows)
            && same(&self.count, &other.count)
            && same(&self.exists, &other.exists)
            && same_part(self.pages.as_ref(), other.pages.as_ref())
            && same_part(self.deleted.as_ref(), other.deleted.as_ref())
            && match (&self.patched, &other.patched) {
                (Some(Ok(one)), Some(Ok(two))) => {
                    is_out_of_range(&one.count) || is_out_of_range(&two.count) || one == two
                }
                (one, two) => same_part(one.as_ref(), two.as_ref()),
            }
            && match (&self.grouped, &other.grouped) {
                (Some(one), Some(two)) => {
                    is_out_of_range(&one.rows) || is_out_of_range(&two.rows) || one == two
                }
                (one, two) => one.is_none() && two.is_none(),
            }
    }

    /// Whether a number was out of range somewhere.
    pub(super) fn is_out_of_range(&self) -> bool {
        is_out_of_range(&self.rows)
            || is_out_of_range(&self.count)
            || self
                .grouped
                .as_ref()
                .is_some_and(|it| is_out_of_range(&it.rows))
    }

    /// Whether the groups are more than one.
    pub(super) fn has_groups(&self) -> bool {
        let groups = self.grouped.as_ref().and_then(|it| it.rows.as_ref().ok());
        groups.is_some_and(|it| it.len() > 1)
    }

    /// Whether the filter holds for some of the documents but not for all.
    pub(super) fn is_telling(&self, documents: usize) -> bool {
        let count = self.count.as_ref().copied().unwrap_or_default();
        count > 0 && usize::try_from(count).is_ok_and(|it| it < documents)
    }

    /// Whether a patch changed a document.
    pub(super) fn has_changed(&self) -> bool {
        let Some(Ok(patched)) = &self.patched else {
            return false;
        };
        patched.count.as_ref().is_ok_and(|it| *it > 0)
    }
}

async fn rows(on: &(impl ReadWrite + ?Sized), query: &Query) -> Result<Vec<Row>, Error> {
    let raw = raw_rows(on, query).await?;
    let row = |it: RawDocument| {
        let body = match query.select {
            Select::Document | Select::Value(_) | Select::Values(_) | Select::Scored => {
                Some(parse(&it.body)?)
            }
            Select::Id if it.body.is_empty() => None,
            Select::Id => return Err(corrupt("the body of an id is not empty")),
        };
        Ok(Row { id: it.id, body })
    };
    raw.into_iter().map(row).collect()
}

async fn raw_rows(
    on: &(impl ReadWrite + ?Sized),
    query: &Query,
) -> Result<Vec<RawDocument>, Error> {
    on.query(query).await?.try_collect().await
}

pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|why| corrupt("a body is not JSON").with_source(why))
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// Reads all pages from the first to the last, and from behind the last back to the first.
async fn walk(backend: &dyn Backend, query: &Query, size: u64) -> Result<Pages, Error> {
    let query = Query {
        select: Select::Document,
        skip: 0,
        limit: Some(size),
        seek: None,
        ..query.clone()
    };
    Ok(Pages {
        forwards: follow(backend, query.clone()).await?,
        back: follow(backend, query.reversed()).await?,
    })
}

async fn follow(backend: &dyn Backend, mut query: Query) -> Result<Vec<Vec<String>>, Error> {
    let mut pages = Vec::new();
    while pages.len() < MOST_PAGES {
        let rows = raw_rows(backend, &query).await?;
        let Some(last) = rows.last() else { break };
        query.seek = Some(Seek {
            keys: sort_keys(&parse(&last.body)?, &query.sort)?,
            id: last.id.clone(),
        });
        pages.push(rows.into_iter().map(|it| it.id).collect());
    }
    Ok(pages)
}

async fn delete(backend: &dyn Backend, query: &Query) -> Result<Deleted, Error> {
    let tx = backend.begin(TxOptions::default()).await?;
    let count = tx.delete_matching(query).await?;
    let all = Query {
        select: Select::Id,
        ..Query::new(&query.collection)
    };
    let left = raw_rows(&*tx, &all).await?;
    tx.rollback().await?;
    Ok(Deleted {
        count,
        left: left.into_iter().map(|it| it.id).collect(),
    })
}

/// The transaction goes on though the update failed.
async fn update(
    backend: &dyn Backend,
    query: &Query,
    patch: &Patch,
    returning: Returning,
) -> Result<Patched, Error> {
    let tx = backend.begin(TxOptions::default()).await?;
    let updated = tx.update(query, patch, returning).await;
    let (count, raw) = match updated {
        Ok(it) => (Ok(it.count), it.rows),
        Err(error) => (Err(Failure(error)), Vec::new()),
    };
    let mut returned = Vec::with_capacity(raw.len());
    for it in raw {
        let body = Some(parse(&it.body)?);
        returned.push(Row { id: it.id, body });
    }
    let documents = rows(&*tx, &Query::new(&query.collection)).await?;
    tx.rollback().await?;
    Ok(Patched {
        count,
        returned,
        documents,
    })
}

async fn group(backend: &dyn Backend, groups: &Groups) -> Result<Vec<Value>, Error> {
    let rows = backend.group(&groups.query, &groups.grouping).await?;
    rows.iter().map(|it| parse(it)).collect()
}

impl PartialEq for Grouped {
    fn eq(&self, other: &Self) -> bool {
        match (&self.rows, &other.rows) {
            (Ok(rows), Ok(others)) if !self.is_total => have_the_same(rows, others),
            (rows, others) => rows == others,
        }
    }
}

fn have_the_same(rows: &[Value], others: &[Value]) -> bool {
    let mut others: Vec<&Value> = others.iter().collect();
    let mut found = rows.iter().map(|row| {
        let at = others.iter().position(|it| *it == row);
        at.map(|at| others.swap_remove(at)).is_some()
    });
    found.all(|it| it) && others.is_empty()
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind() == other.0.kind()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id)?;
        match &self.body {
            Some(body) => write!(f, ": {body}"),
            None => Ok(()),
        }
    }
}
