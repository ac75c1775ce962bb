//! Collections that are partitioned by days.
//!
//! A partitioned collection has one more column, `part`, in which den writes the time that a document has
//! in the field chosen for it; old documents go at once, with their partition.
//!
//! ```no_run
//! use std::time::SystemTime;
//!
//! use den_backend::Backend;
//! use den_postgres::pg;
//!
//! async fn upkeep(backend: &dyn Backend) -> den_backend::Result<()> {
//!     // Before the type is registered for the first time.
//!     pg::create_range_partitioned_collection(backend, "events", "received_at").await?;
//!     // Every day:
//!     let now = SystemTime::now();
//!     pg::create_daily_partitions_ahead(backend, "events", now, 3).await?;
//!     for old in pg::list_daily_partitions_before(backend, "events", now, 30).await? {
//!         pg::drop_partition(backend, "events", &old).await?;
//!     }
//!     Ok(())
//! }
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use den_backend::{Backend, Error, ErrorKind, FieldPath, Result, check::check_collection};
use den_sql::{POSTGRES, postgres_only, schema};

use super::{check_name, shared};
use crate::{
    call::Call,
    catalog::State,
    ddl::{run_all, within_ddl},
    raw::time::date,
    runner::Runner,
    values::{Bound, column},
};

/// From 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const DAYS_TO_2000: i64 = 10_957;

const SECONDS: u64 = 86_400;

/// The partitions of a table in the schema at hand; parent and child are told by what they are, not by
/// their names.
const PARTITIONS: &str = "SELECT c.relname::text AS name
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
WHERE n.nspname = current_schema() AND t.relname = $1::text AND t.relkind = 'p'
    AND c.relnamespace = t.relnamespace AND c.relispartition
ORDER BY c.relname::text COLLATE \"C\" ASC NULLS FIRST";

