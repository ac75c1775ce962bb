//! Writes to a partitioned collection.
//!
//! No index keeps an id unique over all partitions, so each write of a document holds a lock on its id,
//! and writes the document where it is before it makes a new one. Moving a document to the partition of
//! its new time is the server's business.
//!
//! - Ids share [`LOCKS`] locks for each collection: the server has room for some thousand locks in all,
//!   and a transaction keeps its own to the end.
//! - Who holds the lock must see what its last holder has committed. A transaction above READ COMMITTED
//!   sees what was there at its start, so it makes no documents.
//! - In a transaction a write is several statements, between which nothing else may be sent.

use std::sync::Arc;

use den_backend::{
    Change, Error, ErrorKind, Expectation, FieldPath, OnRefusal, Patch, Put, PutOutcome, Refusal,
    Result, Value, evaluate::is_time,
};
use den_sql::{ExpectationKind, postgres_only};

use crate::{
    call::{Answer, Call, Guard},
    catalog::{Collection, kind_of},
    ddl::lock_number,
    ops::{refusal, written},
    pipeline::to_the_end,
    runner::{Runner, Shared, Within, run_on},
    session::Alone,
    transaction::BEGIN_OWN,
    values::{Bound, column},
};

/// Waits for locks one after the other, and says what the transaction sees. Locks with two numbers are
/// apart from those with one, which applications take.
const LOCK_IDS: &str = "SELECT current_setting('transaction_isolation') AS isolation,
    pg_advisory_xact_lock(
        1684369003,
        (
            SELECT n.oid::integer << 10 FROM pg_catalog.pg_namespace AS n
            WHERE n.nspname = current_schema()
        ) # k.n::integer
    )
FROM unnest($1::text[]) AS k (n)";

/// How many locks the ids of a collection share; a power of two, of as many bits as the schema's number is
/// shifted by above, so that collections of other schemas have others.
const LOCKS: i32 = 1024;

