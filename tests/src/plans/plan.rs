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
    let lines: Vec<&str> = explain.plan.iter().map(String::as_str).collect();
    if lines.is_empty() {
        return Some("there is no plan".to_owned());
    }
    if !lines.iter().any(|it| it.contains(index)) {
        return Some(format!("the index {index} is not used"));
    }
    let (reads_all, sorts) = match engine {
        Engine::Memory => (false, false),
        Engine::Sqlite => (sqlite_reads_all(&lines), sqlite_sorts(&lines)),
        Engine::Postgres => (postgres_reads_all(&lines), postgres_sorts(&lines)),
    };
    if reads_all {
        return Some("every row is read".to_owned());
    }
    if order == Order::OfTheIndex && sorts {
        return Some("the rows are sorted".to_owned());
    }
    let by_id = ["plants_pkey", "sqlite_autoindex_plants_1"];
    let walks_ids = !by_id.contains(&index)
        && lines
            .iter()
            .any(|line| by_id.iter().any(|it| line.contains(it)));
    if order == Order::OfTheIndex && walks_ids {
        return Some("rows are read in the order of their ids".to_owned());
    }
    None
}

/// What puts the branches of a page together goes by the name of the table; it has only the few
/// rows that the branches leave.
const BRANCHES: &str = "CO-ROUTINE d";

fn sqlite_reads_all(lines: &[&str]) -> bool {
    lines.iter().any(|line| {
        let is_scan = line.trim_start().starts_with("SCAN d") && !line.contains(" USING ");
        is_scan && (line.starts_with(' ') || !lines.contains(&BRANCHES))
    })
}

fn sqlite_sorts(lines: &[&str]) -> bool {
    lines.iter().any(|line| {
        let is_sort = line.contains("USE TEMP B-TREE");
        is_sort && (line.starts_with(' ') || !lines.contains(&BRANCHES))
    })
}

fn postgres_reads_all(lines: &[&str]) -> bool {
    lines.iter().any(|line| line.contains("Seq Scan on"))
}

/// Whether more rows are sorted than the few that a limit below leaves.
fn postgres_sorts(lines: &[&str]) -> bool {
    let nodes: Vec<&str> = lines
        .iter()
        .filter_map(|line| {
            let (before, node) = line.split_once("->").unwrap_or(("", line));
            before.trim().is_empty().then_some(node.trim())
        })
        .filter(|it| !it.contains(':'))
        .collect();
    nodes.windows(2).any(|pair| {
        let is_sort = pair[0].starts_with("Sort") || pair[0].starts_with("Incremental Sort");
        is_sort && !pair[1].starts_with("Limit")
    })
}
