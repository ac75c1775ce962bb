//! Steps in batches: walked once, whatever comes in between.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use den::{
    Db, Error, ErrorKind, Json, field,
    migrate::{Migrator, Registry, StepState},
    testing::Recorder,
};
use den_test_harness::{Case, TestDb};
use futures_util::future::join_all;
use serde_json::json;

use super::{collection, lines, observed, states, versions};

pub(crate) const CASES: &[Case] = &[
    case!(every_document_is_changed_once),
    case!(a_failed_batch_is_gone_on_with),
    case!(a_walk_goes_on_wherever_the_database_fails),
    case!(eight_starters_change_each_document_once),
    case!(a_failure_does_not_hide_that_another_has_finished),
    case!(writers_lose_nothing_meanwhile, except: [Memory]),
    case!(a_document_keeps_its_id),
    case!(a_walk_back),
    case!(a_walk_may_turn_around_half_way),
    case!(an_empty_collection_is_walked_at_once),
    case!(a_collection_that_is_not_there_fails_the_step),
];

const COUNT: u64 = 53;

async fn fill(on: &TestDb) {
    collection(on, "items").await;
    for n in 0..COUNT {
        let item = json!({ "_id": format!("item{n:03}"), "_rev": "first", "n": n, "walked": 0 });
        on.db.collection("items").insert(item).await.unwrap();
    }
}

/// Adds one to each document, ten at a time.
pub(super) fn walk(registry: Registry) -> Registry {
    let step = |by: i64| {
        move |mut item: Json| {
            let walked = item["walked"].as_i64().unwrap_or_default();
            item["walked"] = Json::from(walked + by);
            Ok(Some(item))
        }
    };
    registry
        .batch("1", "walk", "items", 10, step(1))
        .down_batch("items", 7, step(-1))
}

async fn count_of(db: &Db, walked: i64) -> u64 {
    let items = db.collection("items").query();
    items
        .filter(field("walked").eq(walked))
        .count()
        .await
        .unwrap()
}

async fn every_document_is_changed_once(on: &TestDb) {
    fill(on).await;
    let before = on
        .db
        .collection("items")
        .get("item000")
        .await
        .unwrap()
        .unwrap();
    let registry = walk(Registry::new("app")).batch("2", "even", "items", 20, |mut item| {
        if item["n"].as_i64().unwrap_or_default() % 2 == 1 {
            return Ok(None);
        }
        item["even"] = Json::Bool(true);
        Ok(Some(item))
    });
    let (migrator, events) = observed(Migrator::new(&on.db).with(registry));
    assert_eq!(
        migrator.plan().await.unwrap().to_string(),
        "app/1 (walk), over `items` in batches of 10\napp/2 (even), over `items` in batches of 20\n"
    );
    assert_eq!(versions(&migrator.up().await.unwrap()), ["1", "2"]);
    assert_eq!(count_of(&on.db, 1).await, COUNT);
    assert_eq!(
        lines(&events),
        [
            "started 1 up 1",
            "1 10 of 53",
            "1 20 of 53",
            "1 30 of 53",
            "1 40 of 53",
            "1 50 of 53",
            "1 53 of 53",
            "finished 1 up",
            "started 2 up 1",
            "2 20 of 53",
            "2 40 of 53",
            "2 53 of 53",
            "finished 2 up",
        ]
    );
    let items = on.db.collection("items");
    let even = items.query().filter(field("even").eq(true));
    assert_eq!(even.count().await.unwrap(), 27);
    // Whoever has loaded the document before cannot write what it was.
    let after = items.get("item000").await.unwrap().unwrap();
    assert_ne!(after["_rev"], before["_rev"]);
    assert!(after["_updated_at"].as_str() > before["_updated_at"].as_str());
    assert_eq!(after["_created_at"], before["_created_at"]);
}

/// A walk that cannot change one of the documents until it is mended.
fn stumbles(mended: &Arc<AtomicBool>) -> Registry {
    let mended = Arc::clone(mended);
    Registry::new("app").batch("1", "walk", "items", 10, move |mut item| {
        if item["n"] == 37 && !mended.load(Ordering::SeqCst) {
            return Err(Error::custom("37 is odd"));
        }
        let walked = item["walked"].as_i64().unwrap_or_default();
        item["walked"] = Json::from(walked + 1);
        Ok(Some(item))
    })
}

async fn a_failed_batch_is_gone_on_with(on: &TestDb) {
    fill(on).await;
    let mended = Arc::new(AtomicBool::new(false));
    let migrator = Migrator::new(&on.db).with(stumbles(&mended));
    let error = migrator.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("items"), Some("item037"))
    );
    assert_eq!(count_of(&on.db, 1).await, 30);
    let status = migrator.status().await.unwrap();
    let StepState::Unfinished {
        attempts,
        progress,
        error,
        ..
    } = &status[0].state
    else {
        panic!("{status:?}");
    };
    assert_eq!((*attempts, *progress), (1, Some((30, 53))));
    assert_eq!(error.as_deref(), Some("37 is odd: items/item037"));
    assert!(migrator.plan().await.unwrap().steps[0].is_resumed);

    mended.store(true, Ordering::SeqCst);
    let (migrator, events) = observed(migrator);
    migrator.up().await.unwrap();
    assert_eq!(lines(&events)[..2], ["started 1 up 2", "1 40 of 53"]);
    assert_eq!(count_of(&on.db, 1).await, COUNT);
    assert_eq!(states(&migrator).await, ["1 applied"]);
}

