//! Two writers with one revision: exactly one wins.

use std::sync::Arc;

use den::{ErrorKind, Json, prelude::*};
use den_backend::{Backend, Expectation, Put, PutOutcome, Refusal};
use tokio::{sync::Barrier, task::JoinSet};

use super::documents::Counter;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(one_of_two_saves_wins),
    case!(one_of_two_saves_through_two_handles_wins, except: [SqliteMemory]),
    case!(one_of_two_saves_in_transactions_wins),
    case!(one_of_two_puts_wins),
    case!(one_of_a_save_and_a_delete_wins),
];

const ROUNDS: i64 = 1000;
const ROUNDS_OF_TRANSACTIONS: i64 = 250;

async fn one_of_two_saves_wins(on: &TestDb) {
    let db = on.with::<Counter>().await;
    race_saves(db, db, ROUNDS).await;
}

async fn one_of_two_saves_through_two_handles_wins(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let other = on.open_again().await;
    other.register::<Counter>().await.unwrap();
    race_saves(db, &other, ROUNDS).await;
    other.close().await.unwrap();
}

async fn race_saves(a: &Db, b: &Db, rounds: i64) {
    let mut counter = Counter::default();
    counter.insert(a).await.unwrap();
    let start = Arc::new(Barrier::new(2));
    for round in 1..=rounds {
        let mut racers = JoinSet::new();
        for (db, n) in [(a.clone(), 2 * round), (b.clone(), 2 * round + 1)] {
            let (mut mine, start) = (counter.clone(), Arc::clone(&start));
            racers.spawn(async move {
                mine.n = n;
                start.wait().await;
                let outcome = mine.save(&db).await;
                (mine, outcome)
            });
        }
        let outcomes = racers.join_all().await;
        let winner = only_winner(&outcomes);
        counter = Counter::find(a, counter.id()).await.unwrap();
        assert_eq!(&counter, winner, "round {round}");
    }
}

/// The one that was saved; the other was told that it came late, and is as it was.
#[track_caller]
fn only_winner(outcomes: &[(Counter, den::Result<()>)]) -> &Counter {
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(_, it)| it.is_ok());
    let [(winner, _)] = won.as_slice() else {
        panic!("{} won: {outcomes:?}", won.len());
    };
    for (loser, outcome) in lost {
        let error = outcome.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RevisionConflict, "{error:?}");
        assert_ne!(loser.base.rev, winner.base.rev);
    }
    winner
}

async fn one_of_two_saves_in_transactions_wins(on: &TestDb) {
    let db = on.with::<Counter>().await;
    let mut counter = Counter::default();
    counter.insert(db).await.unwrap();
    for round in 1..=ROUNDS_OF_TRANSACTIONS {
        let mut racers = JoinSet::new();
        for n in [2 * round, 2 * round + 1] {
            let (db, mine) = (db.clone(), counter.clone());
            racers.spawn(async move {
                let mut mine = mine;
                mine.n = n;
                let saved = db.transaction(async |tx| mine.save(&tx).await).await;
                (mine, saved)
            });
        }
        let outcomes = racers.join_all().await;
        let winner = only_winner(&outcomes).n;
        counter = Counter::find(db, counter.id()).await.unwrap();
        assert_eq!(counter.n, winner, "round {round}");
    }
}

async fn one_of_two_puts_wins(on: &TestDb) {
    on.with::<Counter>().await;
    let start = Arc::new(Barrier::new(2));
    on.plant("counters", "c", &document("r0", 0)).await;
    for round in 1..=ROUNDS {
        let before = format!("r{}", round - 1);
        let mut racers = JoinSet::new();
        for n in [0, 1] {
            let (backend, start) = (Arc::clone(&on.backend), Arc::clone(&start));
            let before = before.clone();
            racers.spawn(async move {
                start.wait().await;
                put(&*backend, &before, &document(&format!("r{round}"), n)).await
            });
        }
        let mut outcomes = racers.join_all().await;
        outcomes.sort_by_key(|it| *it != PutOutcome::Updated);
        let lost = PutOutcome::Refused(Refusal::OtherRevision);
        assert_eq!(outcomes, [PutOutcome::Updated, lost], "round {round}");
    }
}

fn document(rev: &str, n: i64) -> Json {
    [
        ("_id".to_owned(), Json::from("c")),
        ("_rev".to_owned(), Json::from(rev)),
        ("n".to_owned(), Json::from(n)),
    ]
    .into_iter()
    .collect()
}

async fn put(backend: &dyn Backend, before: &str, document: &Json) -> PutOutcome {
    let body = serde_json::to_vec(document).unwrap();
    let put = Put {
        id: "c",
        body: &body,
        expect: Expectation::Revision(Some(before)),
    };
    backend.put("counters", put).await.unwrap()
}

async fn one_of_a_save_and_a_delete_wins(on: &TestDb) {
    let db = on.with::<Counter>().await;
    for round in 0..ROUNDS_OF_TRANSACTIONS {
        let mut counter = Counter::default();
        counter.insert(db).await.unwrap();
        let id = counter.id().clone();
        let (mut saved, mut deleted) = (counter.clone(), counter);
        saved.n = round;
        let (save_db, delete_db) = (db.clone(), db.clone());
        let save = tokio::spawn(async move { saved.save(&save_db).await });
        let delete = tokio::spawn(async move { deleted.delete(&delete_db).await });
        let (save, delete) = (save.await.unwrap(), delete.await.unwrap());
        let stored = Counter::get(db, &id).await.unwrap();
        match (save, delete) {
            (Ok(()), Err(late)) => {
                assert_eq!(late.kind(), ErrorKind::RevisionConflict);
                assert_eq!(stored.unwrap().n, round);
            }
            (Err(late), Ok(())) => {
                assert_eq!(late.kind(), ErrorKind::NotFound);
                assert_eq!(stored, None);
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}
