//! `kennel completions`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;

use kennel_core::{AugmentationPolicy, AugmentationSet, CropMode, Split, Strategy};
use kennel_data::Preset;
use kennel_infer::GpuKind;
use kennel_models::architectures;

use crate::failure::CommandResult;
use crate::output::print_bytes;

const EXAMPLE: &str = "\
Each shell wants its file elsewhere:
  kennel completions bash > ~/.local/share/bash-completion/completions/kennel
  kennel completions zsh > ~/.zfunc/_kennel         with `fpath+=~/.zfunc` in ~/.zshrc, before `compinit`
  kennel completions fish > ~/.config/fish/completions/kennel.fish
  kennel completions powershell >> $PROFILE
  kennel completions elvish >> ~/.config/elvish/rc.elv

Restart the shell afterwards.";

/// For whom.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completion script of `program`.
pub fn run(args: CompletionsArgs, program: Command) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_values(program), "kennel", &mut script);
    print_bytes(&script)
}

/// Adds the values of flags that a shell can suggest. The parser does not know them: other crates
/// read these values and give better errors.
fn with_values(command: Command) -> Command {
    let models = || architectures().iter().map(|architecture| architecture.name).collect();
    command
        .mut_args(|arg| {
            let values: Vec<&str> = match arg.get_id().as_str() {
                "model" | "models" => models(),
                "strategy" | "strategies" => Strategy::ALL.map(Strategy::as_str).to_vec(),
                "split" => Split::ALL.map(Split::as_str).into_iter().chain(["all"]).collect(),
                "augment" => AugmentationSet::ALL.map(AugmentationSet::as_str).to_vec(),
                "auto_augment" => AugmentationPolicy::ALL.map(AugmentationPolicy::as_str).to_vec(),
                "crop_mode" => CropMode::ALL.map(CropMode::as_str).to_vec(),
                "crop" => vec!["center", "random", "random_resized"],
                "optimizer" => vec!["adam", "adamw", "sgd"],
                "scheduler" => vec!["plateau", "cosine", "step", "one_cycle", "constant"],
                "head_init" => vec!["fanin", "timm"],
                "device" => {
                    ["auto", "cpu"].into_iter().chain(GpuKind::ALL.map(GpuKind::as_str)).collect()
                }
                "preset" => Preset::ALL.map(Preset::as_str).to_vec(),
                _ => return arg,
            };
            arg.value_parser(PossibleValuesParser::new(values)).default_value(None)
        })
        .mut_subcommands(with_values)
}
