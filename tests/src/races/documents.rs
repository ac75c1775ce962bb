//! The documents that are raced for.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// A number with a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "counters", revision)]
pub(super) struct Counter {
    #[serde(flatten)]
    pub(super) base: Base<Counter>,
    pub(super) n: i64,
}

/// A number without a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "tallies")]
pub(super) struct Tally {
    #[serde(flatten)]
    pub(super) base: Base<Tally>,
    pub(super) n: i64,
}

/// A job, with an index of each kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(
    collection = "jobs",
    index(fields("state", desc("n"))),
    unique(fields("owner", "n"))
)]
pub(super) struct Job {
    #[serde(flatten)]
    pub(super) base: Base<Job>,
    #[den(unique)]
    pub(super) code: String,
    #[den(index)]
    pub(super) state: String,
    pub(super) owner: String,
    #[den(index)]
    pub(super) n: i64,
    #[den(index)]
    pub(super) tags: Vec<String>,
}
