//! `kennel run`: a study, from its photos to its report and the ONNX file of its best network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use kennel_core::{
    Manifest, Method, PartialSettings, RunDir, SettingsError, Split, Strategy, Task, Weights, files, quoted,
};
use kennel_data::{DataError, Dataset};
use kennel_export::{ExportOptions, Exported, export};
use kennel_infer::{Compute, ZeroShotOptions, manifest_digest, zero_shot};
use kennel_models::{architecture, cached_weights, locate_weights};
use kennel_report::{PublishedResults, Report, read_published, write_report};
use kennel_train::{Control, Outcome, TrainError, TrainOptions, check_splits, resume, train};
use serde::Serialize;
use serde_json::json;
use toml::{Table, Value};

use super::report::{PlaceArgs, render, tell_left_out, tell_written};
use super::train::toml_of;
use crate::cache::CacheArgs;
use crate::data::{self, DataArg};
use crate::device::DeviceArg;
use crate::failure::Failure;
use crate::hints::{Kennel, hint_did_you_mean, worded};
use crate::lists::{pairs_of, rate, trimmed};
use crate::output::{Format, Level, Stream, columns_that_fit, print, print_json};
use crate::progress::say_stage;
use crate::resolve::{MODELS_DIR, read_settings};
use crate::study::{Existing, Experiment, Rates, State, Study, estimate_s, plan};
use crate::tensorboard::Watcher;
use crate::{CommandResult, interrupt};

const EXAMPLE: &str = "\
Examples:
  kennel run --data data/processed                       the six published experiments
  kennel run --models mobilenetv2_100 --weights mobilenetv2_100=DIR --seeds 42,43,44
  kennel run --models resnet50 --strategies freeze --learning-rates 3e-4,1e-3,3e-3
  kennel run --models resnet50 --set batch_size=16,32 --set optimizer.name=adamw --dry-run

The same command resumes where it was stopped. The report covers every finished run in --runs on the same test photos; the \
exported network is the best of them.";

/// What a study is made of.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct RunArgs {
    #[command(flatten)]
    data: DataArg,
    /// Architectures [default: from --config, or resnet50,efficientnet_b0]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...", value_parser = trimmed)]
    models: Vec<String>,
    /// Strategies: freeze, partial, full [default: from --config, or all three]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...", value_parser = trimmed)]
    strategies: Vec<String>,
    /// Seeds [default: from --config, or 42]
    #[arg(long, value_delimiter = ',', value_name = "SEED,...")]
    seeds: Vec<u32>,
    /// Pretrained weights of one architecture; may repeat
    #[arg(long, value_name = "MODEL=DIR|FILE|TAG")]
    weights: Vec<String>,
    /// Peak learning rates to try; validation chooses the best
    #[arg(long, value_delimiter = ',', value_name = "RATE,...", visible_alias = "lrs", value_parser = rate)]
    learning_rates: Vec<f64>,
    /// Any other setting of config.toml, with one value or several to try; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE,...")]
    settings: Vec<String>,
    /// Passes over the training photos
    #[arg(long)]
    epochs: Option<u32>,
    /// Settings for all experiments, as a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Train everything again; existing runs stay
    #[arg(long)]
    force: bool,
    /// Print the plan (and download missing weights), train nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: PlaceArgs,
    /// Folder for the best network's ONNX file
    #[arg(long, value_name = "DIR", env = "KENNEL_MODELS", hide_env_values = true, default_value = MODELS_DIR)]
    export_dir: PathBuf,
    /// Write TensorBoard event files into every run
    #[arg(long)]
    tensorboard: bool,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An experiment that failed, and why.
struct Failed {
    label: String,
    reason: String,
}

impl Failed {
    /// Returns the failure of an experiment with invalid settings.
    fn before_it_began(experiment: &Experiment) -> Option<Self> {
        let reason = experiment.settings.as_ref().err()?.clone();
        Some(Failed { label: experiment.label.clone(), reason })
    }
}

/// Groups failures by reason, one sentence each: `resnet50 freeze; resnet50 full: no space left`.
fn by_reason(failed: &[Failed]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Failed { label, reason } in failed {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason, vec![label])),
        }
    }
    reasons.into_iter().map(|(reason, labels)| format!("{}: {reason}", labels.join("; "))).collect()
}

