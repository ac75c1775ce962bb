//! The contract's own suite, on every target.

use std::sync::Arc;

use den_backend::conformance::{self, Fresh};
use libtest_mimic::Trial;

use crate::{Target, TestDb};

/// Every case of the contract as a test named `target::conformance::theme::case`.
pub fn trials() -> Vec<Trial> {
    Target::ALL.into_iter().flat_map(trials_of).collect()
}

fn trials_of(target: Target) -> Vec<Trial> {
    let name = format!("{}::conformance", target.name());
    match target.variable() {
        Some(variable) if !target.is_there() => {
            conformance::skipped(&name, &format!("set {variable} to the URL of a database"))
        }
        Some(_) | None => conformance::trials(&name, move || open(target)),
    }
}

async fn open(target: Target) -> Fresh {
    let on = TestDb::open(target).await;
    Fresh::with_cleanup(Arc::clone(&on.backend), on.remove())
}
