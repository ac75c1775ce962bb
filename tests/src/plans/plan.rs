//! Reads the plans of the engines.

use den::Explain;

use super::uses::Order;
use crate::harness::{Engine, TestDb};

/// Lets the engine count its rows, as it does by itself in the long run.
pub(super) async fn analyze(on: &TestDb) {
    match on.engine() {
        Engine::Memory => {}
        Engine::Sqlite => {
            let file = rusqlite::Connection::open(on.file()).unwrap();
            file.execute_batch("ANALYZE").unwrap();
        }
        Engine::Postgres => {
            let client = on.plain_connection().await;
            client.batch_execute("ANALYZE plants").await.unwrap();
        }
    }
}

/// What is wrong with a plan that ought to use this index.
pub(super) fn problem(
    engine: Engine,
    explain: &Explain,
    index: &str,
    order: Order,
) -> Option<String> {
    let lines = &explain.plan;
    if lines.is_empty() {
        return Some("there is no plan".to_owned());
    }
    if !lines.iter().any(|it| it.contains(index)) {
        return Some(format!("the index {index} is not used"));
    }
    if lines.iter().any(|it| is_full_scan(engine, it)) {
        return Some("every row is read".to_owned());
    }
    if order == Order::OfTheIndex && lines.iter().any(|it| is_sort(engine, it)) {
        return Some("the rows are sorted".to_owned());
    }
    None
}

fn is_full_scan(engine: Engine, line: &str) -> bool {
    match engine {
        Engine::Memory => false,
        Engine::Sqlite => {
            let line = line.trim_start_matches(['|', '-', '`', ' ']);
            // What is scanned else is a subquery, or the values of a set.
            line.starts_with("SCAN d") && !line.contains(" USING ")
        }
        Engine::Postgres => line.contains("Seq Scan on"),
    }
}

fn is_sort(engine: Engine, line: &str) -> bool {
    match engine {
        Engine::Memory => false,
        Engine::Sqlite => line.contains("USE TEMP B-TREE"),
        Engine::Postgres => {
            let node = line.trim_start().trim_start_matches("->").trim_start();
            node.starts_with("Sort ") || node.starts_with("Incremental Sort")
        }
    }
}
