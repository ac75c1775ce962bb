//! Change tracking: what a document says beside what is stored.

use std::collections::BTreeMap;

use den::{ErrorKind, prelude::*};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::refused;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(what_was_read_is_not_changed),
    case!(what_was_written_is_not_changed),
    case!(a_new_document_has_nothing_to_compare_with),
    case!(changes_name_path_before_and_after),
    case!(changes_of_odd_keys),
    case!(another_form_of_the_same_document_is_no_change),
    case!(revert_puts_back_what_is_stored),
    case!(a_rollback_is_looked_through),
    case!(a_savepoint_is_looked_through),
    case!(a_mark_of_deletion_is_no_change),
    case!(refresh_is_remembered),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "books")]
pub(super) struct Book {
    #[serde(flatten)]
    pub(super) base: Base<Book>,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    pub(super) title: String,
    #[den(unique)]
    pub(super) isbn: Option<String>,
    pub(super) price: f64,
    pub(super) pages: i64,
    #[den(index)]
    pub(super) tags: Vec<String>,
    pub(super) address: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shelf: Option<Place>,
    #[serde(default)]
    pub(super) counts: BTreeMap<String, i64>,
    #[serde(default, alias = "old_note")]
    pub(super) note: String,
    #[serde(default)]
    pub(super) data: Json,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Place {
    pub(super) city: String,
    pub(super) floor: Option<i64>,
}

/// With a revision, a mark of deletion and hooks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "cards", revision, hooks)]
pub(super) struct Card {
    #[serde(flatten)]
    pub(super) base: Base<Card>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    pub(super) text: String,
    pub(super) slug: String,
    pub(super) saves: i64,
}

impl Hooks for Card {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.slug = self.text.to_lowercase();
        self.saves += 1;
        Ok(())
    }

    async fn after_update(&mut self, _cx: &HookContext) -> den::Result<()> {
        match self.text.as_str() {
            "NO" => Err(Error::custom("no")),
            _ => Ok(()),
        }
    }

    async fn validate(&self, _cx: &HookContext) -> den::Result<()> {
        match self.text.as_str() {
            "" => Err(Error::new(ErrorKind::Validation, "a card has a text")),
            _ => Ok(()),
        }
    }
}

pub(super) fn book(title: &str) -> Book {
    Book {
        title: title.to_owned(),
        price: 1.0,
        tags: vec!["x".into()],
        data: json!({"z": 1, "a": {"c": 1.50, "b": null}}),
        ..Default::default()
    }
}

pub(super) async fn given(on: &TestDb) -> (&Db, Book) {
    let db = on.with::<Book>().await;
    let mut it = book("a");
    it.save(db).await.unwrap();
    (db, it)
}

async fn stored(db: &Db, it: &Book) -> Json {
    let books = db.collection("books");
    books.get(it.id()).await.unwrap().unwrap()
}

/// The changes as text: `path: before > after`.
pub(super) fn said(it: &impl Tracking) -> String {
    let text = |it: &Option<Json>| it.as_ref().map_or("-".to_owned(), Json::to_string);
    let changes = it.changes().unwrap();
    let changes: Vec<String> = changes
        .iter()
        .map(|it| format!("{}: {} > {}", it.path, text(&it.before), text(&it.after)))
        .collect();
    changes.join("; ")
}

async fn what_was_read_is_not_changed(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let id = it.id().clone();
    let query = || Book::query(db);
    let (rows, _) = query().all_with_count().await.unwrap();
    let page = query().page(PageRequest::first(1)).await.unwrap();
    let streamed: Vec<Book> = query().stream().try_collect().await.unwrap();
    let tx = db.begin().await.unwrap();
    let locked = tx.lock::<Book>(&id, LockMode::Wait).await.unwrap().unwrap();
    let within = Book::query(&tx).one().await.unwrap();
    tx.rollback().await.unwrap();
    it.refresh(db).await.unwrap();
    let read = [
        it,
        Book::find(db, &id).await.unwrap(),
        Book::get_many(db, [&id]).await.unwrap().remove(0),
        query().all().await.unwrap().remove(0),
        query().first().await.unwrap().unwrap(),
        query().one().await.unwrap(),
        rows[0].clone(),
        page.items[0].clone(),
        streamed[0].clone(),
        locked,
        within,
    ];
    for mut it in read {
        assert!(!it.is_changed().unwrap());
        assert_eq!(it.changes().unwrap(), []);
        it.pages += 1;
        assert!(it.is_changed().unwrap());
        it.pages -= 1;
        assert!(!it.is_changed().unwrap());
    }
}

