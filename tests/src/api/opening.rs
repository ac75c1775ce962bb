//! Opening, closing, asking how a database is.

use std::time::Duration;

use den::{Capability, ErrorKind, prelude::*};
use den_backend::memory;
use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all};

use super::support::{Item, count, given_numbered, item, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_url_opens),
    case!(the_scheme_is_case_insensitive),
    case!(the_builder_registers),
    case!(a_failed_registration_closes_the_database),
    case!(a_second_handle_sees_the_same_data, except: [SqliteMemory]),
    case!(many_open_at_once, except: [SqliteMemory]),
    case!(ping_and_stats),
    case!(nothing_works_after_close),
    case!(close_of_one_clone_closes_all),
    case!(one_database_however_many_connections),
    case!(the_backend_says_what_it_is),
    case!(missing_folders_are_made, only: [SqliteFile]),
    case!(paths_with_odd_characters, only: [SqliteFile]),
    case!(a_read_only_file_refuses_writes, only: [SqliteFile]),
    case!(what_was_committed_survives_reopening, only: [SqliteFile, Postgres, PostgresIcu]),
    alone!(two_databases_in_memory_are_two),
    alone!(the_builder_wants_one_place),
    alone!(a_backend_of_ones_own),
    alone!(a_driver_of_ones_own),
];

async fn a_url_opens(on: &TestDb) {
    let db = Db::open(on.url()).await.unwrap();
    db.register::<Item>().await.unwrap();
    item("a").save(&db).await.unwrap();
    assert_eq!(count::<Item>(&db).await, 1);
    db.close().await.unwrap();
}

async fn the_scheme_is_case_insensitive(on: &TestDb) {
    let (scheme, rest) = on.url().split_once(':').unwrap();
    let url = [&scheme.to_ascii_uppercase(), ":", rest].concat();
    let db = Db::open(&url).await.unwrap();
    db.ping().await.unwrap();
    db.close().await.unwrap();
}

async fn the_builder_registers(on: &TestDb) {
    let db = Db::builder()
        .url(on.url())
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(5))
        .connect_timeout(Duration::from_secs(5))
        .register::<(Item,)>()
        .open()
        .await
        .unwrap();
    item("a").save(&db).await.unwrap();
    db.close().await.unwrap();
}

async fn a_failed_registration_closes_the_database(on: &TestDb) {
    #[derive(Debug, Default, serde::Serialize, serde::Deserialize, Document)]
    #[den(collection = "items")]
    struct Rival {
        #[serde(flatten)]
        base: Base<Rival>,
    }
    let opened = Db::builder()
        .shared_backend(on.backend.clone())
        .register::<(Item, Rival)>()
        .open()
        .await;
    refused(opened, ErrorKind::InvalidQuery);
    let closed = on.backend.ping().await;
    refused(closed, ErrorKind::ConnectionLost);
}

async fn a_second_handle_sees_the_same_data(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let other = on.open_again().await;
    other.register::<Item>().await.unwrap();
    assert_eq!(count::<Item>(&other).await, 3);
    item("theirs").save(&other).await.unwrap();
    assert_eq!(count::<Item>(db).await, 4);
    other.close().await.unwrap();
    assert_eq!(count::<Item>(db).await, 4);
}

async fn many_open_at_once(on: &TestDb) {
    let opened = join_all((0..8).map(|_| async {
        let db = on.open_again().await;
        db.register::<Item>().await.unwrap();
        item("mine").save(&db).await.unwrap();
        db.close().await.unwrap();
    }));
    opened.await;
    let db = on.with::<Item>().await;
    assert_eq!(count::<Item>(db).await, 8);
}

async fn ping_and_stats(on: &TestDb) {
    on.db.ping().await.unwrap();
    let stats = on.db.stats();
    assert!(stats.idle <= stats.connections, "{stats:?}");
    assert!(stats.connections <= stats.max_connections, "{stats:?}");
    assert_eq!(stats.waiting, 0);
}

async fn nothing_works_after_close(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    db.clone().close().await.unwrap();
    refused(db.ping().await, ErrorKind::ConnectionLost);
    refused(Item::get(db, "x").await, ErrorKind::ConnectionLost);
    refused(item("a").save(db).await, ErrorKind::ConnectionLost);
    refused(Item::query(db).all().await, ErrorKind::ConnectionLost);
    refused(db.begin().await, ErrorKind::ConnectionLost);
    let first = Item::query(db).stream().next().await.unwrap();
    refused(first, ErrorKind::ConnectionLost);
}

async fn close_of_one_clone_closes_all(on: &TestDb) {
    let db = on.with::<Item>().await;
    let clones = [db.clone(), db.clone()];
    let [one, other] = clones;
    one.close().await.unwrap();
    refused(other.ping().await, ErrorKind::ConnectionLost);
}

