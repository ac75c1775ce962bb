//! What was done, what is to be done, and how to say it.

use std::{fmt, time::Duration};

use super::{
    Heading, StepId,
    log::{Entry, State},
    registry::{Action, Step},
};
use crate::Timestamp;

/// A step that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// The step.
    pub step: StepId,
    /// Which way.
    pub heading: Heading,
    /// How long it took.
    pub duration: Duration,
}

/// How one step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepStatus {
    /// The step.
    pub step: StepId,
    /// How it stands.
    pub state: StepState,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// It was never begun.
    Pending,
    /// It is done.
    Applied {
        /// When.
        at: Option<Timestamp>,
        /// How long it took.
        duration: Duration,
    },
    /// It was begun and is not done: someone is at it, or it failed, or the process is gone.
    Unfinished {
        /// Which way.
        heading: Heading,
        /// How often it was begun.
        attempts: u32,
        /// So many documents are done, of so many, in a step in batches.
        progress: Option<(u64, u64)>,
        /// Why the last try failed, if it did.
        error: Option<String>,
    },
    /// It was applied, and is declared otherwise by now.
    Changed,
    /// It was begun or applied, and is not declared.
    Unknown,
}

/// What [`up`](super::Migrator::up) would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationPlan {
    /// The steps, in the order in which they would be run.
    pub steps: Vec<PlannedStep>,
}

/// A step that would be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The step.
    pub step: StepId,
    /// How it would be run.
    pub kind: StepKind,
    /// Whether it was begun before.
    pub is_resumed: bool,
}

/// How a step is run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// In one transaction.
    Transactional,
    /// Outside of a transaction.
    NonTransactional,
    /// In many transactions, over the documents of a collection.
    Batches {
        /// The collection.
        collection: String,
        /// How many documents at a time.
        size: u64,
    },
}

impl StepKind {
    pub(super) fn of(step: &Step) -> Self {
        match &step.up {
            Action::Batch(batch) => Self::Batches {
                collection: batch.collection.clone(),
                size: batch.size,
            },
            Action::Run(_) if step.alone => Self::NonTransactional,
            Action::Run(_) => Self::Transactional,
        }
    }
}

impl StepState {
    /// Of a declared step.
    pub(super) fn of(entry: &Entry) -> Self {
        let heading = match entry.state {
            State::Applied => {
                return Self::Applied {
                    at: entry.applied_at,
                    duration: Duration::from_millis(entry.duration_ms),
                };
            }
            State::Applying => Heading::Up,
            State::Undoing => Heading::Down,
        };
        let position = entry.position.as_ref();
        Self::Unfinished {
            heading,
            attempts: entry.attempts,
            progress: position.map(|it| (it.done, it.total.max(it.done))),
            error: entry.error.clone(),
        }
    }
}

impl MigrationPlan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for MigrationPlan {
    /// Writes one line for each step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.steps {
            writeln!(f, "{it}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlannedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        match &self.kind {
            StepKind::Transactional => {}
            StepKind::NonTransactional => f.write_str(", outside of a transaction")?,
            StepKind::Batches { collection, size } => {
                write!(f, ", over `{collection}` in batches of {size}")?;
            }
        }
        if self.is_resumed {
            f.write_str(", where it was left")?;
        }
        Ok(())
    }
}

impl fmt::Display for StepReport {
    /// Writes `namespace/version (name), up, 12.5ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match self.heading {
            Heading::Up => "up",
            Heading::Down => "down",
        };
        write!(f, "{}, {heading}, {:.1?}", self.step, self.duration)
    }
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.state)
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("pending"),
            Self::Applied { at: Some(at), .. } => write!(f, "applied {at}"),
            Self::Applied { at: None, .. } => f.write_str("applied"),
            Self::Changed => f.write_str("applied, and declared otherwise by now"),
            Self::Unknown => f.write_str("applied, and not known here"),
            Self::Unfinished {
                heading,
                attempts,
                progress,
                error,
            } => {
                match heading {
                    Heading::Up => f.write_str("begun")?,
                    Heading::Down => f.write_str("begun to be undone")?,
                }
                if *attempts > 1 {
                    write!(f, " {attempts} times")?;
                }
                if let Some((done, total)) = progress {
                    write!(f, ", {done} of {total} documents done")?;
                }
                match error {
                    Some(error) => write!(f, ", failed: {error}"),
                    None => Ok(()),
                }
            }
        }
    }
}
