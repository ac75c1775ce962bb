//! The contract's suite on PostgreSQL, each case in a schema of its own.
//!
//! `DEN_POSTGRES_URL` names the server; without it the cases show as ignored.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test: a panic is how a case fails"
)]

mod support;

use std::process::ExitCode;

use den_backend::conformance::{Fresh, skipped, trials};
use libtest_mimic::{Arguments, run};

use crate::support::{Schema, URL_VARIABLE, url};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut cases = Vec::new();
    for (name, parameters) in [
        ("postgres", ""),
        // A time limit, however long, makes every call in a transaction guard itself.
        (
            "postgres-unnamed",
            "statement_cache=off&options=-c%20statement_timeout%3D60s",
        ),
    ] {
        cases.extend(match url() {
            Some(_) => trials(name, async move || {
                let schema = Schema::create().await;
                let backend = schema.open(parameters).await;
                Fresh::with_cleanup(backend, schema.remove())
            }),
            None => skipped(name, &[URL_VARIABLE, " is not set"].concat()),
        });
    }
    run(&arguments, cases).exit_code()
}
