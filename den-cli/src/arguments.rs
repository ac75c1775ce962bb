//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{
        checkpoint::{Checkpoint, Restore},
        compare::Compare,
        completions::Completions,
        copy::Copy,
        count::Count,
        explain::Explain,
        export::Export,
        find::Find,
        get::Get,
        import::Import,
        info::Info,
        list::List,
        migrate::{self, Migrate},
        put::Put,
        remove::Remove,
        schema::Schema,
        verify::Verify,
    },
    failure,
    url::VARIABLE,
};

/// Looks into, changes, moves and checks databases of documents, on SQLite and PostgreSQL.
#[derive(Debug, Parser)]
#[command(
    name = "den",
    version,
    after_help = failure::HELP,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What goes with every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The database: `sqlite:///shop.db`, `postgres://user@host/shop`, or the path of a SQLite file.
    /// It may also stand right behind the command.
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        env = VARIABLE,
        hide_env_values = true
    )]
    pub(crate) url: Option<String>,

    /// Write JSON, one value on each line, for other programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Write no remarks and show no progress.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Runs the migrations of the application, and says how they stand.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = failure::HELP,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct MigrateArguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) what: migrate::What,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Info(Info),
    Ls(List),
    Get(Get),
    Find(Find),
    Count(Count),
    Put(Put),
    Rm(Remove),
    Explain(Explain),
    Export(Export),
    Import(Import),
    Copy(Copy),
    Compare(Compare),
    Checkpoint(Checkpoint),
    Restore(Restore),
    Schema(Schema),
    Migrate(Migrate),
    Verify(Verify),
    Completions(Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
        super::MigrateArguments::command().debug_assert();
    }
}
