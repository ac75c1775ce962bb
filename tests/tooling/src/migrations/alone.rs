//! Steps outside of a transaction: one at a time, and what happens when their process dies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use den::{
    Error, ErrorKind,
    migrate::{Migrator, Registry, StepState},
};
use den_test_harness::{Case, TestDb};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{collection, lines, observed, states, versions, writes, written};

pub(crate) const CASES: &[Case] = &[
    case!(it_runs_on_the_database_itself),
    case!(a_failure_is_written_down_and_tried_again),
    case!(it_is_undone_in_the_same_way),
    case!(eight_starters_run_it_once),
    case!(others_wait_for_a_holder_that_lives),
    case!(a_dead_holder_is_followed),
    case!(a_holder_that_was_given_up_says_so),
    case!(one_may_be_tired_of_waiting),
];

/// As short as it gets.
const LEASE: Duration = Duration::from_secs(1);

fn counted(runs: &Arc<AtomicU32>, takes: Duration) -> Registry {
    let runs = Arc::clone(runs);
    let registry = Registry::new("app")
        .step("1", "alone", move |m| {
            let runs = Arc::clone(&runs);
            async move {
                runs.fetch_add(1, Ordering::SeqCst);
                sleep(takes).await;
                m.collection("notes").insert(json!({ "by": "1" })).await?;
                Ok(())
            }
        })
        .non_transactional();
    writes(registry, "2")
}

/// Begins the step and goes no further: a future that is dropped is like a process that dies.
async fn die_at_it(migrator: &Migrator, runs: &AtomicU32) {
    let begun = async {
        while runs.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        // Signs of life are given every 200 ms.
        sleep(Duration::from_millis(250)).await;
    };
    tokio::select! {
        outcome = migrator.up() => panic!("{outcome:?}"),
        () = begun => {}
    }
}

async fn it_runs_on_the_database_itself(on: &TestDb) {
    collection(on, "notes").await;
    let registry = Registry::new("app")
        .step("1", "alone", async |m| {
            assert!(m.tx().is_none());
            assert_eq!(m.attempt(), 1);
            let notes = m.collection("notes");
            notes.insert(json!({ "by": "1" })).await?;
            // Transactions of its own are possible.
            let within =
                async |tx: den::Tx| tx.collection("notes").insert(json!({ "by": "1" })).await;
            m.db().transaction(within).await.map(drop)
        })
        .non_transactional();
    let (migrator, events) = observed(Migrator::new(&on.db).with(writes(registry, "2")));
    assert_eq!(
        migrator.plan().await.unwrap().to_string(),
        "app/1 (alone), outside of a transaction\napp/2 (step 2)\n"
    );
    assert_eq!(versions(&migrator.up().await.unwrap()), ["1", "2"]);
    assert_eq!(written(&on.db).await, ["1", "1", "2"]);
    assert_eq!(states(&migrator).await, ["1 applied", "2 applied"]);
    assert_eq!(lines(&events)[..2], ["started 1 up 1", "finished 1 up"]);
}

async fn a_failure_is_written_down_and_tried_again(on: &TestDb) {
    collection(on, "notes").await;
    let registry = Registry::new("app")
        .step("1", "alone", async |m| {
            m.collection("notes").insert(json!({ "by": "1" })).await?;
            match m.attempt() {
                1 => Err(Error::custom("disk full")),
                _ => Ok(()),
            }
        })
        .non_transactional();
    let migrator = Migrator::new(&on.db).with(registry);
    let error = migrator.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    let status = migrator.status().await.unwrap();
    let StepState::Unfinished {
        attempts, error, ..
    } = &status[0].state
    else {
        panic!("{status:?}");
    };
    assert_eq!((*attempts, error.as_deref()), (1, Some("disk full")));
    assert_eq!(
        status[0].to_string(),
        "app/1 (alone): begun, failed: disk full"
    );
    // The lock is free at once.
    let outcome = timeout(Duration::from_secs(10), migrator.up()).await;
    assert_eq!(versions(&outcome.unwrap().unwrap()), ["1"]);
    assert_eq!(written(&on.db).await, ["1", "1"]);
}

