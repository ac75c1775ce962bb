//! Runs one case: on a runtime of its own, for a limited time.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::{Once, mpsc},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use libtest_mimic::Failed;
use tokio::runtime::Runtime;

use crate::{Target, TestDb};

/// Far longer than any case takes, so that a deadlock is a failure and not a hang.
const TIME_LIMIT: Duration = Duration::from_secs(150);

type Together = for<'a> fn(&'a [TestDb]) -> BoxFuture<'a, ()>;

pub(super) fn each<F>(name: &str, target: Target, body: F) -> Result<(), Failed>
where
    F: for<'a> FnOnce(&'a TestDb) -> BoxFuture<'a, ()> + Send + 'static,
{
    limited(name, async move {
        let on = TestDb::open(target).await;
        let outcome = caught(body(&on)).await;
        tidy_up(vec![on], outcome).await
    })
}

pub(super) fn together(name: &str, targets: &[Target], body: Together) -> Result<(), Failed> {
    let targets = targets.to_vec();
    limited(name, async move {
        let mut on = Vec::new();
        for target in targets {
            on.push(TestDb::open(target).await);
        }
        let outcome = caught(body(&on)).await;
        tidy_up(on, outcome).await
    })
}

pub(super) fn alone(name: &str, body: fn() -> BoxFuture<'static, ()>) -> Result<(), Failed> {
    limited(name, caught(body()))
}

/// Runs a case on threads of its own. What hangs, even without ever yielding, is a failure.
fn limited(
    name: &str,
    case: impl Future<Output = Result<(), String>> + Send + 'static,
) -> Result<(), Failed> {
    remember_panics();
    let runtime = runtime();
    let (done, outcome) = mpsc::channel();
    runtime.spawn(async move {
        let outcome = caught(case).await;
        // Nobody listens any more once the time is over.
        drop(done.send(outcome.and_then(|it| it)));
    });
    let outcome = outcome.recv_timeout(TIME_LIMIT);
    // A task or thread that hangs must not hold up the other cases.
    runtime.shutdown_background();
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(message)) => Err(message.into()),
        Err(_) => Err(format!("{name} did not end within {TIME_LIMIT:?}: a deadlock?").into()),
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the operating system gives two threads")
}

async fn caught<T>(case: impl Future<Output = T>) -> Result<T, String> {
    let outcome = AssertUnwindSafe(case).catch_unwind().await;
    outcome.map_err(|panic| text_of(&*panic))
}

/// Closes the databases, and removes them unless there is something to look at.
async fn tidy_up(on: Vec<TestDb>, outcome: Result<(), String>) -> Result<(), String> {
    let mut problems = outcome.err();
    for it in &on {
        if let Err(problem) = it.close().await {
            // What the case itself has to say matters more.
            problems.get_or_insert(problem);
        }
    }
    let Some(mut message) = problems else {
        for it in on {
            it.remove().await;
        }
        return Ok(());
    };
    for it in on {
        if let Some(place) = it.whereabouts() {
            message.push_str("\nleft behind: ");
            message.push_str(&place);
        }
        it.keep();
    }
    Err(message)
}

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Has panics remembered instead of printed: a failure names the place, and a case may provoke a
/// panic without noise.
fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            PLACE.set(info.location().map(ToString::to_string));
        }));
    });
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the case panicked");
    match PLACE.take() {
        Some(place) => format!("{place}: {text}"),
        None => text.to_owned(),
    }
}
