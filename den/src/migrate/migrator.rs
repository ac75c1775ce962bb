//! Runs the steps of registries on one database.

use std::time::Duration;

use den_backend::{Capability, Error, ErrorKind, Result};

use super::{
    Event, MigrationPlan, PlannedStep, Registry, StepKind, StepReport, StepState, StepStatus,
    event::Observers,
    lock::Wait,
    log::{self, Entry},
    run::{Course, Goal, Waiting, hold, prepare},
    situation::{self, Job, Rules},
    version,
};
use crate::Db;

/// How long others wait for a sign of life.
const LEASE: Duration = Duration::from_secs(20);

/// Brings a database to the state that registries describe, and back.
///
/// # Behavior
///
/// - Registries are run in the order in which they were given, each in the order of its versions.
/// - Any number of processes may start at once: each step is done by one of them, and all return when
///   everything is done.
/// - What happens is told to [`on_event`](Self::on_event), and to `tracing` with the target `den::migrate`.
///
/// ```
/// use den::{migrate::{Migrator, Registry}, prelude::*};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let shop = Registry::new("shop").step("20260216", "first customer", async |m| {
///     m.create_collection("customers").await?;
///     m.collection("customers").insert(serde_json::json!({ "name": "Ada" })).await?;
///     Ok(())
/// });
/// let db = Db::open("sqlite://:memory:").await?;
/// let migrator = Migrator::new(&db).with(shop);
///
/// println!("{}", migrator.plan().await?); // shop/20260216 (first customer)
/// let done = migrator.up().await?;
/// assert_eq!(done.len(), 1);
/// assert!(migrator.up().await?.is_empty());
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "a migrator does nothing until it is told which way"]
pub struct Migrator {
    pub(super) db: Db,
    pub(super) registries: Vec<Registry>,
    pub(super) rules: Rules,
    pub(super) lease: Duration,
    wait_at_most: Option<Duration>,
    pub(super) observers: Observers,
}

