//! The terminals of a query, and how queries are built.

use den::{ErrorKind, prelude::*};

use super::support::{Item, found, given, given_numbered, item, names, numbered, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(an_empty_collection),
    case!(all_without_a_sort_is_in_order_of_ids),
    case!(first_is_the_first_of_the_order),
    case!(one_wants_exactly_one),
    case!(count_ignores_the_window),
    case!(exists_ignores_the_window),
    case!(limit_and_skip),
    case!(limits_beyond_any_number_of_rows),
    case!(filters_add_up),
    case!(a_query_is_lazy_and_its_clone_is_its_own),
    case!(awaiting_a_query_is_all),
    case!(optional_filters),
    case!(and_binds_tighter_whatever_the_spelling),
    case!(filters_put_together_at_run_time),
    case!(all_with_count_counts_without_the_window),
    case!(all_with_count_is_one_snapshot),
    case!(queries_in_a_transaction_see_its_writes),
    case!(a_query_sees_what_is_committed_when_it_runs),
];

async fn an_empty_collection(on: &TestDb) {
    let db = on.with::<Item>().await;
    let query = || {
        Item::query(db)
            .filter(Item::fields().n.gt(0))
            .sort(Item::fields().n.asc())
    };
    assert_eq!(query().all().await.unwrap(), []);
    assert_eq!(query().first().await.unwrap(), None);
    refused(query().one().await, ErrorKind::NotFound);
    assert_eq!(query().count().await.unwrap(), 0);
    assert!(!query().exists().await.unwrap());
    assert_eq!(query().all_with_count().await.unwrap(), (vec![], 0));
    assert!(query().ids().await.unwrap().is_empty());
    assert_eq!(query().delete().await.unwrap(), 0);
}

async fn all_without_a_sort_is_in_order_of_ids(on: &TestDb) {
    let items = ["c", "a", "b"].map(|name| {
        let mut it = item(name);
        it.base.id = Id::new(name);
        it
    });
    let db = given(on, items).await;
    assert_eq!(found(Item::query(db)).await, "a b c");
    assert_eq!(found(Item::query(db).limit(2)).await, "a b");
}

async fn first_is_the_first_of_the_order(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let query = || Item::query(db).filter(p.n.ge(2));
    assert_eq!(query().first().await.unwrap().unwrap().n, 2);
    assert_eq!(
        query().sort(p.n.desc()).first().await.unwrap().unwrap().n,
        5
    );
    assert_eq!(
        query().skip(1).limit(3).first().await.unwrap().unwrap().n,
        3
    );
    assert_eq!(query().filter(p.n.gt(9)).first().await.unwrap(), None);
}

async fn one_wants_exactly_one(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let one = |filter| Item::query(db).filter(filter).one();
    assert_eq!(one(p.n.eq(3)).await.unwrap().name, "i3");
    let error = refused(one(p.n.gt(9)).await, ErrorKind::NotFound);
    assert_eq!(error.collection(), Some("items"));
    let error = refused(one(p.n.gt(3)).await, ErrorKind::MultipleMatches);
    assert_eq!(error.collection(), Some("items"));
    assert_eq!(
        Item::query(db)
            .filter(p.n.gt(3))
            .limit(1)
            .one()
            .await
            .unwrap()
            .n,
        4
    );
}

async fn count_ignores_the_window(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    assert_eq!(Item::query(db).count().await.unwrap(), 5);
    let query = Item::query(db)
        .filter(p.n.ge(3))
        .sort(p.n.desc())
        .limit(1)
        .skip(99);
    assert_eq!(query.count().await.unwrap(), 3);
}

async fn exists_ignores_the_window(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let query = Item::query(db)
        .filter(p.n.ge(3))
        .sort(p.n.desc())
        .limit(1)
        .skip(99);
    assert!(query.exists().await.unwrap());
    assert!(!Item::query(db).filter(p.n.gt(5)).exists().await.unwrap());
}

async fn limit_and_skip(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let sorted = || Item::query(db).sort(Item::fields().n.desc());
    assert_eq!(found(sorted().limit(2)).await, "i5 i4");
    assert_eq!(found(sorted().skip(3)).await, "i2 i1");
    assert_eq!(found(sorted().skip(1).limit(2)).await, "i4 i3");
    assert_eq!(found(sorted().skip(0)).await, "i5 i4 i3 i2 i1");
    assert_eq!(found(sorted().skip(5)).await, "");
    assert_eq!(found(Item::query(db).skip(4)).await, "i5");
    assert_eq!(found(sorted().limit(1).limit(3)).await, "i5 i4 i3");
}

async fn limits_beyond_any_number_of_rows(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let largest = i64::MAX.unsigned_abs();
    for limit in [largest, largest + 1, u64::MAX] {
        assert_eq!(
            found(Item::query(db).limit(limit)).await,
            "i1 i2 i3",
            "{limit}"
        );
        assert_eq!(found(Item::query(db).skip(limit)).await, "", "{limit}");
        assert_eq!(
            found(Item::query(db).skip(1).limit(limit)).await,
            "i2 i3",
            "{limit}"
        );
        let page = Item::query(db)
            .page(PageRequest::first(limit))
            .await
            .unwrap();
        assert_eq!(
            (names(&page.items).as_str(), page.next),
            ("i1 i2 i3", None),
            "{limit}"
        );
    }
    assert_eq!(
        Item::query(db)
            .limit(u64::MAX)
            .all_rows()
            .delete()
            .await
            .unwrap(),
        3
    );
}

async fn filters_add_up(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let query = Item::query(db)
        .filter(p.n.ge(2))
        .filter(p.n.le(4))
        .filter(p.n.ne(3));
    assert_eq!(found(query).await, "i2 i4");
}

