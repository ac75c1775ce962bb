//! The `den` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    den_cli::Cli::new().main()
}
