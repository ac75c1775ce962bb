//! The connection of one transaction: in which order things are sent on it, and what a failure
//! leaves behind.
//!
//! - Calls pipeline: each sends what it has in one go and then waits for its own answers.
//! - `BEGIN` travels with the first call, unless that writes: if `BEGIN` failed, a write sent with it
//!   would be done outside of any transaction. Where nothing can be written, other calls may follow
//!   before it is answered.
//! - A call that may fail is sent between `SAVEPOINT` and `RELEASE` in one flush; only when it fails
//!   does a second round trip take it back. Calls that were sent meanwhile fail with `25P02` and
//!   nothing done, and are sent again once nothing else is under way.
//! - A call that was begun runs to its end even if its future is dropped, so a transaction never
//!   stands between a failure and its repair.

mod alone;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use deadpool_postgres::ClientWrapper;
use den_backend::{Error, ErrorKind, Result};
use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};
use tokio_postgres::{Statement, types::Type};

use crate::{
    call::{Answer, Call, Effect, Guard, collect, open_unnamed},
    error::{Doing, classify, is_aborted_transaction, is_fatal, is_stale_statement},
    pipeline::{Started, start, to_the_end},
    pool::{Lease, SETTLE, Usage, in_background},
    url::Statements,
};

pub(crate) use self::alone::Alone;

const MARK: &str = "SAVEPOINT den_call";
const RELEASE: &str = "RELEASE SAVEPOINT den_call";
const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT den_call; RELEASE SAVEPOINT den_call";
const MARK_BATCH: &str = "SAVEPOINT den_batch";
const RELEASE_BATCH: &str = "RELEASE SAVEPOINT den_batch";
const TAKE_BACK_BATCH: &str = "ROLLBACK TO SAVEPOINT den_batch; RELEASE SAVEPOINT den_batch";

/// How the `BEGIN` of a transaction ends that cannot write.
const READ_ONLY: &str = "READ ONLY";

/// `COMMIT` of a broken transaction is answered with success, although it rolls back; the savepoint
/// in front of it fails there, and costs no round trip.
const COMMIT: &str = "SAVEPOINT den_end; COMMIT";

/// One transaction on its connection.
pub(crate) struct Session {
    lease: Lease,
    statements: Statements,
    begin: &'static str,
    /// Whether the server may end any statement because of a time limit.
    time_limits: bool,
    /// Held while a call sends, so that no other call's messages come between.
    order: Mutex<()>,
    /// Held by each call, and alone by what ends or divides the transaction.
    turns: Arc<RwLock<()>>,
    /// Whether it cannot write.
    reads_only: bool,
    /// Whether `BEGIN` was sent.
    sent: AtomicBool,
    begun: AtomicBool,
    ended: AtomicBool,
    /// Whether tables may have changed here, so that a read may fail for want of one.
    redefined: AtomicBool,
    /// The failure after which nothing but a rollback is possible.
    doom: Mutex<Option<Error>>,
}

/// The right to send.
pub(crate) enum Turn {
    /// With others.
    Shared { _held: OwnedRwLockReadGuard<()> },
    /// While nothing else is under way.
    Alone { _held: OwnedRwLockWriteGuard<()> },
}

/// What one flush of a call led to.
enum Step {
    /// The statement is ready to be run.
    Prepared(Statement),
    /// It was run.
    Answered(Answer),
}

impl Session {
    pub(crate) fn new(
        lease: Lease,
        statements: Statements,
        begin: &'static str,
        time_limits: bool,
    ) -> Self {
        Self {
            lease,
            statements,
            begin,
            time_limits,
            order: Mutex::default(),
            turns: Arc::default(),
            reads_only: begin.ends_with(READ_ONLY),
            sent: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            redefined: AtomicBool::new(false),
            doom: Mutex::default(),
        }
    }

    /// Runs a call and reads all it answers.
    pub(crate) async fn run(self: &Arc<Self>, call: Call) -> Result<Answer> {
        let turn = self.turn().await?;
        to_the_end(Arc::clone(self).perform(turn, call)).await
    }

    /// Runs a command such as `SAVEPOINT`, alone. `ROLLBACK TO` works in a broken transaction too,
    /// and mends it.
    pub(crate) async fn command(self: &Arc<Self>, text: String, mends: Mends) -> Result<()> {
        self.command_of(text, mends, || Ok(()), || {}).await
    }

