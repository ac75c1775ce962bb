//! den beside hand-written driver code, on the same tables, in one run.
//!
//! ```sh
//! cargo run --release -p den-bench
//! scripts/with-postgres cargo run --release -p den-bench   # PostgreSQL too
//! ```
//!
//! "raw" is what a good engineer would write with `rusqlite` or `tokio-postgres` alone: prepared
//! statements, the same indexes, serde for the documents, no layer in between.

mod article;
mod postgres;
mod sqlite;
mod timing;
mod workloads;

use std::process::ExitCode;

use crate::workloads::SEED;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> den::Result<()> {
    println!("{SEED} articles of 1.3 KB; medians of interleaved rounds, one task");
    timing::print(
        "SQLite (a file, WAL, synchronous = NORMAL)",
        &sqlite::run().await?,
    );
    match std::env::var("DEN_POSTGRES_URL") {
        Ok(url) => timing::print("PostgreSQL (over loopback)", &postgres::run(&url).await?),
        Err(_) => println!("\nPostgreSQL: left out, DEN_POSTGRES_URL is not set"),
    }
    Ok(())
}
