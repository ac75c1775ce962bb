//! Changing exactly one document.

use den::prelude::*;

use super::support::{Item, Note, found, given, given_numbered, item, note, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_only_document_is_changed),
    case!(none_is_not_found),
    case!(several_are_left_alone),
    case!(limit_and_sort_choose_one),
    case!(by_id),
    case!(one_statement_where_there_can_be_no_other),
    case!(in_a_transaction_nothing_else_is_taken_back),
    case!(of_two_callers_with_one_condition_one_wins),
    case!(without_a_type),
];

async fn the_only_document_is_changed(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let one = || Item::query(db).filter(p.name.eq("i3"));
    one().update_one().inc(p.n, 1).await.unwrap();
    let new = one().update_one().inc(p.n, 1).returning().await.unwrap();
    assert_eq!(new.n, 5);
    assert_eq!(Item::find(db, new.id()).await.unwrap(), new);
    let old = one().update_one().inc(p.n, 1).returning_old().await;
    assert_eq!(old.unwrap(), new);
}

async fn none_is_not_found(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let none = || Item::query(db).filter(p.name.eq("i9")).update_one();
    let error = refused(none().inc(p.n, 1).await, ErrorKind::NotFound);
    assert_eq!(error.collection(), Some("items"));
    let outcome = none().inc(p.n, 1).returning().await;
    refused(outcome, ErrorKind::NotFound);
    let outcome = none().inc(p.n, 1).returning_old().await;
    refused(outcome, ErrorKind::NotFound);
    let query = Item::query(db).filter(p.name.eq("i9")).limit(1);
    let outcome = query.update_one().inc(p.n, 1).await;
    refused(outcome, ErrorKind::NotFound);
}

async fn several_are_left_alone(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let before = Item::query(db).all().await.unwrap();
    let several = || Item::query(db).filter(p.n.ge(3)).update_one();
    let error = refused(several().inc(p.n, 1).await, ErrorKind::MultipleMatches);
    assert_eq!(error.collection(), Some("items"));
    let outcome = several().inc(p.n, 1).returning().await;
    refused(outcome, ErrorKind::MultipleMatches);
    let outcome = several().inc(p.n, 1).returning_old().await;
    refused(outcome, ErrorKind::MultipleMatches);
    let limited = Item::query(db).filter(p.n.ge(3)).limit(3).update_one();
    refused(limited.inc(p.n, 1).await, ErrorKind::MultipleMatches);
    assert_eq!(Item::query(db).all().await.unwrap(), before);
    refused(
        Item::query(db).update_one().inc(p.n, 1).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        Item::query(db).all_rows().update_one().inc(p.n, 1).await,
        ErrorKind::MultipleMatches,
    );
}

async fn limit_and_sort_choose_one(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let second = Item::query(db)
        .filter(p.n.ge(2))
        .sort(p.n.desc())
        .skip(1)
        .limit(1);
    let changed = second.update_one().set(p.active, true).returning().await;
    assert_eq!(changed.unwrap().name, "i4");
    assert_eq!(found(Item::query(db).filter(p.active.eq(true))).await, "i4");
}

async fn by_id(on: &TestDb) {
    let db = given(on, [item("a"), item("b")]).await;
    let p = Item::fields();
    let a = Item::query(db).first().await.unwrap().unwrap();
    Item::update_by_id(db, a.id())
        .set(p.name, "c")
        .await
        .unwrap();
    assert_eq!(found(Item::query(db)).await, "c b");
    let old = Item::update_by_id(db, a.id().as_str()).set(p.name, "d");
    assert_eq!(old.returning_old().await.unwrap().name, "c");
    for missing in ["nope", "", "a\0b", "a\nb"] {
        let update = Item::update_by_id(db, missing).set(p.name, "x");
        let error = refused(update.await, ErrorKind::NotFound);
        assert_eq!(error.id(), Some(missing));
        let update = Item::update_by_id(db, missing).set(p.name, "x");
        refused(update.returning().await, ErrorKind::NotFound);
    }
    assert_eq!(found(Item::query(db)).await, "d b");
}

async fn one_statement_where_there_can_be_no_other(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let mut a = item("a");
    a.insert(&db).await.unwrap();
    recorder.clear();
    let p = Item::fields();
    Item::update_by_id(&db, a.id()).inc(p.n, 1).await.unwrap();
    assert_eq!(recorder.take(), ["update items"]);
    let guarded = p.base.id.eq(a.id()) & p.n.eq(1);
    let update = Item::query(&db).filter(guarded).update_one().inc(p.n, 1);
    update.returning().await.unwrap();
    assert_eq!(recorder.take(), ["begin", "tx update items", "tx commit"]);
    let update = Item::query(&db).filter(p.n.ge(1)).limit(1).update_one();
    update.inc(p.n, 1).await.unwrap();
    assert_eq!(recorder.take(), ["update items"]);
    let update = Item::query(&db).filter(p.name.eq("a")).update_one();
    update.inc(p.n, 1).await.unwrap();
    assert_eq!(recorder.take(), ["begin", "tx update items", "tx commit"]);
}

async fn in_a_transaction_nothing_else_is_taken_back(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let tx = db.begin().await.unwrap();
    item("i4").insert(&tx).await.unwrap();
    let several = Item::query(&tx).filter(p.n.ge(1)).update_one();
    let outcome = several.set(p.name, "x").await;
    refused(outcome, ErrorKind::MultipleMatches);
    let none = Item::query(&tx).filter(p.n.ge(9)).update_one();
    refused(none.set(p.name, "x").await, ErrorKind::NotFound);
    let one = Item::query(&tx).filter(p.n.eq(3)).update_one();
    one.set(p.name, "y").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(Item::query(db)).await, "i1 i2 y i4");
}

async fn of_two_callers_with_one_condition_one_wins(on: &TestDb) {
    let db = on.with::<Note>().await;
    let p = Note::fields();
    for round in 0..25 {
        let mut it = note(&round.to_string());
        it.insert(db).await.unwrap();
        let id = it.id();
        let take = |who: &'static str| {
            let free = p.base.id.eq(id) & p.text.eq("");
            let update = Note::query(db).filter(free).update_one();
            update.set(p.text, who).returning()
        };
        let outcomes = tokio::join!(take("a"), take("b"));
        match outcomes {
            (Ok(it), Err(late)) | (Err(late), Ok(it)) => {
                assert_eq!(late.kind(), ErrorKind::NotFound);
                assert_eq!(Note::find(db, id).await.unwrap(), it);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn without_a_type(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let items = db.collection("items");
    let one = |name: &str| items.query().filter(field("name").eq(name)).update_one();
    let new = one("i2").inc(field("n"), 1).returning().await.unwrap();
    assert_eq!(new["n"], 3);
    refused(one("i9").inc(field("n"), 1).await, ErrorKind::NotFound);
    let several = items.query().filter(field("n").ge(1)).update_one();
    let outcome = several.inc(field("n"), 1).await;
    refused(outcome, ErrorKind::MultipleMatches);
    assert_eq!(
        found(Item::query(db).filter(Item::fields().n.eq(1))).await,
        "i1"
    );
}