    /// As [`command`](Self::command), if `check` allows it once it is this command's turn; `done`
    /// notes that it was carried out. A call that is dropped before its turn has then done neither.
    pub(crate) async fn command_of(
        self: &Arc<Self>,
        text: String,
        mends: Mends,
        check: impl FnOnce() -> Result<()> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        let alone = self.turn_alone().await?;
        let this = Arc::clone(self);
        to_the_end(async move {
            let _alone = alone;
            match mends {
                Mends::Yes => {}
                Mends::No => this.check()?,
            }
            check()?;
            this.begin().await?;
            this.command_now(&text).await?;
            done();
            match mends {
                Mends::Yes => *lock(&this.doom) = None,
                Mends::No => {}
            }
            Ok(())
        })
        .await
    }

    /// Runs several calls as one, alone: all of them are done and `accept` agrees, or none is.
    /// Returns the answers, and whether they were accepted.
    pub(crate) async fn batch(
        self: &Arc<Self>,
        calls: Vec<Call>,
        accept: impl FnOnce(&[Answer]) -> bool + Send + 'static,
    ) -> Result<(Vec<Answer>, bool)> {
        let alone = self.turn_alone().await?;
        let this = Arc::clone(self);
        to_the_end(async move {
            let _alone = alone;
            this.check()?;
            this.begin().await?;
            let mut outcome = this.batch_once(&calls).await;
            if let Err(error) = &outcome
                && is_stale_statement(error)
            {
                this.client().statement_cache.clear();
                this.check()?;
                outcome = this.batch_once(&calls).await;
            }
            let answers = outcome?;
            let accepted = accept(&answers);
            this.end_batch(accepted).await?;
            Ok((answers, accepted))
        })
        .await
    }

    /// Commits. No other call is accepted from here on, whatever comes of it.
    pub(crate) async fn commit(self: Arc<Self>) -> Result<()> {
        let alone = self.turn_alone().await?;
        to_the_end(async move {
            let _alone = alone;
            self.ended.store(true, Ordering::Release);
            self.commit_now().await
        })
        .await
    }

    /// Rolls back, ending what is still under way.
    pub(crate) async fn rollback(self: Arc<Self>) -> Result<()> {
        let alone = self.turn_to_end().await?;
        to_the_end(async move {
            let _alone = alone;
            self.ended.store(true, Ordering::Release);
            self.rollback_now().await
        })
        .await
    }

    /// Ends what is under way, because nobody is left to be told. The connection is rolled back when
    /// the last call lets go of it.
    pub(crate) fn abandon(self: Arc<Self>) {
        // Calls under way hold the session too.
        if Arc::strong_count(&self) > 1 {
            in_background(async move { drop(self.turn_to_end().await) });
        }
    }

    fn client(&self) -> &ClientWrapper {
        self.lease.client()
    }

    /// Waits for the right to send. The first call of all goes alone, as no write may be sent behind a
    /// `BEGIN` that is not answered yet.
    async fn turn(&self) -> Result<Turn> {
        let turns = Arc::clone(&self.turns);
        if self.reads_only || self.begun.load(Ordering::Acquire) {
            let held = turns.read_owned().await;
            self.check_running()?;
            return Ok(Turn::Shared { _held: held });
        }
        let held = turns.write_owned().await;
        self.check_running()?;
        Ok(if self.begun.load(Ordering::Acquire) {
            Turn::Shared {
                _held: held.downgrade(),
            }
        } else {
            Turn::Alone { _held: held }
        })
    }

    async fn turn_alone(&self) -> Result<Turn> {
        let held = Arc::clone(&self.turns).write_owned().await;
        self.check_running()?;
        Ok(Turn::Alone { _held: held })
    }

    /// As [`turn_alone`](Self::turn_alone), cancelling a call that takes longer than a moment: it was
    /// abandoned, or is not wanted any more.
    async fn turn_to_end(&self) -> Result<Turn> {
        match timeout(SETTLE, self.turn_alone()).await {
            Ok(turn) => turn,
            Err(_too_long) => {
                self.lease.cancel();
                self.turn_alone().await
            }
        }
    }

