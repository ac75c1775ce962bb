//! Processes that are killed at any point, and what the next one makes of it.

use std::time::{Duration, Instant};

use den::{Db, Json, transfer};
use den_test_harness::{Case, TestDb};
use serde_json::json;
use tokio::time::sleep;

use super::{file, ids, process::Order, written};
use crate::process::{begin, start, succeed};

pub(crate) const CASES: &[Case] = &[
    case!(an_import_that_is_killed_goes_on, only: [SqliteFile, Postgres]),
    case!(a_copy_that_is_killed_goes_on, only: [SqliteFile, Postgres]),
    case!(replacing_that_is_killed_leaves_the_old, only: [SqliteFile, Postgres]),
    case!(memory_is_bounded, only: [SqliteFile]),
];

const DOCUMENTS: u32 = 6_000;

/// A process with this order, killed after a while, again and again until one gets to its end.
async fn kill_until_done(on: &TestDb, order: &Order) -> u32 {
    let order = serde_json::to_string(order).unwrap();
    let began = Instant::now();
    let mut killed = 0;
    loop {
        let mut child = start("transfer", on.url(), &order).await;
        begin(&mut child).await;
        // A little longer each time, and for another time each time.
        let odd = began.elapsed().subsec_nanos() % 97;
        let patience = Duration::from_millis(u64::from(40 + killed * 25 + odd));
        match tokio::time::timeout(patience, child.wait()).await {
            Ok(_) => {
                succeed(vec![child]).await;
                return killed;
            }
            Err(_) => child.kill().await.unwrap(),
        }
        killed += 1;
        assert!(began.elapsed() < Duration::from_secs(100), "it never ends");
    }
}

async fn an_import_that_is_killed_goes_on(on: &TestDb) {
    super::ensure(on, "items").await;
    // Without ids, so that a document that is stored twice is seen.
    let mut lines = String::new();
    for n in 0..DOCUMENTS {
        lines += &json!({ "n": n, "text": "x".repeat(50) }).to_string();
        lines.push('\n');
        if n % 100 == 50 {
            lines += "bad\n";
        }
    }
    let (folder, path) = written("items.jsonl", lines);
    let bad = folder.path().join("bad.jsonl");
    let order = Order::Import {
        path: path.display().to_string(),
        bad: bad.display().to_string(),
    };
    let killed = kill_until_done(on, &order).await;
    assert!(killed > 0);
    let all: Vec<Json> = on.db.collection("items").query().all().await.unwrap();
    let mut numbers: Vec<u64> = all.iter().map(|it| it["n"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    let expected: Vec<u64> = (0..u64::from(DOCUMENTS)).collect();
    assert!(
        numbers == expected,
        "{} after {killed} kills",
        numbers.len()
    );
    let bad = std::fs::read_to_string(bad).unwrap();
    let bad: Vec<u64> = bad
        .lines()
        .map(|it| {
            serde_json::from_str::<Json>(it).unwrap()["line"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(bad.len(), DOCUMENTS as usize / 100);
    assert!(bad.is_sorted());
}

async fn a_copy_that_is_killed_goes_on(on: &TestDb) {
    let (folder, path) = file("from.db");
    let url = format!("sqlite:///{}", path.display());
    let from = Db::open(&url).await.unwrap();
    let lines: String = (0..DOCUMENTS)
        .map(|n| json!({ "_id": format!("{n:05}"), "n": n }).to_string() + "\n")
        .collect();
    let (_lines, lines) = written("items.jsonl", lines);
    transfer::Import::new(&from)
        .jsonl_file("items", &lines)
        .await
        .unwrap();
    let killed = kill_until_done(on, &Order::Copy { from: url }).await;
    let comparison = transfer::compare(&from, &on.db).await.unwrap();
    assert!(comparison.is_equal(), "after {killed} kills: {comparison}");
    assert!(killed > 0);
    from.close().await.unwrap();
    drop(folder);
}

async fn replacing_that_is_killed_leaves_the_old(on: &TestDb) {
    super::fill(on, "items", 3).await;
    let lines: String = (0..DOCUMENTS)
        .map(|n| json!({ "_id": format!("new{n}") }).to_string() + "\n")
        .collect();
    let (_folder, path) = written("items.jsonl", lines);
    let path = path.display().to_string();
    let order = serde_json::to_string(&Order::Replace { path: path.clone() }).unwrap();
    for patience in [30, 60, 90, 120] {
        let mut child = start("transfer", on.url(), &order).await;
        begin(&mut child).await;
        sleep(Duration::from_millis(patience)).await;
        child.kill().await.unwrap();
        let there = ids(&on.db, "items").await;
        let is_old = there == ["0001", "0002", "0003"];
        assert!(
            is_old || there.len() == DOCUMENTS as usize,
            "{}",
            there.len()
        );
    }
    kill_until_done(on, &Order::Replace { path }).await;
    assert_eq!(ids(&on.db, "items").await.len(), DOCUMENTS as usize);
}

async fn memory_is_bounded(on: &TestDb) {
    if !cfg!(target_os = "linux") {
        return;
    }
    // 100 MB.
    let text = "x".repeat(2000);
    let mut lines = String::new();
    for n in 0..50_000 {
        lines += &json!({ "_id": format!("{n:05}"), "n": n, "text": text }).to_string();
        lines.push('\n');
    }
    let (folder, path) = written("items.jsonl", &lines);
    drop(lines);
    let said = folder.path().join("kib");
    let order = Order::Measure {
        said: said.display().to_string(),
        from: path.display().to_string(),
        to: folder.path().join("all.den").display().to_string(),
    };
    let order = serde_json::to_string(&order).unwrap();
    let mut child = start("transfer", &on.url_with("cache_size=-2000"), &order).await;
    begin(&mut child).await;
    succeed(vec![child]).await;
    let said = std::fs::read_to_string(said).unwrap();
    let kib: u64 = said.trim().parse().unwrap();
    assert!(kib < 40 * 1024, "{kib} KiB");
}
