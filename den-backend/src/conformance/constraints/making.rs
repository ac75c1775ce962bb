//! Constraints that are made, listed and dropped.

use super::*;

pub(super) async fn documents_that_exist_are_checked(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1,"n":5}"#,
            r#"{"x":"1","n":50}"#,
            "{}",
            r#"{"x":null}"#,
        ],
    )
    .await;
    let too_large = is_null(field("n")).or(lt(typed("n", FieldKind::Number), literal("10")));
    for (kind, offenders) in [
        (required("x"), &["c", "d"][..]),
        (of_type("x", &[JsonType::Integer]), &["b"]),
        (key(&["x"]), &["c", "d"]),
        (check_that(too_large), &["b"]),
    ] {
        let rule = kind.rule();
        let error = constrain(backend, kind.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{error:?}");
        assert_eq!(error.offenders(), offenders, "{kind:?}");
        assert_eq!(error.collection(), Some(ITEMS));
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.rule(), rule);
        assert_eq!(
            constraint.name(),
            ConstraintMeta::default_name(ITEMS, &kind)
        );
    }
    // Nothing is left behind: not in the list, and nothing is asked of documents.
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), []);
    insert(backend, "e", r#"{"x":1.5,"n":99}"#).await;
    insert(backend, "f", r#"{"n":99}"#).await;
    // And when what stood in the way is gone, the same can be made.
    for id in ["b", "c", "d", "e", "f"] {
        backend.delete(ITEMS, id, Expectation::Any).await.unwrap();
    }
    constrain(backend, required("x")).await.unwrap();
    constrain(backend, key(&["x"])).await.unwrap();
    broken(backend, "{}").await;
    taken(backend, r#"{"x":1}"#).await;
}

pub(super) async fn values_that_exist_are_compared(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":1}"#,
            r#"{"x":"1"}"#,
            r#"{"x":1.0}"#,
            r#"{"x":null}"#,
            "{}",
        ],
    )
    .await;
    for (kind, rule) in [
        (unique(&["x"]), ConstraintRule::Unique),
        (key(&["x"]), ConstraintRule::Key),
    ] {
        if rule == ConstraintRule::Key {
            for id in ["d", "e"] {
                backend.delete(ITEMS, id, Expectation::Any).await.unwrap();
            }
        }
        let error = constrain(backend, kind).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}");
        assert_eq!(error.offenders(), ["a", "c"]);
        assert_eq!(error.constraint().unwrap().rule(), rule);
        assert_eq!(error.constraint().unwrap().fields(), ["x"]);
    }
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), []);
    assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    insert(backend, "f", r#"{"x":1}"#).await;
    for id in ["a", "c"] {
        backend.delete(ITEMS, id, Expectation::Any).await.unwrap();
    }
    constrain(backend, unique(&["x"])).await.unwrap();
    taken(backend, r#"{"x":1.0}"#).await;
}

pub(super) async fn the_first_offenders_are_listed(backend: &dyn Backend) {
    given_many(backend, 500).await;
    let large = check_that(lt(typed("x", FieldKind::Number), literal("100")));
    for kind in [large, required("y"), key(&["x", "y"])] {
        let error = constrain(backend, kind.clone()).await.unwrap_err();
        let offenders = error.offenders();
        assert!((3..=100).contains(&offenders.len()), "{offenders:?}");
        let first = match kind.rule() {
            ConstraintRule::Check => 100,
            ConstraintRule::Unique
            | ConstraintRule::Required
            | ConstraintRule::Type
            | ConstraintRule::Key => 0,
        };
        let expected: Vec<String> = (first..500)
            .map(|it| format!("{it:05}"))
            .take(offenders.len())
            .collect();
        assert_eq!(offenders, expected);
    }
}

pub(super) async fn constraints_are_listed_as_they_were_made(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), []);
    let kinds = [
        unique(&["z"]),
        required("a"),
        check_that(lt(typed("m", FieldKind::Number), literal("1.5")).or(is_null(field("m")))),
        of_type("b", &[JsonType::String, JsonType::Bool]),
        key(&["z", "a"]),
    ];
    let mut made = Vec::new();
    for (i, kind) in kinds.into_iter().enumerate() {
        // Names whose order is not that of their making.
        let name = ["n3", "n1", "n5", "n2", "n4"][i].to_owned();
        let constraint = ConstraintMeta { name, kind };
        create(backend, &constraint).await.unwrap();
        made.push(constraint);
    }
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), made);
    drop_constraint(backend, "n1").await.unwrap();
    let again = made.remove(1);
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), made);
    create(backend, &again).await.unwrap();
    made.push(again);
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), made);
    assert_eq!(backend.constraints("nothing").await.unwrap(), []);
}

pub(super) async fn the_same_constraint_is_made_once(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for kind in [required("x"), unique(&["x"]), key(&["x", "y"])] {
        let made = constrain(backend, kind.clone()).await.unwrap();
        constrain(backend, kind).await.unwrap();
        let other = ConstraintMeta {
            name: made.name.clone(),
            kind: required("other"),
        };
        let error = create(backend, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}");
    }
    assert_eq!(names(backend).await.len(), 3);
    // The same rule may stand under two names.
    let twin = ConstraintMeta {
        name: "twin".to_owned(),
        kind: unique(&["x"]),
    };
    create(backend, &twin).await.unwrap();
    assert_eq!(names(backend).await.len(), 4);
}

