//! What SQLite alone can do, and how it is refused elsewhere.

use den::{
    ErrorKind, Value,
    prelude::*,
    sqlite::{native, sqlite},
};
use serde::{Deserialize, Serialize};

use super::support::{Item, count, given_numbered, item, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(another_engine_refuses_before_it_is_asked, except: [SqliteFile, SqliteMemory]),
    case!(pragmas_are_read, only: [SqliteFile, SqliteMemory]),
    case!(some_pragmas_are_set, only: [SqliteFile, SqliteMemory]),
    case!(names_are_not_text_of_statements, only: [SqliteFile, SqliteMemory]),
    case!(a_copy_is_a_database, only: [SqliteFile, SqliteMemory]),
    case!(a_copy_is_made_beside_a_writer, only: [SqliteFile]),
    case!(upkeep_leaves_documents_alone, only: [SqliteFile, SqliteMemory]),
    case!(search_indexes_are_kept_up, only: [SqliteFile, SqliteMemory]),
    case!(work_on_a_connection, only: [SqliteFile, SqliteMemory]),
    case!(work_that_fails_leaves_nothing_open, only: [SqliteFile, SqliteMemory]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "pages")]
struct Page {
    #[serde(flatten)]
    base: Base<Page>,
    #[den(fts)]
    body: String,
}

async fn another_engine_refuses_before_it_is_asked(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let backend = db.backend();
    let all = [
        sqlite::pragma(backend, "user_version").await.map(drop),
        sqlite::pragma(backend, "nonsense").await.map(drop),
        sqlite::set_pragma(backend, "user_version", 1).await,
        sqlite::vacuum_into(backend, "/nowhere/at/all.db").await,
        sqlite::vacuum(backend).await,
        sqlite::optimize(backend).await,
        sqlite::integrity_check(backend).await.map(drop),
        sqlite::rebuild_search_index(backend, "items", "x").await,
        sqlite::optimize_search_index(backend, "items", "x").await,
        sqlite::merge_search_index(backend, "items", "x", 1).await,
        sqlite::check_search_index(backend, "items", "x").await,
        sqlite::set_search_option(backend, "items", "x", "nonsense", 1).await,
        native::with_connection(backend, |_| Ok(())).await,
        native::with_reader(backend, |_| Ok(())).await,
    ];
    for outcome in all {
        let error = refused(outcome, ErrorKind::Unsupported);
        assert!(error.to_string().contains("a feature of sqlite"), "{error}");
    }
    assert!(recorder.take().is_empty());
}

async fn pragmas_are_read(on: &TestDb) {
    // Through a recorder, which lets them pass.
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let read = async |name| sqlite::pragma(db.backend(), name).await.unwrap();
    assert_eq!(read("journal_mode").await, Value::from("wal"));
    assert_eq!(read("foreign_keys").await, Value::Int(1));
    assert_eq!(read("encoding").await, Value::from("UTF-8"));
    assert_eq!(read("foreign_key_check").await, Value::Null);
    assert!(matches!(read("compile_options").await, Value::Array(_)));
    assert!(matches!(read("page_count").await, Value::Int(1..)));
    assert!(recorder.take().is_empty());
}

async fn some_pragmas_are_set(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let backend = db.backend();
    for (name, value) in [("user_version", 42), ("application_id", 7)] {
        sqlite::set_pragma(backend, name, value).await.unwrap();
        assert_eq!(
            sqlite::pragma(backend, name).await.unwrap(),
            Value::Int(value.into())
        );
    }
    sqlite::set_pragma(backend, "secure_delete", "on")
        .await
        .unwrap();
    assert_eq!(
        sqlite::pragma(backend, "secure_delete").await.unwrap(),
        Value::Int(1)
    );
    sqlite::set_pragma(backend, "auto_vacuum", "incremental")
        .await
        .unwrap();
    sqlite::vacuum(backend).await.unwrap();
    assert_eq!(count::<Item>(db).await, 1);
}

async fn names_are_not_text_of_statements(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let backend = db.backend();
    for evil in [
        "user_version = 5",
        "user_version; DROP TABLE items",
        "main.user_version",
        "wal_checkpoint",
        "USER_VERSION",
        "",
        "\0",
    ] {
        refused(sqlite::pragma(backend, evil).await, ErrorKind::InvalidQuery);
        refused(
            sqlite::set_pragma(backend, evil, 1).await,
            ErrorKind::InvalidQuery,
        );
        let set = sqlite::set_search_option(backend, "items", "x", evil, 1).await;
        refused(set, ErrorKind::InvalidQuery);
        let rebuilt = sqlite::rebuild_search_index(backend, "items", evil).await;
        refused(rebuilt, ErrorKind::NotFound);
    }
    for (name, value) in [
        ("user_version", Value::from("1; DROP TABLE items")),
        ("user_version", Value::Int(i64::MAX)),
        ("user_version", Value::Null),
        ("auto_vacuum", Value::from("full; --")),
        ("auto_vacuum", Value::Int(1)),
        ("synchronous", Value::from("off")),
        ("query_only", Value::Int(0)),
    ] {
        refused(
            sqlite::set_pragma(backend, name, value).await,
            ErrorKind::InvalidQuery,
        );
    }
    for evil in ["", "items", "ix'; DROP TABLE items; --"] {
        refused(
            sqlite::optimize_search_index(backend, "items", evil).await,
            ErrorKind::NotFound,
        );
        refused(
            sqlite::optimize_search_index(backend, evil, "x").await,
            ErrorKind::NotFound,
        );
    }
    assert_eq!(
        sqlite::pragma(backend, "user_version").await.unwrap(),
        Value::Int(0)
    );
    assert_eq!(count::<Item>(db).await, 1);
}

