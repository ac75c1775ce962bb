//! Steps outside of a transaction.

use std::{pin::pin, time::Instant};

use den_backend::{Error, ErrorKind, Result};
use futures_util::future::{Either, select};
use tokio::time::sleep;

use super::{
    Migrator,
    lock::Lock,
    log,
    registry::Action,
    run::{Course, Waiting, hold},
    situation::Job,
};
use crate::executor::Handle;

/// So many signs of life are given in the time of a lease.
const BEATS: u32 = 5;

/// Runs a step as the holder of the lock, and has the log say how it ended.
pub(super) async fn run(course: &mut Course<'_>, job: &Job, holder: &str) -> Result<()> {
    let Action::Run(work) = &job.action else {
        // Only the application's own code runs outside of transactions.
        return Err(lost());
    };
    let migrator = course.migrator;
    let since = course.begin(job);
    let context = course.context(Handle::Db(migrator.db.clone()), job);
    let outcome = {
        let beats = pin!(give_signs_of_life(migrator, holder));
        match select(work(context), beats).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((error, _)) => return Err(course.has_failed(job, error)),
        }
    };
    if let Err(error) = settle(course, job, holder, since, outcome.as_ref().err()).await {
        return Err(course.has_failed(job, error));
    }
    outcome.map_err(|error| course.has_failed(job, error))
}

/// Gives the lock back, and has the log say how the step ended.
async fn settle(
    course: &Course<'_>,
    job: &Job,
    holder: &str,
    since: Instant,
    error: Option<&Error>,
) -> Result<()> {
    let migrator = course.migrator;
    let (tx, lock) = hold(migrator, &mut migrator.wait(), Waiting::ForTheRow).await?;
    if !lock.is_held_by(holder) {
        return Err(lost());
    }
    let session = tx.session().await?;
    let mut job = job.clone();
    match error {
        None => course.log_done(&*session, &mut job, since).await?,
        Some(error) => {
            job.entry.error = Some(error.to_string());
            log::write(&*session, &job.entry).await?;
        }
    }
    Lock::free().write(&*session).await?;
    drop(session);
    tx.commit().await
}

/// Gives signs of life until someone else has taken the lock.
async fn give_signs_of_life(migrator: &Migrator, holder: &str) -> Error {
    loop {
        sleep(migrator.lease / BEATS).await;
        match beat(migrator, holder).await {
            Ok(true) => {}
            Ok(false) => return lost(),
            // Others see no sign of life either, unless it is for this process alone that the database
            // does not answer: then the end of the step tells.
            Err(error) => {
                tracing::debug!(target: "den::migrate", %error, "could not give a sign of life");
            }
        }
    }
}

async fn beat(migrator: &Migrator, holder: &str) -> Result<bool> {
    let (tx, mut lock) = hold(migrator, &mut migrator.wait(), Waiting::ForTheRow).await?;
    if !lock.is_held_by(holder) {
        return Ok(false);
    }
    lock.beat += 1;
    lock.write(&*tx.session().await?).await?;
    tx.commit().await?;
    Ok(true)
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Locked,
        "this process gave no sign of life for too long, and another took the migration over",
    )
}
