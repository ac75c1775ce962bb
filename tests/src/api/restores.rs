//! Documents that are marked as deleted: how they come back, and what a rollback leaves of a mark.

use std::sync::Arc;

use den::{ErrorKind, prelude::*};
use tokio::sync::Barrier;

use super::{
    soft_delete::{Sheet, Task, found, given, task},
    support::{Item, count, item, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_restored_document_is_live_again),
    case!(what_is_not_marked_cannot_be_restored),
    case!(revisions_go_on_through_delete_and_restore),
    case!(a_stale_delete_or_restore_is_a_conflict),
    case!(of_a_delete_and_an_update_at_once_one_wins),
    case!(a_restore_is_refused_where_a_value_was_taken),
    case!(a_restore_by_query),
    case!(a_rollback_takes_the_mark_back),
    case!(a_savepoint_takes_the_mark_back),
    case!(a_rolled_back_restore_leaves_the_mark),
    case!(refresh_in_a_transaction_sees_the_mark),
];

async fn a_restored_document_is_live_again(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let mut it = Task::find(db, all[1].id()).await.unwrap();
    it.restore(db).await.unwrap();
    assert_eq!(it.deletion, SoftDelete::default());
    assert_eq!(found(Task::query(db)).await, "a b c");
    let stored = db.collection("tasks").get(it.id()).await.unwrap().unwrap();
    assert_eq!(stored.get("_deleted_at"), None);
    assert_eq!(it.base, all[1].base);
    it.n = 5;
    it.save(db).await.unwrap();
    // A copy that does not know of it.
    all[1].refresh(db).await.unwrap();
    assert_eq!(all[1], it);
}

async fn what_is_not_marked_cannot_be_restored(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let error = refused(all[0].restore(db).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("not marked"), "{error}");
    all[0]
        .delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    refused(all[0].restore(db).await, ErrorKind::NotFound);
    refused(task("never").restore(db).await, ErrorKind::InvalidDocument);
    on.with::<Item>().await;
    let mut plain = item("a");
    plain.save(db).await.unwrap();
    let error = refused(plain.restore(db).await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("SoftDelete"), "{error}");
}

async fn revisions_go_on_through_delete_and_restore(on: &TestDb) {
    let db = on.with::<Sheet>().await;
    let mut it = Sheet::default();
    let mut seen = std::collections::HashSet::new();
    let mut new = |it: &Sheet| assert!(seen.insert(it.base.rev.clone().unwrap()));
    it.save(db).await.unwrap();
    new(&it);
    for _ in 0..2 {
        it.delete(db).await.unwrap();
        new(&it);
        assert_eq!(Sheet::find(db, it.id()).await.unwrap(), it);
        it.restore(db).await.unwrap();
        new(&it);
        it.text.push('x');
        it.save(db).await.unwrap();
        new(&it);
        assert_eq!(Sheet::find(db, it.id()).await.unwrap(), it);
    }
    Sheet::query(db).all_rows().delete().await.unwrap();
    refused(it.save(db).await, ErrorKind::RevisionConflict);
    Sheet::query(db).all_rows().restore().await.unwrap();
    refused(it.save(db).await, ErrorKind::RevisionConflict);
    it.refresh(db).await.unwrap();
    new(&it);
    it.save(db).await.unwrap();
}

async fn a_stale_delete_or_restore_is_a_conflict(on: &TestDb) {
    let db = on.with::<Sheet>().await;
    let mut it = Sheet::default();
    it.save(db).await.unwrap();
    let mut stale = it.clone();
    it.text = "new".into();
    it.save(db).await.unwrap();
    let before = stale.clone();
    refused(stale.delete(db).await, ErrorKind::RevisionConflict);
    let hard = DeleteOptions::new().hard();
    refused(
        stale.delete_with(db, hard).await,
        ErrorKind::RevisionConflict,
    );
    assert_eq!(stale, before);
    it.delete(db).await.unwrap();
    refused(stale.delete(db).await, ErrorKind::NotFound);
    refused(stale.save(db).await, ErrorKind::RevisionConflict);
    refused(stale.restore(db).await, ErrorKind::RevisionConflict);
    assert_eq!(stale, before);
    it.restore(db).await.unwrap();
    assert_eq!(Sheet::find(db, it.id()).await.unwrap(), it);
}

