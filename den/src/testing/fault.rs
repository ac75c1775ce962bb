//! Which call or row fails, and how.

use den_backend::{Error, ErrorKind};

use crate::testing::call::{Call, Method};

/// One fault to inject, once; given to [`Recorder::inject`](super::Recorder::inject).
///
/// ```
/// use den::{
///     Error, ErrorKind,
///     testing::{Fault, Method},
/// };
///
/// let second_comment = Fault::at(2).of(Method::Put).on("comments");
/// let worth_another_try = Fault::at(1)
///     .of(Method::Commit)
///     .error(Error::new(ErrorKind::Serialization, "someone else was faster"));
/// # let _ = (second_comment, worth_another_try);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is given to `Recorder::inject`"]
pub struct Fault {
    moment: Moment,
    /// So many matching calls or rows are left, the one that fails included.
    left: u64,
    method: Option<Method>,
    collection: Option<String>,
    error: Option<Error>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Instead of the call.
    Before,
    /// After the call was carried out.
    After,
    /// Instead of a row.
    Row,
}

/// A fault whose turn has come at a call.
#[derive(Debug)]
pub(super) enum Strike {
    /// The call is not carried out.
    Prevented(Error),
    /// The call is carried out, and what it answers is not passed on.
    AnswerLost(Error),
}

impl Fault {
    /// The `n`-th call from now, counted from 1, fails instead of being carried out.
    ///
    /// # Panics
    ///
    /// If `n` is 0, here and in the other two: a test that injects nothing proves nothing.
    pub fn at(n: u64) -> Self {
        Self::new(Moment::Before, n)
    }

    /// The `n`-th call from now is carried out, but its answer is lost.
    pub fn after(n: u64) -> Self {
        Self::new(Moment::After, n)
    }

    /// The `n`-th row from now of any query fails instead of being delivered.
    pub fn row(n: u64) -> Self {
        Self::new(Moment::Row, n)
    }

    fn new(moment: Moment, n: u64) -> Self {
        assert!(n > 0, "calls and rows are counted from 1");
        Self {
            moment,
            left: n,
            method: None,
            collection: None,
            error: None,
        }
    }

    /// Counts only calls of this method. A rollback is never hindered.
    pub fn of(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Counts only calls and rows of this collection.
    pub fn on(mut self, collection: impl Into<String>) -> Self {
        self.collection = Some(collection.into());
        self
    }

    /// Fails with this error, in place of `injected fault` of kind `Backend` (`CommitUnknown` for
    /// a commit whose answer is lost).
    pub fn error(mut self, error: Error) -> Self {
        self.error = Some(error);
        self
    }

    fn counts(&self, method: Method, collection: Option<&str>) -> bool {
        self.method.is_none_or(|it| it == method)
            && (self.collection.is_none() || self.collection.as_deref() == collection)
    }

    fn into_error(self, method: Method) -> Error {
        let kind = if self.moment == Moment::After && method == Method::Commit {
            ErrorKind::CommitUnknown
        } else {
            ErrorKind::Backend
        };
        self.error
            .unwrap_or_else(|| Error::new(kind, "injected fault"))
    }
}

/// The faults that are still to strike.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a call, and returns the fault that strikes at it.
    pub(super) fn at_call(&mut self, call: &Call) -> Option<Strike> {
        if call.method.is_rollback() {
            return None;
        }
        let fault = self.due(|it| {
            it.moment != Moment::Row && it.counts(call.method, call.collection.as_deref())
        })?;
        let is_carried_out = fault.moment == Moment::After;
        let error = fault.into_error(call.method);
        Some(if is_carried_out {
            Strike::AnswerLost(error)
        } else {
            Strike::Prevented(error)
        })
    }

    /// Counts a row, and returns why it fails if it does.
    pub(super) fn at_row(&mut self, collection: &str) -> Option<Error> {
        let fault =
            self.due(|it| it.moment == Moment::Row && it.counts(Method::Query, Some(collection)))?;
        Some(fault.into_error(Method::Query))
    }

    /// Counts down what is concerned. Of several faults due at once the first one added strikes;
    /// the others are spent as well.
    fn due(&mut self, concerns: impl Fn(&Fault) -> bool) -> Option<Fault> {
        for fault in self.0.iter_mut().filter(|it| concerns(it)) {
            fault.left -= 1;
        }
        let mut due = None;
        for fault in self.0.extract_if(.., |it| it.left == 0) {
            due.get_or_insert(fault);
        }
        due
    }
}
