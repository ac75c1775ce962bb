//! The predecessor's databases, loaded into a fresh one.

use den::Db;
use den_test_harness::{Engine, TestDb};
use futures_util::SinkExt as _;
use tempfile::TempDir;
use tokio_postgres::Client;

const DATABASE: &[u8] = include_bytes!("../../data/predecessor/goden.db");
const DUMP: &str = include_str!("../../data/predecessor/goden.sql");

/// A fresh copy of what the predecessor wrote.
pub(super) struct Theirs {
    pub(super) db: Db,
    _folder: Option<TempDir>,
}

/// Opens a fresh copy of what the predecessor wrote.
pub(super) async fn theirs(on: &TestDb) -> Theirs {
    match on.engine() {
        Engine::Memory => panic!("the predecessor has no such database"),
        Engine::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("goden.db");
            std::fs::write(&path, DATABASE).unwrap();
            let url = format!("sqlite:///{}", path.display());
            Theirs {
                db: Db::open(url).await.unwrap(),
                _folder: Some(folder),
            }
        }
        Engine::Postgres => {
            restore(&on.plain_connection().await).await;
            Theirs {
                db: on.another_handle().await,
                _folder: None,
            }
        }
    }
}

/// Runs what `pg_dump` wrote in the schema that the connection works in.
async fn restore(client: &Client) {
    let mut lines = DUMP.lines().filter(|it| !it.starts_with("--"));
    let mut statement = String::new();
    while let Some(line) = lines.next() {
        // The settings of the session, and where to look for names.
        if statement.is_empty() && (line.starts_with("SET ") || line.starts_with("SELECT ")) {
            continue;
        }
        statement.push_str(&line.replace("public.", ""));
        statement.push('\n');
        if !line.ends_with(';') {
            continue;
        }
        if statement.contains(" FROM stdin;") {
            let sink = client.copy_in(statement.as_str()).await.unwrap();
            let mut sink = std::pin::pin!(sink);
            let rows = lines.by_ref().take_while(|it| *it != "\\.");
            let text: String = rows.flat_map(|it| [it, "\n"]).collect();
            sink.send(bytes::Bytes::from(text)).await.unwrap();
            sink.close().await.unwrap();
        } else {
            client.batch_execute(&statement).await.unwrap();
        }
        statement.clear();
    }
}
