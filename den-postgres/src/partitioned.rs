//! Writes to a partitioned collection.
//!
//! No index keeps an id unique over all partitions, so each write of a document holds a lock on its id,
//! and writes the document where it is before it makes a new one. Moving a document to the partition of
//! its new time is the server's business.

use std::sync::Arc;

use den_backend::{
    Change, Error, ErrorKind, Expectation, FieldPath, OnRefusal, Patch, Put, PutOutcome, Refusal,
    Result, Value,
};
use den_sql::{ExpectationKind, postgres_only};

use crate::{
    call::{Answer, Call, Guard},
    catalog::{Collection, kind_of},
    ddl::lock_number,
    ops::{refusal, written},
    runner::{Runner, Shared, Within, run_on},
    session::Mends,
    transaction::BEGIN_OWN,
    values::{Bound, column},
};

/// Waits for the lock on an id. Locks with two numbers are apart from those with one, which applications
/// take.
const LOCK_ID: &str = "SELECT pg_advisory_xact_lock(1684369003, ($1::bigint)::integer)";

/// A partitioned collection, and the field by whose time it is.
#[derive(Debug)]
pub(crate) struct Partitioned {
    collection: Arc<Collection>,
    field: FieldPath,
}

impl Partitioned {
    /// Finds a collection, if it is partitioned.
    pub(crate) async fn find(
        shared: &Shared,
        on: &impl Runner,
        collection: &str,
    ) -> Result<Option<Self>> {
        let collection = shared.collections.find(collection, on).await?;
        let field = collection.partitioned_by.clone();
        Ok(field.map(|field| Self { collection, field }))
    }

    /// Writes one document in a transaction of its own.
    pub(crate) async fn put_alone_one(&self, shared: &Shared, put: Put<'_>) -> Result<PutOutcome> {
        one(self.put_alone(shared, &[put], OnRefusal::Skip).await?)
    }

    /// Writes one document in a transaction.
    pub(crate) async fn put_within_one(
        &self,
        shared: &Shared,
        on: &Within,
        put: Put<'_>,
    ) -> Result<PutOutcome> {
        one(self.put_within(shared, on, &[put], OnRefusal::Skip).await?)
    }

    /// Writes documents in a transaction of their own.
    pub(crate) async fn put_alone(
        &self,
        shared: &Shared,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let session = shared.begin(BEGIN_OWN).await?;
        let on = Within { session };
        match self.put_each(shared, &on, puts).await {
            Ok(outcomes) if is_kept(&outcomes, on_refusal) => {
                on.session.commit().await?;
                Ok(outcomes)
            }
            Ok(outcomes) => {
                on.session.rollback().await?;
                Ok(outcomes)
            }
            Err(error) => {
                // The error says what happened; the rollback adds nothing to it.
                let _rolled_back = on.session.rollback().await;
                Err(error)
            }
        }
    }

    /// Writes documents in a transaction: all of them, or those that `on_refusal` leaves.
    pub(crate) async fn put_within(
        &self,
        shared: &Shared,
        on: &Within,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let command = |text: &str, mends| on.session.command(text.to_owned(), mends);
        command("SAVEPOINT den_parts", Mends::No).await?;
        let outcome = self.put_each(shared, on, puts).await;
        let keeps = outcome.as_ref().is_ok_and(|it| is_kept(it, on_refusal));
        let end = match keeps {
            true => command("RELEASE SAVEPOINT den_parts", Mends::No).await,
            false => {
                let text = "ROLLBACK TO SAVEPOINT den_parts; RELEASE SAVEPOINT den_parts";
                command(text, Mends::Yes).await
            }
        };
        let outcomes = outcome?;
        end.map(|()| outcomes)
    }

    /// Refuses a patch of the field that decides where a document lies.
    pub(crate) fn check_patch(&self, patch: &Patch) -> Result<()> {
        let by = self.field.segments();
        let touches = |path: &FieldPath| {
            let path = path.segments();
            path.starts_with(by) || by.starts_with(path)
        };
        let touched = patch.changes.iter().any(|it| {
            let from = matches!(it, Change::Rename { from, .. } if touches(from));
            from || touches(it.path())
        });
        if touched {
            let what = "a patch of the field that it is partitioned by; save the document";
            return Err(self.unsupported(what));
        }
        Ok(())
    }

    /// The error for what a partitioned collection cannot do.
    pub(crate) fn unsupported(&self, what: &str) -> Error {
        let name = &self.collection.name;
        Error::new(
            ErrorKind::Unsupported,
            ["a partitioned collection does not support ", what].concat(),
        )
        .with_collection(name)
    }

