//! The calls so far, and the faults to come.

use den_backend::{Error, Result};

use crate::testing::{
    Recorder,
    call::{Call, Outcome},
    fault::{Faults, Strike},
};

/// What the clones of a recorder share.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The calls that were not taken out yet.
    pub(super) calls: Vec<Call>,
    /// So many calls were taken out before them.
    taken: u64,
    /// So many calls were counted for faults.
    pub(super) counted: u64,
    /// Whether a fault was injected since the last healing.
    injected: bool,
    pub(super) faults: Faults,
}

impl Log {
    pub(super) fn take(&mut self) -> Vec<Call> {
        self.taken = self.next_number();
        std::mem::take(&mut self.calls)
    }

    pub(super) fn heal(&mut self) -> bool {
        self.faults.clear();
        std::mem::take(&mut self.injected)
    }

    fn next_number(&self) -> u64 {
        self.taken + self.calls.len() as u64
    }

    /// The call of this number, unless it was taken out meanwhile.
    fn call(&mut self, number: u64) -> Option<&mut Call> {
        let index = number.checked_sub(self.taken)?;
        self.calls.get_mut(usize::try_from(index).ok()?)
    }
}

/// A place in the log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    recorder: Recorder,
    number: u64,
}

impl Entry {
    /// Adds to the rows of the call.
    pub(super) fn add_rows(&self, rows: u64) {
        self.change(|call| call.rows = Some(call.rows.unwrap_or(0) + rows));
    }

    /// Says why the call failed.
    pub(super) fn fail(&self, error: &Error) {
        self.change(|call| call.outcome = Outcome::Failed(error.kind()));
    }

    /// Counts a row of this call for faults, and fails in its place if its turn has come.
    pub(super) fn count_row(&self, collection: &str) -> Result<()> {
        let mut log = self.recorder.log();
        let Some(error) = log.faults.at_row(collection) else {
            return Ok(());
        };
        log.injected = true;
        drop(log);
        self.change(|call| call.outcome = Outcome::Injected);
        Err(error)
    }

    fn change(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.recorder.log().call(self.number) {
            change(call);
        }
    }
}

/// A call that is written down and is to be run.
#[derive(Debug)]
#[must_use = "a call does nothing until it is run"]
pub(super) struct Started {
    pub(super) entry: Entry,
    strike: Option<Strike>,
}

impl Started {
    pub(super) fn new(recorder: &Recorder, call: Call) -> Self {
        let mut log = recorder.log();
        let strike = log.faults.at_call(&call);
        log.injected |= strike.is_some();
        log.counted += u64::from(!call.method.is_rollback());
        let entry = Entry {
            recorder: recorder.clone(),
            number: log.next_number(),
        };
        log.calls.push(call);
        Self { entry, strike }
    }

    /// Whether the call will fail instead of being carried out.
    pub(super) fn is_prevented(&self) -> bool {
        matches!(self.strike, Some(Strike::Prevented(_)))
    }

    /// Carries the call out, or has it fail. `work` must do nothing before it is polled.
    pub(super) async fn run<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (answer, outcome) = match self.strike {
            None => match work.await {
                Ok(answer) => (Ok(answer), Outcome::Done),
                Err(error) => {
                    let outcome = Outcome::Failed(error.kind());
                    (Err(error), outcome)
                }
            },
            Some(Strike::Prevented(error)) => (Err(error), Outcome::Injected),
            Some(Strike::AnswerLost(error)) => {
                let error = match work.await {
                    Ok(_) => error,
                    Err(cause) => error.with_source(cause),
                };
                (Err(error), Outcome::Injected)
            }
        };
        self.entry.change(|call| call.outcome = outcome);
        answer
    }
}
