//! Streams that are not read to their end.

use std::time::{Duration, Instant};

use den_backend::Query;
use futures_util::TryStreamExt as _;
use tokio::time::sleep;

use crate::{
    Case, case,
    support::{Schema, things, until, write},
};

pub(super) const CASES: &[Case] = &[
    case!(a_dropped_stream_is_not_drained),
    case!(a_stream_holds_its_connection_until_the_end),
    case!(a_small_result_holds_nothing),
];

const FILL: &str = "INSERT INTO things (id, data)
SELECT lpad(i::text, 8, '0'), jsonb_build_object('_id', lpad(i::text, 8, '0'), 'n', i, 'text', repeat('x', 200))
FROM generate_series(1, 200000) AS i";

async fn a_dropped_stream_is_not_drained(schema: &Schema) {
    let backend = schema.open("max_connections=1").await;
    backend.ensure_collection(&things()).await.unwrap();
    schema.plain.batch_execute(FILL).await.unwrap();
    let mut rows = backend.query(&Query::new("things")).await.unwrap();
    let first = rows.try_next().await.unwrap().unwrap();
    assert_eq!(first.id, "00000001");

    let dropped = Instant::now();
    drop(rows);
    assert!(backend.get("things", "00000002").await.unwrap().is_some());
    assert!(
        dropped.elapsed() < Duration::from_millis(500),
        "{:?}",
        dropped.elapsed()
    );
    // The server has stopped sending as well.
    until(schema, &schema.count_in_state("active"), "0").await;
    assert_eq!(backend.stats().connections, 1);
}

async fn a_stream_holds_its_connection_until_the_end(schema: &Schema) {
    let backend = schema.open("max_connections=2").await;
    backend.ensure_collection(&things()).await.unwrap();
    for i in 0..10 {
        write(&*backend, &i.to_string(), i, &i.to_string())
            .await
            .unwrap();
    }
    let mut rows = backend.query(&Query::new("things")).await.unwrap();
    assert_eq!(backend.stats().connections - backend.stats().idle, 1);
    while rows.try_next().await.unwrap().is_some() {}
    assert_eq!(backend.stats().connections - backend.stats().idle, 0);
    assert!(rows.try_next().await.unwrap().is_none());
}

async fn a_small_result_holds_nothing(schema: &Schema) {
    let backend = schema.open("max_connections=1").await;
    backend.ensure_collection(&things()).await.unwrap();
    write(&*backend, "a", 1, "a").await.unwrap();
    let mut query = Query::new("things");
    query.limit = Some(500);
    let rows = backend.query(&query).await.unwrap();
    assert!(backend.get("things", "a").await.unwrap().is_some());
    drop(rows);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(backend.stats().connections, 1);
}
