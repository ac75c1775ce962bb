//! Documents and helpers that the themes share.

use std::{collections::BTreeMap, sync::Arc};

use den::{Documents, Error, ErrorKind, Json, prelude::*, testing::Recorder};
use serde::{Deserialize, Serialize};

use crate::harness::TestDb;

/// A document with a field of every kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "items", index(fields("category", "price")))]
pub(super) struct Item {
    #[serde(flatten)]
    pub(super) base: Base<Item>,
    #[den(index)]
    pub(super) name: String,
    #[den(index)]
    pub(super) n: i64,
    #[den(index)]
    pub(super) price: f64,
    #[den(index)]
    pub(super) category: Option<String>,
    #[den(index)]
    pub(super) tags: Vec<String>,
    pub(super) active: bool,
    #[den(index)]
    pub(super) at: Option<Timestamp>,
    pub(super) address: Address,
    pub(super) attributes: BTreeMap<String, i64>,
    pub(super) lines: Vec<Line>,
    pub(super) data: Json,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Address {
    #[den(index)]
    pub(super) city: String,
    #[serde(rename = "zip code")]
    pub(super) zip: Option<String>,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Place {
    pub(super) floor: i64,
    pub(super) door: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Line {
    pub(super) sku: String,
    pub(super) count: i64,
}

/// A document with a revision and unique values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "notes", revision)]
pub(super) struct Note {
    #[serde(flatten)]
    pub(super) base: Base<Note>,
    #[den(unique)]
    pub(super) slug: Option<String>,
    pub(super) text: String,
}

pub(super) fn item(name: &str) -> Item {
    Item {
        name: name.to_owned(),
        ..Default::default()
    }
}

/// An item called `i1`, `i2` and so on.
pub(super) fn numbered(n: i64) -> Item {
    Item {
        n,
        price: f64::from(i32::try_from(n).unwrap()) + 0.5,
        ..item(&format!("i{n}"))
    }
}

pub(super) fn note(slug: &str) -> Note {
    Note {
        slug: Some(slug.to_owned()),
        ..Default::default()
    }
}

/// Registers items and stores these.
pub(super) async fn given(on: &TestDb, items: impl IntoIterator<Item = Item>) -> &Db {
    let db = on.with::<(Item,)>().await;
    let mut items: Vec<Item> = items.into_iter().collect();
    // Ids ascend in the order given.
    for it in &mut items {
        if it.base.id.is_empty() {
            it.base.id = Id::generate();
        }
    }
    Item::insert_many(db, &mut items).await.unwrap();
    db
}

/// Registers items and stores `i1` to this one.
pub(super) async fn given_numbered(on: &TestDb, count: i64) -> &Db {
    given(on, (1..=count).map(numbered)).await
}

/// The names of the items a query finds, joined with spaces.
pub(super) async fn found(query: QuerySet<Item>) -> String {
    names(&query.all().await.unwrap())
}

/// The names of items, joined with spaces.
pub(super) fn names(items: &[Item]) -> String {
    let names: Vec<&str> = items.iter().map(|it| it.name.as_str()).collect();
    names.join(" ")
}

/// The names of the items that pass, in order of insertion.
pub(super) async fn passing(db: &Db, filter: Filter<Item>) -> String {
    found(Item::query(db).filter(filter)).await
}

/// Makes sure that a filter passes exactly these items, and its complement all others.
pub(super) async fn check(db: &Db, filter: Filter<Item>, expected: &str) {
    let note = format!("{filter:?}");
    assert_eq!(passing(db, filter.clone()).await, expected, "{note}");
    let all = found(Item::query(db)).await;
    let others: Vec<&str> = all
        .split(' ')
        .filter(|it| !expected.split(' ').any(|its| its == *it))
        .collect();
    assert_eq!(
        passing(db, !filter.clone()).await,
        others.join(" "),
        "not {note}"
    );
    let count = Item::query(db)
        .filter(filter.clone())
        .count()
        .await
        .unwrap();
    assert_eq!(count, expected.split_whitespace().count() as u64, "{note}");
    let exists = Item::query(db).filter(filter).exists().await.unwrap();
    assert_eq!(exists, count > 0, "{note}");
}

/// The error of a call that must fail in this way.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(outcome: den::Result<T>, kind: ErrorKind) -> Error {
    match outcome {
        Err(error) if error.kind() == kind => error,
        other => panic!("expected {kind:?}, got {other:?}"),
    }
}

/// How many documents a type has.
pub(super) async fn count<D: Document>(on: &(impl Executor + ?Sized)) -> u64 {
    D::query(on).count().await.unwrap()
}

/// Everything an error says, its sources included.
pub(super) fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(it) = source {
        text.push_str(&format!(" {it} {it:?}"));
        source = it.source();
    }
    text
}

/// The same database, and what reaches it.
pub(super) async fn recorded<D: Documents>(on: &TestDb) -> (Db, Recorder) {
    let (backend, recorder) = Recorder::wrap(Arc::clone(&on.backend));
    let db = Db::builder().shared_backend(backend).open().await.unwrap();
    db.register::<D>().await.unwrap();
    recorder.clear();
    (db, recorder)
}