async fn one_database_however_many_connections(on: &TestDb) {
    let db = given_numbered(on, 50).await;
    // A stream keeps its connection; the writes and counts beside it need others.
    let mut stream = Item::query(db).stream();
    let first = stream.try_next().await.unwrap().unwrap();
    assert_eq!(first.name, "i1");
    item("beside").save(db).await.unwrap();
    let counts = join_all((0..4).map(|_| count::<Item>(db))).await;
    assert_eq!(counts, [51; 4]);
    let rest: Vec<Item> = stream.try_collect().await.unwrap();
    assert!(rest.len() >= 49, "{}", rest.len());
}

async fn the_backend_says_what_it_is(on: &TestDb) {
    let (name, lacks) = match on.engine() {
        Engine::Memory => ("memory", Some(Capability::RawStatements)),
        Engine::Sqlite => ("sqlite", None),
        Engine::Postgres => ("postgres", Some(Capability::SubstringSearch)),
    };
    assert_eq!(on.db.backend_name(), name);
    for it in Capability::ALL {
        assert_eq!(on.db.capabilities().has(it), lacks != Some(it), "{it:?}");
    }
    assert!(!format!("{:?}", on.db).is_empty());
}

async fn missing_folders_are_made(on: &TestDb) {
    let file = on
        .file()
        .with_file_name("some")
        .join("new")
        .join("folder")
        .join("x.db");
    let url = format!("sqlite:///{}?max_connections=2", file.display());
    let opened = join_all((0..10).map(|_| Db::open(&url))).await;
    for db in opened {
        db.unwrap().close().await.unwrap();
    }
    assert!(file.is_file());
}

async fn paths_with_odd_characters(on: &TestDb) {
    for (in_url, name) in [
        ("with%20space.db", "with space.db"),
        ("with space too.db", "with space too.db"),
        ("ünï-日本.db", "ünï-日本.db"),
        ("percent%25.db", "percent%.db"),
        ("question%3Fmark.db", "question?mark.db"),
        ("quote'\".db", "quote'\".db"),
    ] {
        let folder = on.file();
        let folder = folder.parent().unwrap();
        let url = format!("sqlite:///{}/{in_url}", folder.display());
        let db = Db::open(&url).await.unwrap();
        db.register::<Item>().await.unwrap();
        item("a").save(&db).await.unwrap();
        db.close().await.unwrap();
        assert!(folder.join(name).is_file(), "{name}");
    }
}

async fn a_read_only_file_refuses_writes(on: &TestDb) {
    given_numbered(on, 2).await;
    let db = Db::open(on.url_with("mode=ro")).await.unwrap();
    db.register::<Item>().await.unwrap();
    assert_eq!(count::<Item>(&db).await, 2);
    let error = item("a").save(&db).await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    db.close().await.unwrap();
}

async fn what_was_committed_survives_reopening(on: &TestDb) {
    given_numbered(on, 3).await;
    on.backend.close().await.unwrap();
    let db = on.open_again().await;
    db.register::<Item>().await.unwrap();
    assert_eq!(count::<Item>(&db).await, 3);
    db.close().await.unwrap();
}

async fn two_databases_in_memory_are_two() {
    for url in ["sqlite://:memory:", "sqlite::memory:", "memory:"] {
        let (one, other) = (Db::open(url).await.unwrap(), Db::open(url).await.unwrap());
        for db in [&one, &other] {
            db.register::<Item>().await.unwrap();
        }
        item("a").save(&one).await.unwrap();
        assert_eq!(count::<Item>(&other).await, 0, "{url}");
        one.close().await.unwrap();
        other.close().await.unwrap();
    }
}

async fn the_builder_wants_one_place() {
    refused(Db::builder().open().await, ErrorKind::InvalidQuery);
    let both = Db::builder()
        .url("memory:")
        .backend(memory::MemoryBackend::new());
    refused(both.open().await, ErrorKind::InvalidQuery);
}

async fn a_backend_of_ones_own() {
    let db = Db::builder()
        .backend(memory::MemoryBackend::new())
        .register::<(Item,)>()
        .open()
        .await
        .unwrap();
    item("a").save(&db).await.unwrap();
    assert_eq!(count::<Item>(&db).await, 1);
}

async fn a_driver_of_ones_own() {
    static DRIVER: den::Driver = den::Driver {
        name: "my own",
        schemes: &[],
        open: |_, _| Box::pin(async { Ok(std::sync::Arc::new(memory::MemoryBackend::new()) as _) }),
    };
    let db = Db::builder()
        .url("anything:goes")
        .driver(&DRIVER)
        .open()
        .await
        .unwrap();
    assert_eq!(db.backend_name(), "memory");
}
