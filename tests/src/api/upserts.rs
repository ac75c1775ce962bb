//! Upserts: insert, or do something about what is in the way.

use den::{Upserted, prelude::*};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::support::{count, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_first_is_inserted_the_second_changes_it),
    case!(ignore_leaves_it_alone),
    case!(replace_takes_its_place),
    case!(by_id),
    case!(by_several_fields),
    case!(null_has_nothing_in_its_way),
    case!(other_unique_values_are_in_the_way_all_the_same),
    case!(marked_documents_are_not_in_the_way),
    case!(an_expression_reads_what_is_stored),
    case!(plain_upserts_are_one_call),
    case!(in_a_transaction),
    case!(races_lose_nothing),
    case!(races_of_hooked_types_lose_nothing),
    case!(hooks_run_as_for_an_insert_or_an_update),
    case!(an_error_in_a_hook_takes_everything_back),
    case!(rules_are_checked_on_both_ways),
    case!(links_are_loaded),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(
    collection = "counters",
    revision,
    index(fields("shop", "number"), unique)
)]
struct Counter {
    #[serde(flatten)]
    base: Base<Counter>,
    #[serde(skip)]
    tracked: Tracked,
    #[den(unique)]
    sku: Option<String>,
    shop: Option<String>,
    number: Option<i64>,
    n: i64,
    note: Option<String>,
}

fn counter(sku: &str) -> Counter {
    Counter {
        sku: Some(sku.to_owned()),
        n: 1,
        ..Counter::default()
    }
}

async fn upsert(on: &(impl Executor + ?Sized), it: Counter) -> den::Result<Upserted<Counter>> {
    let c = Counter::fields();
    Counter::upsert(on, it)
        .on(c.sku)
        .update(|u, new| u.inc(c.n, new.n).set(c.note, &new.note))
        .await
}

async fn the_first_is_inserted_the_second_changes_it(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let Upserted::Inserted(first) = upsert(db, counter("a")).await.unwrap() else {
        panic!("not inserted");
    };
    assert!(first.base.is_stored());
    assert!(!first.id().is_empty());
    assert!(first.base.rev.is_some());
    assert_eq!(first.base.created_at, first.base.updated_at);
    assert!(!first.is_changed().unwrap());
    assert_eq!(Counter::find(db, first.id()).await.unwrap(), first);
    let mut again = counter("a");
    again.note = Some("twice".to_owned());
    let Upserted::Updated(mut second) = upsert(db, again).await.unwrap() else {
        panic!("not updated");
    };
    assert_eq!(second.id(), first.id());
    assert_eq!(second.n, 2);
    assert_eq!(second.note.as_deref(), Some("twice"));
    assert_ne!(second.base.rev, first.base.rev);
    assert!(second.base.updated_at > first.base.updated_at);
    assert_eq!(second.base.created_at, first.base.created_at);
    assert!(!second.is_changed().unwrap());
    assert_eq!(Counter::find(db, first.id()).await.unwrap(), second);
    second.n = 7;
    second.save(db).await.unwrap();
    assert_eq!(count::<Counter>(db).await, 1);
}

async fn ignore_leaves_it_alone(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    let ignore = |it: Counter| Counter::upsert(db, it).on(c.sku).ignore();
    let first = ignore(counter("a")).await.unwrap();
    assert!(first.is_inserted());
    let mut other = counter("a");
    other.n = 50;
    let second = ignore(other).await.unwrap();
    assert!(!second.is_inserted());
    assert_eq!(second, Upserted::Kept(first.into_document()));
}

