//! Processes take turns in changing tables.
//!
//! Two kinds of advisory locks: one for each schema, held by a transaction that changes tables; and one
//! for each collection, held while an index is built beside its writers. Whoever changes a table that may
//! be there already holds both, or the two could wait for each other on the table.
//!
//! Nobody waits for these locks inside a statement. `CREATE INDEX CONCURRENTLY` waits for every statement
//! that was running before it; one that waited for a lock, at whatever distance for that build, would be
//! waited for in turn. So processes ask again and again: outside of a transaction, unless the change is to
//! be a part of the application's own.

use std::{sync::Arc, time::Duration};

use den_backend::{Error, ErrorKind, Result, meta::fnv1a};
use tokio::time::{Instant, sleep};

use crate::{
    call::Call,
    runner::{Runner, Shared},
    session::{Alone, Session},
    transaction::BEGIN_OWN,
    values::{Bound, column},
};

/// Takes the lock of changes for the transaction, and that of builds on a collection (`$1`, or null) by
/// its [`lock_number`], if they are free. Locks with two numbers are apart from those with one, which applications
/// take; the first number is den's own.
const TRY_CHANGE: &str = "SELECT CASE
    WHEN NOT pg_try_advisory_xact_lock(1684369001, n.oid::integer) THEN FALSE
    WHEN $1::text IS NULL THEN TRUE
    ELSE pg_try_advisory_xact_lock(1684369002, n.oid::integer # ($1::text)::integer)
END
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = current_schema()";

/// Takes the lock of builds on a collection for the session, if it is free.
const TRY_BUILD: &str =
    "SELECT pg_try_advisory_lock(1684369002, n.oid::integer # ($1::text)::integer)
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = current_schema()";

/// Gives up the lock of builds on a collection.
const UNLOCK_BUILD: &str =
    "SELECT pg_advisory_unlock(1684369002, n.oid::integer # ($1::text)::integer)
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = current_schema()";

/// How long to wait before asking for a lock again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a transaction of the application's asks for the locks: a build waits for every transaction that
/// wrote before it, and that may be this one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `change` in a transaction in which no other process changes tables.
///
/// With the name of a collection, no index of that is being built either: to be given wherever its table
/// may be there already and is altered, indexed or dropped.
pub(crate) async fn within_ddl<T>(
    shared: &Shared,
    collection: Option<&str>,
    change: impl AsyncFnOnce(&Alone) -> Result<T>,
) -> Result<T> {
    let (session, on) = begin_alone(shared, collection).await?;
    let outcome = change(&on).await;
    drop(on);
    match outcome {
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The error says what happened; the rollback adds nothing to it.
            let _rolled_back = session.rollback().await;
            Err(error)
        }
    }
}

/// Runs `change` in a transaction that is the caller's, all or nothing; the locks are held until that
/// ends.
///
/// # Errors
///
/// `Locked` if a change of another process, or the build of an index, does not end: it may be waiting for
/// this very transaction.
pub(crate) async fn within_transaction<T>(
    session: &Arc<Session>,
    collection: &str,
    change: impl AsyncFnOnce(&Alone) -> Result<T>,
) -> Result<T> {
    let on = Alone::take(session).await?;
    on.tried(async |on| {
        let mut pauses = Pauses::default();
        let began = Instant::now();
        while !take(on, TRY_CHANGE, key_of(collection)).await? {
            if began.elapsed() > PATIENCE {
                return Err(Error::new(
                    ErrorKind::Locked,
                    "tables of the database are being changed, or an index is being built, by \
                     another process",
                )
                .with_collection(collection));
            }
            pauses.pause().await;
        }
        change(on).await
    })
    .await
}

async fn begin_alone(shared: &Shared, collection: Option<&str>) -> Result<(Arc<Session>, Alone)> {
    let key = collection.map(|it| lock_number(it).to_string());
    let mut pauses = Pauses::default();
    loop {
        let session = shared.begin(BEGIN_OWN).await?;
        let on = Alone::take(&session).await?;
        let taken = take(&on, TRY_CHANGE, Bound::NullableText(key.clone())).await;
        if matches!(taken, Ok(true)) {
            return Ok((session, on));
        }
        drop(on);
        match taken {
            Ok(_) => session.rollback().await?,
            Err(error) => {
                let _rolled_back = session.rollback().await;
                return Err(error);
            }
        }
        pauses.pause().await;
    }
}

/// Takes the lock of builds on a collection for the session.
pub(crate) async fn lock_build(on: &impl Runner, collection: &str) -> Result<()> {
    let mut pauses = Pauses::default();
    while !take(on, TRY_BUILD, key_of(collection)).await? {
        pauses.pause().await;
    }
    Ok(())
}

/// Gives up the lock of builds on a collection.
pub(crate) async fn unlock_build(on: &impl Runner, collection: &str) -> Result<()> {
    let call = Call::read(UNLOCK_BUILD.into(), vec![key_of(collection)]);
    on.run(call).await.map(drop)
}

async fn take(on: &impl Runner, try_lock: &'static str, key: Bound) -> Result<bool> {
    let answer = on.run(Call::read(try_lock.into(), vec![key])).await?;
    let taken: Option<bool> = match answer.rows.first() {
        Some(row) => column(row, 0)?,
        None => None,
    };
    Ok(taken == Some(true))
}

fn key_of(collection: &str) -> Bound {
    Bound::Text(lock_number(collection).to_string())
}

/// The number that stands for a name in an advisory lock. Two names that share one only wait for each
/// other.
pub(crate) fn lock_number(name: &str) -> i32 {
    let hash = fnv1a(name.as_bytes());
    let half = u32::try_from(hash & 0xffff_ffff).unwrap_or_default();
    half.cast_signed()
}

/// Ever longer pauses.
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pauses {
    async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

/// Runs commands one after the other.
pub(crate) async fn run_all(on: &Alone, statements: Vec<String>) -> Result<()> {
    for sql in statements {
        on.command(sql).await?;
    }
    Ok(())
}
