//! What a step is given.

use std::{fmt, sync::Arc};

use den_backend::{Result, SchemaChange};

use super::{Event, StepId, event::Observers};
use crate::{
    Collection, Db, Executor, Tx,
    executor::Handle,
    raw::{ExecuteRaw as _, RawSql, Site},
};

/// The database, as a step of a migration sees it: pass `&m` where `&db` would go.
///
/// # Behavior
///
/// - In a step that runs in a transaction, everything is done in it, changes of the schema included. When
///   the step is over, the transaction is, too.
/// - A cheap handle; a clone is the same.
///
/// ```
/// use den::{field, migrate::{IndexOptions, Registry}, prelude::*};
///
/// # let _ =
/// Registry::new("shop").step("20260401", "states of orders", async |m| {
///     m.add_field("orders", "state", "open").await?;
///     m.collection("orders")
///         .query()
///         .filter(field("shipped_at").is_not_null())
///         .update()
///         .set(field("state"), "shipped")
///         .with_unknown_fields()
///         .await?;
///     let open = IndexOptions::new().name("open_orders").filter(field("state").eq("open"));
///     m.create_index("orders", ["customer", "placed_at:DESC"], open).await
/// });
/// ```
#[derive(Clone)]
pub struct Migration {
    inner: Arc<Inner>,
}

struct Inner {
    handle: Handle,
    step: StepId,
    attempt: u32,
    observers: Observers,
}

/// Where raw statements of migrations come from, for error messages. It is not in the list of places,
/// which is about what an application does every day.
const STATEMENT: Site = Site::__new("migration", module_path!(), file!(), line!());

impl Migration {
    pub(super) fn new(handle: Handle, step: StepId, attempt: u32, observers: Observers) -> Self {
        Self {
            inner: Arc::new(Inner {
                handle,
                step,
                attempt,
                observers,
            }),
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.inner.handle
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.inner.handle.db()
    }

    /// The transaction; none in a step that is declared
    /// [`non_transactional`](super::Registry::non_transactional).
    pub fn tx(&self) -> Option<&Tx> {
        match &self.inner.handle {
            Handle::Tx(tx) => Some(tx),
            Handle::Db(_) => None,
        }
    }

    /// The step.
    pub fn step(&self) -> &StepId {
        &self.inner.step
    }

    /// 1, and more if the step was begun before and not finished: outside of a transaction, some of it may
    /// be done.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// A collection by name. Migrations do without types, which change: what a step does must stay the
    /// same.
    pub fn collection(&self, name: impl Into<String>) -> Collection {
        Collection::new(self, name.into())
    }

    /// Tells observers how far the step has come.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.inner.observers.tell(&Event::Progress {
            step: self.inner.step.clone(),
            done,
            total,
        });
    }

    /// Runs a statement in the database's own language, and returns how many rows it changed.
    ///
    /// # Behavior
    ///
    /// - As [`execute_raw`](crate::raw::ExecuteRaw::execute_raw), which takes parameters, too.
    ///
    /// # Errors
    ///
    /// `Unsupported` on an engine for which there is no text; else what the engine says.
    pub async fn execute(&self, sql: impl Into<RawSql>) -> Result<u64> {
        self.execute_raw(STATEMENT, sql, ()).await
    }

    /// Changes the schema.
    pub(super) async fn alter(&self, change: SchemaChange) -> Result<()> {
        let handle = self.handle();
        change.check(handle.db().capabilities(), handle.is_transaction())?;
        handle.write().await?.get().alter(&change).await
    }
}

impl Executor for Migration {
    fn __handle(&self) -> Handle {
        self.inner.handle.clone()
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("step", &self.inner.step)
            .field("attempt", &self.inner.attempt)
            .finish_non_exhaustive()
    }
}