async fn a_query_is_lazy_and_its_clone_is_its_own(on: &TestDb) {
    let db = on.with::<Item>().await;
    let p = Item::fields();
    let base = Item::query(db).filter(p.n.le(3));
    let (small, large) = (
        base.clone().filter(p.n.lt(2)),
        base.clone().filter(p.n.ge(2)),
    );
    let sorted = base.clone().sort(p.n.desc()).limit(1);
    Item::insert_many(db, &mut [numbered(1), numbered(2), numbered(3)])
        .await
        .unwrap();
    assert_eq!(found(small).await, "i1");
    assert_eq!(found(large).await, "i2 i3");
    assert_eq!(found(sorted).await, "i3");
    assert_eq!(found(base).await, "i1 i2 i3");
}

async fn awaiting_a_query_is_all(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let items = Item::query(db).sort(Item::fields().n.desc()).await.unwrap();
    assert_eq!(names(&items), "i3 i2 i1");
}

async fn optional_filters(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let up_to = |max: Option<i64>| Item::query(db).filter_opt(max, |max| p.n.le(max));
    assert_eq!(found(up_to(Some(2))).await, "i1 i2");
    assert_eq!(found(up_to(None)).await, "i1 i2 i3");
}

async fn and_binds_tighter_whatever_the_spelling(on: &TestDb) {
    let item = |name: &str, category: &str| Item {
        category: Some(category.to_owned()),
        ..item(name)
    };
    let db = given(
        on,
        [
            item("a", "x"),
            item("b", "x"),
            item("c", "x"),
            item("a", "y"),
        ],
    )
    .await;
    let p = Item::fields();
    let either = || p.name.eq("a") | p.name.eq("b");
    let x = || p.category.eq("x");
    for query in [
        Item::query(db).filter(either()).filter(x()),
        Item::query(db).filter(x()).filter(either()),
        Item::query(db).filter(either() & x()),
        Item::query(db).filter(x() & either()),
        Item::query(db).filter(Filter::all([either(), x()])),
        Item::query(db).filter(Filter::any([p.name.eq("a") & x(), x() & p.name.eq("b")])),
        Item::query(db).filter(!(!either() | !x())),
    ] {
        assert_eq!(found(query.clone()).await, "a b", "{query:?}");
    }
    let mixed = Item::query(db).filter(p.category.eq("y") | p.name.eq("c") & x());
    assert_eq!(found(mixed).await, "c a");
}

async fn filters_put_together_at_run_time(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    let some = |filters: Vec<Filter<Item>>, all: bool| {
        let filter = if all {
            Filter::all(filters)
        } else {
            Filter::any(filters)
        };
        found(Item::query(db).filter(filter))
    };
    assert_eq!(some(vec![], true).await, "i1 i2 i3 i4");
    assert_eq!(some(vec![], false).await, "");
    assert_eq!(some(vec![p.n.gt(1), p.n.lt(4)], true).await, "i2 i3");
    assert_eq!(some(vec![p.n.le(1), p.n.ge(4)], false).await, "i1 i4");
    assert_eq!(
        found(Item::query(db).filter(!Filter::any([]))).await,
        "i1 i2 i3 i4"
    );
    assert_eq!(found(Item::query(db).filter(!Filter::all([]))).await, "");
    assert_eq!(
        found(Item::query(db).filter(Filter::never() | Filter::always())).await,
        "i1 i2 i3 i4"
    );
    assert_eq!(
        found(Item::query(db).filter(Filter::never() & p.n.gt(0))).await,
        ""
    );
}

async fn all_with_count_counts_without_the_window(on: &TestDb) {
    let db = given_numbered(on, 7).await;
    let p = Item::fields();
    let query = || {
        Item::query(db)
            .filter(p.n.gt(1))
            .sort(p.n.asc())
            .skip(2)
            .limit(2)
    };
    let (page, total) = query().all_with_count().await.unwrap();
    assert_eq!((names(&page).as_str(), total), ("i4 i5", 6));
    let (page, total) = query().skip(99).all_with_count().await.unwrap();
    assert_eq!((page, total), (vec![], 6));
    db.transaction(async |tx| {
        numbered(8).save(&tx).await?;
        let (page, total) = Item::query(&tx).limit(1).all_with_count().await?;
        assert_eq!((page.len(), total), (1, 8));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn all_with_count_is_one_snapshot(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let writer = {
        let db = db.clone();
        tokio::spawn(async move {
            for n in 2..=60 {
                numbered(n).save(&db).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let (items, total) = Item::query(db).all_with_count().await.unwrap();
        assert_eq!(items.len() as u64, total);
        // A database in memory never makes this task wait.
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

async fn queries_in_a_transaction_see_its_writes(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let p = Item::fields();
    db.transaction(async |tx| {
        numbered(3).save(&tx).await?;
        let query = || Item::query(&tx).filter(p.n.ge(2)).sort(p.n.desc());
        assert_eq!(found(query()).await, "i3 i2");
        assert_eq!(query().first().await?.unwrap().n, 3);
        assert_eq!(query().count().await?, 2);
        assert!(query().filter(p.n.eq(3)).exists().await?);
        assert_eq!(query().values(p.n).await?, [3, 2]);
        assert_eq!(query().ids().await?.len(), 2);
        assert_eq!(query().filter(p.n.eq(3)).one().await?.n, 3);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn a_query_sees_what_is_committed_when_it_runs(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin().await.unwrap();
    numbered(2).save(&tx).await.unwrap();
    assert_eq!(found(Item::query(db)).await, "i1");
    assert_eq!(Item::query(db).count().await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(found(Item::query(db)).await, "i1 i2");
}
