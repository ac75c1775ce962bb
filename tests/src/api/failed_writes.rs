//! A failed or rolled-back write leaves the document in memory as it was.

use den::{Error, ErrorKind, prelude::*};

use super::support::{Item, Note, count, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_failed_insert_leaves_a_new_document),
    case!(a_failed_update_leaves_the_revision),
    case!(a_refused_value_leaves_everything),
    case!(a_rolled_back_insert_can_be_repeated),
    case!(a_rolled_back_update_can_be_repeated),
    case!(a_rolled_back_delete_can_be_repeated),
    case!(a_dropped_transaction_counts_as_rolled_back),
    case!(a_failed_closure_counts_as_rolled_back),
    case!(a_savepoint_rollback_goes_back_to_the_savepoint),
    case!(a_rollback_after_a_savepoint_goes_back_to_the_start),
    case!(a_committed_write_stays),
    case!(refresh_after_a_rollback),
    case!(a_clone_made_in_a_rolled_back_transaction),
];

async fn a_failed_insert_leaves_a_new_document(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("taken").save(db).await.unwrap();
    let mut it = note("taken");
    let before = it.clone();
    for _ in 0..2 {
        refused(it.save(db).await, ErrorKind::Duplicate);
        assert_eq!(it, before);
        assert!(it.id().is_empty() && !it.base.is_stored());
    }
    it.slug = Some("free".into());
    it.save(db).await.unwrap();
    it.text = "and again".into();
    it.save(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 2);
}

async fn a_failed_update_leaves_the_revision(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("taken").save(db).await.unwrap();
    let mut it = note("mine");
    it.save(db).await.unwrap();
    let base = it.base.clone();
    it.slug = Some("taken".into());
    refused(it.save(db).await, ErrorKind::Duplicate);
    assert_eq!(it.base, base);
    assert!(it.base.is_stored());
    it.slug = Some("free".into());
    it.save(db).await.unwrap();
    assert_ne!(it.base.rev, base.rev);
}

async fn a_refused_value_leaves_everything(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut it = item("a");
    it.price = f64::NAN;
    refused(it.insert(db).await, ErrorKind::InvalidDocument);
    assert!(it.id().is_empty());
    assert_eq!(it.base.created_at, Timestamp::default());
    it.price = 1.0;
    it.insert(db).await.unwrap();
    let base = it.base.clone();
    it.name = "\0".into();
    refused(it.update(db).await, ErrorKind::InvalidDocument);
    assert_eq!(it.base, base);
    refused(it.replace(db).await, ErrorKind::InvalidDocument);
    assert_eq!(it.base, base);
    assert_eq!(Item::find(db, it.id()).await.unwrap().name, "a");
}

async fn a_rolled_back_insert_can_be_repeated(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    let tx = db.begin().await.unwrap();
    it.save(&tx).await.unwrap();
    it.text = "changed".into();
    it.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(!it.base.is_stored());
    refused(it.clone().update(db).await, ErrorKind::InvalidDocument);
    refused(it.clone().delete(db).await, ErrorKind::InvalidDocument);
    it.save(db).await.unwrap();
    assert_eq!(it.base.created_at, it.base.updated_at);
    assert_eq!(Note::query(db).one().await.unwrap(), it);
}

async fn a_rolled_back_update_can_be_repeated(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    let before = it.base.clone();
    let tx = db.begin().await.unwrap();
    for text in ["one", "two"] {
        it.text = text.into();
        it.save(&tx).await.unwrap();
    }
    tx.rollback().await.unwrap();
    assert!(it.base.is_stored());
    it.save(db).await.unwrap();
    assert_ne!(it.base.rev, before.rev);
    assert_eq!(it.base.created_at, before.created_at);
    assert_eq!(Note::find(db, it.id()).await.unwrap(), it);
}

async fn a_rolled_back_delete_can_be_repeated(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    it.delete(&tx).await.unwrap();
    refused(it.delete(&tx).await, ErrorKind::NotFound);
    tx.rollback().await.unwrap();
    it.save(db).await.unwrap();
    it.delete(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 0);
}

async fn a_dropped_transaction_counts_as_rolled_back(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (mut new, mut stored) = (note("new"), note("stored"));
    stored.save(db).await.unwrap();
    {
        let tx = db.begin().await.unwrap();
        new.save(&tx).await.unwrap();
        stored.save(&tx).await.unwrap();
    }
    assert!(!new.base.is_stored() && stored.base.is_stored());
    new.save(db).await.unwrap();
    stored.save(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 2);
}

async fn a_failed_closure_counts_as_rolled_back(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            it.save(&tx).await?;
            Err(Error::custom("changed my mind"))
        })
        .await;
    refused(outcome, ErrorKind::Hook);
    assert!(!it.base.is_stored());
    db.transaction(async |tx| it.save(&tx).await).await.unwrap();
    assert!(it.base.is_stored());
    it.save(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 1);
}

async fn a_savepoint_rollback_goes_back_to_the_savepoint(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (mut outer, mut inner) = (note("outer"), note("inner"));
    db.transaction(async |tx| {
        outer.save(&tx).await?;
        let rev = outer.base.rev.clone();
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                inner.save(&tx).await?;
                outer.text = "inside".into();
                outer.save(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(failed, ErrorKind::Hook);
        assert!(!inner.base.is_stored() && outer.base.is_stored());
        outer.refresh(&tx).await?;
        assert_eq!((&outer.base.rev, outer.text.as_str()), (&rev, ""));
        outer.text = "after".into();
        outer.save(&tx).await?;
        inner.save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(Note::find(db, outer.id()).await.unwrap(), outer);
    assert_eq!(Note::find(db, inner.id()).await.unwrap(), inner);
    outer.save(db).await.unwrap();
    inner.save(db).await.unwrap();
}

async fn a_rollback_after_a_savepoint_goes_back_to_the_start(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (mut new, mut stored) = (note("new"), note("stored"));
    stored.save(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    stored.save(&tx).await.unwrap();
    tx.savepoint(async |tx| {
        new.save(&tx).await?;
        stored.save(&tx).await
    })
    .await
    .unwrap();
    stored.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(!new.base.is_stored());
    stored.save(db).await.unwrap();
    new.save(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 2);
}

async fn a_committed_write_stays(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    let tx = db.begin().await.unwrap();
    tx.savepoint(async |tx| it.save(&tx).await).await.unwrap();
    tx.commit().await.unwrap();
    assert!(it.base.is_stored());
    // A later rollback concerns only what was written in it.
    let tx = db.begin().await.unwrap();
    it.text = "gone".into();
    it.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    it.save(db).await.unwrap();
    assert_eq!(Note::query(db).one().await.unwrap(), it);
}

async fn refresh_after_a_rollback(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    let stored = it.clone();
    let tx = db.begin().await.unwrap();
    it.text = "gone".into();
    it.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    it.refresh(db).await.unwrap();
    assert_eq!(it, stored);
}

async fn a_clone_made_in_a_rolled_back_transaction(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    let tx = db.begin().await.unwrap();
    it.save(&tx).await.unwrap();
    let mut twin = it.clone();
    assert!(twin.base.is_stored());
    tx.rollback().await.unwrap();
    assert!(!twin.base.is_stored());
    twin.save(db).await.unwrap();
    refused(it.save(db).await, ErrorKind::Duplicate);
    assert_eq!(count::<Note>(db).await, 1);
}