fn tell_failed(failed: &[Failed]) {
    for reason in by_reason(failed) {
        shout!("failed: {reason}");
    }
}

/// Plans the experiments, trains those that are not finished, compares, reports and exports.
pub fn run(args: RunArgs) -> CommandResult {
    let study = args.study()?;
    let data_dir = study.base.data_dir.as_ref();
    let data_dir = data_dir.map_or_else(|| args.data.dir().to_path_buf(), PathBuf::from);
    // Check the photos before `plan` fetches weights.
    let data = data::open(&data_dir)?;
    check_splits(&data_dir, data.manifest().counts(None))?;
    let mut experiments = plan(&study)?;
    for experiment in &mut experiments {
        experiment.check_classes(&data);
    }
    let existing = Existing::read(&args.place.runs, &manifest_digest(&data)?)?;
    let options = TrainOptions {
        compute: args.device.open()?,
        cache: Some(args.cache.options()),
        data: Some(data.clone()),
    };

    let states: Vec<State> = experiments
        .iter()
        .map(|experiment| match (&experiment.settings, args.force) {
            (Ok(settings), false) => existing.state(settings),
            _ => State::New,
        })
        .collect();
    if args.dry_run || Level::chosen() > Level::Quiet {
        say_photos(&data);
        let plan = planned(&experiments, &states, data.manifest(), &options.compute);
        match (args.dry_run, args.format) {
            (true, Format::Json) => print_json(&json!({ "experiments": plan }))?,
            (true, Format::Table) => print(&render_plan(&plan, Stream::Out))?,
            (false, _) => say!("{}", render_plan(&plan, Stream::Err).trim_end()),
        }
    }
    let mut failed: Vec<Failed> = experiments.iter().filter_map(Failed::before_it_began).collect();
    for reason in by_reason(&failed) {
        shout!("cannot be run: {reason}");
    }
    if failed.len() == experiments.len() {
        let is_here = |model: &String| {
            let asked = study.weights.get(model);
            let is_found = |model| locate_weights(model, asked.map(Weights::as_str)).is_ok();
            asked == Some(&Weights::Random) || architecture(model).is_ok_and(is_found)
        };
        if study.models.iter().all(is_here) {
            return Err(Failure::Failed("nothing of this study can be run".into()));
        }
        // An unreadable cache counts as empty.
        let here = cached_weights().map(|(_, names)| names.join(", ")).unwrap_or_default();
        let hint = match here.as_str() {
            "" => "without a network: kennel demo".into(),
            names => format!("weights on this machine: {names}; their networks are chosen with --models"),
        };
        return Err(Failure::Failed(format!("nothing of this study can be run\nhint: {hint}")));
    }
    if args.dry_run {
        return if failed.is_empty() { Ok(()) } else { Err(Failure::Partly) };
    }
    // Check what would make the report fail before hours of training.
    let published = args.place.against.as_deref().map(read_published).transpose()?.unwrap_or_default();
    check_can_be_made(&args.place.out)?;
    check_can_be_made(&args.export_dir)?;
    let mut watcher = Watcher::new(args.tensorboard);
    let stop = interrupt::listen();
    if !args.force {
        interrupt::goes_on_with("the same command");
    }
    let mut control = Control { stop, observer: &mut watcher };
    failed.extend(baselines(&args, &study, &data, &existing, &options, &mut control)?);
    let mut finished = 0;
    for (index, (experiment, state)) in experiments.iter().zip(states).enumerate() {
        let Experiment { label, settings } = experiment;
        let Ok(settings) = settings else { continue };
        let outcome = match state {
            State::Finished(run) => {
                run.tidy();
                finished += 1;
                continue;
            }
            State::Begun(run) => {
                say!("\nexperiment {} of {}: {label}, goes on", index + 1, experiments.len());
                resume(run, None, &options, &mut control)
            }
            State::New => {
                say!("\nexperiment {} of {}: {label}", index + 1, experiments.len());
                detail!("{}", toml_of(settings)?.trim_end());
                train(settings, &args.place.runs, &options, &mut control)
            }
        };
        match outcome {
            Ok(Outcome::Finished { .. }) => finished += 1,
            Ok(Outcome::Interrupted { run, epochs }) => {
                // With --force the same command would train everything again; without it, an older
                // finished run could count instead of this one.
                let way_on = match args.force {
                    true => format!("kennel train --resume {}", quoted(&run.path().to_string_lossy())),
                    false => "the same command goes on from there".into(),
                };
                shout!("stopped {} of {label}\nhint: {way_on}", interrupt::after(epochs));
                return Err(Failure::Interrupted(""));
            }
            Err(TrainError::Data(DataError::Stopped(_))) => {
                shout!(
                    "stopped while the photos of {label} were checked\nhint: {} goes on from there",
                    way_on(args.force)
                );
                return Err(Failure::Interrupted(""));
            }
            Err(error) => {
                let reason = worded(&error);
                shout!("failed: {label}: {reason}");
                failed.push(Failed { label: label.clone(), reason });
            }
        }
    }
    drop(watcher);
    if finished == 0 {
        tell_failed(&failed);
        return Err(Failure::Failed("nothing of this study was trained".into()));
    }
    finish(&args, published, &data, &failed, stop)
}

