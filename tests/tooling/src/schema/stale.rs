//! Indexes that no type declares any more.

use den::{constraint, prelude::*, schema::DryRun};
use den_test_harness::TestDb;

use super::{
    index,
    types::{Book, Shelf, other_indexes},
};

async fn names(db: &Db, collection: &str) -> Vec<String> {
    let all = db.schema().indexes(collection).await.unwrap();
    all.into_iter().map(|it| it.name).collect()
}

pub(super) async fn stale_indexes_are_dropped(on: &TestDb) {
    on.with::<Book>().await;
    let before = names(&on.db, "books").await;
    let next = on.another_handle().await;
    next.register::<other_indexes::Book>().await.unwrap();
    let declared: Vec<String> = {
        let meta = next.meta::<other_indexes::Book>().unwrap();
        meta.indexes.into_iter().map(|it| it.name).collect()
    };
    let mut expected = before.clone();
    expected.retain(|it| !declared.contains(it));
    // Registering leaves them alone, and the plan lists them apart.
    let plan = next.schema().plan().await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    let stale: Vec<&str> = plan.stale().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(stale, expected);
    assert!(plan.to_string().contains("stale: the index `book_pages`"));
    let dropped = next.schema().drop_stale(DryRun::No).await.unwrap();
    let dropped: Vec<&str> = dropped.dropped.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(dropped, expected);
    let mut left = declared;
    left.sort_unstable();
    assert_eq!(names(&next, "books").await, left);
    assert_eq!(next.schema().plan().await.unwrap().stale(), []);
    let again = next.schema().drop_stale(DryRun::No).await.unwrap();
    assert_eq!(again.dropped, []);
    assert_eq!(again.to_string(), "no stale indexes\n");
    other_indexes::Book::default().save(&next).await.unwrap();
}

pub(super) async fn a_dry_run_drops_nothing(on: &TestDb) {
    on.with::<Book>().await;
    let before = names(&on.db, "books").await;
    let next = on.another_handle().await;
    next.declare::<other_indexes::Book>().unwrap();
    let would = next.schema().drop_stale(DryRun::Yes).await.unwrap();
    assert!(!would.dropped.is_empty());
    assert!(
        would
            .to_string()
            .contains("`book_pages` of `books` on pages")
    );
    assert_eq!(names(&next, "books").await, before);
    let did = next.schema().drop_stale(DryRun::No).await.unwrap();
    assert_eq!(did, would);
}

pub(super) async fn indexes_of_unknown_collections_are_kept(on: &TestDb) {
    on.with::<Book>().await;
    let before = names(&on.db, "books").await;
    let next = on.another_handle().await;
    next.register::<Shelf>().await.unwrap();
    let made = next.schema().create_index("shelves", index(["room"]));
    let made = made.await.unwrap();
    let found = next.schema().drop_stale(DryRun::No).await.unwrap();
    let kept: Vec<&str> = found.kept.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(kept, before);
    let dropped: Vec<&str> = found.dropped.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(dropped, [made.as_str()]);
    assert_eq!(names(&next, "books").await, before);
    assert!(found.to_string().contains("kept, of no known type: "));
}

pub(super) async fn what_backs_a_constraint_is_not_stale(on: &TestDb) {
    let db = on.with::<Shelf>().await;
    for rule in [constraint::unique(["room"]), constraint::key(["number"])] {
        let made = db.schema().create_constraint("shelves", rule).await;
        made.unwrap();
    }
    let found = db.schema().drop_stale(DryRun::No).await.unwrap();
    assert_eq!((found.dropped, found.kept), (vec![], vec![]));
    assert_eq!(db.schema().constraints("shelves").await.unwrap().len(), 2);
    assert!(db.schema().plan().await.unwrap().is_empty());
}