async fn of_a_delete_and_an_update_at_once_one_wins(on: &TestDb) {
    let db = on.with::<Sheet>().await;
    for _ in 0..30 {
        let mut it = Sheet::default();
        it.save(db).await.unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let (mut deleter, mut writer) = (it.clone(), it.clone());
        let deleting = tokio::spawn({
            let (db, barrier) = (db.clone(), barrier.clone());
            async move {
                barrier.wait().await;
                deleter.delete(&db).await
            }
        });
        let writing = tokio::spawn({
            let db = db.clone();
            async move {
                barrier.wait().await;
                writer.text = "written".into();
                writer.save(&db).await
            }
        });
        let outcomes = (deleting.await.unwrap(), writing.await.unwrap());
        let left = Sheet::find(db, it.id()).await.unwrap();
        match outcomes {
            (Ok(()), Err(error)) | (Err(error), Ok(())) => {
                assert_eq!(error.kind(), ErrorKind::RevisionConflict, "{error:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_ne!(left.deletion.is_deleted(), left.text == "written");
    }
}

async fn a_restore_is_refused_where_a_value_was_taken(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let mut taker = task("b");
    taker.save(db).await.unwrap();
    let before = all[1].clone();
    let error = refused(all[1].restore(db).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["name"]);
    assert_eq!(all[1], before);
    all[0].delete(db).await.unwrap();
    let query = || Task::query(db).all_rows();
    refused(query().restore().await, ErrorKind::Duplicate);
    assert_eq!(query().only_deleted().count().await.unwrap(), 2);
    let tx = db.begin().await.unwrap();
    refused(all[1].restore(&tx).await, ErrorKind::Duplicate);
    taker.delete(&tx).await.unwrap();
    all[1].restore(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(Task::query(db)).await, "b c");
}

async fn a_restore_by_query(on: &TestDb) {
    let (db, mut all) = given(on).await;
    all[2].delete(db).await.unwrap();
    let t = Task::fields();
    let query = || Task::query(db);
    let error = refused(query().restore().await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("all_rows"), "{error}");
    assert_eq!(query().filter(t.n.le(2)).restore().await.unwrap(), 1);
    assert_eq!(found(query()).await, "a b");
    assert_eq!(query().filter(t.n.le(2)).restore().await.unwrap(), 0);
    let since = all[2].deletion.deleted_at.unwrap();
    assert_eq!(query().deleted_since(since).restore().await.unwrap(), 1);
    assert_eq!(found(query()).await, "a b c");
    query().all_rows().delete().await.unwrap();
    assert_eq!(
        query().all_rows().with_deleted().restore().await.unwrap(),
        3
    );
    assert_eq!(
        Task::find(db, all[1].id()).await.unwrap().deletion,
        SoftDelete::default()
    );
}

async fn a_rollback_takes_the_mark_back(on: &TestDb) {
    let db = on.with::<Sheet>().await;
    let mut it = Sheet::default();
    it.save(db).await.unwrap();
    let before = it.clone();
    let tx = db.begin().await.unwrap();
    let options = DeleteOptions::new().by("ada");
    it.delete_with(&tx, options).await.unwrap();
    assert!(it.deletion.is_deleted());
    it.restore(&tx).await.unwrap();
    it.delete(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(!it.deletion.is_deleted());
    let said = serde_json::to_value(&it).unwrap();
    assert_eq!(said, serde_json::to_value(&before).unwrap());
    it.text = "still there".into();
    it.save(db).await.unwrap();
    assert_eq!(it.deletion, SoftDelete::default());
    it.delete(db).await.unwrap();
    assert_eq!(count::<Sheet>(db).await, 0);
}

async fn a_savepoint_takes_the_mark_back(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let it = &mut all[0];
    db.transaction(async |tx| {
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                it.delete(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(failed, ErrorKind::Hook);
        assert!(!it.deletion.is_deleted());
        it.n = 10;
        it.save(&tx).await?;
        tx.savepoint(async |tx| it.delete(&tx).await).await
    })
    .await
    .unwrap();
    assert!(it.deletion.is_deleted());
    it.deletion.settle();
    assert!(it.deletion.deleted_at.is_some());
    assert_eq!(found(Task::query(db)).await, "c");
    it.restore(db).await.unwrap();
    assert_eq!(Task::find(db, it.id()).await.unwrap().n, 10);
}

async fn a_rolled_back_restore_leaves_the_mark(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let it = &mut all[1];
    let before = it.clone();
    let tx = db.begin().await.unwrap();
    it.restore(&tx).await.unwrap();
    it.n = 6;
    it.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(it.deletion.is_deleted());
    // Known to be deleted, so it may be saved and stays deleted.
    it.save(db).await.unwrap();
    assert_eq!(it.deletion, before.deletion);
    let stored = Task::find(db, it.id()).await.unwrap();
    assert_eq!((stored.n, stored.deletion.is_deleted()), (6, true));
}

async fn refresh_in_a_transaction_sees_the_mark(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let it = &mut all[0];
    let tx = db.begin().await.unwrap();
    it.delete(&tx).await.unwrap();
    it.refresh(&tx).await.unwrap();
    assert!(it.deletion.is_deleted());
    tx.rollback().await.unwrap();
    assert!(!it.deletion.is_deleted());
    it.save(db).await.unwrap();
    assert_eq!(it.deletion, SoftDelete::default());
    assert_eq!(found(Task::query(db)).await, "a c");
}
