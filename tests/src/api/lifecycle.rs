//! Several features on one document: hooks, marks of deletion and revisions of what links lead to,
//! and the hooks of a transaction of the caller.

use den::{ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    hooked::{DELETE, Entry, INSERT, MARK, Memo, Post, UPDATE, given, memo, post, ran, step},
    soft_delete::Sheet,
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(chains_run_in_a_transaction_of_the_caller),
    case!(owned_documents_are_marked_with_their_hooks),
    case!(a_mark_gives_linked_documents_a_new_revision),
    case!(an_owner_that_stays_keeps_what_it_owns),
    case!(a_linked_document_that_is_gone_is_not_brought_back),
    case!(a_linked_document_with_an_id_of_its_own_is_inserted),
    case!(a_linked_document_with_a_taken_id_is_a_duplicate),
    case!(a_mark_without_the_revision_is_a_conflict),
    case!(refresh_takes_the_links_that_are_stored),
];

/// Owns documents with and without hooks and revisions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "binders", hooks, revision)]
struct Binder {
    #[serde(flatten)]
    base: Base<Binder>,
    #[serde(flatten)]
    deletion: SoftDelete,
    title: String,
    #[den(owned)]
    memo: Option<Link<Memo>>,
    #[den(owned)]
    sheets: Vec<Link<Sheet>>,
    #[den(owned)]
    post: Option<Link<Post>>,
    fail_at: Option<String>,
}

impl Hooks for Binder {
    async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        step(cx, "binder_goes", self.fail_at.as_deref()).await
    }

    async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        step(cx, "binder_gone", self.fail_at.as_deref()).await
    }
}

/// Goes with its binder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "leaves", revision)]
struct Leaf {
    #[serde(flatten)]
    base: Base<Leaf>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(on_delete = "cascade")]
    binder: Link<Binder>,
}

type All = (Binder, Leaf, Memo, Sheet, Post, Entry);

/// A binder with a memo, a sheet and a leaf.
async fn given_binder(db: &Db) -> (Binder, Leaf) {
    let mut binder = Binder {
        memo: Some(Link::new(memo("m"))),
        sheets: vec![Link::new(Sheet::default())],
        ..Default::default()
    };
    binder.save(db).await.unwrap();
    let mut leaf = Leaf {
        binder: Link::to(&binder),
        ..Default::default()
    };
    leaf.save(db).await.unwrap();
    let binder = Binder::find(db, binder.id()).await.unwrap();
    (binder, leaf)
}

/// How many live binders, memos, sheets and leaves there are.
async fn live(db: &Db) -> [u64; 4] {
    [
        count::<Binder>(db).await,
        count::<Memo>(db).await,
        count::<Sheet>(db).await,
        count::<Leaf>(db).await,
    ]
}

async fn chains_run_in_a_transaction_of_the_caller(on: &TestDb) {
    let db = given(on).await;
    for commits in [false, true] {
        let tx = db.begin().await.unwrap();
        let mut it = memo("a");
        let (names, outcome) = ran(it.save(&tx)).await;
        outcome.unwrap();
        assert_eq!(names, INSERT);
        assert!(it.base.rev.is_some());
        it.title = "b".into();
        let (names, outcome) = ran(it.update(&tx)).await;
        outcome.unwrap();
        assert_eq!(names, UPDATE);
        let (names, outcome) = ran(it.delete(&tx)).await;
        outcome.unwrap();
        assert_eq!(names, MARK);
        let mut gone = post("a");
        gone.insert(&tx).await.unwrap();
        let (names, outcome) = ran(gone.delete(&tx)).await;
        outcome.unwrap();
        assert_eq!(names, DELETE);
        // What the hooks wrote is part of the transaction.
        assert_eq!(count::<Entry>(&tx).await, 21);
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let there = Memo::query(db).with_deleted().count().await.unwrap();
        let expected = if commits { (1, 21) } else { (0, 0) };
        assert_eq!((there, count::<Entry>(db).await), expected);
    }
}