async fn replace_takes_its_place(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    let replace = |it: Counter| Counter::upsert(db, it).on(c.sku).replace();
    let mut first = counter("a");
    first.note = Some("note".to_owned());
    let first = replace(first).await.unwrap().into_document();
    let mut new = counter("a");
    new.n = 50;
    new.base.id = Id::new("other");
    let Upserted::Updated(second) = replace(new).await.unwrap() else {
        panic!("not replaced");
    };
    assert_eq!(second.id(), first.id());
    assert_eq!((second.n, &second.note), (50, &None));
    assert_eq!(second.base.created_at, first.base.created_at);
    assert!(second.base.updated_at > first.base.updated_at);
    assert_ne!(second.base.rev, first.base.rev);
    assert_eq!(Counter::find(db, first.id()).await.unwrap(), second);
    assert_eq!(count::<Counter>(db).await, 1);
}

async fn by_id(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    let mut it = counter("a");
    it.base.id = Id::new("one");
    for expected in 1..4 {
        let upsert = Counter::upsert(db, it.clone()).on_id();
        let upserted = upsert.update(|u, _| u.inc(c.n, 1)).await.unwrap();
        assert_eq!(upserted.document().n, expected);
        assert_eq!(upserted.is_inserted(), expected == 1);
    }
    let upsert = Counter::upsert(db, it.clone()).on(c.base.id);
    assert!(matches!(upsert.ignore().await, Ok(Upserted::Kept(it)) if it.n == 3));
    // Without an id, nothing is in the way.
    it = counter("b");
    let upserted = Counter::upsert(db, it).on_id().ignore().await.unwrap();
    assert!(upserted.is_inserted());
}

async fn by_several_fields(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    let add = |shop: &str, number: i64| {
        let it = Counter {
            shop: Some(shop.to_owned()),
            number: Some(number),
            n: 1,
            ..Counter::default()
        };
        Counter::upsert(db, it)
            .on((c.shop, c.number))
            .update(|u, _| u.inc(c.n, 10))
    };
    for (shop, number, n) in [("a", 1, 1), ("a", 2, 1), ("b", 1, 1), ("a", 1, 11)] {
        assert_eq!(add(shop, number).await.unwrap().document().n, n);
    }
    assert_eq!(count::<Counter>(db).await, 3);
}

async fn null_has_nothing_in_its_way(on: &TestDb) {
    let db = on.with::<Counter>().await;
    for _ in 0..2 {
        assert!(upsert(db, Counter::default()).await.unwrap().is_inserted());
    }
}

async fn other_unique_values_are_in_the_way_all_the_same(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    let with = |sku: &str, number: i64| Counter {
        shop: Some("s".to_owned()),
        number: Some(number),
        ..counter(sku)
    };
    upsert(db, with("a", 1)).await.unwrap();
    let error = refused(upsert(db, with("b", 1)).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["shop", "number"]);
    upsert(db, with("b", 2)).await.unwrap();
    // So they are for a change.
    let change = Counter::upsert(db, with("b", 3))
        .on(c.sku)
        .update(|u, _| u.set(c.number, 1));
    refused(change.await, ErrorKind::Duplicate);
    let replace = Counter::upsert(db, with("b", 1)).on(c.sku).replace();
    let error = refused(replace.await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["shop", "number"]);
    let mut it = with("c", 4);
    it.base.id = Id::new("x");
    upsert(db, it.clone()).await.unwrap();
    it.sku = Some("d".to_owned());
    it.number = Some(5);
    let error = refused(upsert(db, it).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "softs")]
struct Soft {
    #[serde(flatten)]
    base: Base<Soft>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(unique)]
    sku: String,
    #[den(unique(with_deleted))]
    code: Option<String>,
    n: i64,
}

