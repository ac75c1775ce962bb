//! Races, streams dropped early, and calls that are cancelled.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all};
use tokio::time::timeout;

use crate::{
    Backend, ErrorKind, Expectation, FieldKind, IndexKind, OnRefusal, Put, PutOutcome, Query,
    Refusal, Value, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(of_equal_revisions_one_wins),
    case!(no_increment_is_lost),
    case!(of_equal_inserts_one_wins),
    case!(of_equal_unique_values_one_wins: UniqueIndexes),
    case!(each_delete_is_done_once),
    case!(many_calls_at_once),
    case!(a_stream_may_be_dropped_early),
    case!(writes_go_on_while_a_stream_is_open),
    case!(a_cancelled_put_is_done_or_not),
    case!(a_cancelled_batch_is_done_or_not: AtomicBatches),
    case!(a_cancelled_read_leaves_the_backend_usable),
];

async fn of_equal_revisions_one_wins(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"0"}"#]).await;
    for round in 0..20 {
        let old = round.to_string();
        let fields = format!("{{\"_rev\":\"{}\"}}", round + 1);
        let expect = Expectation::Revision(Some(&old));
        let outcomes = join_all((0..8).map(|_| put(backend, "a", &fields, expect))).await;
        let outcomes: Vec<PutOutcome> = outcomes.into_iter().map(|it| it.unwrap()).collect();
        let won = outcomes.iter().filter(|it| **it == PutOutcome::Updated);
        assert_eq!(won.count(), 1, "{outcomes:?}");
        let refused = PutOutcome::Refused(Refusal::OtherRevision);
        let lost = outcomes.iter().filter(|it| **it == refused);
        assert_eq!(lost.count(), 7, "{outcomes:?}");
    }
}

async fn no_increment_is_lost(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"0"}"#]).await;
    let worker = async || {
        for _ in 0..10 {
            loop {
                let Value::Text(rev) = stored(backend, "a", "_rev").await else {
                    panic!("the revision is text");
                };
                let next = rev.parse::<u64>().unwrap() + 1;
                let fields = format!("{{\"_rev\":\"{next}\"}}");
                let expect = Expectation::Revision(Some(&rev));
                match put(backend, "a", &fields, expect).await.unwrap() {
                    PutOutcome::Updated => break,
                    PutOutcome::Refused(Refusal::OtherRevision) => {}
                    other @ (PutOutcome::Inserted | PutOutcome::Refused(_)) => panic!("{other:?}"),
                }
            }
        }
    };
    join_all((0..4).map(|_| worker())).await;
    assert_eq!(stored(backend, "a", "_rev").await, "40".into());
}

async fn of_equal_inserts_one_wins(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for id in ["p", "q", "r"] {
        let puts = (0..8).map(|_| put(backend, id, "{}", Expectation::Absent));
        let outcomes = join_all(puts).await;
        let outcomes: Vec<PutOutcome> = outcomes.into_iter().map(|it| it.unwrap()).collect();
        let won = outcomes.iter().filter(|it| **it == PutOutcome::Inserted);
        assert_eq!(won.count(), 1, "{outcomes:?}");
        let refused = PutOutcome::Refused(Refusal::Exists);
        let lost = outcomes.iter().filter(|it| **it == refused);
        assert_eq!(lost.count(), 7, "{outcomes:?}");
    }
}

