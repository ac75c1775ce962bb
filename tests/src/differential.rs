//! Every backend gives the answer of the reference backend: random documents, random queries,
//! random patches, random writes and random searches in texts.
//!
//! | variable | says | default |
//! |---|---|---|
//! | `DEN_DIFFERENTIAL_CASES` | how many queries to ask of each target, at least | 2400 |
//! | `DEN_DIFFERENTIAL_SEED` | where chance starts from | 0 |
//!
//! A difference is shrunk and printed with its documents, the query, both answers and the
//! statement. Once understood, it is kept in `kept`, which runs each time.

mod answers;
mod computed;
mod documents;
mod filters;
mod fulltext;
mod groups;
mod kept;
mod patches;
mod queries;
mod search;
mod shrink;
mod values;
mod writes;

use futures_util::FutureExt as _;
use libtest_mimic::Trial;

use crate::harness::{self, Target};

/// The targets that are compared with the reference backend.
const TARGETS: [Target; 3] = [Target::SqliteFile, Target::Postgres, Target::PostgresIcu];

/// The searches, in tests of equal size, and the kept cases.
pub fn trials() -> Vec<Trial> {
    let queries = (0..search::chunks()).flat_map(|chunk| {
        TARGETS.map(|target| {
            let name = format!("queries_{chunk}");
            harness::trial(target, "differential", &name, move |on| {
                async move { search::search(on, chunk) }.boxed()
            })
        })
    });
    let writes = (0..writes::chunks()).flat_map(|chunk| {
        TARGETS.map(|target| {
            let name = format!("writes_{chunk}");
            harness::trial(target, "differential", &name, move |on| {
                async move { writes::search(on, chunk) }.boxed()
            })
        })
    });
    let kept = kept::KEPT.iter().flat_map(|kept| {
        TARGETS.map(|target| {
            harness::trial(target, "differential::kept", kept.name, move |on| {
                kept::check(on, kept).boxed()
            })
        })
    });
    let fulltext = (0..search::chunks()).flat_map(|chunk| {
        TARGETS.map(|target| {
            let name = format!("fulltext_{chunk}");
            harness::trial(target, "differential", &name, move |on| {
                fulltext::search(on, chunk).boxed()
            })
        })
    });
    let characters = TARGETS.map(|target| {
        harness::trial(target, "differential", "characters", |on| {
            fulltext::characters(on).boxed()
        })
    });
    let all = queries.chain(writes).chain(kept);
    all.chain(fulltext).chain(characters).collect()
}
