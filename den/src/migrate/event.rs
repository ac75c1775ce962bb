//! What happens while migrations run, as it happens.

use std::{fmt, sync::Arc, time::Duration};

use den_backend::Error;

/// Which way a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heading {
    /// It is applied.
    Up,
    /// It is undone.
    Down,
}

/// Which step it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepId {
    /// The namespace of its registry.
    pub namespace: String,
    /// Its version.
    pub version: String,
    /// Its name, for people.
    pub name: String,
}

/// Something that happened while migrations ran.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Someone else is migrating, and is waited for; again every few seconds.
    Waiting {
        /// For so long by now.
        since: Duration,
    },
    /// A step begins, or goes on where it was left.
    Started {
        /// The step.
        step: StepId,
        /// Which way.
        heading: Heading,
        /// 1 unless an earlier try failed or was interrupted.
        attempt: u32,
    },
    /// A step has come so far.
    Progress {
        /// The step.
        step: StepId,
        /// So much is done.
        done: u64,
        /// Of so much, about, if that is known.
        total: Option<u64>,
    },
    /// A step is done, and the log says so.
    Finished {
        /// The step.
        step: StepId,
        /// Which way.
        heading: Heading,
        /// How long it took, in this process.
        duration: Duration,
    },
    /// A step failed.
    Failed {
        /// The step.
        step: StepId,
        /// Which way.
        heading: Heading,
        /// After so long.
        duration: Duration,
        /// Why.
        error: Error,
    },
    /// The log has a step, newer than all declared ones, that this program does not know.
    Unknown {
        /// The step.
        step: StepId,
    },
}

/// Those who are told.
#[derive(Clone, Default)]
pub(super) struct Observers(Vec<Observer>);

type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

impl Observers {
    pub(super) fn add(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.push(Arc::new(observer));
    }

    /// Writes an event to the log of the program, and tells everyone.
    pub(super) fn tell(&self, event: &Event) {
        event.trace();
        for observer in &self.0 {
            observer(event);
        }
    }
}

impl Heading {
    /// `up` or `down`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl Event {
    fn trace(&self) {
        match self {
            Self::Waiting { since } => tracing::info!(
                target: "den::migrate",
                seconds = since.as_secs(),
                "waiting for another process that migrates"
            ),
            Self::Started {
                step,
                heading,
                attempt,
            } => tracing::info!(
                target: "den::migrate",
                namespace = step.namespace,
                version = step.version,
                name = step.name,
                direction = heading.word(),
                attempt,
                "migration started"
            ),
            Self::Progress { step, done, total } => tracing::info!(
                target: "den::migrate",
                namespace = step.namespace,
                version = step.version,
                done,
                total,
                "migration goes on"
            ),
            Self::Finished {
                step,
                heading,
                duration,
            } => tracing::info!(
                target: "den::migrate",
                namespace = step.namespace,
                version = step.version,
                name = step.name,
                direction = heading.word(),
                duration_ms = milliseconds(*duration),
                "migration finished"
            ),
            Self::Failed {
                step,
                heading,
                duration,
                error,
            } => tracing::error!(
                target: "den::migrate",
                namespace = step.namespace,
                version = step.version,
                name = step.name,
                direction = heading.word(),
                duration_ms = milliseconds(*duration),
                %error,
                "migration failed"
            ),
            Self::Unknown { step } => tracing::warn!(
                target: "den::migrate",
                namespace = step.namespace,
                version = step.version,
                name = step.name,
                "a newer program has applied a migration that this one does not know"
            ),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for StepId {
    /// Writes `namespace/version (name)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.version, self.name)
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}