async fn it_is_undone_in_the_same_way(on: &TestDb) {
    collection(on, "notes").await;
    let registry = Registry::new("app")
        .step("1", "alone", async |_| Ok(()))
        .down(async |m| {
            assert!(m.tx().is_none());
            m.collection("notes")
                .insert(json!({ "by": "undone" }))
                .await?;
            match m.attempt() {
                1 => Err(Error::custom("not yet")),
                _ => Ok(()),
            }
        })
        .non_transactional();
    let migrator = Migrator::new(&on.db).with(registry);
    migrator.up().await.unwrap();
    migrator.down().await.unwrap_err();
    assert_eq!(states(&migrator).await, ["1 unfinished"]);
    assert_eq!(versions(&migrator.down().await.unwrap()), ["1"]);
    assert_eq!(states(&migrator).await, ["1 pending"]);
    assert_eq!(written(&on.db).await, ["undone", "undone"]);
}

async fn eight_starters_run_it_once(on: &TestDb) {
    collection(on, "notes").await;
    let runs = Arc::new(AtomicU32::new(0));
    let mut migrators = Vec::new();
    for _ in 0..8 {
        let db = on.another_handle().await;
        migrators.push(Migrator::new(&db).with(counted(&runs, Duration::from_millis(50))));
    }
    for outcome in join_all(migrators.iter().map(Migrator::up)).await {
        outcome.unwrap();
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(written(&on.db).await, ["1", "2"]);
}

async fn others_wait_for_a_holder_that_lives(on: &TestDb) {
    collection(on, "notes").await;
    let runs = Arc::new(AtomicU32::new(0));
    // Three times the lease.
    let migrator = |db| {
        Migrator::new(db)
            .with(counted(&runs, LEASE * 3))
            .lease(LEASE)
    };
    let (one, other) = (on.another_handle().await, on.another_handle().await);
    let (one, other) = (migrator(&one), migrator(&other));
    let (one, other) = tokio::join!(one.up(), other.up());
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 2);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(written(&on.db).await, ["1", "2"]);
}

async fn a_dead_holder_is_followed(on: &TestDb) {
    collection(on, "notes").await;
    let runs = Arc::new(AtomicU32::new(0));
    let hangs = Migrator::new(&on.db)
        .with(counted(&runs, Duration::from_secs(1000)))
        .lease(LEASE);
    die_at_it(&hangs, &runs).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(states(&hangs).await, ["1 unfinished", "2 pending"]);

    let next = Migrator::new(&on.db)
        .with(counted(&runs, Duration::ZERO))
        .lease(LEASE);
    let (next, events) = observed(next);
    assert_eq!(versions(&next.up().await.unwrap()), ["1", "2"]);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(lines(&events)[0], "started 1 up 2");
    assert_eq!(written(&on.db).await, ["1", "2"]);
}

async fn a_holder_that_was_given_up_says_so(on: &TestDb) {
    collection(on, "notes").await;
    let registry = Registry::new("app")
        .step("1", "alone", async |m| {
            // As if another had taken over, because this process was stopped for a while.
            let theirs = json!({ "_id": "lock", "holder": "another", "beat": 7 });
            let body = serde_json::to_vec(&theirs).unwrap();
            let put = den_backend::Put {
                id: "lock",
                body: &body,
                expect: den_backend::Expectation::Any,
            };
            m.db().backend().put("_den_migrations", put).await.map(drop)
        })
        .non_transactional();
    let migrator = Migrator::new(&on.db).with(registry).lease(LEASE);
    let error = migrator.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(states(&migrator).await, ["1 unfinished"]);
}

async fn one_may_be_tired_of_waiting(on: &TestDb) {
    collection(on, "notes").await;
    let runs = Arc::new(AtomicU32::new(0));
    let hangs = Migrator::new(&on.db).with(counted(&runs, Duration::from_secs(1000)));
    die_at_it(&hangs, &runs).await;
    let impatient = hangs.wait_at_most(Duration::from_millis(200));
    let error = impatient.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
