//! Keyset pages: every row once, in both directions.

use den::{field, prelude::*};
use serde_json::json;

use super::support::{Item, given, given_numbered, item, names, numbered};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(pages_cover_every_order_once),
    case!(pages_of_an_untyped_order),
    case!(the_first_and_last_page),
    case!(a_page_that_fits_exactly),
    case!(pages_of_nothing),
    case!(the_total_is_counted_on_request),
    case!(pages_and_filters),
    case!(rows_inserted_and_deleted_between_pages),
    case!(pages_in_a_transaction),
    case!(skip_before_the_first_page),
    case!(a_page_of_another_size),
    case!(pages_of_json),
];

/// Walks forwards to the end and back again, and compares with the whole.
async fn walk(query: impl Fn() -> QuerySet<Item>, size: u64) {
    let note = format!("{:?}, pages of {size}", query());
    let whole = query().all().await.unwrap();
    let mut seen = Vec::new();
    let mut request = PageRequest::first(size);
    let last = loop {
        let page = query().page(request).await.unwrap();
        assert_eq!(page.prev.is_some(), !seen.is_empty(), "{note}");
        seen.extend(page.items.clone());
        match page.next.clone() {
            Some(token) => request = PageRequest::first(size).after(token),
            None => break page,
        }
    };
    assert_eq!(names(&seen), names(&whole), "{note}");
    let mut page = last;
    let mut back = page.items.clone();
    while let Some(token) = page.prev {
        page = query()
            .page(PageRequest::first(size).before(token))
            .await
            .unwrap();
        assert!(page.next.is_some(), "{note}");
        back.splice(..0, page.items.clone());
    }
    assert_eq!(names(&back), names(&whole), "{note}, backwards");
}

fn mixed(n: i64) -> Item {
    Item {
        category: (n % 3 != 0).then(|| format!("c{}", n % 2)),
        active: n % 4 == 0,
        at: (n % 5 != 0).then(|| Timestamp::from_unix_micros(n / 6).unwrap()),
        price: f64::from(i32::try_from(n % 7).unwrap()) / 2.0,
        data: [
            json!(null),
            json!(1),
            json!("x"),
            json!([n]),
            json!({"n": n}),
            json!(true),
        ][usize::try_from(n % 6).unwrap()]
        .clone(),
        ..item(&format!("i{n}"))
    }
}

async fn pages_cover_every_order_once(on: &TestDb) {
    let db = given(on, (0..32).map(mixed)).await;
    let p = Item::fields();
    for size in [1, 7, 32] {
        walk(|| Item::query(db), size).await;
        walk(|| Item::query(db).sort(p.price.asc()), size).await;
        walk(|| Item::query(db).sort(p.price.desc()), size).await;
        walk(|| Item::query(db).sort(p.category.asc()), size).await;
        walk(
            || Item::query(db).sort(p.category.desc()).sort(p.active.asc()),
            size,
        )
        .await;
        walk(
            || {
                Item::query(db)
                    .sort(p.category.asc().nulls_last())
                    .sort(p.price.desc())
            },
            size,
        )
        .await;
        walk(
            || {
                Item::query(db)
                    .sort(p.at.desc().nulls_first())
                    .sort(p.category.asc())
            },
            size,
        )
        .await;
        walk(|| Item::query(db).sort(p.base.id.desc()), size).await;
        walk(
            || {
                Item::query(db)
                    .sort(p.base.created_at.desc())
                    .sort(p.name.asc())
            },
            size,
        )
        .await;
    }
}

async fn pages_of_an_untyped_order(on: &TestDb) {
    let db = given(on, (0..24).map(mixed)).await;
    for size in [1, 5] {
        walk(|| Item::query(db).sort(field("data").asc()), size).await;
        walk(|| Item::query(db).sort(field("data").desc()), size).await;
        walk(
            || {
                Item::query(db)
                    .sort(field("data").asc().nulls_last())
                    .sort(field("price").desc())
            },
            size,
        )
        .await;
        walk(
            || {
                Item::query(db)
                    .sort(field("missing").desc())
                    .sort(field("data.n").asc())
            },
            size,
        )
        .await;
    }
}

async fn the_first_and_last_page(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let page = Item::query(db).page(PageRequest::first(10)).await.unwrap();
    assert_eq!(names(&page.items), "i1 i2 i3 i4 i5");
    assert_eq!((page.next, page.prev, page.total), (None, None, None));
    let first = Item::query(db).page(PageRequest::first(2)).await.unwrap();
    assert!(first.prev.is_none());
    let next = PageRequest::first(10).after(first.next.unwrap());
    let last = Item::query(db).page(next).await.unwrap();
    assert_eq!(names(&last.items), "i3 i4 i5");
    assert!(last.next.is_none() && last.prev.is_some());
}

async fn a_page_that_fits_exactly(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let first = Item::query(db).page(PageRequest::first(2)).await.unwrap();
    let second = PageRequest::first(2).after(first.next.unwrap());
    let second = Item::query(db).page(second).await.unwrap();
    assert_eq!(names(&second.items), "i3 i4");
    assert!(second.next.is_none());
}

