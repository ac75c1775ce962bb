//! Keyset pages.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use den_backend::{
    Direction, Error, ErrorKind, FieldKind, Nulls, Query, RawDocument, Result, Seek, Sort, Value,
    meta::fnv1a,
};
use serde::{Deserialize, Serialize};

use crate::{
    QuerySet, Record,
    expr::walk::refuse_native_order,
    query::{
        queryset::invalid,
        stream::{position, rows_at_once},
    },
};

/// One page of a query.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The documents.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last page, and on an empty one (all that followed
    /// was deleted).
    pub next: Option<PageToken>,
    /// Where the page before ends; none on the first page.
    pub prev: Option<PageToken>,
    /// The number of documents on all pages, if it was [asked for](PageRequest::with_total).
    pub total: Option<u64>,
}

/// A place between two documents in the order of a query; opaque.
///
/// # Behavior
///
/// - It is text that may travel in a URL, and holds the sort keys of one document.
/// - It belongs to one collection and order; with another, or changed, it is `InvalidQuery`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(String);

/// Which page to return.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
/// async fn every_price(db: &Db) -> den::Result<Vec<f64>> {
///     let mut prices = Vec::new();
///     let mut request = PageRequest::first(100);
///     loop {
///         let products = Product::query(db).sort(Product::fields().price.asc());
///         let page = products.page(request).await?;
///         prices.extend(page.items.iter().map(|it| it.price));
///         match page.next {
///             Some(token) => request = PageRequest::first(100).after(token),
///             None => return Ok(prices),
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a page request does nothing until it is given to `page`"]
pub struct PageRequest {
    size: u64,
    place: Place,
    with_total: bool,
}

#[derive(Debug, Clone)]
enum Place {
    Start,
    After(PageToken),
    Before(PageToken),
}

impl<T> Page<T> {
    /// The same page with each document made into something else.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(each).collect(),
            next: self.next,
            prev: self.prev,
            total: self.total,
        }
    }
}

impl PageRequest {
    /// The first page, of at most `size` documents.
    pub fn first(size: u64) -> Self {
        Self {
            size,
            place: Place::Start,
            with_total: false,
        }
    }

    /// The page that follows this place.
    pub fn after(mut self, token: PageToken) -> Self {
        self.place = Place::After(token);
        self
    }

    /// The page that follows this place, or the first page if there is none: for handlers that get
    /// the token from a request.
    pub fn after_opt(self, token: Option<PageToken>) -> Self {
        match token {
            Some(token) => self.after(token),
            None => self,
        }
    }

    /// The page that ends at this place; its documents are in the order of the query.
    pub fn before(mut self, token: PageToken) -> Self {
        self.place = Place::Before(token);
        self
    }

    /// Counts the documents on all pages as well, which costs a second statement.
    pub fn with_total(mut self) -> Self {
        self.with_total = true;
        self
    }
}

impl<T: Record> QuerySet<T> {
    /// Returns one page, found by the keys of the document it follows: as fast at any depth where
    /// an index serves the order, and without slipping when documents are inserted.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a page size of zero, a token of another order, a forged or cut token,
    ///   and for a token together with `skip` or a page together with `limit`.
    /// - Else as [`all`](Self::all).
    pub async fn page(self, request: PageRequest) -> Result<Page<T>> {
        let query = self.checked()?;
        let collection = query.collection.clone();
        let page = fetch(&self, query, request).await?;
        let items = page.items.iter().map(|raw| T::decode(&collection, raw));
        let mut items: Vec<T> = items.collect::<Result<_>>()?;
        if T::NEEDS_LOADING {
            T::finish(&self.handle, &mut items, &self.links).await?;
        }
        Ok(Page {
            items,
            next: page.next,
            prev: page.prev,
            total: page.total,
        })
    }
}