async fn marked_documents_are_not_in_the_way(on: &TestDb) {
    let db = on.with::<Soft>().await;
    let s = Soft::fields();
    let soft = || Soft {
        sku: "a".to_owned(),
        ..Soft::default()
    };
    let upsert = |it: Soft| Soft::upsert(db, it).on(s.sku).update(|u, _| u.inc(s.n, 1));
    for _ in 0..2 {
        assert!(upsert(soft()).await.unwrap().is_inserted());
        let found = upsert(soft()).await.unwrap();
        assert!(!found.is_inserted());
        let kept = Soft::get_or_create(db, soft()).on(s.sku).await.unwrap();
        assert_eq!(kept.document(), found.document());
        found.into_document().delete(db).await.unwrap();
    }
    let replaced = Soft::upsert(db, soft()).on(s.sku).replace().await.unwrap();
    assert!(replaced.is_inserted());
    assert_eq!(Soft::query(db).with_deleted().count().await.unwrap(), 3);
    // Where the index counts them, they are.
    let coded = |sku: &str| Soft {
        sku: sku.to_owned(),
        code: Some("c".to_owned()),
        ..Soft::default()
    };
    let by_code = |it: Soft| Soft::upsert(db, it).on(s.code).update(|u, _| u.inc(s.n, 1));
    let mut it = by_code(coded("x")).await.unwrap().into_document();
    it.delete(db).await.unwrap();
    let found = by_code(coded("y")).await.unwrap();
    assert_eq!(found.document().id(), it.id());
    assert!(found.document().deletion.is_deleted());
}

async fn an_expression_reads_what_is_stored(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let c = Counter::fields();
    upsert(db, counter("a")).await.unwrap();
    let upserted = Counter::upsert(db, counter("a"))
        .on(c.sku)
        .update(|u, new| u.set_expr(c.number, c.n + new.n).set_expr(c.n, c.n * 100))
        .await
        .unwrap();
    let it = upserted.document();
    assert_eq!((it.number, it.n), (Some(2), 100));
}

async fn plain_upserts_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<(Counter,)>(on).await;
    let c = Counter::fields();
    for _ in 0..2 {
        upsert(&db, counter("a")).await.unwrap();
        assert_eq!(recorder.take(), ["upsert counters"]);
    }
    let ignore = |sku: &str| Counter::upsert(&db, counter(sku)).on(c.sku).ignore();
    ignore("b").await.unwrap();
    assert_eq!(recorder.take(), ["upsert counters"]);
    ignore("b").await.unwrap();
    assert_eq!(recorder.take(), ["upsert counters", "query counters"]);
}

async fn in_a_transaction(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let tx = db.begin().await.unwrap();
    let inserted = upsert(&tx, counter("a")).await.unwrap();
    let it = inserted.document().clone();
    assert!(upsert(&tx, counter("b")).await.unwrap().is_inserted());
    assert!(!upsert(&tx, counter("b")).await.unwrap().is_inserted());
    let mut taken = counter("c");
    taken.base.id = it.id().clone();
    refused(upsert(&tx, taken).await, ErrorKind::Duplicate);
    assert_eq!(count::<Counter>(&tx).await, 2);
    tx.rollback().await.unwrap();
    assert_eq!(count::<Counter>(db).await, 0);
    assert!(!it.base.is_stored());
}

async fn races_lose_nothing(on: &TestDb) {
    let db = on.with::<Counter>().await;
    for round in 0..50 {
        let sku = round.to_string();
        let (one, two) = tokio::join!(spawned(db, counter(&sku)), spawned(db, counter(&sku)),);
        assert!(one.is_inserted() != two.is_inserted(), "{one:?} {two:?}");
        assert_eq!(one.document().id(), two.document().id());
        let now = Counter::find(db, one.document().id()).await.unwrap();
        assert_eq!(now.n, 2);
    }
    assert_eq!(count::<Counter>(db).await, 50);
}

async fn spawned(db: &Db, it: Counter) -> Upserted<Counter> {
    let db = db.clone();
    let task = tokio::spawn(async move { upsert(&db, it).await });
    task.await.unwrap().unwrap()
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "hooked_counters", hooks, revision)]
struct Hooked {
    #[serde(flatten)]
    base: Base<Hooked>,
    #[den(unique)]
    sku: String,
    n: i64,
    log: Vec<String>,
}

impl Hooks for Hooked {
    async fn before_insert(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.push("insert".to_owned());
        Ok(())
    }