/// The command that skips all finished runs and does the rest.
fn way_on(force: bool) -> &'static str {
    if force { "the same command without --force" } else { "the same command" }
}

/// Checks that a folder for later output can be created. Removes it again if it is new, so that a
/// stop leaves no empty folder.
fn check_can_be_made(out: &Path) -> CommandResult {
    let was_there = out.exists();
    files::create_dir_all(out)?;
    if !was_there {
        // If another process has put a file into it meanwhile, it stays.
        let _ = std::fs::remove_dir(out);
    }
    Ok(())
}

/// Writes the report, exports the best network and prints what failed.
fn finish(
    args: &RunArgs,
    published: Vec<PublishedResults>,
    data: &Dataset,
    failed: &[Failed],
    stop: &AtomicBool,
) -> CommandResult {
    let report = match Report::of(&args.place.runs, published, Some(data.manifest()), &Kennel) {
        Ok(report) => report,
        Err(error) => {
            tell_failed(failed);
            return Err(error.into());
        }
    };
    tell_left_out(&report.comparison);
    let written = write_report(&report, &args.place.out, &Kennel)?;
    tell_written(&report, &written, &args.place.out);
    let exported = match report.comparison.best.as_deref() {
        Some(best) => export_best(&args.place.runs.join(best), args, data, stop).map(Some),
        None => Ok(None),
    };
    let file = exported.as_ref().ok().and_then(Option::as_ref);
    match args.format {
        Format::Json => print_json(&json!({
            "report": written.page.display().to_string(),
            "best": report.comparison.best,
            "onnx": file.map(|file| file.path.display().to_string()),
            "comparison": report.comparison,
            "failed": failed.iter().map(|failed| json!({ "experiment": failed.label, "reason": failed.reason })).collect::<Vec<_>>(),
        }))?,
        Format::Table => {
            let file = file.map(|file| format!("\n{}", super::export::render(file))).unwrap_or_default();
            print(&format!("{}\nreport  {}\n{file}", render(&report), written.page.display()))?;
        }
    }
    tell_failed(failed);
    if let Err(Failure::Interrupted(_)) = exported {
        shout!(
            "stopped before the best network was exported\nhint: {} goes on from there",
            way_on(args.force)
        );
        return Err(Failure::Interrupted(""));
    }
    if let Err(failure) = &exported {
        shout!("failed: the best network was not exported: {}", failure.message().unwrap_or_default());
    }
    if failed.is_empty() && exported.is_ok() { Ok(()) } else { Err(Failure::Partly) }
}

/// Exports the best network as a float file.
fn export_best(run: &Path, args: &RunArgs, data: &Dataset, stop: &AtomicBool) -> Result<Exported, Failure> {
    let run = RunDir::open(run)?;
    let model = run.read_record()?.settings.model;
    say!("\nexport     {}", run.path().display());
    let options = ExportOptions {
        data_dir: Some(data.root().into()),
        ..ExportOptions::float(args.export_dir.join(format!("best_model_{model}.onnx")))
    };
    Ok(export(&run, &options, &worded, Task::new(stop, &say_stage))?)
}

