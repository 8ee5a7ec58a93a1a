//! `kennel report`.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_core::Task;
use kennel_infer::InferError;
use kennel_report::{
    COLUMNS, CheckKind, Comparison, LEAST, NUMBERS, Report, Shows, Written, render_comparison,
    rows, write_report,
};
use kennel_study::Undrawn;
use serde_json::json;

use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::folders::{RESULTS_DIR, RUNS_DIR};
use crate::hints::Kennel;
use crate::interrupt;
use crate::lang::LangArg;
use crate::output::{Format, Stream, columns_that_fit, print, print_json, wrapped};
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel report
  kennel report --runs runs --out results --against published-results
  kennel report --lang ru";

/// What a report is made of, and where it goes.
#[derive(Args)]
pub struct PlaceArgs {
    /// Folder of runs
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    pub runs: PathBuf,
    /// Folder for metrics/, plots/ and report.html
    #[arg(long, value_name = "DIR", env = "KENNEL_RESULTS", hide_env_values = true, default_value = RESULTS_DIR)]
    pub out: PathBuf,
    /// Compare with the *_results.json files of this folder
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
    /// Leave out the pictures of where the network looks, which need the photos and the checkpoint
    /// of the best run
    #[arg(long)]
    no_heat_maps: bool,
    /// Leave out the map of the photos, which needs the same
    #[arg(long)]
    no_map: bool,
    #[command(flatten)]
    pub language: LangArg,
}

impl PlaceArgs {
    /// Returns which of the drawings that need a network are shown.
    pub fn shows(&self) -> Shows {
        Shows { heat_maps: !self.no_heat_maps, photo_map: !self.no_map }
    }
}

/// What is reported, and where.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ReportArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads the runs and writes the report.
pub fn run(args: ReportArgs, session: &Session) -> CommandResult {
    let PlaceArgs { runs, out, against, language, .. } = &args.place;
    let report = Report::read(runs, against.as_deref(), &Kennel)?.with_labels_in(out)?;
    let report = report.showing(args.place.shows());
    tell_left_out(&report.comparison, session);
    draw_what_is_undrawn(&report, &args.device, session)?;
    let written = write_report(&report, out, language.lang, &Kennel)?;
    tell_written(&report, &written, out, session);
    match args.format {
        Format::Json => print_json(&json!({
            "report": written.page.display().to_string(),
            "metrics": out.join("metrics").display().to_string(),
            "plots": out.join("plots").display().to_string(),
            "best": report.comparison.best,
        })),
        Format::Table => {
            print(&format!("{}\nreport  {}\n", render(&report), written.page.display()))
        }
    }
}

/// Draws what the report shows and its run does not hold, or prints why it has none.
fn draw_what_is_undrawn(report: &Report, device: &DeviceArg, session: &Session) -> CommandResult {
    let undrawn = Undrawn::in_report(report);
    if undrawn.is_empty() {
        return Ok(());
    }
    let compute = device.open(session)?;
    for undrawn in undrawn {
        match undrawn.draw(&compute, Task::new(interrupt::listen(session), &|_| {})) {
            Err(error) if matches!(*error, InferError::Stopped(_)) => {
                shout!("stopped before the report was written");
                return Err(Failure::Interrupted(""));
            }
            Err(error) => tell_not_drawn(undrawn.name(), &error, session),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Prints to stderr why the report lacks a drawing.
pub fn tell_not_drawn(what: &str, reason: &InferError, session: &Session) {
    say!(session, "note: the report has no {what}: {reason}");
}

/// Prints to stderr which runs are left out.
pub fn tell_left_out(comparison: &Comparison, session: &Session) {
    for out in &comparison.left_out {
        say!(session, "left out: {}: {}", out.run, out.reason);
    }
    if comparison.left_out.iter().any(|out| out.is_of_other_photos) {
        say!(
            session,
            "hint: runs on other test photos have a report of their own in a folder of their own: \
             --runs DIR"
        );
    }
}

/// Prints to stderr what the figures lack (missing photos; characters of the PNG figures that no
/// font has) and which runs outside the report still have files in `out`.
pub fn tell_written(report: &Report, written: &Written, out: &Path, session: &Session) {
    if let Some(first) = written.others.first() {
        say!(
            session,
            "note: {} also holds results of runs that are not in this report ({}, such as \
             {first}): delete those files, or choose another --out",
            out.display(),
            written.others.len(),
        );
    }
    for check in report.checks.iter().filter(|check| check.kind == CheckKind::Pictures) {
        say!(session, "note: {}", check.text);
    }
    let boxes = &written.boxes;
    if boxes.is_empty() {
        return;
    }
    let shown = |&c: &char| {
        if c.is_alphanumeric() { c.to_string() } else { c.escape_unicode().to_string() }
    };
    let shown: String = boxes.iter().take(20).map(shown).collect();
    say!(
        session,
        "note: no font of this machine has characters such as {shown}: the PNG figures show boxes in their place, the SVG figures and the page do not\n\
         hint: install one, such as fonts-noto-cjk, and run `kennel report` again"
    );
}

/// Indentation of the lines after a sentence's first.
const INDENT: usize = 2;

/// Renders the table of all runs and the comparisons between them.
pub fn render(report: &Report) -> String {
    let mut text =
        columns_that_fit(Stream::Out, COLUMNS, &rows(&report.comparison), &NUMBERS, &LEAST);
    text.push('\n');
    for line in render_comparison(&report.comparison) {
        text += &format!("{}\n", wrapped(&line, INDENT));
    }
    for published in &report.against {
        for pair in &published.pairs {
            text += &format!("{}\n", wrapped(&pair.verdict, INDENT));
        }
    }
    for check in report.checks.iter().filter(|check| check.level == kennel_report::Level::Warning) {
        let warning = format!("Warning, {}: {}", check.title.to_lowercase(), check.text);
        text += &format!("\n{}\n", wrapped(&warning, INDENT));
    }
    text
}

/// `kennel evaluate --compare-all`: prints the comparison and writes nothing.
pub fn compare_all(
    runs: &Path,
    against: Option<&Path>,
    format: Format,
    session: &Session,
) -> Result<(), Failure> {
    let report = Report::read(runs, against, &Kennel)?;
    tell_left_out(&report.comparison, session);
    match format {
        Format::Json => print_json(&report),
        Format::Table => print(&render(&report)),
    }
}
