//! Migrations: what is run, when, how often, and what is left when it goes wrong.

pub mod process;

pub mod alone;
pub mod batches;
pub mod ddl;
pub mod fields;
pub mod processes;
pub mod rules;
pub mod steps;

use std::sync::{Arc, Mutex};

use den::{
    Db, Json,
    migrate::{Event, Migrator, Registry, StepReport, StepState},
};
use den_test_harness::TestDb;
use serde_json::json;

/// Makes a collection below den, where a case is not about making one.
async fn collection(on: &TestDb, name: &str) {
    let meta = den::CollectionMeta::new(name);
    on.backend.ensure_collection(&meta).await.unwrap();
}

/// A step that writes one document, whose id no two runs share.
fn writes(registry: Registry, version: &'static str) -> Registry {
    registry
        .step(version, ["step ", version].concat(), move |m| async move {
            let notes = m.collection("notes");
            notes.insert(json!({ "by": version })).await.map(drop)
        })
        .down(move |m| async move {
            let notes = m.collection("notes").query();
            notes.filter(den::field("by").eq(version)).delete().await?;
            Ok(())
        })
}

/// Which steps have written, sorted by the order in which they did.
async fn written(db: &Db) -> Vec<String> {
    let notes = db.collection("notes").query();
    let notes: Vec<Json> = notes.sort(den::field("_id").asc()).all().await.unwrap();
    let by = notes.iter().map(|it| it["by"].as_str().unwrap().to_owned());
    by.collect()
}

/// The versions that were run.
fn versions(reports: &[StepReport]) -> Vec<&str> {
    reports.iter().map(|it| it.step.version.as_str()).collect()
}

/// How the steps stand, in a word each.
async fn states(migrator: &Migrator) -> Vec<String> {
    let status = migrator.status().await.unwrap();
    status
        .iter()
        .map(|it| {
            let state = match &it.state {
                StepState::Pending => "pending",
                StepState::Applied { .. } => "applied",
                StepState::Unfinished { .. } => "unfinished",
                StepState::Changed => "changed",
                StepState::Unknown => "unknown",
                other => panic!("{other:?}"),
            };
            format!("{} {state}", it.step.version)
        })
        .collect()
}

/// Writes down what happens.
fn observed(migrator: Migrator) -> (Migrator, Arc<Mutex<Vec<String>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let migrator = migrator.on_event(move |event| {
        let line = match event {
            Event::Waiting { .. } => return,
            Event::Started {
                step,
                heading,
                attempt,
            } => {
                format!("started {} {} {attempt}", step.version, heading.word())
            }
            Event::Progress { step, done, total } => {
                format!("{} {done} of {}", step.version, total.unwrap_or_default())
            }
            Event::Finished { step, heading, .. } => {
                format!("finished {} {}", step.version, heading.word())
            }
            Event::Failed {
                step,
                heading,
                error,
                ..
            } => {
                format!("failed {} {} {error}", step.version, heading.word())
            }
            Event::Unknown { step } => format!("unknown {}", step.version),
            other => panic!("{other:?}"),
        };
        told.lock().unwrap().push(line);
    });
    (migrator, events)
}

fn lines(events: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *events.lock().unwrap())
}
