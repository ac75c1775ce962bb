//! Inserts that know what to do about a document that is in the way.

use futures_util::future::join_all;

use crate::{
    Backend, Capabilities, Capability, Change, ConflictTarget, ErrorKind, Expr,
    FieldKind::{self, Any, Number, Text},
    IndexKind, IndexMeta, OnConflict, Patch, Query, ReadWrite, Result, Upsert, UpsertOutcome,
    Value,
    conformance::{
        partial::{live, unique},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(an_upsert_inserts_or_changes_by_id: Upserts, Patches),
    case!(an_upsert_leaves_what_is_there_alone: Upserts),
    case!(an_upsert_goes_by_a_unique_index: Upserts, UniqueIndexes, Patches),
    case!(an_upsert_goes_by_several_fields: Upserts, UniqueIndexes, Patches),
    case!(the_target_decides_first: Upserts, UniqueIndexes, Patches),
    case!(what_takes_no_part_has_nothing_in_its_way: Upserts, UniqueIndexes),
    case!(kinds_of_values_in_the_way: Upserts, UniqueIndexes),
    case!(a_partial_index_is_a_target: Upserts, UniqueIndexes, Patches),
    case!(another_unique_index_refuses: Upserts, UniqueIndexes, Patches),
    case!(an_id_that_is_taken_refuses: Upserts, UniqueIndexes),
    case!(what_an_upsert_changes_must_be_unique: Upserts, UniqueIndexes, Patches),
    case!(a_patch_of_an_upsert_has_the_same_rules: Upserts, Patches),
    case!(a_patch_of_an_upsert_computes: Upserts, Patches, Expressions),
    case!(an_upsert_belongs_to_its_transaction: Upserts, Patches, Transactions),
    case!(a_failed_upsert_leaves_a_transaction_usable: Upserts, Patches, Transactions, UniqueIndexes),
    case!(of_many_upserts_one_inserts: Upserts, Patches, UniqueIndexes),
    case!(upserted_counters_count: Upserts, Patches),
    case!(an_upsert_into_an_unknown_collection_fails: Upserts),
    case!(indexes_follow_an_upsert: Upserts, Patches),
];

/// Upserts into `items`; `fields` is a JSON object without the id.
async fn upsert(
    on: &(impl ReadWrite + ?Sized),
    id: &str,
    fields: &str,
    target: ConflictTarget<'_>,
    changes: Option<Vec<Change>>,
) -> Result<UpsertOutcome> {
    let body = body(id, fields);
    let patch = changes.map(Patch::new);
    if let Some(patch) = &patch {
        patch.check(Capabilities::all())?;
    }
    let upsert = Upsert {
        id,
        body: body.as_bytes(),
        target,
        on_conflict: match &patch {
            None => OnConflict::Nothing,
            Some(patch) => OnConflict::Change(patch),
        },
    };
    on.upsert(ITEMS, &upsert).await
}

/// The document that an upsert changed.
#[track_caller]
fn changed(outcome: Result<UpsertOutcome>) -> (String, Value) {
    match outcome.unwrap() {
        UpsertOutcome::Changed(row) => (row.id.clone(), parsed(&row)),
        other @ (UpsertOutcome::Inserted | UpsertOutcome::Kept) => panic!("{other:?}"),
    }
}

/// `items` with one unique index over this field.
async fn given_unique(backend: &dyn Backend, kind: FieldKind) -> IndexMeta {
    let index = index(IndexKind::Unique, &[("x", kind)]);
    let meta = declared(&[("x", kind)], vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    index
}

async fn an_upsert_inserts_or_changes_by_id(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let once = || async {
        let changes = vec![inc("n", "1"), set("seen.last", "true")];
        let fields = r#"{"n":1,"new":true}"#;
        upsert(backend, "a", fields, ConflictTarget::Id, Some(changes)).await
    };
    assert_eq!(once().await.unwrap(), UpsertOutcome::Inserted);
    let found = parsed(&get(backend, "a").await.unwrap());
    assert_eq!(found, json(r#"{"_id":"a","n":1,"new":true}"#));
    let (id, now) = changed(once().await);
    assert_eq!(id, "a");
    let expected = r#"{"_id":"a","n":2,"new":true,"seen":{"last":true}}"#;
    assert_eq!(now, json(expected));
    let (_, now) = changed(once().await);
    assert_eq!(now.at(&["n".to_owned()]), Some(&Value::Int(3)));
    assert_eq!(now, parsed(&get(backend, "a").await.unwrap()));
    let other = upsert(
        backend,
        "b",
        "{}",
        ConflictTarget::Id,
        Some(vec![inc("n", "1")]),
    )
    .await;
    assert_eq!(other.unwrap(), UpsertOutcome::Inserted);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn an_upsert_leaves_what_is_there_alone(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let kept = upsert(backend, "a", r#"{"x":2}"#, ConflictTarget::Id, None).await;
    assert_eq!(kept.unwrap(), UpsertOutcome::Kept);
    assert_eq!(stored(backend, "a", "x").await, Value::Int(1));
    let inserted = upsert(backend, "b", r#"{"x":2}"#, ConflictTarget::Id, None).await;
    assert_eq!(inserted.unwrap(), UpsertOutcome::Inserted);
    assert_eq!(stored(backend, "b", "x").await, Value::Int(2));
    let odd = "it's $1 \"?1\" é😀";
    for expected in [UpsertOutcome::Inserted, UpsertOutcome::Kept] {
        let outcome = upsert(backend, odd, r#"{"x":"'"}"#, ConflictTarget::Id, None).await;
        assert_eq!(outcome.unwrap(), expected);
    }
    assert_eq!(stored(backend, odd, "x").await, "'".into());
}

async fn an_upsert_goes_by_a_unique_index(backend: &dyn Backend) {
    for (kind, value, same, other) in [
        (Text, "\"p\"", "\"p\"", "\"P\""),
        (Number, "1", "1.0", "1.5"),
        (
            Number,
            "9007199254740993",
            "9007199254740993",
            "9007199254740992",
        ),
        (FieldKind::Bool, "true", "true", "false"),
        (Any, "1", "1.0", "\"1\""),
        (Any, "\"1\"", "\"1\"", "1"),
        (Any, "true", "true", "\"true\""),
    ] {
        backend.drop_collection(ITEMS).await.unwrap();
        let index = given_unique(backend, kind).await;
        insert(backend, "a", &format!("{{\"x\":{value},\"n\":1}}")).await;
        let target = || ConflictTarget::Index(&index);
        let fields = format!("{{\"x\":{same},\"n\":5}}");
        let kept = upsert(backend, "b", &fields, target(), None).await;
        assert_eq!(kept.unwrap(), UpsertOutcome::Kept, "{kind:?} {value}");
        let change = Some(vec![inc("n", "1")]);
        let (id, now) = changed(upsert(backend, "b", &fields, target(), change).await);
        assert_eq!(id, "a");
        let expected = format!("{{\"_id\":\"a\",\"x\":{value},\"n\":2}}");
        assert_eq!(now, json(&expected));
        let fields = format!("{{\"x\":{other}}}");
        let inserted = upsert(backend, "c", &fields, target(), None).await;
        assert_eq!(
            inserted.unwrap(),
            UpsertOutcome::Inserted,
            "{kind:?} {other}"
        );
        assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a c");
    }
    // The same where the index came later than the documents.
    backend.drop_collection(ITEMS).await.unwrap();
    given(backend, &[r#"{"o":{"k":"p"}}"#]).await;
    let late = index(IndexKind::Unique, &[("o.k", Text)]);
    backend.ensure_index(ITEMS, &late).await.unwrap();
    let target = ConflictTarget::Index(&late);
    let change = Some(vec![set("y", "1")]);
    let (id, _) = changed(upsert(backend, "b", r#"{"o":{"k":"p"}}"#, target, change).await);
    assert_eq!(id, "a");
}

async fn an_upsert_goes_by_several_fields(backend: &dyn Backend) {
    let fields = [("x", Text), ("o.n", Number)];
    let index = index(IndexKind::Unique, &fields);
    let meta = declared(&fields, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p","o":{"n":1}}"#, r#"{"x":"p"}"#]).await;
    let target = || ConflictTarget::Index(&index);
    let change = || Some(vec![inc("hits", "1")]);
    let same = r#"{"x":"p","o":{"n":1.0}}"#;
    let (id, _) = changed(upsert(backend, "z", same, target(), change()).await);
    assert_eq!(id, "a");
    for (id, fields) in [
        ("e", r#"{"x":"p","o":{"n":2}}"#),
        ("f", r#"{"x":"q","o":{"n":1}}"#),
        ("g", r#"{"x":"p"}"#),
        ("h", r#"{"x":"p","o":{"n":null}}"#),
        ("i", r#"{"x":"p","o":{"n":"1"}}"#),
    ] {
        let inserted = upsert(backend, id, fields, target(), change()).await;
        assert_eq!(inserted.unwrap(), UpsertOutcome::Inserted, "{fields}");
    }
}

async fn the_target_decides_first(backend: &dyn Backend) {
    let by_x = index(IndexKind::Unique, &[("x", Text)]);
    let by_y = index(IndexKind::Unique, &[("y", Text)]);
    let meta = declared(
        &[("x", Text), ("y", Text)],
        vec![by_x.clone(), by_y.clone()],
    );
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p","y":"s"}"#, r#"{"x":"q","y":"t"}"#]).await;
    let change = || Some(vec![inc("n", "1")]);
    // The same document by every index and by its id.
    let x = ConflictTarget::Index(&by_x);
    let again = upsert(backend, "a", r#"{"x":"p","y":"s"}"#, x, change()).await;
    assert_eq!(changed(again).0, "a");
    let by_id = ConflictTarget::Id;
    let again = upsert(backend, "a", r#"{"x":"p","y":"s"}"#, by_id, change()).await;
    assert_eq!(changed(again).0, "a");
    // Another document is in the way under another index, but nothing is inserted.
    let both = r#"{"x":"p","y":"t"}"#;
    let outcome = upsert(backend, "z", both, ConflictTarget::Index(&by_x), change()).await;
    assert_eq!(changed(outcome).0, "a");
    let outcome = upsert(backend, "z", both, ConflictTarget::Index(&by_y), change()).await;
    assert_eq!(changed(outcome).0, "b");
    let outcome = upsert(backend, "b", both, ConflictTarget::Index(&by_x), change()).await;
    assert_eq!(changed(outcome).0, "a");
    let kept = upsert(backend, "z", both, ConflictTarget::Index(&by_y), None).await;
    assert_eq!(kept.unwrap(), UpsertOutcome::Kept);
    assert_eq!(stored(backend, "a", "n").await, Value::Int(4));
    assert_eq!(stored(backend, "b", "n").await, Value::Int(1));
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

async fn what_takes_no_part_has_nothing_in_its_way(backend: &dyn Backend) {
    let index = given_unique(backend, Text).await;
    given(backend, &["{}", r#"{"x":null}"#, r#"{"x":5}"#]).await;
    for (id, fields) in [("d", "{}"), ("e", r#"{"x":null}"#), ("f", r#"{"x":5}"#)] {
        let target = ConflictTarget::Index(&index);
        let outcome = upsert(backend, id, fields, target, None).await;
        assert_eq!(outcome.unwrap(), UpsertOutcome::Inserted, "{fields}");
    }
}

async fn kinds_of_values_in_the_way(backend: &dyn Backend) {
    let index = given_unique(backend, Any).await;
    let values = [
        "0",
        "\"0\"",
        "false",
        "\"\"",
        "[]",
        "{}",
        "[0]",
        "[\"0\"]",
        r#"{"y":1}"#,
        "1e300",
        "0.1",
        "9223372036854775807",
        "-9223372036854775808",
        "\"é😀'\\\"\\\\\"",
    ];
    for expected in [UpsertOutcome::Inserted, UpsertOutcome::Kept] {
        for (at, value) in values.iter().enumerate() {
            let id = format!("{expected:?} {at}");
            let fields = format!("{{\"x\":{value}}}");
            let target = ConflictTarget::Index(&index);
            let outcome = upsert(backend, &id, &fields, target, None).await;
            assert_eq!(outcome.unwrap(), expected, "{value}");
        }
    }
    let same = upsert(
        backend,
        "z",
        r#"{"x":{"y":1.0}}"#,
        ConflictTarget::Index(&index),
        None,
    )
    .await;
    assert_eq!(same.unwrap(), UpsertOutcome::Kept);
}

async fn a_partial_index_is_a_target(backend: &dyn Backend) {
    for kind in [Text, Any] {
        backend.drop_collection(ITEMS).await.unwrap();
        let index = unique(kind, live());
        let meta = declared(&[("x", kind)], vec![index.clone()]);
        backend.ensure_collection(&meta).await.unwrap();
        let deleted = r#"{"x":"p","_deleted_at":"2024-01-01T00:00:00.000000Z"}"#;
        given(backend, &[deleted, deleted]).await;
        let target = || ConflictTarget::Index(&index);
        let change = || Some(vec![inc("n", "1")]);
        // What the index does not cover is not in the way.
        let first = upsert(backend, "c", r#"{"x":"p"}"#, target(), change()).await;
        assert_eq!(first.unwrap(), UpsertOutcome::Inserted);
        let second = upsert(backend, "d", r#"{"x":"p"}"#, target(), change()).await;
        assert_eq!(changed(second).0, "c");
        // What is not covered itself has nothing in its way.
        let third = upsert(backend, "e", deleted, target(), change()).await;
        assert_eq!(third.unwrap(), UpsertOutcome::Inserted);
        assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c e");
    }
    // A filter with literals of every kind.
    backend.drop_collection(ITEMS).await.unwrap();
    let filter = is_in(field("k"), r#"["it's $1",1,true]"#).and(Expr::Exists(place("y")));
    let index = unique(Text, filter);
    let meta = declared(&[("x", Text)], vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let target = || ConflictTarget::Index(&index);
    let covered = r#"{"x":"p","k":"it's $1","y":null}"#;
    let other = r#"{"x":"p","k":2,"y":null}"#;
    for (id, fields, expected) in [
        ("a", covered, UpsertOutcome::Inserted),
        ("b", covered, UpsertOutcome::Kept),
        ("c", other, UpsertOutcome::Inserted),
        ("d", other, UpsertOutcome::Inserted),
    ] {
        let outcome = upsert(backend, id, fields, target(), None).await;
        assert_eq!(outcome.unwrap(), expected, "{id}");
    }
}

async fn another_unique_index_refuses(backend: &dyn Backend) {
    let by_x = index(IndexKind::Unique, &[("x", Text)]);
    let by_y = index(IndexKind::Unique, &[("y", Text)]);
    let meta = declared(
        &[("x", Text), ("y", Text)],
        vec![by_x.clone(), by_y.clone()],
    );
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":"p","y":"s"}"#]).await;
    let before = rows(backend, &Query::new(ITEMS)).await;
    let change = || Some(vec![inc("n", "1")]);
    for target in [ConflictTarget::Index(&by_x), ConflictTarget::Id] {
        for changes in [None, change()] {
            let taken = upsert(backend, "z", r#"{"x":"q","y":"s"}"#, target, changes).await;
            let error = taken.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Duplicate);
            assert_eq!(error.collection(), Some(ITEMS));
            let constraint = error.constraint().expect("a constraint");
            assert_eq!(constraint.name(), by_y.name);
            assert_eq!(constraint.fields(), ["y"]);
            assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
        }
    }
}

async fn an_id_that_is_taken_refuses(backend: &dyn Backend) {
    let index = given_unique(backend, Text).await;
    given(backend, &[r#"{"x":"p"}"#]).await;
    let target = ConflictTarget::Index(&index);
    let taken = upsert(backend, "a", r#"{"x":"q"}"#, target, None).await;
    let error = taken.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.collection(), Some(ITEMS));
    assert_eq!(stored(backend, "a", "x").await, "p".into());
}

async fn what_an_upsert_changes_must_be_unique(backend: &dyn Backend) {
    let index = given_unique(backend, Text).await;
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"q"}"#]).await;
    for target in [ConflictTarget::Index(&index), ConflictTarget::Id] {
        let changes = Some(vec![set("y", "1"), set("x", "\"q\"")]);
        let taken = upsert(backend, "a", r#"{"x":"p"}"#, target, changes).await;
        let error = taken.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert_eq!(error.constraint().expect("a constraint").fields(), ["x"]);
        assert_eq!(stored(backend, "a", "y").await, Value::Null);
        let moved = Some(vec![set("x", "\"r\"")]);
        let (id, _) = changed(upsert(backend, "a", r#"{"x":"p"}"#, target, moved).await);
        assert_eq!(id, "a");
        // What it was is free again.
        let back = filtered(eq(field("_id"), literal("\"a\"")));
        let count = update(backend, &back, vec![set("x", "\"p\"")]).await;
        assert_eq!(count.unwrap(), 1);
    }
}

async fn a_patch_of_an_upsert_has_the_same_rules(backend: &dyn Backend) {
    given(backend, &[r#"{"x":"text","o":1,"n":9223372036854775807}"#]).await;
    let before = rows(backend, &Query::new(ITEMS)).await;
    for (change, message) in [
        (
            inc("x", "1"),
            "the field `x` holds text, but the change needs a number: items/a",
        ),
        (
            push("o", "1"),
            "the field `o` holds a number, but the change needs an array: items/a",
        ),
        (
            set("o.y", "1"),
            "the field `o.y` cannot be set, because `o` holds a number: items/a",
        ),
    ] {
        let changes = Some(vec![set("y", "1"), change]);
        let failed = upsert(backend, "a", "{}", ConflictTarget::Id, changes).await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument);
        assert_eq!(error.to_string(), message);
    }
    let changes = Some(vec![inc("n", "1")]);
    let failed = upsert(backend, "a", "{}", ConflictTarget::Id, changes).await;
    assert_eq!(kind_of(failed), ErrorKind::OutOfRange);
    assert_eq!(rows(backend, &Query::new(ITEMS)).await, before);
    let changes = vec![
        push("list", "1"),
        add_to_set("list", "1"),
        push("list", "[2]"),
        pop_first("list"),
        rename("x", "p.q"),
        max("m", "5"),
        unset("n"),
        mul("o", "3"),
    ];
    let done = upsert(backend, "a", "{}", ConflictTarget::Id, Some(changes)).await;
    let expected = r#"{"_id":"a","list":[[2]],"p":{"q":"text"},"m":5,"o":3}"#;
    assert_eq!(changed(done).1, json(expected));
}

async fn a_patch_of_an_upsert_computes(backend: &dyn Backend) {
    given(backend, &[r#"{"x":2,"y":3}"#]).await;
    let changes = vec![
        set("x", "100"),
        set_expr(
            "z",
            arithmetic(crate::ArithmeticOp::Mul, field("x"), field("y")),
        ),
    ];
    let done = upsert(backend, "a", "{}", ConflictTarget::Id, Some(changes)).await;
    assert_eq!(changed(done).1, json(r#"{"_id":"a","x":100,"y":3,"z":6}"#));
}

async fn an_upsert_belongs_to_its_transaction(backend: &dyn Backend) {
    given(backend, &[r#"{"n":1}"#]).await;
    let count = || Some(vec![inc("n", "1")]);
    let tx = begin(backend).await;
    for _ in 0..2 {
        upsert(&*tx, "a", "{}", ConflictTarget::Id, count())
            .await
            .unwrap();
        upsert(&*tx, "b", r#"{"n":1}"#, ConflictTarget::Id, count())
            .await
            .unwrap();
    }
    assert_eq!(stored(&*tx, "a", "n").await, Value::Int(3));
    assert_eq!(stored(&*tx, "b", "n").await, Value::Int(2));
    tx.rollback().await.unwrap();
    assert_eq!(stored(backend, "a", "n").await, Value::Int(1));
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    let tx = begin(backend).await;
    upsert(&*tx, "b", r#"{"n":1}"#, ConflictTarget::Id, count())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
    let closed = upsert(&*tx, "b", "{}", ConflictTarget::Id, None).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
}

async fn a_failed_upsert_leaves_a_transaction_usable(backend: &dyn Backend) {
    let index = given_unique(backend, Text).await;
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"q","n":"text"}"#]).await;
    let target = || ConflictTarget::Index(&index);
    let tx = begin(backend).await;
    insert(&*tx, "c", r#"{"x":"r"}"#).await;
    let taken = upsert(&*tx, "a", r#"{"x":"new"}"#, target(), None).await;
    assert_eq!(kind_of(taken), ErrorKind::Duplicate);
    let wrong = vec![set("y", "1"), inc("n", "1")];
    let wrong = upsert(&*tx, "z", r#"{"x":"q"}"#, target(), Some(wrong)).await;
    assert_eq!(kind_of(wrong), ErrorKind::InvalidDocument);
    let taken = vec![set("x", "\"p\"")];
    let taken = upsert(&*tx, "z", r#"{"x":"q"}"#, target(), Some(taken)).await;
    assert_eq!(kind_of(taken), ErrorKind::Duplicate);
    let good = vec![set("y", "2")];
    let good = upsert(&*tx, "z", r#"{"x":"r"}"#, target(), Some(good)).await;
    assert_eq!(changed(good).0, "c");
    let inserted = upsert(&*tx, "d", r#"{"x":"s"}"#, target(), None).await;
    assert_eq!(inserted.unwrap(), UpsertOutcome::Inserted);
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b c d");
    check(backend, eq(field("y"), literal("2")), "c").await;
    check(backend, eq(field("y"), literal("1")), "").await;
}

async fn of_many_upserts_one_inserts(backend: &dyn Backend) {
    let index = given_unique(backend, Text).await;
    for round in 0..20 {
        let fields = format!("{{\"x\":\"r{round}\",\"n\":1}}");
        let names: Vec<String> = (0..8).map(|it| format!("{round:02}-{it}")).collect();
        let upserts = names.iter().map(|id| {
            let changes = Some(vec![inc("n", "1")]);
            upsert(backend, id, &fields, ConflictTarget::Index(&index), changes)
        });
        let outcomes = join_all(upserts).await;
        let mut inserted = None;
        let mut of = Vec::new();
        for (id, outcome) in names.iter().zip(outcomes) {
            match outcome.unwrap() {
                UpsertOutcome::Inserted => {
                    assert_eq!(inserted, None);
                    inserted = Some(id.clone());
                }
                UpsertOutcome::Changed(row) => of.push(row.id),
                UpsertOutcome::Kept => panic!("nothing is kept"),
            }
        }
        let inserted = inserted.expect("one of them inserts");
        assert_eq!(of, vec![inserted.clone(); 7]);
        assert_eq!(stored(backend, &inserted, "n").await, Value::Int(8));
    }
    let count = backend.count(&Query::new(ITEMS)).await.unwrap();
    assert_eq!(count, 20);
}

async fn upserted_counters_count(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let upserts = (0..50).map(|_| {
        let changes = Some(vec![inc("n", "1")]);
        upsert(
            backend,
            "counter",
            r#"{"n":1}"#,
            ConflictTarget::Id,
            changes,
        )
    });
    let outcomes = join_all(upserts).await;
    let inserted = outcomes
        .into_iter()
        .filter(|it| matches!(it, Ok(UpsertOutcome::Inserted)))
        .count();
    assert_eq!(inserted, 1);
    assert_eq!(stored(backend, "counter", "n").await, Value::Int(50));
}

async fn an_upsert_into_an_unknown_collection_fails(backend: &dyn Backend) {
    for changes in [None, Some(vec![set("x", "1")])] {
        if changes.is_some() && !backend.capabilities().has(Capability::Patches) {
            continue;
        }
        let failed = upsert(backend, "a", "{}", ConflictTarget::Id, changes).await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRegistered);
        assert_eq!(error.collection(), Some(ITEMS));
    }
}

async fn indexes_follow_an_upsert(backend: &dyn Backend) {
    let fields = [("x", FieldKind::Array), ("n", Number)];
    let indexes = vec![
        index(IndexKind::Members, &[("x", FieldKind::Array)]),
        index(IndexKind::Plain, &[("n", Number)]),
    ];
    let meta = declared(&fields, indexes);
    backend.ensure_collection(&meta).await.unwrap();
    let has = |value: &str| contains(typed("x", FieldKind::Array), value);
    let document = r#"{"x":["p"],"n":1}"#;
    let changes = || Some(vec![push("x", "\"q\""), pull("x", "\"p\""), inc("n", "1")]);
    upsert(backend, "a", document, ConflictTarget::Id, changes())
        .await
        .unwrap();
    check(backend, has("\"p\""), "a").await;
    upsert(backend, "a", document, ConflictTarget::Id, changes())
        .await
        .unwrap();
    check(backend, has("\"p\""), "").await;
    check(backend, has("\"q\""), "a").await;
    check(backend, eq(typed("n", Number), literal("2")), "a").await;
}
