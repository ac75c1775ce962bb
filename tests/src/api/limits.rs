//! Large: many ids, many values, many rows, long texts.

use den::{Json, field, prelude::*};
use serde_json::json;

use super::support::{Item, count, given, given_numbered, item, numbered};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_hundred_thousand_ids),
    case!(a_set_of_a_hundred_thousand_values),
    case!(a_batch_of_many_rows),
    case!(texts_of_a_megabyte),
    case!(many_fields),
    case!(a_small_pool_serves_many_callers),
];

async fn a_hundred_thousand_ids(on: &TestDb) {
    let db = given_numbered(on, 50).await;
    let stored = Item::query(db).ids().await.unwrap();
    let mut ids: Vec<Id<Item>> = (0..100_000).map(|n| Id::new(format!("nope-{n}"))).collect();
    for (at, id) in stored.iter().enumerate() {
        ids.insert(at * 2000, id.clone());
    }
    let found = Item::get_many(db, &ids).await.unwrap();
    assert!(found.iter().map(Item::id).eq(&stored));
    let tx = db.begin().await.unwrap();
    assert_eq!(Item::get_many(&tx, &ids).await.unwrap(), found);
    tx.rollback().await.unwrap();
}

async fn a_set_of_a_hundred_thousand_values(on: &TestDb) {
    let db = given_numbered(on, 20).await;
    let p = Item::fields();
    let numbers = || 11..100_011;
    assert_eq!(
        Item::query(db)
            .filter(p.n.is_in(numbers()))
            .count()
            .await
            .unwrap(),
        10
    );
    assert_eq!(
        Item::query(db)
            .filter(p.n.not_in(numbers()))
            .count()
            .await
            .unwrap(),
        10
    );
    let texts = || (11..100_011).map(|n| format!("i{n}"));
    assert_eq!(
        Item::query(db)
            .filter(p.name.is_in(texts()))
            .count()
            .await
            .unwrap(),
        10
    );
    let mixed = (11..50_011).flat_map(|n| [json!(n), json!(n.to_string())]);
    assert_eq!(
        Item::query(db)
            .filter(field("n").is_in(mixed))
            .count()
            .await
            .unwrap(),
        10
    );
    assert_eq!(
        Item::query(db)
            .filter(p.n.is_in(numbers()))
            .delete()
            .await
            .unwrap(),
        10
    );
    assert_eq!(count::<Item>(db).await, 10);
}

async fn a_batch_of_many_rows(on: &TestDb) {
    let db = on.with::<Item>().await;
    let mut items: Vec<Item> = (0..5000).map(numbered).collect();
    Item::insert_many(db, &mut items).await.unwrap();
    for it in &mut items {
        it.price = -1.0;
    }
    Item::save_all(db, &mut items).await.unwrap();
    let p = Item::fields();
    assert_eq!(
        Item::query(db)
            .filter(p.price.eq(-1.0))
            .count()
            .await
            .unwrap(),
        5000
    );
    Item::delete_all(db, &mut items[..2500]).await.unwrap();
    assert_eq!(count::<Item>(db).await, 2500);
}

async fn texts_of_a_megabyte(on: &TestDb) {
    let random: String = (0..40_000)
        .map(|_| Id::<Item>::generate().into_string())
        .collect();
    let (plain, wide) = ("x".repeat(1 << 20), "日".repeat(1 << 19));
    let texts = [random, plain, wide];
    let db = given(
        on,
        texts.iter().map(|it| Item {
            data: json!(it),
            ..item(&it[..3])
        }),
    )
    .await;
    for text in &texts {
        let query = || Item::query(db).filter(field("data").eq(text));
        let found = query().one().await.unwrap();
        assert!(found.data == json!(text));
        assert_eq!(
            Item::query(db)
                .filter(field("data").contains_text(text))
                .count()
                .await
                .unwrap(),
            1
        );
        assert_eq!(
            Item::query(db)
                .filter(field("data").ne(text))
                .count()
                .await
                .unwrap(),
            2
        );
        let mut found = found;
        found.n = 5;
        found.save(db).await.unwrap();
        assert!(Item::find(db, found.id()).await.unwrap() == found);
    }
    let sorted = Item::query(db)
        .sort(field("data").desc())
        .ids()
        .await
        .unwrap();
    assert_eq!(sorted.len(), 3);
}

async fn many_fields(on: &TestDb) {
    let object: Json = (0..3000).map(|n| (format!("key {n}"), json!(n))).collect();
    let list: Json = (0..50_000).collect();
    let db = given(
        on,
        [Item {
            data: json!({"object": object, "list": list}),
            ..item("wide")
        }],
    )
    .await;
    let found = Item::query(db)
        .filter(field(["data", "object", "key 2999"]).eq(2999))
        .filter(field("data.list.49999").eq(49_999))
        .filter(field("data.list").len().eq(50_000))
        .filter(field("data.list").contains(25_000));
    assert_eq!(found.one().await.unwrap().data["object"], object);
}

async fn a_small_pool_serves_many_callers(on: &TestDb) {
    let db = if on.target().can_be_opened_twice() && on.engine() != Engine::Memory {
        let db = Db::open(on.url_with("max_connections=2")).await.unwrap();
        db.register::<Item>().await.unwrap();
        db
    } else {
        on.with::<Item>().await.clone()
    };
    let tasks: Vec<_> = (0..24)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(async move {
                numbered(n).save(&db).await?;
                let (items, total) = Item::query(&db).limit(3).all_with_count().await?;
                assert!(items.len() as u64 <= total);
                db.transaction(async |tx| {
                    let mut it = Item::query(&tx)
                        .filter(Item::fields().n.eq(n))
                        .one()
                        .await?;
                    it.active = true;
                    it.save(&tx).await
                })
                .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let active = Item::query(&db)
        .filter(Item::fields().active.eq(true))
        .count();
    assert_eq!(active.await.unwrap(), 24);
    db.close().await.unwrap();
}
