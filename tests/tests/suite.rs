//! The suite: `cargo test -p den-tests --test suite`, with filters as usual.

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    den_tests::races::process::PROGRAM
        .get_or_init(|| env!("CARGO_BIN_EXE_den-tests-process").into());
    let arguments = den_test_harness::gently(Arguments::from_args());
    libtest_mimic::run(&arguments, den_tests::trials()).exit_code()
}
