//! A run takes over a network that its trials have trained.

use kennel_core::{
    Changes, EpochRecord, PredictionRecord, RunDir, RunRecord, Split, Task, files, write_metrics,
    write_predictions,
};
use kennel_models::{Checkpoint, Network, write_checkpoint};

use crate::Result;
use crate::candidates::Bench;

/// What a run takes over.
pub struct Adopted<'a> {
    /// The trial that trained the network.
    pub trial: &'a RunDir,
    /// The network.
    pub weights: Checkpoint,
    /// Epochs of the trial.
    pub history: Vec<EpochRecord>,
    /// Predictions of the validation photos.
    pub val: &'a [PredictionRecord],
    /// Predictions of a convex head out of fold, if the trial has one.
    pub out_of_fold: Option<&'a [PredictionRecord]>,
}

/// A network that is the run's own.
pub struct Own {
    /// The network, in evaluation mode.
    pub network: Network,
    /// Its predictions of the test photos, if there are any.
    pub test: Option<Vec<PredictionRecord>>,
}

/// Writes a network as the run's own, together with what `write` adds, and predicts the test photos
/// with it. `record` gets the facts about what was trained.
///
/// # Errors
///
/// A trial that is damaged; a file that cannot be written; a photo that cannot be read any more; a
/// task that is stopped.
pub fn adopt(
    bench: &Bench<'_>,
    record: &mut RunRecord,
    adopted: Adopted<'_>,
    write: impl FnOnce(&mut Changes) -> kennel_core::Result<()>,
    task: Task<'_>,
) -> Result<Own> {
    let Adopted { trial, weights, history, val, out_of_fold } = adopted;
    trial.check_files()?;
    let facts = trial.read_record()?.facts;
    record.facts.trained = facts.trained;
    record.facts.trainable_params = facts.trainable_params;
    let run = bench.run;
    let mut changes = run.changes()?;
    changes.write(&run.config(), |path| record.write(path))?;
    write(&mut changes)?;
    changes.write(&run.metrics(), |path| write_metrics(path, &history))?;
    changes.write(&run.best_weights(), |path| {
        write_checkpoint(path, &weights.tensors, &weights.batches_tracked, None)
    })?;
    changes.write(&run.predictions(Split::Val), |path| write_predictions(path, val))?;
    if let Some(records) = out_of_fold {
        changes.write(&run.out_of_fold(), |path| write_predictions(path, records))?;
    }
    changes.commit()?;
    let network = bench.network(&weights.tensors)?;
    let has_test = !bench.data.photos(Split::Test).is_empty();
    let test =
        has_test.then(|| bench.predict(network.clone(), Split::Test, "test", task)).transpose()?;
    Ok(Own { network, test })
}

/// Writes the learning curve of a convex head as that of the run that is made from it. Runs of
/// earlier versions have none.
///
/// # Errors
///
/// A file that is damaged or cannot be written.
pub fn copy_learning_curve(
    head: &RunDir,
    run: &RunDir,
    changes: &mut Changes,
) -> kennel_core::Result<()> {
    match head.read_learning_curve()? {
        Some(curve) => changes.write(&run.learning_curve(), |path| files::write_json(path, &curve)),
        None => Ok(()),
    }
}
