//! Begins a run, or resumes one.

use std::path::Path;

use kennel_core::{
    Hint, Lock, Note, RunDir, RunRecord, SchedulerKind, Settings, Split, Task, files,
    write_predictions,
};
use kennel_infer::machine;
use kennel_ranks::Ranks;

use crate::alike::check_alike;
use crate::checkpoint::{Saved, read_saved};
use crate::convex::{ConvexHead, fit_head};
use crate::features::Features;
use crate::fit::{Fit, Start, Trained};
use crate::same_photos::check_same_photos;
use crate::setup::{OTHER_WEIGHTS, Setup, set_up};
use crate::{Result, TrainError, TrainOptions, finish};

/// Trains a new run under `runs`.
///
/// # Errors
///
/// - Settings, photos or weights that are invalid; [`TrainError::Stopped`] if the task is stopped
///   while they are checked. Then no run directory is made.
/// - A file that cannot be written, or a loss that is not finite.
/// - [`TrainError::Interrupted`] if the task is stopped later: at the next step, with the last
///   finished epoch saved.
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let (mut setup, features) = set_up_features(settings, options, task)?;
    let head = fit_head(&mut setup, settings, options, task)?;
    let ranks = &options.ranks;
    check_alike(ranks, settings, &setup)?;
    let record = RunRecord { settings: settings.clone(), facts: setup.facts.clone() };
    let begun =
        ranks.is_first().then(|| begin(runs, &record, &setup, head.as_ref())).transpose()?;
    let (run, _lock) = begun.unzip();
    let run = of_first(run, ranks)?;
    let start = head.map_or(Start::Drawn, Start::Fitted);
    Fit::new(record.settings, run, setup, features, start, options, task)?.run(task)
}

/// Makes the directory of a new run.
fn begin(
    runs: &Path,
    record: &RunRecord,
    setup: &Setup,
    head: Option<&ConvexHead>,
) -> Result<(RunDir, Option<Lock>)> {
    let (_, stamp) = machine::now();
    let name = machine::run_name(&stamp, &record.settings);
    Ok(RunDir::begin(runs, &name, |run, changes| {
        changes.write(&run.manifest(), |path| setup.data.manifest().write(path))?;
        if let Some(head) = head {
            changes.write(&run.out_of_fold(), |path| write_predictions(path, &head.out_of_fold))?;
        }
        if let Some(curve) = head.and_then(|head| head.learning_curve.as_ref()) {
            changes.write(&run.learning_curve(), |path| files::write_json(path, curve))?;
        }
        changes.write(&run.config(), |path| record.write(path))
    })?)
}

/// Returns the run's directory by its name in rank 0, which alone has a `run`.
fn of_first(run: Option<RunDir>, ranks: &Ranks) -> Result<RunDir> {
    let path = run.as_ref().map(|run| run.path().to_string_lossy().into_owned());
    let mut path = path.unwrap_or_default().into_bytes();
    ranks.broadcast(&mut path)?;
    Ok(run.unwrap_or_else(|| RunDir::of_another(String::from_utf8_lossy(&path).into_owned())))
}