async fn a_walk_goes_on_wherever_the_database_fails(on: &TestDb) {
    fill(on).await;
    let (backend, recorder) = Recorder::wrap(Arc::clone(&on.backend));
    let db = Db::builder().shared_backend(backend).open().await.unwrap();
    for round in 1.. {
        let registry = walk(Registry::new(format!("round{round}")));
        let migrator = Migrator::new(&db).with(registry);
        // Two of three faults strike after the call was made.
        match round % 3 {
            0 => recorder.fail_at(round),
            _ => recorder.fail_after(round),
        }
        let outcome = migrator.up().await;
        let was_hit = recorder.heal();
        migrator.up().await.unwrap();
        let walked = i64::try_from(round).unwrap();
        assert_eq!(count_of(&db, walked).await, COUNT, "{round}");
        if !was_hit {
            outcome.unwrap();
            assert!(round > 30, "{round}");
            break;
        }
    }
}

async fn eight_starters_change_each_document_once(on: &TestDb) {
    fill(on).await;
    let mut migrators = Vec::new();
    for _ in 0..8 {
        let db = on.another_handle().await;
        migrators.push(Migrator::new(&db).with(walk(Registry::new("app"))));
    }
    for outcome in join_all(migrators.iter().map(Migrator::up)).await {
        outcome.unwrap();
    }
    assert_eq!(count_of(&on.db, 1).await, COUNT);
}

async fn a_failure_does_not_hide_that_another_has_finished(on: &TestDb) {
    fill(on).await;
    let registry = |round: u32, mended: bool| {
        Registry::new(format!("round{round}")).batch("1", "walk", "items", 10, move |mut item| {
            if item["n"].as_i64() >= Some(45) && !mended {
                return Err(Error::custom("too many"));
            }
            item["walked"] = Json::from(round);
            Ok(Some(item))
        })
    };
    let other = on.another_handle().await;
    for round in 1..6 {
        let fails = Migrator::new(&on.db).with(registry(round, false));
        let works = Migrator::new(&other).with(registry(round, true));
        let (failed, worked) = tokio::join!(fails.up(), works.up());
        worked.unwrap();
        if let Err(error) = failed {
            assert_eq!(error.kind(), ErrorKind::Migration);
        }
        assert_eq!(states(&works).await, ["1 applied"]);
        assert_eq!(count_of(&on.db, i64::from(round)).await, COUNT);
    }
}

async fn writers_lose_nothing_meanwhile(on: &TestDb) {
    fill(on).await;
    let migrator = Migrator::new(&on.db).with(walk(Registry::new("app")));
    let writes = async {
        for n in 0..COUNT {
            let id = format!("item{:03}", COUNT - 1 - n);
            let items = on.db.collection("items").query();
            let update = items
                .filter(field("_id").eq(id))
                .update()
                .inc(field("n"), 1000);
            assert_eq!(update.await.unwrap(), 1);
        }
    };
    let (done, ()) = tokio::join!(migrator.up(), writes);
    done.unwrap();
    assert_eq!(count_of(&on.db, 1).await, COUNT);
    let items = on.db.collection("items").query();
    let counted = items.filter(field("n").ge(1000)).count().await.unwrap();
    assert_eq!(counted, COUNT);
}

async fn a_document_keeps_its_id(on: &TestDb) {
    fill(on).await;
    let registry = Registry::new("app").batch("1", "rename", "items", 10, |mut item| {
        item["_id"] = Json::from("other");
        Ok(Some(item))
    });
    let error = Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    let registry =
        Registry::new("app2").batch("1", "no object", "items", 10, |_| Ok(Some(Json::from(1))));
    let error = Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(
        on.db.collection("items").query().count().await.unwrap(),
        COUNT
    );
}

async fn a_walk_back(on: &TestDb) {
    fill(on).await;
    let migrator = Migrator::new(&on.db).with(walk(Registry::new("app")));
    migrator.up().await.unwrap();
    migrator.down().await.unwrap();
    assert_eq!(count_of(&on.db, 0).await, COUNT);
    assert_eq!(states(&migrator).await, ["1 pending"]);
    migrator.up().await.unwrap();
    assert_eq!(count_of(&on.db, 1).await, COUNT);
}

async fn a_walk_may_turn_around_half_way(on: &TestDb) {
    fill(on).await;
    let mended = Arc::new(AtomicBool::new(false));
    let registry = stumbles(&mended).down_batch("items", 5, |mut item| {
        item["walked"] = Json::from(0);
        Ok(Some(item))
    });
    let migrator = Migrator::new(&on.db).with(registry);
    migrator.up().await.unwrap_err();
    assert_eq!(count_of(&on.db, 1).await, 30);
    assert_eq!(versions(&migrator.down().await.unwrap()), ["1"]);
    assert_eq!(count_of(&on.db, 0).await, COUNT);
    mended.store(true, Ordering::SeqCst);
    migrator.up().await.unwrap();
    assert_eq!(count_of(&on.db, 1).await, COUNT);
}

async fn an_empty_collection_is_walked_at_once(on: &TestDb) {
    collection(on, "items").await;
    let migrator = Migrator::new(&on.db).with(walk(Registry::new("app")));
    assert_eq!(versions(&migrator.up().await.unwrap()), ["1"]);
    assert_eq!(states(&migrator).await, ["1 applied"]);
}

async fn a_collection_that_is_not_there_fails_the_step(on: &TestDb) {
    let migrator = Migrator::new(&on.db).with(walk(Registry::new("app")));
    let error = migrator.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(error.collection(), Some("items"));
    assert_eq!(states(&migrator).await, ["1 unfinished"]);
}
