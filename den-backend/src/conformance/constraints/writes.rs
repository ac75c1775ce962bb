//! Constraints against every way to write.

use super::*;

use crate::{ConflictTarget, OnConflict, Patch, Put, PutOutcome, Upsert, UpsertOutcome};

pub(super) async fn put_many_keeps_constraints(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"u":1}"#]).await;
    let made = constrain(backend, required("x")).await.unwrap();
    constrain(backend, unique(&["u"])).await.unwrap();
    for (wrong, kind) in [
        (r#"{"u":3}"#, ErrorKind::Validation),
        (r#"{"x":3,"u":1}"#, ErrorKind::Duplicate),
        (r#"{"x":3,"u":2}"#, ErrorKind::Duplicate),
    ] {
        let bodies = [
            body("a", r#"{"x":9,"u":1}"#),
            body("b", r#"{"x":2,"u":2}"#),
            body("c", wrong),
            body("d", r#"{"x":4}"#),
        ];
        let puts: Vec<Put<'_>> = ["a", "b", "c", "d"]
            .iter()
            .zip(&bodies)
            .map(|(id, body)| Put {
                id,
                body: body.as_bytes(),
                expect: Expectation::Any,
            })
            .collect();
        let written = backend.put_many(ITEMS, &puts, OnRefusal::Abort).await;
        let error = written.unwrap_err();
        assert_eq!(error.kind(), kind, "{wrong}: {error:?}");
        assert_eq!(error.collection(), Some(ITEMS));
        if kind == ErrorKind::Validation {
            assert_eq!(error.constraint().unwrap().name(), made.name);
            assert_eq!(error.id(), Some("c"));
        }
        assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
        assert_eq!(stored(backend, "a", "x").await, json("1"));
    }
}

pub(super) async fn put_many_with_skips_keeps_constraints(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    constrain(backend, required("x")).await.unwrap();
    let good = [body("a", r#"{"x":2}"#), body("b", r#"{"x":2}"#)];
    let bad = [body("c", r#"{"x":3}"#), body("d", r#"{"x":null}"#)];
    let puts = [absent("c", &bad[0]), absent("d", &bad[1])];
    let written = backend.put_many(ITEMS, &puts, OnRefusal::Skip).await;
    assert_eq!(kind_of(written), ErrorKind::Validation);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a");
    let puts = [absent("a", &good[0]), absent("b", &good[1])];
    let written = backend.put_many(ITEMS, &puts, OnRefusal::Skip).await;
    assert_eq!(written.unwrap()[1], PutOutcome::Inserted);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

pub(super) async fn an_update_keeps_constraints(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"x":1,"n":1}"#, r#"{"x":2,"n":2}"#, r#"{"x":3,"n":3}"#],
    )
    .await;
    let small = check_that(le(typed("n", FieldKind::Number), literal("4")));
    let rules = [
        constrain(backend, required("x")).await.unwrap(),
        constrain(backend, of_type("x", &[JsonType::Integer]))
            .await
            .unwrap(),
        constrain(backend, small).await.unwrap(),
        constrain(backend, unique(&["x"])).await.unwrap(),
    ];
    let all = Query::new(ITEMS);
    for (change, kind, rule) in [
        (unset("x"), ErrorKind::Validation, 0),
        (set("x", "\"a\""), ErrorKind::Validation, 1),
        (inc("n", "2"), ErrorKind::Validation, 2),
        (set("x", "7"), ErrorKind::Duplicate, 3),
    ] {
        let error = update(backend, &all, vec![change]).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.collection(), Some(ITEMS));
        assert_eq!(error.constraint().unwrap().name(), rules[rule].name);
    }
    // None was changed, not even those that would have kept the rules.
    for (id, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        assert_eq!(stored(backend, id, "x").await, json(value));
        assert_eq!(stored(backend, id, "n").await, json(value));
    }
    assert_eq!(update(backend, &all, vec![inc("n", "1")]).await.unwrap(), 3);
    let one = filtered(eq(field("_id"), literal("\"a\"")));
    assert_eq!(
        kind_of(update(backend, &one, vec![set("x", "2")]).await),
        ErrorKind::Duplicate
    );
    let changed = update(backend, &one, vec![set("x", "9"), set("n", "4")]).await;
    assert_eq!(changed.unwrap(), 1);
}

pub(super) async fn an_upsert_keeps_constraints(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"u":1}"#]).await;
    constrain(backend, of_type("x", &[JsonType::Integer]))
        .await
        .unwrap();
    constrain(backend, required("x")).await.unwrap();
    constrain(backend, unique(&["u"])).await.unwrap();
    let upsert = async |id: &str, fields: &str, change: Option<crate::Change>| {
        let body = body(id, fields);
        let patch = change.map(|it| Patch::new(vec![it]));
        let upsert = Upsert {
            id,
            body: body.as_bytes(),
            target: ConflictTarget::Id,
            on_conflict: match &patch {
                None => OnConflict::Nothing,
                Some(patch) => OnConflict::Change(patch),
            },
        };
        backend.upsert(ITEMS, &upsert).await
    };
    // What would be inserted must keep the rules, whatever is in its way.
    for id in ["a", "b"] {
        for fields in ["{}", r#"{"x":"1"}"#] {
            for change in [None, Some(inc("x", "1"))] {
                let upserted = upsert(id, fields, change).await;
                assert_eq!(kind_of(upserted), ErrorKind::Validation, "{id} {fields}");
            }
        }
    }
    let upserted = upsert("b", r#"{"x":1,"u":1}"#, None).await;
    assert_eq!(kind_of(upserted), ErrorKind::Duplicate);
    // So must what the change makes of the one that is there.
    for change in [unset("x"), set("x", "1.5")] {
        let upserted = upsert("a", r#"{"x":1}"#, Some(change)).await;
        assert_eq!(kind_of(upserted), ErrorKind::Validation);
    }
    assert_eq!(stored(backend, "a", "x").await, json("1"));
    let upserted = upsert("a", r#"{"x":1}"#, Some(inc("x", "1"))).await;
    assert!(matches!(upserted.unwrap(), UpsertOutcome::Changed(_)));
    let upserted = upsert("b", r#"{"x":1,"u":2}"#, None).await;
    assert_eq!(upserted.unwrap(), UpsertOutcome::Inserted);
    let upserted = upsert("b", r#"{"x":1}"#, Some(set("u", "1"))).await;
    assert_eq!(kind_of(upserted), ErrorKind::Duplicate);
}

pub(super) async fn values_are_free_again(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    constrain(backend, unique(&["x"])).await.unwrap();
    insert(backend, "a", r#"{"x":"p"}"#).await;
    put(backend, "a", r#"{"x":"p","y":1}"#, Expectation::Present)
        .await
        .unwrap();
    insert(backend, "b", r#"{"x":"q"}"#).await;
    put(backend, "a", r#"{"x":"r"}"#, Expectation::Any)
        .await
        .unwrap();
    insert(backend, "c", r#"{"x":"p"}"#).await;
    backend.delete(ITEMS, "b", Expectation::Any).await.unwrap();
    insert(backend, "d", r#"{"x":"q"}"#).await;
    taken(backend, r#"{"x":"r"}"#).await;
    // The same document may be put again.
    put(backend, "d", r#"{"x":"q"}"#, Expectation::Any)
        .await
        .unwrap();
}

pub(super) async fn a_refusal_comes_before_a_violation(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"_rev":"1"}"#]).await;
    constrain(backend, required("x")).await.unwrap();
    for (id, expect) in [
        ("b", Expectation::Present),
        ("a", Expectation::Revision(Some("2"))),
        ("b", Expectation::Revision(None)),
    ] {
        let outcome = put(backend, id, "{}", expect).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Refused(_)), "{expect:?}");
    }
}

pub(super) async fn several_constraints_stand_side_by_side(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let fields = ["p", "q", "r"];
    let mut made = Vec::new();
    for field in fields {
        made.push(constrain(backend, unique(&[field])).await.unwrap());
        made.push(constrain(backend, required(field)).await.unwrap());
    }
    insert(backend, "a", r#"{"p":1,"q":1,"r":1}"#).await;
    for (i, field) in fields.iter().enumerate() {
        let with = |value: &str| {
            let mut document = json(r#"{"p":2,"q":2,"r":2}"#);
            set_at(&mut document, &[field], json(value));
            document.to_string()
        };
        let error = taken(backend, &with("1")).await;
        assert_eq!(error.constraint().unwrap().name(), made[2 * i].name);
        let error = broken(backend, &with("null")).await;
        assert_eq!(error.constraint().unwrap().name(), made[2 * i + 1].name);
    }
}

pub(super) async fn a_violation_leaves_a_transaction_usable(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let rule = constrain(backend, required("x")).await.unwrap();
    constrain(backend, unique(&["x"])).await.unwrap();
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":2}"#).await;
    let error = broken(&*tx, "{}").await;
    assert_eq!(error.constraint().unwrap().name(), rule.name);
    taken(&*tx, r#"{"x":2}"#).await;
    if backend.capabilities().has(Capability::Patches) {
        let changed = update(&*tx, &Query::new(ITEMS), vec![unset("x")]).await;
        assert_eq!(kind_of(changed), ErrorKind::Validation);
    }
    let bodies = [body("c", r#"{"x":3}"#), body("d", "{}")];
    let puts = [absent("c", &bodies[0]), absent("d", &bodies[1])];
    if backend.capabilities().has(Capability::AtomicBatches) {
        let written = tx.put_many(ITEMS, &puts, OnRefusal::Abort).await;
        assert_eq!(kind_of(written), ErrorKind::Validation);
    }
    insert(&*tx, "e", r#"{"x":5}"#).await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b e");
}

pub(super) async fn a_transaction_keeps_its_own_constraint(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    for commits in [false, true] {
        let tx = begin(backend).await;
        constrain(&*tx, required("x")).await.unwrap();
        constrain(&*tx, unique(&["x"])).await.unwrap();
        broken(&*tx, "{}").await;
        taken(&*tx, r#"{"x":1}"#).await;
        insert(&*tx, "b", r#"{"x":2}"#).await;
        if commits {
            tx.commit().await.unwrap();
            assert_eq!(names(backend).await.len(), 2);
            broken(backend, "{}").await;
            taken(backend, r#"{"x":1}"#).await;
        } else {
            tx.rollback().await.unwrap();
            assert_eq!(names(backend).await, [""; 0]);
            kept(backend, &["{}", r#"{"x":1}"#]).await;
            let query = filtered(ge(field("_id"), literal("\"kept\"")));
            assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
        }
    }
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "a b");
}

pub(super) async fn a_failed_constraint_leaves_a_transaction_usable(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "c", r#"{"x":1}"#).await;
    insert(&*tx, "d", r#"{"x":1}"#).await;
    let error = constrain(&*tx, required("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(error.offenders(), ["a", "b"]);
    // It sees what the transaction wrote.
    let error = constrain(&*tx, unique(&["x"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.offenders(), ["c", "d"]);
    put(&*tx, "a", r#"{"x":2}"#, Expectation::Any)
        .await
        .unwrap();
    put(&*tx, "b", r#"{"x":3}"#, Expectation::Any)
        .await
        .unwrap();
    put(&*tx, "d", r#"{"x":4}"#, Expectation::Any)
        .await
        .unwrap();
    constrain(&*tx, required("x")).await.unwrap();
    constrain(&*tx, unique(&["x"])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(backend).await.len(), 2);
    broken(backend, "{}").await;
    taken(backend, r#"{"x":4}"#).await;
}

pub(super) async fn a_dropped_constraint_comes_back_with_a_rollback(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let rules = [
        constrain(backend, required("x")).await.unwrap(),
        constrain(backend, unique(&["x"])).await.unwrap(),
    ];
    let tx = begin(backend).await;
    for rule in &rules {
        drop_constraint(&*tx, &rule.name).await.unwrap();
    }
    insert(&*tx, "b", "{}").await;
    insert(&*tx, "c", r#"{"x":1}"#).await;
    tx.rollback().await.unwrap();
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), rules);
    broken(backend, "{}").await;
    taken(backend, r#"{"x":1}"#).await;
    let tx = begin(backend).await;
    drop_constraint(&*tx, &rules[0].name).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), rules[1..]);
    insert(backend, "b", "{}").await;
}
