//! Runs steps, one after the other, each exactly once.

use std::time::{Duration, Instant};

use den_backend::{Capability, Error, ErrorKind, Isolation, Result, Transaction};

use super::{
    Event, Heading, Migrator, StepId, StepReport, alone, batch,
    context::Migration,
    event::milliseconds,
    lock::{Lock, Wait},
    log::{self, State},
    registry::Action,
    situation::{self, Job},
};
use crate::{Id, Tx, TxOptions, executor::Handle, transaction};

/// How often a step is run again after an error that can be retried.
const RETRIES: u32 = 5;

/// What is to be done: steps by the ids of their entries.
#[derive(Debug)]
pub(super) enum Goal {
    /// To be applied.
    Up(Vec<String>),
    /// To be undone, in this order.
    Down(Vec<String>),
}

/// The run of a migrator.
pub(super) struct Course<'a> {
    pub(super) migrator: &'a Migrator,
    goal: Goal,
    wait: Wait,
    /// How often the step at hand was run again.
    retries: u32,
    /// The step at hand, once it was begun here.
    begun: Option<(StepId, Instant)>,
    done: Vec<StepReport>,
}

/// What was done while the lock was held.
enum Turn {
    /// There is nothing left to do.
    Nothing,
    /// A step is done.
    Done(Job),
    /// A part of it is.
    Part,
    /// A step is to be run outside of the transaction, by this holder of the lock.
    Claimed(Job, String),
}

