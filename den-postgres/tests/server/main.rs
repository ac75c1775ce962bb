//! What the contract's suite cannot see: connections that break, futures that are dropped, servers
//! that are not there.
//!
//! `DEN_POSTGRES_URL` names the server; without it the cases show as ignored.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test: a panic is how a case fails"
)]

mod alterations;
mod cancellation;
mod changes;
mod computing;
mod connections;
mod constraints;
mod partitions;
mod pipelining;
mod progress;
mod schemas;
mod statements;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod values;

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    process::ExitCode,
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use libtest_mimic::{Arguments, Trial, run};
use tokio::{runtime::Builder, time::timeout};

use crate::support::{Schema, URL_VARIABLE, url};

/// A case: its name, and a test in a schema of its own.
pub(crate) type Case = (&'static str, fn(&Schema) -> BoxFuture<'_, ()>);

/// Makes a [`Case`] of an async function.
macro_rules! case {
    ($name:ident) => {
        (stringify!($name), |schema| {
            futures_util::FutureExt::boxed($name(schema))
        })
    };
}
pub(crate) use case;

/// Longer than any case takes.
const TIME_LIMIT: Duration = Duration::from_secs(60);

const THEMES: &[(&str, &[Case])] = &[
    ("alterations", alterations::CASES),
    ("cancellation", cancellation::CASES),
    ("changes", changes::CASES),
    ("computing", computing::CASES),
    ("connections", connections::CASES),
    ("constraints", constraints::CASES),
    ("partitions", partitions::CASES),
    ("pipelining", pipelining::CASES),
    ("progress", progress::CASES),
    ("schemas", schemas::CASES),
    ("statements", statements::CASES),
    ("streams", streams::CASES),
    ("values", values::CASES),
];

fn main() -> ExitCode {
    let trials = THEMES.iter().flat_map(|(theme, cases)| {
        cases.iter().map(move |(name, test)| {
            let trial = Trial::test(format!("{theme}::{name}"), move || {
                let runtime = Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(async {
                    let schema = Schema::create().await;
                    let case = AssertUnwindSafe(test(&schema)).catch_unwind();
                    let outcome = timeout(TIME_LIMIT, case).await;
                    schema.remove().await;
                    outcome?.unwrap_or_else(|panic| resume_unwind(panic));
                    Ok(())
                })
            });
            let missing = url().is_none();
            trial.with_ignored_flag(missing)
        })
    });
    if url().is_none() {
        eprintln!("{URL_VARIABLE} is not set");
    }
    run(&Arguments::from_args(), trials.collect()).exit_code()
}
