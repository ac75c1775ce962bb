//! Indexes: recorded, made later, rebuilt, dropped. They never change an answer.

use crate::{
    Backend, Direction, ErrorKind, Expr,
    FieldKind::{Any, Array, Bool, Number, Text},
    FieldMeta, IndexKind, IndexMeta, Query,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(indexes_are_recorded),
    case!(an_index_is_made_on_rows_that_exist),
    case!(an_index_is_dropped),
    case!(an_unknown_index_is_not_found),
    case!(a_changed_index_is_rebuilt),
    case!(recorded_indexes_not_described_are_left_alone),
    case!(indexed_fields_take_any_value),
    case!(an_index_needs_a_collection),
    case!(paths_of_indexes_may_be_odd),
    case!(members_are_found_after_changes),
];

async fn recorded(backend: &dyn Backend) -> Vec<(String, Vec<String>, bool)> {
    let all = backend.list_recorded_indexes(ITEMS).await.unwrap();
    all.into_iter()
        .map(|it| {
            assert_eq!(it.collection, ITEMS);
            (it.name, it.fields, it.unique)
        })
        .collect()
}

fn named(name: &str, mut index: IndexMeta) -> IndexMeta {
    name.clone_into(&mut index.name);
    index
}

async fn indexes_are_recorded(backend: &dyn Backend) {
    let fields = [("x", Number), ("y.z", Text)];
    let two = named("two", index(IndexKind::Plain, &fields));
    let tags = named("tags", index(IndexKind::Members, &[("t", Array)]));
    let meta = declared(
        &[("x", Number), ("y.z", Text), ("t", Array)],
        vec![two, tags],
    );
    backend.ensure_collection(&meta).await.unwrap();
    let expected = [
        ("tags".to_owned(), vec!["t".to_owned()], false),
        (
            "two".to_owned(),
            vec!["x".to_owned(), "y.z".to_owned()],
            false,
        ),
    ];
    assert_eq!(recorded(backend).await, expected);
}

async fn an_index_is_made_on_rows_that_exist(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"x":2}"#,
            r#"{"x":"a"}"#,
            "{}",
            r#"{"x":1}"#,
            r#"{"x":1.5}"#,
        ],
    )
    .await;
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    backend.ensure_index(ITEMS, &plain).await.unwrap();
    backend.ensure_index(ITEMS, &plain).await.unwrap();
    assert_eq!(
        recorded(backend).await,
        [(plain.name, vec!["x".to_owned()], false)]
    );
    let sort = [by("x", Number)];
    assert_eq!(ids(backend, &sorted(&sort)).await, "b c d e a");
    check(backend, ge(field("x"), literal("1.5")), "a e").await;
}

