//! The suite that every backend must pass.
//!
//! Each case is a function over a fresh, empty backend. A case names the capabilities it needs:
//! with them it must pass; without them the backend must refuse with `Unsupported`, and that is
//! what is checked instead.
//!
//! The test file of a backend is a `[[test]]` with `harness = false`:
//!
//! ```no_run
//! # #[cfg(feature = "memory")]
//! fn main() {
//!     den_backend::conformance::main("memory", async || {
//!         std::sync::Arc::new(den_backend::memory::MemoryBackend::new())
//!     });
//! }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```
//!
//! [`trials`] gives the same as a list, to be merged with others.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test suite: a panic is how a case fails"
)]

mod build;
#[macro_use]
mod support;

mod aggregates;
mod arrays;
mod batches;
mod choices;
mod collections;
mod compare;
mod computed;
mod computed_order;
mod concurrency;
mod constraints;
mod coverage;
mod deletes;
mod documents;
mod elements;
mod errors;
mod expectations;
mod functions;
mod group_order;
mod grouping;
mod indexes;
mod isolation;
mod linked;
mod links_at_work;
mod locks;
mod logic;
mod numbers;
mod operators;
mod operators_at_work;
mod ordering;
mod pages;
mod partial;
mod patch_limits;
mod patches;
mod paths;
mod raw;
mod refusals;
mod regex;
mod returning;
mod savepoints;
mod schema;
mod search;
mod text;
mod times;
mod transactions;
mod unique;
mod unwinding;
mod updates;
mod upserts;
mod windows;

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::{Backend, ErrorKind, conformance::support::Case};

/// Longer than any case takes, so that a deadlock is a failure and not a hang.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// One runtime for all cases, so that what a backend keeps between them stays alive.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the operating system gives two threads")
});

/// The themes, each with its cases.
const THEMES: &[(&str, &[Case])] = &[
    ("documents", documents::CASES),
    ("expectations", expectations::CASES),
    ("compare", compare::CASES),
    ("numbers", numbers::CASES),
    ("text", text::CASES),
    ("regex", regex::CASES),
    ("logic", logic::CASES),
    ("arrays", arrays::CASES),
    ("elements", elements::CASES),
    ("paths", paths::CASES),
    ("ordering", ordering::CASES),
    ("pages", pages::CASES),
    ("windows", windows::CASES),
    ("linked", linked::CASES),
    ("links_at_work", links_at_work::CASES),
    ("deletes", deletes::CASES),
    ("patches", patches::CASES),
    ("patch_limits", patch_limits::CASES),
    ("operators", operators::CASES),
    ("operators_at_work", operators_at_work::CASES),
    ("updates", updates::CASES),
    ("returning", returning::CASES),
    ("upserts", upserts::CASES),
    ("collections", collections::CASES),
    ("indexes", indexes::CASES),
    ("unique", unique::CASES),
    ("partial", partial::CASES),
    ("schema", schema::CASES),
    ("constraints", constraints::CASES),
    ("coverage", coverage::CASES),
    ("computed", computed::CASES),
    ("choices", choices::CASES),
    ("computed_order", computed_order::CASES),
    ("functions", functions::CASES),
    ("times", times::CASES),
    ("aggregates", aggregates::CASES),
    ("grouping", grouping::CASES),
    ("group_order", group_order::CASES),
    ("unwinding", unwinding::CASES),
    ("search", search::CASES),
    ("batches", batches::CASES),
    ("concurrency", concurrency::CASES),
    ("transactions", transactions::CASES),
    ("savepoints", savepoints::CASES),
    ("locks", locks::CASES),
    ("isolation", isolation::CASES),
    ("raw", raw::CASES),
    ("errors", errors::CASES),
];

/// A fresh, empty database for one case.
pub struct Fresh {
    backend: Arc<dyn Backend>,
    cleanup: Option<BoxFuture<'static, ()>>,
}

impl Fresh {
    /// A database that vanishes when its handle is closed.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            cleanup: None,
        }
    }

    /// A database that this future removes, once its handle is closed.
    pub fn with_cleanup(
        backend: Arc<dyn Backend>,
        cleanup: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            backend,
            cleanup: Some(cleanup.boxed()),
        }
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

impl From<Arc<dyn Backend>> for Fresh {
    fn from(backend: Arc<dyn Backend>) -> Self {
        Self::new(backend)
    }
}

impl<B: Backend + 'static> From<Arc<B>> for Fresh {
    fn from(backend: Arc<B>) -> Self {
        Self::new(backend)
    }
}

/// Runs every case, each on a backend that `open` makes, and ends the process.
///
/// Takes the command line of a test program: filters, `--list`, `--test-threads` and so on.
pub fn main<O, F, B>(name: &str, open: O) -> !
where
    O: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = B> + Send + 'static,
    B: Into<Fresh>,
{
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials(name, open)).exit()
}

/// Returns every case as a trial named `name::theme::case`, each on a backend that `open` makes.
pub fn trials<O, F, B>(name: &str, open: O) -> Vec<Trial>
where
    O: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = B> + Send + 'static,
    B: Into<Fresh>,
{
    let trial = |theme: &str, case: &'static Case| {
        let open = open.clone();
        Trial::test(format!("{name}::{theme}::{}", case.name), move || {
            let opened = async move { open().await.into() };
            RUNTIME.block_on(run(case, opened))
        })
    };
    THEMES
        .iter()
        .flat_map(|(theme, cases)| cases.iter().map(move |case| (*theme, case)))
        .map(|(theme, case)| trial(theme, case))
        .collect()
}

/// Returns the same trials as [`trials`], marked as ignored, for a backend that cannot be opened
/// here; run all the same, each fails with this reason.
pub fn skipped(name: &str, reason: &str) -> Vec<Trial> {
    let cases = THEMES
        .iter()
        .flat_map(|(theme, cases)| cases.iter().map(move |case| (*theme, case)));
    cases
        .map(|(theme, case)| {
            let reason = reason.to_owned();
            Trial::test(format!("{name}::{theme}::{}", case.name), move || {
                Err(Failed::from(reason))
            })
            .with_ignored_flag(true)
        })
        .collect()
}

async fn run(case: &Case, open: impl Future<Output = Fresh>) -> Result<(), Failed> {
    let Fresh { backend, cleanup } = open.await;
    let outcome = {
        let check = check(case, &*backend);
        let limited = tokio::time::timeout(TIME_LIMIT, check);
        AssertUnwindSafe(limited).catch_unwind().await
    };
    // A case may have closed it itself.
    let closed = tokio::time::timeout(TIME_LIMIT, backend.close()).await;
    drop(backend);
    if let Some(cleanup) = cleanup {
        cleanup.await;
    }
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(Failed::from("the case did not end: a deadlock?")),
        Err(panic) => return Err(Failed::from(panic_text(&*panic))),
    }
    match closed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionLost => Ok(()),
        Ok(Err(error)) => Err(Failed::from(format!("close failed: {error}"))),
        Err(_) => Err(Failed::from("close did not end")),
    }
}

async fn check(case: &Case, backend: &dyn Backend) {
    let capabilities = backend.capabilities();
    let missing = case.needs.iter().find(|it| !capabilities.has(**it));
    match missing {
        None => (case.run)(backend).await,
        Some(missing) => refusals::check(backend, *missing).await,
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the case panicked").to_owned()
}
