//! The program: reads the command line, runs the command, says how it ended.

use std::{
    ffi::OsString,
    fmt,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind as ClapError};
use den::{DbBuilder, Documents, migrate::Registry};

use crate::{
    arguments::{Arguments, Command, Global, MigrateArguments},
    commands::migrate::Migrate,
    context::{Context, Declare},
    failure::{ERROR, INTERRUPTED, OK, Outcome, USAGE},
    interrupt,
    output::{Form, Output, colors_wanted, complain},
    url::{self, Redactor},
};

/// So long may work end that nobody waits for any more, such as a page that is being written.
const PATIENCE: Duration = Duration::from_secs(2);

/// The `den` command, to be run by a `main` function.
///
/// # Behavior
///
/// - In an application's own program it knows the application's document types and migrations, which
///   makes `schema` and `migrate` complete; all else is the same.
///
/// ```no_run
/// use den::{migrate::Registry, prelude::*};
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # #[den(collection = "products")]
/// # struct Product { #[serde(flatten)] base: Base<Product> }
/// # fn migrations() -> Registry { Registry::new("shop") }
///
/// fn main() -> std::process::ExitCode {
///     den_cli::Cli::new()
///         .named("shop-admin")
///         .types::<(Product,)>()
///         .migrations(migrations())
///         .main()
/// }
/// ```
#[derive(Clone, Default)]
#[must_use = "a command does nothing until it is run"]
pub struct Cli {
    name: Option<&'static str>,
    declare: Vec<Declare>,
    registries: Vec<Registry>,
    scope: Scope,
}

/// Which commands there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Scope {
    #[default]
    Everything,
    /// Those of `den migrate`.
    Migrations,
}

/// What the command line says.
struct Parsed {
    global: Global,
    command: Command,
    program: clap::Command,
}

impl Cli {
    /// The command as it is installed: without types and migrations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what the program is called in its help.
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Tells the command about document types of the application: one, or a tuple of several.
    pub fn types<D: Documents + 'static>(mut self) -> Self {
        self.declare.push(DbBuilder::types::<D>);
        self
    }

    /// Tells the command about migrations of the application, behind those of earlier calls.
    pub fn migrations(mut self, registry: Registry) -> Self {
        self.registries.push(registry);
        self
    }

    /// Offers only what is under `den migrate`, as commands of the program itself: `shop-migrate up`.
    pub fn migrations_only(mut self) -> Self {
        self.scope = Scope::Migrations;
        self
    }

    /// Runs the command with the arguments of the process, on a runtime of its own.
    ///
    /// # Panics
    ///
    /// Within an asynchronous runtime; there, await [`run`](Self::run).
    pub fn main(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                complain("error", &format!("could not start: {error}"));
                return ExitCode::from(ERROR);
            }
        };
        let code = runtime.block_on(self.run(std::env::args_os()));
        // Files that are being written are taken away; a read of the standard input may never end.
        runtime.shutdown_timeout(PATIENCE);
        code
    }

    /// Runs the command with these arguments, of which the first is the name of the program.
    ///
    /// # Behavior
    ///
    /// - Needs a tokio runtime with input, output and time enabled.
    /// - Ctrl-C ends the command, with exit code 130.
    pub async fn run(self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let redactor = Redactor::new(&arguments);
        let code = match self.parse(arguments) {
            Ok(parsed) => self.execute(parsed, &redactor).await,
            Err(error) => refused(&error, &redactor),
        };
        ExitCode::from(code)
    }

    fn parse(&self, arguments: Vec<OsString>) -> Result<Parsed, clap::Error> {
        let mut program = match self.scope {
            Scope::Everything => Arguments::command(),
            Scope::Migrations => MigrateArguments::command(),
        };
        if let Some(name) = self.name {
            program = program.name(name).bin_name(name);
        }
        let arguments = url::named(arguments, &program);
        let matches = program.clone().try_get_matches_from(arguments)?;
        let (global, command) = match self.scope {
            Scope::Everything => {
                let it = Arguments::from_arg_matches(&matches)?;
                (it.global, it.command)
            }
            Scope::Migrations => {
                let it = MigrateArguments::from_arg_matches(&matches)?;
                (it.global, Command::Migrate(Migrate { what: it.what }))
            }
        };
        Ok(Parsed {
            global,
            command,
            program,
        })
    }

    async fn execute(self, parsed: Parsed, redactor: &Redactor) -> u8 {
        let Parsed {
            global,
            command,
            program,
        } = parsed;
        let form = match global.json {
            true => Form::Json,
            false => Form::Text,
        };
        let out = Output::new(form, global.quiet);
        let cx = Context::new(global.url, self.declare, self.registries, out);
        let work = async {
            let outcome = dispatch(command, &cx, program).await;
            outcome.and(cx.out.flush())
        };
        let outcome = tokio::select! {
            outcome = work => Some(outcome),
            () = interrupt::requested() => None,
        };
        // What was under way is dropped by now, and with it every transaction.
        cx.close().await;
        match outcome {
            None => {
                complain("interrupted", "what was not complete was taken back");
                INTERRUPTED
            }
            Some(Ok(())) => OK,
            Some(Err(failure)) => {
                // What was found before the failure is shown before it.
                let _ = cx.out.flush();
                let text = redactor.clean(&failure.to_string());
                if !text.is_empty() {
                    complain("error", &text);
                }
                failure.code()
            }
        }
    }
}

async fn dispatch(command: Command, cx: &Context, program: clap::Command) -> Outcome {
    match command {
        Command::Info(it) => it.run(cx).await,
        Command::Ls(it) => it.run(cx).await,
        Command::Get(it) => it.run(cx).await,
        Command::Find(it) => it.run(cx).await,
        Command::Count(it) => it.run(cx).await,
        Command::Put(it) => it.run(cx).await,
        Command::Rm(it) => it.run(cx).await,
        Command::Explain(it) => it.run(cx).await,
        Command::Export(it) => it.run(cx).await,
        Command::Import(it) => it.run(cx).await,
        Command::Copy(it) => it.run(cx).await,
        Command::Compare(it) => it.run(cx).await,
        Command::Checkpoint(it) => it.run(cx).await,
        Command::Restore(it) => it.run(cx).await,
        Command::Schema(it) => it.run(cx).await,
        Command::Migrate(it) => it.run(cx).await,
        Command::Verify(it) => it.run(cx).await,
        Command::Completions(it) => it.run(cx, program),
    }
}

/// Shows help, or what is wrong with the command line, which may repeat a URL.
fn refused(error: &clap::Error, redactor: &Redactor) -> u8 {
    let text = error.render();
    let styled = |is_terminal: bool| match is_terminal && colors_wanted() {
        true => text.ansi().to_string(),
        false => text.to_string(),
    };
    // A reader that leaves early has seen enough.
    if let ClapError::DisplayHelp | ClapError::DisplayVersion = error.kind() {
        let _ = io::stdout().write_all(styled(io::stdout().is_terminal()).as_bytes());
        return OK;
    }
    let text = redactor.clean(&styled(io::stderr().is_terminal()));
    let _ = io::stderr().write_all(text.as_bytes());
    USAGE
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli")
            .field("name", &self.name)
            .field("declared", &self.declare.len())
            .field("registries", &self.registries)
            .field("scope", &self.scope)
            .finish()
    }
}
