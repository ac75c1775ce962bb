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

use std::process::ExitCode;

use crate::timing::Row;

/// How many documents there are when reading is measured.
const SEED: usize = 1000;

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

/// The numbers of rounds and of operations in a round.
#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    times: usize,
}

const GET: Size = Size {
    rounds: 41,
    times: 500,
};
const INSERT: Size = Size {
    rounds: 41,
    times: 100,
};
const SAVE_ALL: Size = Size {
    rounds: 15,
    times: 1,
};
const FILTER: Size = Size {
    rounds: 41,
    times: 100,
};

type Rows = Vec<Row>;
