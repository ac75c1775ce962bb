//! The database did what it was asked to, and its answer was lost; or nobody knows.

use std::slice;

use den::{
    ErrorKind,
    prelude::*,
    testing::{Fault, Method},
};

use super::{
    hooked::{Entry, Memo, Post, memo, post},
    soft_delete::{Task, task},
    support::{Note, count, note, recorded, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(an_insert_whose_answer_is_lost_is_not_repeated),
    case!(an_insert_that_may_not_have_happened_can_be_repeated),
    case!(an_update_whose_answer_is_lost),
    case!(several_inserts_whose_answer_is_lost),
    case!(with_hooks_a_lost_commit_keeps_the_id_alone),
    case!(with_hooks_a_refused_commit_leaves_nothing),
    case!(a_lost_commit_of_the_caller_leaves_what_was_written),
    case!(a_mark_whose_answer_is_lost),
    case!(a_savepoint_that_cannot_be_released_is_taken_back),
];

fn lost(method: Method) -> Fault {
    let error = Error::new(ErrorKind::CommitUnknown, "the answer was lost");
    Fault::after(1).of(method).error(error)
}

fn unreachable(method: Method) -> Fault {
    let error = Error::new(ErrorKind::ConnectionLost, "the connection was lost");
    Fault::at(1).of(method).error(error)
}

async fn an_insert_whose_answer_is_lost_is_not_repeated(on: &TestDb) {
    let (db, recorder) = recorded::<Note>(on).await;
    let mut it = Note::default();
    recorder.inject(lost(Method::Put));
    refused(it.save(&db).await, ErrorKind::CommitUnknown);
    assert!(!it.id().is_empty() && !it.base.is_stored());
    assert_eq!(it.base.rev, None);
    assert_eq!(it.base.created_at, Timestamp::default());
    refused(it.save(&db).await, ErrorKind::Duplicate);
    assert_eq!(count::<Note>(&db).await, 1);
    // Loading it tells that it was stored.
    it.refresh(&db).await.unwrap();
    it.save(&db).await.unwrap();
}

async fn an_insert_that_may_not_have_happened_can_be_repeated(on: &TestDb) {
    let (db, recorder) = recorded::<Note>(on).await;
    let mut it = note("a");
    recorder.inject(unreachable(Method::Put));
    refused(it.insert(&db).await, ErrorKind::ConnectionLost);
    let id = it.id().clone();
    assert!(!id.is_empty() && !it.base.is_stored());
    it.insert(&db).await.unwrap();
    assert_eq!(*it.id(), id);
    assert_eq!(Note::query(&db).one().await.unwrap(), it);
    // Any other error leaves no trace.
    let mut other = note("b");
    recorder.inject(Fault::at(1).of(Method::Put));
    refused(other.insert(&db).await, ErrorKind::Backend);
    assert_eq!(other, note("b"));
}

async fn an_update_whose_answer_is_lost(on: &TestDb) {
    let (db, recorder) = recorded::<Note>(on).await;
    let mut it = note("a");
    it.save(&db).await.unwrap();
    let before = it.base.clone();
    it.text = "new".into();
    recorder.inject(lost(Method::Put));
    refused(it.update(&db).await, ErrorKind::CommitUnknown);
    assert!(it.base == before && it.base.is_stored());
    recorder.inject(lost(Method::Commit));
    refused(it.replace(&db).await, ErrorKind::CommitUnknown);
    assert!(it.base == before && it.base.is_stored());
    refused(it.update(&db).await, ErrorKind::RevisionConflict);
    assert_eq!(Note::find(&db, it.id()).await.unwrap().text, "new");
}

async fn several_inserts_whose_answer_is_lost(on: &TestDb) {
    let (db, recorder) = recorded::<Note>(on).await;
    let mut all = [note("a"), note("b")];
    recorder.inject(lost(Method::PutMany));
    refused(
        Note::insert_many(&db, &mut all).await,
        ErrorKind::CommitUnknown,
    );
    assert!(
        all.iter()
            .all(|it| !it.id().is_empty() && !it.base.is_stored())
    );
    refused(Note::save_all(&db, &mut all).await, ErrorKind::Duplicate);
    assert_eq!(count::<Note>(&db).await, 2);
}

async fn with_hooks_a_lost_commit_keeps_the_id_alone(on: &TestDb) {
    let (db, recorder) = recorded::<(Post, Memo, Entry)>(on).await;
    let mut it = post("a");
    recorder.inject(lost(Method::Commit));
    refused(it.save(&db).await, ErrorKind::CommitUnknown);
    assert!(!it.id().is_empty() && !it.base.is_stored());
    let mut without_id = it.clone();
    without_id.base.id = Id::default();
    assert_eq!(without_id, post("a"));
    refused(it.save(&db).await, ErrorKind::Duplicate);
    let mut all = [post("b"), post("c")];
    recorder.inject(lost(Method::Commit));
    refused(
        Post::insert_many(&db, &mut all).await,
        ErrorKind::CommitUnknown,
    );
    assert!(
        all.iter()
            .all(|it| !it.id().is_empty() && it.seen.is_empty())
    );
    refused(Post::save_all(&db, &mut all).await, ErrorKind::Duplicate);
    assert_eq!(
        (count::<Post>(&db).await, count::<Entry>(&db).await),
        (3, 15)
    );

    let mut it = memo("a");
    it.save(&db).await.unwrap();
    let before = it.clone();
    recorder.inject(lost(Method::Commit));
    refused(it.delete(&db).await, ErrorKind::CommitUnknown);
    assert_eq!(it, before);
    refused(it.delete(&db).await, ErrorKind::NotFound);
    it.refresh(&db).await.unwrap();
    assert!(it.deletion.is_deleted());
}

async fn with_hooks_a_refused_commit_leaves_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Post, Memo, Entry)>(on).await;
    let mut it = post("a");
    let refusal = Error::new(ErrorKind::Serialization, "someone was faster");
    recorder.inject(Fault::at(1).of(Method::Commit).error(refusal));
    refused(it.save(&db).await, ErrorKind::Serialization);
    assert_eq!(it, post("a"));
    assert_eq!(
        (count::<Post>(&db).await, count::<Entry>(&db).await),
        (0, 0)
    );
    it.save(&db).await.unwrap();
    assert_eq!(count::<Post>(&db).await, 1);
}