/// Makes a collection exist that is partitioned by the time in a field. Register its type afterwards.
///
/// # Behavior
///
/// - Idempotent. A document needs the field, with a time in it as den writes times, and a partition for
///   that time; else a write is `InvalidDocument`.
/// - A document is found, read, changed and deleted by its id in whatever partition it is; a write moves
///   it when its time has changed. Writes take a lock on the id, since no index can keep ids unique over
///   all partitions.
/// - Not on such a collection, and refused with `Unsupported`: unique indexes, upserts, patches of the
///   field itself, and inserts (also by a save that may insert) in a transaction above READ COMMITTED.
///
/// # Errors
///
/// - `InvalidQuery` for a bad name or path, and if the collection exists otherwise.
/// - `Unsupported` on another database than PostgreSQL.
pub async fn create_range_partitioned_collection(
    backend: &dyn Backend,
    collection: &str,
    field: &str,
) -> Result<()> {
    let shared = shared(backend, "pg::create_range_partitioned_collection")?;
    check_collection(collection)?;
    let field = FieldPath::parse(field)?;
    if field.is_root() || field.is_id() {
        let message = "a collection is partitioned by a field of its documents";
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    let made = within_ddl(shared, None, async |on| {
        // As with every collection that den makes: whoever reads of it finds den's records.
        run_all(on, schema::catalog(POSTGRES)).await?;
        let state = State::read(collection, on).await?;
        if !state.exists() {
            let sql = postgres_only::create_partitioned_table(collection, &field);
            return run_all(on, sql).await;
        }
        if state.partitioned_by() == Some(&field) {
            return Ok(());
        }
        let message = "the collection exists already, and is not partitioned by this field";
        Err(Error::new(ErrorKind::InvalidQuery, message).with_collection(collection))
    })
    .await;
    shared.collections.forget(collection);
    made
}

/// Makes a partition exist for today and for each day that follows, so many in all; `now` says what today
/// is, in UTC. Returns their names, `<collection>_<YYYYMMDD>`.
///
/// # Errors
///
/// - `InvalidQuery` for a collection that is not partitioned, or a name that is too long or taken.
/// - `Unsupported` on another database than PostgreSQL.
pub async fn create_daily_partitions_ahead(
    backend: &dyn Backend,
    collection: &str,
    now: SystemTime,
    days: u16,
) -> Result<Vec<String>> {
    let shared = shared(backend, "pg::create_daily_partitions_ahead")?;
    check_collection(collection)?;
    let today = day_of(now)?;
    let mut wanted = Vec::new();
    for ahead in 0..i32::from(days) {
        let (from, to) = (date(today + ahead), date(today + ahead + 1));
        let name = name_of(collection, &from);
        check_name(&name, "a partition")?;
        wanted.push((name, from, to));
    }
    within_ddl(shared, None, async |on| {
        let there = partitions(on, collection).await?;
        for (name, from, to) in &wanted {
            if !there.contains(name) {
                let sql = postgres_only::create_partition(collection, name, from, to);
                run_all(on, vec![sql]).await?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(wanted.into_iter().map(|(name, ..)| name).collect())
}

/// Lists the daily partitions of days that lie more than so many days before today, oldest first; `now`
/// says what today is, in UTC.
///
/// # Errors
///
/// - `InvalidQuery` for a collection that is not partitioned.
/// - `Unsupported` on another database than PostgreSQL.
pub async fn list_daily_partitions_before(
    backend: &dyn Backend,
    collection: &str,
    now: SystemTime,
    days: u16,
) -> Result<Vec<String>> {
    let shared = shared(backend, "pg::list_daily_partitions_before")?;
    check_collection(collection)?;
    let first_kept = name_of(collection, &date(day_of(now)? - i32::from(days)));
    let mut all = partitions(shared, collection).await?;
    // The digits of a day sort as the days do.
    all.retain(|it| is_daily(collection, it) && *it < first_kept);
    Ok(all)
}

/// Drops a partition of a collection with all that is in it.
///
/// # Errors
///
/// - `NotFound` for whatever is not a partition of this very collection, which is left alone.
/// - `InvalidQuery` for a collection that is not partitioned.
/// - `Unsupported` on another database than PostgreSQL.
pub async fn drop_partition(backend: &dyn Backend, collection: &str, name: &str) -> Result<()> {
    let shared = shared(backend, "pg::drop_partition")?;
    check_collection(collection)?;
    within_ddl(shared, None, async |on| {
        if !partitions(on, collection)
            .await?
            .iter()
            .any(|it| it == name)
        {
            let message = format!("no partition of the collection is named {name:?}");
            return Err(Error::new(ErrorKind::NotFound, message).with_collection(collection));
        }
        run_all(on, vec![postgres_only::drop_partition(name)]).await
    })
    .await
}

/// The daily partitions of a collection that was named `from`, each with the name that it has under its new
/// one.
pub(crate) async fn renamed(
    on: &impl Runner,
    from: &str,
    to: &str,
) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    for old in partitions(on, to).await? {
        let Some(day) = old.strip_prefix(from).filter(|_| is_daily(from, &old)) else {
            continue;
        };
        let new = [to, day].concat();
        check_name(&new, "a partition")?;
        names.push((old, new));
    }
    Ok(names)
}

async fn partitions(on: &impl Runner, collection: &str) -> Result<Vec<String>> {
    if State::read(collection, on)
        .await?
        .partitioned_by()
        .is_none()
    {
        let message = "the collection does not exist as a partitioned one; \
                       `create_range_partitioned_collection` makes it";
        return Err(Error::new(ErrorKind::InvalidQuery, message).with_collection(collection));
    }
    let params = vec![Bound::Text(collection.to_owned())];
    let answer = on.run(Call::read(PARTITIONS.into(), params)).await?;
    answer.rows.iter().map(|row| column(row, 0)).collect()
}

/// The day of a moment, counted from 2000-01-01, in UTC.
fn day_of(moment: SystemTime) -> Result<i32> {
    let days = moment
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|it| i64::try_from(it.as_secs() / SECONDS).ok())
        .and_then(|it| i32::try_from(it - DAYS_TO_2000).ok())
        // Four digits of a year, and room to count on.
        .filter(|it| *it < 2_800_000);
    days.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidQuery,
            "the time given lies before 1970 or too far ahead",
        )
    })
}

fn name_of(collection: &str, day: &str) -> String {
    let digits: String = day.chars().filter(char::is_ascii_digit).collect();
    [collection, "_", &digits].concat()
}

fn is_daily(collection: &str, name: &str) -> bool {
    let rest = name.strip_prefix(collection);
    let digits = rest.and_then(|it| it.strip_prefix('_')).unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        let day = |seconds| date(day_of(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap());
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(1_777_593_599), "2026-04-30");
        assert_eq!(day(1_777_593_600), "2026-05-01");
        assert!(day_of(UNIX_EPOCH - Duration::from_secs(1)).is_err());
        assert_eq!(name_of("a b", "2026-05-01"), "a b_20260501");
        assert!(is_daily("a", "a_20260501"));
        assert!(!is_daily("a", "a_2026050") && !is_daily("a", "b_20260501"));
    }
}
