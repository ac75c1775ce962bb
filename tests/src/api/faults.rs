//! The database fails, or a future is dropped, at each point of each operation: everything is as it
//! was before, and another try succeeds.

mod cast;
mod operations;
mod scene;

use den::{
    prelude::*,
    testing::{Call, Fault, Method, Outcome},
};

use self::{
    cast::Entry,
    operations::{OPERATIONS, Operation},
    scene::{Attempt, Scene, Success, assert_same},
};
use crate::{
    cancellation::{Moment, cut},
    harness::{Case, Engine, TestDb},
};

pub(super) const CASES: &[Case] = &[
    case!(a_fault_changes_nothing, except: [PostgresIcu]),
    case!(a_lost_answer_leaves_all_or_nothing, except: [PostgresIcu]),
    case!(a_fault_leaves_the_transaction_usable, except: [PostgresIcu]),
    case!(a_failed_commit_takes_everything_back, except: [PostgresIcu]),
    case!(a_dropped_operation_leaves_all_or_nothing, except: [PostgresIcu]),
    case!(a_dropped_operation_leaves_its_transaction_whole, except: [PostgresIcu]),
];

/// More polls than any operation takes, so that one that never completes is a failure.
const MOST_POLLS: usize = 2000;

/// The call that was failed.
fn failed(scene: &Scene<'_>, what: &str) -> Call {
    let calls = scene.recorder.take();
    let failed = calls.iter().find(|it| it.outcome == Outcome::Injected);
    let Some(failed) = failed else {
        panic!("{what}: no fault was injected in {calls:?}");
    };
    failed.clone()
}

/// Makes sure that another try of the same call on the same documents succeeds.
async fn retry(
    scene: &Scene<'_>,
    operation: &Operation,
    attempt: &mut Attempt,
    success: &Success,
    what: &str,
) {
    let outcome = attempt.run(operation, &scene.db).await;
    outcome.unwrap_or_else(|why| panic!("{what}: once more: {why:?}"));
    let stored = scene.stored().await;
    assert_eq!(
        scene.comparable(&stored),
        success.stored,
        "{what}: once more"
    );
    assert_eq!(attempt.done(), success.done, "{what}: once more");
}

async fn a_fault_changes_nothing(on: &TestDb) {
    let scene = Scene::new(on).await;
    for operation in OPERATIONS {
        let success = scene.success(operation, false).await;
        for n in 1..=success.calls {
            let mut attempt = scene.attempt(operation).await;
            scene.recorder.fail_at(n);
            let outcome = attempt.run(operation, &scene.db).await;
            scene.recorder.heal();
            let what = format!("{}, call {n} of {}", operation.name, success.calls);
            let what = format!("{what}, {}", failed(&scene, &what));
            assert!(outcome.is_err(), "{what}: no error");
            assert_same(&scene.stored().await, &scene.given, &what);
            attempt.check_unchanged(true, &what);
            assert!(attempt.done().is_empty(), "{what}");
            retry(&scene, operation, &mut attempt, &success, &what).await;
        }
    }
}

async fn a_lost_answer_leaves_all_or_nothing(on: &TestDb) {
    let scene = Scene::new(on).await;
    for operation in OPERATIONS {
        let success = scene.success(operation, false).await;
        for n in 1..=success.calls {
            let mut attempt = scene.attempt(operation).await;
            scene.recorder.fail_after(n);
            let outcome = attempt.run(operation, &scene.db).await;
            scene.recorder.heal();
            let what = format!("{}, call {n} of {}", operation.name, success.calls);
            let call = failed(&scene, &what);
            let what = format!("{what}, {call}");
            if outcome.is_ok() {
                // What was released is kept.
                assert_eq!(call.method, Method::Release, "{what}: no error");
                let stored = scene.stored().await;
                assert_eq!(scene.comparable(&stored), success.stored, "{what}");
                assert_eq!(attempt.done(), success.done, "{what}");
                continue;
            }
            let is_final = call.method == Method::Commit || !call.in_transaction;
            let stored = scene.stored().await;
            if is_final && stored != scene.given {
                assert_eq!(scene.comparable(&stored), success.stored, "{what}");
                let done = attempt.done();
                assert!(done.is_empty() || done == success.done, "{what}: {done:?}");
                continue;
            }
            assert_same(&stored, &scene.given, &what);
            attempt.check_unchanged(true, &what);
            assert!(attempt.done().is_empty(), "{what}");
            retry(&scene, operation, &mut attempt, &success, &what).await;
        }
    }
}

/// A write of the caller, beside the operation.
async fn beside(tx: &Tx) {
    Entry::default().insert(tx).await.unwrap();
}

