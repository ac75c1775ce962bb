//! Which rows an update changes, and how it stands with what happens at the same time.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::time::timeout;

use crate::{
    Access, Backend, Change, ErrorKind, Expectation, Expr, FieldKind,
    FieldKind::{Any, Array, Number, Text},
    IndexKind, Isolation, Query, ReadWrite, Seek, TxOptions, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(an_update_changes_what_matches: Patches),
    case!(a_row_counts_though_nothing_changes: Patches),
    case!(an_update_respects_the_window: Patches),
    case!(an_update_respects_the_position: Patches),
    case!(an_update_spares_other_collections: Patches),
    case!(an_update_of_an_unknown_collection_fails: Patches),
    case!(indexes_follow_an_update: Patches),
    case!(indexes_made_later_follow_an_update: Patches),
    case!(a_taken_value_changes_nothing: Patches, UniqueIndexes),
    case!(a_value_is_free_again_after_an_update: Patches, UniqueIndexes),
    case!(an_update_belongs_to_its_transaction: Patches, Transactions),
    case!(a_failed_update_leaves_the_transaction_usable: Patches, Transactions, UniqueIndexes),
    case!(an_update_is_taken_back_with_its_savepoint: Patches, Transactions, Savepoints),
    case!(a_read_only_transaction_updates_nothing: Patches, Transactions, Isolation),
    case!(updates_of_different_fields_both_survive: Patches),
    case!(of_two_updates_of_one_revision_one_counts: Patches),
    case!(each_row_is_claimed_once: Patches),
    case!(each_row_of_a_window_is_claimed_once: Patches),
    case!(an_update_does_not_bring_back_what_was_deleted: Patches),
    case!(a_cancelled_update_is_done_or_not: Patches),
];

const FIVE: &[&str] = &[
    r#"{"x":5}"#,
    r#"{"x":4}"#,
    r#"{"x":3}"#,
    r#"{"x":null}"#,
    r#"{"x":"a"}"#,
];

/// Which documents have `y`.
async fn changed(on: &(impl ReadWrite + ?Sized)) -> String {
    ids(on, &filtered(is_null(field("y")).not())).await
}

fn text_at(key: &str, value: &str) -> Change {
    set(key, &Value::from(value).to_string())
}

async fn an_update_changes_what_matches(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = filtered(ge(field("x"), literal("4")));
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        2
    );
    assert_eq!(changed(backend).await, "a b");
    let query = filtered(ge(field("x"), literal("9")));
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        0
    );
    let query = filtered(ge(field("x"), literal("4")).not());
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        3
    );
    assert_eq!(changed(backend).await, "a b c d e");
    let all = Query::new(ITEMS);
    assert_eq!(update(backend, &all, vec![unset("y")]).await.unwrap(), 5);
    assert_eq!(changed(backend).await, "");
}

async fn a_row_counts_though_nothing_changes(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":1}"#]).await;
    let all = Query::new(ITEMS);
    for changes in [vec![set("x", "1")], vec![unset("y")], vec![unset("y.z")]] {
        assert_eq!(update(backend, &all, changes).await.unwrap(), 2);
    }
}

async fn an_update_respects_the_window(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = Query {
        skip: 1,
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        2
    );
    assert_eq!(changed(backend).await, "b c");
    let query = Query {
        limit: Some(1),
        ..sorted(&[by("x", Any)])
    };
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        1
    );
    assert_eq!(changed(backend).await, "b c d");
    let none = Query {
        limit: Some(0),
        ..Query::new(ITEMS)
    };
    assert_eq!(
        update(backend, &none, vec![set("y", "1")]).await.unwrap(),
        0
    );
    let last = Query {
        skip: 4,
        ..Query::new(ITEMS)
    };
    assert_eq!(
        update(backend, &last, vec![set("y", "1")]).await.unwrap(),
        1
    );
    assert_eq!(changed(backend).await, "b c d e");
    // The filter speaks of the row as it was, though the change makes it false.
    let query = Query {
        filter: is_null(field("y")),
        limit: Some(10),
        ..Query::new(ITEMS)
    };
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        1
    );
}