/// Resumes a run after its last finished epoch. Trains up to `epochs` in all if given, else up to
/// the number in its settings. A finished run is only evaluated again, unless `epochs` asks
/// for more, or its test photos were left out ([`TrainOptions::skip_test`]) and now are not.
///
/// # Errors
///
/// As [`train`]; when another process is training the run; when the photos or the run's files have
/// changed since it began; when `epochs` is not more than the number of finished epochs.
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    // `is_finished` is checked again below, after taking the lock: the previous owner may have
    // finished the run, or taking the lock may have completed a commit that finished it.
    let has_more = |run: &RunDir| -> Result<bool> {
        Ok(!run.is_finished() || epochs.is_some() || !options.skip_test && lacks_test(run)?)
    };
    let is_first = options.ranks.is_first();
    let _lock = (is_first && has_more(&run)?).then(|| taken(&run)).transpose()?;
    // Taking the lock may complete a commit; the others read afterwards.
    options.ranks.barrier()?;
    let mut record = run.read_record()?;
    if !has_more(&run)? {
        run.tidy();
        task.note(Note::hinted(
            "the run is finished already: nothing is left to train",
            Hint::MoreEpochs,
        ));
        let evaluation = finish::evaluate_run(&run)?;
        return Ok(Trained { run, evaluation });
    }
    run.check_files()?;
    let saved = read_saved(&run)?;
    if saved.is_none() {
        task.note("no epoch was finished: it begins at epoch 1 again");
    }
    let (mut setup, features) = set_up_features(&record.settings, options, task)?;
    check_alike(&options.ranks, &record.settings, &setup)?;
    let began = &record.facts;
    let cannot = |reason: &str| TrainError::CannotResume {
        path: run.path().into(),
        reason: reason.into(),
        hint: None,
    };
    check_same_photos(&run, &record, &setup.data)?;
    if setup.facts.class_names != began.class_names {
        return Err(cannot("its class names are not those of the photos"));
    }
    if setup.facts.weights_sha256 != began.weights_sha256 {
        return Err(cannot(OTHER_WEIGHTS));
    }
    if let Some(epochs) = epochs {
        go_further(&run, &mut record, epochs, saved.as_ref(), is_first, task)?;
    }
    let start = match saved {
        Some(saved) => Start::Saved(Box::new(saved)),
        None => fit_head(&mut setup, &record.settings, options, task)?
            .map_or(Start::Drawn, Start::Fitted),
    };
    Fit::new(record.settings, run, setup, features, start, options, task)?.run(task)
}

/// Whether a training is finished but its test photos were left out.
fn lacks_test(run: &RunDir) -> Result<bool> {
    let is_training = run.metrics().exists();
    let has_photos = || Ok::<_, TrainError>(run.read_manifest()?.counts(None).test > 0);
    Ok(is_training && !run.predictions(Split::Test).exists() && has_photos()?)
}

/// Raises the number of epochs of a run, including a finished one. Rank 0 alone writes it.
fn go_further(
    run: &RunDir,
    record: &mut RunRecord,
    epochs: usize,
    saved: Option<&Saved>,
    is_first: bool,
    task: Task<'_>,
) -> Result<()> {
    let finished = saved.map_or(0, |saved| saved.progress.history.len());
    if epochs <= finished {
        return Err(TrainError::Hyperparameter {
            name: "epochs",
            found: epochs.to_string(),
            expected: "more than are finished",
        });
    }
    if saved.is_some_and(|saved| saved.progress.is_out_of_patience(&record.settings)) {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: format!("early stopping ended it after epoch {finished}"),
            hint: Some(Box::new(Hint::BeginAnew {
                run: run.path().into(),
                early_stopping: Some(epochs),
            })),
        });
    }
    let before = std::mem::replace(&mut record.settings.epochs, epochs);
    let scheduler = &record.settings.scheduler;
    let depends =
        matches!(scheduler, SchedulerKind::Cosine { .. } | SchedulerKind::OneCycle { .. });
    if depends && before != epochs {
        let text = format!(
            "the {} schedule now runs over {epochs} epochs in place of {before}: the learning rate jumps to where it would be in \
             epoch {} of {epochs}, and the run ends otherwise than one that was told so from the beginning",
            scheduler.name(),
            finished + 1
        );
        task.note(text);
    }
    if run.is_finished() && run.predictions(Split::Test).exists() {
        let text = "the run was finished: its best epoch of all will read the test photos again; whoever chooses the number of epochs by \
                    what they say has chosen on them";
        task.note(text);
    }
    if !is_first {
        return Ok(());
    }
    let mut changes = run.changes()?;
    changes.write(&run.config(), |path| record.write(path))?;
    changes.reopen();
    Ok(changes.commit()?)
}

/// Takes the run's lock: two processes that write the same checkpoints would each resume from the
/// other's.
fn taken(run: &RunDir) -> Result<Lock> {
    run.lock()?.ok_or_else(|| TrainError::InUse { path: run.path().into() })
}

/// Sets up the run and its feature cache.
pub(crate) fn set_up_features(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<(Setup, Features)> {
    machine::reset_peak_rss();
    let mut setup = set_up(settings, options, task)?;
    let frozen_stages = setup.network().frozen_stages(&setup.trained);
    let features = Features::new(&setup, frozen_stages, settings, options);
    if let Some(folder) = features.folder() {
        setup.facts.feature_cache = Some(folder.display().to_string());
    }
    Ok((setup, features))
}