impl Migrator {
    /// For a database, without steps yet.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            registries: Vec::new(),
            rules: Rules::default(),
            lease: LEASE,
            wait_at_most: None,
            observers: Observers::default(),
        }
    }

    /// Adds the steps of a registry, behind those of the ones before.
    pub fn with(mut self, registry: Registry) -> Self {
        self.registries.push(registry);
        self
    }

    /// Also runs steps that are older than ones that were applied, as after two branches were merged.
    pub fn allow_out_of_order(mut self) -> Self {
        self.rules.out_of_order = true;
        self
    }

    /// Also goes on where the log has steps that are not declared, although newer ones are. Steps newer than
    /// all declared ones, as of a newer release, never keep it from going on.
    pub fn allow_missing(mut self) -> Self {
        self.rules.missing = true;
        self
    }

    /// How long a process that runs a step outside of a transaction may give no sign of life before another
    /// takes over; 20 seconds unless said. At least a second.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Gives up, with `Locked`, when someone else has been at it for so long. Without it, waits for as long
    /// as it takes.
    pub fn wait_at_most(mut self, limit: Duration) -> Self {
        self.wait_at_most = Some(limit);
        self
    }

    /// Tells what happens, as it happens. The closure must not take long.
    pub fn on_event(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.add(observer);
        self
    }

    /// Runs all steps that were not applied yet; answers those that this process has done.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a mistake in a registry: nothing is done then.
    /// - `Migration` for a step that failed, with the cause as its source: steps before it stay applied, and
    ///   it leaves nothing half done if it runs in a transaction. Also for a log that does not fit what is
    ///   declared: nothing is done then.
    /// - `Unsupported` on a backend without transactions and row locks, and within a transaction of this
    ///   database.
    pub async fn up(&self) -> Result<Vec<StepReport>> {
        let pending = self.pending().await?;
        self.apply(pending.iter().map(situation::Known::id).collect())
            .await
    }

    /// Runs the next step that was not applied yet, if there is one.
    ///
    /// # Errors
    ///
    /// As [`up`](Self::up).
    pub async fn up_one(&self) -> Result<Vec<StepReport>> {
        let pending = self.pending().await?;
        self.apply(pending.iter().take(1).map(situation::Known::id).collect())
            .await
    }

    /// Runs the steps up to this version, which is included: `"20260216"`, or with several registries
    /// `"shop/20260216"`, which is about that one alone.
    ///
    /// # Errors
    ///
    /// As [`up`](Self::up); `InvalidQuery` for a version that is not declared.
    pub async fn up_to(&self, version: &str) -> Result<Vec<StepReport>> {
        let (namespace, version) = self.place(version)?;
        let mut pending = self.pending().await?;
        pending.retain(|it| {
            it.namespace == namespace && version::compare(&it.step.version, version).is_le()
        });
        self.apply(pending.iter().map(situation::Known::id).collect())
            .await
    }

    /// Undoes the step that was applied last, if there is one.
    ///
    /// # Errors
    ///
    /// - `Migration` for a step of which nothing says how to undo it, that this program does not know, or
    ///   that failed.
    /// - Else as [`up`](Self::up).
    pub async fn down(&self) -> Result<Vec<StepReport>> {
        let mut entries = self.ours().await?;
        let last = entries.pop();
        self.undo(last.into_iter().collect()).await
    }

    /// Undoes the steps newer than this version, which stays, the last applied first; see
    /// [`up_to`](Self::up_to).
    ///
    /// # Errors
    ///
    /// As [`down`](Self::down): if one of the steps cannot be undone, none is.
    pub async fn down_to(&self, version: &str) -> Result<Vec<StepReport>> {
        let (namespace, version) = self.place(version)?;
        let mut entries = self.ours().await?;
        entries.retain(|it| {
            it.namespace == namespace && version::compare(&it.version, version).is_gt()
        });
        entries.reverse();
        self.undo(entries).await
    }

    /// Undoes all steps, the last applied first.
    ///
    /// # Errors
    ///
    /// As [`down_to`](Self::down_to).
    pub async fn down_all(&self) -> Result<Vec<StepReport>> {
        let mut entries = self.ours().await?;
        entries.reverse();
        self.undo(entries).await
    }

    /// Has the steps up to this version, which is included, count as applied, without running them: for a
    /// database that came to be in another way. Answers how many there were.
    ///
    /// # Errors
    ///
    /// As [`up_to`](Self::up_to).
    pub async fn baseline(&self, version: &str) -> Result<u64> {
        let (namespace, version) = self.place(version)?;
        self.check()?;
        prepare(self).await?;
        let (tx, _lock) = hold(self, &mut self.wait(), Waiting::ForHolders).await?;
        let session = tx.session().await?;
        let mut log = log::read(&*session).await?;
        let mut count = 0;
        for known in situation::compare(&self.registries, &log, self.rules)?.pending {
            let is_meant = known.namespace == namespace
                && version::compare(&known.step.version, version).is_le();
            if is_meant {
                let mut entry = Job::up(known, &log, self.db.now()).entry;
                entry.state = log::State::Applied;
                entry.applied_at = Some(self.db.now());
                entry.position = None;
                entry.error = None;
                log::write(&*session, &entry).await?;
                log.retain(|it| it.id != entry.id);
                log.push(entry);
                count += 1;
            }
        }
        drop(session);
        tx.commit().await?;
        Ok(count)
    }

    /// What [`up`](Self::up) would do; changes nothing.
    ///
    /// # Errors
    ///
    /// As [`up`](Self::up).
    pub async fn plan(&self) -> Result<MigrationPlan> {
        let log = log::read(self.db.backend()).await?;
        let pending = situation::compare(&self.registries, &log, self.rules)?.pending;
        let steps = pending.into_iter().map(|it| PlannedStep {
            step: it.step_id(),
            kind: StepKind::of(it.step),
            is_resumed: log.iter().any(|entry| entry.id == it.id()),
        });
        Ok(MigrationPlan {
            steps: steps.collect(),
        })
    }

    /// How each step stands: those that are declared, then those that only the log knows. Changes nothing,
    /// and differences are no errors here.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a mistake in a registry.
    pub async fn status(&self) -> Result<Vec<StepStatus>> {
        let known = situation::known(&self.registries)?;
        let log = log::read(self.db.backend()).await?;
        let mut status = Vec::new();
        for it in &known {
            let entry = log.iter().find(|entry| entry.id == it.id());
            let state = match entry {
                None => StepState::Pending,
                Some(entry)
                    if entry.is_applied() && entry.checksum != it.step.checksum(it.namespace) =>
                {
                    StepState::Changed
                }
                Some(entry) => StepState::of(entry),
            };
            status.push(StepStatus {
                step: it.step_id(),
                state,
            });
        }
        let is_ours = |entry: &&Entry| self.is_ours(entry);
        let is_unknown = |entry: &&Entry| known.iter().all(|it| it.id() != entry.id);
        let unknown = log.iter().filter(is_ours).filter(is_unknown);
        status.extend(unknown.map(|it| StepStatus {
            step: it.step(),
            state: StepState::Unknown,
        }));
        Ok(status)
    }

    pub(super) fn wait(&self) -> Wait {
        Wait::new(self.lease, self.wait_at_most)
    }

    /// Makes sure that steps can be run here at all.
    fn check(&self) -> Result<()> {
        self.db.refuse_inside_transaction()?;
        self.db.require(Capability::Transactions)?;
        self.db.require(Capability::RowLocks)?;
        situation::known(&self.registries).map(drop)
    }

    /// The steps to be run.
    async fn pending(&self) -> Result<Vec<situation::Known<'_>>> {
        self.check()?;
        let log = log::read(self.db.backend()).await?;
        let situation = situation::compare(&self.registries, &log, self.rules)?;
        for entry in situation.unknown {
            self.observers.tell(&Event::Unknown { step: entry.step() });
        }
        Ok(situation.pending)
    }

    async fn apply(&self, ids: Vec<String>) -> Result<Vec<StepReport>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Course::new(self, Goal::Up(ids)).run().await
    }

    /// The steps that were begun, the oldest first.
    async fn ours(&self) -> Result<Vec<Entry>> {
        self.check()?;
        let mut log = log::read(self.db.backend()).await?;
        log.retain(|it| self.is_ours(it));
        Ok(log)
    }

    async fn undo(&self, entries: Vec<Entry>) -> Result<Vec<StepReport>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let known = situation::known(&self.registries)?;
        for entry in &entries {
            Job::down(&known, entry)?;
        }
        let ids = entries.into_iter().map(|it| it.id).collect();
        Course::new(self, Goal::Down(ids)).run().await
    }

    fn is_ours(&self, entry: &Entry) -> bool {
        let mut namespaces = self.registries.iter().map(Registry::namespace);
        namespaces.any(|it| it == entry.namespace)
    }

    /// The namespace and version that are meant.
    fn place<'a>(&'a self, text: &'a str) -> Result<(&'a str, &'a str)> {
        let known = situation::known(&self.registries)?;
        let (namespace, version) = match (text.split_once('/'), self.registries.as_slice()) {
            (Some(place), _) => place,
            (None, [only]) => (only.namespace(), text),
            (None, _) => {
                return Err(Error::new(
                    ErrorKind::InvalidQuery,
                    format!(
                        "with several registries of migrations, a version is written with its namespace: \
                         `shop/{text}`"
                    ),
                ));
            }
        };
        let is_meant = |it: &situation::Known<'_>| {
            it.namespace == namespace && version::compare(&it.step.version, version).is_eq()
        };
        if known.iter().any(is_meant) {
            return Ok((namespace, version));
        }
        Err(Error::new(
            ErrorKind::InvalidQuery,
            format!("no migration `{namespace}/{version}` is declared"),
        ))
    }
}