/// A partitioned collection, and the field by whose time it is.
#[derive(Debug, Clone)]
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
        shared: &Arc<Shared>,
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
        let writes = self.writes(puts)?;
        let session = shared.begin(BEGIN_OWN).await?;
        let on = Within { session };
        match self.put_each(shared, &on, &writes).await {
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

    /// Writes documents in a transaction: all of them, or those that `on_refusal` leaves. While it
    /// does, all other calls wait; once it has begun it goes on to its end.
    pub(crate) async fn put_within(
        &self,
        shared: &Arc<Shared>,
        on: &Within,
        puts: &[Put<'_>],
        on_refusal: OnRefusal,
    ) -> Result<Vec<PutOutcome>> {
        let writes = self.writes(puts)?;
        let (this, shared) = (self.clone(), Arc::clone(shared));
        let alone = Alone::take(&on.session).await?;
        to_the_end(async move {
            let work = async |on: &Alone| this.put_each(&shared, on, &writes).await;
            let keeps = |outcomes: &Vec<PutOutcome>| is_kept(outcomes, on_refusal);
            alone.kept_if(work, keeps).await
        })
        .await
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

    /// What is to be written, in the order in which any two writers take their locks.
    fn writes(&self, puts: &[Put<'_>]) -> Result<Vec<Write>> {
        let writes = puts.iter().enumerate().map(|(at, put)| {
            Ok(Write {
                at,
                lock: self.lock_of(put.id),
                id: put.id.to_owned(),
                body: put.body.to_vec(),
                time: self.time_of(put)?,
                kind: kind_of(put.expect),
                revision: match put.expect {
                    Expectation::Revision(rev) => rev.map(str::to_owned),
                    Expectation::Any
                    | Expectation::Absent
                    | Expectation::Present
                    | Expectation::Live => None,
                },
            })
        });
        let mut writes = writes.collect::<Result<Vec<Write>>>()?;
        writes.sort_by(|a, b| (a.lock, &a.id).cmp(&(b.lock, &b.id)));
        Ok(writes)
    }

    async fn put_each(
        &self,
        shared: &Shared,
        on: &impl Runner,
        writes: &[Write],
    ) -> Result<Vec<PutOutcome>> {
        let mut outcomes = vec![PutOutcome::Refused(Refusal::Missing); writes.len()];
        if writes.is_empty() {
            return Ok(outcomes);
        }
        self.lock(on, writes).await?;
        for write in writes {
            if let Some(outcome) = outcomes.get_mut(write.at) {
                *outcome = self.put(shared, on, write).await?;
            }
        }
        Ok(outcomes)
    }

    /// Takes the locks of all ids at once.
    async fn lock(&self, on: &impl Runner, writes: &[Write]) -> Result<()> {
        let mut locks: Vec<String> = writes.iter().map(|it| it.lock.to_string()).collect();
        // Which are in order.
        locks.dedup();
        let call = Call::read(LOCK_IDS.into(), vec![Bound::TextArray(locks)]);
        let answer = on.run(call.guarded_by(Guard::Savepoint)).await?;
        let isolation: String = match answer.rows.first() {
            Some(row) => column(row, 0)?,
            None => String::new(),
        };
        let sees_all = matches!(isolation.as_str(), "read committed" | "read uncommitted");
        if !sees_all && writes.iter().any(Write::may_insert) {
            let what = "inserts, and saves of what may not be there, in a transaction of isolation \
                level `RepeatableRead` or `Serializable`: it could not see a document of the same id \
                that was inserted since it began";
            return Err(self.unsupported(what));
        }
        Ok(())
    }

    async fn put(&self, shared: &Shared, on: &impl Runner, write: &Write) -> Result<PutOutcome> {
        let moved = match write.kind {
            ExpectationKind::Absent => {
                let sql = Arc::clone(&self.collection.texts.state_of);
                let there = Call::read(sql, vec![Bound::Text(write.id.clone())]);
                match self.run(shared, on, write, there).await?.rows.is_empty() {
                    true => None,
                    false => return Ok(PutOutcome::Refused(Refusal::Exists)),
                }
            }
            ExpectationKind::Any
            | ExpectationKind::Present
            | ExpectationKind::Live
            | ExpectationKind::Revision => {
                let mut params = write.bound();
                if write.kind == ExpectationKind::Revision {
                    params.push(Bound::NullableText(write.revision.clone()));
                }
                let sql = postgres_only::move_document(&self.collection.name, write.kind);
                let call = Call::write(sql.into(), params);
                self.run(shared, on, write, call).await?.rows.pop()
            }
        };
        if let Some(row) = moved {
            return Ok(written(column(&row, 0)?));
        }
        if !write.may_insert() {
            let why = refusal(shared, on, &self.collection, &write.id, write.expect()).await?;
            return Ok(PutOutcome::Refused(why));
        }
        let sql = postgres_only::insert_document(&self.collection.name);
        let call = Call::write(sql.into(), write.bound());
        self.run(shared, on, write, call).await?;
        Ok(PutOutcome::Inserted)
    }

    async fn run(
        &self,
        shared: &Shared,
        on: &impl Runner,
        write: &Write,
        call: Call,
    ) -> Result<Answer> {
        let answer = run_on(shared, on, &self.collection, call).await;
        answer.map_err(|error| match error.code() {
            Some("23514") if error.constraint().is_none() => self
                .invalid(
                    &write.id,
                    "there is no partition for its time; \
                `den_postgres::pg::create_daily_partitions_ahead` makes some",
                )
                .with_source(error),
            _ => error.with_id(&write.id),
        })
    }

    /// The time that decides where the document lies.
    fn time_of(&self, put: &Put<'_>) -> Result<String> {
        let document: Value = serde_json::from_slice(put.body).map_err(|error| {
            self.invalid(put.id, "the document is not JSON")
                .with_source(error)
        })?;
        match document.at(self.field.segments()) {
            // The server would read more than that: `today`, and times in zones of its own.
            Some(Value::Text(time)) if is_time(time) => Ok(time.clone()),
            _ => Err(self.invalid(
                put.id,
                "it holds no time as den writes times, such as `2026-05-01T10:00:00.000000Z`",
            )),
        }
    }

    /// The number of the lock of an id.
    fn lock_of(&self, id: &str) -> i32 {
        let of_collection = lock_number(&self.collection.name) & !(LOCKS - 1);
        of_collection | (lock_number(id) & (LOCKS - 1))
    }

    fn invalid(&self, id: &str, why: &str) -> Error {
        let message = format!(
            "the collection is partitioned by the field `{}`, and of this document {why}",
            self.field
        );
        Error::new(ErrorKind::InvalidDocument, message)
            .with_collection(&self.collection.name)
            .with_id(id)
    }
}

/// A document to be written. Owned, so that it can outlive the future that was given it.
#[derive(Debug)]
struct Write {
    /// Where its outcome is told.
    at: usize,
    lock: i32,
    id: String,
    body: Vec<u8>,
    time: String,
    kind: ExpectationKind,
    revision: Option<String>,
}

impl Write {
    fn may_insert(&self) -> bool {
        match self.kind {
            ExpectationKind::Any | ExpectationKind::Absent => true,
            ExpectationKind::Present | ExpectationKind::Live | ExpectationKind::Revision => false,
        }
    }

    fn expect(&self) -> Expectation<'_> {
        match self.kind {
            ExpectationKind::Any => Expectation::Any,
            ExpectationKind::Absent => Expectation::Absent,
            ExpectationKind::Present => Expectation::Present,
            ExpectationKind::Live => Expectation::Live,
            ExpectationKind::Revision => Expectation::Revision(self.revision.as_deref()),
        }
    }

    fn bound(&self) -> Vec<Bound> {
        vec![
            Bound::Text(self.id.clone()),
            Bound::Json(self.body.clone()),
            Bound::Text(self.time.clone()),
        ]
    }
}

fn one(outcomes: Vec<PutOutcome>) -> Result<PutOutcome> {
    let mut outcomes = outcomes.into_iter();
    outcomes
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Backend, "one write has one outcome"))
}

fn is_kept(outcomes: &[PutOutcome], on_refusal: OnRefusal) -> bool {
    let is_refused = |it: &PutOutcome| matches!(it, PutOutcome::Refused(_));
    on_refusal == OnRefusal::Skip || !outcomes.iter().any(is_refused)
}