/// The rows of one page of `query`, which was made of `from`.
pub(super) async fn fetch<T: Record>(
    from: &QuerySet<T>,
    mut query: Query,
    request: PageRequest,
) -> Result<Page<RawDocument>> {
    if request.size == 0 {
        return Err(invalid("a page holds at least one document"));
    }
    if query.limit.is_some() {
        return Err(invalid("a page has its own size; leave `limit` out"));
    }
    if query.unwind.is_some() {
        return Err(invalid(
            "the rows of what is unwound have no positions; use `all` with limit and skip",
        ));
    }
    refuse_native_order(&query)?;
    let total = match request.with_total {
        true => Some(from.clone().count().await?),
        false => None,
    };
    if query.search.as_ref().is_some_and(|it| it.ranked) {
        let page = fetch_ranked(from, query, &request).await?;
        return Ok(Page { total, ..page });
    }
    let backwards = matches!(request.place, Place::Before(_));
    if let Place::After(token) | Place::Before(token) = &request.place {
        if query.skip > 0 {
            return Err(invalid("a page token and `skip` exclude each other"));
        }
        query.seek = Some(token.position(&query)?);
    }
    let forwards = query.clone();
    if backwards {
        query = query.reversed();
    }
    // One more row tells whether there is a page beyond this one.
    query.limit = Some(request.size.saturating_add(1));
    query.check(from.handle.db().capabilities())?;
    let session = from.session(&query).await?;
    let mut rows = rows_at_once(&session, &query).await?;
    // The connection is free again for what is loaded along.
    drop(session);
    let goes_on = rows.len() as u64 > request.size;
    if goes_on {
        rows.pop();
    }
    if backwards {
        rows.reverse();
    }
    let (has_next, has_prev) = match request.place {
        Place::Start => (goes_on, query.skip > 0),
        Place::After(_) => (goes_on, true),
        Place::Before(_) => (true, goes_on),
    };
    let token = |row: Option<&RawDocument>, wanted: bool| match row {
        Some(row) if wanted => PageToken::new(&forwards, row).map(Some),
        Some(_) | None => Ok(None),
    };
    Ok(Page {
        next: token(rows.last(), has_next)?,
        prev: token(rows.first(), has_prev)?,
        items: rows,
        total,
    })
}

/// The rows of one page in an order by relevance. Such an order has no positions, because how well a
/// document fits depends on all others, so rows are counted.
async fn fetch_ranked<T: Record>(
    from: &QuerySet<T>,
    mut query: Query,
    request: &PageRequest,
) -> Result<Page<RawDocument>> {
    let place = |token: &PageToken| match query.skip {
        0 => token.count(&query),
        _ => Err(invalid("a page token and `skip` exclude each other")),
    };
    let (start, size) = match &request.place {
        Place::Start => (query.skip, request.size),
        Place::After(token) => (place(token)?, request.size),
        Place::Before(token) => {
            let end = place(token)?;
            let start = end.saturating_sub(request.size);
            (start, end - start)
        }
    };
    query.skip = start;
    query.limit = Some(size.saturating_add(1));
    let session = from.session(&query).await?;
    let mut rows = rows_at_once(&session, &query).await?;
    drop(session);
    let goes_on = rows.len() as u64 > size;
    if goes_on {
        rows.pop();
    }
    let end = start.saturating_add(rows.len() as u64);
    let token = |count: u64, wanted: bool| match wanted && !rows.is_empty() {
        true => PageToken::of_count(&query, count).map(Some),
        false => Ok(None),
    };
    Ok(Page {
        next: token(end, goes_on)?,
        prev: token(start, start > 0)?,
        items: rows,
        total: None,
    })
}

/// What a token holds, as JSON behind a checksum.
#[derive(Serialize, Deserialize)]
struct Content {
    /// The order it belongs to, as a hash.
    o: u64,
    /// The sort keys.
    k: Vec<Value>,
    /// The id.
    i: String,
}

impl PageToken {
    /// The format of the content; another one is refused.
    const VERSION: u8 = 1;

    fn new(query: &Query, row: &RawDocument) -> Result<Self> {
        let Seek { keys, id } = position(query, row)?;
        let keys = keys.into_iter().map(without_inside).collect();
        Self::of(&Content {
            o: order_hash(query),
            k: keys,
            i: id,
        })
    }

    /// The token of a place behind so many rows.
    fn of_count(query: &Query, count: u64) -> Result<Self> {
        Self::of(&Content {
            o: order_hash(query),
            k: vec![Value::Int(i64::try_from(count).unwrap_or(i64::MAX))],
            i: String::new(),
        })
    }

    fn of(content: &Content) -> Result<Self> {
        let content = serde_json::to_vec(content).map_err(|it| {
            Error::new(ErrorKind::Backend, "could not write a page token").with_source(it)
        })?;
        let mut bytes = vec![Self::VERSION];
        bytes.extend(checksum(&content));
        bytes.extend(content);
        Ok(Self(BASE64.encode(bytes)))
    }

