//! Claims: each caller takes documents of its own.

use std::{collections::BTreeSet, time::Duration};

use den::{LockMode, prelude::*};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::support::{recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_first_are_taken_in_order),
    case!(one_statement),
    case!(forty_workers_never_get_the_same),
    case!(nobody_waits, only: [Postgres, PostgresIcu]),
    case!(a_rolled_back_claim_is_free_again),
    case!(hooks_run_for_what_is_taken),
    case!(what_makes_no_sense_is_refused),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "jobs", revision)]
struct Job {
    #[serde(flatten)]
    base: Base<Job>,
    #[den(index)]
    state: String,
    #[den(index)]
    priority: i64,
    tries: i64,
    worker: Option<i64>,
}

async fn given(db: &Db, count: i64) {
    let mut jobs: Vec<Job> = (1..=count)
        .map(|priority| Job {
            state: "ready".to_owned(),
            priority,
            ..Job::default()
        })
        .collect();
    Job::insert_many(db, &mut jobs).await.unwrap();
}

fn ready(on: &(impl Executor + ?Sized)) -> QuerySet<Job> {
    let j = Job::fields();
    Job::query(on)
        .filter(j.state.eq("ready"))
        .sort(j.priority.desc())
}

async fn claim(on: &(impl Executor + ?Sized), count: u64) -> den::Result<Vec<Job>> {
    let j = Job::fields();
    ready(on)
        .claim(count)
        .set(j.state, "running")
        .inc(j.tries, 1)
        .await
}

fn priorities(jobs: &[Job]) -> Vec<i64> {
    jobs.iter().map(|it| it.priority).collect()
}

async fn the_first_are_taken_in_order(on: &TestDb) {
    let db = on.with::<Job>().await;
    given(db, 5).await;
    let first = claim(db, 2).await.unwrap();
    assert_eq!(priorities(&first), [5, 4]);
    for it in &first {
        assert_eq!((it.state.as_str(), it.tries), ("running", 1));
        assert_eq!(&Job::find(db, it.id()).await.unwrap(), it);
    }
    let j = Job::fields();
    let limited = ready(db).limit(1).claim(10).set(j.state, "running").await;
    assert_eq!(priorities(&limited.unwrap()), [3]);
    assert_eq!(priorities(&claim(db, 10).await.unwrap()), [2, 1]);
    assert_eq!(claim(db, 10).await.unwrap(), []);
}

async fn one_statement(on: &TestDb) {
    let (db, recorder) = recorded::<(Job,)>(on).await;
    given(&db, 3).await;
    recorder.clear();
    claim(&db, 2).await.unwrap();
    // The transaction is for jobs that do not read: then none is taken.
    assert_eq!(recorder.take(), ["begin", "tx update jobs", "tx commit"]);
    let tx = db.begin().await.unwrap();
    recorder.clear();
    claim(&tx, 2).await.unwrap();
    let within = ["tx savepoint", "tx update jobs", "tx release"];
    assert_eq!(recorder.take(), within);
    tx.commit().await.unwrap();
}

async fn forty_workers_never_get_the_same(on: &TestDb) {
    let db = on.with::<Job>().await;
    given(db, 200).await;
    let mut workers = JoinSet::new();
    for worker in 0..40 {
        let db = db.clone();
        workers.spawn(async move {
            let j = Job::fields();
            let mut taken = Vec::new();
            loop {
                let claim = ready(&db).claim(3);
                let jobs = claim
                    .set(j.state, "running")
                    .set(j.worker, worker)
                    .await
                    .unwrap();
                if jobs.is_empty() && ready(&db).count().await.unwrap() == 0 {
                    return taken;
                }
                assert!(jobs.iter().all(|it| it.worker == Some(worker)));
                taken.extend(jobs.into_iter().map(|it| it.priority));
            }
        });
    }
    let mut taken = Vec::new();
    while let Some(outcome) = workers.join_next().await {
        taken.extend(outcome.unwrap());
    }
    let distinct: BTreeSet<i64> = taken.iter().copied().collect();
    assert_eq!((taken.len(), distinct.len()), (200, 200));
}

async fn nobody_waits(on: &TestDb) {
    let db = on.with::<Job>().await;
    given(db, 4).await;
    let tx = db.begin().await.unwrap();
    let locked = ready(&tx)
        .limit(1)
        .for_update(LockMode::Wait)
        .all()
        .await
        .unwrap();
    assert_eq!(priorities(&locked), [4]);
    let other = db.begin().await.unwrap();
    assert_eq!(priorities(&claim(&other, 1).await.unwrap()), [3]);
    let soon = tokio::time::timeout(Duration::from_secs(20), claim(db, 10));
    assert_eq!(priorities(&soon.await.unwrap().unwrap()), [2, 1]);
    other.commit().await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(priorities(&claim(db, 10).await.unwrap()), [4]);
}

async fn a_rolled_back_claim_is_free_again(on: &TestDb) {
    let db = on.with::<Job>().await;
    given(db, 2).await;
    let tx = db.begin().await.unwrap();
    assert_eq!(priorities(&claim(&tx, 1).await.unwrap()), [2]);
    tx.rollback().await.unwrap();
    assert_eq!(priorities(&claim(db, 2).await.unwrap()), [2, 1]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "hooked_jobs", hooks)]
struct Hooked {
    #[serde(flatten)]
    base: Base<Hooked>,
    state: String,
    log: Vec<String>,
}

impl Hooks for Hooked {
    async fn before_update(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.push(self.state.clone());
        Ok(())
    }
}

async fn hooks_run_for_what_is_taken(on: &TestDb) {
    let db = on.with::<Hooked>().await;
    let mut jobs = vec![Hooked::default(); 30];
    Hooked::insert_many(db, &mut jobs).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let db = db.clone();
        workers.spawn(async move {
            let j = Hooked::fields();
            let mut taken = Vec::new();
            for _ in 0..100 {
                let free = Hooked::query(&db).filter(j.state.eq(""));
                let jobs = free.claim(2).set(j.state, "running").await.unwrap();
                taken.extend(jobs);
                if Hooked::query(&db)
                    .filter(j.state.eq(""))
                    .count()
                    .await
                    .unwrap()
                    == 0
                {
                    break;
                }
            }
            taken
        });
    }
    let mut taken = Vec::new();
    while let Some(outcome) = workers.join_next().await {
        taken.extend(outcome.unwrap());
    }
    assert_eq!(taken.len(), 30);
    assert!(taken.iter().all(|it| it.log == ["running"]));
}

async fn what_makes_no_sense_is_refused(on: &TestDb) {
    let (db, recorder) = recorded::<(Job,)>(on).await;
    let j = Job::fields();
    let none = ready(&db).claim(0).set(j.state, "running").await;
    refused(none, ErrorKind::InvalidQuery);
    let all = Job::query(&db).claim(5).set(j.state, "running").await;
    refused(all, ErrorKind::InvalidQuery);
    refused(ready(&db).claim(5).await, ErrorKind::InvalidQuery);
    assert!(recorder.calls().is_empty());
}
