//! Another process, which a test starts: `den-tooling-process <task> <url> <name>`.
//!
//! It says `ready` once it runs, and begins when it is sent a line.

use std::{
    env,
    io::{self, BufRead as _},
    path::PathBuf,
    process::{ExitCode, Stdio},
    sync::OnceLock,
};

use den::{Db, Error, ErrorKind};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
};

use crate::{migrations, transfer};

/// The program of the other process; only the suite knows where cargo put it.
pub static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Runs the task that the command line names.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [task, url, name] = arguments.as_slice() else {
        eprintln!("usage: den-tooling-process <task> <url> <name>");
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
    match task {
        "migrate" => migrations::process::run(&db, name).await?,
        "transfer" => transfer::process::run(&db, name).await?,
        _ => return Err(Error::new(ErrorKind::InvalidQuery, "there is no such task")),
    }
    db.close().await
}

/// Starts a process and waits until it is ready to begin.
pub(crate) async fn start(task: &str, url: &str, name: &str) -> Child {
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

/// Lets a process begin.
pub(crate) async fn begin(child: &mut Child) {
    let input = child.stdin.as_mut().unwrap();
    input.write_all(b"go\n").await.unwrap();
}

/// Waits for all, none of which may fail.
pub(crate) async fn succeed(children: Vec<Child>) {
    let mut failed = Vec::new();
    for child in children {
        let output = child.wait_with_output().await.unwrap();
        if !output.status.success() {
            failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
