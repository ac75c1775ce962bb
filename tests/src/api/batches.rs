//! Many documents in one call: all or none.

use den::{ErrorKind, prelude::*};

use super::support::{Item, Note, count, item, note, numbered, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(insert_many_fills_in_every_base),
    case!(nothing_to_write_is_fine),
    case!(save_all_inserts_and_updates),
    case!(save_all_of_a_deleted_document_changes_nothing),
    case!(save_all_of_a_stale_document_changes_nothing),
    case!(a_duplicate_in_the_middle_changes_nothing),
    case!(a_taken_id_in_the_middle_changes_nothing),
    case!(duplicates_within_a_batch_change_nothing),
    case!(what_cannot_be_stored_changes_nothing),
    case!(of_two_with_one_id_the_last_is_stored),
    case!(delete_all_deletes_each),
    case!(delete_all_of_a_missing_document_changes_nothing),
    case!(delete_all_of_a_stale_document_changes_nothing),
    case!(delete_all_of_a_new_document_changes_nothing),
    case!(batches_in_a_transaction_roll_back_with_it),
    case!(a_failed_batch_leaves_the_transaction_usable),
];

async fn insert_many_fills_in_every_base(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut notes = ["a", "b", "c"].map(note);
    Note::insert_many(db, &mut notes).await.unwrap();
    for it in &notes {
        assert!(it.base.is_stored() && it.base.rev.is_some());
        assert_eq!(&Note::find(db, it.id()).await.unwrap(), it);
    }
    assert!(notes.is_sorted_by(|a, b| a.id() < b.id()));
    assert_eq!(count::<Note>(db).await, 3);
}

async fn nothing_to_write_is_fine(on: &TestDb) {
    let db = on.with::<Item>().await;
    Item::insert_many(db, &mut []).await.unwrap();
    Item::save_all(db, &mut []).await.unwrap();
    Item::delete_all(db, &mut []).await.unwrap();
    assert_eq!(count::<Item>(db).await, 0);
}

async fn save_all_inserts_and_updates(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut old = note("old");
    old.save(db).await.unwrap();
    let rev = old.base.rev.clone();
    old.text = "changed".into();
    let mut both = [note("new"), old];
    Note::save_all(db, &mut both).await.unwrap();
    assert_eq!(count::<Note>(db).await, 2);
    for it in &both {
        assert_eq!(&Note::find(db, it.id()).await.unwrap(), it);
    }
    assert_ne!(both[1].base.rev, rev);
}

/// The second of three documents is refused: nothing is stored, nothing in memory has changed.
async fn refused_as_a_whole(db: &Db, mut notes: [Note; 3], kind: ErrorKind) -> Error {
    let (before, stored) = (notes.clone(), Note::query(db).all().await.unwrap());
    let error = refused(Note::save_all(db, &mut notes).await, kind);
    assert!(error.to_string().contains("document 2 of 3"), "{error}");
    assert_eq!(notes, before);
    let flags = |notes: &[Note]| {
        notes
            .iter()
            .map(|it| it.base.is_stored())
            .collect::<Vec<_>>()
    };
    assert_eq!(flags(&notes), flags(&before));
    assert_eq!(Note::query(db).all().await.unwrap(), stored);
    error
}

async fn save_all_of_a_deleted_document_changes_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    let (mut kept, mut gone) = (note("kept"), note("gone"));
    kept.save(db).await.unwrap();
    gone.save(db).await.unwrap();
    gone.clone().delete(db).await.unwrap();
    kept.text = "changed".into();
    refused_as_a_whole(db, [kept, gone, note("new")], ErrorKind::NotFound).await;
}

async fn save_all_of_a_stale_document_changes_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut stale = note("stale");
    stale.save(db).await.unwrap();
    stale.clone().save(db).await.unwrap();
    let notes = [note("new"), stale, note("newer")];
    refused_as_a_whole(db, notes, ErrorKind::RevisionConflict).await;
}

async fn a_duplicate_in_the_middle_changes_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("taken").save(db).await.unwrap();
    let mut notes = [note("a"), note("taken"), note("c")];
    let before = notes.clone();
    let error = refused(
        Note::insert_many(db, &mut notes).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
    assert_eq!(notes, before);
    assert_eq!(count::<Note>(db).await, 1);
    notes[1].slug = Some("b".into());
    Note::insert_many(db, &mut notes).await.unwrap();
    assert_eq!(count::<Note>(db).await, 4);
}

async fn a_taken_id_in_the_middle_changes_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut taken = note("taken");
    taken.save(db).await.unwrap();
    let mut middle = note("b");
    middle.base.id = taken.id().clone();
    refused_as_a_whole(db, [note("a"), middle, note("c")], ErrorKind::Duplicate).await;
}

