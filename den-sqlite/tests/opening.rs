//! URLs, parameters, and what stands in the way of a database file.

mod common;

use common::*;
use den_backend::{ErrorKind, IndexKind};

#[tokio::test]
async fn parent_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c.db");
    let backend = open_file(&path, "").await;
    backend.ping().await.unwrap();
    assert!(path.is_file());
    backend.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(
        &file,
        "not a database, but long enough to be looked at as one",
    )
    .unwrap();
    for (path, kind) in [
        (folder.path().to_owned(), ErrorKind::ConnectionLost),
        (file.join("x.db"), ErrorKind::ConnectionLost),
        (file.clone(), ErrorKind::Corrupt),
    ] {
        let error = open(&url_of(&path, "")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let named = path.to_string_lossy().into_owned();
        let parent = file.to_string_lossy().into_owned();
        let text = error.to_string();
        assert!(text.contains(&named) || text.contains(&parent), "{text}");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_made_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    for mode in ["mode=rw", "mode=ro"] {
        let error = open(&url_of(&path, mode)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost);
        assert!(error.to_string().contains("none.db"), "{error}");
    }
    assert!(!path.exists());
}

#[tokio::test]
async fn read_only_reads_and_does_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    with_items(&*backend).await;
    fill(&*backend, 3).await;
    let reading = open_file(&path, "mode=ro").await;
    assert!(reading.get(ITEMS, "00001").await.unwrap().is_some());
    with_items(&*reading).await;
    let body = body("new", 1);
    let error = reading.put(ITEMS, any("new", &body)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let error = reading.begin(Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    reading.close().await.unwrap();
    backend.close().await.unwrap();
}

#[tokio::test]
async fn unknown_parameters_are_refused() {
    let error = open("sqlite::memory:?journal=wal").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("busy_timeout"), "{error}");
}

#[tokio::test]
async fn the_driver_is_registered() {
    assert_eq!(den_backend::find_driver("SQLite").unwrap().name, "sqlite");
}

#[tokio::test]
async fn the_file_is_set_up_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let backend = open_file(&path, "").await;
    let plain = rusqlite::Connection::open(&path).unwrap();
    let pragma = |name: &str| -> String {
        plain
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|it| format!("{it:?}"))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("page_size"), "Integer(8192)");
    backend.close().await.unwrap();
}

#[tokio::test]
async fn two_databases_in_memory_are_two() {
    let here = std::fs::read_dir(".").unwrap().count();
    let one = open("sqlite::memory:").await.unwrap();
    let two = open("sqlite://:memory:").await.unwrap();
    with_items(&*one).await;
    fill(&*one, 10).await;
    assert_eq!(two.collections().await.unwrap(), Vec::<String>::new());
    let all = at_least(0);
    // Every connection of the pool sees the one database.
    for _ in 0..3 {
        let counts = (0..8).map(|_| one.count(&all));
        for count in futures_util::future::join_all(counts).await {
            assert_eq!(count.unwrap(), 10);
        }
    }
    assert_eq!(std::fs::read_dir(".").unwrap().count(), here);
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test]
async fn a_fresh_open_knows_the_collections_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let first = open_file(&path, "").await;
    with_items(&*first).await;
    let index = index_of_n(IndexKind::Unique);
    first.ensure_index(ITEMS, &index).await.unwrap();
    fill(&*first, 5).await;
    first.close().await.unwrap();

    let second = open_file(&path, "").await;
    assert_eq!(second.collections().await.unwrap(), [ITEMS]);
    assert_eq!(second.count(&at_least(3)).await.unwrap(), 2);
    let mode = den_backend::ExplainMode::Plan;
    let explained = second.explain(&equal_to(3), mode).await.unwrap();
    let plan = explained.plan.join("\n");
    assert!(plan.contains(&index.name), "{explained}");
    // The constraint is known although nobody registered the type here.
    let error = second
        .put(ITEMS, any("other", &body("other", 3)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["n"]);
    let error = second.get("nothing", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert!(error.to_string().contains("register"), "{error}");
    second.close().await.unwrap();
}

#[tokio::test]
async fn names_that_differ_in_case_are_refused() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    let other = den_backend::CollectionMeta::new("ITEMS");
    let error = backend.ensure_collection(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let error = backend.get("ITEMS", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
}
