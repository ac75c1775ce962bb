//! What happens when several do the same at once: in one process, and in several.
//!
//! Every case is right whatever the timing; timing only decides how often the race is close.

pub mod process;

mod documents;

mod counters;
mod processes;
mod queues;
mod revisions;
mod uniqueness;

use crate::harness::Theme;

/// The themes of this module.
pub const THEMES: &[Theme] = &[
    Theme {
        name: "races::revisions",
        cases: revisions::CASES,
    },
    Theme {
        name: "races::uniqueness",
        cases: uniqueness::CASES,
    },
    Theme {
        name: "races::counters",
        cases: counters::CASES,
    },
    Theme {
        name: "races::queues",
        cases: queues::CASES,
    },
    Theme {
        name: "races::processes",
        cases: processes::CASES,
    },
];
