//! What a call runs on: any free connection, one connection, or a transaction.

use std::sync::Arc;

use den_backend::{Error, Result};

use crate::{
    call::{Answer, Call, Effect, execute},
    catalog::{Collection, Collections, State},
    error::{Doing, classify, is_fatal, is_missing_table, is_stale_statement},
    pool::{Lease, Pool, Usage},
    session::Session,
    url::Statements,
};

/// What all handles to one database share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) collections: Collections,
    /// Whether the server may end any statement because of a time limit.
    pub(crate) time_limits: bool,
}

/// What a call runs on.
pub(crate) trait Runner: Sync {
    /// Runs a call and reads all it answers.
    fn run(&self, call: Call) -> impl Future<Output = Result<Answer>> + Send;
}

impl Shared {
    /// The same database, of which nothing is known yet.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            collections: Collections::default(),
            time_limits: self.time_limits,
        }
    }
}

/// A transaction, and what is known of the database it runs in.
#[derive(Debug, Clone)]
pub(crate) struct Within {
    pub(crate) session: Arc<Session>,
}

/// One connection outside of a transaction.
pub(crate) struct Direct<'a> {
    pub(crate) lease: &'a Lease,
    pub(crate) statements: Statements,
}

impl Runner for Shared {
    async fn run(&self, call: Call) -> Result<Answer> {
        call.check()?;
        let mut retry = Retry::default();
        loop {
            let lease = self.pool.acquire().await?;
            lease.set_usage(Usage::Call);
            let outcome = execute(lease.client(), &call, self.pool.statements()).await;
            let error = match outcome {
                Ok(answer) => {
                    lease.set_usage(Usage::Idle);
                    return Ok(answer);
                }
                Err(error) => classify(error, Doing::of(call.effect)),
            };
            if !retry.allows(&error, call.effect, &lease, &self.pool) {
                return Err(error);
            }
        }
    }
}

impl Runner for Within {
    async fn run(&self, call: Call) -> Result<Answer> {
        self.session.run(call).await
    }
}

impl Runner for Direct<'_> {
    async fn run(&self, call: Call) -> Result<Answer> {
        call.check()?;
        let outcome = execute(self.lease.client(), &call, self.statements).await;
        outcome.map_err(|error| classify(error, Doing::of(call.effect)))
    }
}

/// What was tried already: each reason counts once.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    lost: bool,
    stale: bool,
}

impl Retry {
    /// Whether to run a failed call once more; sets the connection aside as the error demands.
    pub(crate) fn allows(
        &mut self,
        error: &Error,
        effect: Effect,
        lease: &Lease,
        pool: &Pool,
    ) -> bool {
        if is_fatal(error) {
            lease.set_usage(Usage::Broken);
            // The connection may have died while nobody used it, and others with it.
            let again = effect == Effect::Read && lease.is_reused() && !self.lost;
            self.lost = true;
            if again {
                pool.drop_idle();
            }
            return again;
        }
        lease.set_usage(Usage::Idle);
        if is_stale_statement(error) {
            lease.client().statement_cache.clear();
            let again = !self.stale;
            self.stale = true;
            return again;
        }
        false
    }
}

/// Runs a call on a known collection, and puts its errors into the document's terms.
pub(crate) async fn run_on(
    shared: &Shared,
    on: &impl Runner,
    collection: &Collection,
    call: Call,
) -> Result<Answer> {
    match on.run(call).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(in_terms_of(shared, on, collection, error).await),
    }
}

/// Puts an error into the document's terms.
pub(crate) async fn in_terms_of(
    shared: &Shared,
    on: &impl Runner,
    collection: &Collection,
    error: Error,
) -> Error {
    if is_missing_table(&error) {
        shared.collections.forget(&collection.name);
    }
    let Some(constraint) = error.constraint() else {
        return collection.explain_error(error);
    };
    if collection.knows_constraint(constraint.name()) {
        return collection.explain_error(error);
    }
    // Another process made that index after this one looked.
    match State::read(&collection.name, on).await {
        Ok(state) => {
            let fresh = shared.collections.learn(&collection.name, &state, None);
            fresh.explain_error(error)
        }
        Err(_) => collection.explain_error(error),
    }
}
