//! What there is to be migrated: steps, declared in code.

use std::{fmt, sync::Arc};

use den_backend::{Error, ErrorKind, Result, meta::fnv1a};
use futures_util::future::BoxFuture;

use super::{Migration, version};
use crate::Json;

/// The steps of one module of an application, under a namespace of their own.
///
/// # Behavior
///
/// - Steps run in the order of their versions, whatever the order they are declared in. Digits in versions
///   are compared as numbers: `9` comes before `10`.
/// - Building never fails: a mistake, such as a version declared twice, is reported by
///   [`check`](Self::check) and by whatever is done with the registry, before anything is run.
/// - Holds no state of a database: one registry may be used with several.
///
/// ```
/// use den::{Json, migrate::Registry};
///
/// fn migrations() -> Registry {
///     Registry::new("shop")
///         .step("20260216120000", "create orders", async |m| {
///             m.create_collection("orders").await?;
///             m.create_index("orders", ["customer", "placed_at:DESC"], ()).await
///         })
///         .down(async |m| m.drop_collection("orders").await)
///         .batch("20260310080000", "prices in cents", "orders", 500, |mut order| {
///             let price = order["price"].as_f64().unwrap_or(0.0);
///             order["price_cents"] = Json::from((price * 100.0).round() as i64);
///             Ok(Some(order))
///         })
/// }
///
/// migrations().check().unwrap(); // in a test
/// ```
#[derive(Clone)]
#[must_use = "a registry does nothing until a migrator runs it"]
pub struct Registry {
    namespace: String,
    steps: Vec<Step>,
    /// The first mistake made while building.
    mistake: Option<Error>,
}

/// One step.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) version: String,
    pub(super) name: String,
    pub(super) up: Action,
    pub(super) down: Option<Action>,
    /// Whether it runs outside of a transaction.
    pub(super) alone: bool,
}

/// What a step does, in one direction.
#[derive(Clone)]
pub(super) enum Action {
    Run(Run),
    Batch(Batch),
}

/// The application's own code.
pub(super) type Run = Arc<dyn Fn(Migration) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A walk over a collection, in transactions of a bounded size.
#[derive(Clone)]
pub(super) struct Batch {
    pub(super) collection: String,
    pub(super) size: u64,
    pub(super) change: Arc<dyn Fn(Json) -> Result<Option<Json>> + Send + Sync>,
}

/// The most documents of one batch: they are in memory at once, and locked.
const LARGEST_BATCH: u64 = 10_000;

impl Registry {
    /// No steps yet. The namespace keeps the versions of several modules apart: ASCII letters, digits,
    /// `.`, `-` and `_`.
    pub fn new(namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        let mistake = version::check(&namespace, "namespace of migrations").err();
        Self {
            namespace,
            steps: Vec::new(),
            mistake,
        }
    }

