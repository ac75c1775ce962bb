//! What the compiler says to an application author who made a mistake: one program in `tests/ui`
//! for each, with the output it must give beside it.
//!
//! After a change that is meant: `TRYBUILD=overwrite cargo test -p den-tests --test ui`, and read
//! the difference as a user would.

use std::process::Command;

/// The output is that of one compiler: others say the same in other words.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes_get_readable_errors() {
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(compiler).arg("--version").output();
    let version = String::from_utf8(output.expect("rustc runs").stdout).expect("rustc says UTF-8");
    if !version.starts_with(COMPILER) {
        eprintln!("not compared: the outputs are those of {COMPILER}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