async fn owned_documents_are_marked_with_their_hooks(on: &TestDb) {
    let db = on.with::<All>().await;
    let (mut binder, _) = given_binder(db).await;
    let (names, outcome) = ran(binder.delete(db)).await;
    outcome.unwrap();
    assert_eq!(names, format!("binder_goes after_load {MARK} binder_gone"));
    assert_eq!(live(db).await, [0, 0, 0, 0]);
    let id = binder.memo.as_ref().unwrap().id();
    assert!(Memo::find(db, id).await.unwrap().deletion.is_deleted());

    let hard = DeleteOptions::new().hard();
    let (names, outcome) = ran(binder.delete_with(db, hard)).await;
    outcome.unwrap();
    assert_eq!(
        names,
        format!("binder_goes after_load {DELETE} binder_gone")
    );
    assert_eq!(Memo::query(db).with_deleted().count().await.unwrap(), 0);
    assert_eq!(Sheet::query(db).with_deleted().count().await.unwrap(), 0);
    assert_eq!(Leaf::query(db).with_deleted().count().await.unwrap(), 0);
}

async fn a_mark_gives_linked_documents_a_new_revision(on: &TestDb) {
    let db = on.with::<All>().await;
    let (mut binder, mut leaf) = given_binder(db).await;
    let memo_id = binder.memo.as_ref().unwrap().id();
    let mut memo = Memo::find(db, memo_id).await.unwrap();
    let mut sheet = Sheet::find(db, binder.sheets[0].id()).await.unwrap();
    let options = DeleteOptions::new().by("ada").because("spam");
    binder.delete_with(db, options).await.unwrap();

    let found = Memo::find(db, memo.id()).await.unwrap();
    assert_ne!(found.base.rev, memo.base.rev);
    assert_eq!(found.deletion.deleted_by.as_deref(), Some("ada"));
    refused(memo.save(db).await, ErrorKind::RevisionConflict);
    assert_eq!(Memo::find(db, memo.id()).await.unwrap().base, found.base);

    let found = Sheet::find(db, sheet.id()).await.unwrap();
    assert_ne!(found.base.rev, sheet.base.rev);
    assert_eq!(found.deletion.delete_reason.as_deref(), Some("spam"));
    refused(sheet.save(db).await, ErrorKind::RevisionConflict);

    let found = Leaf::find(db, leaf.id()).await.unwrap();
    assert_ne!(found.base.rev, leaf.base.rev);
    assert_eq!(found.deletion.deleted_by.as_deref(), Some("ada"));
    refused(leaf.save(db).await, ErrorKind::RevisionConflict);
    assert_eq!(live(db).await, [0, 0, 0, 0]);
}

async fn an_owner_that_stays_keeps_what_it_owns(on: &TestDb) {
    let db = on.with::<All>().await;
    let (stored, _) = given_binder(db).await;
    let mut current = stored.clone();
    current.title = "changed meanwhile".into();
    current.save(db).await.unwrap();
    let entries = count::<Entry>(db).await;
    for hard in [false, true] {
        let options = || match hard {
            true => DeleteOptions::new().hard(),
            false => DeleteOptions::new(),
        };
        // Another one has changed the owner.
        let mut stale = stored.clone();
        let outcome = stale.delete_with(db, options()).await;
        refused(outcome, ErrorKind::RevisionConflict);
        assert_eq!(stale, stored);
        assert_eq!(live(db).await, [1, 1, 1, 1]);
        // The last hook of all refuses.
        let mut failing = current.clone();
        failing.fail_at = Some("binder_gone".into());
        let before = failing.clone();
        let (names, outcome) = ran(failing.delete_with(db, options())).await;
        refused(outcome, ErrorKind::Hook);
        assert!(names.ends_with("after_delete binder_gone"), "{names}");
        assert_eq!(failing, before);
        assert_eq!(live(db).await, [1, 1, 1, 1]);
        // In the transaction of the caller the rest goes on.
        let tx = db.begin().await.unwrap();
        let outcome = failing.delete_with(&tx, options()).await;
        refused(outcome, ErrorKind::Hook);
        assert_eq!(count::<Memo>(&tx).await, 1);
        tx.commit().await.unwrap();
        assert_eq!(live(db).await, [1, 1, 1, 1]);
        assert_eq!(count::<Entry>(db).await, entries);
    }
    current.delete(db).await.unwrap();
    assert_eq!(live(db).await, [0, 0, 0, 0]);
}

