//! `kennel run`: a study, from its photos to its report and the ONNX file of its best network.

mod args;
mod plan;
mod words;

use std::path::PathBuf;

use kennel_core::{PartialSettings, Settings, Task, Weights, task};
use kennel_infer::manifest_digest;
use kennel_models::{architecture, cached_weights, locate_weights};
use kennel_study::{
    Claims, Concluded, Ended, Event, Existing, Experiment, Failed, Output, Study, StudyError,
    StudyOptions, Unresolved, conclude, deal,
};
use kennel_train::{TrainOptions, check_splits};
use serde_json::json;

pub use self::args::RunArgs;
use self::plan::tell_plan;
use self::words::{by_reason, tell_event, tell_failed, tell_halt, tell_shard, tell_unexported};
use super::report::render;
use crate::failure::{CommandResult, Failure};
use crate::hints::Kennel;
use crate::output::{Format, print, print_json};
use crate::progress::say_stage;
use crate::resolve::resolve;
use crate::session::Session;
use crate::tensorboard::Watcher;
use crate::{data, interrupt};

/// Plans the experiments, trains those that are not finished, compares, reports and exports.
pub fn run(args: RunArgs, session: &Session) -> CommandResult {
    let study = args.study()?;
    let data_dir = study.base.data_dir.as_ref();
    let data_dir = data_dir.map_or_else(|| args.data.dir().to_path_buf(), PathBuf::from);
    // Check the photos before weights are fetched.
    let data = data::open(&data_dir, session)?;
    check_splits(&data)?;
    let mut experiments = study.plan(|asked| resolved(asked, session))?;
    let manifest_sha256 = manifest_digest(&data)?;
    let existing = Existing::read(&args.place.runs, &manifest_sha256)?;
    let shard = args.shard.map(|shard| shard.find(|name| std::env::var(name).ok())).transpose()?;
    if let Some(found) = shard {
        let of = experiments.len();
        deal(found.shard, &mut experiments);
        tell_shard(found, experiments.len(), of, session);
        if experiments.is_empty() {
            return Ok(());
        }
    }
    for experiment in &mut experiments {
        experiment.check_classes(&data, &Kennel);
        if !args.force {
            experiment.find_run(&existing);
        }
    }
    let train = TrainOptions {
        cache: Some(args.cache.options()),
        data: Some(data.clone()),
        ..TrainOptions::new(args.device.open(session)?)
    };
    tell_plan(&args, &experiments, &data, &train.compute, session)?;
    check_any_can_be_run(&study, &experiments)?;
    if args.dry_run {
        let can_all = experiments.iter().all(|experiment| experiment.settings.is_ok());
        return if can_all { Ok(()) } else { Err(Failure::Partly) };
    }
    let output = Output::check(
        &args.place.out,
        args.place.language.lang,
        &args.export_dir,
        args.place.against.as_deref(),
    )?
    .showing(args.place.shows());
    let claims = Claims::new(&args.place.runs, &manifest_sha256);
    let options = StudyOptions {
        data: &data,
        runs: &args.place.runs,
        existing: &existing,
        claims: (shard.is_none() && !args.force).then_some(&claims),
        scores_baselines: shard.is_none_or(|found| found.shard.index() == 0),
        train,
        commands: &Kennel,
    };
    let failed = train_all(&args, &study, experiments, &options, session)?;
    if shard.is_some() {
        say!(session, "\nthis share is done; once all are, kennel report compares the runs");
        return without_report(&failed);
    }
    let claim = options.claims.map(Claims::of_report).transpose()?;
    if claim.as_ref().is_some_and(Option::is_none) {
        say!(session, "\nall experiments are done; another process writes the report");
        return without_report(&failed);
    }
    finish(&args, &options, output, &failed, session)
}

/// Ends a command that writes no report.
fn without_report(failed: &[Failed]) -> CommandResult {
    tell_failed(failed);
    if failed.is_empty() { Ok(()) } else { Err(Failure::Partly) }
}

/// Completes the settings of an experiment. What is wrong with the command line ends the study.
fn resolved(asked: PartialSettings, session: &Session) -> Result<Settings, Unresolved<Failure>> {
    resolve(asked, session).map_err(|failure| match failure {
        Failure::Failed(reason) => Unresolved::Experiment(reason),
        failure => Unresolved::Study(failure),
    })
}

/// Prints which experiments cannot be run. Fails if none can.
fn check_any_can_be_run(study: &Study, experiments: &[Experiment]) -> CommandResult {
    let failed: Vec<Failed> = experiments.iter().filter_map(Experiment::failure).collect();
    for reason in by_reason(&failed) {
        shout!("cannot be run: {reason}");
    }
    if failed.len() < experiments.len() {
        return Ok(());
    }
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
        names => {
            format!("weights on this machine: {names}; their networks are chosen with --models")
        }
    };
    Err(Failure::Failed(format!("nothing of this study can be run\nhint: {hint}")))
}

/// Runs the experiments and returns those that failed.
fn train_all(
    args: &RunArgs,
    study: &Study,
    experiments: Vec<Experiment>,
    options: &StudyOptions,
    session: &Session,
) -> Result<Vec<Failed>, Failure> {
    let watcher = Watcher::new(args.tensorboard, session);
    let stop = interrupt::listen(session);
    if !args.force {
        interrupt::resumes_with("the same command");
    }
    let on = |event: task::Event<'_>| watcher.on(event);
    let task = Task::new(stop, &on);
    let tell = |event: Event<'_>| tell_event(event, &args.place.out, session);
    let ended = study.run(experiments, options, task, &tell);
    drop(watcher);
    let Ended { finished, failed } = ended.map_err(|error| {
        if let StudyError::Stopped(halt) = &error {
            tell_halt(halt, args.force);
        }
        Failure::from(error)
    })?;
    if finished == 0 {
        tell_failed(&failed);
        return Err(Failure::Failed("nothing of this study was trained".into()));
    }
    Ok(failed)
}

/// Writes the report, exports the best network and prints what failed.
fn finish(
    args: &RunArgs,
    options: &StudyOptions,
    output: Output,
    failed: &[Failed],
    session: &Session,
) -> CommandResult {
    let on_stage = |event: task::Event<'_>| say_stage(event, session);
    let task = Task::new(interrupt::listen(session), &on_stage);
    let tell = |event: Event<'_>| tell_event(event, &args.place.out, session);
    let concluded = conclude(options, output, task, &tell).inspect_err(|_| tell_failed(failed))?;
    let Concluded { report, written, exported } = concluded;
    let exported = exported.map_err(Failure::from);
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
            let file =
                file.map(|file| format!("\n{}", super::export::render(file))).unwrap_or_default();
            print(&format!("{}\nreport  {}\n{file}", render(&report), written.page.display()))?;
        }
    }
    tell_failed(failed);
    match exported {
        Ok(_) if failed.is_empty() => Ok(()),
        Ok(_) => Err(Failure::Partly),
        Err(failure) => Err(tell_unexported(failure, args.force)),
    }
}
