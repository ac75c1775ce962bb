//! What another process does when a test starts it: `den-tests-process <task> <url> <name>`.
//!
//! It says `ready` once it runs, and begins when it is sent a line.

use std::{
    env,
    io::{self, BufRead as _},
    path::PathBuf,
    process::ExitCode,
    sync::OnceLock,
};

use den::prelude::*;

use super::documents::{Counter, Job, Tally};

/// The program of the other process; only the suite knows where cargo put it.
pub static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// So many documents and increments each process writes.
pub(super) const WRITES: i64 = 200;
/// The one document that every process increments.
pub(super) const SHARED: &str = "shared";

/// Runs the task that the command line names.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [task, url, name] = arguments.as_slice() else {
        eprintln!("usage: den-tests-process register|autocommit|transactions <url> <name>");
        return ExitCode::FAILURE;
    };
    println!("ready");
    if io::stdin().lock().read_line(&mut String::new()).is_err() {
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the operating system lets a process wait");
    match runtime.block_on(run(task, url, name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: &str, url: &str, name: &str) -> den::Result<()> {
    let db = Db::open(url).await?;
    db.register::<(Job, Counter, Tally)>().await?;
    match task {
        "autocommit" => autocommit(&db, name).await?,
        "transactions" => transactions(&db, name).await?,
        _ => {}
    }
    db.close().await
}

/// Inserts, and increments by way of the revision.
pub(super) async fn autocommit(db: &Db, name: &str) -> den::Result<()> {
    for n in 0..WRITES {
        job(name, n).insert(db).await?;
        loop {
            let mut counter = Counter::find(db, SHARED).await?;
            counter.n += 1;
            match counter.save(db).await {
                Ok(()) => break,
                Err(late) if late.kind() == ErrorKind::RevisionConflict => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Inserts and increments, in one transaction each time.
pub(super) async fn transactions(db: &Db, name: &str) -> den::Result<()> {
    for n in 0..WRITES {
        db.transaction(async |tx| {
            job(name, n).insert(&tx).await?;
            let locked = tx.lock::<Counter>(SHARED, LockMode::Wait).await?;
            let mut counter = locked.expect("the test stored it before");
            counter.n += 1;
            counter.save(&tx).await
        })
        .await?;
    }
    Ok(())
}

fn job(name: &str, n: i64) -> Job {
    Job {
        code: format!("{name} {n}"),
        owner: name.to_owned(),
        state: "open".to_owned(),
        n,
        tags: vec![name.to_owned()],
        ..Job::default()
    }
}
