//! URLs that do not open, and what the errors say: enough, and no secret.

use std::time::{Duration, Instant};

use den::{Error, ErrorKind, prelude::*};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::support::{Item, everything, refused};
use crate::harness::{Case, Target, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_folder_is_no_database, only: [SqliteFile]),
    case!(a_file_is_no_folder, only: [SqliteFile]),
    case!(some_other_file_is_no_database, only: [SqliteFile]),
    case!(a_missing_file_is_only_made_when_allowed, only: [SqliteFile]),
    case!(an_unknown_parameter_is_named),
    case!(a_password_is_never_shown, only: [Postgres]),
    case!(a_missing_database_is_an_error, only: [Postgres]),
    alone!(a_closed_port_is_an_error_in_time),
    alone!(a_silent_server_is_an_error_in_time),
    alone!(a_wrong_password_is_an_error_without_it),
    alone!(bad_postgres_urls_do_not_show_the_password),
    alone!(the_builder_does_not_show_the_password),
];

const SECRET: &str = "hunter2";

async fn a_folder_is_no_database(on: &TestDb) {
    let file = on.file();
    let folder = file.parent().unwrap();
    let error = Db::open(format!("sqlite:///{}", folder.display()))
        .await
        .unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        error.to_string().contains(&*folder.to_string_lossy()),
        "{error}"
    );
}

async fn a_file_is_no_folder(on: &TestDb) {
    let below = on.file().join("x.db");
    let error = Db::open(format!("sqlite:///{}", below.display()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("test.db"), "{error}");
}

async fn some_other_file_is_no_database(on: &TestDb) {
    let file = on.file().with_file_name("letter.txt");
    std::fs::write(&file, "Dear database, ".repeat(1000)).unwrap();
    let outcome = async {
        let db = Db::open(format!("sqlite:///{}", file.display())).await?;
        let registered = db.register::<Item>().await;
        db.close().await?;
        registered
    };
    let error = outcome.await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    let letter = std::fs::read_to_string(&file).unwrap();
    assert!(letter.starts_with("Dear database") && letter.len() == 15_000);
}

async fn a_missing_file_is_only_made_when_allowed(on: &TestDb) {
    for mode in ["rw", "ro"] {
        let file = on.file().with_file_name("not-there.db");
        let url = format!("sqlite:///{}?mode={mode}", file.display());
        let error = Db::open(&url).await.unwrap_err();
        assert!(error.to_string().contains("not-there.db"), "{error}");
        assert!(!file.exists());
    }
}

async fn an_unknown_parameter_is_named(on: &TestDb) {
    let opened = Db::open(on.url_with("colour=blue")).await;
    let error = refused(opened, ErrorKind::InvalidQuery);
    if on.target() != Target::Memory {
        assert!(error.to_string().contains("colour"), "{error}");
    }
}

async fn a_password_is_never_shown(on: &TestDb) {
    // The server trusts local users, so that any password is right.
    let url = with_password(on.url());
    let db = Db::open(&url).await.unwrap();
    db.register::<Item>().await.unwrap();
    let tx = db.begin().await.unwrap();
    let query = Item::query(&db).filter(Item::fields().n.gt(1));
    let shown = format!(
        "{db:?} {db:#?} {tx:?} {query:?} {:?} {:?}",
        db.stats(),
        query.clone().to_sql().await
    );
    assert!(!shown.contains(SECRET), "{shown}");
    tx.rollback().await.unwrap();
    db.close().await.unwrap();

    let error = Db::open([&url, "&nonsense=1"].concat()).await.unwrap_err();
    no_secret(&error);
}

async fn a_missing_database_is_an_error(on: &TestDb) {
    let url = with_password(on.url());
    let (server, parameters) = url.split_once('?').unwrap();
    let server = server.rsplit_once('/').unwrap().0;
    let error = Db::open(format!("{server}/den_no_such_database?{parameters}"))
        .await
        .unwrap_err();
    no_secret(&error);
    assert!(
        everything(&error).contains("den_no_such_database"),
        "{error:?}"
    );
    assert_eq!(error.code(), Some("3D000"), "{error:?}");
}

fn with_password(url: &str) -> String {
    let (head, host) = url.rsplit_once('@').unwrap();
    let (scheme, user) = head.split_once("://").unwrap();
    let user = user.split(':').next().unwrap();
    format!("{scheme}://{user}:{SECRET}@{host}")
}

fn no_secret(error: &Error) {
    let text = everything(error);
    assert!(!text.contains(SECRET), "{text}");
}

async fn a_closed_port_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://me:{SECRET}@{address}/db?connect_timeout=2");
    let start = Instant::now();
    let error = refused(Db::open(&url).await, ErrorKind::ConnectionLost);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    no_secret(&error);
}

async fn a_silent_server_is_an_error_in_time() {
    // It takes the connection and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("postgres://me:{SECRET}@{address}/db");
    let start = Instant::now();
    let opened = Db::builder()
        .url(url)
        .connect_timeout(Duration::from_secs(1))
        .acquire_timeout(Duration::from_secs(3))
        .open()
        .await;
    let error = opened.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    assert!(
        [ErrorKind::ConnectionLost, ErrorKind::Timeout].contains(&error.kind()),
        "{error:?}"
    );
    no_secret(&error);
    drop(listener);
}

/// A server that asks for the password and refuses it, whatever it is.
async fn refuse_the_password(listener: TcpListener) {
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        // The driver may give up half-way; that is no concern of the server.
        drop(tokio::spawn(async move {
            let mut buffer = [0; 1024];
            let _startup = socket.read(&mut buffer).await?;
            socket.write_all(b"R\0\0\0\x08\0\0\0\x03").await?;
            let _password = socket.read(&mut buffer).await?;
            let fields =
                b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap();
            socket.write_all(b"E").await?;
            socket.write_all(&length.to_be_bytes()).await?;
            socket.write_all(fields).await?;
            socket.shutdown().await
        }));
    }
}

async fn a_wrong_password_is_an_error_without_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(refuse_the_password(listener));
    for url in [
        format!("postgres://me:{SECRET}@{address}/db"),
        format!("postgresql://{address}/db?user=me&password={SECRET}"),
    ] {
        let error = Db::open(&url).await.unwrap_err();
        assert_eq!(error.code(), Some("28P01"), "{error:?}");
        assert!(!error.is_retryable());
        no_secret(&error);
    }
    server.abort();
}

async fn bad_postgres_urls_do_not_show_the_password() {
    for url in [
        "postgres://me:hunter2@host:notaport/db",
        "postgres://me:hunter2@host/db?sslmode=require",
        "postgres://me:hunter2@host/db?sslmode=hunter",
        "postgres://me:hunter2@host/db?max_connections=0",
        "postgres://me:hunter2@host/db?connect_timeout=never",
        "postgres://host/db?password=hunter2&nonsense=1",
        "postgres:hunter2",
        "postgres://me:hunter2@[::1/db",
        "sqlite://me:hunter2@host/x.db?nonsense=1",
    ] {
        let error = Db::open(url).await.unwrap_err();
        let kinds = [ErrorKind::InvalidQuery, ErrorKind::Unsupported];
        assert!(kinds.contains(&error.kind()), "{url}: {error:?}");
        no_secret(&error);
    }
}

async fn the_builder_does_not_show_the_password() {
    let builder = Db::builder().url("postgres://me:hunter2@host/db");
    assert!(!format!("{builder:?} {builder:#?}").contains(SECRET));
    let error = Db::open("no-such://me:hunter2@host/db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownScheme);
    no_secret(&error);
}
