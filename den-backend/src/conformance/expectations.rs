//! What a put or delete expects of the stored document.

use crate::{
    Backend, DeleteOutcome, Expectation, OnRefusal, Put, PutOutcome, Refusal, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(any_inserts_and_overwrites),
    case!(absent_never_overwrites),
    case!(present_never_inserts),
    case!(revision_must_equal),
    case!(revision_none_means_no_revision),
    case!(revision_is_exact_text),
    case!(delete_checks_the_revision),
    case!(delete_of_present_and_absent),
    case!(live_is_not_deleted),
    case!(live_never_inserts),
    case!(delete_of_live),
    case!(live_in_a_batch),
    case!(live_in_a_batch_stops_all: AtomicBatches),
    case!(live_in_a_transaction: Transactions),
];

async fn any_inserts_and_overwrites(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for (x, outcome) in [(1, PutOutcome::Inserted), (2, PutOutcome::Updated)] {
        let fields = format!("{{\"x\":{x}}}");
        let put = put(backend, "a", &fields, Expectation::Any).await;
        assert_eq!(put.unwrap(), outcome);
        assert_eq!(stored(backend, "a", "x").await, Value::Int(x));
    }
}

async fn absent_never_overwrites(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let refused = put(backend, "a", r#"{"x":2}"#, Expectation::Absent).await;
    assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Exists));
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
}

