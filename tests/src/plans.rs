//! Every declared index is used: read from the plans of the engines, over 20 000 rows.

mod plan;
mod plants;
mod uses;

use den::Documents;

use self::{
    plan::{analyze, problem},
    plants::{Plant, Sapling, fill},
    uses::USES,
};
use crate::harness::{Case, TestDb, Theme};

/// The themes of this module.
pub const THEMES: &[Theme] = &[Theme {
    name: "plans",
    cases: CASES,
}];

const CASES: &[Case] = &[
    case!(every_index_is_used, except: [Memory, SqliteMemory]),
    case!(indexes_declared_late_are_used, except: [Memory, SqliteMemory]),
];

async fn every_index_is_used(on: &TestDb) {
    fill::<Plant>(&on.db).await;
    check::<Plant>(on).await;
}

async fn indexes_declared_late_are_used(on: &TestDb) {
    // One handle knows one type for a collection.
    fill::<Sapling>(&on.another_handle().await).await;
    check::<Plant>(on).await;
}

/// Reads every plan before it fails.
async fn check<D: Documents>(on: &TestDb) {
    let db = on.with::<D>().await;
    analyze(on).await;
    let mut problems = Vec::new();
    for it in USES {
        let explain = (it.explain)(db, &*on.backend).await.unwrap();
        let index = it.index_name(&db.meta::<Plant>().unwrap(), on.engine());
        if let Some(problem) = problem(on.engine(), &explain, &index, it.order) {
            problems.push(format!("{}: {problem}\n{explain}", it.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
