//! The suite: `cargo test -p den-tests-tooling`, with filters as usual.

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    den_tests_tooling::process::PROGRAM
        .get_or_init(|| env!("CARGO_BIN_EXE_den-tooling-process").into());
    let arguments = den_test_harness::gently(Arguments::from_args());
    libtest_mimic::run(&arguments, den_tests_tooling::trials()).exit_code()
}
