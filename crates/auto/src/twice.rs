//! A run of one strategy whose network is trained twice: to choose its epochs by validation, and
//! then on all photos.

use std::path::Path;

use kennel_core::{Changes, RunDir, Settings, Task};
use kennel_metrics::RunEvaluation;
use kennel_models::read_checkpoint;
use kennel_train::{TrainError, TrainOptions, Trained, finish_run};

use crate::Result;
use crate::adopt::{Adopted, adopt, copy_learning_curve};
use crate::refit::again;
use crate::trials::{begun, of_run, predictions, trial};
use crate::whole::{Whole, bench};

/// Trains a new run; see [`crate::train`].
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    settings.check()?;
    finish(Whole::begin(settings, runs, options, task)?, task)
}

/// Resumes a run; see [`crate::resume`].
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    if run.is_finished() && epochs.is_none() {
        return kennel_train::resume(run, None, options, task);
    }
    if epochs.is_some() {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: "its network was trained twice, for the epochs that were best".into(),
            hint: None,
        });
    }
    finish(Whole::reopen(run, options, task)?, task)
}

fn finish(mut whole: Whole, task: Task<'_>) -> Result<Trained> {
    match train_twice(&mut whole, task) {
        Ok(evaluation) => Ok(Trained { run: whole.run, evaluation }),
        Err(error) => Err(of_run(&whole.run, error)),
    }
}

fn train_twice(whole: &mut Whole, task: Task<'_>) -> Result<RunEvaluation> {
    let settings = Settings { refit: false, ..whole.record.settings.clone() };
    let known = begun(&whole.run, &settings)?;
    let first = trial(&whole.run, known, &settings, &whole.options, task)?;
    let second = again(whole, &first, task)?;
    let (val, out_of_fold) = predictions(&first)?;
    let adopted = Adopted {
        trial: &first,
        weights: read_checkpoint(&second.best_weights())?,
        history: first.read_metrics()?,
        val: &val,
        out_of_fold: out_of_fold.as_deref(),
    };
    let Whole { run, record, options, .. } = whole;
    let copy = |changes: &mut Changes| copy_learning_curve(&first, run, changes);
    let own = adopt(&bench(run, options), record, adopted, copy, task)?;
    finish_run(&whole.run, own.test.as_deref())
}
