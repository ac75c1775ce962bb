//! What an update returns, and what it leaves to others.

use futures_util::future::join_all;

use crate::{
    Backend, ErrorKind,
    FieldKind::{Number, Text},
    IndexKind, LockMode, Query, RawDocument, Returning, Seek, Updated, Value,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(new_documents_are_returned: Patches),
    case!(old_documents_are_returned: Patches),
    case!(nothing_is_returned_unasked: Patches),
    case!(rows_come_in_the_order_from_before: Patches),
    case!(rows_come_within_window_and_position: Patches),
    case!(a_failed_update_returns_nothing: Patches, UniqueIndexes),
    case!(an_update_in_a_transaction_returns_rows: Patches, Transactions),
    case!(many_rows_are_returned: Patches),
    case!(increments_do_not_lose_each_other: Patches),
    case!(a_queue_hands_each_row_out_once: Patches, RowLocks),
    case!(locked_rows_are_left_out_outside_of_a_transaction: Patches, RowLocks),
    case!(an_update_waits_for_locked_rows: Patches, RowLocks),
];

const FOUR: &[&str] = &[
    r#"{"x":3,"y":"c"}"#,
    r#"{"x":1,"y":"a"}"#,
    r#"{"x":null}"#,
    r#"{"x":2,"y":"b"}"#,
];

fn ids_of(rows: &[RawDocument]) -> String {
    let ids: Vec<&str> = rows.iter().map(|it| it.id.as_str()).collect();
    ids.join(" ")
}

fn field_of(rows: &[RawDocument], key: &str) -> Vec<String> {
    rows.iter()
        .map(|it| {
            let value = parsed(it).at(&[key.to_owned()]).cloned();
            value.map_or_else(|| "-".to_owned(), |it| it.to_string())
        })
        .collect()
}

async fn new_documents_are_returned(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let query = filtered(ge(field("x"), literal("2")));
    let changes = vec![inc("x", "10"), set("o.z", "[1]"), unset("y")];
    let updated = update_returning(backend, &query, changes, Returning::New).await;
    let Updated { count, rows } = updated.unwrap();
    assert_eq!(count, 2);
    assert_eq!(ids_of(&rows), "a d");
    assert_eq!(
        parsed(&rows[0]),
        json(r#"{"_id":"a","x":13,"o":{"z":[1]}}"#)
    );
    assert_eq!(
        parsed(&rows[1]),
        json(r#"{"_id":"d","x":12,"o":{"z":[1]}}"#)
    );
    for row in &rows {
        assert_eq!(parsed(row), parsed(&get(backend, &row.id).await.unwrap()));
    }
}

async fn old_documents_are_returned(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let before = rows(backend, &Query::new(ITEMS)).await;
    let changes = vec![set("x", "0"), unset("y")];
    let all = Query::new(ITEMS);
    let updated = update_returning(backend, &all, changes, Returning::Old).await;
    let updated = updated.unwrap();
    assert_eq!(updated.count, 4);
    assert_eq!(updated.rows.len(), 4);
    for (row, before) in updated.rows.iter().zip(&before) {
        assert_eq!(row.id, before.id);
        assert_eq!(parsed(row), parsed(before));
    }
    assert_eq!(stored(backend, "a", "x").await, Value::Int(0));
}

async fn nothing_is_returned_unasked(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let all = Query::new(ITEMS);
    let changes = || vec![set("z", "1")];
    let updated = update_returning(backend, &all, changes(), Returning::Nothing).await;
    let expected = Updated {
        count: 4,
        rows: Vec::new(),
    };
    assert_eq!(updated.unwrap(), expected);
    let none = filtered(crate::Expr::never());
    for returning in [Returning::Nothing, Returning::New, Returning::Old] {
        let updated = update_returning(backend, &none, changes(), returning).await;
        assert_eq!(updated.unwrap(), Updated::default());
    }
}

async fn rows_come_in_the_order_from_before(backend: &dyn Backend) {
    let indexes = vec![index(IndexKind::Plain, &[("x", Number)])];
    let meta = declared(&[("x", Number), ("y", Text)], indexes);
    let again = async |is_declared: bool| {
        backend.drop_collection(ITEMS).await.unwrap();
        if is_declared {
            backend.ensure_collection(&meta).await.unwrap();
        }
        given(backend, FOUR).await;
    };
    for is_declared in [false, true] {
        for (sort, expected) in [
            (vec![], "a b c d"),
            (vec![by("x", Number)], "c b d a"),
            (vec![by("-y", Text)], "a d b c"),
        ] {
            let query = sorted(&sort);
            let backwards: Vec<&str> = expected.split(' ').rev().collect();
            let backwards = backwards.join(" ");
            for (query, expected) in [(query.clone(), expected), (query.reversed(), &backwards)] {
                for returning in [Returning::New, Returning::Old] {
                    again(is_declared).await;
                    // The changes would turn the order around.
                    let changes = vec![mul("x", "-1"), set("y", "\"same\"")];
                    let updated = update_returning(backend, &query, changes, returning).await;
                    assert_eq!(ids_of(&updated.unwrap().rows), expected, "{query:?}");
                }
            }
        }
    }
}

async fn rows_come_within_window_and_position(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let query = Query {
        skip: 1,
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    let updated = update_returning(backend, &query, vec![inc("n", "1")], Returning::New).await;
    assert_eq!(ids_of(&updated.unwrap().rows), "d b");
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(2)],
            id: "d".into(),
        }),
        limit: Some(1),
        ..sorted(&[by("-x", Number)])
    };
    let updated = update_returning(backend, &query, vec![inc("n", "1")], Returning::New).await;
    let updated = updated.unwrap();
    assert_eq!(ids_of(&updated.rows), "b");
    assert_eq!(field_of(&updated.rows, "n"), ["2"]);
    check(backend, is_null(field("n")), "a c").await;
}