async fn an_update_respects_the_position(backend: &dyn Backend) {
    given(backend, FIVE).await;
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(4)],
            id: "b".into(),
        }),
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    assert_eq!(
        update(backend, &query, vec![set("y", "1")]).await.unwrap(),
        2
    );
    assert_eq!(changed(backend).await, "c d");
}

async fn an_update_spares_other_collections(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    insert_into(backend, "others", &[("a", r#"{"x":1}"#)]).await;
    let all = Query::new(ITEMS);
    assert_eq!(update(backend, &all, vec![set("x", "2")]).await.unwrap(), 1);
    let other = backend.get("others", "a").await.unwrap().unwrap();
    assert_eq!(parsed(&other), json(r#"{"_id":"a","x":1}"#));
}

async fn an_update_of_an_unknown_collection_fails(backend: &dyn Backend) {
    let updated = update(backend, &Query::new(ITEMS), vec![set("x", "1")]).await;
    let error = updated.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert_eq!(error.collection(), Some(ITEMS));
}

async fn indexes_follow_an_update(backend: &dyn Backend) {
    let fields = [("x", Array), ("n", Number), ("o.t", Text)];
    let indexes = vec![
        index(IndexKind::Members, &[("x", Array)]),
        index(IndexKind::Plain, &[("n", Number)]),
        index(IndexKind::Plain, &[("o.t", Text), ("n", Number)]),
    ];
    let meta = declared(&fields, indexes);
    backend.ensure_collection(&meta).await.unwrap();
    given(
        backend,
        &[r#"{"x":[1,2],"n":1,"o":{"t":"p"}}"#, "{}", r#"{"x":2}"#],
    )
    .await;
    follows(backend).await;
}

async fn indexes_made_later_follow_an_update(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"x":[1,2],"n":1,"o":{"t":"p"}}"#, "{}", r#"{"x":2}"#],
    )
    .await;
    for index in [
        index(IndexKind::Members, &[("x", Array)]),
        index(IndexKind::Plain, &[("n", Number)]),
        index(IndexKind::Plain, &[("o.t", Text), ("n", Number)]),
    ] {
        backend.ensure_index(ITEMS, &index).await.unwrap();
    }
    follows(backend).await;
}

async fn follows(backend: &dyn Backend) {
    let of = |key: &str, kind: FieldKind| Expr::Field(crate::Field::document(path(key), kind));
    let has = |value: &str| contains(of("x", Array), value);
    check(backend, has("2"), "a").await;
    let all = Query::new(ITEMS);
    let changes = || {
        vec![
            set("x", r#"["new",2,2,null]"#),
            set("n", "7"),
            set("o.t", "\"q\""),
        ]
    };
    assert_eq!(update(backend, &all, changes()).await.unwrap(), 3);
    check(backend, has("1"), "").await;
    check(backend, has("2"), "a b c").await;
    check(backend, has("\"new\""), "a b c").await;
    check(backend, has("null"), "a b c").await;
    check(backend, eq(of("n", Number), literal("7")), "a b c").await;
    let both = eq(of("o.t", Text), literal("\"q\"")).and(ge(of("n", Number), literal("7")));
    check(backend, both.clone(), "a b c").await;
    let one = filtered(eq(field("_id"), literal("\"b\"")));
    let changes = vec![unset("x"), unset("n"), set("o", "null")];
    assert_eq!(update(backend, &one, changes).await.unwrap(), 1);
    check(backend, has("2"), "a c").await;
    check(backend, eq(of("n", Number), literal("7")), "a c").await;
    check(backend, both, "a c").await;
}

async fn a_taken_value_changes_nothing(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", Text)]);
    let meta = declared(&[("x", Text)], vec![unique.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"q"}"#, "{}"]).await;
    let before = rows(backend, &Query::new(ITEMS)).await;
    let one = filtered(eq(field("x"), literal("\"q\"")));
    // Taken by a row that is not changed, by one that is, and by both.
    for (query, value) in [
        (&one, "p"),
        (&Query::new(ITEMS), "new"),
        (&Query::new(ITEMS), "p"),
    ] {
        let updated = update(backend, query, vec![set("y", "1"), text_at("x", value)]).await;
        let error = updated.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}");
        assert_eq!(error.collection(), Some(ITEMS));
        let constraint = error
            .constraint()
            .expect("a duplicate names its constraint");
        assert_eq!(constraint.name(), unique.name);
        assert_eq!(constraint.fields(), ["x"]);
        assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
    }
    // A row may keep its own value.
    assert_eq!(
        update(backend, &one, vec![text_at("x", "q")])
            .await
            .unwrap(),
        1
    );
}

async fn a_value_is_free_again_after_an_update(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", Text)]);
    let meta = declared(&[("x", Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"q"}"#]).await;
    let p = filtered(eq(field("x"), literal("\"p\"")));
    assert_eq!(
        update(backend, &p, vec![text_at("x", "r")]).await.unwrap(),
        1
    );
    insert(backend, "c", r#"{"x":"p"}"#).await;
    let all = Query::new(ITEMS);
    assert_eq!(update(backend, &all, vec![unset("x")]).await.unwrap(), 3);
    insert(backend, "d", r#"{"x":"q"}"#).await;
    let again = put(backend, "e", r#"{"x":"q"}"#, Expectation::Any).await;
    assert_eq!(kind_of(again), ErrorKind::Duplicate);
}

async fn an_update_belongs_to_its_transaction(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let all = Query::new(ITEMS);
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":1}"#).await;
    assert_eq!(update(&*tx, &all, vec![set("x", "2")]).await.unwrap(), 2);
    let twos = filtered(eq(field("x"), literal("2")));
    assert_eq!(update(&*tx, &twos, vec![set("y", "3")]).await.unwrap(), 2);
    assert_eq!(changed(&*tx).await, "a b");
    assert_eq!(changed(backend).await, "");
    tx.rollback().await.unwrap();
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
    let tx = begin(backend).await;
    assert_eq!(update(&*tx, &all, vec![set("x", "2")]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(stored(backend, "a", "x").await, Value::Int(2));
    let closed = update(&*tx, &all, vec![set("x", "3")]).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
}

async fn a_failed_update_leaves_the_transaction_usable(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", Text)]);
    let meta = declared(&[("x", Text)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"q","o":1}"#]).await;
    let all = Query::new(ITEMS);
    let tx = begin(backend).await;
    insert(&*tx, "c", "{}").await;
    let taken = update(&*tx, &all, vec![text_at("x", "z")]).await;
    assert_eq!(kind_of(taken), ErrorKind::Duplicate);
    // Rows are changed before and after the one that fails.
    let wrong = update(&*tx, &all, vec![set("o.x", "1")]).await;
    assert_eq!(kind_of(wrong), ErrorKind::InvalidDocument);
    assert_eq!(stored(&*tx, "a", "o").await, Value::Null);
    assert_eq!(stored(&*tx, "c", "o").await, Value::Null);
    assert_eq!(update(&*tx, &all, vec![set("y", "1")]).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(changed(backend).await, "a b c");
    assert_eq!(stored(backend, "a", "x").await, "p".into());
}

async fn an_update_is_taken_back_with_its_savepoint(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let all = Query::new(ITEMS);
    let tx = begin(backend).await;
    assert_eq!(update(&*tx, &all, vec![set("x", "1")]).await.unwrap(), 2);
    let savepoint = tx.savepoint().await.unwrap();
    assert_eq!(update(&*tx, &all, vec![set("y", "1")]).await.unwrap(), 2);
    tx.rollback_to(savepoint).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(changed(backend).await, "");
    assert_eq!(stored(backend, "b", "x").await, Value::Int(1));
}

async fn a_read_only_transaction_updates_nothing(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let options = TxOptions {
        isolation: Isolation::Default,
        access: Access::ReadOnly,
    };
    let tx = backend.begin(options).await.unwrap();
    let updated = update(&*tx, &Query::new(ITEMS), vec![set("y", "1")]).await;
    assert_eq!(kind_of(updated), ErrorKind::InvalidQuery);
    tx.rollback().await.unwrap();
    assert_eq!(changed(backend).await, "");
}

async fn updates_of_different_fields_both_survive(backend: &dyn Backend) {
    given(backend, &[r#"{"o":{}}"#]).await;
    let query = filtered(eq(field("_id"), literal("\"a\"")));
    for round in 0..200 {
        let value = round.to_string();
        let updates = ["p", "q", "o.p", "o.q"].map(|key| {
            let change = set(key, &value);
            update(backend, &query, vec![change])
        });
        for count in join_all(updates).await {
            assert_eq!(count.unwrap(), 1);
        }
        let document = parsed(&get(backend, "a").await.unwrap());
        let expected =
            format!(r#"{{"_id":"a","o":{{"p":{round},"q":{round}}},"p":{round},"q":{round}}}"#);
        assert_eq!(document, json(&expected));
    }
}

async fn of_two_updates_of_one_revision_one_counts(backend: &dyn Backend) {
    given(backend, &[r#"{"_rev":"0"}"#]).await;
    for round in 0..100 {
        let guard = eq(field("_id"), literal("\"a\"")).and(eq(
            field("_rev"),
            Expr::Value(Value::from(round.to_string())),
        ));
        let query = filtered(guard);
        let next = (round + 1).to_string();
        let updates = ["p", "q"].map(|who| {
            let changes = vec![text_at("_rev", &next), text_at("by", who)];
            update(backend, &query, changes)
        });
        let counts: Vec<u64> = join_all(updates)
            .await
            .into_iter()
            .map(|it| it.unwrap())
            .collect();
        assert_eq!(counts.iter().sum::<u64>(), 1, "{counts:?}");
        let winner = if counts == [1, 0] { "p" } else { "q" };
        assert_eq!(stored(backend, "a", "by").await, winner.into());
    }
}

async fn each_row_is_claimed_once(backend: &dyn Backend) {
    given_many(backend, 40).await;
    let free = filtered(is_null(field("by")));
    let workers: Vec<String> = (0..6).map(|it| format!("w{it}")).collect();
    let claims = workers
        .iter()
        .map(|who| update(backend, &free, vec![text_at("by", who)]));
    let counts = join_all(claims).await;
    let mut sum = 0;
    for (who, count) in workers.iter().zip(counts) {
        let count = count.unwrap();
        let mine = filtered(eq(field("by"), Expr::Value(Value::from(who.as_str()))));
        assert_eq!(backend.count(&mine).await.unwrap(), count, "{who}");
        sum += count;
    }
    assert_eq!(sum, 40);
}

async fn each_row_of_a_window_is_claimed_once(backend: &dyn Backend) {
    given_many(backend, 30).await;
    let next = Query {
        filter: is_null(field("by")),
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    let free = filtered(is_null(field("by")));
    let worker = async |who: String| {
        let mut count = 0;
        // A claim may find that others took all it found.
        while backend.exists(&free).await.unwrap() {
            let claimed = update(backend, &next, vec![text_at("by", &who)]).await;
            let claimed = claimed.unwrap();
            assert!(claimed <= 2);
            count += claimed;
        }
        let mine = filtered(eq(field("by"), Expr::Value(Value::from(who.as_str()))));
        assert_eq!(backend.count(&mine).await.unwrap(), count, "{who}");
        count
    };
    let counts = join_all((0..4).map(|it| worker(format!("w{it}")))).await;
    assert_eq!(counts.into_iter().sum::<u64>(), 30);
}

async fn an_update_does_not_bring_back_what_was_deleted(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let query = filtered(eq(field("_id"), literal("\"a\"")));
    for round in 0..50 {
        let updated = update(backend, &query, vec![set("y", "1")]);
        let deleted = backend.delete(ITEMS, "a", Expectation::Any);
        let (updated, deleted) = join(updated, deleted).await;
        assert!(updated.unwrap() <= 1, "{round}");
        deleted.unwrap();
        assert_eq!(get(backend, "a").await, None, "{round}");
        insert(backend, "a", "{}").await;
    }
}

async fn a_cancelled_update_is_done_or_not(backend: &dyn Backend) {
    given_many(backend, 300).await;
    let all = Query::new(ITEMS);
    for micros in [0, 50, 200, 500, 1000, 2000, 4000] {
        let value = micros.to_string();
        let change = vec![set("y", &value), set("o.y", &value)];
        let limit = Duration::from_micros(micros);
        drop(timeout(limit, update(backend, &all, change)).await);
        // A later write waits until it is decided.
        update(backend, &all, vec![set("z", "1")]).await.unwrap();
        let done = filtered(eq(field("y"), literal(&value)));
        let done = backend.count(&done).await.unwrap();
        assert!(done == 0 || done == 300, "{done} of 300 at {micros} µs");
    }
}
