//! `kennel completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::output::print_bytes;
use crate::{Cli, CommandResult};

const EXAMPLE: &str = "\
Each shell wants its file elsewhere:
  kennel completions bash > ~/.local/share/bash-completion/completions/kennel
  kennel completions zsh > ~/.zfunc/_kennel         with `fpath+=~/.zfunc` in ~/.zshrc, before `compinit`
  kennel completions fish > ~/.config/fish/completions/kennel.fish
  kennel completions powershell >> $PROFILE
  kennel completions elvish >> ~/.config/elvish/rc.elv

A shell that is open already learns it when it starts anew.";

/// For whom.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: CompletionsArgs) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kennel", &mut script);
    print_bytes(&script)
}
