//! `kennel doctor`.

use clap::{Args, Command};
use serde_json::json;

use crate::checks::{Check, State, check_all};
use crate::failure::CommandResult;
use crate::output::{Format, print, print_json, wrapped};
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel doctor
  kennel doctor --format json      for a report of something that went wrong

It changes nothing, shows no secrets, and always exits with 0.";

/// How it is said.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct DoctorArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs every check and prints the results.
pub fn run(args: DoctorArgs, program: &Command, session: &Session) -> CommandResult {
    let checks = check_all(program, session);
    match args.format {
        Format::Json => {
            print_json(&json!({ "version": env!("CARGO_PKG_VERSION"), "checks": checks }))
        }
        Format::Table => print(&checks.iter().map(line).collect::<String>()),
    }
}

/// Width of the columns before what was found.
const INDENT: usize = 19;

fn line(Check { name, found }: &Check) -> String {
    let state = match found.state {
        State::Ok => "ok   ",
        State::None => "none ",
        State::Problem => "problem:",
    };
    let beside = |what: String| wrapped(&what, INDENT) + "\n";
    let hint = found.hint.as_ref().map(|hint| beside(format!("{:<12} hint: {hint}", "")));
    beside(format!("{name:<12} {state} {}", found.text)) + &hint.unwrap_or_default()
}
