//! What another process migrates.

use std::time::Duration;

use den::{
    Db, Error, ErrorKind, Json,
    migrate::{Migrator, Registry},
};
use serde_json::json;
use tokio::time::sleep;

/// Steps of each kind. Whatever runs twice is seen in the documents.
pub(super) fn registry() -> Registry {
    let note = |by: &'static str| {
        move |m: den::migrate::Migration| async move {
            let notes = m.collection("notes");
            notes.insert(json!({ "by": by })).await?;
            // The others are close behind.
            sleep(Duration::from_millis(20)).await;
            notes.insert(json!({ "by": by })).await.map(drop)
        }
    };
    Registry::new("app")
        .step("1", "one", note("1"))
        .batch("2", "walk", "items", 20, |mut item| {
            let walked = item["walked"].as_i64().unwrap_or_default();
            item["walked"] = Json::from(walked + 1);
            // A walk takes time, so that it can be killed.
            std::thread::sleep(Duration::from_micros(300));
            Ok(Some(item))
        })
        .step("3", "alone", async |m| {
            let notes = m.collection("notes");
            // It may be run again: then it must not do twice what it has done.
            match notes.insert(json!({ "_id": "alone", "by": "3" })).await {
                Err(error) if error.kind() == ErrorKind::Duplicate && m.attempt() > 1 => Ok(()),
                other => other.map(drop),
            }?;
            sleep(Duration::from_millis(40)).await;
            Ok::<(), Error>(())
        })
        .non_transactional()
        .step("4", "four", note("4"))
}

/// Migrates.
pub(crate) async fn run(db: &Db, _name: &str) -> den::Result<()> {
    let migrator = Migrator::new(db)
        .with(registry())
        .lease(Duration::from_secs(1));
    migrator.up().await.map(drop)
}
