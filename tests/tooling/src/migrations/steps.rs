//! Steps in transactions: what runs, in which order, and what a failure leaves.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use den::{
    Db, Error, ErrorKind,
    migrate::{Migrator, Registry, predecessor_log},
    testing::Recorder,
};
use den_backend::{Expectation, Put};
use den_test_harness::{Case, Engine, TestDb};
use futures_util::future::join_all;
use serde_json::json;

use super::{collection, lines, observed, states, versions, writes, written};

pub(crate) const CASES: &[Case] = &[
    case!(steps_run_once_in_the_order_of_versions),
    case!(a_look_changes_nothing),
    case!(a_failed_step_leaves_nothing),
    case!(what_is_half_done_is_taken_back_wherever_the_database_fails),
    case!(a_step_runs_again_after_a_deadlock),
    case!(steps_are_undone_the_last_one_first),
    case!(nothing_is_undone_if_one_step_cannot_be),
    case!(one_step_at_a_time),
    case!(eight_starters_run_each_step_once),
    case!(eight_starters_undo_each_step_once),
    together!(one_registry_serves_several_databases),
    case!(what_happens_is_told),
    case!(a_baseline_counts_as_applied),
    case!(the_log_of_the_predecessor_is_left_alone),
    case!(a_database_of_the_predecessor_is_migrated, only: [SqliteFile]),
    case!(a_migrator_stays_out_of_transactions),
    case!(a_step_may_not_end_its_transaction),
];

fn three() -> Registry {
    // Not in order, and 10 is more than 9.
    let registry = writes(writes(Registry::new("app"), "10"), "2");
    writes(registry, "9")
}

async fn steps_run_once_in_the_order_of_versions(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(three());
    assert_eq!(
        states(&migrator).await,
        ["2 pending", "9 pending", "10 pending"]
    );
    assert_eq!(versions(&migrator.up().await.unwrap()), ["2", "9", "10"]);
    assert_eq!(written(&on.db).await, ["2", "9", "10"]);
    assert_eq!(
        states(&migrator).await,
        ["2 applied", "9 applied", "10 applied"]
    );

    assert!(migrator.up().await.unwrap().is_empty());
    assert!(migrator.plan().await.unwrap().is_empty());
    let more = Migrator::new(&on.another_handle().await).with(writes(three(), "11"));
    assert_eq!(versions(&more.up().await.unwrap()), ["11"]);
    assert_eq!(written(&on.db).await, ["2", "9", "10", "11"]);
    assert_eq!(on.db.collections().await.unwrap(), ["notes"]);
}

async fn a_look_changes_nothing(on: &TestDb) {
    let migrator = Migrator::new(&on.db).with(three());
    let plan = migrator.plan().await.unwrap();
    assert_eq!(
        plan.to_string(),
        "app/2 (step 2)\napp/9 (step 9)\napp/10 (step 10)\n"
    );
    migrator.status().await.unwrap();
    let error = on.backend.get("_den_migrations", "lock").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
}

async fn a_failed_step_leaves_nothing(on: &TestDb) {
    collection(on, "notes").await;
    let bad = writes(Registry::new("app"), "1").step("2", "bad", async |m| {
        m.collection("notes").insert(json!({ "by": "2" })).await?;
        Err(Error::custom("no way"))
    });
    let migrator = Migrator::new(&on.db).with(writes(bad, "3"));
    let error = migrator.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(error.to_string(), "the migration app/2 (bad) failed");
    assert_eq!(error.source().unwrap().to_string(), "no way");
    assert_eq!(written(&on.db).await, ["1"]);
    assert_eq!(
        states(&migrator).await,
        ["1 applied", "2 pending", "3 pending"]
    );

    // The next release has mended it.
    let mended =
        Migrator::new(&on.db).with(writes(writes(writes(Registry::new("app"), "1"), "2"), "3"));
    assert_eq!(versions(&mended.up().await.unwrap()), ["2", "3"]);
    assert_eq!(written(&on.db).await, ["1", "2", "3"]);
}

async fn what_is_half_done_is_taken_back_wherever_the_database_fails(on: &TestDb) {
    collection(on, "notes").await;
    let (backend, recorder) = Recorder::wrap(Arc::clone(&on.backend));
    let db = Db::builder().shared_backend(backend).open().await.unwrap();
    let mut expected = Vec::new();
    for round in 1.. {
        let namespace = format!("round{round}");
        let registry = writes(writes(Registry::new(namespace), "1"), "2");
        let migrator = Migrator::new(&db).with(registry);
        recorder.fail_at(round);
        let outcome = migrator.up().await;
        let was_hit = recorder.heal();
        let log = states(&migrator).await;
        // What was written is what the log says.
        let applied = log.iter().filter(|it| it.ends_with("applied")).count();
        assert_eq!(
            written(&db).await.len(),
            expected.len() + applied,
            "{round}"
        );
        migrator.up().await.unwrap();
        expected.extend(["1".to_owned(), "2".to_owned()]);
        assert_eq!(written(&db).await, expected, "{round}");
        if !was_hit {
            outcome.unwrap();
            assert!(round > 10, "{round}");
            break;
        }
    }
}

