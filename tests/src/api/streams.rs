//! Documents as they arrive.

use den::{Json, prelude::*};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::support::{Item, count, given, given_numbered, item, names, numbered};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_stream_gives_every_row_in_order),
    case!(a_stream_of_nothing),
    case!(a_stream_may_be_left_early),
    case!(filters_limits_and_sorts_apply),
    case!(many_rows),
    case!(writes_while_a_stream_is_open),
    case!(writes_while_a_stream_of_the_transaction_is_open),
    case!(a_stream_of_a_transaction_in_pages),
    case!(several_streams_at_once),
    case!(json_as_it_is_stored),
    case!(a_stream_is_a_future_of_its_own),
];

async fn a_stream_gives_every_row_in_order(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let items: Vec<Item> = Item::query(db)
        .sort(p.n.desc())
        .stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names(&items), "i5 i4 i3 i2 i1");
    assert!(items.iter().all(|it| it.base.is_stored()));
}

async fn a_stream_of_nothing(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut stream = Item::query(db).stream();
    assert!(stream.next().await.is_none());
    let tx = db.begin().await.unwrap();
    assert!(Item::query(&tx).stream().next().await.is_none());
    tx.rollback().await.unwrap();
}

async fn a_stream_may_be_left_early(on: &TestDb) {
    let db = given_numbered(on, 100).await;
    // More often than there are connections: each must come back.
    for _ in 0..40 {
        let mut stream = Item::query(db).stream();
        assert_eq!(stream.try_next().await.unwrap().unwrap().n, 1);
    }
    drop(Item::query(db).stream());
    assert_eq!(count::<Item>(db).await, 100);
    item("after").save(db).await.unwrap();
}

async fn filters_limits_and_sorts_apply(on: &TestDb) {
    let db = given_numbered(on, 9).await;
    let p = Item::fields();
    let query = Item::query(db)
        .filter(p.n.gt(2))
        .sort(p.n.desc())
        .skip(1)
        .limit(3);
    let items: Vec<Item> = query.clone().stream().try_collect().await.unwrap();
    assert_eq!(names(&items), "i8 i7 i6");
    let tx = db.begin().await.unwrap();
    let query = Item::query(&tx)
        .filter(p.n.gt(2))
        .sort(p.n.desc())
        .skip(1)
        .limit(3);
    let items: Vec<Item> = query.stream().try_collect().await.unwrap();
    assert_eq!(names(&items), "i8 i7 i6");
    tx.rollback().await.unwrap();
}

async fn many_rows(on: &TestDb) {
    let db = given_numbered(on, 3000).await;
    let stream = Item::query(db).stream();
    let sum = stream.try_fold(0, |sum, it| async move { Ok(sum + it.n) });
    assert_eq!(sum.await.unwrap(), 3000 * 3001 / 2);
}

async fn writes_while_a_stream_is_open(on: &TestDb) {
    let db = given_numbered(on, 200).await;
    let mut stream = Item::query(db).stream();
    let mut seen = 0;
    while let Some(mut it) = stream.try_next().await.unwrap() {
        seen += 1;
        if seen % 20 == 0 {
            it.price = -1.0;
            it.save(db).await.unwrap();
        }
    }
    assert_eq!(seen, 200);
    let p = Item::fields();
    assert_eq!(
        Item::query(db)
            .filter(p.price.lt(0.0))
            .count()
            .await
            .unwrap(),
        10
    );
}

async fn writes_while_a_stream_of_the_transaction_is_open(on: &TestDb) {
    let db = given_numbered(on, 50).await;
    db.transaction(async |tx| {
        let mut stream = Item::query(&tx).stream();
        let mut seen = 0;
        while let Some(mut it) = stream.try_next().await? {
            seen += 1;
            it.price = -1.0;
            it.save(&tx).await?;
            assert_eq!(Item::find(&tx, it.id()).await?.price, -1.0);
        }
        assert_eq!(seen, 50);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let p = Item::fields();
    assert_eq!(
        Item::query(db)
            .filter(p.price.lt(0.0))
            .count()
            .await
            .unwrap(),
        50
    );
}

async fn a_stream_of_a_transaction_in_pages(on: &TestDb) {
    let db = given(
        on,
        (0..1300).map(|n| Item {
            price: 1.0,
            ..numbered(n)
        }),
    )
    .await;
    let p = Item::fields();
    let tx = db.begin().await.unwrap();
    for limit in [511, 512, 513, 1024, 1300, 5000] {
        let stream = Item::query(&tx).sort(p.price.desc()).limit(limit).stream();
        let seen: Vec<Item> = stream.try_collect().await.unwrap();
        assert_eq!(seen.len() as u64, limit.min(1300));
        assert!(seen.is_sorted_by(|a, b| a.id() > b.id()));
    }
    let stream = Item::query(&tx).sort(p.n.asc()).skip(100).stream();
    let seen: Vec<Item> = stream.try_collect().await.unwrap();
    assert!(seen.iter().map(|it| it.n).eq(100..1300));
    tx.rollback().await.unwrap();
}

async fn several_streams_at_once(on: &TestDb) {
    let db = given_numbered(on, 30).await;
    let p = Item::fields();
    let mut up = Item::query(db).sort(p.n.asc()).stream();
    let mut down = Item::query(db).sort(p.n.desc()).stream();
    for n in 1..=30 {
        assert_eq!(up.try_next().await.unwrap().unwrap().n, n);
        assert_eq!(down.try_next().await.unwrap().unwrap().n, 31 - n);
    }
    assert!(up.next().await.is_none() && down.next().await.is_none());
}

async fn json_as_it_is_stored(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let rows = Item::query(db).sort(p.n.desc()).json_stream();
    let rows: Vec<Vec<u8>> = rows.try_collect().await.unwrap();
    let items: Vec<Item> = rows
        .iter()
        .map(|it| serde_json::from_slice(it).unwrap())
        .collect();
    assert_eq!(items, Item::query(db).sort(p.n.desc()).all().await.unwrap());
    let untyped = db.collection("items").query().stream();
    let untyped: Vec<Json> = untyped.try_collect().await.unwrap();
    assert_eq!(untyped.len(), 3);
}

async fn a_stream_is_a_future_of_its_own(on: &TestDb) {
    let stream = {
        let db = given_numbered(on, 20).await.clone();
        Item::query(&db).stream()
    };
    let task = tokio::spawn(stream.try_collect::<Vec<_>>());
    assert_eq!(task.await.unwrap().unwrap().len(), 20);
}
