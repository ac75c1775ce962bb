//! Deleting by query.

use den::prelude::*;

use super::support::{Item, Note, count, found, given_numbered, note};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_delete_says_how_many),
    case!(limit_skip_and_sort_apply),
    case!(every_row_when_that_is_said),
    case!(many_rows_in_one_call),
    case!(a_revision_is_no_obstacle),
    case!(deletes_by_filters_of_every_kind),
];

async fn a_delete_says_how_many(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    assert_eq!(Item::query(db).filter(p.n.gt(9)).delete().await.unwrap(), 0);
    assert_eq!(Item::query(db).filter(p.n.gt(3)).delete().await.unwrap(), 2);
    assert_eq!(Item::query(db).filter(p.n.gt(3)).delete().await.unwrap(), 0);
    assert_eq!(found(Item::query(db)).await, "i1 i2 i3");
}

async fn limit_skip_and_sort_apply(on: &TestDb) {
    let db = given_numbered(on, 9).await;
    let p = Item::fields();
    let query = Item::query(db)
        .filter(p.n.gt(1))
        .sort(p.n.desc())
        .skip(1)
        .limit(3);
    assert_eq!(query.delete().await.unwrap(), 3);
    assert_eq!(found(Item::query(db)).await, "i1 i2 i3 i4 i5 i9");
    assert_eq!(
        Item::query(db).all_rows().limit(2).delete().await.unwrap(),
        2
    );
    assert_eq!(found(Item::query(db)).await, "i3 i4 i5 i9");
    assert_eq!(
        Item::query(db)
            .filter(p.n.gt(0))
            .skip(3)
            .delete()
            .await
            .unwrap(),
        1
    );
    assert_eq!(found(Item::query(db)).await, "i3 i4 i5");
}

async fn every_row_when_that_is_said(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    assert_eq!(Item::query(db).all_rows().delete().await.unwrap(), 5);
    assert_eq!(Item::query(db).all_rows().delete().await.unwrap(), 0);
    assert_eq!(count::<Item>(db).await, 0);
}

async fn many_rows_in_one_call(on: &TestDb) {
    let db = given_numbered(on, 1500).await;
    let p = Item::fields();
    assert_eq!(
        Item::query(db).filter(p.n.le(1100)).delete().await.unwrap(),
        1100
    );
    assert_eq!(count::<Item>(db).await, 400);
    assert_eq!(
        Item::query(db)
            .filter(p.n.gt(0))
            .limit(300)
            .delete()
            .await
            .unwrap(),
        300
    );
    assert_eq!(count::<Item>(db).await, 100);
}

async fn a_revision_is_no_obstacle(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("a").save(db).await.unwrap();
    note("b").save(db).await.unwrap();
    let p = Note::fields();
    assert_eq!(
        Note::query(db)
            .filter(p.slug.eq("a"))
            .delete()
            .await
            .unwrap(),
        1
    );
    assert_eq!(count::<Note>(db).await, 1);
}

async fn deletes_by_filters_of_every_kind(on: &TestDb) {
    let db = given_numbered(on, 8).await;
    let p = Item::fields();
    for (filter, name) in [
        (p.n.is_in([1]), "i1"),
        (p.name.starts_with("i2"), "i2"),
        (p.name.matches("3$"), "i3"),
        (!p.n.ne(4), "i4"),
        (p.tags.is_empty() & p.n.eq(5), "i5"),
        (p.lines.all_elements(|it| it.count.gt(1)) & p.n.eq(6), "i6"),
        (p.category.is_null() & p.price.between(7.0, 8.0), "i7"),
    ] {
        assert_eq!(found(Item::query(db).filter(filter.clone())).await, name);
        assert_eq!(
            Item::query(db).filter(filter).delete().await.unwrap(),
            1,
            "{name}"
        );
    }
    assert_eq!(found(Item::query(db)).await, "i8");
}
