//! Saves of what was changed only.

use std::{collections::BTreeMap, sync::Arc};

use den::{ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Barrier;

use super::{
    support::refused,
    tracking::{Book, Card, Place, book, given, said},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(save_changes_writes_what_changed_alone),
    case!(save_changes_without_changes_writes_nothing),
    case!(save_changes_of_every_kind_of_value),
    case!(save_changes_of_a_document_in_an_old_form),
    case!(two_writers_of_different_fields_do_not_undo_each_other),
    case!(a_stale_save_of_changes_is_a_conflict),
    case!(changes_of_a_deleted_document_are_not_saved),
    case!(a_duplicate_in_a_save_of_changes),
    case!(what_cannot_be_stored_is_refused),
    case!(another_id_is_refused),
    case!(hooks_run_when_changes_are_saved),
    case!(what_a_changed_value_lay_in_is_gone),
    case!(names_and_shapes_that_serde_makes),
    case!(owned_documents_are_saved_along),
];

async fn save_changes_writes_what_changed_alone(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let updated_at = it.base.updated_at;
    // Someone else changes another field meanwhile.
    let mut other = Book::find(db, it.id()).await.unwrap();
    other.pages = 99;
    other.save(db).await.unwrap();
    it.title = "b".into();
    it.address.floor = Some(2);
    assert!(it.save_changes(db).await.unwrap());
    assert!(it.base.updated_at > updated_at);
    let found = Book::find(db, it.id()).await.unwrap();
    assert_eq!((found.title.as_str(), found.pages), ("b", 99));
    assert_eq!(found.address.floor, Some(2));
    assert_eq!(found.base.updated_at, it.base.updated_at);
    assert_eq!(found.base.created_at, it.base.created_at);
    let by_tag = Book::query(db).filter(Book::fields().tags.contains("x"));
    assert_eq!(by_tag.clone().count().await.unwrap(), 1);
    it.tags = vec!["y".into()];
    it.save_changes(db).await.unwrap();
    assert_eq!(by_tag.count().await.unwrap(), 0);
}

async fn save_changes_without_changes_writes_nothing(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let before = it.clone();
    assert!(!it.save_changes(db).await.unwrap());
    assert_eq!(it, before);
    assert_eq!(Book::find(db, it.id()).await.unwrap().base, before.base);
    on.with::<Card>().await;
    let mut card = Card {
        text: "A".into(),
        ..Default::default()
    };
    card.save(db).await.unwrap();
    assert!(!card.save_changes(db).await.unwrap());
    assert_eq!(card.saves, 1);
}

async fn save_changes_of_every_kind_of_value(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let values = [
        json!(null),
        json!(true),
        json!(i64::MAX),
        json!(0.1),
        json!("quote ' \" \\ \u{1F600}"),
        json!([1, [2, {"a": null}]]),
        json!({"a": {"b": {}}}),
        json!({"a": {"b": {"c": []}, "d": 1}}),
        json!({"a": 7}),
        json!({}),
        json!([]),
    ];
    for value in values {
        it.data = value.clone();
        it.save_changes(db).await.unwrap();
        let found = Book::find(db, it.id()).await.unwrap();
        assert_eq!(found.data, value);
        assert_eq!(found, it);
        assert!(!found.is_changed().unwrap() && !it.is_changed().unwrap());
    }
}

async fn save_changes_of_a_document_in_an_old_form(on: &TestDb) {
    let (db, _) = given(on).await;
    let document = json!({
        "old_note": "n", "title": "t", "price": 2, "pages": 7, "tags": [], "isbn": null,
        "address": {"floor": null, "city": "c"}, "_id": "old", "unknown": 1, "counts": {},
    });
    on.plant("books", "old", &document).await;
    let mut old = Book::find(db, "old").await.unwrap();
    old.pages = 8;
    assert!(old.save_changes(db).await.unwrap());
    let found = db.collection("books").get("old").await.unwrap().unwrap();
    // The rest is as it was.
    assert_eq!(
        (&found["pages"], &found["old_note"]),
        (&json!(8), &json!("n"))
    );
    assert_eq!(found["unknown"], 1);
    // With two names for one field the document could not be read.
    old.note = "new".into();
    assert!(old.save_changes(db).await.unwrap());
    let found = Book::find(db, "old").await.unwrap();
    assert_eq!((found.note.as_str(), found.pages), ("new", 8));
    assert_eq!(found, old);
}

async fn two_writers_of_different_fields_do_not_undo_each_other(on: &TestDb) {
    let (db, it) = given(on).await;
    for round in 1..=50_i64 {
        let barrier = Arc::new(Barrier::new(2));
        let tasks = [0, 1].map(|which| {
            let (db, id, barrier) = (db.clone(), it.id().clone(), barrier.clone());
            tokio::spawn(async move {
                let mut it = Book::find(&db, &id).await.unwrap();
                match which {
                    0 => it.pages = round,
                    _ => it.counts = [("n".to_owned(), round)].into(),
                }
                barrier.wait().await;
                assert!(it.save_changes(&db).await.unwrap());
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        let found = Book::find(db, it.id()).await.unwrap();
        assert_eq!((found.pages, found.counts["n"]), (round, round));
    }
}

async fn a_stale_save_of_changes_is_a_conflict(on: &TestDb) {
    let db = on.with::<Card>().await;
    let mut it = Card {
        text: "A".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    let mut stale = it.clone();
    it.text = "B".into();
    let rev = it.base.rev.clone();
    assert!(it.save_changes(db).await.unwrap());
    assert_ne!(it.base.rev, rev);
    assert_eq!(Card::find(db, it.id()).await.unwrap(), it);
    stale.text = "C".into();
    let before = stale.clone();
    refused(stale.save_changes(db).await, ErrorKind::RevisionConflict);
    assert_eq!(stale, before);
    assert!(stale.is_changed().unwrap());
    stale.refresh(db).await.unwrap();
    stale.text = "C".into();
    stale.save_changes(db).await.unwrap();
    refused(it.save(db).await, ErrorKind::RevisionConflict);
}

async fn changes_of_a_deleted_document_are_not_saved(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.clone().delete(db).await.unwrap();
    it.title = "b".into();
    refused(it.save_changes(db).await, ErrorKind::NotFound);
    on.with::<Card>().await;
    let mut card = Card {
        text: "A".into(),
        ..Default::default()
    };
    card.save(db).await.unwrap();
    card.delete(db).await.unwrap();
    // Known to be deleted: it stays so.
    card.text = "B".into();
    assert!(card.save_changes(db).await.unwrap());
    let mut found = Card::find(db, card.id()).await.unwrap();
    assert_eq!(
        (found.text.as_str(), found.deletion.is_deleted()),
        ("B", true)
    );
    found.deletion.deleted_at = None;
    assert!(found.save_changes(db).await.unwrap());
    assert_eq!(Card::query(db).count().await.unwrap(), 1);
}

async fn a_duplicate_in_a_save_of_changes(on: &TestDb) {
    let (db, mut it) = given(on).await;
    let mut taken = book("b");
    taken.isbn = Some("1".into());
    taken.save(db).await.unwrap();
    it.isbn = Some("1".into());
    let before = it.clone();
    refused(it.save_changes(db).await, ErrorKind::Duplicate);
    assert_eq!(it, before);
    let tx = db.begin().await.unwrap();
    refused(it.save_changes(&tx).await, ErrorKind::Duplicate);
    it.isbn = Some("2".into());
    it.save_changes(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Book::find(db, it.id()).await.unwrap(), it);
}

async fn what_cannot_be_stored_is_refused(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.price = f64::NAN;
    refused(it.is_changed(), ErrorKind::InvalidDocument);
    refused(it.save_changes(db).await, ErrorKind::InvalidDocument);
    it.revert().unwrap();
    assert!(!it.is_changed().unwrap());
}

async fn another_id_is_refused(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.base.id = Id::new("other");
    it.title = "b".into();
    let error = refused(it.save_changes(db).await, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("id was changed"), "{error}");
    assert_eq!(Book::query(db).one().await.unwrap().title, "a");
}

async fn hooks_run_when_changes_are_saved(on: &TestDb) {
    let db = on.with::<Card>().await;
    let mut it = Card {
        text: "A".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    it.text = "B".into();
    assert!(it.save_changes(db).await.unwrap());
    assert_eq!((it.slug.as_str(), it.saves), ("b", 2));
    assert_eq!(Card::find(db, it.id()).await.unwrap(), it);
    for (text, kind) in [("NO", ErrorKind::Hook), ("", ErrorKind::Validation)] {
        it.text = text.into();
        let before = it.clone();
        refused(it.save_changes(db).await, kind);
        assert_eq!(it, before);
        assert_eq!(it.changes().unwrap().len(), 1);
        assert_eq!(Card::find(db, it.id()).await.unwrap().text, "B");
    }
    it.text = "C".into();
    it.save_changes(db).await.unwrap();
    assert_eq!(Card::find(db, it.id()).await.unwrap().slug, "c");
}

async fn what_a_changed_value_lay_in_is_gone(on: &TestDb) {
    let (db, mut it) = given(on).await;
    it.shelf = Some(Place::default());
    it.data = json!({"a": {"b": 1}});
    it.save(db).await.unwrap();
    let mut other = Book::find(db, it.id()).await.unwrap();
    other.shelf = None;
    other.data = json!(null);
    other.save(db).await.unwrap();
    // Written alone, the floor would make a shelf that does not read.
    let stale = it.clone();
    it.shelf.as_mut().unwrap().floor = Some(3);
    let before = it.clone();
    refused(it.save_changes(db).await, ErrorKind::RevisionConflict);
    assert_eq!(it, before);
    let mut it = stale.clone();
    it.data["a"]["b"] = json!(2);
    refused(it.save_changes(db).await, ErrorKind::RevisionConflict);
    assert_eq!(Book::find(db, it.id()).await.unwrap(), other);
    // The whole shelf is another matter.
    let mut it = stale.clone();
    it.shelf = None;
    it.pages = 3;
    assert!(it.save_changes(db).await.unwrap());
    let mut it = stale;
    it.address.floor = Some(1);
    assert!(it.save_changes(db).await.unwrap());
    let found = Book::find(db, it.id()).await.unwrap();
    assert_eq!(
        (found.pages, found.address.floor, found.shelf),
        (3, Some(1), None)
    );
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "odd")]
#[serde(rename_all = "camelCase")]
struct Odd {
    #[serde(flatten)]
    base: Base<Odd>,
    #[serde(skip)]
    tracked: Tracked,
    #[serde(skip)]
    unsaved: i64,
    two_words: i64,
    #[serde(rename = "with space")]
    renamed: Option<Inner>,
    #[serde(flatten)]
    flat: Flat,
    /// Written for others, and never read.
    #[serde(skip_deserializing)]
    sum: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    list: Vec<Option<i64>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Inner {
    #[serde(rename = "a.b")]
    dotted: BTreeMap<String, Option<i64>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Flat {
    left: i64,
    #[serde(rename = "Right")]
    right: Option<i64>,
}

async fn names_and_shapes_that_serde_makes(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let mut it = Odd {
        sum: 5,
        renamed: Some(Inner::default()),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    assert!(!it.is_changed().unwrap());
    it.unsaved = 1;
    assert!(!it.is_changed().unwrap());
    it.two_words = 1;
    it.flat.left = 2;
    it.flat.right = Some(3);
    it.renamed.as_mut().unwrap().dotted = [("x.y".into(), None), ("0".into(), Some(1))].into();
    it.list = vec![None, Some(1)];
    it.sum = 6;
    // As far as the type can read it, the sum was 0.
    assert_eq!(
        said(&it),
        "Right: null > 3; left: 0 > 2; list: - > [null,1]; sum: 0 > 6; twoWords: 0 > 1; \
         \"with space\".\"a.b\".0: - > 1; \"with space\".\"a.b\".\"x.y\": - > null"
    );
    assert!(it.save_changes(db).await.unwrap());
    assert!(!it.is_changed().unwrap() && !it.save_changes(db).await.unwrap());
    assert_eq!(it.unsaved, 1);
    let stored = db.collection("odd").get(it.id()).await.unwrap().unwrap();
    assert_eq!(stored["sum"], 6);
    assert_eq!(stored["with space"]["a.b"], json!({"x.y": null, "0": 1}));
    let mut found = Odd::find(db, it.id()).await.unwrap();
    (found.sum, found.unsaved) = (6, 1);
    assert_eq!(found, it);
    // A list that is not written when it is empty.
    it.list.clear();
    it.renamed = None;
    assert!(it.save_changes(db).await.unwrap());
    let stored = db.collection("odd").get(it.id()).await.unwrap().unwrap();
    assert_eq!(
        (stored.get("list"), &stored["with space"]),
        (None, &json!(null))
    );
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "covers")]
struct Cover {
    #[serde(flatten)]
    base: Base<Cover>,
    color: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "albums", hooks)]
struct Album {
    #[serde(flatten)]
    base: Base<Album>,
    #[serde(skip)]
    tracked: Tracked,
    #[den(owned)]
    cover: Option<Link<Cover>>,
    saves: i64,
}

impl Hooks for Album {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.saves += 1;
        Ok(())
    }
}

async fn owned_documents_are_saved_along(on: &TestDb) {
    let db = on.with::<(Cover, Album)>().await;
    let mut it = Album::default();
    it.save(db).await.unwrap();
    it.cover = Some(Link::new(Cover::default()));
    assert!(it.save_changes(db).await.unwrap());
    assert_eq!(it.saves, 2);
    // Nothing was changed, so no hook runs.
    assert!(!it.save_changes(db).await.unwrap());
    assert_eq!(it.saves, 2);
    it.cover.as_mut().unwrap().get_mut().unwrap().color = "red".into();
    assert!(!it.save_changes(db).await.unwrap());
    assert_eq!(it.saves, 2);
    assert_eq!(Cover::query(db).one().await.unwrap().color, "red");
    assert_eq!(Album::find(db, it.id()).await.unwrap().saves, 2);
}
