//! Every public future may be dropped at any point: the handle stays usable, and what was asked
//! for has happened wholly or not at all.
//!
//! Each operation is dropped after its first poll, its second, and so on until it completes.

mod cut;
mod operations;
mod scene;
mod special;

use std::collections::BTreeMap;

pub(crate) use self::cut::{Moment, cut};
use self::{
    operations::{OPERATIONS, Operation},
    scene::{Item, Scene},
};
use crate::harness::{Case, TestDb, Theme};

/// The themes of this module.
pub const THEMES: &[Theme] = &[
    Theme {
        name: "cancellation",
        cases: CASES,
    },
    Theme {
        name: "cancellation",
        cases: special::CASES,
    },
];

const CASES: &[Case] = &[
    case!(operations_dropped_at_once),
    case!(operations_dropped_when_there_is_more),
];

/// More polls than any operation takes, so that one that never completes is a failure.
const MOST_POLLS: usize = 2000;

async fn operations_dropped_at_once(on: &TestDb) {
    sweep_all(on, Moment::AtOnce).await;
}

async fn operations_dropped_when_there_is_more(on: &TestDb) {
    sweep_all(on, Moment::WhenWoken).await;
}

async fn sweep_all(on: &TestDb, moment: Moment) {
    let db = on.with::<Item>().await;
    let mut scene = Scene::new(db);
    for operation in OPERATIONS {
        sweep(&mut scene, operation, moment).await;
    }
}

async fn sweep(scene: &mut Scene<'_>, operation: &Operation, moment: Moment) {
    let name = operation.name;
    let mut left_behind: Vec<BTreeMap<String, i64>> = Vec::new();
    for polls in 1..MOST_POLLS {
        let mut items = scene.next().await;
        let before = scene.state().await;
        (operation.prepare)(&mut items);
        let prepared = items.clone();
        let call = (operation.call)(scene.db, scene.run, &mut items);
        let outcome = cut(polls, moment, call).await;
        scene.settle(&format!("{name} after {polls} polls")).await;
        let state = scene.state().await;
        let Some(outcome) = outcome else {
            let what = format!("{name} after {polls} polls");
            scene
                .check_in_memory(&what, state == before, &prepared, &mut items)
                .await;
            left_behind.push(state);
            continue;
        };
        outcome.unwrap_or_else(|why| panic!("{name}: {why:?}"));
        for (at, it) in left_behind.iter().enumerate() {
            assert!(
                *it == before || *it == state,
                "{name} after {} polls left {it:?}, not {before:?} or {state:?}",
                at + 1
            );
        }
        return;
    }
    panic!("{name} did not complete within {MOST_POLLS} polls");
}
