//! Rows without their equals, and documents of which one is kept for each value.

use den::{ErrorKind, field, prelude::*};
use serde_json::json;

use super::support::{Item, found, given, item, names, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(different_values),
    case!(different_rows),
    case!(in_an_order),
    case!(with_a_window),
    case!(one_document_for_each_value),
    case!(one_document_for_several_values),
    case!(the_first_in_the_order_is_kept),
    case!(pages_of_what_is_left),
    case!(what_is_left_is_counted_changed_and_deleted),
    case!(locked_in_a_transaction, only: [Postgres, PostgresIcu]),
    case!(mistakes_are_refused),
];

async fn given_some(on: &TestDb) -> &Db {
    let it = |name: &str, category: Option<&str>, n| Item {
        category: category.map(str::to_owned),
        n,
        ..item(name)
    };
    let items = [
        it("a", Some("x"), 3),
        it("b", Some("y"), 1),
        it("c", None, 2),
        it("d", Some("x"), 1),
        it("e", None, 5),
        it("f", Some("x"), 3),
    ];
    given(on, items).await
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn different_values(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let query = || Item::query(db);
    assert_eq!(
        query().distinct(p.category).await.unwrap(),
        [None, some("x"), some("y")]
    );
    assert_eq!(query().distinct(p.n).await.unwrap(), [1, 2, 3, 5]);
    assert_eq!(
        query().distinct(p.category.coalesce("x")).await.unwrap(),
        ["x", "y"]
    );
    assert_eq!(
        query().filter(p.n.gt(2)).distinct(p.n).await.unwrap(),
        [3, 5]
    );
    assert_eq!(query().distinct(p.n.gt(2)).await.unwrap(), [false, true]);
}

async fn different_rows(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let rows = Item::query(db)
        .select((p.category, p.n))
        .distinct()
        .all()
        .await
        .unwrap();
    assert_eq!(
        rows,
        [
            (None, 2),
            (None, 5),
            (some("x"), 1),
            (some("x"), 3),
            (some("y"), 1)
        ]
    );
    let rows = Item::query(db)
        .filter(p.n.eq(1))
        .select((p.n, p.category))
        .distinct()
        .json();
    assert_eq!(
        rows.all().await.unwrap(),
        [
            json!({"n": 1, "category": "x"}),
            json!({"n": 1, "category": "y"})
        ]
    );
}

async fn in_an_order(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let query = || Item::query(db);
    let before = query().sort(p.n.desc()).distinct(p.n).await.unwrap();
    assert_eq!(before, [5, 3, 2, 1]);
    let after = query()
        .select(p.n)
        .distinct()
        .sort(p.n.desc())
        .all()
        .await
        .unwrap();
    assert_eq!(after, [5, 3, 2, 1]);
    let last = query()
        .sort(p.category.asc().nulls_last())
        .distinct(p.category)
        .await
        .unwrap();
    assert_eq!(last, [some("x"), some("y"), None]);
    refused(
        query().sort(p.name.asc()).distinct(p.n).await,
        ErrorKind::InvalidQuery,
    );
}

async fn with_a_window(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let rows = || Item::query(db).select(p.n).distinct();
    assert_eq!(rows().limit(2).all().await.unwrap(), [1, 2]);
    assert_eq!(rows().skip(3).all().await.unwrap(), [5]);
    assert_eq!(rows().having(p.n.gt(2)).all().await.unwrap(), [3, 5]);
    refused(
        Item::query(db).limit(2).distinct(p.n).await,
        ErrorKind::InvalidQuery,
    );
}

async fn one_document_for_each_value(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).distinct_by(p.category)).await,
        "a b c"
    );
    assert_eq!(found(Item::query(db).distinct_by(p.n)).await, "a b c e");
    assert_eq!(found(Item::query(db).distinct_by(p.n.gt(2))).await, "a b");
    assert_eq!(
        found(Item::query(db).distinct_by(field("category"))).await,
        "a b c"
    );
}

async fn one_document_for_several_values(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).distinct_by((p.category, p.n))).await,
        "a b c d e"
    );
}

async fn the_first_in_the_order_is_kept(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let query = || Item::query(db).distinct_by(p.category);
    assert_eq!(found(query().sort(p.n.asc())).await, "b d c");
    assert_eq!(found(query().sort(p.n.desc())).await, "e f b");
    assert_eq!(found(query().sort(p.n.desc()).limit(1).skip(1)).await, "f");
    assert_eq!(
        found(query().filter(p.n.lt(3)).sort(p.name.desc())).await,
        "d c b"
    );
    let selected = query().sort(p.n.desc()).select((p.name, p.category));
    assert_eq!(
        selected.first().await.unwrap(),
        Some(("e".to_owned(), None))
    );
}

async fn pages_of_what_is_left(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let query = || Item::query(db).distinct_by(p.category).sort(p.n.desc());
    let first = query().page(PageRequest::first(2)).await.unwrap();
    assert_eq!(names(&first.items), "e f");
    let request = PageRequest::first(2).after(first.next.unwrap());
    let second = query().page(request).await.unwrap();
    assert_eq!(names(&second.items), "b");
    assert!(second.next.is_none());
}

async fn mistakes_are_refused(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let invalid = ErrorKind::InvalidQuery;
    refused(Item::query(db).distinct_by(field("")).all().await, invalid);
    refused(
        Item::query(db)
            .distinct_by(den::value(i64::MAX).nullable() + p.n * f64::NAN)
            .all()
            .await,
        invalid,
    );
    refused(
        Item::query(db)
            .unwind(p.tags)
            .distinct_by(p.n)
            .count()
            .await,
        invalid,
    );
}

async fn what_is_left_is_counted_changed_and_deleted(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let query = || Item::query(db).distinct_by(p.category).sort(p.n.desc());
    assert_eq!(query().count().await.unwrap(), 3);
    assert_eq!(
        query()
            .page(PageRequest::first(2).with_total())
            .await
            .unwrap()
            .total,
        Some(3)
    );
    assert_eq!(query().all_with_count().await.unwrap().1, 3);
    assert!(query().exists().await.unwrap());
    let changed = query().all_rows().update().set(p.price, 1.0).await.unwrap();
    assert_eq!(changed, 3);
    assert_eq!(
        found(Item::query(db).filter(p.price.gt(0.0))).await,
        "b e f"
    );
    assert_eq!(query().all_rows().delete().await.unwrap(), 3);
    assert_eq!(found(Item::query(db)).await, "a c d");
}

async fn locked_in_a_transaction(on: &TestDb) {
    let db = given_some(on).await;
    let p = Item::fields();
    let locked = db
        .transaction(async |tx| {
            let query = Item::query(&tx).distinct_by(p.category).sort(p.n.asc());
            query.for_update(LockMode::Wait).all().await
        })
        .await;
    assert_eq!(names(&locked.unwrap()), "b d c");
}