async fn a_linked_document_that_is_gone_is_not_brought_back(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut binder = Binder {
        memo: Some(Link::new(memo("m"))),
        post: Some(Link::new(post("p"))),
        ..Default::default()
    };
    binder.save(db).await.unwrap();
    let mut gone = binder.clone();
    let link = gone.post.as_mut().unwrap();
    Post::find(db, link.id())
        .await
        .unwrap()
        .delete(db)
        .await
        .unwrap();
    link.get_mut().unwrap().title = "again".into();
    gone.title = "not stored".into();
    let before = gone.clone();
    refused(gone.save(db).await, ErrorKind::NotFound);
    assert_eq!(gone, before);
    assert_eq!(count::<Post>(db).await, 0);

    let mut marked = binder.clone();
    let link = marked.memo.as_mut().unwrap();
    let mut memo = Memo::find(db, link.id()).await.unwrap();
    memo.delete(db).await.unwrap();
    link.get_mut().unwrap().title = "again".into();
    refused(marked.save(db).await, ErrorKind::RevisionConflict);
    assert_eq!(count::<Memo>(db).await, 0);
    let stored = Binder::find(db, binder.id()).await.unwrap();
    assert_eq!((stored.title.as_str(), &stored.base), ("", &binder.base));
}

async fn a_linked_document_with_an_id_of_its_own_is_inserted(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut own = post("p");
    own.base.id = Id::new("mine");
    let mut binder = Binder {
        post: Some(Link::new(own)),
        ..Default::default()
    };
    let (names, outcome) = ran(binder.save(db)).await;
    outcome.unwrap();
    assert_eq!(names, INSERT);
    let found = Post::find(db, "mine").await.unwrap();
    assert_ne!(found.base.created_at, Timestamp::default());
    assert_eq!(binder.post, Some(Link::to(&found)));
}

async fn a_linked_document_with_a_taken_id_is_a_duplicate(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut taken = memo("theirs");
    taken.base.id = Id::new("taken");
    let mut other = taken.clone();
    taken.save(db).await.unwrap();
    other.title = "mine".into();
    let mut binder = Binder {
        memo: Some(Link::new(other)),
        sheets: vec![Link::new(Sheet::default())],
        ..Default::default()
    };
    let before = binder.clone();
    let error = refused(binder.save(db).await, ErrorKind::Duplicate);
    assert_eq!(error.collection(), Some("memos"));
    assert_eq!(binder, before);
    assert!(binder.id().is_empty() && binder.sheets[0].id().is_empty());
    assert_eq!(live(db).await, [0, 1, 0, 0]);
    assert_eq!(Memo::find(db, "taken").await.unwrap().title, "theirs");
}

async fn a_mark_without_the_revision_is_a_conflict(on: &TestDb) {
    let db = on.with::<Sheet>().await;
    let mut stored = Sheet::default();
    stored.save(db).await.unwrap();
    let mut blind = Sheet::default();
    blind.base.id = stored.id().clone();
    refused(blind.delete(db).await, ErrorKind::RevisionConflict);
    for rev in [None, Some(String::new()), Some("forged".to_owned())] {
        let mut it = Sheet::find(db, stored.id()).await.unwrap();
        it.base.rev = rev;
        let before = it.clone();
        refused(it.delete(db).await, ErrorKind::RevisionConflict);
        let hard = DeleteOptions::new().hard();
        let outcome = it.delete_with(db, hard).await;
        refused(outcome, ErrorKind::RevisionConflict);
        assert_eq!(it, before);
    }
    assert_eq!(Sheet::query(db).one().await.unwrap(), stored);
    stored.delete(db).await.unwrap();
    let mut it = Sheet::find(db, stored.id()).await.unwrap();
    it.base.rev = None;
    refused(it.restore(db).await, ErrorKind::RevisionConflict);
    assert_eq!(count::<Sheet>(db).await, 0);
}

async fn refresh_takes_the_links_that_are_stored(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut binder = Binder {
        memo: Some(Link::new(memo("old"))),
        post: Some(Link::new(post("p"))),
        sheets: vec![Link::new(Sheet::default()), Link::new(Sheet::default())],
        ..Default::default()
    };
    binder.save(db).await.unwrap();
    let mut theirs = Binder::find(db, binder.id()).await.unwrap();
    theirs.memo = Some(Link::new(memo("new")));
    theirs.post = None;
    theirs.sheets.pop();
    theirs.save(db).await.unwrap();

    assert!(binder.memo.as_ref().unwrap().is_loaded());
    binder.refresh(db).await.unwrap();
    assert_eq!(binder.post, None);
    assert_eq!(binder.sheets, theirs.sheets);
    assert_eq!(binder.memo, theirs.memo);
    // Nothing of the old one is carried along under the id of the new one.
    let link = binder.memo.as_mut().unwrap();
    assert!(!link.is_loaded());
    assert_eq!(link.fetch(db).await.unwrap().title, "new");
}