    /// Declares a step: a version, a name for people, and what it does.
    ///
    /// # Behavior
    ///
    /// - It runs in a transaction, which the log of migrations is a part of: all of it is done, or nothing.
    /// - After a deadlock, or another error that [can be retried](Error::is_retryable), it is run again
    ///   from the start, a few times. So nothing outside of the database should be changed in it.
    /// - A version, and its name, stay what they are once they were released: den notices otherwise.
    /// - A closure that captures is written `move |m| { let it = it.clone(); async move { .. } }`.
    pub fn step<F, Fut>(self, version: impl Into<String>, name: impl Into<String>, up: F) -> Self
    where
        F: Fn(Migration) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.add(version.into(), name.into(), run(up))
    }

    /// Declares a step that changes the documents of a large collection, a batch of `size` at a time.
    ///
    /// # Behavior
    ///
    /// - Each batch is a transaction, which the position is a part of. After a crash or a failure, the next
    ///   start goes on where the last batch ended. Several that start at once take turns.
    /// - `change` answers the document as it shall be, or none to leave it alone. Update time and revision
    ///   are new where it changes. Documents are walked in the order of their ids; what is inserted behind
    ///   the walk is not seen.
    /// - Between two batches the application sees some documents changed and others not.
    ///
    /// # Errors
    ///
    /// An error of `change` fails the step, and names the document; what earlier batches did stays.
    pub fn batch(
        self,
        version: impl Into<String>,
        name: impl Into<String>,
        collection: impl Into<String>,
        size: u64,
        change: impl Fn(Json) -> Result<Option<Json>> + Send + Sync + 'static,
    ) -> Self {
        let batch = Action::Batch(Batch {
            collection: collection.into(),
            size,
            change: Arc::new(change),
        });
        self.add(version.into(), name.into(), batch)
    }

    /// Says how the step declared last is undone.
    pub fn down<F, Fut>(self, down: F) -> Self
    where
        F: Fn(Migration) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.undone_by(run(down))
    }

    /// Says how the step declared last is undone, batch by batch; see [`batch`](Self::batch).
    ///
    /// # Behavior
    ///
    /// - Where the step was never finished, documents come by that were not changed by it.
    pub fn down_batch(
        self,
        collection: impl Into<String>,
        size: u64,
        change: impl Fn(Json) -> Result<Option<Json>> + Send + Sync + 'static,
    ) -> Self {
        self.undone_by(Action::Batch(Batch {
            collection: collection.into(),
            size,
            change: Arc::new(change),
        }))
    }

    /// Runs the step declared last outside of a transaction, in both directions: for statements that
    /// refuse to run in one, and to index a large collection on PostgreSQL without holding up its writers.
    ///
    /// # Behavior
    ///
    /// - The log says that it began, before it does, and that it was done, afterwards. If the process dies
    ///   in between, the next start runs it again: it must cope with what it finds half done.
    ///   [`Migration::attempt`] tells.
    /// - Others wait meanwhile. Once the process has given no sign of life for a while
    ///   ([`Migrator::lease`](super::Migrator::lease)), one of them takes over.
    pub fn non_transactional(mut self) -> Self {
        match self.steps.last_mut() {
            Some(step) if matches!(step.up, Action::Batch(_)) => self.note(invalid(
                "a step in batches has transactions of its own, so it cannot be non-transactional",
            )),
            Some(step) => step.alone = true,
            None => self.note(invalid(
                "`non_transactional` comes after the step it is about",
            )),
        }
        self
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Makes sure that the steps are declared without a mistake: for a test.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a bad namespace, version or name, a version declared twice, and a batch without
    /// a sensible size.
    pub fn check(&self) -> Result<()> {
        self.sorted().map(drop)
    }

    /// The steps in order of version, checked.
    pub(super) fn sorted(&self) -> Result<Vec<&Step>> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by(|a, b| version::compare(&a.version, &b.version));
        for pair in steps.windows(2) {
            if let [a, b] = pair
                && version::compare(&a.version, &b.version).is_eq()
            {
                return Err(invalid(format!(
                    "two migrations have the version `{}/{}`: `{}` and `{}`",
                    self.namespace, b.version, a.name, b.name
                )));
            }
        }
        Ok(steps)
    }

    fn add(mut self, version: String, name: String, up: Action) -> Self {
        let checked = version::check(&version, "version of a migration")
            .and_then(|()| check_name(&version, &name))
            .and_then(|()| up.check(&version));
        if let Err(mistake) = checked {
            self.note(mistake);
        }
        self.steps.push(Step {
            version,
            name,
            up,
            down: None,
            alone: false,
        });
        self
    }

    fn undone_by(mut self, down: Action) -> Self {
        match self.steps.last_mut() {
            Some(step) if step.down.is_some() => {
                let twice = format!("the migration `{}` is undone in two ways", step.version);
                self.note(invalid(twice));
            }
            Some(step) => match down.check(&step.version) {
                Ok(()) => step.down = Some(down),
                Err(mistake) => self.note(mistake),
            },
            None => self.note(invalid("`down` comes after the step that it undoes")),
        }
        self
    }

    fn note(&mut self, mistake: Error) {
        self.mistake.get_or_insert(mistake);
    }
}

impl Step {
    /// A hash of what must not change once the step was applied.
    pub(super) fn checksum(&self, namespace: &str) -> String {
        let kind = match &self.up {
            Action::Run(_) => "",
            Action::Batch(batch) => batch.collection.as_str(),
        };
        let exact = [namespace, &self.version, &self.name, kind].join("\u{1}");
        format!("{:016x}", fnv1a(exact.as_bytes()))
    }
}

impl Action {
    fn check(&self, version: &str) -> Result<()> {
        match self {
            Self::Batch(it) if it.size == 0 || it.size > LARGEST_BATCH => Err(invalid(format!(
                "the batches of the migration `{version}` have {} documents; 1 to {LARGEST_BATCH} make \
                 sense",
                it.size
            ))),
            Self::Batch(_) | Self::Run(_) => Ok(()),
        }
    }
}

fn run<F, Fut>(work: F) -> Action
where
    F: Fn(Migration) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    Action::Run(Arc::new(move |migration| Box::pin(work(migration))))
}

fn check_name(version: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(invalid(format!(
            "the name of the migration `{version}` is empty or holds a control character"
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("namespace", &self.namespace)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(_) => f.write_str("Run"),
            Self::Batch(it) => f
                .debug_struct("Batch")
                .field("collection", &it.collection)
                .field("size", &it.size)
                .finish(),
        }
    }
}
