//! `kennel report`.

use std::path::PathBuf;

use clap::Args;
use kennel_report::{COLUMNS, NUMBERS};
use kennel_report::{Comparison, Report, render_comparison, rows, write_report};
use serde_json::json;

use crate::CommandResult;
use crate::failure::Failure;
use crate::output::{Format, columns, print, print_json};
use crate::resolve::{RESULTS_DIR, RUNS_DIR};

const EXAMPLE: &str = "\
Examples:
  kennel report
  kennel report --runs runs --out results --against published-results";

/// What is reported, and where.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ReportArgs {
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
    runs: PathBuf,
    /// Where metrics/, plots/ and report.html are written
    #[arg(long, value_name = "DIR", default_value = RESULTS_DIR)]
    out: PathBuf,
    /// Set the published *_results.json of this folder beside our runs
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// What stdout is for
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads the runs, writes the report.
pub fn run(args: ReportArgs) -> CommandResult {
    let report = Report::read(&args.runs, args.against.as_deref())?;
    tell_left_out(&report.comparison);
    let written = write_report(&report, &args.out)?;
    match args.format {
        Format::Json => print_json(&json!({
            "report": written.page.display().to_string(),
            "metrics": args.out.join("metrics").display().to_string(),
            "plots": args.out.join("plots").display().to_string(),
            "best": report.comparison.best,
        })),
        Format::Table => print(&format!("{}\nreport  {}\n", render(&report), written.page.display())),
    }
}

/// Says on stderr which runs do not take part.
pub fn tell_left_out(comparison: &Comparison) {
    for out in &comparison.left_out {
        say!("left out: {}: {}", out.run, out.reason);
    }
}

/// The table of all runs and what can be said of them.
pub fn render(report: &Report) -> String {
    let mut text = columns(COLUMNS, rows(&report.comparison), &NUMBERS);
    text.push('\n');
    for line in render_comparison(&report.comparison) {
        text += &format!("{line}\n");
    }
    for published in &report.against {
        for pair in &published.pairs {
            text += &format!("{}\n", pair.verdict);
        }
    }
    for check in report.checks.iter().filter(|check| check.level == kennel_report::Level::Warning) {
        text += &format!("\nWarning, {}: {}\n", check.title.to_lowercase(), check.text);
    }
    text
}

/// `kennel evaluate --compare-all`: all of that, and nothing written.
pub fn compare_all(
    runs: &std::path::Path,
    against: Option<&std::path::Path>,
    format: Format,
) -> Result<(), Failure> {
    let report = Report::read(runs, against)?;
    tell_left_out(&report.comparison);
    match format {
        Format::Json => print_json(&report),
        Format::Table => print(&render(&report)),
    }
}
