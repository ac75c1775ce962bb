//! The suite for what surrounds documents: schemas, constraints, migrations, transfers, and databases
//! that another program made.
//!
//! `cargo test -p den-tests-tooling postgres::constraints` runs the theme `constraints` on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test suite: a panic is how a case fails"
)]

#[macro_use]
extern crate den_test_harness;

use den_test_harness::Theme;
use libtest_mimic::Trial;

/// Every theme.
pub const THEMES: &[Theme] = &[];

/// Every test.
pub fn trials() -> Vec<Trial> {
    THEMES.iter().flat_map(den_test_harness::trials).collect()
}
