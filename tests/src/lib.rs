//! One suite for den, run on every database it knows.
//!
//! | module | holds |
//! |---|---|
//! | [`harness`] | a crate: targets, fresh databases, and how a case becomes a test |
//! | [`api`] | the public API of `den`, theme by theme |
//! | [`differential`] | random documents, queries and writes: the same answer everywhere |
//! | [`graphs`] | random graphs of linked documents: deletes follow the rules |
//! | [`plans`] | every declared index is used |
//! | [`cancellation`] | every future may be dropped half-way |
//! | [`races`] | several writers at once, in one process and in several |
//! | [`registry`] | URL schemes and drivers |
//! | [`docs`] | the guide's examples, as doc tests |
//!
//! `cargo test -p den-tests --test suite postgres::crud` runs the theme `crud` on PostgreSQL. Which
//! scenario of the predecessor is covered where: `COVERAGE.md` beside this crate.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test suite: a panic is how a case fails"
)]

#[macro_use]
pub extern crate den_test_harness as harness;

pub mod api;
pub mod cancellation;
pub mod differential;
pub mod docs;
pub mod graphs;
pub mod plans;
pub mod races;
pub mod registry;

use libtest_mimic::Trial;

use crate::harness::Theme;

/// Every theme of the suite.
pub fn themes() -> Vec<&'static Theme> {
    [
        api::THEMES,
        plans::THEMES,
        races::THEMES,
        cancellation::THEMES,
        registry::THEMES,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every test: the themes, and the contract's own suite on every target.
pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = themes().into_iter().flat_map(harness::trials).collect();
    trials.extend(harness::conformance::trials());
    trials.extend(differential::trials());
    trials.extend(graphs::trials());
    trials
}
