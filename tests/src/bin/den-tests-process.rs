//! Another process for the tests of races; see `den_tests::races::process`.

use std::process::ExitCode;

fn main() -> ExitCode {
    den_tests::races::process::main()
}
