//! Several documents at once, with an outcome for each.

use den::{
    BulkMode::{Fail, Overwrite, OverwriteIfRevision, SkipExisting},
    Outcome::{self, Inserted, Skipped, Superseded, Updated},
    Refusal::{Exists, Missing, OtherRevision},
    prelude::*,
};

use super::{
    hooked::{Entry, INSERT, Memo, Post, UPDATE, given as given_posts, post, ran},
    support::{Item, Note, count, item, note, recorded, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(fail_is_all_or_nothing),
    case!(existing_documents_are_skipped),
    case!(existing_documents_are_overwritten),
    case!(existing_documents_are_overwritten_by_revision),
    case!(new_and_stored_ones_are_saved),
    case!(the_last_of_one_id_counts),
    case!(one_call_for_many),
    case!(a_taken_value_stops_all),
    case!(hooks_run_for_each),
    case!(hooks_of_refused_documents_leave_nothing),
    case!(in_a_transaction),
];

fn with_id(id: &str, text: &str) -> Note {
    let mut it = note(id);
    it.base.id = Id::new(id);
    it.text = text.to_owned();
    it
}

/// Stores `a` and `b`.
async fn given(db: &Db) -> Vec<Note> {
    let mut notes = vec![with_id("a", "old"), with_id("b", "old")];
    Note::insert_many(db, &mut notes).await.unwrap();
    notes
}

async fn texts(on: &(impl Executor + ?Sized)) -> String {
    let notes = Note::query(on).all().await.unwrap();
    let texts: Vec<String> = notes
        .iter()
        .map(|it| format!("{}={}", it.id().as_str(), it.text))
        .collect();
    texts.join(" ")
}

async fn fail_is_all_or_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    given(db).await;
    let mut new = vec![with_id("c", "new"), with_id("a", "new")];
    let before = new.clone();
    let error = refused(
        Note::insert_many_with(db, &mut new, Fail).await,
        ErrorKind::Duplicate,
    );
    assert!(error.to_string().contains("document 2 of 2"), "{error}");
    assert_eq!(new, before);
    assert_eq!(texts(db).await, "a=old b=old");
    new.pop();
    new.push(note("d"));
    let outcomes = Note::insert_many_with(db, &mut new, Fail).await.unwrap();
    assert_eq!(outcomes, [Inserted, Inserted]);
    new[0].text = "newer".to_owned();
    new.push(note("e"));
    let outcomes = Note::save_all_with(db, &mut new, Fail).await.unwrap();
    assert_eq!(outcomes, [Updated, Updated, Inserted]);
    assert!(outcomes.iter().all(|it| it.is_written()));
}

async fn existing_documents_are_skipped(on: &TestDb) {
    let db = on.with::<Note>().await;
    given(db).await;
    let mut new = vec![with_id("a", "new"), with_id("c", "new"), note("d")];
    let before = new.clone();
    let outcomes = Note::insert_many_with(db, &mut new, SkipExisting).await;
    assert_eq!(outcomes.unwrap(), [Skipped(Exists), Inserted, Inserted]);
    assert_eq!(new[0], before[0]);
    assert!(!new[0].base.is_stored());
    assert!(new[1].base.is_stored() && new[1].base.rev.is_some());
    assert!(!new[2].id().is_empty());
    assert_eq!(Note::find(db, "c").await.unwrap(), new[1]);
    assert_eq!(Note::find(db, "a").await.unwrap().text, "old");
    let none = Note::insert_many_with(db, &mut new[..1], SkipExisting).await;
    assert_eq!(none.unwrap(), [Skipped(Exists)]);
}

async fn existing_documents_are_overwritten(on: &TestDb) {
    let db = on.with::<Note>().await;
    let old = given(db).await;
    let mut new = vec![with_id("a", "new"), with_id("c", "new")];
    let outcomes = Note::upsert_many(db, &mut new).await.unwrap();
    assert_eq!(outcomes, [Updated, Inserted]);
    assert_eq!(texts(db).await, "a=new b=old c=new");
    let stored = Note::find(db, "a").await.unwrap();
    assert_eq!(stored, new[0]);
    assert_ne!(stored.base.rev, old[0].base.rev);
    new[0].text = "newer".to_owned();
    let outcomes = Note::insert_many_with(db, &mut new, Overwrite).await;
    assert_eq!(outcomes.unwrap(), [Updated, Updated]);
    new[0].save(db).await.unwrap();
}

