//! Of two inserts of one unique value, exactly one succeeds.

use den::{ErrorKind, prelude::*};
use tokio::task::JoinSet;

use super::documents::Job;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(one_of_two_inserts_of_a_value_wins),
    case!(one_of_two_inserts_in_transactions_wins),
    case!(one_of_two_batches_wins),
    case!(one_of_two_inserts_of_an_id_wins),
    case!(one_of_two_updates_to_a_value_wins),
];

const ROUNDS: i64 = 250;

/// A job whose code is taken in this round by the others, too.
fn job(round: i64, racer: i64) -> Job {
    Job {
        code: format!("code {round}"),
        owner: format!("racer {racer}"),
        n: round,
        ..Job::default()
    }
}

/// Runs two racers and returns what they were told.
async fn race<F, Fut>(racer: F) -> Vec<den::Result<()>>
where
    F: Fn(i64) -> Fut,
    Fut: Future<Output = den::Result<()>> + Send + 'static,
{
    let mut racers = JoinSet::new();
    for number in 0..2 {
        racers.spawn(racer(number));
    }
    racers.join_all().await
}

#[track_caller]
fn check(round: i64, outcomes: &[den::Result<()>], fields: &[&str]) {
    let lost: Vec<_> = outcomes.iter().filter_map(|it| it.as_ref().err()).collect();
    let [lost] = lost.as_slice() else {
        panic!("round {round}: {outcomes:?}");
    };
    assert_eq!(lost.kind(), ErrorKind::Duplicate, "round {round}: {lost:?}");
    assert_eq!(lost.constraint().unwrap().fields(), fields, "round {round}");
}

async fn one_of_two_inserts_of_a_value_wins(on: &TestDb) {
    let db = on.with::<Job>().await;
    for round in 0..ROUNDS {
        let outcomes = race(|racer| {
            let db = db.clone();
            async move { job(round, racer).insert(&db).await }
        });
        check(round, &outcomes.await, &["code"]);
    }
    assert_eq!(Job::query(db).count().await.unwrap(), ROUNDS.unsigned_abs());
}

async fn one_of_two_inserts_in_transactions_wins(on: &TestDb) {
    let db = on.with::<Job>().await;
    for round in 0..ROUNDS {
        let outcomes = race(|racer| {
            let db = db.clone();
            async move {
                db.transaction(async |tx| job(round, racer).insert(&tx).await)
                    .await
            }
        });
        check(round, &outcomes.await, &["code"]);
    }
    assert_eq!(Job::query(db).count().await.unwrap(), ROUNDS.unsigned_abs());
}

async fn one_of_two_batches_wins(on: &TestDb) {
    let db = on.with::<Job>().await;
    for round in 0..ROUNDS {
        let outcomes = race(|racer| {
            let db = db.clone();
            async move {
                let free = Job {
                    code: format!("free {round} {racer}"),
                    n: -1 - round,
                    owner: format!("racer {racer}"),
                    ..Job::default()
                };
                Job::insert_many(&db, &mut [free, job(round, racer)]).await
            }
        });
        check(round, &outcomes.await, &["code"]);
        let stored = u64::try_from(2 * (round + 1)).unwrap();
        assert_eq!(
            Job::query(db).count().await.unwrap(),
            stored,
            "round {round}"
        );
    }
}

async fn one_of_two_inserts_of_an_id_wins(on: &TestDb) {
    let db = on.with::<Job>().await;
    for round in 0..ROUNDS {
        let outcomes = race(|racer| {
            let db = db.clone();
            async move {
                let mut job = job(round, racer);
                job.code.push_str(&job.owner);
                job.base.id = Id::new(format!("id {round}"));
                job.insert(&db).await
            }
        });
        check(round, &outcomes.await, &["_id"]);
    }
}

async fn one_of_two_updates_to_a_value_wins(on: &TestDb) {
    let db = on.with::<Job>().await;
    for racer in 0..2 {
        let mut job = job(-1, racer);
        job.code = format!("first of {racer}");
        job.base.id = Id::new(format!("{racer}"));
        job.insert(db).await.unwrap();
    }
    for round in 0..ROUNDS {
        let outcomes = race(|racer| {
            let db = db.clone();
            async move {
                let mut mine = Job::find(&db, format!("{racer}")).await?;
                mine.code = format!("code {round}");
                mine.update(&db).await
            }
        });
        check(round, &outcomes.await, &["code"]);
    }
}