async fn a_step_runs_again_after_a_deadlock(on: &TestDb) {
    collection(on, "notes").await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let registry = Registry::new("app").step("1", "unlucky", move |m| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            m.collection("notes").insert(json!({ "by": "1" })).await?;
            match run {
                0 | 1 => Err(Error::new(ErrorKind::Deadlock, "as it happens")),
                _ => Ok(()),
            }
        }
    });
    Migrator::new(&on.db).with(registry).up().await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(written(&on.db).await, ["1"]);

    // Not forever.
    let registry = Registry::new("hopeless").step("1", "unlucky", async |_| {
        Err(Error::new(ErrorKind::Deadlock, "always"))
    });
    let error = Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
}

async fn steps_are_undone_the_last_one_first(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(three());
    assert!(migrator.down().await.unwrap().is_empty());
    migrator.up().await.unwrap();
    assert_eq!(versions(&migrator.down().await.unwrap()), ["10"]);
    assert_eq!(written(&on.db).await, ["2", "9"]);
    assert_eq!(
        states(&migrator).await,
        ["2 applied", "9 applied", "10 pending"]
    );
    migrator.up().await.unwrap();
    assert_eq!(written(&on.db).await, ["2", "9", "10"]);

    assert_eq!(versions(&migrator.down_to("2").await.unwrap()), ["10", "9"]);
    assert_eq!(written(&on.db).await, ["2"]);
    assert!(migrator.down_to("2").await.unwrap().is_empty());
    assert_eq!(versions(&migrator.up_to("9").await.unwrap()), ["9"]);
    assert_eq!(versions(&migrator.down_all().await.unwrap()), ["9", "2"]);
    assert!(written(&on.db).await.is_empty());
    let error = migrator.down_to("3").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
}

async fn nothing_is_undone_if_one_step_cannot_be(on: &TestDb) {
    collection(on, "notes").await;
    let registry = writes(Registry::new("app"), "1").step("2", "for good", async |_| Ok(()));
    let migrator = Migrator::new(&on.db).with(writes(registry, "3"));
    migrator.up().await.unwrap();
    let error = migrator.down_to("1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(
        error.to_string(),
        "the migration app/2 (for good) cannot be undone: nothing says how"
    );
    assert_eq!(written(&on.db).await, ["1", "3"]);
    assert_eq!(versions(&migrator.down().await.unwrap()), ["3"]);
    migrator.down().await.unwrap_err();
    assert_eq!(
        states(&migrator).await,
        ["1 applied", "2 applied", "3 pending"]
    );
}

async fn one_step_at_a_time(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(three());
    for expected in ["2", "9", "10"] {
        assert_eq!(versions(&migrator.up_one().await.unwrap()), [expected]);
    }
    assert!(migrator.up_one().await.unwrap().is_empty());
}

/// Handles as eight programs would have them, as far as the target bears.
async fn starters(on: &TestDb) -> Vec<Db> {
    let mut starters = Vec::new();
    for number in 0..8 {
        starters.push(match on.target().can_be_opened_twice() && number % 4 == 0 {
            true => on.open_again().await,
            false => on.another_handle().await,
        });
    }
    starters
}

async fn close(on: &TestDb, starters: Vec<Db>) {
    for (number, db) in starters.into_iter().enumerate() {
        if on.target().can_be_opened_twice() && number % 4 == 0 && on.engine() != Engine::Memory {
            db.close().await.unwrap();
        }
    }
}

async fn eight_starters_run_each_step_once(on: &TestDb) {
    collection(on, "notes").await;
    let starters = starters(on).await;
    let migrators: Vec<Migrator> = starters
        .iter()
        .map(|db| {
            let registry = ["1", "2", "3", "4", "5"]
                .into_iter()
                .fold(Registry::new("app"), writes);
            Migrator::new(db).with(registry)
        })
        .collect();
    let outcomes = join_all(migrators.iter().map(Migrator::up)).await;
    let mut run = 0;
    for outcome in outcomes {
        run += outcome.unwrap().len();
    }
    assert_eq!(run, 5);
    assert_eq!(written(&on.db).await, ["1", "2", "3", "4", "5"]);
    close(on, starters).await;
}

async fn eight_starters_undo_each_step_once(on: &TestDb) {
    collection(on, "notes").await;
    let starters = starters(on).await;
    let migrator = Migrator::new(&on.db).with(three());
    migrator.up().await.unwrap();
    let migrators: Vec<Migrator> = starters
        .iter()
        .map(|db| Migrator::new(db).with(three()))
        .collect();
    let outcomes = join_all(migrators.iter().map(Migrator::down_all)).await;
    let mut run = 0;
    for outcome in outcomes {
        run += outcome.unwrap().len();
    }
    assert_eq!(run, 3);
    assert!(written(&on.db).await.is_empty());
    close(on, starters).await;
}

