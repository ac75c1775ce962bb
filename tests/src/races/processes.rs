//! Several processes with one database.

use std::process::Stdio;

use den::prelude::*;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
};

use super::{
    documents::{Counter, Job, Tally},
    process::{self, PROGRAM, SHARED, WRITES},
};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(eight_register_at_once, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(writers_lose_nothing, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(write_transactions_lose_nothing, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(writers_and_write_transactions_lose_nothing, only: [SqliteFile, Postgres, PostgresIcu]),
];

/// Starts a process and waits until it is ready to begin.
async fn start(task: &str, url: &str, name: &str) -> Child {
    let program = PROGRAM.get().expect("the suite says where the program is");
    let mut child = Command::new(program)
        .args([task, url, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut ready).await.unwrap();
    assert_eq!(ready.trim(), "ready");
    child
}

/// Lets all begin.
async fn begin(children: &mut [Child]) {
    for child in children {
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"go\n")
            .await
            .unwrap();
    }
}

/// Waits for all, none of which may fail.
async fn succeed(children: Vec<Child>) {
    let mut failed = Vec::new();
    for child in children {
        let output = child.wait_with_output().await.unwrap();
        if !output.status.success() {
            failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

async fn eight_register_at_once(on: &TestDb) {
    for round in 0..3 {
        let url = empty_database(on, round).await;
        let mut children = Vec::new();
        for number in 0..8 {
            children.push(start("register", &url, &format!("process {number}")).await);
        }
        begin(&mut children).await;
        succeed(children).await;
        let db = Db::open(&url).await.unwrap();
        db.register::<(Job, Counter, Tally)>().await.unwrap();
        assert_eq!(
            db.collections().await.unwrap(),
            ["counters", "jobs", "tallies"]
        );
        let mut job = Job::default();
        job.insert(&db).await.unwrap();
        db.close().await.unwrap();
    }
}

/// The URL of a database that no one has opened yet.
async fn empty_database(on: &TestDb, round: u32) -> String {
    match on.engine() {
        Engine::Memory => panic!("a database in memory has one process"),
        Engine::Sqlite => {
            let file = on.file().with_file_name(format!("round{round}.db"));
            format!("sqlite:///{}", file.display())
        }
        Engine::Postgres => {
            let client = on.plain_connection().await;
            let row = client
                .query_one("SELECT current_schema()::text", &[])
                .await
                .unwrap();
            let schema: String = row.get(0);
            let again = [
                "DROP SCHEMA \"",
                &schema,
                "\" CASCADE; CREATE SCHEMA \"",
                &schema,
                "\"",
            ];
            client.batch_execute(&again.concat()).await.unwrap();
            on.url().to_owned()
        }
    }
}

async fn writers_lose_nothing(on: &TestDb) {
    write_at_once(on, &["autocommit", "autocommit"]).await;
}

async fn write_transactions_lose_nothing(on: &TestDb) {
    write_at_once(on, &["transactions", "transactions"]).await;
}

async fn writers_and_write_transactions_lose_nothing(on: &TestDb) {
    write_at_once(on, &["transactions", "autocommit", "transactions"]).await;
}

/// Writes from other processes and from this one, all at once.
async fn write_at_once(on: &TestDb, tasks: &[&str]) {
    let db = on.with::<(Job, Counter, Tally)>().await;
    let mut counter = Counter::default();
    counter.base.id = Id::new(SHARED);
    counter.insert(db).await.unwrap();
    let mut children = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        children.push(start(task, on.url(), &format!("process {number}")).await);
    }
    begin(&mut children).await;
    let (here, there) = (
        process::autocommit(db, "here"),
        process::transactions(db, "there"),
    );
    let (here, there) = tokio::join!(here, there);
    here.unwrap();
    there.unwrap();
    let writers = i64::try_from(children.len()).unwrap() + 2;
    succeed(children).await;

    counter.refresh(db).await.unwrap();
    assert_eq!(counter.n, writers * WRITES);
    let j = Job::fields();
    for number in 0..tasks.len() {
        let name = format!("process {number}");
        let written = Job::query(db)
            .filter(j.owner.eq(name.as_str()))
            .sort(j.n.asc());
        let written = written.values(j.n).await.unwrap();
        assert_eq!(written, (0..WRITES).collect::<Vec<_>>(), "{name}");
        let tagged = Job::query(db).filter(j.tags.contains(name.as_str()));
        assert_eq!(
            tagged.count().await.unwrap(),
            WRITES.unsigned_abs(),
            "{name}"
        );
    }
}
