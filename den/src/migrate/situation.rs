//! What is declared, set against what the log says.

use std::collections::BTreeMap;

use den_backend::{Error, ErrorKind, Result};

use super::{
    Heading, Registry, StepId,
    log::{Entry, State, id_of},
    registry::{Action, Step},
    version,
};

/// A declared step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) namespace: &'a str,
    pub(super) step: &'a Step,
}

/// What is to be done about differences that are mistakes by default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) out_of_order: bool,
    pub(super) missing: bool,
}

/// What there is to do.
#[derive(Debug, Default)]
pub(super) struct Situation<'a> {
    /// In the order to be run.
    pub(super) pending: Vec<Known<'a>>,
    /// What only a newer program knows.
    pub(super) unknown: Vec<Entry>,
}

/// One step to be run, in one direction.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) step: StepId,
    pub(super) heading: Heading,
    pub(super) action: Action,
    /// Whether it runs outside of a transaction.
    pub(super) alone: bool,
    /// What the log is to say once it was begun.
    pub(super) entry: Entry,
}

impl Known<'_> {
    pub(super) fn id(&self) -> String {
        id_of(self.namespace, &self.step.version)
    }

    pub(super) fn step_id(&self) -> StepId {
        StepId {
            namespace: self.namespace.to_owned(),
            version: self.step.version.clone(),
            name: self.step.name.clone(),
        }
    }
}

/// All declared steps, registry by registry.
pub(super) fn known(registries: &[Registry]) -> Result<Vec<Known<'_>>> {
    let mut known = Vec::new();
    for (at, registry) in registries.iter().enumerate() {
        let namespace = registry.namespace();
        if registries
            .iter()
            .take(at)
            .any(|it| it.namespace() == namespace)
        {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                format!("two registries of migrations have the namespace `{namespace}`"),
            ));
        }
        let steps = registry.sorted()?;
        known.extend(steps.into_iter().map(|step| Known { namespace, step }));
    }
    Ok(known)
}

/// Finds what is to be done.
///
/// # Errors
///
/// `Migration` for an applied step that is declared otherwise by now, or not at all, and for a step that
/// should have been run before one that was.
pub(super) fn compare<'a>(
    registries: &'a [Registry],
    log: &[Entry],
    rules: Rules,
) -> Result<Situation<'a>> {
    let known = known(registries)?;
    let by_id: BTreeMap<String, Known<'_>> = known.iter().map(|it| (it.id(), *it)).collect();
    let newest_known = newest(known.iter().map(|it| (it.namespace, &*it.step.version)));
    let begun: BTreeMap<&str, &Entry> = log.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut situation = Situation::default();
    let ours = |it: &&Entry| registries.iter().any(|own| own.namespace() == it.namespace);
    for entry in log.iter().filter(ours) {
        let Some(known) = by_id.get(&entry.id) else {
            let newest = newest_known.get(entry.namespace.as_str());
            let is_newer = newest.is_none_or(|it| version::compare(&entry.version, it).is_gt());
            if !is_newer && !rules.missing {
                return Err(missing(entry));
            }
            situation.unknown.push(entry.clone());
            continue;
        };
        if entry.is_applied() && entry.checksum != known.step.checksum(known.namespace) {
            return Err(changed(entry, *known));
        }
    }
    let applied = log.iter().filter(|it| it.is_applied());
    let newest_applied = newest(applied.map(|it| (it.namespace.as_str(), &*it.version)));
    for it in known {
        let entry = begun.get(it.id().as_str());
        if entry.is_some_and(|it| it.is_applied()) {
            continue;
        }
        // One that was begun was in order then.
        if let Some(newest) = newest_applied.get(it.namespace)
            && version::compare(&it.step.version, newest).is_lt()
            && entry.is_none()
            && !rules.out_of_order
        {
            return Err(out_of_order(it, newest));
        }
        situation.pending.push(it);
    }
    Ok(situation)
}

/// The newest version of each namespace.
fn newest<'a>(versions: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, &'a str> {
    let mut newest = BTreeMap::new();
    for (namespace, it) in versions {
        let found = newest.entry(namespace).or_insert(it);
        if version::compare(it, found).is_gt() {
            *found = it;
        }
    }
    newest
}

impl Job {
    /// To apply a step.
    pub(super) fn up(known: Known<'_>, log: &[Entry], now: crate::Timestamp) -> Self {
        let id = known.id();
        let begun = log.iter().find(|it| it.id == id);
        let numbers = log.iter().map(|it| it.number);
        let entry = Entry {
            id,
            namespace: known.namespace.to_owned(),
            version: known.step.version.clone(),
            name: known.step.name.clone(),
            checksum: known.step.checksum(known.namespace),
            state: State::Applying,
            number: begun.map_or_else(|| numbers.max().unwrap_or(0) + 1, |it| it.number),
            attempts: begun.map_or(0, |it| it.attempts),
            started_at: begun.map_or(now, |it| it.started_at),
            applied_at: None,
            duration_ms: begun.map_or(0, |it| it.duration_ms),
            error: begun.and_then(|it| it.error.clone()),
            position: begun
                .filter(|it| it.state == State::Applying)
                .and_then(|it| it.position.clone()),
        };
        Self {
            step: known.step_id(),
            heading: Heading::Up,
            action: known.step.up.clone(),
            alone: known.step.alone,
            entry,
        }
    }

    /// To undo a step.
    ///
    /// # Errors
    ///
    /// `Migration` for one that cannot be undone.
    pub(super) fn down(known: &[Known<'_>], entry: &Entry) -> Result<Self> {
        let Some(found) = known.iter().find(|it| it.id() == entry.id) else {
            return Err(problem(format!(
                "the migration {} cannot be undone, because this program does not know it",
                entry.step()
            )));
        };
        let Some(down) = &found.step.down else {
            return Err(problem(format!(
                "the migration {} cannot be undone: nothing says how",
                entry.step()
            )));
        };
        let is_resumed = entry.state == State::Undoing;
        let mut entry = entry.clone();
        entry.state = State::Undoing;
        if !is_resumed {
            entry.position = None;
            entry.error = None;
            entry.attempts = 0;
        }
        Ok(Self {
            step: found.step_id(),
            heading: Heading::Down,
            action: down.clone(),
            alone: found.step.alone,
            entry,
        })
    }
}

pub(super) fn problem(message: String) -> Error {
    Error::new(ErrorKind::Migration, message)
}

fn missing(entry: &Entry) -> Error {
    problem(format!(
        "the migration {} was applied to this database, but is not declared, although newer ones are; if \
         it was taken out on purpose, say `.allow_missing()`",
        entry.step()
    ))
}

fn changed(entry: &Entry, known: Known<'_>) -> Error {
    let step = entry.step();
    if entry.name != known.step.name {
        return problem(format!(
            "the migration {step} was applied to this database, but is declared as `{}` now; a step stays \
             as it is once it was applied",
            known.step.name
        ));
    }
    problem(format!(
        "the migration {step} was applied to this database, but is declared otherwise now; a step stays \
         as it is once it was applied"
    ))
}

fn out_of_order(known: Known<'_>, newest: &str) -> Error {
    problem(format!(
        "the migration {} was not applied, but the newer `{newest}` was; give it a newer version, or say \
         `.allow_out_of_order()`",
        known.step_id()
    ))
}
