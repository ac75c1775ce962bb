//! Schemas, as SQLite alone has them: tables that den did not make, names, and what den knows of a
//! schema while a transaction changes it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{
    ITEMS, any, at_least, index_of_n, open_file,
    schema::{assert_names, constrain, field, file, index, items, put, rename, required, unique},
    with_items,
};
use den_backend::{
    CollectionMeta, CompareOp, ConstraintMeta, ErrorKind, Expectation, Expr, FieldKind, FieldPath,
    IndexKind, IndexMeta, OnRefusal, PlannedAction, Query, SchemaChange, Search, SearchOptions,
    SearchQuery, TxOptions, Value,
};
use den_sqlite::native::rusqlite::Connection;

#[tokio::test]
async fn a_plan_says_what_is_run() {
    let (_folder, file) = file();
    let db = open_file(&file, "").await;
    let large = Expr::compare(
        CompareOp::Gt,
        field("size", FieldKind::Number),
        Expr::Value(Value::Int(7)),
    );
    let mut meta = CollectionMeta::new(ITEMS);
    meta.indexes = vec![
        index_of_n(IndexKind::Plain),
        index(
            IndexKind::Members,
            &[("tags", FieldKind::Array)],
            Expr::always(),
        ),
        index(IndexKind::Unique, &[("code", FieldKind::Text)], large),
    ];
    let planned = db.plan_collection(&meta).await.unwrap();
    assert_eq!(planned.len(), 4);
    assert_eq!(planned[0].action, PlannedAction::CreateCollection);
    assert!(db.collections().await.unwrap().is_empty());
    // The statements do all but the records.
    let other = Connection::open(&file).unwrap();
    for sql in planned.iter().flat_map(|it| &it.statements) {
        other.execute_batch(sql).unwrap();
    }
    let made = |db: &Connection| -> Vec<String> {
        let mut statement = db
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name, tbl_name")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|it| it.unwrap()).collect()
    };
    let by_hand = made(&other);
    other
        .execute_batch("DROP TABLE _den_indexes; DROP TABLE _den_constraints;")
        .unwrap();
    db.drop_collection(ITEMS).await.unwrap();
    let tables: Vec<String> = by_hand
        .iter()
        .filter(|it| it.starts_with("CREATE TABLE \"_den_"))
        .map(|it| it.split('"').nth(1).unwrap().to_owned())
        .collect();
    for table in tables {
        other
            .execute_batch(&["DROP TABLE \"", &table, "\""].concat())
            .unwrap();
    }
    assert_eq!(made(&other), [""; 0]);
    db.ensure_collection(&meta).await.unwrap();
    assert_eq!(made(&other), by_hand);
    assert_eq!(db.plan_collection(&meta).await.unwrap(), []);

    // A column that comes has the partial index written otherwise.
    let mut more = meta.clone();
    more.indexes.push(index(
        IndexKind::Plain,
        &[("size", FieldKind::Number)],
        Expr::always(),
    ));
    let planned = db.plan_collection(&more).await.unwrap();
    assert_eq!(planned.len(), 2, "{planned:?}");
    assert!(matches!(
        (&planned[0].action, &planned[1].action),
        (
            PlannedAction::RebuildIndex { .. },
            PlannedAction::CreateIndex { .. }
        )
    ));
    db.ensure_collection(&more).await.unwrap();
    assert_eq!(db.plan_collection(&more).await.unwrap(), []);
    db.raw_execute(&["DROP INDEX ", &meta.indexes[0].name].concat(), &[])
        .await
        .unwrap();
    let planned = db.plan_collection(&more).await.unwrap();
    assert_eq!(planned.len(), 1);
    db.ensure_collection(&more).await.unwrap();
    assert_eq!(db.plan_collection(&more).await.unwrap(), []);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_renamed_collection_keeps_all_that_belongs_to_it() {
    let (_folder, file) = file();
    let db = open_file(&file, "").await;
    let small = Expr::compare(
        CompareOp::Lt,
        field("n", FieldKind::Number),
        Expr::Value(Value::Int(7)),
    );
    let mut meta = CollectionMeta::new(ITEMS);
    meta.indexes = vec![
        index_of_n(IndexKind::Plain),
        index(
            IndexKind::Members,
            &[("tags", FieldKind::Array)],
            Expr::always(),
        ),
        index(IndexKind::Unique, &[("code", FieldKind::Text)], small),
        IndexMeta {
            name: "by hand".to_owned(),
            ..index(
                IndexKind::Members,
                &[("more", FieldKind::Array)],
                Expr::always(),
            )
        },
        IndexMeta {
            name: "words by hand".to_owned(),
            search: Some(SearchOptions {
                language: None,
                weights: vec![1.0],
                substrings: false,
            }),
            ..index(
                IndexKind::Search,
                &[("more", FieldKind::Array)],
                Expr::always(),
            )
        },
    ];
    db.ensure_collection(&meta).await.unwrap();
    let named = ConstraintMeta {
        name: "named \"by\" 'hand'".to_owned(),
        kind: required("n"),
    };
    let change = SchemaChange::CreateConstraint {
        collection: ITEMS.to_owned(),
        constraint: named.clone(),
    };
    db.alter(&change).await.unwrap();
    constrain(&*db, unique(&["n"])).await.unwrap();
    put(&*db, "a", r#"{"n":1,"tags":["x"],"more":["y"],"code":"c"}"#)
        .await
        .unwrap();
    for (from, to) in [
        (ITEMS, "Goods"),
        ("Goods", "goods"),
        ("goods", "it's \"all\""),
    ] {
        rename(&*db, from, to).await.unwrap();
        assert_eq!(db.collections().await.unwrap(), [to]);
        let names: Vec<String> = db
            .list_recorded_indexes(to)
            .await
            .unwrap()
            .into_iter()
            .map(|it| it.name)
            .collect();
        let mut wanted: Vec<String> = meta
            .indexes
            .iter()
            .map(|it| {
                let paths: Vec<&FieldPath> = it.fields.iter().map(|(it, _)| &it.path).collect();
                match it.name.ends_with("by hand") {
                    true => it.name.clone(),
                    false => IndexMeta::default_name(to, it.kind, &paths),
                }
            })
            .collect();
        let moved = CollectionMeta {
            name: to.to_owned(),
            indexes: meta
                .indexes
                .iter()
                .zip(&wanted)
                .map(|(it, name)| IndexMeta {
                    name: name.clone(),
                    ..it.clone()
                })
                .collect(),
            fields: Vec::new(),
        };
        wanted.sort();
        assert_eq!(names, wanted);
        assert_eq!(db.plan_collection(&moved).await.unwrap(), []);
        let constraints = db.constraints(to).await.unwrap();
        assert_eq!(
            constraints,
            [named.clone(), ConstraintMeta::new(to, unique(&["n"]))]
        );
        let write = |id: &'static str, json: &'static str| db.put(to, any(id, json.as_bytes()));
        let error = write("b", "{}").await.unwrap_err();
        assert_eq!(error.constraint().unwrap().name(), named.name);
        let error = write("b", r#"{"n":1.0}"#).await.unwrap_err();
        assert_eq!(error.constraint().unwrap().name(), constraints[1].name);
        let error = write("b", r#"{"n":2,"code":"c"}"#).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        write("b", r#"{"n":2,"tags":["x","z"],"more":["z"]}"#)
            .await
            .unwrap();
        for (name, count) in [("tags", 1), ("more", 1)] {
            let contains = Query {
                filter: Expr::Contains {
                    array: Box::new(field(name, FieldKind::Array)),
                    value: Value::from("z"),
                },
                ..Query::new(to)
            };
            assert_eq!(db.count(&contains).await.unwrap(), count, "{name}");
        }
        let words = moved.indexes[4].clone();
        let found = Query {
            search: Some(Search {
                query: SearchQuery::parse("z", &words),
                index: words,
                ranked: false,
            }),
            ..Query::new(to)
        };
        assert_eq!(db.count(&found).await.unwrap(), 1);
        assert_eq!(
            db.get(from, "a").await.unwrap_err().kind(),
            ErrorKind::NotRegistered
        );
        db.delete(to, "b", Expectation::Any).await.unwrap();
    }
    let error = rename(&*db, "it's \"all\"", "it's \"all\"")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    db.drop_collection("it's \"all\"").await.unwrap();
    let left = Connection::open(&file).unwrap();
    let left: i64 = left
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name NOT IN ('_den_indexes', '_den_constraints')
             AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
    db.close().await.unwrap();
}

#[tokio::test]
async fn what_a_transaction_changes_is_seen_there_alone() {
    let (_folder, file) = file();
    let db = items(&file).await;
    db.ensure_index(ITEMS, &index_of_n(IndexKind::Unique))
        .await
        .unwrap();
    put(&*db, "a", r#"{"n":1,"tags":["x"]}"#).await.unwrap();
    let tags = index(
        IndexKind::Members,
        &[("tags", FieldKind::Array)],
        Expr::always(),
    );
    let contains = |collection: &str| Query {
        filter: Expr::Contains {
            array: Box::new(field("tags", FieldKind::Array)),
            value: Value::from("x"),
        },
        ..Query::new(collection)
    };
    for commits in [false, true] {
        let tx = db.begin(TxOptions::default()).await.unwrap();
        let make = SchemaChange::CreateIndex {
            collection: ITEMS.to_owned(),
            index: tags.clone(),
        };
        tx.alter(&make).await.unwrap();
        assert_eq!(tx.count(&contains(ITEMS)).await.unwrap(), 1);
        assert_eq!(db.count(&contains(ITEMS)).await.unwrap(), 1);
        let savepoint = tx.savepoint().await.unwrap();
        rename(&*tx, ITEMS, "goods").await.unwrap();
        assert_eq!(tx.count(&contains("goods")).await.unwrap(), 1);
        assert_eq!(db.count(&contains(ITEMS)).await.unwrap(), 1);
        assert_eq!(
            db.count(&contains("goods")).await.unwrap_err().kind(),
            ErrorKind::NotRegistered
        );
        tx.rollback_to(savepoint).await.unwrap();
        assert_eq!(tx.count(&contains(ITEMS)).await.unwrap(), 1);
        let drop = SchemaChange::DropIndex {
            collection: ITEMS.to_owned(),
            name: index_of_n(IndexKind::Unique).name,
        };
        tx.alter(&drop).await.unwrap();
        let twice = [any("b", br#"{"n":1}"#), any("c", br#"{"n":1}"#)];
        tx.put_many(ITEMS, &twice, OnRefusal::Abort).await.unwrap();
        match commits {
            true => tx.commit().await.unwrap(),
            false => tx.rollback().await.unwrap(),
        }
        let written = put(&*db, "d", r#"{"n":1}"#).await;
        assert_eq!(written.is_ok(), commits);
        assert_eq!(db.count(&contains(ITEMS)).await.unwrap(), 1);
    }
    db.close().await.unwrap();
}

/// A database as den for Go made it.
fn predecessor(file: &Path) {
    let db = Connection::open(file).unwrap();
    db.execute_batch(
        "CREATE TABLE _den_indexes (collection TEXT NOT NULL, name TEXT NOT NULL, fields TEXT NOT NULL,
            is_unique INTEGER NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (collection, name));
        CREATE TABLE items (id TEXT PRIMARY KEY, data BLOB NOT NULL);
        CREATE UNIQUE INDEX idx_items_code ON items (json_extract(data, '$.code'))
            WHERE json_extract(data, '$.code') IS NOT NULL;
        INSERT INTO _den_indexes VALUES ('items', 'idx_items_code', '[\"code\"]', 1, '2026-11-20T11:03:45Z');
        INSERT INTO items VALUES ('a', jsonb('{\"_id\":\"a\",\"n\":1,\"code\":\"1\"}')),
            ('b', jsonb('{\"_id\":\"b\",\"n\":\"1\",\"code\":\"2\"}'));",
    )
    .unwrap();
}

#[tokio::test]
async fn a_database_of_the_predecessor_is_read_and_changed() {
    let (_folder, file) = file();
    predecessor(&file);
    let db = open_file(&file, "").await;
    assert_eq!(db.collections().await.unwrap(), [ITEMS]);
    assert!(db.get(ITEMS, "a").await.unwrap().is_some());
    // What den did not make is not listed as den's.
    assert_eq!(db.list_recorded_indexes(ITEMS).await.unwrap(), []);
    assert_eq!(db.constraints(ITEMS).await.unwrap(), []);
    assert_eq!(
        db.plan_collection(&CollectionMeta::new(ITEMS))
            .await
            .unwrap(),
        []
    );
    with_items(&*db).await;
    let columns = "SELECT count(*) AS n FROM pragma_table_info('_den_indexes')";
    assert_eq!(
        db.raw_query(columns, &[]).await.unwrap(),
        [br#"{"n":5}"#.to_vec()]
    );

    let mut meta = CollectionMeta::new(ITEMS);
    meta.indexes = vec![index_of_n(IndexKind::Plain)];
    assert_eq!(db.plan_collection(&meta).await.unwrap().len(), 1);
    db.ensure_collection(&meta).await.unwrap();
    assert_eq!(db.plan_collection(&meta).await.unwrap(), []);
    assert_eq!(db.count(&at_least(1)).await.unwrap(), 1);
    // Types are wishes there: text must not become a number all the same.
    let rule = constrain(&*db, unique(&["n"])).await.unwrap();
    put(&*db, "c", r#"{"n":2}"#).await.unwrap();
    put(&*db, "d", r#"{"n":"2"}"#).await.unwrap();
    put(&*db, "e", r#"{"n":2.5}"#).await.unwrap();
    put(&*db, "f", r#"{"n":"2.5"}"#).await.unwrap();
    let error = put(&*db, "g", r#"{"n":2.0}"#).await.unwrap_err();
    assert_names(&error, &rule, &["n"]);
    assert_eq!(db.count(&at_least(2)).await.unwrap(), 2);
    assert_eq!(db.list_recorded_indexes(ITEMS).await.unwrap().len(), 1);
    // Its own index is still kept, and dropped when asked.
    let error = put(&*db, "g", r#"{"code":"1"}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    let named = error.constraint().unwrap();
    assert_eq!(
        (named.name(), named.fields()),
        ("idx_items_code", &["code".to_owned()][..])
    );
    rename(&*db, ITEMS, "goods").await.unwrap();
    let records = "SELECT count(*) AS n FROM _den_indexes WHERE collection = 'goods'";
    assert_eq!(
        db.raw_query(records, &[]).await.unwrap(),
        [br#"{"n":2}"#.to_vec()]
    );
    rename(&*db, "goods", ITEMS).await.unwrap();
    db.drop_index(ITEMS, "idx_items_code").await.unwrap();
    put(&*db, "g", r#"{"code":"1"}"#).await.unwrap();
    db.close().await.unwrap();
}