    async fn before_update(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.push("update".to_owned());
        Ok(())
    }

    async fn after_save(&mut self, cx: &HookContext) -> den::Result<()> {
        if self.sku == "bad" || self.n == 13 {
            return Err(Error::custom("no"));
        }
        if self.sku == "deep" {
            let mut other = Self {
                sku: "beside".to_owned(),
                ..Self::default()
            };
            other.insert(cx).await?;
        }
        Ok(())
    }
}

fn hooked(sku: &str) -> Hooked {
    Hooked {
        sku: sku.to_owned(),
        n: 1,
        ..Hooked::default()
    }
}

async fn upsert_hooked(on: &(impl Executor + ?Sized), it: Hooked) -> den::Result<Upserted<Hooked>> {
    let h = Hooked::fields();
    Hooked::upsert(on, it)
        .on(h.sku)
        .update(|u, new| u.inc(h.n, new.n))
        .await
}

async fn races_of_hooked_types_lose_nothing(on: &TestDb) {
    let db = on.with::<Hooked>().await;
    for round in 0..50 {
        let run = || {
            let (db, it) = (db.clone(), hooked(&round.to_string()));
            tokio::spawn(async move { upsert_hooked(&db, it).await })
        };
        let (one, two) = tokio::join!(run(), run());
        let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
        assert!(one.is_inserted() != two.is_inserted(), "{one:?} {two:?}");
        let now = Hooked::find(db, one.document().id()).await.unwrap();
        assert_eq!(now.n, 2);
        assert_eq!(now.log, ["insert", "update"]);
    }
}

async fn hooks_run_as_for_an_insert_or_an_update(on: &TestDb) {
    let (db, recorder) = recorded::<(Hooked,)>(on).await;
    let h = Hooked::fields();
    let first = upsert_hooked(&db, hooked("a")).await.unwrap();
    assert_eq!(first.document().log, ["insert"]);
    let calls = recorder.take();
    assert_eq!(calls.first().unwrap(), "begin");
    assert_eq!(calls.last().unwrap(), "tx commit");
    let second = upsert_hooked(&db, hooked("a")).await.unwrap();
    assert_eq!(second.document().log, ["insert", "update"]);
    assert_eq!(second.document().n, 2);
    assert_ne!(second.document().base.rev, first.document().base.rev);
    let kept = Hooked::upsert(&db, hooked("a")).on(h.sku).ignore();
    assert_eq!(kept.await.unwrap().document(), second.document());
    let mut new = hooked("a");
    new.log.push("mine".to_owned());
    let replaced = Hooked::upsert(&db, new).on(h.sku).replace().await.unwrap();
    assert_eq!(replaced.document().log, ["mine", "update"]);
    let stored = Hooked::find(&db, second.document().id()).await.unwrap();
    assert_eq!(&stored, replaced.document());
}

async fn an_error_in_a_hook_takes_everything_back(on: &TestDb) {
    let db = on.with::<Hooked>().await;
    refused(upsert_hooked(db, hooked("bad")).await, ErrorKind::Hook);
    assert_eq!(count::<Hooked>(db).await, 0);
    let first = upsert_hooked(db, hooked("a")).await.unwrap();
    let mut unlucky = hooked("a");
    unlucky.n = 12;
    refused(upsert_hooked(db, unlucky.clone()).await, ErrorKind::Hook);
    let now = Hooked::find(db, first.document().id()).await.unwrap();
    assert_eq!(&now, first.document());
    // A transaction of the caller stays usable.
    let tx = db.begin().await.unwrap();
    upsert_hooked(&tx, hooked("b")).await.unwrap();
    refused(upsert_hooked(&tx, unlucky).await, ErrorKind::Hook);
    tx.commit().await.unwrap();
    assert_eq!(count::<Hooked>(db).await, 2);
    // What a hook inserts beside is no race.
    upsert_hooked(db, hooked("deep")).await.unwrap();
    let error = upsert_hooked(db, hooked("deep")).await;
    refused(error, ErrorKind::Duplicate);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "ruled", validate)]
