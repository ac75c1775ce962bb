//! Several processes with one database, and processes that are killed.

use std::time::{Duration, Instant};

use den::{Json, field, migrate::Migrator};
use den_test_harness::{Case, TestDb};
use serde_json::json;
use tokio::time::sleep;

use super::{collection, process::registry, states, written};
use crate::process::{begin, start, succeed};

pub(crate) const CASES: &[Case] = &[
    case!(eight_processes_run_each_step_once, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(killed_processes_leave_what_the_next_can_finish, only: [SqliteFile, Postgres, PostgresIcu]),
];

const ITEMS: i64 = 300;

async fn fill(on: &TestDb) {
    collection(on, "notes").await;
    collection(on, "items").await;
    let items = on.db.collection("items");
    for n in 0..ITEMS {
        let item = json!({ "_id": format!("item{n:04}"), "walked": 0 });
        items.insert(item).await.unwrap();
    }
}

async fn check(on: &TestDb) {
    assert_eq!(written(&on.db).await, ["1", "1", "4", "4", "3"]);
    let items = on.db.collection("items").query();
    let walked: Vec<Json> = items.filter(field("walked").ne(1)).all().await.unwrap();
    assert!(walked.is_empty(), "{walked:?}");
    let migrator = Migrator::new(&on.db).with(registry());
    assert_eq!(
        states(&migrator).await,
        ["1 applied", "2 applied", "3 applied", "4 applied"]
    );
}

async fn eight_processes_run_each_step_once(on: &TestDb) {
    fill(on).await;
    let mut children = Vec::new();
    for number in 0..8 {
        children.push(start("migrate", on.url(), &format!("process {number}")).await);
    }
    for child in &mut children {
        begin(child).await;
    }
    succeed(children).await;
    check(on).await;
}

async fn killed_processes_leave_what_the_next_can_finish(on: &TestDb) {
    fill(on).await;
    let began = Instant::now();
    let mut killed = 0;
    for round in 0_u64.. {
        let mut child = start("migrate", on.url(), &format!("round {round}")).await;
        begin(&mut child).await;
        // Differently far each time; in the end it is left to finish.
        let span = 15 + (round * 37) % 90;
        let patience = match began.elapsed() > Duration::from_secs(25) || round > 40 {
            true => Duration::from_secs(60),
            false => Duration::from_millis(span),
        };
        tokio::select! {
            status = child.wait() => {
                assert!(status.unwrap().success());
                break;
            }
            () = sleep(patience) => {
                killed += 1;
                child.kill().await.unwrap();
            }
        }
    }
    assert!(killed > 2, "{killed}");
    check(on).await;
}
