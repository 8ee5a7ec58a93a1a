//! Prints the plan of a study.

use kennel_auto::{Rates, estimate_s};
use kennel_core::{Manifest, Split};
use kennel_data::Dataset;
use kennel_infer::Compute;
use kennel_study::{Experiment, State};
use serde::Serialize;
use serde_json::json;

use super::RunArgs;
use crate::commands::train::toml_of;
use crate::failure::CommandResult;
use crate::output::{Format, Level, Stream, columns_that_fit, print, print_json};
use crate::session::Session;

/// Prints the photos and the plan: on stdout for a dry run, otherwise on stderr.
pub fn tell_plan(
    args: &RunArgs,
    experiments: &[Experiment],
    data: &Dataset,
    compute: &Compute,
    session: &Session,
) -> CommandResult {
    // Estimates take seconds, so they are made only if they are printed.
    if !args.dry_run && !session.prints(Level::Normal) {
        return Ok(());
    }
    tell_photos(data, session);
    let plan = planned(experiments, data.manifest(), compute);
    match (args.dry_run, args.format) {
        (true, Format::Json) => print_json(&json!({ "experiments": plan })),
        (true, Format::Table) => print(&render(&plan, Stream::Out)),
        (false, _) => {
            say!(session, "{}", render(&plan, Stream::Err).trim_end());
            Ok(())
        }
    }
}

fn tell_photos(data: &Dataset, session: &Session) {
    let counts = data.manifest().counts(None);
    let of = |split: Split| counts.of(split);
    say!(
        session,
        "photos     {}: {} train, {} val, {} test in {} classes",
        data.root().display(),
        of(Split::Train),
        of(Split::Val),
        of(Split::Test),
        data.classes().len()
    );
}

/// The plan's row for an experiment.
#[derive(Serialize)]
struct Planned<'a> {
    /// Its place in the whole plan, from 1.
    index: usize,
    experiment: &'a str,
    /// `finished`, `finished, its network is gone`, `resumes`, `new` or `cannot be run`.
    state: &'static str,
    /// The run that is finished or will be resumed.
    run: Option<String>,
    learning_rate: Option<f64>,
    epochs: Option<usize>,
    /// Estimated seconds of a new experiment.
    about_s: Option<f64>,
    /// Its settings, as `kennel train --config` reads them.
    config: Option<String>,
    /// Why it cannot be run.
    reason: Option<&'a str>,
}

fn planned<'a>(
    experiments: &'a [Experiment],
    photos: &Manifest,
    compute: &Compute,
) -> Vec<Planned<'a>> {
    let counts = photos.counts(None);
    let mut rates = Rates::default();
    let planned = |Experiment { place, label, settings, state, .. }: &'a Experiment| {
        let unknown = Planned {
            index: place.index,
            experiment: label,
            state: "cannot be run",
            run: None,
            learning_rate: None,
            epochs: None,
            about_s: None,
            config: settings.as_ref().ok().and_then(|settings| toml_of(settings).ok()),
            reason: None,
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(reason) => return Planned { reason: Some(reason), ..unknown },
        };
        let (state, run, about_s) = match state {
            State::Finished(run) if run.best_weights().is_file() => {
                ("finished", Some(run.name()), None)
            }
            // This run is in the report but cannot be exported.
            State::Finished(run) => ("finished, its network is gone", Some(run.name()), None),
            State::Begun(run) => ("resumes", Some(run.name()), None),
            // If the measurement fails, the experiment reports the error when it runs, and the
            // others continue. How many of its features are cached is only known once its network
            // is loaded.
            State::New => ("new", None, estimate_s(settings, counts, 0, &mut rates, compute).ok()),
        };
        let (learning_rate, epochs) = (Some(settings.learning_rate), Some(settings.epochs));
        Planned { state, run, learning_rate, epochs, about_s, ..unknown }
    };
    experiments.iter().map(planned).collect()
}

/// Renders a row for each experiment, and the estimated time of all new ones.
fn render(plan: &[Planned], stream: Stream) -> String {
    let row = |planned: &Planned| {
        let state =
            planned.about_s.map(|seconds| format!("about {}", kennel_core::duration(seconds)));
        let rate = planned.learning_rate.map_or_else(String::new, |rate| format!("{rate:e}"));
        let epochs = planned.epochs.map_or_else(String::new, |epochs| epochs.to_string());
        [
            planned.experiment.to_string(),
            rate,
            epochs,
            state.unwrap_or_else(|| planned.state.into()),
            planned.run.clone().unwrap_or_default(),
        ]
    };
    let header = match plan.iter().any(|planned| planned.run.is_some()) {
        true => ["experiment", "lr", "epochs", "state", "run"],
        false => ["experiment", "lr", "epochs", "", ""],
    };
    let rows: Vec<_> = plan.iter().map(row).collect();
    let table = columns_that_fit(stream, header, &rows, &[1, 2], &[4, 1, 2]);
    match plan.iter().filter_map(|planned| planned.about_s).sum::<f64>() {
        0.0 => format!("{table}\n"),
        all => format!(
            "{table}\nabout {} for what is new, less where features are kept already\n",
            kennel_core::duration(all)
        ),
    }
}
