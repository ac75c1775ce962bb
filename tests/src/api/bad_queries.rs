//! Queries that make no sense: refused by the terminal, before any I/O.

use den::{ErrorKind, field, prelude::*};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::support::{Item, count, given_numbered, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_limit_of_zero),
    case!(a_page_of_zero),
    case!(a_delete_without_a_filter),
    case!(locks_outside_of_a_transaction),
    case!(a_mistake_surfaces_at_every_terminal),
    case!(the_first_mistake_is_reported),
    case!(a_very_deep_filter),
    case!(a_very_wide_filter),
    case!(element_fields_outside_of_their_predicate),
    case!(untyped_mistakes),
];

async fn a_limit_of_zero(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let query = || Item::query(db).limit(0);
    refused(query().all().await, ErrorKind::InvalidQuery);
    refused(query().first().await, ErrorKind::InvalidQuery);
    refused(query().count().await, ErrorKind::InvalidQuery);
    refused(query().all_rows().delete().await, ErrorKind::InvalidQuery);
    refused(query().limit(1).all().await, ErrorKind::InvalidQuery);
    assert_eq!(count::<Item>(db).await, 2);
}

async fn a_page_of_zero(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    refused(
        Item::query(db).page(PageRequest::first(0)).await,
        ErrorKind::InvalidQuery,
    );
    let limited = Item::query(db).limit(5).page(PageRequest::first(1)).await;
    refused(limited, ErrorKind::InvalidQuery);
}

async fn a_delete_without_a_filter(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    for query in [
        Item::query(db),
        Item::query(db).filter(Filter::always()),
        Item::query(db).filter(Filter::all([])),
        Item::query(db).filter_opt(None::<i64>, |n| Item::fields().n.eq(n)),
    ] {
        let error = refused(query.delete().await, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("all_rows"), "{error}");
    }
    assert_eq!(
        Item::query(db)
            .filter(Filter::any([]))
            .delete()
            .await
            .unwrap(),
        0
    );
    assert_eq!(count::<Item>(db).await, 3);
    assert_eq!(Item::query(db).all_rows().delete().await.unwrap(), 3);
}

async fn locks_outside_of_a_transaction(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    for mode in [LockMode::Wait, LockMode::SkipLocked, LockMode::NoWait] {
        let query = || Item::query(db).for_update(mode);
        for outcome in [
            query().all().await.map(drop),
            query().first().await.map(drop),
            query().one().await.map(drop),
            query().count().await.map(drop),
            query().exists().await.map(drop),
            query().ids().await.map(drop),
            query().page(PageRequest::first(1)).await.map(drop),
            query().stream().try_next().await.map(drop),
        ] {
            let error = refused(outcome, ErrorKind::InvalidQuery);
            assert!(error.to_string().contains("&tx"), "{error}");
        }
    }
}

async fn a_mistake_surfaces_at_every_terminal(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let p = Item::fields();
    let query = || {
        Item::query(db)
            .filter(p.n.gt(0) & field("a..b").eq(1))
            .sort(p.n.asc())
    };
    for outcome in [
        query().all().await.map(drop),
        query().await.map(drop),
        query().first().await.map(drop),
        query().one().await.map(drop),
        query().count().await.map(drop),
        query().exists().await.map(drop),
        query().ids().await.map(drop),
        query().values(p.n).await.map(drop),
        query().all_with_count().await.map(drop),
        query().page(PageRequest::first(1)).await.map(drop),
        query()
            .page(PageRequest::first(1).with_total())
            .await
            .map(drop),
        query().delete().await.map(drop),
        query().explain().await.map(drop),
        query().to_sql().await.map(drop),
        query().stream().try_collect::<Vec<_>>().await.map(drop),
        query()
            .json_stream()
            .try_collect::<Vec<_>>()
            .await
            .map(drop),
    ] {
        let error = refused(outcome, ErrorKind::InvalidQuery);
        assert_eq!(error.collection(), Some("items"));
    }
    let mut stream = query().stream();
    assert!(stream.next().await.unwrap().is_err());
    assert!(stream.next().await.is_none());
    assert_eq!(count::<Item>(db).await, 2);
}

async fn the_first_mistake_is_reported(on: &TestDb) {
    let db = on.with::<Item>().await;
    let p = Item::fields();
    let query = Item::query(db)
        .filter(p.price.eq(f64::NAN))
        .filter(field("").eq(1))
        .limit(0);
    let first = query.all().await.unwrap_err().to_string();
    let only = Item::query(db)
        .filter(p.price.eq(f64::NAN))
        .all()
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(first, only);
}

async fn a_very_deep_filter(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let deep = |depth: i64| {
        (0..depth).fold(p.n.eq(2), |inner, n| match n % 2 {
            0 => inner & p.n.gt(0),
            _ => inner | p.n.eq(-n),
        })
    };
    assert_eq!(Item::query(db).filter(deep(90)).count().await.unwrap(), 1);
    let negated = (0..501).fold(p.n.eq(2), |inner, _| !inner);
    match Item::query(db).filter(negated).count().await {
        Ok(count) => assert_eq!(count, 2),
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}"),
    }
    for depth in [1000, 5000] {
        refused(
            Item::query(db).filter(deep(depth)).count().await,
            ErrorKind::InvalidQuery,
        );
        refused(
            Item::query(db).filter(deep(depth)).delete().await,
            ErrorKind::InvalidQuery,
        );
    }
    assert_eq!(count::<Item>(db).await, 3);
}

async fn a_very_wide_filter(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let wide = Filter::any((2..2000).map(|n| p.n.eq(n)));
    assert_eq!(Item::query(db).filter(wide).count().await.unwrap(), 2);
    let wide = Filter::all((4..2000).map(|n| p.n.ne(n)));
    assert_eq!(Item::query(db).filter(wide).count().await.unwrap(), 3);
}

async fn element_fields_outside_of_their_predicate(on: &TestDb) {
    let db = on.with::<Item>().await;
    let p = Item::fields();
    let mut leaked = None;
    let filter = p.lines.any_element(|it| {
        leaked = Some(it.count);
        it.count.gt(1)
    });
    assert_eq!(Item::query(db).filter(filter).count().await.unwrap(), 0);
    assert_eq!(leaked.unwrap().path().to_string(), "count");
}

async fn untyped_mistakes(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let items = db.collection("items");
    refused(items.query().limit(0).all().await, ErrorKind::InvalidQuery);
    refused(items.query().delete().await, ErrorKind::InvalidQuery);
    refused(
        items.query().filter(field("n").eq(u64::MAX)).all().await,
        ErrorKind::InvalidQuery,
    );
    refused(
        items.query().filter(field("n").matches("(")).all().await,
        ErrorKind::InvalidQuery,
    );
    refused(
        items.query().for_update(LockMode::Wait).all().await,
        ErrorKind::InvalidQuery,
    );
    assert_eq!(items.query().count().await.unwrap(), 2);
}
