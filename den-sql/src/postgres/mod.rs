//! PostgreSQL.

mod changes;
mod compute;
mod constraints;
mod definitions;
mod documents;
mod groups;
mod locator;
mod native;
mod numbers;
pub mod only;
mod predicates;
mod search;
mod times;

use crate::{dialect::Dialect, writer::Placeholders};

/// The dialect of PostgreSQL 13 and later, which distributed PostgreSQL also runs.
#[derive(Debug)]
pub(crate) struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn placeholders(&self) -> Placeholders {
        Placeholders::Dollar
    }
}
