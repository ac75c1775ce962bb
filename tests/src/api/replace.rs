//! `replace`: the whole document in place of what is stored, whatever its revision.

use den::{ErrorKind, prelude::*};

use super::support::{Item, Note, count, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(replace_keeps_the_creation_time_and_resets_the_rest),
    case!(replace_ignores_and_changes_the_revision),
    case!(replace_of_a_missing_document_is_not_found),
    case!(replace_without_an_id_is_refused),
    case!(replace_is_part_of_the_transaction),
    case!(replace_respects_unique_values),
    case!(a_replaced_document_can_be_saved),
];

async fn replace_keeps_the_creation_time_and_resets_the_rest(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut stored = Item {
        n: 5,
        category: Some("c".into()),
        ..item("old")
    };
    stored.save(db).await.unwrap();
    let mut fresh = item("new");
    fresh.base.id = stored.id().clone();
    fresh.replace(db).await.unwrap();
    assert_eq!(fresh.base.created_at, stored.base.created_at);
    assert!(fresh.base.updated_at > stored.base.updated_at);
    let found = Item::find(db, stored.id()).await.unwrap();
    assert_eq!(found, fresh);
    assert_eq!((found.n, found.category), (0, None));
}

async fn replace_ignores_and_changes_the_revision(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut stored = note("a");
    stored.save(db).await.unwrap();
    let mut stale = stored.clone();
    stored.text = "theirs".into();
    stored.save(db).await.unwrap();
    stale.text = "mine".into();
    stale.replace(db).await.unwrap();
    assert_ne!(stale.base.rev, stored.base.rev);
    assert_eq!(Note::find(db, stored.id()).await.unwrap(), stale);
    refused(stored.save(db).await, ErrorKind::RevisionConflict);
}

async fn replace_of_a_missing_document_is_not_found(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.base.id = Id::new("nope");
    let before = it.clone();
    let error = refused(it.replace(db).await, ErrorKind::NotFound);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("notes"), Some("nope"))
    );
    assert_eq!(it, before);
    assert!(!it.base.is_stored());
    assert_eq!(count::<Note>(db).await, 0);
}

async fn replace_without_an_id_is_refused(on: &TestDb) {
    let db = on.with::<Note>().await;
    refused(note("a").replace(db).await, ErrorKind::InvalidDocument);
}

async fn replace_is_part_of_the_transaction(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut stored = note("a");
    stored.save(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let mut fresh = note("b");
    fresh.base.id = stored.id().clone();
    fresh.replace(&tx).await.unwrap();
    assert_eq!(Note::find(&tx, stored.id()).await.unwrap(), fresh);
    tx.rollback().await.unwrap();
    assert_eq!(Note::find(db, stored.id()).await.unwrap(), stored);
}

async fn replace_respects_unique_values(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("taken").save(db).await.unwrap();
    let mut it = note("mine");
    it.save(db).await.unwrap();
    let before = it.clone();
    it.slug = Some("taken".into());
    refused(it.replace(db).await, ErrorKind::Duplicate);
    it.slug = before.slug.clone();
    assert_eq!(it, before);
    it.save(db).await.unwrap();
}

async fn a_replaced_document_can_be_saved(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut stored = note("a");
    stored.save(db).await.unwrap();
    let mut fresh = note("b");
    fresh.base.id = stored.id().clone();
    fresh.replace(db).await.unwrap();
    fresh.text = "again".into();
    fresh.save(db).await.unwrap();
    fresh.delete(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 0);
}