    fn check_running(&self) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(over());
        }
        Ok(())
    }

    /// Fails if only a rollback is possible.
    fn check(&self) -> Result<()> {
        match &*lock(&self.doom) {
            Some(first) => Err(ended_by(first)),
            None => Ok(()),
        }
    }

    async fn perform(self: Arc<Self>, turn: Turn, call: Call) -> Result<Answer> {
        self.check()?;
        let outcome = self.attempt(&call).await;
        let Err(error) = outcome else { return outcome };
        if is_aborted_transaction(&error) {
            // Another call failed while this one was on its way. That call repairs the transaction
            // before it gives up its turn.
            drop(turn);
            let _alone = self.turn_alone().await?;
            self.check()?;
            return self.attempt(&call).await.map_err(|error| {
                if is_aborted_transaction(&error) {
                    self.doomed_by(error)
                } else {
                    error
                }
            });
        }
        if is_stale_statement(&error) {
            self.client().statement_cache.clear();
            self.check()?;
            return self.attempt(&call).await;
        }
        Err(error)
    }

    async fn attempt(&self, call: &Call) -> Result<Answer> {
        call.check()?;
        self.lease.trim();
        if call.redefines {
            self.note_redefined();
        }
        match call.effect {
            Effect::Read => {}
            Effect::Write => self.begin().await?,
        }
        let mut statement = None;
        loop {
            match self.flush(call, statement.as_ref()).await? {
                Step::Prepared(it) => statement = Some(it),
                Step::Answered(answer) => return Ok(answer),
            }
        }
    }

    /// Has later reads guarded as well.
    fn note_redefined(&self) {
        self.redefined.store(true, Ordering::Release);
    }

    /// Sends as much of a call as can be sent, and waits for all of it.
    async fn flush(&self, call: &Call, statement: Option<&Statement>) -> Result<Step> {
        let guarded = match call.guard {
            Guard::Savepoint => true,
            Guard::TimeLimit => self.time_limits || self.redefined.load(Ordering::Acquire),
        };
        let client = self.client();
        let types = call.types();
        let (begin, mark, step, release) = {
            let _in_order = lock(&self.order);
            (
                self.start_begin(),
                guarded.then(|| start(client.batch_execute(MARK))),
                self.start_step(call, &types, statement),
                guarded.then(|| start(client.batch_execute(RELEASE))),
            )
        };
        if let Some(begin) = begin {
            self.has_begun(begin.answer().await)?;
        }
        let marked = answer(mark).await;
        let step = step.answer().await;
        let released = answer(release).await;
        let is_released = guarded && released.is_ok();
        let error = match step {
            Ok(step) => match marked.and(released) {
                Ok(()) => return Ok(step),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let error = classify(error, Doing::Call);
        if is_released && !is_fatal(&error) {
            // The server knows of no failure: nothing was sent, or an answer could not be read.
            return Err(error);
        }
        if is_aborted_transaction(&error) {
            return Err(error);
        }
        if !guarded || is_fatal(&error) {
            return Err(self.doomed_by(error));
        }
        if let Err(failed) = client.batch_execute(TAKE_BACK).await {
            self.doomed_by(classify(failed, Doing::Call));
        }
        Err(error)
    }

    async fn batch_once(&self, calls: &[Call]) -> Result<Vec<Answer>> {
        self.command_now(MARK_BATCH).await?;
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            match self.attempt(call).await {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    if !is_fatal(&error) && self.command_now(TAKE_BACK_BATCH).await.is_ok() {
                        *lock(&self.doom) = None;
                    }
                    return Err(error);
                }
            }
        }
        Ok(answers)
    }

    async fn end_batch(&self, accepted: bool) -> Result<()> {
        self.command_now(match accepted {
            true => RELEASE_BATCH,
            false => TAKE_BACK_BATCH,
        })
        .await
    }

    async fn command_now(&self, text: &str) -> Result<()> {
        let outcome = self.client().batch_execute(text).await;
        outcome.map_err(|error| self.doomed_by(classify(error, Doing::Call)))
    }

    fn start_step<'a>(
        &'a self,
        call: &'a Call,
        types: &'a [Type],
        statement: Option<&Statement>,
    ) -> Started<'a, Result<Step, tokio_postgres::Error>> {
        let client = self.client();
        let run = |statement: Statement| {
            start(async move {
                let rows = client.query_raw(&statement, &call.params).await?;
                collect(rows).await.map(Step::Answered)
            })
        };
        if let Some(statement) = statement {
            return run(statement.clone());
        }
        match self.statements {
            Statements::Unnamed => start(async move {
                let rows = open_unnamed(client, call).await?;
                collect(rows).await.map(Step::Answered)
            }),
            Statements::Cached => match start(client.prepare_typed_cached(&call.sql, types)) {
                Started::Done(Ok(statement)) => run(statement),
                Started::Done(Err(error)) => Started::Done(Err(error)),
                Started::Waiting(prepared) => {
                    Started::Waiting(Box::pin(async move { prepared.await.map(Step::Prepared) }))
                }
            },
        }
    }

    /// Begins, if that was not done yet, and waits for it.
    async fn begin(&self) -> Result<()> {
        match self.start_begin() {
            Some(begin) => self.has_begun(begin.answer().await),
            None => Ok(()),
        }
    }

    fn start_begin(&self) -> Option<Started<'_, Result<(), tokio_postgres::Error>>> {
        if self.sent.swap(true, Ordering::AcqRel) {
            return None;
        }
        // From here on a dropped connection is rolled back.
        self.lease.set_usage(Usage::Transaction);
        Some(start(self.client().batch_execute(self.begin)))
    }

    fn has_begun(&self, outcome: Result<(), tokio_postgres::Error>) -> Result<()> {
        self.begun.store(true, Ordering::Release);
        outcome.map_err(|error| self.doomed_by(classify(error, Doing::Call)))
    }

    /// Notes that nothing but a rollback is possible after this error.
    fn doomed_by(&self, error: Error) -> Error {
        if is_fatal(&error) {
            self.lease.set_usage(Usage::Broken);
        }
        lock(&self.doom).get_or_insert_with(|| error.clone());
        error
    }

    async fn commit_now(&self) -> Result<()> {
        let doom = lock(&self.doom).take();
        if let Some(first) = doom {
            let _ended_either_way = self.rollback_now().await;
            return Err(not_committed(&first));
        }
        if !self.begun.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.client().is_closed() {
            self.lease.set_usage(Usage::Broken);
            return Err(Error::new(
                ErrorKind::ConnectionLost,
                "the connection to the server was lost before the commit; everything is rolled back",
            ));
        }
        let Err(error) = self.client().batch_execute(COMMIT).await else {
            self.lease.set_usage(Usage::Idle);
            return Ok(());
        };
        let error = classify(error, Doing::Commit);
        if is_fatal(&error) {
            self.lease.set_usage(Usage::Broken);
            return Err(error);
        }
        let _ended_either_way = self.rollback_now().await;
        if is_aborted_transaction(&error) {
            return Err(not_committed(&error));
        }
        Err(error)
    }

    async fn rollback_now(&self) -> Result<()> {
        if !self.begun.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.client().batch_execute("ROLLBACK").await {
            Ok(()) => {
                self.lease.set_usage(Usage::Idle);
                Ok(())
            }
            Err(error) => {
                // The server rolls back what loses its connection.
                self.lease.set_usage(Usage::Broken);
                let error = classify(error, Doing::Call);
                match is_fatal(&error) {
                    true => Ok(()),
                    false => Err(error),
                }
            }
        }
    }
}

