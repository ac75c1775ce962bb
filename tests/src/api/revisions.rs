//! Revisions: of two writers who started from the same document, one is told.

use std::sync::Arc;

use den::{ErrorKind, prelude::*};
use serde_json::json;
use tokio::sync::Barrier;

use super::support::{Item, Note, count, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(each_write_changes_the_revision),
    case!(a_stale_save_is_a_conflict),
    case!(a_stale_delete_is_a_conflict),
    case!(a_blind_update_is_a_conflict),
    case!(an_erased_revision_is_a_conflict),
    case!(a_conflict_is_settled_by_loading_again),
    case!(of_two_writers_at_once_one_wins),
    case!(of_writer_and_deleter_at_once_one_wins),
    case!(a_conflict_in_a_transaction_leaves_it_usable),
    case!(what_others_stored_without_a_revision_gets_one),
    case!(without_a_revision_the_last_writer_wins),
];

async fn each_write_changes_the_revision(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    assert_eq!(it.base.rev, None);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        it.save(db).await.unwrap();
        assert!(seen.insert(it.base.rev.clone().unwrap()));
        assert_eq!(Note::find(db, it.id()).await.unwrap().base.rev, it.base.rev);
    }
}

async fn stale(db: &Db) -> (Note, Note) {
    let mut current = note("a");
    current.save(db).await.unwrap();
    let mut stale = current.clone();
    current.text = "current".into();
    current.save(db).await.unwrap();
    stale.text = "stale".into();
    (current, stale)
}

async fn a_stale_save_is_a_conflict(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (current, mut stale) = stale(db).await;
    let before = stale.clone();
    for _ in 0..2 {
        let error = refused(stale.save(db).await, ErrorKind::RevisionConflict);
        assert!(!error.is_retryable());
        assert_eq!(
            (error.collection(), error.id()),
            (Some("notes"), Some(current.id().as_str()))
        );
        assert_eq!(stale, before);
    }
    refused(stale.update(db).await, ErrorKind::RevisionConflict);
    assert_eq!(Note::find(db, current.id()).await.unwrap(), current);
}

async fn a_stale_delete_is_a_conflict(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (mut current, mut stale) = stale(db).await;
    refused(stale.delete(db).await, ErrorKind::RevisionConflict);
    assert_eq!(Note::find(db, current.id()).await.unwrap(), current);
    current.delete(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 0);
}

async fn a_blind_update_is_a_conflict(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (current, _) = stale(db).await;
    let mut blind = note("blind");
    blind.base.id = current.id().clone();
    refused(blind.update(db).await, ErrorKind::RevisionConflict);
    refused(blind.delete(db).await, ErrorKind::RevisionConflict);
    assert_eq!(Note::find(db, current.id()).await.unwrap(), current);
}

async fn an_erased_revision_is_a_conflict(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (current, _) = stale(db).await;
    for rev in [None, Some(String::new()), Some("forged".to_owned())] {
        let mut it = Note::find(db, current.id()).await.unwrap();
        it.base.rev = rev;
        refused(it.save(db).await, ErrorKind::RevisionConflict);
    }
    assert_eq!(Note::find(db, current.id()).await.unwrap(), current);
}

async fn a_conflict_is_settled_by_loading_again(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (_, mut stale) = stale(db).await;
    refused(stale.save(db).await, ErrorKind::RevisionConflict);
    stale.refresh(db).await.unwrap();
    stale.text = "mine after all".into();
    stale.save(db).await.unwrap();
    assert_eq!(Note::find(db, stale.id()).await.unwrap(), stale);
}

async fn of_two_writers_at_once_one_wins(on: &TestDb) {
    let db = on.with::<Note>().await;
    for _ in 0..30 {
        let mut it = Note::default();
        it.save(db).await.unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let writers: Vec<_> = ["one", "two"]
            .map(|text| {
                let (db, mut it, barrier) = (db.clone(), it.clone(), barrier.clone());
                tokio::spawn(async move {
                    it.text = text.into();
                    barrier.wait().await;
                    it.save(&db).await.map(|()| it)
                })
            })
            .into();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(winner) => winners.push(winner),
                Err(error) => assert_eq!(error.kind(), ErrorKind::RevisionConflict, "{error:?}"),
            }
        }
        assert_eq!(winners, [Note::find(db, it.id()).await.unwrap()]);
    }
}

async fn of_writer_and_deleter_at_once_one_wins(on: &TestDb) {
    let db = on.with::<Note>().await;
    for _ in 0..30 {
        let mut it = Note::default();
        it.save(db).await.unwrap();
        let (mut writer, mut deleter) = (it.clone(), it.clone());
        let (written, deleted) = tokio::join!(writer.save(db), deleter.delete(db));
        let left = Note::get(db, it.id()).await.unwrap();
        match (written, deleted) {
            (Ok(()), Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::RevisionConflict, "{error:?}");
                assert_eq!(left, Some(writer));
            }
            (Err(error), Ok(())) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
                assert_eq!(left, None);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn a_conflict_in_a_transaction_leaves_it_usable(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (_, mut stale) = stale(db).await;
    db.transaction(async |tx| {
        refused(stale.save(&tx).await, ErrorKind::RevisionConflict);
        note("b").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Note>(db).await, 2);
}

async fn what_others_stored_without_a_revision_gets_one(on: &TestDb) {
    let db = on.with::<Note>().await;
    on.plant("notes", "x", &json!({"_id": "x", "text": "old"}))
        .await;
    let mut it = Note::find(db, "x").await.unwrap();
    let mut twin = it.clone();
    assert_eq!(it.base.rev, None);
    it.save(db).await.unwrap();
    assert!(it.base.rev.is_some());
    refused(twin.save(db).await, ErrorKind::RevisionConflict);
}

async fn without_a_revision_the_last_writer_wins(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut one = item("a");
    one.save(db).await.unwrap();
    let mut two = one.clone();
    one.n = 1;
    one.save(db).await.unwrap();
    two.n = 2;
    two.save(db).await.unwrap();
    let stored = db.collection("items").get(one.id()).await.unwrap().unwrap();
    assert_eq!(stored["n"], 2);
    assert_eq!(stored.get("_rev"), None);
}