fn say_photos(data: &Dataset) {
    let counts = data.manifest().counts(None);
    let of = |split: Split| counts.of(split);
    say!(
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
    experiment: &'a str,
    /// `finished`, `finished, its network is gone`, `goes on`, `new` or `cannot be run`.
    state: &'static str,
    /// The run that is finished or will be resumed.
    run: Option<String>,
    learning_rate: Option<f64>,
    epochs: Option<usize>,
    /// Estimated seconds of a new experiment.
    about_s: Option<f64>,
    /// Why it cannot be run.
    reason: Option<&'a str>,
}

fn planned<'a>(
    experiments: &'a [Experiment],
    states: &[State],
    photos: &Manifest,
    compute: &Compute,
) -> Vec<Planned<'a>> {
    let counts = photos.counts(None);
    let mut rates = Rates::default();
    let mut planned = |(Experiment { label, settings }, state): (&'a Experiment, &State)| {
        let unknown = Planned {
            experiment: label,
            state: "cannot be run",
            run: None,
            learning_rate: None,
            epochs: None,
            about_s: None,
            reason: None,
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(reason) => return Planned { reason: Some(reason), ..unknown },
        };
        let (state, run, about_s) = match state {
            State::Finished(run) if run.best_weights().is_file() => ("finished", Some(run.name()), None),
            // This run is in the report but cannot be exported.
            State::Finished(run) => ("finished, its network is gone", Some(run.name()), None),
            State::Begun(run) => ("goes on", Some(run.name()), None),
            // If the measurement fails, the experiment reports the error when it runs, and the
            // others continue. How many of its features are cached is only known once its network
            // is loaded.
            State::New => ("new", None, estimate_s(settings, counts, 0, &mut rates, compute).ok()),
        };
        let (learning_rate, epochs) = (Some(settings.learning_rate), Some(settings.epochs));
        Planned { state, run, learning_rate, epochs, about_s, ..unknown }
    };
    experiments.iter().zip(states).map(&mut planned).collect()
}

