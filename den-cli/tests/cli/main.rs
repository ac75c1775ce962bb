//! The command, run as people run it, on SQLite files and on PostgreSQL where `DEN_POSTGRES_URL` names a
//! server.
//!
//! Run with the variable `DEN_CLI_EMBEDDED`, this program is the command as an application embeds it.

#![expect(
    clippy::unwrap_used,
    reason = "this is a test: a panic is how a case fails"
)]

mod documents;
mod embedded;
mod moving;
mod place;
mod terminal;
mod usage;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use self::place::{Engine, Place};

/// A case, which runs on a fresh database of each engine.
type Case = (&'static str, fn(&Place));

fn main() -> ExitCode {
    if let Some(which) = std::env::var_os(embedded::VARIABLE) {
        return embedded::run(&which);
    }
    let arguments = Arguments::from_args();
    let themes: [(&str, &[Case]); 5] = [
        ("documents", documents::CASES),
        ("embedded", embedded::CASES),
        ("moving", moving::CASES),
        ("terminal", terminal::CASES),
        ("usage", usage::CASES),
    ];
    let mut trials = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for (theme, cases) in themes {
            for (name, case) in cases {
                let name = format!("{}::{theme}::{name}", engine.name());
                let run = move || {
                    let place = Place::new(engine);
                    case(&place);
                    place.remove();
                    Ok(())
                };
                trials.push(Trial::test(name, run).with_ignored_flag(!engine.is_there()));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