impl<'a> Course<'a> {
    pub(super) fn new(migrator: &'a Migrator, goal: Goal) -> Self {
        Self {
            migrator,
            goal,
            wait: migrator.wait(),
            retries: 0,
            begun: None,
            done: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> Result<Vec<StepReport>> {
        prepare(self.migrator).await?;
        loop {
            match self.turn().await? {
                Turn::Nothing => return Ok(self.done),
                Turn::Part => {}
                Turn::Done(job) => self.is_done(job),
                Turn::Claimed(job, holder) => {
                    alone::run(&mut self, &job, &holder).await?;
                    self.is_done(job);
                }
            }
        }
    }

    /// Takes the lock, and does the next thing to be done.
    async fn turn(&mut self) -> Result<Turn> {
        let (tx, lock) = hold(self.migrator, &mut self.wait, Waiting::ForHolders).await?;
        let mut at = None;
        let db = &self.migrator.db;
        let work = async |tx: Tx| self.within(&tx, lock, &mut at).await;
        let outcome = transaction::attempt(db, tx, work).await;
        let error = match outcome {
            Ok(turn) => {
                self.wait.is_over();
                self.retries = 0;
                return Ok(turn);
            }
            Err(error) => error,
        };
        let Some(job) = at else {
            return Err(error);
        };
        if error.is_retryable() && self.retries < RETRIES {
            self.retries += 1;
            tracing::debug!(target: "den::migrate", %error, "running a migration again");
            self.wait.a_little(&self.migrator.observers).await?;
            return Ok(Turn::Part);
        }
        if matches!(job.action, Action::Batch(_)) {
            self.note_failure(&job, &error).await;
        }
        Err(self.has_failed(&job, error))
    }

    async fn within(&mut self, tx: &Tx, lock: Lock, at: &mut Option<Job>) -> Result<Turn> {
        let session = tx.session().await?;
        let session = &*session;
        let Some(mut job) = self.next(session).await? else {
            return Ok(Turn::Nothing);
        };
        *at = Some(job.clone());
        if lock.holder.is_some() && !job.alone {
            // It is dead.
            Lock::free().write(session).await?;
        }
        match job.action.clone() {
            Action::Run(_) if job.alone => {
                let holder = Id::<()>::generate().into_string();
                let lock = Lock {
                    holder: Some(holder.clone()),
                    step: Some(job.entry.id.clone()),
                    ..lock
                };
                lock.write(session).await?;
                job.entry.attempts += 1;
                log::write(session, &job.entry).await?;
                Ok(Turn::Claimed(job, holder))
            }
            Action::Run(work) => {
                job.entry.attempts += 1;
                let since = self.begin(&job);
                work(self.context(Handle::Tx(tx.clone()), &job)).await?;
                self.log_done(session, &mut job, since).await?;
                Ok(Turn::Done(job))
            }
            Action::Batch(batch) => {
                if job.entry.attempts == 0 || job.entry.error.take().is_some() {
                    job.entry.attempts += 1;
                }
                self.begin(&job);
                let since = Instant::now();
                let db = &self.migrator.db;
                let position = job.entry.position.take();
                let (position, is_last) = batch::run(db, session, &batch, position).await?;
                let progress = Event::Progress {
                    step: job.step.clone(),
                    done: position.done,
                    total: Some(position.total.max(position.done)),
                };
                job.entry.position = Some(position);
                if is_last {
                    self.log_done(session, &mut job, since).await?;
                    self.migrator.observers.tell(&progress);
                    return Ok(Turn::Done(job));
                }
                job.entry.duration_ms += milliseconds(since.elapsed());
                log::write(session, &job.entry).await?;
                self.migrator.observers.tell(&progress);
                Ok(Turn::Part)
            }
        }
    }

    /// The next step to be run, as the log has it now.
    async fn next(&self, session: &dyn Transaction) -> Result<Option<Job>> {
        let log = log::read(session).await?;
        let registries = &self.migrator.registries;
        match &self.goal {
            Goal::Up(ids) => {
                let pending = situation::compare(registries, &log, self.migrator.rules)?.pending;
                let next = pending.into_iter().find(|it| ids.contains(&it.id()));
                Ok(next.map(|it| Job::up(it, &log, self.migrator.db.now())))
            }
            Goal::Down(ids) => {
                let mut entries = ids
                    .iter()
                    .filter_map(|id| log.iter().find(|it| it.id == *id));
                let known = situation::known(registries)?;
                entries.next().map(|it| Job::down(&known, it)).transpose()
            }
        }
    }

    /// Has the log say that a step is done.
    pub(super) async fn log_done(
        &self,
        session: &dyn Transaction,
        job: &mut Job,
        since: Instant,
    ) -> Result<()> {
        let entry = &mut job.entry;
        match job.heading {
            Heading::Up => {
                entry.state = State::Applied;
                entry.applied_at = Some(self.migrator.db.now());
                entry.duration_ms += milliseconds(since.elapsed());
                entry.error = None;
                log::write(session, entry).await
            }
            Heading::Down => log::remove(session, &entry.id).await,
        }
    }

    /// Has the log say why a step that is not undone by the failure itself has failed, if that can be said.
    async fn note_failure(&mut self, job: &Job, error: &Error) {
        let note = async {
            let wait = &mut self.migrator.wait();
            let (tx, _lock) = hold(self.migrator, wait, Waiting::ForTheRow).await?;
            let session = tx.session().await?;
            let log = log::read(&*session).await?;
            let stored = log.into_iter().find(|it| it.id == job.entry.id);
            let mut entry = match stored {
                Some(entry) if entry.state == job.entry.state => entry,
                // Before its first batch was done there is none.
                None if job.heading == Heading::Up => job.entry.clone(),
                // Someone else has finished it meanwhile, or nothing of it was done here.
                Some(_) | None => return tx.rollback().await,
            };
            entry.attempts = entry.attempts.max(1);
            entry.error = Some(error.to_string());
            log::write(&*session, &entry).await?;
            drop(session);
            tx.commit().await
        };
        if let Err(error) = note.await {
            tracing::debug!(target: "den::migrate", %error, "could not write down why a migration failed");
        }
    }

    /// Notes that a step is begun here, and since when.
    pub(super) fn begin(&mut self, job: &Job) -> Instant {
        if let Some((step, since)) = &self.begun
            && *step == job.step
        {
            return *since;
        }
        let since = Instant::now();
        self.begun = Some((job.step.clone(), since));
        self.migrator.observers.tell(&Event::Started {
            step: job.step.clone(),
            heading: job.heading,
            attempt: job.entry.attempts,
        });
        since
    }

    pub(super) fn context(&self, handle: Handle, job: &Job) -> Migration {
        let observers = self.migrator.observers.clone();
        Migration::new(handle, job.step.clone(), job.entry.attempts, observers)
    }

    fn is_done(&mut self, job: Job) {
        let duration = self.spent();
        self.begun = None;
        self.migrator.observers.tell(&Event::Finished {
            step: job.step.clone(),
            heading: job.heading,
            duration,
        });
        self.done.push(StepReport {
            step: job.step,
            heading: job.heading,
            duration,
        });
    }

    /// The error to be reported.
    pub(super) fn has_failed(&mut self, job: &Job, error: Error) -> Error {
        self.migrator.observers.tell(&Event::Failed {
            step: job.step.clone(),
            heading: job.heading,
            duration: self.spent(),
            error: error.clone(),
        });
        failure(job, error)
    }

    fn spent(&self) -> Duration {
        self.begun
            .as_ref()
            .map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }
}

/// Whom to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Whoever holds the row, and whoever runs a step outside of a transaction.
    ForHolders,
    /// Only whoever holds the row.
    ForTheRow,
}

/// Begins a transaction that holds the lock, waiting for others.
pub(super) async fn hold(
    migrator: &Migrator,
    wait: &mut Wait,
    waiting: Waiting,
) -> Result<(Tx, Lock)> {
    loop {
        let asked = Instant::now();
        if let Some((tx, lock)) = try_to_hold(migrator).await? {
            if waiting == Waiting::ForTheRow || !wait.must_wait_for(&lock, asked) {
                return Ok((tx, lock));
            }
            tx.rollback().await?;
        }
        wait.a_little(&migrator.observers).await?;
    }
}

async fn try_to_hold(migrator: &Migrator) -> Result<Option<(Tx, Lock)>> {
    let db = &migrator.db;
    let mut options = TxOptions::new();
    if db.capabilities().has(Capability::Isolation) {
        // What was committed while the lock was not free must be seen, whatever the server's default is.
        options = options.isolation(Isolation::ReadCommitted);
    }
    let attempt = async {
        let tx = transaction::begin(db, options).await?;
        let lock = Lock::take(&*tx.session().await?).await?;
        Ok((tx, lock))
    };
    match attempt.await {
        Ok((tx, Some(lock))) => Ok(Some((tx, lock))),
        Ok((tx, None)) => tx.rollback().await.map(|()| None),
        // On SQLite, whoever writes keeps others from so much as beginning to.
        Err(error) if is_busy(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_busy(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Locked | ErrorKind::Timeout) || error.is_retryable()
}

/// Makes the log and the lock exist.
pub(super) async fn prepare(migrator: &Migrator) -> Result<()> {
    let mut wait = migrator.wait();
    loop {
        let made = async {
            log::ensure(migrator.db.backend()).await?;
            Lock::ensure(migrator.db.backend()).await
        };
        match made.await {
            Err(error) if is_busy(&error) => wait.a_little(&migrator.observers).await?,
            made => return made,
        }
    }
}

fn failure(job: &Job, cause: Error) -> Error {
    let step = &job.step;
    let message = match job.heading {
        Heading::Up => format!("the migration {step} failed"),
        Heading::Down => format!("the migration {step} could not be undone"),
    };
    let mut error = Error::new(ErrorKind::Migration, message);
    if let Some(collection) = cause.collection() {
        error = error.with_collection(collection);
    }
    if let Some(id) = cause.id() {
        error = error.with_id(id);
    }
    error.with_source(cause)
}