async fn of_equal_unique_values_one_wins(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", FieldKind::Text)]);
    let meta = declared(&[("x", FieldKind::Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    let ids: Vec<String> = (0..8).map(|it| it.to_string()).collect();
    let puts = ids
        .iter()
        .map(|id| put(backend, id, r#"{"x":"same"}"#, Expectation::Absent));
    let outcomes = join_all(puts).await;
    let won = outcomes.iter().filter(|it| it.is_ok()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error}");
    }
    assert_eq!(backend.count(&Query::new(ITEMS)).await.unwrap(), 1);
}

async fn each_delete_is_done_once(backend: &dyn Backend) {
    given_many(backend, 100).await;
    let query = Query::new(ITEMS);
    let all = join_all((0..4).map(|_| backend.delete_matching(&query))).await;
    let mut sum = 0;
    for it in all {
        match it {
            Ok(count) => sum += count,
            // Two statements may lock the same rows in different orders.
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    let left = backend.count(&query).await.unwrap();
    assert_eq!(sum + left, 100);
}

async fn many_calls_at_once(backend: &dyn Backend) {
    given_many(backend, 200).await;
    let query = Query::new(ITEMS);
    let reads = join_all((0..60).map(|_| async {
        let stream = backend.query(&query).await.unwrap();
        stream
            .try_fold(0, |sum, _| async move { Ok(sum + 1) })
            .await
            .unwrap()
    }));
    let writes = join_all((0..60).map(|it| async move {
        let id = format!("{it:05}");
        put(backend, &id, r#"{"x":-1}"#, Expectation::Present)
            .await
            .unwrap()
    }));
    let (counts, outcomes) = tokio::join!(reads, writes);
    assert_eq!(counts, vec![200; 60]);
    assert_eq!(outcomes, vec![PutOutcome::Updated; 60]);
}

async fn a_stream_may_be_dropped_early(backend: &dyn Backend) {
    given_many(backend, 500).await;
    let query = Query::new(ITEMS);
    // More often than there are connections.
    for _ in 0..50 {
        let mut stream = backend.query(&query).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert_eq!(first.id, "00000");
    }
    for _ in 0..50 {
        drop(backend.query(&query).await.unwrap());
    }
    insert(backend, "z", "{}").await;
    assert_eq!(backend.count(&query).await.unwrap(), 501);
}

async fn writes_go_on_while_a_stream_is_open(backend: &dyn Backend) {
    given_many(backend, 1_000).await;
    let mut stream = backend.query(&Query::new(ITEMS)).await.unwrap();
    let mut seen = 0;
    while let Some(row) = stream.next().await {
        let row = row.unwrap();
        if seen < 20 {
            let expect = Expectation::Present;
            put(backend, &row.id, r#"{"y":1}"#, expect).await.unwrap();
        }
        seen += 1;
    }
    assert_eq!(seen, 1_000);
    let changed = filtered(eq(field("y"), literal("1")));
    assert_eq!(backend.count(&changed).await.unwrap(), 20);
}

async fn a_cancelled_put_is_done_or_not(backend: &dyn Backend) {
    given(backend, &[r#"{"x":0,"y":0}"#]).await;
    for i in 1..60_u32 {
        let fields = format!("{{\"x\":{i},\"y\":{i}}}");
        let limit = Duration::from_micros(u64::from(i) * 5);
        let _in_time_or_not = timeout(limit, put(backend, "a", &fields, Expectation::Any)).await;
        let document = parsed(&get(backend, "a").await.unwrap());
        let at = |key: &str| document.at(&[key.to_owned()]).cloned();
        assert_eq!(at("x"), at("y"));
    }
    put(backend, "a", r#"{"x":"end"}"#, Expectation::Any)
        .await
        .unwrap();
}

async fn a_cancelled_batch_is_done_or_not(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for round in 0..30_u32 {
        let x = Value::Int(i64::from(round));
        let bodies: Vec<(String, String)> = (0..100)
            .map(|it| format!("{round}-{it}"))
            .map(|id| (id.clone(), body(&id, &format!("{{\"x\":{x}}}"))))
            .collect();
        let puts: Vec<Put<'_>> = bodies.iter().map(|(id, body)| absent(id, body)).collect();
        let limit = Duration::from_micros(u64::from(round) * 100);
        let done = timeout(limit, backend.put_many(ITEMS, &puts, OnRefusal::Abort)).await;
        // A write that was sent may still be on its way; one more write comes after it.
        insert(backend, &format!("after-{round}"), "{}").await;
        let query = filtered(eq(field("x"), crate::Expr::Value(x)));
        let count = backend.count(&query).await.unwrap();
        match done {
            Ok(outcomes) => assert_eq!((outcomes.unwrap().len(), count), (100, 100)),
            Err(_) => assert!(count == 0 || count == 100, "{count} of 100 were written"),
        }
    }
}

async fn a_cancelled_read_leaves_the_backend_usable(backend: &dyn Backend) {
    given_many(backend, 1_000).await;
    let query = filtered(gt(field("x"), literal("100")));
    for i in 0..60_u64 {
        let limit = Duration::from_micros(i * 20);
        let read = async {
            let stream = backend.query(&query).await.unwrap();
            let all: Vec<_> = stream.try_collect().await.unwrap();
            all.len()
        };
        if let Ok(count) = timeout(limit, read).await {
            assert_eq!(count, 899);
        }
        let _in_time_or_not = timeout(limit, backend.count(&query)).await;
        let _in_time_or_not = timeout(limit, backend.get(ITEMS, "00001")).await;
    }
    assert_eq!(backend.count(&query).await.unwrap(), 899);
    insert(backend, "z", "{}").await;
}
