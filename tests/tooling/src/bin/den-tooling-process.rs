//! Another process for tests; see `den_tests_tooling::process`.

use std::process::ExitCode;

fn main() -> ExitCode {
    den_tests_tooling::process::main()
}
