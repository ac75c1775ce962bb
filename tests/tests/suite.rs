//! The suite: `cargo test -p den-tests --test suite`, with filters as usual.

use std::{process::ExitCode, thread};

use libtest_mimic::Arguments;

/// A PostgreSQL server takes 100 connections; each case may open eight.
const MOST_AT_ONCE: usize = 8;

fn main() -> ExitCode {
    den_tests::races::process::PROGRAM
        .get_or_init(|| env!("CARGO_BIN_EXE_den-tests-process").into());
    let mut arguments = Arguments::from_args();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // Cases wait for the database and for each other more than they compute.
    let threads = arguments.test_threads.unwrap_or(cores * 2);
    arguments.test_threads = Some(threads.min(MOST_AT_ONCE));
    libtest_mimic::run(&arguments, den_tests::trials()).exit_code()
}
