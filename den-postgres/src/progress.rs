//! What is told of a long build: events for people who wait for it.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use den_backend::Result;
use tokio::time::{Instant as Tick, interval_at};

use crate::{
    call::Call,
    pool::{Lease, Usage},
    runner::{Direct, Runner as _, Shared},
    values::{Bound, column},
};

/// How often there is something to tell.
const EVERY: Duration = Duration::from_secs(1);

const OWN_PROCESS: &str = "SELECT pg_backend_pid()::bigint";

/// How far the build of an index on a connection (`$1`) is.
const PROGRESS: &str = "SELECT p.phase::text, p.blocks_done::bigint, p.blocks_total::bigint,
    p.tuples_done::bigint, p.tuples_total::bigint
FROM pg_catalog.pg_stat_progress_create_index AS p
WHERE p.pid = $1::bigint";

/// Runs the build of an index on a connection, and tells how it goes: when it begins, about every second if
/// another connection is free to ask by, and when it has ended.
pub(crate) async fn told<T>(
    shared: &Shared,
    lease: &Lease,
    (collection, index): (&str, &str),
    build: impl Future<Output = Result<T>>,
) -> Result<T> {
    let began = Instant::now();
    let process = process_of(shared, lease).await;
    tracing::info!(target: "den::schema", collection, index, "building an index");
    let mut build = pin!(build);
    let mut ticks = interval_at(Tick::now() + EVERY, EVERY);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut build => break outcome,
            _ = ticks.tick() => {}
        }
        let Ok(process) = process else { continue };
        // The build goes on while the server is asked.
        let look = async {
            if let Some(it) = look(shared, process).await {
                tracing::info!(
                    target: "den::schema",
                    collection,
                    index,
                    phase = it.phase,
                    blocks_done = it.blocks.0,
                    blocks_total = it.blocks.1,
                    rows_done = it.rows.0,
                    rows_total = it.rows.1,
                    "an index is being built"
                );
            }
        };
        tokio::select! {
            biased;
            outcome = &mut build => break outcome,
            () = look => {}
        }
    };
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &outcome {
        Ok(_) => {
            tracing::info!(target: "den::schema", collection, index, milliseconds, "built an index");
        }
        Err(error) => {
            tracing::warn!(
                target: "den::schema",
                collection,
                index,
                milliseconds,
                %error,
                "an index was not built"
            );
        }
    }
    outcome
}

/// How far a build is.
struct Progress {
    phase: String,
    blocks: (i64, i64),
    rows: (i64, i64),
}

async fn process_of(shared: &Shared, lease: &Lease) -> Result<i64> {
    let on = Direct {
        lease,
        statements: shared.pool.statements(),
    };
    let answer = on.run(Call::read(OWN_PROCESS.into(), Vec::new())).await?;
    match answer.rows.first() {
        Some(row) => column(row, 0),
        None => Ok(0),
    }
}

/// Nothing where no connection is free, or the server does not say.
async fn look(shared: &Shared, process: i64) -> Option<Progress> {
    let lease = shared.pool.acquire_free().await?;
    lease.set_usage(Usage::Call);
    let on = Direct {
        lease: &lease,
        statements: shared.pool.statements(),
    };
    let params = vec![Bound::BigInt(process)];
    let answer = on.run(Call::read(PROGRESS.into(), params)).await.ok()?;
    lease.set_usage(Usage::Idle);
    let row = answer.rows.first()?;
    Some(Progress {
        phase: column(row, 0).ok()?,
        blocks: (column(row, 1).ok()?, column(row, 2).ok()?),
        rows: (column(row, 3).ok()?, column(row, 4).ok()?),
    })
}