async fn what_was_written_is_not_changed(on: &TestDb) {
    let (db, mut it) = given(on).await;
    assert!(!it.is_changed().unwrap());
    it.title = "b".into();
    assert!(it.is_changed().unwrap());
    it.update(db).await.unwrap();
    assert!(!it.is_changed().unwrap());
    it.title = "c".into();
    it.replace(db).await.unwrap();
    assert!(!it.is_changed().unwrap());
    let mut several = [it, book("new")];
    several[0].title = "d".into();
    Book::save_all(db, &mut several).await.unwrap();
    assert!(several.iter().all(|it| !it.is_changed().unwrap()));
    several[0].tags.clear();
    assert!(several[0].save_changes(db).await.unwrap());
    assert!(!several[0].is_changed().unwrap());
    // A clone remembers, too.
    let mut clone = several[0].clone();
    clone.title = "e".into();
    assert_eq!(said(&clone), r#"title: "d" > "e""#);
    clone.isbn = Some("\0".into());
    refused(clone.save(db).await, ErrorKind::InvalidDocument);
    clone.isbn = None;
    assert_eq!(said(&clone), r#"title: "d" > "e""#);
}

async fn a_new_document_has_nothing_to_compare_with(on: &TestDb) {
    let db = on.with::<Book>().await;
    let mut it = book("a");
    refused(it.is_changed(), ErrorKind::NoSnapshot);
    refused(it.changes(), ErrorKind::NoSnapshot);
    refused(it.revert(), ErrorKind::NoSnapshot);
    refused(it.save_changes(db).await, ErrorKind::NoSnapshot);
    let mut nan = book("b");
    nan.price = f64::NAN;
    refused(nan.save(db).await, ErrorKind::InvalidDocument);
    refused(nan.is_changed(), ErrorKind::NoSnapshot);
    it.save(db).await.unwrap();
    // What is remembered is not stored.
    let keys = stored(db, &it).await;
    assert!(!keys.as_object().unwrap().contains_key("tracked"));
}

async fn changes_name_path_before_and_after(on: &TestDb) {
    let (db, it) = given(on).await;
    let mut it = Book::find(db, it.id()).await.unwrap();
    it.title = "b".into();
    it.price = 2.5;
    it.address.city = "Oslo".into();
    it.shelf = Some(Place::default());
    it.tags.push("y".into());
    it.data["a"]["c"] = json!(2);
    assert_eq!(
        said(&it),
        r#"address.city: "" > "Oslo"; data.a.c: 1.5 > 2; price: 1.0 > 2.5; shelf: - > {"city":"","floor":null}; tags: ["x"] > ["x","y"]; title: "a" > "b""#
    );
    it.save(db).await.unwrap();
    it.shelf.as_mut().unwrap().floor = Some(3);
    assert_eq!(said(&it), "shelf.floor: null > 3");
    it.shelf = None;
    assert_eq!(said(&it), r#"shelf: {"city":"","floor":null} > -"#);
}

async fn changes_of_odd_keys(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.counts = [("a.b", 1), ("US Gross", 2), ("0", 3)]
        .map(|(key, n)| (key.to_owned(), n))
        .into();
    assert!(it.save_changes(db).await.unwrap());
    *it.counts.get_mut("a.b").unwrap() = 10;
    it.counts.remove("0");
    it.counts.insert("it's \"x\"".into(), 4);
    assert_eq!(it.changes().unwrap().len(), 3);
    assert!(it.save_changes(db).await.unwrap());
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
    // A key that no path can name.
    it.counts.insert(String::new(), 5);
    assert_eq!(it.changes().unwrap()[0].path.to_string(), "counts");
    assert!(it.save_changes(db).await.unwrap());
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
}

async fn another_form_of_the_same_document_is_no_change(on: &TestDb) {
    let (db, it) = given(on).await;
    let document = json!({
        "old_note": "n", "title": "t", "price": 2, "pages": 7, "tags": [], "isbn": null,
        "address": {"floor": null, "city": "c", "unknown": 1}, "_id": "old", "more": [1],
    });
    on.plant("books", "old", &document).await;
    let mut old = Book::find(db, "old").await.unwrap();
    assert!(!old.is_changed().unwrap());
    old.price = 2.0;
    assert!(!old.is_changed().unwrap());
    old.counts.insert("a".into(), 1);
    assert_eq!(said(&old), "counts.a: - > 1");
    drop(it);
}

async fn revert_puts_back_what_is_stored(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.shelf = Some(Place::default());
    it.save(db).await.unwrap();
    let before = it.clone();
    it.title = "b".into();
    it.address.city = "Oslo".into();
    it.shelf = None;
    it.tags.clear();
    it.revert().unwrap();
    assert_eq!(it, before);
    assert!(it.base.is_stored() && !it.is_changed().unwrap());
    it.revert().unwrap();
    it.shelf = None;
    it.save(db).await.unwrap();
    it.shelf = Some(Place::default());
    it.revert().unwrap();
    assert_eq!(it.shelf, None);
    it.title = "c".into();
    it.save(db).await.unwrap();
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
}

async fn a_rollback_is_looked_through(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let tx = db.begin().await.unwrap();
    it.title = "b".into();
    it.save(&tx).await.unwrap();
    it.pages = 5;
    it.save_changes(&tx).await.unwrap();
    assert!(!it.is_changed().unwrap());
    tx.rollback().await.unwrap();
    assert_eq!(said(&it), r#"pages: 0 > 5; title: "a" > "b""#);
    assert!(it.save_changes(db).await.unwrap());
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
    let mut new = book("new");
    let tx = db.begin().await.unwrap();
    new.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    refused(new.is_changed(), ErrorKind::NoSnapshot);
}

async fn a_savepoint_is_looked_through(on: &TestDb) {
    let (db, mut it) = given(on).await;
    db.transaction(async |tx| {
        it.title = "b".into();
        it.save(&tx).await?;
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                it.title = "c".into();
                it.save(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(failed, ErrorKind::Hook);
        assert_eq!(said(&it), r#"title: "b" > "c""#);
        it.revert()?;
        assert_eq!(it.title, "b");
        tx.savepoint(async |tx| {
            it.title = "d".into();
            it.save(&tx).await
        })
        .await
    })
    .await
    .unwrap();
    assert!(!it.is_changed().unwrap());
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
}

async fn a_mark_of_deletion_is_no_change(on: &TestDb) {
    let db = on.with::<Card>().await;
    let mut it = Card {
        text: "A".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    it.text = "B".into();
    let options = DeleteOptions::new().by("ada");
    it.delete_with(db, options).await.unwrap();
    assert_eq!(said(&it), r#"text: "A" > "B""#);
    it.revert().unwrap();
    assert!(it.deletion.is_deleted() && it.text == "A");
    it.restore(db).await.unwrap();
    assert!(!it.is_changed().unwrap());
    let tx = db.begin().await.unwrap();
    it.delete(&tx).await.unwrap();
    it.text = "C".into();
    it.revert().unwrap();
    tx.rollback().await.unwrap();
    assert!(!it.deletion.is_deleted());
    assert!(!it.is_changed().unwrap());
    it.save(db).await.unwrap();
    assert_eq!(Card::query(db).count().await.unwrap(), 1);
}

async fn refresh_is_remembered(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let mut other = Book::find(db, it.id()).await.unwrap();
    other.shelf = Some(Place::default());
    other.save(db).await.unwrap();
    it.title = "b".into();
    it.refresh(db).await.unwrap();
    assert!(!it.is_changed().unwrap());
    assert_eq!(it, other);
    // What is no longer stored is gone.
    other.shelf = None;
    other.save(db).await.unwrap();
    it.refresh(db).await.unwrap();
    assert_eq!(it.shelf, None);
    let tx = db.begin().await.unwrap();
    it.title = "c".into();
    it.save(&tx).await.unwrap();
    it.refresh(&tx).await.unwrap();
    assert!(!it.is_changed().unwrap());
    tx.rollback().await.unwrap();
    assert_eq!(said(&it), r#"title: "a" > "c""#);
}