async fn existing_documents_are_overwritten_by_revision(on: &TestDb) {
    let db = on.with::<Note>().await;
    let old = given(db).await;
    // As a file would hold them: with revisions, but not known to be stored.
    let foreign = |it: &Note| -> Note {
        let json = serde_json::to_value(it).unwrap();
        serde_json::from_value(json).unwrap()
    };
    let mut stale = foreign(&old[1]);
    stale.base.rev = Some("other".to_owned());
    let mut gone = with_id("c", "new");
    gone.base.rev = Some("1".to_owned());
    let mut same = foreign(&old[0]);
    same.text = "new".to_owned();
    let mut new = vec![same, stale, gone, with_id("d", "new"), with_id("b", "new")];
    new[4].slug = None;
    new.swap(1, 4);
    new.remove(1);
    let before = new.clone();
    let outcomes = Note::insert_many_with(db, &mut new, OverwriteIfRevision).await;
    let expected = [Updated, Inserted, Inserted, Skipped(OtherRevision)];
    assert_eq!(outcomes.unwrap(), expected);
    assert_eq!(new[3], before[3]);
    assert_ne!(new[0].base.rev, before[0].base.rev);
    assert_eq!(texts(db).await, "a=new b=old c=new d=new");
    assert_eq!(Note::find(db, "c").await.unwrap(), new[1]);
    // Without a revision, only what is not there fits.
    let mut new = vec![with_id("a", "x"), with_id("e", "x")];
    let outcomes = Note::insert_many_with(db, &mut new, OverwriteIfRevision).await;
    assert_eq!(outcomes.unwrap(), [Skipped(Exists), Inserted]);
}

async fn new_and_stored_ones_are_saved(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut all = given(db).await;
    all.push(with_id("c", "new"));
    all.push(with_id("d", "new"));
    for it in &mut all {
        it.text = "saved".to_owned();
    }
    with_id("d", "other").insert(db).await.unwrap();
    let mut fresh = Note::find(db, "a").await.unwrap();
    fresh.text = "fresh".to_owned();
    fresh.save(db).await.unwrap();
    Note::find(db, "b").await.unwrap().delete(db).await.unwrap();
    for mode in [SkipExisting, OverwriteIfRevision] {
        let mut all = all.clone();
        let outcomes = Note::save_all_with(db, &mut all, mode).await.unwrap();
        assert_eq!(outcomes[0], Skipped(OtherRevision), "{mode:?}");
        assert!(matches!(outcomes[1], Skipped(Missing | OtherRevision)));
        assert_eq!(outcomes[3], Skipped(Exists), "{mode:?}");
    }
    let error = Note::save_all_with(db, &mut all, Fail).await;
    assert!(error.is_err());
    let outcomes = Note::save_all_with(db, &mut all, Overwrite).await.unwrap();
    assert_eq!(outcomes, [Updated, Skipped(Missing), Updated, Updated]);
    assert_eq!(texts(db).await, "a=saved c=saved d=saved");
}

async fn the_last_of_one_id_counts(on: &TestDb) {
    let db = on.with::<Note>().await;
    for mode in [Fail, SkipExisting, Overwrite, OverwriteIfRevision] {
        let id = format!("{mode:?}");
        let mut all = vec![
            with_id(&id, "1"),
            with_id(&[&id, "2"].concat(), "2"),
            with_id(&id, "3"),
        ];
        let outcomes = Note::insert_many_with(db, &mut all, mode).await.unwrap();
        assert_eq!(outcomes, [Superseded, Inserted, Inserted], "{mode:?}");
        assert!(!all[0].base.is_stored());
        assert_eq!(Note::find(db, id.as_str()).await.unwrap().text, "3");
    }
}

async fn one_call_for_many(on: &TestDb) {
    let (db, recorder) = recorded::<(Item, Note)>(on).await;
    let mut items: Vec<Item> = (0..3000).map(|n| item(&n.to_string())).collect();
    for mode in [SkipExisting, Overwrite, SkipExisting] {
        recorder.clear();
        let outcomes = Item::insert_many_with(&db, &mut items, mode).await;
        assert_eq!(outcomes.unwrap().len(), 3000);
        assert_eq!(recorder.take(), ["put_many items"]);
    }
    assert_eq!(count::<Item>(&db).await, 3000);
    let mut notes = vec![with_id("a", "x"), with_id("b", "x")];
    recorder.clear();
    Note::insert_many_with(&db, &mut notes, OverwriteIfRevision)
        .await
        .unwrap();
    assert_eq!(recorder.take(), ["put_many notes"]);
    Note::save_all_with(&db, &mut notes, OverwriteIfRevision)
        .await
        .unwrap();
    assert_eq!(recorder.take(), ["put_many notes"]);
}

