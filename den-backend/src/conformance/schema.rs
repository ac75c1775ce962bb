//! Changes of the schema, in and outside of a transaction, and plans of them.

use crate::{
    Backend, Capability, CollectionMeta, Direction, ErrorKind, Expectation,
    FieldKind::{Array, Number, Text},
    IndexKind, IndexMeta, PlannedAction, Query, ReadWrite, Result, SchemaChange, Search,
    SearchOptions, SearchQuery,
    conformance::{
        constraints::{alter, constrain, create, required, unique},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(collections_and_indexes_come_and_go),
    case!(an_index_that_is_not_there_is_not_dropped),
    case!(a_plan_says_what_would_be_done),
    case!(a_plan_changes_nothing),
    case!(a_plan_sees_what_changed),
    case!(a_renamed_collection_keeps_its_documents: SchemaChanges),
    case!(a_name_that_is_taken_is_refused: SchemaChanges),
    case!(a_renamed_collection_keeps_its_indexes: SchemaChanges),
    case!(members_are_found_after_a_rename: SchemaChanges),
    case!(words_are_found_after_a_rename: SchemaChanges, FullText),
    case!(a_renamed_collection_keeps_its_constraints: SchemaChanges, Constraints),
    case!(an_old_name_is_free: SchemaChanges, UniqueIndexes),
    case!(a_schema_is_changed_with_its_transaction: SchemaChanges, Transactions),
    case!(a_rename_is_taken_back: SchemaChanges, Transactions),
    case!(a_dropped_collection_comes_back: SchemaChanges, Transactions),
    case!(a_failed_change_leaves_a_transaction_usable: SchemaChanges, Transactions, UniqueIndexes),
    case!(a_savepoint_takes_changes_back: SchemaChanges, Transactions, Savepoints),
];

fn create_index(index: &IndexMeta) -> SchemaChange {
    SchemaChange::CreateIndex {
        collection: ITEMS.to_owned(),
        index: index.clone(),
    }
}

fn drop_index(name: &str) -> SchemaChange {
    SchemaChange::DropIndex {
        collection: ITEMS.to_owned(),
        name: name.to_owned(),
    }
}

async fn rename(on: &(impl ReadWrite + ?Sized), from: &str, to: &str) -> Result<()> {
    let change = SchemaChange::RenameCollection {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    alter(on, change).await
}

/// What would be done, in words, without the reasons.
async fn planned(backend: &dyn Backend, meta: &CollectionMeta) -> Vec<String> {
    let all = backend.plan_collection(meta).await.unwrap();
    let words = all.into_iter().map(|it| {
        assert_eq!(it.collection, meta.name);
        match it.action {
            PlannedAction::CreateCollection => "create".to_owned(),
            PlannedAction::CreateIndex { name } => format!("index {name}"),
            PlannedAction::RebuildIndex { name, reason } => {
                assert!(!reason.is_empty());
                format!("rebuild {name}")
            }
        }
    });
    words.collect()
}

async fn index_names(backend: &dyn Backend, collection: &str) -> Vec<String> {
    let all = backend.list_recorded_indexes(collection).await.unwrap();
    all.into_iter().map(|it| it.name).collect()
}

async fn ids_of(on: &(impl ReadWrite + ?Sized), collection: &str) -> String {
    ids(on, &Query::new(collection)).await
}

async fn collections_and_indexes_come_and_go(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let other = index(IndexKind::Plain, &[("y", Text)]);
    let meta = declared(&[("x", Number)], vec![plain.clone()]);
    for _ in 0..2 {
        let change = SchemaChange::CreateCollection(meta.clone());
        alter(backend, change).await.unwrap();
        alter(backend, create_index(&other)).await.unwrap();
    }
    let mut names = vec![other.name.clone(), plain.name.clone()];
    names.sort_unstable();
    assert_eq!(index_names(backend, ITEMS).await, names);
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    insert(backend, "a", r#"{"x":1}"#).await;
    alter(backend, drop_index(&other.name)).await.unwrap();
    assert_eq!(index_names(backend, ITEMS).await, [plain.name.as_str()]);
    for _ in 0..2 {
        let change = SchemaChange::DropCollection(ITEMS.to_owned());
        alter(backend, change).await.unwrap();
        assert_eq!(backend.collections().await.unwrap(), [""; 0]);
    }
    let gone = backend.get(ITEMS, "a").await;
    assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
}

async fn an_index_that_is_not_there_is_not_dropped(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let dropped = alter(backend, drop_index("nope")).await;
    assert_eq!(kind_of(dropped), ErrorKind::NotFound);
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let change = SchemaChange::CreateIndex {
        collection: "others".to_owned(),
        index: plain,
    };
    let made = alter(backend, change).await;
    assert_eq!(kind_of(made), ErrorKind::NotRegistered);
}

async fn a_plan_says_what_would_be_done(backend: &dyn Backend) {
    let one = index(IndexKind::Plain, &[("x", Number)]);
    let two = index(IndexKind::Members, &[("t", Array)]);
    let fields = [("x", Number), ("t", Array)];
    let mut meta = declared(&fields, vec![one.clone()]);
    let create_one = format!("index {}", one.name);
    assert_eq!(planned(backend, &meta).await, ["create", &create_one]);
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    meta.indexes.push(two.clone());
    let create_two = format!("index {}", two.name);
    assert_eq!(planned(backend, &meta).await, [&*create_two]);
    given(backend, &[r#"{"x":1,"t":["a"]}"#]).await;
    assert_eq!(planned(backend, &meta).await, [&*create_two]);
    backend.ensure_collection(&meta).await.unwrap();
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    // An index that is no longer described is not of this plan.
    meta.indexes.remove(0);
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    backend.drop_index(ITEMS, &two.name).await.unwrap();
    assert_eq!(planned(backend, &meta).await, [&*create_two]);
    backend.drop_collection(ITEMS).await.unwrap();
    assert_eq!(planned(backend, &meta).await, ["create", &create_two]);
}

async fn a_plan_changes_nothing(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let meta = declared(&[("x", Number)], vec![plain]);
    planned(backend, &meta).await;
    assert_eq!(backend.collections().await.unwrap(), [""; 0]);
    let missing = backend.get(ITEMS, "a").await;
    assert_eq!(kind_of(missing), ErrorKind::NotRegistered);
    ensure(backend, ITEMS).await;
    planned(backend, &meta).await;
    assert_eq!(index_names(backend, ITEMS).await, [""; 0]);
}

async fn a_plan_sees_what_changed(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"y":"b"}"#, r#"{"x":2,"y":"a"}"#]).await;
    let mut plain = index(IndexKind::Plain, &[("x", Number)]);
    "ix".clone_into(&mut plain.name);
    let mut meta = declared(&[("x", Number), ("y", Text)], vec![plain.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    let mut down = plain.clone();
    down.fields[0].1 = Direction::Desc;
    let mut other = index(IndexKind::Plain, &[("y", Text)]);
    "ix".clone_into(&mut other.name);
    let mut partial = plain.clone();
    partial.filter = lt(typed("x", Number), literal("5"));
    let mut changed = vec![down, other, partial];
    if backend.capabilities().has(Capability::UniqueIndexes) {
        let mut unique = plain;
        unique.kind = IndexKind::Unique;
        changed.push(unique);
    }
    for index in changed {
        meta.indexes = vec![index];
        assert_eq!(planned(backend, &meta).await, ["rebuild ix"]);
        backend.ensure_collection(&meta).await.unwrap();
        assert_eq!(planned(backend, &meta).await, [""; 0]);
    }
}

async fn a_renamed_collection_keeps_its_documents(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#]).await;
    rename(backend, ITEMS, "It's \"new\"").await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), ["It's \"new\""]);
    assert_eq!(ids_of(backend, "It's \"new\"").await, "a b");
    let gone = backend.get(ITEMS, "a").await;
    assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
    let body = body("c", r#"{"x":3}"#);
    let written = backend.put(ITEMS, absent("c", &body)).await;
    assert_eq!(kind_of(written), ErrorKind::NotRegistered);
    backend
        .put("It's \"new\"", absent("c", &body))
        .await
        .unwrap();
    ensure(backend, "It's \"new\"").await;
    rename(backend, "It's \"new\"", ITEMS).await.unwrap();
    assert_eq!(ids_of(backend, ITEMS).await, "a b c");
    backend.drop_collection(ITEMS).await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), [""; 0]);
}

async fn a_name_that_is_taken_is_refused(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    ensure(backend, "others").await;
    for (from, to, kind) in [
        (ITEMS, "others", ErrorKind::Duplicate),
        ("nothing", "more", ErrorKind::NotRegistered),
        (ITEMS, "_den_indexes", ErrorKind::InvalidQuery),
        ("_den_indexes", "more", ErrorKind::InvalidQuery),
    ] {
        let renamed = rename(backend, from, to).await;
        assert_eq!(kind_of(renamed), kind, "{from} to {to}");
    }
    assert_eq!(ids_of(backend, ITEMS).await, "a");
    assert_eq!(ids_of(backend, "others").await, "");
}

/// The same description for a collection of another name, with the index names that are default there.
fn described_as(meta: &CollectionMeta, name: &str) -> CollectionMeta {
    let mut other = CollectionMeta {
        name: name.to_owned(),
        ..meta.clone()
    };
    for index in &mut other.indexes {
        let paths: Vec<_> = index.fields.iter().map(|it| &it.0.path).collect();
        if index.name == IndexMeta::default_name(&meta.name, index.kind, &paths) {
            index.name = IndexMeta::default_name(name, index.kind, &paths);
        }
    }
    other
}

async fn a_renamed_collection_keeps_its_indexes(backend: &dyn Backend) {
    let by_default = index(IndexKind::Plain, &[("x", Number)]);
    let mut named = index(IndexKind::Plain, &[("y", Text)]);
    "mine".clone_into(&mut named.name);
    let mut indexes = vec![by_default, named];
    if backend.capabilities().has(Capability::UniqueIndexes) {
        indexes.push(index(IndexKind::Unique, &[("u", Text)]));
    }
    let meta = declared(&[("x", Number), ("y", Text), ("u", Text)], indexes);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, &[r#"{"x":1,"u":"p"}"#]).await;
    rename(backend, ITEMS, "others").await.unwrap();
    let other = described_as(&meta, "others");
    assert_eq!(planned(backend, &other).await, [""; 0]);
    backend.ensure_collection(&other).await.unwrap();
    let mut names: Vec<String> = other.indexes.iter().map(|it| it.name.clone()).collect();
    names.sort_unstable();
    assert_eq!(index_names(backend, "others").await, names);
    assert_eq!(index_names(backend, ITEMS).await, [""; 0]);
    if backend.capabilities().has(Capability::UniqueIndexes) {
        let body = body("b", r#"{"u":"p"}"#);
        let error = backend.put("others", absent("b", &body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name(), other.indexes[2].name);
        assert_eq!(constraint.fields(), ["u"]);
        assert_eq!(error.collection(), Some("others"));
    }
    for name in names {
        backend.drop_index("others", &name).await.unwrap();
    }
}

async fn members_are_found_after_a_rename(backend: &dyn Backend) {
    let members = index(IndexKind::Members, &[("x", Array)]);
    let meta = declared(&[("x", Array)], vec![members]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":["p"]}"#).await;
    insert(backend, "b", r#"{"x":["q"]}"#).await;
    rename(backend, ITEMS, "others").await.unwrap();
    let has = async |value: &str| {
        let query = Query {
            filter: contains(typed("x", Array), value),
            ..Query::new("others")
        };
        ids(backend, &query).await
    };
    assert_eq!(has("\"q\"").await, "b");
    let bodies = [body("c", r#"{"x":["q"]}"#), body("a", r#"{"x":[]}"#)];
    backend
        .put("others", absent("c", &bodies[0]))
        .await
        .unwrap();
    let again = crate::Put {
        expect: Expectation::Present,
        ..absent("a", &bodies[1])
    };
    backend.put("others", again).await.unwrap();
    backend
        .delete("others", "b", Expectation::Any)
        .await
        .unwrap();
    assert_eq!(has("\"q\"").await, "c");
    assert_eq!(has("\"p\"").await, "");
    // A new collection of the old name is a new one.
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "z", r#"{"x":["q"]}"#).await;
    assert_eq!(has("\"q\"").await, "c");
    let query = filtered(contains(typed("x", Array), "\"q\""));
    assert_eq!(ids(backend, &query).await, "z");
}

async fn words_are_found_after_a_rename(backend: &dyn Backend) {
    let options = SearchOptions {
        language: None,
        weights: vec![1.0],
        substrings: false,
    };
    let words = IndexMeta {
        search: Some(options),
        ..index(IndexKind::Search, &[("x", Text)])
    };
    let meta = declared(&[("x", Text)], vec![words]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"red fox"}"#).await;
    rename(backend, ITEMS, "others").await.unwrap();
    let other = described_as(&meta, "others");
    assert_eq!(planned(backend, &other).await, [""; 0]);
    backend.ensure_collection(&other).await.unwrap();
    let found = async |text: &str| {
        let index = other.indexes[0].clone();
        let query = Query {
            search: Some(Search {
                query: SearchQuery::parse(text, &index),
                index,
                ranked: false,
            }),
            ..Query::new("others")
        };
        ids(backend, &query).await
    };
    assert_eq!(found("fox").await, "a");
    let body = body("b", r#"{"x":"blue fox"}"#);
    backend.put("others", absent("b", &body)).await.unwrap();
    backend
        .delete("others", "a", Expectation::Any)
        .await
        .unwrap();
    assert_eq!(found("fox").await, "b");
    assert_eq!(found("red").await, "");
}

async fn a_renamed_collection_keeps_its_constraints(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"u":1}"#]).await;
    let rules = [
        constrain(backend, unique(&["u"])).await.unwrap(),
        constrain(backend, required("x")).await.unwrap(),
    ];
    let named = crate::ConstraintMeta {
        name: "mine".to_owned(),
        kind: unique(&["x", "u"]),
    };
    create(backend, &named).await.unwrap();
    rename(backend, ITEMS, "others").await.unwrap();
    let expected = [
        crate::ConstraintMeta::new("others", rules[0].kind.clone()),
        crate::ConstraintMeta::new("others", rules[1].kind.clone()),
        named,
    ];
    assert_eq!(backend.constraints("others").await.unwrap(), expected);
    assert_eq!(backend.constraints(ITEMS).await.unwrap(), []);
    let bodies = [body("b", r#"{"u":2}"#), body("b", r#"{"x":2,"u":1}"#)];
    for (body, kind, rule) in [
        (&bodies[0], ErrorKind::Validation, 1),
        (&bodies[1], ErrorKind::Duplicate, 0),
    ] {
        let error = backend.put("others", absent("b", body)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.collection(), Some("others"));
        assert_eq!(error.constraint().unwrap().name(), expected[rule].name);
    }
    let name = &expected[0].name;
    let dropped = backend.drop_index("others", name).await;
    assert_eq!(kind_of(dropped), ErrorKind::Restricted);
    for it in &expected {
        let change = SchemaChange::DropConstraint {
            collection: "others".to_owned(),
            name: it.name.clone(),
        };
        alter(backend, change).await.unwrap();
    }
    let written = backend.put("others", absent("b", &bodies[0])).await;
    written.unwrap();
}

async fn an_old_name_is_free(backend: &dyn Backend) {
    let indexes = vec![
        index(IndexKind::Unique, &[("x", Text)]),
        index(IndexKind::Members, &[("t", Array)]),
    ];
    let meta = declared(&[("x", Text), ("t", Array)], indexes);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p"}"#).await;
    rename(backend, ITEMS, "others").await.unwrap();
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":"p"}"#).await;
    insert(backend, "b", r#"{"x":"q"}"#).await;
    assert_eq!(ids_of(backend, "others").await, "a");
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    let other = described_as(&meta, "others");
    assert_eq!(planned(backend, &other).await, [""; 0]);
    backend.drop_collection("others").await.unwrap();
    let again = put(backend, "c", r#"{"x":"p"}"#, Expectation::Any).await;
    assert_eq!(kind_of(again), ErrorKind::Duplicate);
}

async fn a_schema_is_changed_with_its_transaction(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let members = index(IndexKind::Members, &[("t", Array)]);
    let meta = declared(&[("x", Number)], vec![plain.clone()]);
    for commits in [false, true] {
        let tx = begin(backend).await;
        let change = SchemaChange::CreateCollection(meta.clone());
        alter(&*tx, change).await.unwrap();
        insert(&*tx, "a", r#"{"x":1,"t":["q"]}"#).await;
        alter(&*tx, create_index(&members)).await.unwrap();
        insert(&*tx, "b", r#"{"x":2,"t":["q"]}"#).await;
        let query = filtered(contains(typed("t", Array), "\"q\""));
        assert_eq!(ids(&*tx, &query).await, "a b");
        if !commits {
            tx.rollback().await.unwrap();
            assert_eq!(backend.collections().await.unwrap(), [""; 0]);
            let gone = backend.get(ITEMS, "a").await;
            assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
            let create_plain = format!("index {}", plain.name);
            assert_eq!(planned(backend, &meta).await, ["create", &create_plain]);
            continue;
        }
        tx.commit().await.unwrap();
        assert_eq!(ids(backend, &query).await, "a b");
        assert_eq!(planned(backend, &meta).await, [""; 0]);
        let mut names = vec![members.name.clone(), plain.name.clone()];
        names.sort_unstable();
        assert_eq!(index_names(backend, ITEMS).await, names);
        insert(backend, "c", r#"{"x":3,"t":["q"]}"#).await;
        assert_eq!(ids(backend, &query).await, "a b c");
    }
}

async fn a_rename_is_taken_back(backend: &dyn Backend) {
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let meta = declared(&[("x", Number)], vec![plain.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"x":1}"#).await;
    let tx = begin(backend).await;
    rename(&*tx, ITEMS, "others").await.unwrap();
    assert_eq!(ids_of(&*tx, "others").await, "a");
    let gone = tx.get(ITEMS, "a").await;
    assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
    let body = body("b", r#"{"x":2}"#);
    tx.put("others", absent("b", &body)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), [ITEMS]);
    assert_eq!(ids_of(backend, ITEMS).await, "a");
    let gone = backend.get("others", "a").await;
    assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    let query = filtered(ge(typed("x", Number), literal("1")));
    insert(backend, "b", r#"{"x":2}"#).await;
    assert_eq!(ids(backend, &query).await, "a b");
    let tx = begin(backend).await;
    rename(&*tx, ITEMS, "others").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.collections().await.unwrap(), ["others"]);
    assert_eq!(ids_of(backend, "others").await, "a b");
}

async fn a_dropped_collection_comes_back(backend: &dyn Backend) {
    let members = index(IndexKind::Members, &[("t", Array)]);
    let meta = declared(&[("t", Array)], vec![members]);
    backend.ensure_collection(&meta).await.unwrap();
    insert(backend, "a", r#"{"t":["q"]}"#).await;
    let tx = begin(backend).await;
    let change = SchemaChange::DropCollection(ITEMS.to_owned());
    alter(&*tx, change).await.unwrap();
    let gone = tx.get(ITEMS, "a").await;
    assert_eq!(kind_of(gone), ErrorKind::NotRegistered);
    let change = SchemaChange::CreateCollection(CollectionMeta::new(ITEMS));
    alter(&*tx, change).await.unwrap();
    assert_eq!(ids_of(&*tx, ITEMS).await, "");
    tx.rollback().await.unwrap();
    assert_eq!(planned(backend, &meta).await, [""; 0]);
    insert(backend, "b", r#"{"t":["q"]}"#).await;
    let query = filtered(contains(typed("t", Array), "\"q\""));
    assert_eq!(ids(backend, &query).await, "a b");
}

async fn a_failed_change_leaves_a_transaction_usable(backend: &dyn Backend) {
    given(backend, &[r#"{"x":"p"}"#, r#"{"x":"p"}"#]).await;
    ensure(backend, "others").await;
    let unique = index(IndexKind::Unique, &[("x", Text)]);
    let tx = begin(backend).await;
    insert(&*tx, "c", r#"{"x":"q"}"#).await;
    let made = alter(&*tx, create_index(&unique)).await;
    assert_eq!(kind_of(made), ErrorKind::Duplicate);
    let dropped = alter(&*tx, drop_index("nope")).await;
    assert_eq!(kind_of(dropped), ErrorKind::NotFound);
    let renamed = rename(&*tx, ITEMS, "others").await;
    assert_eq!(kind_of(renamed), ErrorKind::Duplicate);
    put(&*tx, "b", r#"{"x":"r"}"#, Expectation::Any)
        .await
        .unwrap();
    alter(&*tx, create_index(&unique)).await.unwrap();
    let again = put(&*tx, "d", r#"{"x":"r"}"#, Expectation::Any).await;
    assert_eq!(kind_of(again), ErrorKind::Duplicate);
    tx.commit().await.unwrap();
    assert_eq!(ids_of(backend, ITEMS).await, "a b c");
    let again = put(backend, "d", r#"{"x":"r"}"#, Expectation::Any).await;
    assert_eq!(kind_of(again), ErrorKind::Duplicate);
}

async fn a_savepoint_takes_changes_back(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    let plain = index(IndexKind::Plain, &[("x", Number)]);
    let tx = begin(backend).await;
    insert(&*tx, "b", r#"{"x":2}"#).await;
    let savepoint = tx.savepoint().await.unwrap();
    alter(&*tx, create_index(&plain)).await.unwrap();
    rename(&*tx, ITEMS, "others").await.unwrap();
    assert_eq!(ids_of(&*tx, "others").await, "a b");
    tx.rollback_to(savepoint).await.unwrap();
    let query = filtered(ge(typed("x", Number), literal("1")));
    assert_eq!(ids(&*tx, &query).await, "a b");
    insert(&*tx, "c", r#"{"x":3}"#).await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &query).await, "a b c");
    assert_eq!(backend.collections().await.unwrap(), [ITEMS]);
    assert_eq!(index_names(backend, ITEMS).await, [""; 0]);
}
