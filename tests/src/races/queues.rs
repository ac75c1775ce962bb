//! A queue of jobs whose workers leave out what others have locked.

use std::{collections::BTreeMap, time::Duration};

use den::{LockMode, prelude::*};
use tokio::task::JoinSet;

use super::documents::Job;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(no_job_is_taken_twice),
    case!(what_is_locked_is_left_out, only: [Postgres, PostgresIcu]),
];

const JOBS: i64 = 300;
const WORKERS: i64 = 4;

fn open_jobs(number: i64) -> Vec<Job> {
    (0..number)
        .map(|n| Job {
            code: format!("{n}"),
            state: "open".to_owned(),
            n,
            ..Job::default()
        })
        .collect()
}

async fn no_job_is_taken_twice(on: &TestDb) {
    let db = on.with::<Job>().await;
    Job::insert_many(db, &mut open_jobs(JOBS)).await.unwrap();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let db = db.clone();
        workers.spawn(async move {
            let mut done = Vec::new();
            while is_work_left(&db).await {
                match take_some(&db, worker).await.unwrap() {
                    taken if taken.is_empty() => tokio::time::sleep(Duration::from_millis(1)).await,
                    taken => done.extend(taken),
                }
            }
            done
        });
    }
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    for n in workers.join_all().await.into_iter().flatten() {
        *times.entry(n).or_default() += 1;
    }
    let once: BTreeMap<i64, u32> = (0..JOBS).map(|n| (n, 1)).collect();
    assert_eq!(times, once);
}

async fn is_work_left(db: &Db) -> bool {
    let state = Job::fields().state;
    Job::query(db)
        .filter(state.eq("open"))
        .exists()
        .await
        .unwrap()
}

/// Takes up to three jobs, and returns their numbers.
async fn take_some(db: &Db, worker: i64) -> den::Result<Vec<i64>> {
    let j = Job::fields();
    db.transaction(async |tx| {
        let mut jobs = Job::query(&tx)
            .filter(j.state.eq("open"))
            .sort(j.n.asc())
            .limit(3)
            .for_update(LockMode::SkipLocked)
            .all()
            .await?;
        for job in &mut jobs {
            job.state = "done".to_owned();
            job.owner = format!("worker {worker}");
        }
        Job::save_all(&tx, &mut jobs).await?;
        Ok(jobs.iter().map(|it| it.n).collect())
    })
    .await
}

async fn what_is_locked_is_left_out(on: &TestDb) {
    let db = on.with::<Job>().await;
    Job::insert_many(db, &mut open_jobs(5)).await.unwrap();
    let first = db.begin().await.unwrap();
    let second = db.begin().await.unwrap();
    let next = async |tx: &Tx| {
        let jobs = Job::query(tx).sort(Job::fields().n.asc()).limit(2);
        let jobs = jobs.for_update(LockMode::SkipLocked).all().await.unwrap();
        jobs.iter().map(|it| it.n).collect::<Vec<_>>()
    };
    assert_eq!(next(&first).await, [0, 1]);
    assert_eq!(next(&second).await, [2, 3]);
    first.rollback().await.unwrap();
    second.commit().await.unwrap();
}