async fn a_taken_value_stops_all(on: &TestDb) {
    let db = on.with::<Note>().await;
    given(db).await;
    let mut taken = with_id("d", "new");
    taken.slug = Some("a".to_owned());
    let mut new = vec![with_id("c", "new"), taken];
    let before = new.clone();
    for mode in [Fail, SkipExisting, Overwrite, OverwriteIfRevision] {
        let outcome = Note::insert_many_with(db, &mut new, mode).await;
        let error = refused(outcome, ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
        assert_eq!(new, before);
    }
    assert_eq!(texts(db).await, "a=old b=old");
}

fn named(id: &str) -> Post {
    let mut it = post(id);
    it.base.id = Id::new(id);
    it
}

async fn hooks_run_for_each(on: &TestDb) {
    let db = given_posts(on).await;
    named("a").insert(db).await.unwrap();
    let mut all = vec![named("a"), named("b"), named("b")];
    let (names, outcomes) = ran(async { Post::upsert_many(db, &mut all).await }).await;
    assert_eq!(outcomes.unwrap(), [Updated, Superseded, Inserted]);
    assert_eq!(names, [UPDATE, INSERT].join(" "));
    assert!(all[0].base.is_stored() && !all[1].base.is_stored());
    let (names, outcomes) = ran(async { Post::save_all_with(db, &mut all[..1], Fail).await }).await;
    assert_eq!(outcomes.unwrap(), [Updated]);
    assert_eq!(names, UPDATE);
}

async fn hooks_of_refused_documents_leave_nothing(on: &TestDb) {
    let db = given_posts(on).await;
    named("a").insert(db).await.unwrap();
    let entries = count::<Entry>(db).await;
    let mut all = vec![named("a"), named("b")];
    let before = all[0].clone();
    let outcomes = Post::insert_many_with(db, &mut all, SkipExisting).await;
    assert_eq!(outcomes.unwrap(), [Skipped(Exists), Inserted]);
    assert_eq!(all[0], before);
    let hooks = INSERT.split(' ').count() as u64;
    assert_eq!(count::<Entry>(db).await, entries + hooks);
    // An error in a hook is no refusal.
    let mut bad = vec![named("c"), named("d")];
    bad[1].fail_at = Some("after_save".to_owned());
    let outcome = Post::insert_many_with(db, &mut bad, SkipExisting).await;
    let error = refused(outcome, ErrorKind::Hook);
    assert!(error.to_string().contains("document 2 of 2"), "{error}");
    assert_eq!(count::<Post>(db).await, 2);
    assert!(!bad[0].base.is_stored());
    // Revisions are compared.
    let mut memo = super::hooked::memo("m");
    memo.insert(db).await.unwrap();
    let mut stale = memo.clone();
    memo.save(db).await.unwrap();
    stale.title = "stale".to_owned();
    let mut both = vec![stale, memo.clone()];
    both[1].base.id = Id::new("new");
    both[1].base.rev = Some("x".to_owned());
    let outcomes: Vec<Outcome> = Memo::insert_many_with(db, &mut both, OverwriteIfRevision)
        .await
        .unwrap();
    assert_eq!(outcomes, [Skipped(OtherRevision), Inserted]);
}

async fn in_a_transaction(on: &TestDb) {
    let db = on.with::<Note>().await;
    given(db).await;
    let tx = db.begin().await.unwrap();
    let mut new = vec![with_id("a", "new"), with_id("c", "new")];
    let outcomes = Note::insert_many_with(&tx, &mut new, SkipExisting).await;
    assert_eq!(outcomes.unwrap(), [Skipped(Exists), Inserted]);
    let mut again = vec![with_id("a", "newer"), with_id("c", "newer")];
    let outcomes = Note::upsert_many(&tx, &mut again).await.unwrap();
    assert_eq!(outcomes, [Updated, Updated]);
    assert_eq!(texts(&tx).await, "a=newer b=old c=newer");
    tx.rollback().await.unwrap();
    assert!(!new[1].base.is_stored());
    assert_eq!(texts(db).await, "a=old b=old");
}