/// Whether a command repairs a broken transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mends {
    /// It does.
    Yes,
    /// It fails in one.
    No,
}

async fn answer(
    started: Option<Started<'_, Result<(), tokio_postgres::Error>>>,
) -> Result<(), tokio_postgres::Error> {
    match started {
        Some(started) => started.answer().await,
        None => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of every call after the end.
pub(crate) fn over() -> Error {
    Error::new(
        ErrorKind::TransactionClosed,
        "the transaction is already committed or rolled back",
    )
}

fn ended_by(first: &Error) -> Error {
    after(
        first,
        "the database ended the transaction after an earlier error; roll it back",
    )
}

fn not_committed(first: &Error) -> Error {
    after(
        first,
        "the transaction was not committed, because the database had ended it after an earlier error",
    )
}

/// An error of the first one's kind where that says whether to try again, with it as the source.
fn after(first: &Error, message: &'static str) -> Error {
    let retry = [
        ErrorKind::Serialization,
        ErrorKind::Deadlock,
        ErrorKind::Locked,
        ErrorKind::ConnectionLost,
    ];
    let kind = match retry.contains(&first.kind()) {
        true => first.kind(),
        false => ErrorKind::TransactionClosed,
    };
    let error = Error::new(kind, message).with_source(first.clone());
    match first.code() {
        Some(code) => error.with_code(code),
        None => error,
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("lease", &self.lease)
            .field("begun", &self.begun)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