async fn a_lost_commit_of_the_caller_leaves_what_was_written(on: &TestDb) {
    let (db, recorder) = recorded::<(Post, Memo, Entry)>(on).await;
    let mut it = post("a");
    let tx = db.begin().await.unwrap();
    it.save(&tx).await.unwrap();
    recorder.inject(lost(Method::Commit));
    refused(tx.commit().await, ErrorKind::CommitUnknown);
    assert!(!it.id().is_empty() && it.base.is_stored());
    it.save(&db).await.unwrap();
    assert_eq!(count::<Post>(&db).await, 1);
    // Had it not been committed, that would be `NotFound`.
    Post::query(&db)
        .all_rows()
        .without_hooks()
        .delete()
        .await
        .unwrap();
    refused(it.save(&db).await, ErrorKind::NotFound);
}

async fn a_mark_whose_answer_is_lost(on: &TestDb) {
    let (db, recorder) = recorded::<Task>(on).await;
    let mut it = task("a");
    it.save(&db).await.unwrap();
    let before = it.clone();
    recorder.inject(lost(Method::Update));
    refused(it.delete(&db).await, ErrorKind::CommitUnknown);
    assert_eq!(it, before);
    refused(it.delete(&db).await, ErrorKind::NotFound);
    refused(it.save(&db).await, ErrorKind::NotFound);
    recorder.inject(lost(Method::Commit));
    let hard = DeleteOptions::new().hard();
    let all = slice::from_mut(&mut it);
    let outcome = Task::delete_all_with(&db, all, hard).await;
    refused(outcome, ErrorKind::CommitUnknown);
    assert_eq!(Task::get(&db, it.id()).await.unwrap(), None);
}

async fn a_savepoint_that_cannot_be_released_is_taken_back(on: &TestDb) {
    let (db, recorder) = recorded::<(Post, Memo, Entry)>(on).await;
    let tx = db.begin().await.unwrap();
    let mut it = post("a");
    recorder.inject(Fault::at(1).of(Method::Release));
    // The innermost one is that of an entry.
    refused(it.save(&tx).await, ErrorKind::Backend);
    assert_eq!(it, post("a"));
    recorder.inject(Fault::at(1).of(Method::Release));
    let mut entry = Entry::default();
    let outcome = tx.savepoint(async |tx| entry.save(&tx).await).await;
    refused(outcome, ErrorKind::Backend);
    assert!(!entry.base.is_stored() && entry.id().is_empty());
    assert_eq!(
        (count::<Post>(&tx).await, count::<Entry>(&tx).await),
        (0, 0)
    );
    it.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (count::<Post>(&db).await, count::<Entry>(&db).await),
        (1, 5)
    );
}