async fn a_fault_leaves_the_transaction_usable(on: &TestDb) {
    let scene = Scene::new(on).await;
    for operation in OPERATIONS {
        let success = scene.success(operation, true).await;
        for n in 1..=success.calls {
            for answer_is_lost in [false, true] {
                let mut attempt = scene.attempt(operation).await;
                let tx = scene.db.begin().await.unwrap();
                beside(&tx).await;
                let before = scene.stored_in(&tx).await;
                scene.recorder.clear();
                scene.recorder.inject(match answer_is_lost {
                    true => Fault::after(n),
                    false => Fault::at(n),
                });
                let outcome = attempt.run(operation, &tx).await;
                scene.recorder.heal();
                let what = format!("{}, call {n} of {}", operation.name, success.calls);
                let call = failed(&scene, &what);
                let what = format!("{what}, {call}, answer lost: {answer_is_lost}");
                let after = scene.stored_in(&tx).await;
                // One statement without a savepoint around it may have been carried out.
                let is_written = answer_is_lost && !success.has_savepoint && after != before;
                if outcome.is_ok() {
                    // What was released is kept.
                    let is_released = call.method == Method::Release && answer_is_lost;
                    assert!(is_released, "{what}: no error");
                } else if is_written {
                    attempt.check_unchanged(true, &what);
                } else {
                    assert_same(&after, &before, &what);
                    attempt.check_unchanged(true, &what);
                    let outcome = attempt.run(operation, &tx).await;
                    outcome.unwrap_or_else(|why| panic!("{what}: once more: {why:?}"));
                }
                assert!(attempt.done().is_empty(), "{what}");
                attempt.during(tx.commit()).await.unwrap();
                let mut stored = scene.stored().await;
                stored.retain(|(_, _, it)| it["text"] != "");
                assert_eq!(scene.comparable(&stored), success.stored, "{what}");
                assert_eq!(attempt.done(), success.done, "{what}");
            }
        }
    }
}

async fn a_failed_commit_takes_everything_back(on: &TestDb) {
    let scene = Scene::new(on).await;
    for operation in OPERATIONS {
        let success = scene.success(operation, true).await;
        let mut attempt = scene.attempt(operation).await;
        let tx = scene.db.begin().await.unwrap();
        attempt.run(operation, &tx).await.unwrap();
        scene.recorder.fail_at(1);
        let outcome = attempt.during(tx.commit()).await;
        scene.recorder.heal();
        let what = operation.name;
        assert!(outcome.is_err(), "{what}");
        assert_same(&scene.stored().await, &scene.given, what);
        assert!(attempt.done().is_empty(), "{what}");
        attempt.check_own_unchanged(what);
        attempt.forget_what_hooks_changed();
        retry(&scene, operation, &mut attempt, &success, what).await;
    }
}

/// When the future is dropped; a server is so slow to ask that each operation has one of them.
fn moments(on: &TestDb, number: usize) -> &'static [Moment] {
    let both = &[Moment::AtOnce, Moment::WhenWoken];
    match on.engine() {
        Engine::Memory | Engine::Sqlite => both,
        Engine::Postgres => &both[number % 2..][..1],
    }
}

async fn a_dropped_operation_leaves_all_or_nothing(on: &TestDb) {
    let scene = Scene::new(on).await;
    for (number, operation) in OPERATIONS.iter().enumerate() {
        let success = scene.success(operation, false).await;
        for &moment in moments(on, number) {
            for polls in 1..MOST_POLLS {
                let mut attempt = scene.attempt(operation).await;
                let outcome = cut(polls, moment, attempt.run(operation, &scene.db)).await;
                let what = format!("{} after {polls} polls, {moment:?}", operation.name);
                scene.settle(&what).await;
                let stored = scene.stored().await;
                if let Some(outcome) = outcome {
                    outcome.unwrap_or_else(|why| panic!("{what}: {why:?}"));
                    break;
                }
                if stored != scene.given {
                    assert_eq!(scene.comparable(&stored), success.stored, "{what}");
                    continue;
                }
                assert!(attempt.done().is_empty(), "{what}");
                attempt.check_unchanged_but_ids(&what);
                retry(&scene, operation, &mut attempt, &success, &what).await;
            }
        }
    }
}

async fn a_dropped_operation_leaves_its_transaction_whole(on: &TestDb) {
    let scene = Scene::new(on).await;
    for (number, operation) in OPERATIONS.iter().enumerate() {
        let success = scene.success(operation, true).await;
        for &moment in moments(on, number) {
            for polls in 1..MOST_POLLS {
                let mut attempt = scene.attempt(operation).await;
                let tx = scene.db.begin().await.unwrap();
                let outcome = cut(polls, moment, attempt.run(operation, &tx)).await;
                // The backend may end a transaction in doubt, but then all of it.
                let rest = async {
                    Entry::default().insert(&tx).await?;
                    tx.commit().await
                };
                let rest = attempt.during(rest).await;
                let what = format!("{} after {polls} polls, {moment:?}", operation.name);
                scene.settle(&what).await;
                let mut stored = scene.stored().await;
                stored.retain(|(_, _, it)| it["text"] != "");
                if stored == scene.given {
                    assert!(attempt.done().is_empty(), "{what}");
                    assert!(rest.is_err() || outcome.is_none(), "{what}: {outcome:?}");
                } else {
                    assert!(rest.is_ok(), "{what}: {rest:?}");
                    assert_eq!(scene.comparable(&stored), success.stored, "{what}");
                    assert_eq!(attempt.done(), success.done, "{what}");
                }
                if let Some(outcome) = outcome {
                    outcome.unwrap_or_else(|why| panic!("{what}: {why:?}"));
                    break;
                }
            }
        }
    }
}