async fn duplicates_within_a_batch_change_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut notes = [note("a"), note("b"), note("a")];
    refused(
        Note::insert_many(db, &mut notes).await,
        ErrorKind::Duplicate,
    );
    assert!(notes.iter().all(|it| it.id().is_empty()));
    assert_eq!(count::<Note>(db).await, 0);
}

async fn what_cannot_be_stored_changes_nothing(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut items = [numbered(1), numbered(2), numbered(3)];
    items[1].price = f64::INFINITY;
    let error = refused(
        Item::insert_many(db, &mut items).await,
        ErrorKind::InvalidDocument,
    );
    assert!(error.to_string().contains("document 2 of 3"), "{error}");
    assert!(error.to_string().contains("price"), "{error}");
    assert!(
        items
            .iter()
            .all(|it| it.id().is_empty() && !it.base.is_stored())
    );
    assert_eq!(count::<Item>(db).await, 0);
}

async fn of_two_with_one_id_the_last_is_stored(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut items = [item("first"), item("other"), item("last")];
    items[0].base.id = Id::new("x");
    items[2].base.id = Id::new("x");
    Item::insert_many(db, &mut items).await.unwrap();
    assert_eq!(count::<Item>(db).await, 2);
    assert_eq!(Item::find(db, "x").await.unwrap().name, "last");

    let mut stored = Item::find(db, "x").await.unwrap();
    stored.n = 1;
    let mut twin = stored.clone();
    twin.n = 2;
    Item::save_all(db, &mut [stored, twin]).await.unwrap();
    assert_eq!(Item::find(db, "x").await.unwrap().n, 2);
}

async fn delete_all_deletes_each(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut notes: Vec<Note> = (0..250).map(|n| note(&n.to_string())).collect();
    Note::insert_many(db, &mut notes).await.unwrap();
    Note::delete_all(db, &mut notes[..248]).await.unwrap();
    assert_eq!(Note::query(db).all().await.unwrap(), notes[248..]);
}

async fn delete_all_of_a_missing_document_changes_nothing(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut items = ["a", "b", "c"].map(item);
    Item::insert_many(db, &mut items).await.unwrap();
    items[1].clone().delete(db).await.unwrap();
    let error = refused(Item::delete_all(db, &mut items).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("document 2 of 3"), "{error}");
    assert_eq!(error.id(), Some(items[1].id().as_str()));
    assert_eq!(count::<Item>(db).await, 2);
}

async fn delete_all_of_a_stale_document_changes_nothing(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut notes = ["a", "b", "c"].map(note);
    Note::insert_many(db, &mut notes).await.unwrap();
    notes[2].clone().save(db).await.unwrap();
    refused(
        Note::delete_all(db, &mut notes).await,
        ErrorKind::RevisionConflict,
    );
    assert_eq!(count::<Note>(db).await, 3);
}

async fn delete_all_of_a_new_document_changes_nothing(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut items = [item("stored"), item("new")];
    items[0].save(db).await.unwrap();
    refused(
        Item::delete_all(db, &mut items).await,
        ErrorKind::InvalidDocument,
    );
    assert_eq!(count::<Item>(db).await, 1);
}

async fn batches_in_a_transaction_roll_back_with_it(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut stored = ["a", "b"].map(note);
    Note::insert_many(db, &mut stored).await.unwrap();
    let mut new = ["c", "d"].map(note);
    let tx = db.begin().await.unwrap();
    Note::insert_many(&tx, &mut new).await.unwrap();
    Note::save_all(&tx, &mut new).await.unwrap();
    Note::delete_all(&tx, &mut stored).await.unwrap();
    assert_eq!(Note::query(&tx).all().await.unwrap(), new);
    tx.rollback().await.unwrap();
    assert_eq!(count::<Note>(db).await, 2);
    assert!(new.iter().all(|it| !it.base.is_stored()));
    Note::save_all(db, &mut new).await.unwrap();
    assert_eq!(count::<Note>(db).await, 4);
}

async fn a_failed_batch_leaves_the_transaction_usable(on: &TestDb) {
    let db = on.with::<Note>().await;
    db.transaction(async |tx| {
        note("a").save(&tx).await?;
        let failed = Note::insert_many(&tx, &mut [note("b"), note("a")]).await;
        refused(failed, ErrorKind::Duplicate);
        assert_eq!(count::<Note>(&tx).await, 1);
        Note::insert_many(&tx, &mut [note("b"), note("c")]).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Note>(db).await, 3);
}