pub(super) async fn a_dropped_constraint_asks_for_nothing(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let missing = drop_constraint(backend, "nope").await;
    assert_eq!(kind_of(missing), ErrorKind::NotFound);
    let at_least_one = check_that(ge(typed("x", FieldKind::Number), literal("1")));
    for kind in [
        required("x"),
        of_type("x", &[JsonType::Number]),
        unique(&["x"]),
        key(&["x"]),
        at_least_one,
    ] {
        let made = constrain(backend, kind.clone()).await.unwrap();
        drop_constraint(backend, &made.name).await.unwrap();
        let again = drop_constraint(backend, &made.name).await;
        assert_eq!(kind_of(again), ErrorKind::NotFound);
        assert_eq!(names(backend).await, [""; 0]);
        kept(
            backend,
            &["{}", r#"{"x":"a"}"#, r#"{"x":"a"}"#, r#"{"x":0}"#],
        )
        .await;
        backend.delete_matching(&Query::new(ITEMS)).await.unwrap();
        // Its name is free.
        let other = ConstraintMeta {
            name: made.name.clone(),
            kind: required("y"),
        };
        create(backend, &other).await.unwrap();
        broken(backend, "{}").await;
        drop_constraint(backend, &made.name).await.unwrap();
    }
}

pub(super) async fn an_index_behind_a_constraint_stays(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for kind in [unique(&["x"]), key(&["y"])] {
        let made = constrain(backend, kind).await.unwrap();
        let dropped = backend.drop_index(ITEMS, &made.name).await.unwrap_err();
        assert_eq!(dropped.kind(), ErrorKind::Restricted, "{dropped:?}");
        let text = dropped.to_string();
        assert!(text.contains(&made.name), "{text}");
        let change = SchemaChange::DropIndex {
            collection: ITEMS.to_owned(),
            name: made.name.clone(),
        };
        let dropped = alter(backend, change).await;
        assert_eq!(kind_of(dropped), ErrorKind::Restricted);
        assert_eq!(backend.list_recorded_indexes(ITEMS).await.unwrap(), []);
    }
    insert(backend, "a", r#"{"x":1,"y":1}"#).await;
    taken(backend, r#"{"x":1,"y":2}"#).await;
    taken(backend, r#"{"x":2,"y":1}"#).await;
    // A rule without an index has none that could be dropped.
    let made = constrain(backend, required("x")).await.unwrap();
    let dropped = backend.drop_index(ITEMS, &made.name).await;
    assert_eq!(kind_of(dropped), ErrorKind::NotFound);
}

pub(super) async fn constraints_belong_to_a_collection(backend: &dyn Backend) {
    let missing = constrain(backend, required("x")).await;
    assert_eq!(kind_of(missing), ErrorKind::NotRegistered);
    let missing = drop_constraint(backend, "x").await;
    let expected = [ErrorKind::NotFound, ErrorKind::NotRegistered];
    assert!(expected.contains(&kind_of(missing)));
    ensure(backend, ITEMS).await;
    ensure(backend, "others").await;
    constrain(backend, required("x")).await.unwrap();
    constrain(backend, unique(&["y"])).await.unwrap();
    let body = body("a", r#"{"y":1}"#);
    backend.put("others", absent("a", &body)).await.unwrap();
    backend.put("others", absent("b", &body)).await.unwrap();
    assert_eq!(backend.constraints("others").await.unwrap(), []);
    // They go with it.
    backend.drop_collection(ITEMS).await.unwrap();
    ensure(backend, ITEMS).await;
    assert_eq!(names(backend).await, [""; 0]);
    kept(backend, &["{}", r#"{"y":1}"#, r#"{"y":1}"#]).await;
}

pub(super) async fn a_registration_leaves_constraints_alone(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let made = [
        constrain(backend, required("x")).await.unwrap(),
        constrain(backend, unique(&["x"])).await.unwrap(),
    ];
    let mut indexes = vec![index(IndexKind::Plain, &[("x", FieldKind::Number)])];
    if backend.capabilities().has(Capability::UniqueIndexes) {
        indexes.push(index(IndexKind::Unique, &[("x", FieldKind::Number)]));
    }
    let count = indexes.len();
    let meta = declared(&[("x", FieldKind::Number)], indexes);
    backend.ensure_collection(&meta).await.unwrap();
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(backend.plan_collection(&meta).await.unwrap(), []);
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), made);
    let recorded = backend.list_recorded_indexes(ITEMS).await.unwrap();
    assert_eq!(recorded.len(), count);
    broken(backend, "{}").await;
    insert(backend, "a", r#"{"x":1}"#).await;
    taken(backend, r#"{"x":1}"#).await;
    for index in &meta.indexes {
        backend.drop_index(ITEMS, &index.name).await.unwrap();
    }
    taken(backend, r#"{"x":1}"#).await;
}
