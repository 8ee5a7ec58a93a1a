//! The trials of a run: runs of their own, in a folder of it.

use kennel_core::task::Event;
use kennel_core::{PredictionRecord, RunDir, Settings, Split, Task};
use kennel_metrics::RunEvaluation;
use kennel_train::{TrainError, TrainOptions, Trained};

use crate::Result;

/// Finds a trial that an earlier process has begun. A budget may have cut its epochs short.
///
/// # Errors
///
/// A folder that cannot be listed.
pub fn begun(run: &RunDir, settings: &Settings) -> Result<Option<RunDir>> {
    let is_same = |run: &RunDir| {
        run.read_record().is_ok_and(|record| {
            let epochs = record.settings.epochs;
            record.settings == Settings { epochs, ..settings.clone() }
        })
    };
    Ok(RunDir::list(&run.trials())?.into_iter().find(is_same))
}

/// Trains a trial, resumes it, or finds it finished.
///
/// # Errors
///
/// As [`kennel_train::train`] and [`kennel_train::resume`].
pub fn trial(
    run: &RunDir,
    begun: Option<RunDir>,
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<RunDir> {
    if let Some(trial) = begun.as_ref().filter(|trial| trial.is_finished()) {
        return Ok(trial.clone());
    }
    task.tell(Event::Trial { settings });
    let trained = match begun {
        Some(trial) => kennel_train::resume(trial, None, options, task),
        None => kennel_train::train(settings, &run.trials(), options, task),
    };
    Ok(trained?.run)
}

/// Reads the predictions of a finished trial: of the validation photos, and out of fold if it has a
/// convex head.
///
/// # Errors
///
/// A trial that is damaged.
pub fn predictions(
    trial: &RunDir,
) -> Result<(Vec<PredictionRecord>, Option<Vec<PredictionRecord>>)> {
    let (classes, manifest) = (trial.read_record()?.facts.class_names, trial.read_manifest()?);
    let val = trial.read_predictions(Split::Val, &classes, &manifest)?;
    let val = val.expect("a finished run has predicted its validation photos");
    Ok((val, trial.read_out_of_fold(&classes, &manifest)?))
}

/// How a run ends whose trials and evaluation ended so.
///
/// # Errors
///
/// Theirs, as errors of the run.
pub fn ended(run: RunDir, evaluation: Result<RunEvaluation>) -> Result<Trained> {
    match evaluation {
        Ok(evaluation) => Ok(Trained { run, evaluation }),
        Err(error) => Err(of_run(&run, error)),
    }
}

/// The error of a run when one of its trials ends with `error`: a trial that is stopped stops the
/// run, which can be resumed.
pub fn of_run(run: &RunDir, error: TrainError) -> TrainError {
    match error {
        TrainError::Stopped(_) => TrainError::Interrupted { run: run.clone(), epochs: 0 },
        TrainError::Interrupted { epochs, .. } => {
            TrainError::Interrupted { run: run.clone(), epochs }
        }
        error => error,
    }
}