async fn an_index_is_dropped(backend: &dyn Backend) {
    given(backend, &[r#"{"x":2}"#, r#"{"x":1}"#]).await;
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    backend.ensure_index(ITEMS, &plain).await.unwrap();
    backend.drop_index(ITEMS, &plain.name).await.unwrap();
    assert_eq!(recorded(backend).await, []);
    assert_eq!(ids(backend, &sorted(&[by("x", Number)])).await, "b a");
    let again = backend.drop_index(ITEMS, &plain.name).await;
    assert_eq!(kind_of(again), ErrorKind::NotFound);
    backend.ensure_index(ITEMS, &plain).await.unwrap();
    assert_eq!(recorded(backend).await.len(), 1);
}

async fn an_unknown_index_is_not_found(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for name in [
        "nope",
        "",
        "it's",
        "items",
        "sqlite_autoindex_items_1",
        "items_pkey",
    ] {
        let dropped = backend.drop_index(ITEMS, name).await;
        assert_eq!(kind_of(dropped), ErrorKind::NotFound, "{name}");
    }
    insert(backend, "a", "{}").await;
}

async fn a_changed_index_is_rebuilt(backend: &dyn Backend) {
    given(backend, &[r#"{"x":2,"y":"a"}"#, r#"{"x":1,"y":"b"}"#]).await;
    let on_x = named("ix", index(IndexKind::Plain, &[("x", Number)]));
    let on_y = named("ix", index(IndexKind::Plain, &[("y", Text)]));
    let fields = [("x", Number), ("y", Text)];
    backend
        .ensure_collection(&declared(&fields, vec![on_x]))
        .await
        .unwrap();
    backend
        .ensure_collection(&declared(&fields, vec![on_y.clone()]))
        .await
        .unwrap();
    assert_eq!(
        recorded(backend).await,
        [("ix".to_owned(), vec!["y".to_owned()], false)]
    );
    let mut down = on_y;
    down.fields[0].1 = Direction::Desc;
    backend.ensure_index(ITEMS, &down).await.unwrap();
    assert_eq!(recorded(backend).await.len(), 1);
    assert_eq!(ids(backend, &sorted(&[by("-y", Text)])).await, "b a");
}

async fn recorded_indexes_not_described_are_left_alone(backend: &dyn Backend) {
    let one = named("one", index(IndexKind::Plain, &[("x", Number)]));
    let two = named("two", index(IndexKind::Plain, &[("y", Text)]));
    backend
        .ensure_collection(&declared(&[("x", Number)], vec![one]))
        .await
        .unwrap();
    backend
        .ensure_collection(&declared(&[("y", Text)], vec![two]))
        .await
        .unwrap();
    let names: Vec<String> = recorded(backend).await.into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["one", "two"]);
}

async fn indexed_fields_take_any_value(backend: &dyn Backend) {
    let fields = [("x", Number), ("y", Text), ("z", Bool), ("w", Any)];
    let indexes = fields.map(|it| index(IndexKind::Plain, &[it]));
    let meta = declared(&fields, indexes.to_vec());
    backend.ensure_collection(&meta).await.unwrap();
    let long = format!("\"{}\"", "é".repeat(5_000));
    let values = [
        "1",
        "1.5",
        "1e300",
        "-1e-300",
        "9223372036854775807",
        "\"text\"",
        "\"\"",
        "true",
        "null",
        "[1,2]",
        "{\"k\":1}",
        &long,
        "\"\\u0001\"",
        "\"2024-01-01T00:00:00.000000Z\"",
    ];
    for (i, value) in values.iter().enumerate() {
        let fields = format!("{{\"x\":{value},\"y\":{value},\"z\":{value},\"w\":{value}}}");
        let id = format!("{i:02}");
        insert(backend, &id, &fields).await;
        assert_eq!(stored(backend, &id, "x").await, json(value));
    }
    insert(backend, "99", "{}").await;
    let count = backend.count(&Query::new(ITEMS)).await.unwrap();
    assert_eq!(count, u64::try_from(values.len() + 1).unwrap());
    let x = |kind| Expr::Field(crate::Field::document(path("x"), kind));
    assert_eq!(
        ids(backend, &filtered(eq(x(Number), literal(&long)))).await,
        "11"
    );
    assert_eq!(
        ids(backend, &filtered(ge(x(Number), literal("1e300")))).await,
        "02"
    );
}

async fn an_index_needs_a_collection(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let ensured = backend.ensure_index(ITEMS, &plain).await;
    assert_eq!(kind_of(ensured), ErrorKind::NotRegistered);
}

async fn paths_of_indexes_may_be_odd(backend: &dyn Backend) {
    let odd = [
        &["a.b"][..],
        &["US Gross"],
        &["it's"],
        &["say \"hi\""],
        &["o", "na-me"],
        &["é"],
        &["x", "0"],
        &["back\\slash"],
    ];
    let mut meta = declared(&[], vec![]);
    for segments in odd {
        let field = FieldMeta {
            path: crate::FieldPath::from_segments(segments.iter().copied()).unwrap(),
            kind: Number,
        };
        meta.indexes.push(IndexMeta {
            name: IndexMeta::default_name(ITEMS, IndexKind::Plain, &[&field.path]),
            fields: vec![(field.clone(), Direction::Asc)],
            kind: IndexKind::Plain,
            filter: Expr::always(),
            search: None,
        });
        meta.fields.push(field);
    }
    backend.ensure_collection(&meta).await.unwrap();
    let fields = r#"{"a.b":1,"US Gross":2,"it's":3,"say \"hi\"":4,"o":{"na-me":5},"é":6,"x":[7],"back\\slash":8}"#;
    insert(backend, "a", fields).await;
    insert(backend, "b", r#"{"a":{"b":1}}"#).await;
    for (i, segments) in odd.iter().enumerate() {
        let path = crate::FieldPath::from_segments(segments.iter().copied()).unwrap();
        let field = crate::Field::document(path, Number);
        let value = Expr::Value(i64::try_from(i + 1).unwrap().into());
        let query = filtered(eq(Expr::Field(field), value));
        assert_eq!(ids(backend, &query).await, "a", "{segments:?}");
    }
    assert_eq!(recorded(backend).await.len(), odd.len());
}

async fn members_are_found_after_changes(backend: &dyn Backend) {
    let members = index(IndexKind::Members, &[("x", Array)]);
    let meta = declared(&[("x", Array)], vec![members]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":["p","q"]}"#).await;
    insert(backend, "b", r#"{"x":["q","q",1]}"#).await;
    insert(backend, "c", r#"{"x":"q"}"#).await;
    let x = || Expr::Field(crate::Field::document(path("x"), Array));
    let has = async |value: &str| ids(backend, &filtered(contains(x(), value))).await;
    assert_eq!(has("\"q\"").await, "a b");
    let updated = put(
        backend,
        "a",
        r#"{"x":["r",1.0]}"#,
        crate::Expectation::Present,
    )
    .await;
    updated.unwrap();
    assert_eq!(has("\"q\"").await, "b");
    assert_eq!(has("1").await, "a b");
    backend
        .delete(ITEMS, "b", crate::Expectation::Any)
        .await
        .unwrap();
    assert_eq!(has("\"q\"").await, "");
    assert_eq!(has("\"r\"").await, "a");
}
