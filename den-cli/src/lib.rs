//! The `den` command, as a library that an application can embed.
//!
//! The installed command knows no document types and no migrations: those live in the application. A
//! program of a few lines, beside the application, is the same command with both.
//!
//! | to have | write |
//! |---|---|
//! | `up`, `down`, `status`, `plan` of migrations | [`migrate`]`(registry)` |
//! | the whole command, with types and migrations | [`Cli`] |
//!
//! The syntax of filters, the exit codes and all commands: `docs/command.md`.

mod arguments;
mod catalog;
mod cli;
mod commands;
mod context;
mod documents;
mod failure;
mod filter;
mod interrupt;
mod output;
mod progress;
mod table;
mod units;
mod url;

use std::process::ExitCode;

use den::migrate::Registry;

pub use self::cli::Cli;

/// Runs the migrations of an application as the command line says: `up`, `down`, `status`, `plan`, `baseline`.
///
/// The database is the one that `--url` or the variable `DEN_URL` names. For several registries, or the
/// rest of the command, there is [`Cli`].
///
/// ```no_run
/// use den::migrate::Registry;
///
/// fn main() -> std::process::ExitCode {
///     let shop = Registry::new("shop").step("20260216", "create orders", async |m| {
///         m.create_collection("orders").await?;
///         m.create_index("orders", ["customer", "placed_at:DESC"], ()).await
///     });
///     den_cli::migrate(shop) // shop-migrate up --url sqlite:///shop.db
/// }
/// ```
///
/// # Panics
///
/// Within an asynchronous runtime; there, await [`Cli::run`].
pub fn migrate(registry: Registry) -> ExitCode {
    Cli::new().migrations(registry).migrations_only().main()
}

/// The examples of the chapter.
#[cfg(doctest)]
#[doc = include_str!("../../docs/command.md")]
mod chapter {}
