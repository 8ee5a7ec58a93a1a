//! `kennel`: fine-tunes pretrained image classifiers on a folder of photos.
//!
//! This room parses, resolves what was meant, calls one library function per command and prints. Results go to stdout,
//! words to stderr.

/// Says something on stderr. A reader that has gone away must not end a run that took hours.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::say(format_args!($($text)*))
    };
}

mod cache;
mod chosen_run;
mod commands;
mod device;
mod failure;
mod interrupt;
mod network;
mod onnx_args;
mod output;
mod progress;
mod resolve;
mod rows;
mod study;
mod tensorboard;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Fine-tunes pretrained image classifiers on a folder of photos, and says honestly how good they are.
#[derive(Parser)]
#[command(name = "kennel", version, propagate_version = true, after_help = EXAMPLE, max_term_width = 100)]
struct Cli {
    /// Ask nothing of the network
    #[arg(long, global = true, env = "KENNEL_OFFLINE", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Example:
  kennel demo
  kennel prepare photos/ --out data/processed
  kennel train --model mobilenetv2_100 --strategy freeze
  kennel evaluate --model mobilenetv2_100 --strategy freeze
  kennel export --model mobilenetv2_100
  kennel predict new.jpg --onnx models/best_model_mobilenetv2_100.onnx

Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.";

#[derive(Subcommand)]
enum Command {
    /// See everything work, on drawn photos: no download, no GPU, a few minutes
    Demo(commands::demo::DemoArgs),
    /// Check every photo, split into train, val and test, and write the data set
    Prepare(commands::prepare::PrepareArgs),
    /// Fine-tune a network
    Train(Box<commands::train::TrainArgs>),
    /// Train several networks several ways, compare them, and write the report
    Run(Box<commands::run::RunArgs>),
    /// Say how good a run is, on its own photos or on others
    Evaluate(commands::evaluate::EvaluateArgs),
    /// Compare all runs and write tables, figures and one HTML page
    Report(commands::report::ReportArgs),
    /// Write a run's network as one ONNX file, proved on photos
    Export(commands::export::ExportArgs),
    /// Label photos
    Predict(commands::predict::PredictArgs),
    /// Time a network, or the reading of photos, on this machine
    Bench(commands::bench::BenchArgs),
    /// List the networks that can be trained
    Models(commands::models::ModelsArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.offline {
        network::stay_offline();
    }
    let result = dispatch(cli.command);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                say!("error: {message}");
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Does what was asked for.
fn dispatch(command: Command) -> CommandResult {
    match command {
        Command::Demo(args) => commands::demo::run(args),
        Command::Prepare(args) => commands::prepare::run(args),
        Command::Train(args) => commands::train::run(*args),
        Command::Run(args) => commands::run::run(*args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Predict(args) => commands::predict::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Models(args) => commands::models::run(args),
    }
}

/// Does what these arguments, the program's name before them, ask for.
fn call(arguments: impl Iterator<Item = std::ffi::OsString>) -> CommandResult {
    let cli = Cli::try_parse_from(arguments).map_err(|error| Failure::Usage(error.to_string()))?;
    dispatch(cli.command)
}

/// The result of a command.
type CommandResult = Result<(), Failure>;
