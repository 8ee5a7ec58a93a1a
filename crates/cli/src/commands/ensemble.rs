//! `kennel ensemble`.

use std::path::PathBuf;

use clap::Args;
use kennel_auto::{
    Ensemble, EnsembleError, EnsembleRecord, Member, Soup, SoupPlace, Versus, cook, place_of,
    read_members,
};
use kennel_core::task::Event;
use kennel_core::{Split, Task, quoted};
use kennel_export::{EnsembleOptions, Exported, export_ensemble};
use kennel_metrics::format_proportion;
use kennel_report::{LEVEL, p_equals};
use kennel_train::TrainOptions;
use serde_json::json;

use super::evaluate;
use super::export::render as render_export;
use crate::chosen_run::open_run;
use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::folders::RUNS_DIR;
use crate::hints::worded;
use crate::interrupt;
use crate::output::{Format, columns, print, print_json, wrapped};
use crate::progress::{Terminal, say_stage};
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel ensemble runs/*-full-s42 runs/*-full-s43           probabilities, averaged
  kennel ensemble runs/*-resnet50-* --greedy                of those that help on validation photos
  kennel ensemble RUN RUN --export models/ensemble.onnx     all networks in one file
  kennel ensemble runs/*-resnet50-*-s42 --soup              weights, averaged: a new run

The runs must have predicted the same photos, in the same division. The result is compared with the best of them by \
validation accuracy.";

/// Which runs, and how they are averaged.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct EnsembleArgs {
    /// Directories of finished runs
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    members: Vec<PathBuf>,
    /// Add runs one after another by validation loss, as long as it falls; a run may be added again
    #[arg(long)]
    greedy: bool,
    /// Average the weights instead of the probabilities, of runs that began with the same weights:
    /// those of the run with the lowest validation loss, and of each that does not raise it
    #[arg(long, conflicts_with_all = ["greedy", "export"])]
    soup: bool,
    /// New folder for predictions and evaluation; with --soup that of the new run [default there:
    /// one in --runs]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write all networks and their average as one ONNX file, checked on photos
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// With --soup: folder of runs
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    runs: PathBuf,
    /// With --soup or --export: the runs' photos, where they have moved
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Averages runs and says whether that is better than the best of them.
pub fn run(args: EnsembleArgs, session: &Session) -> CommandResult {
    if let Some(path) = &args.export
        && path.extension().is_none_or(|extension| extension != "onnx")
    {
        return Err(Failure::Usage(format!(
            "--export {}: expected a name that ends in .onnx",
            path.display()
        )));
    }
    let runs = args.members.iter().map(|path| open_run("RUN", path, &args.runs));
    let members = read_members(&runs.collect::<Result<Vec<_>, _>>()?)?;
    match args.soup {
        true => soup(&members, &args, session),
        false => probabilities(&members, &args, session),
    }
}

fn probabilities(members: &[Member], args: &EnsembleArgs, session: &Session) -> CommandResult {
    let ensemble = Ensemble::of(members, args.greedy)?;
    if let Some(folder) = &args.out {
        ensemble.write(folder)?;
    }
    if args.format == Format::Table {
        print(&render(members, &ensemble))?;
        if let Some(folder) = &args.out {
            say!(session, "written    {}", folder.display());
        }
    }
    let exported = match &args.export {
        Some(path) => Some(export(members, &ensemble, path.clone(), args, session)?),
        None => None,
    };
    match args.format {
        Format::Table => exported.map_or(Ok(()), |exported| print(&render_export(&exported))),
        Format::Json => print_json(&json!({
            "ensemble": ensemble.record,
            "evaluation": ensemble.evaluation,
            "out": args.out.as_ref().map(|folder| folder.display().to_string()),
            "export": exported.map(|exported| json!({
                "path": exported.path.display().to_string(),
                "parity": exported.parity,
            })),
        })),
    }
}

fn export(
    members: &[Member],
    ensemble: &Ensemble,
    path: PathBuf,
    args: &EnsembleArgs,
    session: &Session,
) -> Result<Exported, Failure> {
    let weights = ensemble.record.members.iter().map(|member| member.weight);
    let parts: Vec<_> = members
        .iter()
        .zip(weights)
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(member, weight)| (member.run.clone(), weight))
        .collect();
    let options = EnsembleOptions {
        path,
        test_accuracy: ensemble.evaluation.test.as_ref().map(|test| test.accuracy),
        data_dir: args.data.clone(),
    };
    let on = |event: Event<'_>| say_stage(event, session);
    Ok(export_ensemble(&parts, &options, &worded, Task::new(interrupt::listen(session), &on))?)
}

/// Renders the members, the steps of the selection, the evaluation and the verdict.
fn render(members: &[Member], ensemble: &Ensemble) -> String {
    let EnsembleRecord { members: records, steps, against, .. } = &ensemble.record;
    let rows = members.iter().zip(records).map(|(member, record)| {
        [
            record.run.clone(),
            format!("{:.3}", record.weight),
            format_proportion(&member.val_evaluation.accuracy),
            format!("{:.4}", record.val_loss),
            format!("{:.2}", record.temperature),
        ]
    });
    let header = ["run", "weight", "val", "loss", "temperature"];
    let mut text = columns(header, rows.collect(), &[1, 3, 4]) + "\n";
    if let Some(steps) = steps {
        let rows = steps.iter().enumerate().map(|(index, step)| {
            [(index + 1).to_string(), step.run.clone(), format!("{:.4}", step.val_loss)]
        });
        text += &columns(["step", "added", "loss of the average"], rows.collect(), &[0, 2]);
        text.push('\n');
    }
    text += &evaluate::render(&ensemble.evaluation, against.split, None);
    text + "\n" + &verdict("the ensemble", against)
}

fn soup(members: &[Member], args: &EnsembleArgs, session: &Session) -> CommandResult {
    let (runs, name) = match &args.out {
        Some(path) => place_of(path),
        None => (args.runs.clone(), None),
    };
    let place = SoupPlace { runs, name, data_dir: args.data.clone() };
    let compute = args.device.open(session)?;
    let options = TrainOptions::new(compute);
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let soup = cook(members, &place, &options, Task::new(interrupt::listen(session), &on))?;
    drop(terminal);
    match args.format {
        Format::Table => print(&render_soup(members, &soup)),
        Format::Json => print_json(&json!({
            "tried": soup.tried,
            "run": soup.run.as_ref().map(|made| made.run.path().display().to_string()),
            "evaluation": soup.run.as_ref().map(|made| &made.evaluation),
            "against": soup.run.as_ref().map(|made| &made.against),
        })),
    }
}

fn render_soup(members: &[Member], soup: &Soup) -> String {
    let photos = members[0].val.len();
    let rows = soup.tried.iter().map(|tried| {
        [
            if tried.is_kept { "*".into() } else { String::new() },
            tried.run.clone(),
            format!("{}/{photos}", tried.val_correct),
            format!("{:.4}", tried.val_loss),
        ]
    });
    let header = ["", "average with", "val", "loss"];
    let mut text = columns(header, rows.collect(), &[2, 3]) + "\n";
    match &soup.run {
        None => {
            text += &format!(
                "no average has a validation loss as low as {} alone: nothing was written\n",
                soup.tried[0].run
            );
        }
        Some(made) => {
            let path = made.run.path();
            text += &format!("run   {}\n", path.display());
            text += &evaluate::render(&made.evaluation, made.against.split, None);
            text = text + "\n" + &verdict("the soup", &made.against);
            let run = quoted(&path.to_string_lossy());
            text += &format!("`kennel export --run {run}` exports it like any other run\n");
        }
    }
    text
}

/// Says whether what was made of several runs is better than the best of them.
fn verdict(what: &str, against: &Versus) -> String {
    let Versus { run, split, gained, lost, p } = against;
    let split = if *split == Split::Test { "test" } else { "validation" };
    if gained + lost == 0 {
        let sentence = format!("no better than {run}: {what} is right on the same {split} photos");
        return wrapped(&sentence, 0) + "\n";
    }
    let photos = if *gained == 1 { "photo" } else { "photos" };
    let word = match *p < LEVEL {
        true if gained > lost => "better",
        true => "worse",
        false => "no better",
    };
    let sentence = format!(
        "{word} than {run}: {gained} {split} {photos} right that it has wrong, {lost} the other way; \
         {}",
        p_equals(*p)
    );
    wrapped(&sentence, 0) + "\n"
}

impl From<EnsembleError> for Failure {
    fn from(error: EnsembleError) -> Self {
        match error {
            EnsembleError::Train(error) => error.into(),
            EnsembleError::Members { .. } => Failure::Usage(worded(&error)),
            error => Failure::Failed(worded(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_better_is_called_so() {
        let said = |gained, lost, p| {
            let run = "RUN".into();
            verdict("the ensemble", &Versus { run, split: Split::Test, gained, lost, p })
        };
        assert_eq!(
            said(5, 4, 1.0),
            "no better than RUN: 5 test photos right that it has wrong, 4 the other way; p = 1\n"
        );
        assert_eq!(
            said(1, 0, 1.0),
            "no better than RUN: 1 test photo right that it has wrong, 0 the other way; p = 1\n"
        );
        assert!(said(12, 1, 0.003).starts_with("better than RUN: 12 test photos"));
        assert!(said(1, 12, 0.003).starts_with("worse than RUN: 1 test photo right"));
        assert_eq!(
            said(0, 0, 1.0),
            "no better than RUN: the ensemble is right on the same test photos\n"
        );
    }
}
