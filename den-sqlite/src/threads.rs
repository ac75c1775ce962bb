//! Threads for work that may block: scans, batches, waits for a lock, checkpoints.
//!
//! They are den's own rather than tokio's, because a call into a waiting thread costs half as much
//! as `spawn_blocking`, and because a rollback must also run where no runtime is left.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use den_backend::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// A set of threads that grows with the work at hand.
///
/// It needs no limit of its own: every job holds a connection, and those are limited.
pub(crate) struct Threads(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    alive: usize,
    stopping: bool,
}

impl Threads {
    /// No threads yet.
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs a job on another thread; drops it where no thread can be had.
    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock();
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() {
            drop(state);
            self.0.wake.notify_one();
            return;
        }
        state.alive += 1;
        drop(state);
        let shared = Arc::clone(&self.0);
        let spawned = std::thread::Builder::new()
            .name("den-sqlite".into())
            .spawn(move || shared.work());
        if spawned.is_ok() {
            return;
        }
        let mut state = self.0.lock();
        state.alive -= 1;
        // A thread that is busy now takes the job later; without any, nobody would. A job that is
        // dropped gives its connection back, and its caller an error.
        if state.alive == 0 {
            let jobs = std::mem::take(&mut state.jobs);
            drop(state);
            drop(jobs);
        }
    }

    /// Runs `work` on another thread and returns its answer.
    ///
    /// # Behavior
    ///
    /// - Dropping the future does not stop the work; its answer is then dropped on that thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let (send, receive) = oneshot::channel();
        self.spawn(move || drop(send.send(work())));
        receive.await.map_err(|_| panicked())
    }
}

/// The error for work whose thread ended without a word.
pub(crate) fn panicked() -> Error {
    Error::new(
        ErrorKind::Backend,
        "a thread of the SQLite backend panicked, or could not be started",
    )
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A panic belongs to the one job; its caller learns of it through the channel.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            if state.stopping {
                break;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .wake
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                break;
            }
        }
        state.alive -= 1;
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.lock().stopping = true;
        self.0.wake.notify_all();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("Threads")
            .field("alive", &state.alive)
            .field("idle", &state.idle)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_side_by_side() {
        let threads = Threads::new();
        let (send, receive) = std::sync::mpsc::channel();
        let waits = threads.run(move || receive.recv());
        let answers = threads.run(move || send.send(7));
        let (waited, answered) = tokio::join!(waits, answers);
        assert_eq!(waited.unwrap(), Ok(7));
        assert!(answered.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_ends_no_other_job() {
        let threads = Threads::new();
        let error = threads.run(|| panic!("boom")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert_eq!(threads.run(|| 1).await.unwrap(), 1);
    }
}
