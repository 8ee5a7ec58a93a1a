//! A run of one strategy whose network is trained twice: to choose its epochs by validation, and
//! then on all photos.

use std::path::Path;

use kennel_core::{Changes, RunDir, Settings, Task};
use kennel_metrics::RunEvaluation;
use kennel_models::read_checkpoint;
use kennel_train::{TrainOptions, Trained, finish_run};

use crate::Result;
use crate::adopt::{Adopted, adopt, copy_learning_curve};
use crate::refit::again;
use crate::trials::{begun, ended, predictions, trial};
use crate::whole::{Whole, bench};

/// Trains a new run; see [`crate::train`].
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    finish(Whole::begin(settings, runs, options, task)?, task)
}

/// Resumes a run; see [`crate::resume`].
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let reason = "its network was trained twice, for the epochs that were best";
    Whole::resume(run, epochs, reason, options, task, |whole| finish(whole, task))
}

fn finish(mut whole: Whole, task: Task<'_>) -> Result<Trained> {
    let evaluation = train_twice(&mut whole, task);
    ended(whole.run, evaluation)
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
