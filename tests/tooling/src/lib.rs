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

mod constraints;
pub mod docs;
mod mended;
pub mod migrations;
mod postgres_schema;
mod predecessor;
pub mod process;
mod schema;
mod transfer;

use den_test_harness::Theme;
use libtest_mimic::Trial;

/// Every theme.
pub const THEMES: &[Theme] = &[
    Theme {
        name: "schema",
        cases: schema::CASES,
    },
    Theme {
        name: "constraints",
        cases: constraints::CASES,
    },
    Theme {
        name: "mended",
        cases: mended::CASES,
    },
    Theme {
        name: "mended::patches",
        cases: mended::patches::CASES,
    },
    Theme {
        name: "mended::statements",
        cases: mended::statements::CASES,
    },
    Theme {
        name: "postgres_schema",
        cases: postgres_schema::CASES,
    },
    Theme {
        name: "predecessor",
        cases: predecessor::CASES,
    },
    Theme {
        name: "migrations::alone",
        cases: migrations::alone::CASES,
    },
    Theme {
        name: "migrations::batches",
        cases: migrations::batches::CASES,
    },
    Theme {
        name: "migrations::ddl",
        cases: migrations::ddl::CASES,
    },
    Theme {
        name: "migrations::fields",
        cases: migrations::fields::CASES,
    },
    Theme {
        name: "migrations::processes",
        cases: migrations::processes::CASES,
    },
    Theme {
        name: "migrations::rules",
        cases: migrations::rules::CASES,
    },
    Theme {
        name: "migrations::steps",
        cases: migrations::steps::CASES,
    },
    Theme {
        name: "transfer::archives",
        cases: transfer::archives::CASES,
    },
    Theme {
        name: "transfer::checkpoints",
        cases: transfer::checkpoints::CASES,
    },
    Theme {
        name: "transfer::copies",
        cases: transfer::copies::CASES,
    },
    Theme {
        name: "transfer::csv",
        cases: transfer::csv::CASES,
    },
    Theme {
        name: "transfer::imports",
        cases: transfer::imports::CASES,
    },
    Theme {
        name: "transfer::kills",
        cases: transfer::kills::CASES,
    },
    Theme {
        name: "transfer::messy",
        cases: transfer::messy::CASES,
    },
    Theme {
        name: "transfer::modes",
        cases: transfer::modes::CASES,
    },
];

/// Every test.
pub fn trials() -> Vec<Trial> {
    THEMES.iter().flat_map(den_test_harness::trials).collect()
}
