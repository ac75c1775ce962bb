//! Many documents in one call.

use crate::{
    Backend, ErrorKind, Expectation, FieldKind, IndexKind, OnRefusal, Put, PutOutcome, Query,
    ReadWrite, Refusal, Result, conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(one_outcome_each_in_order),
    case!(no_documents_are_no_work),
    case!(a_batch_of_any_size),
    case!(expectations_hold_for_each),
    case!(a_refusal_writes_none: AtomicBatches),
    case!(a_refusal_says_what_would_have_happened: AtomicBatches),
    case!(a_duplicate_writes_none: AtomicBatches, UniqueIndexes),
    case!(a_duplicate_within_the_batch_writes_none: AtomicBatches, UniqueIndexes),
    case!(a_batch_may_free_a_value_and_take_it: AtomicBatches, UniqueIndexes),
    case!(what_is_refused_is_skipped),
    case!(every_expectation_is_skipped_alike),
    case!(a_duplicate_among_skipped_ones_writes_none: AtomicBatches, UniqueIndexes),
    case!(many_are_skipped),
    case!(a_skipping_batch_belongs_to_its_transaction: AtomicBatches, Transactions, UniqueIndexes),
];

/// Puts `(id, fields, expectation)` as one batch.
async fn put_all(
    on: &(impl ReadWrite + ?Sized),
    all: &[(&str, &str, Expectation<'_>)],
) -> Result<Vec<PutOutcome>> {
    put_each(on, all, OnRefusal::Abort).await
}

/// Puts `(id, fields, expectation)` as one batch.
async fn put_each(
    on: &(impl ReadWrite + ?Sized),
    all: &[(&str, &str, Expectation<'_>)],
    on_refusal: OnRefusal,
) -> Result<Vec<PutOutcome>> {
    let bodies: Vec<String> = all.iter().map(|it| body(it.0, it.1)).collect();
    let puts: Vec<Put<'_>> = all
        .iter()
        .zip(&bodies)
        .map(|((id, _, expect), body)| Put {
            id,
            body: body.as_bytes(),
            expect: *expect,
        })
        .collect();
    on.put_many(ITEMS, &puts, on_refusal).await
}

async fn one_outcome_each_in_order(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let any = Expectation::Any;
    let outcomes = put_all(
        backend,
        &[("c", "{}", any), ("a", r#"{"x":2}"#, any), ("b", "{}", any)],
    )
    .await;
    let expected = [
        PutOutcome::Inserted,
        PutOutcome::Updated,
        PutOutcome::Inserted,
    ];
    assert_eq!(outcomes.unwrap(), expected);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c");
    assert_eq!(stored(backend, "a", "x").await, crate::Value::Int(2));
}

async fn no_documents_are_no_work(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    assert_eq!(put_all(backend, &[]).await.unwrap(), []);
}

async fn a_batch_of_any_size(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    // More than any engine takes as parameters of one statement.
    let count = 35_000_usize;
    let ids: Vec<String> = (0..count).map(|it| format!("{it:05}")).collect();
    let bodies: Vec<String> = ids.iter().map(|id| body(id, r#"{"x":1}"#)).collect();
    let puts: Vec<Put<'_>> = ids
        .iter()
        .zip(&bodies)
        .map(|(id, body)| absent(id, body))
        .collect();
    let outcomes = backend
        .put_many(ITEMS, &puts, OnRefusal::Abort)
        .await
        .unwrap();
    assert_eq!(outcomes, vec![PutOutcome::Inserted; count]);
    let stored = backend.count(&Query::new(ITEMS)).await.unwrap();
    assert_eq!(stored, u64::try_from(count).unwrap());
}

async fn expectations_hold_for_each(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"1"}"#, "{}", "{}"]).await;
    let outcomes = put_all(
        backend,
        &[
            ("a", r#"{"_rev":"2"}"#, Expectation::Revision(Some("1"))),
            ("b", r#"{"x":1}"#, Expectation::Revision(None)),
            ("c", r#"{"x":1}"#, Expectation::Present),
            ("d", r#"{"x":1}"#, Expectation::Absent),
            ("e", r#"{"x":1}"#, Expectation::Any),
        ],
    )
    .await
    .unwrap();
    let updated = PutOutcome::Updated;
    let inserted = PutOutcome::Inserted;
    assert_eq!(outcomes, [updated, updated, updated, inserted, inserted]);
}

async fn a_refusal_writes_none(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"_rev":"1"}"#, r#"{"x":1}"#]).await;
    for (id, expect, refusal) in [
        ("b", Expectation::Absent, Refusal::Exists),
        ("nope", Expectation::Present, Refusal::Missing),
        (
            "a",
            Expectation::Revision(Some("2")),
            Refusal::OtherRevision,
        ),
    ] {
        let first = ("c", "{}", Expectation::Absent);
        let last = ("d", "{}", Expectation::Any);
        let outcomes = put_all(backend, &[first, (id, r#"{"x":2}"#, expect), last])
            .await
            .unwrap();
        assert_eq!(outcomes[1], PutOutcome::Refused(refusal));
        assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
        assert_eq!(
            ids(backend, &filtered(eq(field("x"), literal("1")))).await,
            "a b"
        );
    }
}

async fn a_refusal_says_what_would_have_happened(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let outcomes = put_all(
        backend,
        &[
            ("a", "{}", Expectation::Absent),
            ("b", "{}", Expectation::Present),
            ("c", "{}", Expectation::Any),
            ("d", "{}", Expectation::Present),
        ],
    )
    .await
    .unwrap();
    let expected = [
        PutOutcome::Refused(Refusal::Exists),
        PutOutcome::Updated,
        PutOutcome::Inserted,
        PutOutcome::Refused(Refusal::Missing),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn given_unique(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", FieldKind::Text)]);
    let meta = declared(&[("x", FieldKind::Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p"}"#).await;
}

async fn a_duplicate_writes_none(backend: &dyn Backend) {
    given_unique(backend).await;
    let any = Expectation::Any;
    let error = put_all(
        backend,
        &[("b", r#"{"x":"q"}"#, any), ("c", r#"{"x":"p"}"#, any)],
    )
    .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().expect("a constraint").fields(), ["x"]);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
}

async fn a_duplicate_within_the_batch_writes_none(backend: &dyn Backend) {
    given_unique(backend).await;
    let any = Expectation::Any;
    let puts = [
        ("a", r#"{"x":"z"}"#, any),
        ("b", r#"{"x":"q"}"#, any),
        ("c", r#"{"x":"q"}"#, any),
    ];
    let error = put_all(backend, &puts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    assert_eq!(stored(backend, "a", "x").await, "p".into());
    // Nothing of the failed batch is taken.
    insert(backend, "d", r#"{"x":"q"}"#).await;
    insert(backend, "e", r#"{"x":"z"}"#).await;
}

async fn a_batch_may_free_a_value_and_take_it(backend: &dyn Backend) {
    given_unique(backend).await;
    let any = Expectation::Any;
    let outcomes = put_all(
        backend,
        &[("a", r#"{"x":"q"}"#, any), ("b", r#"{"x":"p"}"#, any)],
    )
    .await;
    assert_eq!(
        outcomes.unwrap(),
        [PutOutcome::Updated, PutOutcome::Inserted]
    );
    let query = filtered(eq(field("x"), literal("\"p\"")));
    assert_eq!(ids(backend, &query).await, "b");
}

async fn what_is_refused_is_skipped(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":1}"#]).await;
    let puts = [
        ("c", r#"{"x":2}"#, Expectation::Absent),
        ("a", r#"{"x":2}"#, Expectation::Absent),
        ("nope", r#"{"x":2}"#, Expectation::Present),
        ("b", r#"{"x":2}"#, Expectation::Present),
        ("d", r#"{"x":2}"#, Expectation::Any),
    ];
    let outcomes = put_each(backend, &puts, OnRefusal::Skip).await.unwrap();
    let expected = [
        PutOutcome::Inserted,
        PutOutcome::Refused(Refusal::Exists),
        PutOutcome::Refused(Refusal::Missing),
        PutOutcome::Updated,
        PutOutcome::Inserted,
    ];
    assert_eq!(outcomes, expected);
    check(backend, eq(field("x"), literal("2")), "b c d").await;
    check(backend, eq(field("x"), literal("1")), "a").await;
    // Again, nothing is left to do.
    let again = [puts[0], puts[1], puts[2]];
    let outcomes = put_each(backend, &again, OnRefusal::Skip).await.unwrap();
    let expected = [
        PutOutcome::Refused(Refusal::Exists),
        PutOutcome::Refused(Refusal::Exists),
        PutOutcome::Refused(Refusal::Missing),
    ];
    assert_eq!(outcomes, expected);
    let none = put_each(backend, &[], OnRefusal::Skip).await.unwrap();
    assert_eq!(none, []);
}

async fn every_expectation_is_skipped_alike(backend: &dyn Backend) {
    let deleted = r#"{"_rev":"1","_deleted_at":"2024-01-01T00:00:00.000000Z"}"#;
    given(
        backend,
        &[r#"{"_rev":"1"}"#, r#"{"_rev":"2"}"#, "{}", deleted],
    )
    .await;
    let new = r#"{"_rev":"9"}"#;
    let first = Expectation::Revision(Some("1"));
    let puts = [
        ("a", new, first),
        ("b", new, first),
        ("c", new, Expectation::Revision(None)),
        ("d", new, Expectation::Live),
        ("e", new, Expectation::Live),
        ("f", new, first),
    ];
    let outcomes = put_each(backend, &puts, OnRefusal::Skip).await.unwrap();
    let expected = [
        PutOutcome::Updated,
        PutOutcome::Refused(Refusal::OtherRevision),
        PutOutcome::Updated,
        PutOutcome::Refused(Refusal::Missing),
        PutOutcome::Refused(Refusal::Missing),
        PutOutcome::Refused(Refusal::Missing),
    ];
    assert_eq!(outcomes, expected);
    check(backend, eq(field("_rev"), literal("\"9\"")), "a c").await;
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c d");
}

async fn a_duplicate_among_skipped_ones_writes_none(backend: &dyn Backend) {
    given_unique(backend).await;
    let puts = [
        ("b", r#"{"x":"q"}"#, Expectation::Absent),
        ("a", r#"{"x":"r"}"#, Expectation::Absent),
        ("c", r#"{"x":"p"}"#, Expectation::Absent),
        ("d", r#"{"x":"s"}"#, Expectation::Absent),
    ];
    let error = put_each(backend, &puts, OnRefusal::Skip).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().expect("a constraint").fields(), ["x"]);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    // What is skipped takes nothing.
    let puts = [
        ("a", r#"{"x":"q"}"#, Expectation::Absent),
        ("b", r#"{"x":"q"}"#, Expectation::Absent),
    ];
    let outcomes = put_each(backend, &puts, OnRefusal::Skip).await.unwrap();
    let expected = [PutOutcome::Refused(Refusal::Exists), PutOutcome::Inserted];
    assert_eq!(outcomes, expected);
    check(backend, eq(field("x"), literal("\"q\"")), "b").await;
}

async fn many_are_skipped(backend: &dyn Backend) {
    given_many(backend, 2000).await;
    let ids: Vec<String> = (1000..3000).map(|it| format!("{it:05}")).collect();
    let puts: Vec<_> = ids
        .iter()
        .map(|id| (&**id, r#"{"x":"new"}"#, Expectation::Absent))
        .collect();
    let outcomes = put_each(backend, &puts, OnRefusal::Skip).await.unwrap();
    let (refused, inserted) = outcomes.split_at(1000);
    assert_eq!(refused, [PutOutcome::Refused(Refusal::Exists); 1000]);
    assert_eq!(inserted, [PutOutcome::Inserted; 1000]);
    let new = filtered(eq(field("x"), literal("\"new\"")));
    assert_eq!(backend.count(&new).await.unwrap(), 1000);
}

async fn a_skipping_batch_belongs_to_its_transaction(backend: &dyn Backend) {
    given_unique(backend).await;
    let skip = OnRefusal::Skip;
    let tx = begin(backend).await;
    let puts = [
        ("a", r#"{"x":"z"}"#, Expectation::Absent),
        ("b", r#"{"x":"q"}"#, Expectation::Absent),
    ];
    let outcomes = put_each(&*tx, &puts, skip).await.unwrap();
    let expected = [PutOutcome::Refused(Refusal::Exists), PutOutcome::Inserted];
    assert_eq!(outcomes, expected);
    let taken = [
        ("c", r#"{"x":"r"}"#, Expectation::Absent),
        ("d", r#"{"x":"p"}"#, Expectation::Absent),
    ];
    let failed = put_each(&*tx, &taken, skip).await;
    assert_eq!(kind_of(failed), ErrorKind::Duplicate);
    insert(&*tx, "e", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b e");
}
