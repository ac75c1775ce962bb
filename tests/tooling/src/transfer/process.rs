//! What another process transfers. The name it is given is JSON.

use std::time::Duration;

use den::{
    Db,
    transfer::{self, Import, Mode},
};
use serde::{Deserialize, Serialize};

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Imports lines, so slowly that it can be killed.
    Import { path: String, bad: String },
    /// Copies from here.
    Copy { from: String },
    /// Replaces by these lines.
    Replace { path: String },
    /// Imports from one file and exports to another, and says in a third how much memory that took, in
    /// KiB.
    Measure {
        from: String,
        to: String,
        said: String,
    },
}

/// Does it.
pub(crate) async fn run(db: &Db, order: &str) -> den::Result<()> {
    let order: Order = serde_json::from_str(order).expect("the test gives an order");
    let slowly = |_: &transfer::Progress| std::thread::sleep(Duration::from_millis(15));
    match order {
        Order::Import { path, bad } => {
            let import = Import::new(db).resume(true).bad_lines(bad);
            let import = import.on_progress(slowly).jsonl_file("items", path);
            import.await.map(drop)
        }
        Order::Copy { from } => {
            let from = Db::open(from).await?;
            let copy = transfer::copy(&from, db).resume(true).on_progress(slowly);
            copy.await?;
            from.close().await
        }
        Order::Replace { path } => {
            let import = Import::new(db).mode(Mode::Replace).on_progress(slowly);
            import.jsonl_file("items", path).await.map(drop)
        }
        Order::Measure { from, to, said } => {
            let before = most_memory();
            Import::new(db).jsonl_file("items", from).await?;
            transfer::Export::new(db).archive(&*to).await?;
            transfer::check_archive(to).await?;
            let took = most_memory() - before;
            std::fs::write(said, took.to_string()).expect("the test gives a path");
            Ok(())
        }
    }
}

/// The most memory that this process has had, in KiB; Linux says so.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let number = line.and_then(|it| it.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}