async fn a_copy_is_a_database(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it's a copy.db");
    sqlite::vacuum_into(db.backend(), &path).await.unwrap();
    refused(
        sqlite::vacuum_into(db.backend(), &path).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        sqlite::vacuum_into(db.backend(), "").await,
        ErrorKind::InvalidQuery,
    );
    item("later").save(db).await.unwrap();
    let url = ["sqlite:///", path.to_str().unwrap()].concat();
    let copy = Db::open(url).await.unwrap();
    copy.register::<Item>().await.unwrap();
    assert_eq!(count::<Item>(&copy).await, 3);
    assert!(
        sqlite::integrity_check(copy.backend())
            .await
            .unwrap()
            .is_empty()
    );
    copy.close().await.unwrap();
    // Those that read can still not write.
    let write = native::with_reader(db.backend(), |it| it.execute("DELETE FROM items", [])).await;
    assert!(write.is_err());
}

async fn a_copy_is_made_beside_a_writer(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let tx = db.begin().await.unwrap();
    item("not yet").save(&tx).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    sqlite::vacuum_into(db.backend(), &path).await.unwrap();
    tx.commit().await.unwrap();
    let copy = Db::open(["sqlite:///", path.to_str().unwrap()].concat())
        .await
        .unwrap();
    copy.register::<Item>().await.unwrap();
    assert_eq!(count::<Item>(&copy).await, 3);
    copy.close().await.unwrap();
}

async fn upkeep_leaves_documents_alone(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    sqlite::optimize(db.backend()).await.unwrap();
    sqlite::vacuum(db.backend()).await.unwrap();
    assert!(
        sqlite::integrity_check(db.backend())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(count::<Item>(db).await, 3);
}

async fn search_indexes_are_kept_up(on: &TestDb) {
    let db = on.with::<Page>().await;
    let page = |body: &str| Page {
        body: body.to_owned(),
        ..Default::default()
    };
    for n in 0..40 {
        page(&format!("word{n} common")).save(db).await.unwrap();
    }
    let backend = db.backend();
    let indexes = backend.list_recorded_indexes("pages").await.unwrap();
    let name = &indexes[0].name;
    let hits = async || Page::query(db).search("common").count().await.unwrap();
    assert_eq!(hits().await, 40);
    sqlite::set_search_option(backend, "pages", name, "automerge", 8)
        .await
        .unwrap();
    let bad = sqlite::set_search_option(backend, "pages", name, "automerge", 17).await;
    refused(bad, ErrorKind::InvalidQuery);
    sqlite::merge_search_index(backend, "pages", name, 100)
        .await
        .unwrap();
    sqlite::optimize_search_index(backend, "pages", name)
        .await
        .unwrap();
    sqlite::check_search_index(backend, "pages", name)
        .await
        .unwrap();
    assert_eq!(hits().await, 40);
    sqlite::rebuild_search_index(backend, "pages", name)
        .await
        .unwrap();
    assert_eq!(hits().await, 40);
    page("one more common").save(db).await.unwrap();
    assert_eq!(hits().await, 41);
}

async fn work_on_a_connection(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let names: Vec<String> = native::with_reader(db.backend(), |it| {
        let mut statement = it.prepare("SELECT data->>'name' FROM items ORDER BY 1")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    })
    .await
    .unwrap();
    assert_eq!(names, ["i1", "i2"]);
    let deleted =
        native::with_connection(db.backend(), |it| it.execute("DELETE FROM items", [])).await;
    assert_eq!(deleted.unwrap(), 2);
    assert_eq!(count::<Item>(db).await, 0);
}

async fn work_that_fails_leaves_nothing_open(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let failed = native::with_connection(db.backend(), |it| {
        it.execute_batch("BEGIN; DELETE FROM items")?;
        it.execute_batch("SELECT nonsense")
    })
    .await;
    assert!(failed.is_err());
    assert_eq!(count::<Item>(db).await, 2);
    let open = native::with_connection(db.backend(), |it| {
        it.execute_batch("BEGIN; DELETE FROM items")
    });
    open.await.unwrap();
    assert_eq!(count::<Item>(db).await, 2);
    item("after").save(db).await.unwrap();
}