    /// How many rows lie before the place, in an order by relevance.
    fn count(&self, query: &Query) -> Result<u64> {
        match self.content(query)?.k.as_slice() {
            [Value::Int(count)] => u64::try_from(*count).map_err(|_| broken()),
            _ => Err(broken()),
        }
    }

    /// The place in the order of `query`.
    fn position(&self, query: &Query) -> Result<Seek> {
        let content = self.content(query)?;
        let fits = content.k.len() == query.sort.len()
            && content
                .k
                .iter()
                .zip(&query.sort)
                .all(|(key, sort)| is_key_of(key, sort));
        if !fits {
            return Err(broken());
        }
        Ok(Seek {
            keys: content.k,
            id: content.i,
        })
    }

    /// What the token holds, if it belongs to the order of `query`.
    fn content(&self, query: &Query) -> Result<Content> {
        let bytes = BASE64.decode(&self.0).map_err(|_| broken())?;
        let (head, content) = bytes.split_at_checked(5).ok_or_else(broken)?;
        if head.first() != Some(&Self::VERSION) || head.get(1..) != Some(&checksum(content)) {
            return Err(broken());
        }
        let content: Content = serde_json::from_slice(content).map_err(|_| broken())?;
        if content.o != order_hash(query) {
            return Err(invalid(
                "the page token belongs to another collection or order; start from the first page",
            ));
        }
        Ok(content)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken() -> Error {
    invalid("the page token is not one den made, or was cut or changed")
}

/// Arrays tie with arrays and objects with objects, so what is in them is of no use in a token.
fn without_inside(key: Value) -> Value {
    match key {
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Default::default()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => key,
    }
}

fn is_key_of(key: &Value, sort: &Sort) -> bool {
    let holds_text = matches!(sort.kind(), FieldKind::Any | FieldKind::Text);
    if sort.is_id() && holds_text {
        return matches!(key, Value::Text(_));
    }
    match (sort.kind(), key) {
        (FieldKind::Any, _) | (_, Value::Null) => true,
        (FieldKind::Text, Value::Text(_)) => true,
        (FieldKind::Number, Value::Int(_) | Value::Float(_)) => true,
        (FieldKind::Bool, Value::Bool(_)) => true,
        (
            FieldKind::Text
            | FieldKind::Number
            | FieldKind::Bool
            | FieldKind::Array
            | FieldKind::Object,
            _,
        ) => false,
    }
}

/// The first four bytes of FNV-1a: it finds damage; it is no signature, and need not be one,
/// because a token can only ever say where to start reading.
fn checksum(content: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = fnv1a(content).to_be_bytes();
    [a, b, c, d]
}

fn order_hash(query: &Query) -> u64 {
    let mut text = query.collection.clone();
    for sort in &query.sort {
        text.push('\u{1}');
        match sort.as_field() {
            Some(field) => text.push_str(&field.path.segments().join("\u{2}")),
            None => text.push_str(&serde_json::to_string(&sort.key).unwrap_or_default()),
        }
        text.push_str(match sort.direction {
            Direction::Asc => "\u{1}a",
            Direction::Desc => "\u{1}d",
        });
        text.push_str(match sort.nulls {
            Nulls::First => "f",
            Nulls::Last => "l",
        });
        text.push_str(match sort.kind() {
            FieldKind::Text => "t",
            FieldKind::Number => "n",
            FieldKind::Bool => "b",
            FieldKind::Array => "a",
            FieldKind::Object => "o",
            FieldKind::Any => "*",
        });
    }
    if let Some(search) = query.search.as_ref().filter(|it| it.ranked) {
        for term in search.query.any.iter().flatten() {
            text.push_str(if term.negated { "\u{1}-" } else { "\u{1}+" });
            text.push_str(&term.words.join("\u{2}"));
        }
    }
    text.push_str(match query.id_direction {
        Direction::Asc => "\u{1}a",
        Direction::Desc => "\u{1}d",
    });
    fnv1a(text.as_bytes())
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PageToken {
    type Err = std::convert::Infallible;

    /// Takes the text as it is; whether it is a token shows when it is used.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
