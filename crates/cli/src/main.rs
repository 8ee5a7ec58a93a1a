//! `kennel`: fine-tunes pretrained image classifiers on a folder of photos.
//!
//! This crate parses the command line, resolves the configuration, calls one library function per
//! command and prints. Results go to stdout, messages to stderr.

/// Prints a message to stderr. If the reader of stderr has gone, the run continues: it may have
/// taken hours.
macro_rules! say {
    ($session:expr, $($text:tt)*) => {
        $session.say($crate::output::Level::Normal, format_args!($($text)*))
    };
}

/// Prints a message to stderr with `--verbose` only.
macro_rules! detail {
    ($session:expr, $($text:tt)*) => {
        $session.say($crate::output::Level::Verbose, format_args!($($text)*))
    };
}

/// Prints a message to stderr even with `--quiet`: what failed, and where it stopped. No session
/// silences it, so it takes none.
macro_rules! shout {
    ($($text:tt)*) => {
        $crate::output::tell(format_args!($($text)*))
    };
}

mod auto_table;
mod cache;
mod checks;
mod chosen_run;
mod commands;
mod data;
mod destination;
mod device;
mod evaluation_report;
mod failure;
mod folders;
mod heat_pictures;
mod hints;
mod interrupt;
mod lang;
mod limits;
mod lists;
mod nearby;
mod network;
mod onnx_args;
mod onnx_worker;
mod output;
mod photo_args;
mod photo_loop;
mod progress;
mod ranks;
mod resolve;
mod rows;
mod session;
mod shard;
mod sorting;
mod tensorboard;
mod variables;

use std::ffi::OsString;
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::failure::{CommandResult, Failure};
use crate::output::Level;
use crate::session::Session;

/// Fine-tunes pretrained image classifiers on a folder of photos, and says honestly how good they
/// are.
#[derive(Parser)]
#[command(name = "kennel", version, propagate_version = true, after_help = EXAMPLE, max_term_width = 100)]
struct Cli {
    /// Download nothing
    #[arg(long, global = true, env = "KENNEL_OFFLINE", hide_env_values = true, help_heading = "Everywhere", value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
    /// Print only errors, and the result on stdout
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Print more: paths of weights, the device, the resolved configuration of a run
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    verbose: bool,
    /// Memory limit for decoding photos, such as 2GB; photos that need more cannot be read
    /// [default: half of what the process may use]
    #[arg(long, global = true, value_name = "SIZE", help_heading = "Everywhere")]
    memory: Option<ByteSize>,
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
    /// Run the whole chain on drawn photos, without a download: about a minute
    Demo(commands::demo::DemoArgs),
    /// Check every photo, split them into train, val and test, and write a data set
    Prepare(commands::prepare::PrepareArgs),
    /// Fine-tune a network
    Train(Box<commands::train::TrainArgs>),
    /// Train a grid of networks, strategies and settings; compare, report and export
    Run(Box<commands::run::RunArgs>),
    /// Evaluate a run on its test photos or on others
    Evaluate(commands::evaluate::EvaluateArgs),
    /// List the photos whose labels are probably wrong, and write a page that shows them
    Audit(commands::audit::AuditArgs),
    /// Compare all runs and write tables, figures and one HTML page
    Report(commands::report::ReportArgs),
    /// Write a run's network as one ONNX file, checked on photos
    Export(commands::export::ExportArgs),
    /// Average several runs: their probabilities or their weights
    Ensemble(commands::ensemble::EnsembleArgs),
    /// Label photos
    Predict(commands::predict::PredictArgs),
    /// Show where in photos the evidence for a class lies
    Explain(commands::explain::ExplainArgs),
    /// Find the photos of the data set that are most like a photo
    Similar(commands::similar::SimilarArgs),
    /// Serve a page to try models on, and an HTTP interface for programs
    Serve(commands::serve::ServeArgs),
    /// Time a network or the reading of photos on this machine
    Bench(commands::bench::BenchArgs),
    /// List the architectures and their pretrained weights
    Models(commands::models::ModelsArgs),
    /// Check what Kennel can use on this machine
    Doctor(commands::doctor::DoctorArgs),
    /// Write a shell completion script
    Completions(commands::completions::CompletionsArgs),
    /// Write the manual pages
    Man(commands::man::ManArgs),
}

impl Cli {
    /// Parses the command line; environment variables set defaults.
    fn read(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let mut command = variables::as_defaults(Cli::command());
        let matches = command.try_get_matches_from_mut(arguments);
        matches
            .and_then(|matches| Cli::from_arg_matches(&matches))
            .map_err(|error| error.format(&mut command))
    }

    /// Returns the level of messages. The check for both flags is here because they are global:
    /// clap would miss one before the subcommand and the other after it.
    fn level(&self) -> Result<Level, Failure> {
        match (self.quiet, self.verbose) {
            (true, true) => Err(Failure::Usage("--quiet and --verbose: choose one of them".into())),
            (true, false) => Ok(Level::Quiet),
            (false, true) => Ok(Level::Verbose),
            (false, false) => Ok(Level::Normal),
        }
    }
}

fn main() -> ExitCode {
    if let Some(status) = onnx_worker::serve_if_asked() {
        return status;
    }
    let cli = Cli::read(std::env::args_os())
        .unwrap_or_else(|error| variables::exit(error, &Cli::command()));
    if let Some(memory) = cli.memory {
        kennel_data::set_memory_budget(memory.as_u64());
    }
    let result = match cli.level() {
        Ok(level) => {
            let session = Session::new(level, cli.offline);
            begin(&cli.command, &session).and_then(|()| dispatch(cli.command, &session))
        }
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.status())
        }
    }
}

/// Prepares the process: the file size limit, and the compute threads unless `command` needs none.
fn begin(command: &Command, session: &Session) -> CommandResult {
    limits::survive_file_size_limit();
    match command {
        Command::Models(_) | Command::Doctor(_) | Command::Completions(_) | Command::Man(_) => {
            Ok(())
        }
        _ => limits::begin_threads(session),
    }
}

/// Runs a command.
fn dispatch(command: Command, session: &Session) -> CommandResult {
    detail!(session, "kennel     {}", checks::build());
    match command {
        Command::Demo(args) => commands::demo::run(args, call, session),
        Command::Prepare(args) => commands::prepare::run(args, session),
        Command::Train(args) => commands::train::run(*args, session),
        Command::Run(args) => commands::run::run(*args, session),
        Command::Evaluate(args) => commands::evaluate::run(args, session),
        Command::Audit(args) => commands::audit::run(args, session),
        Command::Report(args) => commands::report::run(args, session),
        Command::Export(args) => commands::export::run(args, session),
        Command::Ensemble(args) => commands::ensemble::run(args, session),
        Command::Predict(args) => commands::predict::run(args, session),
        Command::Explain(args) => commands::explain::run(args, session),
        Command::Similar(args) => commands::similar::run(args, session),
        Command::Serve(args) => commands::serve::run(args, session),
        Command::Bench(args) => commands::bench::run(args, session),
        Command::Models(args) => commands::models::run(args),
        Command::Doctor(args) => commands::doctor::run(args, &Cli::command(), session),
        Command::Completions(args) => commands::completions::run(args, Cli::command()),
        Command::Man(args) => commands::man::run(args, Cli::command()),
    }
}

/// Runs the command in `arguments`, whose first element is the program's name.
fn call(arguments: &[OsString], session: &Session) -> CommandResult {
    let cli =
        Cli::read(arguments.iter().cloned()).map_err(|error| Failure::Usage(error.to_string()))?;
    dispatch(cli.command, session)
}