/// Renders a row for each experiment, and the estimated time of all new ones.
fn render_plan(plan: &[Planned], stream: Stream) -> String {
    let row = |planned: &Planned| {
        let state = planned.about_s.map(|seconds| format!("about {}", kennel_core::duration(seconds)));
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

/// Evaluates the untouched head of every model, if the classes are ImageNet's and no such run
/// exists.
fn baselines(
    args: &RunArgs,
    study: &Study,
    data: &Dataset,
    existing: &Existing,
    options: &TrainOptions,
    control: &mut Control,
) -> Result<Vec<Failed>, Failure> {
    let none = BTreeMap::new();
    if data.manifest().match_imagenet(&none).is_err() {
        return Ok(Vec::new());
    }
    let counts = data.manifest().counts(None);
    let splits: Vec<Split> =
        [Split::Val, Split::Test].into_iter().filter(|split| counts.of(*split) > 0).collect();
    let mut failed = Vec::new();
    for model in study.models.iter().collect::<BTreeSet<_>>() {
        let weights = study.weights.get(model);
        // The experiments report missing weights.
        let found = locate_weights(architecture(model)?, weights.map(Weights::as_str));
        let Ok(source) = found else { continue };
        // The head of a fine-tuned run is not ImageNet's.
        let is_untouched = weights != Some(&Weights::Random) && source.fine_tuned_in.is_none();
        if !is_untouched || existing.has_zero_shot(model, &source.name.as_str().into(), &splits) {
            continue;
        }
        let label = format!("{model} {}", Method::ZeroShot);
        say!("\nbaseline: {label}");
        let asked = ZeroShotOptions { model, weights: &source.name, data, splits: &splits, synsets: &none };
        match zero_shot(&asked, &args.place.runs, &options.compute, &mut control.inference()) {
            Ok(Some(_)) => {}
            Ok(None) => {
                shout!("stopped before the end of {label}\nhint: the same command goes on from there");
                return Err(Failure::Interrupted(""));
            }
            Err(error) => failed.push(Failed { label, reason: worded(&error) }),
        }
    }
    Ok(failed)
}

impl RunArgs {
    /// Returns the study that the flags and the file ask for.
    fn study(&self) -> Result<Study, Failure> {
        let file = self.config.as_deref().map(read_settings).transpose()?.unwrap_or_default();
        let base = self.data.around(file);
        let epochs = self.epochs.map(|epochs| epochs as usize);
        let mut shared = PartialSettings { epochs, ..PartialSettings::default() };
        let mut grid = Vec::new();
        if !self.learning_rates.is_empty() {
            let rates = self.learning_rates.iter().copied().map(Value::Float).collect();
            grid.push(("learning_rate".to_string(), rates));
        }
        for setting in &self.settings {
            match key_and_values(setting)? {
                (key, values) if values.len() == 1 => shared.set(&key, values[0].clone())?,
                (key, values) => grid.push((key, values)),
            }
        }
        let models = match (self.models.as_slice(), &base.model) {
            ([], Some(of_file)) => vec![of_file.clone()],
            ([], None) => ["resnet50", "efficientnet_b0"].map(String::from).into(),
            (typed, _) => typed.to_vec(),
        };
        let strategies = match (self.strategies.as_slice(), base.strategy) {
            ([], Some(of_file)) => vec![of_file.strategy().ok_or(SettingsError::TrainsNothing)?],
            ([], None) => Strategy::ALL.into(),
            (typed, _) => typed.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        };
        let mut weights = BTreeMap::new();
        for pair in self.weights.iter().flat_map(|pairs| pairs_of(pairs)) {
            let (model, path) = pair.split_once('=').ok_or_else(|| {
                Failure::Usage(format!(
                    "--weights {pair}: expected MODEL=PATH, such as resnet50=weights/resnet50"
                ))
            })?;
            if !models.iter().any(|known| known == model) {
                let hint = hint_did_you_mean(model, models.iter().map(String::as_str));
                return Err(Failure::Usage(format!("--weights {pair}: `{model}` is none of --models{hint}")));
            }
            weights.insert(model.to_string(), path.into());
        }
        let seeds = self.seeds.clone();
        Ok(Study { base, shared, models, weights, strategies, grid, seeds })
    }
}

/// Parses `batch_size=16,32` into a key and its values: TOML values if possible, otherwise text.
fn key_and_values(setting: &str) -> Result<(String, Vec<Value>), Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "--set {setting}: expected KEY=VALUE, such as batch_size=16 or batch_size=16,32"
        ))
    };
    let (key, values) = setting.split_once('=').ok_or_else(wrong)?;
    let (key, values) = (key.trim(), values.trim());
    if key.is_empty() || values.is_empty() {
        return Err(wrong());
    }
    let own_flag = match key {
        "model" => "--models",
        "strategy" => "--strategies",
        "seed" => "--seeds",
        "learning_rate" => "--learning-rates",
        "weights" => "--weights",
        "data_dir" => "--data",
        _ => "",
    };
    if !own_flag.is_empty() {
        return Err(Failure::Usage(format!("--set {setting}: `{key}` is given with {own_flag}")));
    }
    let read = toml::from_str::<Table>(&format!("values = [{values}]"));
    let list = match read.ok().and_then(|mut table| table.remove("values")) {
        Some(Value::Array(list)) => list,
        _ => values.split(',').map(|value| Value::String(value.trim().into())).collect(),
    };
    Ok((key.into(), list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_where_they_are_and_text_where_not() {
        let of = |setting: &str| key_and_values(setting).unwrap().1;
        assert_eq!(of("batch_size=16,32"), [Value::Integer(16), Value::Integer(32)]);
        assert_eq!(
            of("optimizer.name=sgd,adam"),
            [Value::String("sgd".into()), Value::String("adam".into())]
        );
        assert_eq!(of("optimizer.betas=[0.9, 0.99]").len(), 1);
        assert_eq!(key_and_values(" epochs = 5").unwrap(), ("epochs".into(), vec![Value::Integer(5)]));
        for wrong in ["batch_size", "=16", "batch_size="] {
            assert!(key_and_values(wrong).is_err(), "{wrong}");
        }
    }
}
