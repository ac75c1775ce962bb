//! `den completions`.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{context::Context, failure::Outcome};

/// Write a script that completes commands in a shell.
///
/// For bash: `den completions bash > ~/.local/share/bash-completion/completions/den`;
/// for zsh: a file `_den` in a folder of $fpath; for fish: ~/.config/fish/completions/den.fish.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, cx: &Context, mut program: Command) -> Outcome {
        let name = program.get_bin_name().unwrap_or("den").to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        cx.out.line(String::from_utf8_lossy(&script).trim_end())
    }
}
