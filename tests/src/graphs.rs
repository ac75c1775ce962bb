//! Random graphs of linked documents: what a delete does to them is what the rules say, whatever
//! the order in which den goes about it.
//!
//! | variable | says | default |
//! |---|---|---|
//! | `DEN_GRAPHS` | how many graphs to play on each target, at least | 160 |
//! | `DEN_GRAPHS_SEED` | the number of the first graph | 0 |
//!
//! A graph that fails is made smaller and printed with its number. Once understood, it is kept in
//! `kept`, which runs each time.

mod chance;
mod kept;
mod model;
mod plan;
mod play;
mod search;
mod slots;
mod types;

use futures_util::FutureExt as _;
use libtest_mimic::Trial;

use crate::harness::{self, Target};

/// One of each kind of database: what is played here is den's own work.
const TARGETS: [Target; 3] = [Target::Memory, Target::SqliteFile, Target::Postgres];

/// The searches, in tests of equal size, and the kept graphs.
pub fn trials() -> Vec<Trial> {
    let searches = (0..search::chunks()).flat_map(|chunk| {
        TARGETS.map(|target| {
            let name = format!("graphs_{chunk}");
            harness::trial(target, "graphs", &name, move |on| {
                async move { search::search(on, chunk).await }.boxed()
            })
        })
    });
    let kept = kept::KEPT.iter().flat_map(|kept| {
        TARGETS.map(|target| {
            harness::trial(target, "graphs::kept", kept.name, move |on| {
                kept::check(on, kept).boxed()
            })
        })
    });
    searches.chain(kept).collect()
}