async fn pages_of_nothing(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let none = Item::query(db)
        .filter(Filter::never())
        .page(PageRequest::first(3).with_total());
    let none = none.await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none() && none.prev.is_none());
    assert_eq!(none.total, Some(0));
    // The rows beyond a token may have gone.
    let first = Item::query(db).page(PageRequest::first(1)).await.unwrap();
    Item::query(db).all_rows().delete().await.unwrap();
    let after = PageRequest::first(1).after(first.next.unwrap());
    let after = Item::query(db).page(after).await.unwrap();
    assert!(after.items.is_empty() && after.next.is_none());
}

async fn the_total_is_counted_on_request(on: &TestDb) {
    let db = given_numbered(on, 9).await;
    let p = Item::fields();
    let query = || Item::query(db).filter(p.n.gt(2)).sort(p.n.desc());
    let first = query()
        .page(PageRequest::first(3).with_total())
        .await
        .unwrap();
    assert_eq!(
        (names(&first.items).as_str(), first.total),
        ("i9 i8 i7", Some(7))
    );
    let next = PageRequest::first(3)
        .after(first.next.unwrap())
        .with_total();
    let next = query().page(next).await.unwrap();
    assert_eq!(
        (names(&next.items).as_str(), next.total),
        ("i6 i5 i4", Some(7))
    );
}

async fn pages_and_filters(on: &TestDb) {
    let db = given(on, (0..32).map(mixed)).await;
    let p = Item::fields();
    walk(
        || {
            Item::query(db)
                .filter(p.active.eq(false))
                .sort(p.category.desc())
        },
        3,
    )
    .await;
    walk(
        || {
            Item::query(db)
                .filter(p.category.is_null() | p.price.gt(1.0))
                .sort(p.at.asc())
        },
        4,
    )
    .await;
}

async fn rows_inserted_and_deleted_between_pages(on: &TestDb) {
    let db = given_numbered(on, 6).await;
    let p = Item::fields();
    let query = || Item::query(db).sort(p.n.asc());
    let first = query().page(PageRequest::first(2)).await.unwrap();
    // Behind the reader, ahead of it, and the very row the token was made of.
    numbered(0).save(db).await.unwrap();
    numbered(7).save(db).await.unwrap();
    Item::query(db).filter(p.n.eq(2)).delete().await.unwrap();
    let second = PageRequest::first(3).after(first.next.unwrap());
    let second = query().page(second).await.unwrap();
    assert_eq!(names(&second.items), "i3 i4 i5");
    let third = PageRequest::first(9).after(second.next.unwrap());
    assert_eq!(names(&query().page(third).await.unwrap().items), "i6 i7");
    let back = PageRequest::first(9).before(second.prev.unwrap());
    let back = query().page(back).await.unwrap();
    assert_eq!(names(&back.items), "i0 i1");
    assert!(back.prev.is_none() && back.next.is_some());
}

async fn pages_in_a_transaction(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let tx = db.begin().await.unwrap();
    numbered(4).save(&tx).await.unwrap();
    let p = Item::fields();
    walk(|| Item::query(&tx).sort(p.n.desc()), 3).await;
    let page = Item::query(&tx)
        .sort(p.n.desc())
        .page(PageRequest::first(1))
        .await
        .unwrap();
    assert_eq!(names(&page.items), "i4");
    tx.rollback().await.unwrap();
}

async fn skip_before_the_first_page(on: &TestDb) {
    let db = given_numbered(on, 6).await;
    let page = Item::query(db)
        .skip(2)
        .page(PageRequest::first(2))
        .await
        .unwrap();
    assert_eq!(names(&page.items), "i3 i4");
    assert!(page.prev.is_some());
    let next = PageRequest::first(9).after(page.next.unwrap());
    assert_eq!(
        names(&Item::query(db).page(next).await.unwrap().items),
        "i5 i6"
    );
    let back = PageRequest::first(9).before(page.prev.unwrap());
    assert_eq!(
        names(&Item::query(db).page(back).await.unwrap().items),
        "i1 i2"
    );
}

async fn a_page_of_another_size(on: &TestDb) {
    let db = given_numbered(on, 6).await;
    let page = Item::query(db).page(PageRequest::first(1)).await.unwrap();
    let next = PageRequest::first(4).after(page.next.unwrap());
    let next = Item::query(db).page(next).await.unwrap();
    assert_eq!(names(&next.items), "i2 i3 i4 i5");
}

async fn pages_of_json(on: &TestDb) {
    let db = given(on, (0..10).map(mixed)).await;
    let items = db.collection("items");
    let query = || items.query().sort(field("price").desc());
    let whole = query().ids().await.unwrap();
    let (mut seen, mut request) = (Vec::new(), PageRequest::first(3));
    loop {
        let page = query().page(request).await.unwrap();
        seen.extend(
            page.items
                .iter()
                .map(|it| it["_id"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page.next else { break };
        request = PageRequest::first(3).after(token);
    }
    assert_eq!(seen, whole);
}