struct Ruled {
    #[serde(flatten)]
    base: Base<Ruled>,
    #[den(unique)]
    sku: String,
    #[validate(range(min = 1, max = 10))]
    n: i64,
}

async fn rules_are_checked_on_both_ways(on: &TestDb) {
    let db = on.with::<Ruled>().await;
    let r = Ruled::fields();
    let upsert = |n: i64, by: i64| {
        let it = Ruled {
            sku: "a".to_owned(),
            n,
            ..Ruled::default()
        };
        Ruled::upsert(db, it)
            .on(r.sku)
            .update(move |u, _| u.inc(r.n, by))
    };
    refused(upsert(0, 1).await, ErrorKind::Validation);
    assert_eq!(count::<Ruled>(db).await, 0);
    assert!(upsert(5, 1).await.unwrap().is_inserted());
    let error = refused(upsert(5, 6).await, ErrorKind::Validation);
    assert_eq!(error.violations()[0].path, "n");
    assert!(error.id().is_some());
    // The one that is not inserted need not fit.
    assert_eq!(upsert(0, 5).await.unwrap().document().n, 10);
    let bad = || Ruled {
        sku: "a".to_owned(),
        ..Ruled::default()
    };
    let kept = Ruled::upsert(db, bad()).on(r.sku).ignore().await.unwrap();
    assert_eq!(kept.document().n, 10);
    let replace = Ruled::upsert(db, bad()).on(r.sku).replace().await;
    refused(replace, ErrorKind::Validation);
    let mut bad = bad();
    bad.sku = "b".to_owned();
    let ignored = Ruled::upsert(db, bad.clone()).on(r.sku).ignore().await;
    refused(ignored, ErrorKind::Validation);
    let created = Ruled::get_or_create(db, bad).on(r.sku).await;
    refused(created, ErrorKind::Validation);
    assert_eq!(count::<Ruled>(db).await, 1);
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "owners")]
struct Owner {
    #[serde(flatten)]
    base: Base<Owner>,
    name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "things")]
struct Thing {
    #[serde(flatten)]
    base: Base<Thing>,
    #[den(unique)]
    sku: String,
    #[den(eager)]
    owner: Link<Owner>,
    n: i64,
}

async fn links_are_loaded(on: &TestDb) {
    let db = on.with::<(Owner, Thing)>().await;
    let t = Thing::fields();
    let mut ada = Owner {
        name: "Ada".to_owned(),
        ..Owner::default()
    };
    ada.insert(db).await.unwrap();
    let thing = || Thing {
        sku: "a".to_owned(),
        owner: Link::to(&ada),
        ..Thing::default()
    };
    Thing::upsert(db, thing()).on(t.sku).ignore().await.unwrap();
    let name = |it: Upserted<Thing>| it.into_document().owner.get().map(|it| it.name.clone());
    let updated = Thing::upsert(db, thing())
        .on(t.sku)
        .update(|u, _| u.inc(t.n, 1))
        .await
        .unwrap();
    assert_eq!(name(updated).as_deref(), Some("Ada"));
    let kept = Thing::upsert(db, thing()).on(t.sku).ignore().await.unwrap();
    assert_eq!(name(kept).as_deref(), Some("Ada"));
    let found = Thing::get_or_create(db, thing()).on(t.sku).await.unwrap();
    assert_eq!(name(found).as_deref(), Some("Ada"));
    // A link that leads nowhere takes the change back.
    let lost = Thing::upsert(db, thing())
        .on(t.sku)
        .update(|u, _| u.set(t.owner, "nobody"));
    refused(lost.await, ErrorKind::DanglingLink);
    let stored = db.collection("things").query().one().await.unwrap();
    assert_eq!(stored["owner"].as_str(), Some(ada.id().as_str()));
}
