//! Get or create: a hit writes nothing, and both callers of a race get the document.

use den::{Upserted, prelude::*};

use super::{
    hooked::{Entry, INSERT, Memo, Post, given as given_posts, post, ran},
    support::{Note, count, note, recorded, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(created_and_then_found),
    case!(a_hit_writes_nothing),
    case!(by_id),
    case!(races_give_both_the_document),
    case!(hooks_of_an_insert_run_once),
    case!(races_of_hooked_types_give_both_the_document),
    case!(in_a_transaction),
];

async fn created_and_then_found(on: &TestDb) {
    let db = on.with::<Note>().await;
    let n = Note::fields();
    let mut it = note("a");
    it.text = "first".to_owned();
    let created = Note::get_or_create(db, it).on(n.slug).await.unwrap();
    assert!(created.is_inserted());
    let created = created.into_document();
    assert!(created.base.is_stored());
    assert_eq!(Note::find(db, created.id()).await.unwrap(), created);
    let found = Note::get_or_create(db, note("a")).on(n.slug).await.unwrap();
    assert_eq!(found, Upserted::Kept(created));
    // Null is nobody's value.
    for _ in 0..2 {
        let nameless = Note::get_or_create(db, Note::default()).on(n.slug);
        assert!(nameless.await.unwrap().is_inserted());
    }
}

async fn a_hit_writes_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Note,)>(on).await;
    let n = Note::fields();
    let get = || Note::get_or_create(&db, note("a")).on(n.slug);
    get().await.unwrap();
    assert_eq!(recorder.take(), ["query notes", "upsert notes"]);
    let before = Note::query(&db).one().await.unwrap();
    recorder.clear();
    let found = get().await.unwrap().into_document();
    assert_eq!(recorder.take(), ["query notes"]);
    assert_eq!(found, before);
    assert_eq!(Note::query(&db).one().await.unwrap(), before);
}

async fn by_id(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.base.id = Id::new("one");
    let get = |it: &Note| Note::get_or_create(db, it.clone()).on_id();
    assert!(get(&it).await.unwrap().is_inserted());
    it.slug = Some("b".to_owned());
    let found = get(&it).await.unwrap();
    assert!(!found.is_inserted());
    assert_eq!(found.document().slug.as_deref(), Some("a"));
    it.base.id = Id::new("two");
    it.slug = Some("a".to_owned());
    refused(get(&it).await, ErrorKind::Duplicate);
}

async fn races_give_both_the_document(on: &TestDb) {
    let db = on.with::<Note>().await;
    for round in 0..50 {
        let run = || {
            let (db, it) = (db.clone(), note(&round.to_string()));
            tokio::spawn(async move {
                let slug = Note::fields().slug;
                Note::get_or_create(&db, it).on(slug).await
            })
        };
        let (one, two) = tokio::join!(run(), run());
        let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
        assert!(one.is_inserted() != two.is_inserted(), "{one:?} {two:?}");
        assert_eq!(one.document(), two.document());
    }
    assert_eq!(count::<Note>(db).await, 50);
}

fn sluggish(slug: &str) -> Post {
    Post {
        slug: Some(slug.to_owned()),
        ..post("title")
    }
}

async fn hooks_of_an_insert_run_once(on: &TestDb) {
    let db = given_posts(on).await;
    let p = Post::fields();
    let get = |it: Post| Post::get_or_create(db, it).on(p.slug);
    let (names, created) = ran(async { get(sluggish("a")).await }).await;
    assert!(created.unwrap().is_inserted());
    assert_eq!(names, INSERT);
    let before = Post::query(db).one().await.unwrap();
    let entries = count::<Entry>(db).await;
    let (names, found) = ran(async { get(sluggish("a")).await }).await;
    assert_eq!(names, "after_load");
    assert_eq!(found.unwrap(), Upserted::Kept(before));
    assert_eq!(count::<Entry>(db).await, entries);
    let mut bad = sluggish("b");
    bad.fail_at = Some("after_save".to_owned());
    refused(get(bad).await, ErrorKind::Hook);
    assert_eq!(count::<Post>(db).await, 1);
}

async fn races_of_hooked_types_give_both_the_document(on: &TestDb) {
    let db = on.with::<(Post, Memo, Entry)>().await;
    for round in 0..50 {
        let run = || {
            let (db, it) = (db.clone(), sluggish(&round.to_string()));
            tokio::spawn(async move {
                let slug = Post::fields().slug;
                Post::get_or_create(&db, it).on(slug).await
            })
        };
        let (one, two) = tokio::join!(run(), run());
        let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
        assert!(one.is_inserted() != two.is_inserted(), "{one:?} {two:?}");
        assert_eq!(one.document().id(), two.document().id());
    }
    assert_eq!(count::<Post>(db).await, 50);
    // Hooks of those who came too late left nothing behind.
    let hooks = INSERT.split(' ').count() as u64;
    assert_eq!(count::<Entry>(db).await, 50 * hooks);
}

async fn in_a_transaction(on: &TestDb) {
    let db = given_posts(on).await;
    let p = Post::fields();
    let tx = db.begin().await.unwrap();
    let get = |it: Post| Post::get_or_create(&tx, it).on(p.slug);
    assert!(get(sluggish("a")).await.unwrap().is_inserted());
    assert!(!get(sluggish("a")).await.unwrap().is_inserted());
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    let get = |it: Post| Post::get_or_create(&tx, it).on(p.slug);
    assert!(!get(sluggish("a")).await.unwrap().is_inserted());
    let created = get(sluggish("b")).await.unwrap().into_document();
    tx.rollback().await.unwrap();
    assert!(!created.base.is_stored());
    assert_eq!(count::<Post>(db).await, 1);
}