async fn present_never_inserts(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let updated = put(backend, "a", r#"{"x":2}"#, Expectation::Present).await;
    assert_eq!(updated.unwrap(), PutOutcome::Updated);
    assert_eq!(stored(backend, "a", "x").await, Value::Int(2));
    let refused = put(backend, "b", "{}", Expectation::Present).await;
    assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
    assert_eq!(get(backend, "b").await, None);
}

async fn revision_must_equal(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"1","x":1}"#]).await;
    let change = r#"{"_rev":"2","x":2}"#;
    let updated = put(backend, "a", change, Expectation::Revision(Some("1"))).await;
    assert_eq!(updated.unwrap(), PutOutcome::Updated);
    for other in [Some("1"), Some(""), None] {
        let refused = put(backend, "a", r#"{"x":3}"#, Expectation::Revision(other)).await;
        let expected = PutOutcome::Refused(Refusal::OtherRevision);
        assert_eq!(refused.unwrap(), expected, "{other:?}");
    }
    assert_eq!(stored(backend, "a", "x").await, Value::Int(2));
    for missing in [Some("1"), None] {
        let refused = put(backend, "b", "{}", Expectation::Revision(missing)).await;
        assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
    }
    assert_eq!(get(backend, "b").await, None);
}

async fn revision_none_means_no_revision(backend: &dyn Backend) {
    given(backend, &["{}", r#"{"_rev":null}"#, r#"{"_rev":"1"}"#]).await;
    for id in ["a", "b"] {
        let refused = put(backend, id, "{}", Expectation::Revision(Some("1"))).await;
        let expected = PutOutcome::Refused(Refusal::OtherRevision);
        assert_eq!(refused.unwrap(), expected, "{id}");
        let updated = put(backend, id, r#"{"x":1}"#, Expectation::Revision(None)).await;
        assert_eq!(updated.unwrap(), PutOutcome::Updated, "{id}");
    }
    let refused = put(backend, "c", "{}", Expectation::Revision(None)).await;
    assert_eq!(
        refused.unwrap(),
        PutOutcome::Refused(Refusal::OtherRevision)
    );
}

async fn revision_is_exact_text(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"aB 1"}"#]).await;
    for other in ["ab 1", "aB 1 ", "aB", "aB%1", "aB_1", "1"] {
        let refused = put(backend, "a", "{}", Expectation::Revision(Some(other))).await;
        let expected = PutOutcome::Refused(Refusal::OtherRevision);
        assert_eq!(refused.unwrap(), expected, "{other:?}");
    }
    let updated = put(backend, "a", "{}", Expectation::Revision(Some("aB 1"))).await;
    assert_eq!(updated.unwrap(), PutOutcome::Updated);
}

async fn delete_checks_the_revision(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"1"}"#, "{}"]).await;
    let cases = [
        (
            "a",
            Some("2"),
            DeleteOutcome::Refused(Refusal::OtherRevision),
        ),
        ("a", None, DeleteOutcome::Refused(Refusal::OtherRevision)),
        ("a", Some("1"), DeleteOutcome::Deleted),
        ("a", Some("1"), DeleteOutcome::Refused(Refusal::Missing)),
        (
            "b",
            Some("1"),
            DeleteOutcome::Refused(Refusal::OtherRevision),
        ),
        ("b", None, DeleteOutcome::Deleted),
    ];
    for (id, revision, expected) in cases {
        let outcome = backend
            .delete(ITEMS, id, Expectation::Revision(revision))
            .await;
        assert_eq!(outcome.unwrap(), expected, "{id} {revision:?}");
    }
}

async fn delete_of_present_and_absent(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for id in ["a", "b"] {
        let outcome = backend
            .delete(ITEMS, id, Expectation::Absent)
            .await
            .unwrap();
        assert!(matches!(outcome, DeleteOutcome::Refused(_)), "{outcome:?}");
    }
    let outcome = backend.delete(ITEMS, "a", Expectation::Present).await;
    assert_eq!(outcome.unwrap(), DeleteOutcome::Deleted);
    let outcome = backend.delete(ITEMS, "a", Expectation::Present).await;
    assert_eq!(outcome.unwrap(), DeleteOutcome::Refused(Refusal::Missing));
}

/// What may stand at `_deleted_at` of a document that is not live.
const DELETED: &[&str] = &[
    "\"2020-01-01T00:00:00.000000Z\"",
    "\"\"",
    "0",
    "false",
    "[]",
    "{}",
    "[null]",
];

async fn live_is_not_deleted(backend: &dyn Backend) {
    given(
        backend,
        &["{}", r#"{"_deleted_at":null,"o":{"_deleted_at":1}}"#],
    )
    .await;
    for id in ["a", "b"] {
        let updated = put(backend, id, r#"{"x":1}"#, Expectation::Live).await;
        assert_eq!(updated.unwrap(), PutOutcome::Updated);
        let gone = r#"{"x":2,"_deleted_at":"now"}"#;
        let updated = put(backend, id, gone, Expectation::Live).await;
        assert_eq!(updated.unwrap(), PutOutcome::Updated);
        let refused = put(backend, id, r#"{"x":3}"#, Expectation::Live).await;
        assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
        assert_eq!(stored(backend, id, "x").await, Value::Int(2));
    }
    for deleted in DELETED {
        let fields = format!("{{\"x\":1,\"_deleted_at\":{deleted}}}");
        put(backend, "c", &fields, Expectation::Any).await.unwrap();
        let refused = put(backend, "c", r#"{"x":2}"#, Expectation::Live).await;
        assert_eq!(
            refused.unwrap(),
            PutOutcome::Refused(Refusal::Missing),
            "{deleted}"
        );
        assert_eq!(stored(backend, "c", "x").await, Value::Int(1));
        // Every other expectation takes it for what it is, a document.
        let updated = put(backend, "c", &fields, Expectation::Present).await;
        assert_eq!(updated.unwrap(), PutOutcome::Updated);
    }
}

async fn live_never_inserts(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let refused = put(backend, "a", "{}", Expectation::Live).await;
    assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
    assert_eq!(get(backend, "a").await, None);
}

async fn delete_of_live(backend: &dyn Backend) {
    given(backend, &["{}", r#"{"_deleted_at":null}"#]).await;
    let missing = DeleteOutcome::Refused(Refusal::Missing);
    for id in ["a", "b"] {
        let deleted = backend.delete(ITEMS, id, Expectation::Live).await;
        assert_eq!(deleted.unwrap(), DeleteOutcome::Deleted);
        let refused = backend.delete(ITEMS, id, Expectation::Live).await;
        assert_eq!(refused.unwrap(), missing);
    }
    for deleted in DELETED {
        let fields = format!("{{\"_deleted_at\":{deleted}}}");
        insert(backend, "c", &fields).await;
        let refused = backend.delete(ITEMS, "c", Expectation::Live).await;
        assert_eq!(refused.unwrap(), missing, "{deleted}");
        let deleted = backend.delete(ITEMS, "c", Expectation::Present).await;
        assert_eq!(deleted.unwrap(), DeleteOutcome::Deleted);
    }
}

async fn live_in_a_batch(backend: &dyn Backend) {
    given(
        backend,
        &["{}", r#"{"_deleted_at":null}"#, r#"{"_deleted_at":"then"}"#],
    )
    .await;
    let live = |id: &str| {
        let body = body(id, r#"{"x":1}"#);
        (id.to_owned(), body)
    };
    let bodies = ["a", "b", "c", "d"].map(live);
    let puts = bodies.each_ref().map(|(id, body)| Put {
        id,
        body: body.as_bytes(),
        expect: Expectation::Live,
    });
    let outcomes = backend
        .put_many(ITEMS, &puts[..2], OnRefusal::Abort)
        .await
        .unwrap();
    assert_eq!(outcomes, [PutOutcome::Updated; 2]);
    assert_eq!(stored(backend, "b", "x").await, Value::Int(1));
    let outcomes = backend
        .put_many(ITEMS, &puts, OnRefusal::Abort)
        .await
        .unwrap();
    let refused = PutOutcome::Refused(Refusal::Missing);
    let updated = PutOutcome::Updated;
    assert_eq!(outcomes, [updated, updated, refused, refused]);
    assert_eq!(stored(backend, "c", "x").await, Value::Null);
    assert_eq!(get(backend, "d").await, None);
}

async fn live_in_a_batch_stops_all(backend: &dyn Backend) {
    given(backend, &["{}", r#"{"_deleted_at":"then"}"#]).await;
    let bodies = ["a", "b"].map(|id| body(id, r#"{"x":1}"#));
    let puts = ["a", "b"].map(|id| Put {
        id,
        body: bodies[usize::from(id == "b")].as_bytes(),
        expect: Expectation::Live,
    });
    backend
        .put_many(ITEMS, &puts, OnRefusal::Abort)
        .await
        .unwrap();
    assert_eq!(stored(backend, "a", "x").await, Value::Null);
}

async fn live_in_a_transaction(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    let gone = r#"{"_deleted_at":"now"}"#;
    let updated = put(&*tx, "a", gone, Expectation::Live).await;
    assert_eq!(updated.unwrap(), PutOutcome::Updated);
    let refused = put(&*tx, "a", "{}", Expectation::Live).await;
    assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
    let refused = tx.delete(ITEMS, "a", Expectation::Live).await;
    assert_eq!(refused.unwrap(), DeleteOutcome::Refused(Refusal::Missing));
    tx.commit().await.unwrap();
    let refused = put(backend, "a", "{}", Expectation::Live).await;
    assert_eq!(refused.unwrap(), PutOutcome::Refused(Refusal::Missing));
}