async fn a_failed_update_returns_nothing(backend: &dyn Backend) {
    let unique = index(IndexKind::Unique, &[("x", Number)]);
    let meta = declared(&[("x", Number)], vec![unique]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"y":"text"}"#]).await;
    let before = rows(backend, &Query::new(ITEMS)).await;
    let all = Query::new(ITEMS);
    for returning in [Returning::New, Returning::Old] {
        let taken = update_returning(backend, &all, vec![set("x", "5")], returning).await;
        assert_eq!(kind_of(taken), ErrorKind::Duplicate);
        let wrong = update_returning(backend, &all, vec![inc("y", "1")], returning).await;
        let error = wrong.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument);
        assert_eq!(error.id(), Some("c"));
        assert_eq!(rows(backend, &all).await, before);
    }
}

async fn an_update_in_a_transaction_returns_rows(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let tx = begin(backend).await;
    insert(&*tx, "e", r#"{"x":9}"#).await;
    let query = Query {
        limit: Some(2),
        ..sorted(&[by("-x", Number)])
    };
    let updated = update_returning(&*tx, &query, vec![inc("x", "1")], Returning::Old).await;
    let updated = updated.unwrap();
    assert_eq!(ids_of(&updated.rows), "e a");
    assert_eq!(field_of(&updated.rows, "x"), ["9", "3"]);
    let updated = update_returning(&*tx, &query, vec![inc("x", "1")], Returning::New).await;
    assert_eq!(field_of(&updated.unwrap().rows, "x"), ["11", "5"]);
    let failed = update_returning(&*tx, &query, vec![push("x", "1")], Returning::New).await;
    assert_eq!(kind_of(failed), ErrorKind::InvalidDocument);
    let updated = update_returning(&*tx, &query, vec![unset("x")], Returning::New).await;
    assert_eq!(field_of(&updated.unwrap().rows, "x"), ["-", "-"]);
    tx.rollback().await.unwrap();
    assert_eq!(stored(backend, "a", "x").await, Value::Int(3));
}

async fn many_rows_are_returned(backend: &dyn Backend) {
    given_many(backend, 3000).await;
    let query = sorted(&[by("-x", Number)]);
    let updated = update_returning(backend, &query, vec![inc("x", "1")], Returning::New).await;
    let updated = updated.unwrap();
    assert_eq!(updated.count, 3000);
    let expected: Vec<String> = (1..=3000).rev().map(|it: u32| it.to_string()).collect();
    assert_eq!(field_of(&updated.rows, "x"), expected);
}

async fn increments_do_not_lose_each_other(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let query = Query::new(ITEMS);
    let one = || update_returning(backend, &query, vec![inc("n", "1")], Returning::New);
    let updates = join_all((0..50).map(|_| one())).await;
    let mut seen: Vec<i64> = updates
        .into_iter()
        .map(|it| {
            let updated = it.unwrap();
            assert_eq!(updated.count, 1);
            field_of(&updated.rows, "n")[0].parse().unwrap()
        })
        .collect();
    seen.sort_unstable();
    // Each saw what it made itself.
    assert_eq!(seen, (1..=50).collect::<Vec<i64>>());
    assert_eq!(stored(backend, "a", "n").await, Value::Int(50));
}

/// The next rows of a queue that are free.
fn free(limit: u64) -> Query {
    Query {
        filter: is_null(field("by")),
        limit: Some(limit),
        lock: Some(LockMode::SkipLocked),
        ..sorted(&[by("x", Number)])
    }
}

async fn a_queue_hands_each_row_out_once(backend: &dyn Backend) {
    given_many(backend, 60).await;
    let worker = async |name: usize| {
        let mut mine = Vec::new();
        loop {
            let changes = vec![set("by", &name.to_string())];
            let claimed = update_returning(backend, &free(3), changes, Returning::New).await;
            let claimed = claimed.unwrap();
            assert!(claimed.rows.len() <= 3);
            let order = ids_of(&claimed.rows);
            let mut sorted: Vec<&str> = order.split(' ').collect();
            sorted.sort_unstable();
            assert_eq!(order, sorted.join(" "));
            if claimed.rows.is_empty() {
                break;
            }
            mine.extend(claimed.rows.into_iter().map(|it| it.id));
        }
        mine
    };
    let all = join_all((0..6).map(worker)).await;
    // Someone may have found all that was left locked; no row was handed out twice.
    let mut handed: Vec<String> = all.into_iter().flatten().collect();
    let count = handed.len();
    handed.sort_unstable();
    handed.dedup();
    assert_eq!(handed.len(), count);
    let rest = update_returning(backend, &free(100), vec![set("by", "9")], Returning::Old).await;
    assert_eq!(u64::try_from(count).unwrap() + rest.unwrap().count, 60);
}

async fn locked_rows_are_left_out_outside_of_a_transaction(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":3}"#]).await;
    let updated = update_returning(backend, &free(1), vec![set("by", "1")], Returning::New).await;
    assert_eq!(ids_of(&updated.unwrap().rows), "a");
    let none = update_returning(backend, &free(0), vec![set("by", "1")], Returning::New).await;
    assert_eq!(none.unwrap().count, 0);
    let counted = update(backend, &free(1), vec![set("by", "2")]).await;
    assert_eq!(counted.unwrap(), 1);
    assert_eq!(stored(backend, "b", "by").await, Value::Int(2));
    let updated = update_returning(backend, &free(9), vec![set("by", "3")], Returning::Old).await;
    assert_eq!(ids_of(&updated.unwrap().rows), "c");
    let left = update_returning(backend, &free(9), vec![set("by", "4")], Returning::Old).await;
    assert_eq!(left.unwrap(), Updated::default());
}

async fn an_update_waits_for_locked_rows(backend: &dyn Backend) {
    given(backend, FOUR).await;
    let query = Query {
        lock: Some(LockMode::Wait),
        ..sorted(&[by("x", Number)])
    };
    let updated = update_returning(backend, &query, vec![inc("n", "1")], Returning::New).await;
    assert_eq!(ids_of(&updated.unwrap().rows), "c b d a");
    let one = || update(backend, &query, vec![inc("n", "1")]);
    for count in join_all((0..10).map(|_| one())).await {
        assert_eq!(count.unwrap(), 4);
    }
    check(backend, eq(field("n"), literal("11")), "a b c d").await;
}
