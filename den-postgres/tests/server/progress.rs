//! What is told while an index is built.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use den_backend::CollectionMeta;
use futures_util::future::join;
use tokio::time::sleep;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber as _,
    span,
};

use crate::{
    Case, case,
    support::{Schema, things, write},
};

pub(super) const CASES: &[Case] = &[case!(a_build_is_told), case!(a_failed_build_is_told)];

/// The events of den about schemas, each as one line.
#[derive(Clone, Default)]
struct Told {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "den::schema"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Makes the index on a table with a row, while a writer holds it up; returns what was told.
async fn build(schema: &Schema, parameters: &str, code: &str) -> Vec<String> {
    let backend = schema.open(parameters).await;
    let bare = CollectionMeta::new("things");
    backend.ensure_collection(&bare).await.unwrap();
    write(&*backend, "a", 1, "x").await.unwrap();
    write(&*backend, "b", 1, code).await.unwrap();
    let writer = "BEGIN; INSERT INTO things (id, data) VALUES ('c', '{}')";
    schema.plain.batch_execute(writer).await.unwrap();
    let told = Told::default();
    let mut meta = things();
    meta.indexes.remove(0);
    let building = backend
        .ensure_collection(&meta)
        .with_subscriber(told.clone());
    let commit = async {
        sleep(Duration::from_millis(2500)).await;
        schema.plain.batch_execute("COMMIT").await.unwrap();
    };
    let _told_of = join(building, commit).await.0;
    let lines = told.lines.lock().unwrap();
    lines.clone()
}

async fn a_build_is_told(schema: &Schema) {
    let lines = build(schema, "max_connections=2", "y").await;
    let [begin, between @ .., end] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(
        begin.contains("building an index") && begin.contains("things_code"),
        "{begin}"
    );
    assert!(
        end.contains("built an index") && end.contains("milliseconds=2"),
        "{end}"
    );
    assert!(!between.is_empty() && between.len() <= 3, "{lines:?}");
    assert!(
        between[0].contains("phase=\"waiting for writers before build\""),
        "{between:?}"
    );
}

/// With one connection there is none to ask by; the build is not held up.
async fn a_failed_build_is_told(schema: &Schema) {
    let lines = build(schema, "max_connections=1", "x").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("an index was not built"), "{lines:?}");
    // Nothing of the documents.
    assert!(!lines[1].contains("\"x\""), "{lines:?}");
}