async fn one_registry_serves_several_databases(on: &[TestDb]) {
    let registry = three();
    for it in on {
        collection(it, "notes").await;
        let migrator = Migrator::new(&it.db).with(registry.clone());
        assert_eq!(versions(&migrator.up().await.unwrap()), ["2", "9", "10"]);
        assert_eq!(written(&it.db).await, ["2", "9", "10"]);
    }
}

async fn what_happens_is_told(on: &TestDb) {
    collection(on, "notes").await;
    let registry = writes(Registry::new("app"), "1").step("2", "talks", async |m| {
        assert_eq!(m.step().to_string(), "app/2 (talks)");
        assert!(m.tx().is_some());
        m.progress(1, Some(2));
        Err(Error::custom("enough"))
    });
    let (migrator, events) = observed(Migrator::new(&on.db).with(registry));
    migrator.up().await.unwrap_err();
    assert_eq!(
        lines(&events),
        [
            "started 1 up 1",
            "finished 1 up",
            "started 2 up 1",
            "2 1 of 2",
            "failed 2 up enough"
        ]
    );
    migrator.down().await.unwrap();
    assert_eq!(lines(&events), ["started 1 down 1", "finished 1 down"]);
}

async fn a_baseline_counts_as_applied(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(three());
    assert_eq!(migrator.baseline("9").await.unwrap(), 2);
    assert_eq!(
        states(&migrator).await,
        ["2 applied", "9 applied", "10 pending"]
    );
    assert_eq!(versions(&migrator.up().await.unwrap()), ["10"]);
    assert_eq!(written(&on.db).await, ["10"]);
    assert_eq!(migrator.baseline("10").await.unwrap(), 0);
    assert_eq!(versions(&migrator.down().await.unwrap()), ["10"]);
}

async fn the_log_of_the_predecessor_is_left_alone(on: &TestDb) {
    collection(on, "notes").await;
    assert_eq!(predecessor_log(&on.db).await.unwrap(), []);
    collection(on, "_den_migrations").await;
    assert_eq!(predecessor_log(&on.db).await.unwrap(), []);
    let log = json!([
        { "version": "20250101_001_first", "applied_at": "2026-11-20T11:03:45.635961905Z" },
        { "version": "20250102_001_second", "applied_at": "2026-11-20T11:03:45.636946397Z" },
    ]);
    let body = serde_json::to_vec(&log).unwrap();
    let put = Put {
        id: "log",
        body: &body,
        expect: Expectation::Any,
    };
    on.backend.put("_den_migrations", put).await.unwrap();
    let migrator = Migrator::new(&on.db).with(three());
    migrator.up().await.unwrap();
    migrator.down().await.unwrap();
    let read = predecessor_log(&on.db).await.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].version, "20250102_001_second");
    assert_eq!(read[0].applied_at, "2026-11-20T11:03:45.635961905Z");
}

async fn a_database_of_the_predecessor_is_migrated(on: &TestDb) {
    let file = on.file().with_file_name("theirs.db");
    std::fs::write(&file, include_bytes!("../../data/predecessor/goden.db")).unwrap();
    let db = Db::open(format!("sqlite:///{}", file.display()))
        .await
        .unwrap();
    let theirs = predecessor_log(&db).await.unwrap();
    let versions_of = |log: &[den::migrate::PredecessorStep]| -> Vec<String> {
        log.iter().map(|it| it.version.clone()).collect()
    };
    assert_eq!(
        versions_of(&theirs),
        ["20250101_001_first", "20250102_001_second"]
    );
    let registry =
        Registry::new("app").step("1", "notes", async |m| m.create_collection("notes").await);
    let migrator = Migrator::new(&db).with(writes(registry, "2"));
    assert_eq!(versions(&migrator.up().await.unwrap()), ["1", "2"]);
    assert_eq!(written(&db).await, ["2"]);
    assert_eq!(predecessor_log(&db).await.unwrap(), theirs);
    db.close().await.unwrap();
}

async fn a_migrator_stays_out_of_transactions(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(three());
    let outcome = on.db.transaction(async |_tx| migrator.up().await).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(written(&on.db).await.is_empty());
}

async fn a_step_may_not_end_its_transaction(on: &TestDb) {
    collection(on, "notes").await;
    let registry = Registry::new("app").step("1", "hasty", async |m| {
        m.collection("notes").insert(json!({ "by": "1" })).await?;
        let tx = m.tx().expect("it runs in one").clone();
        tx.commit().await
    });
    let error = Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert!(written(&on.db).await.is_empty());
}
