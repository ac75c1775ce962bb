//! Every public operation.

use den::{
    BulkMode, Db, Document as _, Isolation, LockMode, PageRequest, Result, Retry, TxOptions,
};
use futures_util::{TryStreamExt as _, future::BoxFuture};

use super::scene::Item;

/// One operation on the documents of an attempt.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Changes the documents in memory before the call.
    pub(super) prepare: fn(&mut [Item]),
    pub(super) call: for<'a> fn(&'a Db, i64, &'a mut Vec<Item>) -> BoxFuture<'a, Result<()>>,
}

macro_rules! operation {
    ($name:literal, |$db:ident, $run:ident, $items:ident| $call:expr) => {
        Operation {
            name: $name,
            prepare: change,
            call: |$db, $run, $items| {
                Box::pin(async move {
                    $call;
                    Ok(())
                })
            },
        }
    };
}

fn change(items: &mut [Item]) {
    for item in items {
        item.n += 100;
    }
}

/// The query for the documents of an attempt.
macro_rules! these {
    ($on:expr, $run:ident) => {
        Item::query($on).filter(Item::fields().run.eq($run))
    };
}

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    operation!("get", |db, _run, items| Item::get(db, items[0].id())
        .await?),
    operation!("find", |db, _run, items| Item::find(db, items[0].id())
        .await?),
    operation!("get_many", |db, _run, items| Item::get_many(
        db,
        items.iter().map(Item::id)
    )
    .await?),
    operation!("insert", |db, run, items| {
        items.push(Item::new(run, 5));
        items[5].insert(db).await?;
    }),
    operation!("update", |db, _run, items| items[0].update(db).await?),
    operation!("save", |db, _run, items| items[1].save(db).await?),
    operation!("replace", |db, _run, items| items[2].replace(db).await?),
    operation!("delete", |db, _run, items| items[3].delete(db).await?),
    operation!("refresh", |db, _run, items| items[4].refresh(db).await?),
    operation!("insert_many", |db, run, _items| {
        let mut new: Vec<Item> = (5..60).map(|n| Item::new(run, n)).collect();
        Item::insert_many(db, &mut new).await?;
    }),
    operation!("save_all", |db, _run, items| Item::save_all(db, items)
        .await?),
    operation!("delete_all", |db, _run, items| Item::delete_all(db, items)
        .await?),
    operation!("all", |db, run, _items| these!(db, run).all().await?),
    operation!("first", |db, run, _items| these!(db, run).first().await?),
    operation!("one", |db, run, _items| {
        these!(db, run).filter(Item::fields().n.eq(1)).one().await?;
    }),
    operation!("count", |db, run, _items| these!(db, run).count().await?),
    operation!("exists", |db, run, _items| these!(db, run).exists().await?),
    operation!("ids", |db, run, _items| these!(db, run).ids().await?),
    operation!("values", |db, run, _items| these!(db, run)
        .values(Item::fields().n)
        .await?),
    operation!("explain", |db, run, _items| these!(db, run)
        .explain()
        .await?),
    operation!("all_with_count", |db, run, _items| {
        these!(db, run).limit(2).all_with_count().await?;
    }),
    operation!("page", |db, run, _items| {
        let page = these!(db, run)
            .page(PageRequest::first(2).with_total())
            .await?;
        let next = page.next.expect("there are more than two");
        these!(db, run)
            .page(PageRequest::first(2).after(next))
            .await?;
    }),
    operation!("stream", |db, _run, _items| {
        let mut rows = Item::query(db).stream();
        while rows.try_next().await?.is_some() {}
    }),
    operation!("the first row of a stream", |db, _run, _items| {
        let mut rows = Item::query(db).stream();
        rows.try_next().await?;
    }),
    operation!("delete by query", |db, run, _items| these!(db, run)
        .delete()
        .await?),
    operation!("delete the first two", |db, run, _items| {
        these!(db, run)
            .sort(Item::fields().n.asc())
            .limit(2)
            .delete()
            .await?;
    }),
    operation!("update by query", |db, run, _items| {
        let p = Item::fields();
        these!(db, run).update().inc(p.n, 7).await?;
    }),
    operation!("update by query, returning", |db, run, _items| {
        let p = Item::fields();
        let update = these!(db, run).update().inc(p.n, 7).push(p.tags, "x");
        update.returning().await?;
    }),
    operation!("update of the only one", |db, run, _items| {
        let p = Item::fields();
        let one = these!(db, run).filter(p.n.eq(1)).update_one();
        one.inc(p.n, 7).await?;
    }),
    operation!("update by id", |db, _run, items| {
        let p = Item::fields();
        Item::update_by_id(db, items[0].id()).inc(p.n, 7).await?;
    }),
    operation!("claim", |db, run, _items| {
        let p = Item::fields();
        let claim = these!(db, run).filter(p.n.lt(5)).claim(2);
        assert_eq!(claim.inc(p.n, 7).await?.len(), 2);
    }),
    operation!("upsert of a new one", |db, run, _items| {
        let p = Item::fields();
        let upsert = Item::upsert(db, Item::new(run, 5)).on_id();
        upsert.update(|u, _| u.inc(p.n, 7)).await?;
    }),
    operation!("upsert of a stored one", |db, run, _items| {
        let p = Item::fields();
        let upsert = Item::upsert(db, Item::new(run, 4)).on_id();
        upsert.update(|u, _| u.inc(p.n, 7)).await?;
    }),
    operation!("upsert that replaces", |db, run, _items| {
        let mut item = Item::new(run, 4);
        item.n = 50;
        Item::upsert(db, item).on_id().replace().await?;
    }),
    operation!("get_or_create", |db, run, _items| {
        Item::get_or_create(db, Item::new(run, 5)).on_id().await?;
    }),
    operation!("insert_many_with", |db, run, items| {
        items.push(Item::new(run, 5));
        Item::insert_many_with(db, items, BulkMode::SkipExisting).await?;
    }),
    operation!("upsert_many", |db, _run, items| {
        Item::upsert_many(db, items).await?;
    }),
    operation!("begin", |db, _run, _items| {
        let tx = db.begin().await?;
        drop(tx);
    }),
    operation!("begin and commit", |db, run, items| {
        let tx = db.begin().await?;
        items[0].update(&tx).await?;
        items[1].delete(&tx).await?;
        Item::new(run, 5).insert(&tx).await?;
        tx.commit().await?;
    }),
    operation!("begin and roll back", |db, run, items| {
        let tx = db.begin().await?;
        items[0].update(&tx).await?;
        Item::new(run, 5).insert(&tx).await?;
        tx.rollback().await?;
    }),
    operation!("transaction", |db, run, items| {
        db.transaction(async |tx| {
            Item::save_all(&tx, items).await?;
            these!(&tx, run).count().await?;
            Item::new(run, 5).insert(&tx).await
        })
        .await?;
    }),
    operation!("serializable transaction with retry", |db, run, items| {
        let options = TxOptions::new()
            .isolation(Isolation::Serializable)
            .retry(Retry::times(3));
        let id = items[0].id().clone();
        db.transaction_with(options, async |tx| {
            let mut item = Item::find(&tx, &id).await?;
            item.n = 50;
            item.save(&tx).await?;
            Item::new(run, 5).insert(&tx).await
        })
        .await?;
    }),
    operation!("read-only transaction", |db, run, _items| {
        let tx = db.begin_with(TxOptions::new().read_only()).await?;
        these!(&tx, run).all().await?;
        tx.commit().await?;
    }),
    operation!("savepoints", |db, run, items| {
        db.transaction(async |tx| {
            items[0].update(&tx).await?;
            tx.savepoint(async |tx| Item::new(run, 5).insert(&tx).await)
                .await?;
            let refused = tx.savepoint(async |tx| {
                items[1].delete(&tx).await?;
                Err::<(), _>(den::Error::new(den::ErrorKind::Hook, "rolled back"))
            });
            assert!(refused.await.is_err());
            items[2].update(&tx).await
        })
        .await?;
    }),
    operation!("locks", |db, run, items| {
        db.transaction(async |tx| {
            tx.advisory_lock(11).await?;
            let locked = tx.lock::<Item>(items[0].id(), LockMode::Wait).await?;
            let mut item = locked.expect("it is stored");
            item.n = 70;
            these!(&tx, run).for_update(LockMode::Wait).all().await?;
            item.save(&tx).await
        })
        .await?;
    }),
    operation!("a stream in a transaction", |db, run, items| {
        db.transaction(async |tx| {
            let mut rows = these!(&tx, run).stream();
            while let Some(mut item) = rows.try_next().await? {
                item.n += 30;
                item.save(&tx).await?;
            }
            items[0].refresh(&tx).await
        })
        .await?;
    }),
    operation!("ping", |db, _run, _items| db.ping().await?),
    operation!("collections", |db, _run, _items| db.collections().await?),
];