    async fn put_each(
        &self,
        shared: &Shared,
        on: &Within,
        puts: &[Put<'_>],
    ) -> Result<Vec<PutOutcome>> {
        // Two writers of the same ids take their locks in the same order.
        let mut order: Vec<usize> = (0..puts.len()).collect();
        order.sort_unstable_by_key(|at| puts.get(*at).map(|it| it.id));
        let mut outcomes = vec![PutOutcome::Refused(Refusal::Missing); puts.len()];
        for at in order {
            let (Some(put), Some(outcome)) = (puts.get(at), outcomes.get_mut(at)) else {
                continue;
            };
            *outcome = self.put(shared, on, put).await?;
        }
        Ok(outcomes)
    }

    async fn put(&self, shared: &Shared, on: &Within, put: &Put<'_>) -> Result<PutOutcome> {
        let time = self.time_of(put)?;
        on.run(self.lock(put.id)).await?;
        let moved = match put.expect {
            Expectation::Absent => {
                let sql = Arc::clone(&self.collection.texts.state_of);
                let there = Call::read(sql, vec![Bound::Text(put.id.to_owned())]);
                match self.run(shared, on, put, there).await?.rows.is_empty() {
                    true => None,
                    false => return Ok(PutOutcome::Refused(Refusal::Exists)),
                }
            }
            Expectation::Any
            | Expectation::Present
            | Expectation::Live
            | Expectation::Revision(_) => {
                let mut params = bound(put, &time);
                if let Expectation::Revision(rev) = put.expect {
                    params.push(Bound::NullableText(rev.map(str::to_owned)));
                }
                let sql = postgres_only::move_document(&self.collection.name, kind_of(put.expect));
                let call = Call::write(sql.into(), params);
                self.run(shared, on, put, call).await?.rows.pop()
            }
        };
        if let Some(row) = moved {
            return Ok(written(column(&row, 0)?));
        }
        match kind_of(put.expect) {
            ExpectationKind::Any | ExpectationKind::Absent => {}
            ExpectationKind::Present | ExpectationKind::Live | ExpectationKind::Revision => {
                let why = refusal(shared, on, &self.collection, put.id, put.expect).await?;
                return Ok(PutOutcome::Refused(why));
            }
        }
        let sql = postgres_only::insert_document(&self.collection.name);
        let call = Call::write(sql.into(), bound(put, &time));
        self.run(shared, on, put, call).await?;
        Ok(PutOutcome::Inserted)
    }

    async fn run(&self, shared: &Shared, on: &Within, put: &Put<'_>, call: Call) -> Result<Answer> {
        let answer = run_on(shared, on, &self.collection, call).await;
        answer.map_err(|error| match error.code() {
            Some("23514") => self
                .invalid(
                    put,
                    "there is no partition for its time; \
                `den_postgres::pg::create_daily_partitions_ahead` makes some",
                )
                .with_source(error),
            Some("22007" | "22008" | "22009") => {
                self.invalid(put, "it holds no time").with_source(error)
            }
            _ => error.with_id(put.id),
        })
    }

    /// The time that decides where the document lies.
    fn time_of(&self, put: &Put<'_>) -> Result<String> {
        let document: Value = serde_json::from_slice(put.body).map_err(|error| {
            self.invalid(put, "the document is not JSON")
                .with_source(error)
        })?;
        match document.at(self.field.segments()) {
            // Elsewhere than in UTC it would depend on the settings of the connection.
            Some(Value::Text(time)) if time.ends_with('Z') => Ok(time.clone()),
            _ => Err(self.invalid(put, "it holds no time in UTC")),
        }
    }

    fn invalid(&self, put: &Put<'_>, why: &str) -> Error {
        let message = format!(
            "the collection is partitioned by the field `{}`, and of this document {why}",
            self.field
        );
        Error::new(ErrorKind::InvalidDocument, message)
            .with_collection(&self.collection.name)
            .with_id(put.id)
    }

    fn lock(&self, id: &str) -> Call {
        let name = [&self.collection.name, "\0", id].concat();
        let number = i64::from(lock_number(&name));
        Call::read(LOCK_ID.into(), vec![Bound::BigInt(number)]).guarded_by(Guard::TimeLimit)
    }
}

fn one(outcomes: Vec<PutOutcome>) -> Result<PutOutcome> {
    let mut outcomes = outcomes.into_iter();
    outcomes
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Backend, "one write has one outcome"))
}

fn bound(put: &Put<'_>, time: &str) -> Vec<Bound> {
    vec![
        Bound::Text(put.id.to_owned()),
        Bound::Json(put.body.to_vec()),
        Bound::Text(time.to_owned()),
    ]
}

fn is_kept(outcomes: &[PutOutcome], on_refusal: OnRefusal) -> bool {
    let is_refused = |it: &PutOutcome| matches!(it, PutOutcome::Refused(_));
    on_refusal == OnRefusal::Skip || !outcomes.iter().any(is_refused)
}
