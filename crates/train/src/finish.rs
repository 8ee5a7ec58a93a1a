//! Evaluates a run from its saved predictions.

use kennel_core::{PredictionRecord, RunDir, Split, files, write_predictions};
use kennel_metrics::{Evaluation, RunEvaluation, evaluate};

use crate::{Result, best_epoch};

/// Recomputes a finished run's metrics from its predictions. Does not change the run.
///
/// # Errors
///
/// A run that is not finished; predictions that are missing or damaged (the error names file and
/// line).
pub fn evaluate_run(run: &RunDir) -> Result<RunEvaluation> {
    run.check_finished()?;
    evaluation_of(run)
}

/// Writes the predictions of the test photos, if any, and `evaluation.json`, which marks the run as
/// finished. Both are committed together.
///
/// # Errors
///
/// A file that cannot be written; earlier files that are damaged.
pub fn finish_run(run: &RunDir, test: Option<&[PredictionRecord]>) -> Result<RunEvaluation> {
    let mut evaluation = evaluation_of(run)?;
    let mut changes = run.changes()?;
    if let Some(records) = test {
        let record = run.read_record()?;
        evaluation.test = Some(evaluate(records, &record.facts.class_names)?);
        changes.write(&run.predictions(Split::Test), |path| write_predictions(path, records))?;
    }
    changes.write(&run.evaluation(), |path| files::write_json(path, &evaluation))?;
    changes.commit()?;
    Ok(evaluation)
}

fn evaluation_of(run: &RunDir) -> Result<RunEvaluation> {
    let record = run.read_record()?;
    let classes = &record.facts.class_names;
    let manifest = run.read_manifest()?;
    let of = |split: Split| -> Result<Option<Evaluation>> {
        let records = run.read_predictions(split, classes, &manifest)?;
        Ok(records.map(|records| evaluate(&records, classes)).transpose()?)
    };
    // Those of another run are of its convex head, and not of the network that it trained from it.
    let out_of_fold = match record.settings.folds {
        Some(_) => run.read_out_of_fold(classes, &manifest)?,
        None => None,
    };
    let best_epoch = match run.metrics().exists() {
        true => {
            best_epoch(&run.read_metrics()?, record.settings.choose_by).map(|record| record.epoch)
        }
        false => None,
    };
    Ok(RunEvaluation {
        best_epoch,
        train: of(Split::Train)?,
        val: of(Split::Val)?,
        test: of(Split::Test)?,
        out_of_fold: out_of_fold.map(|records| evaluate(&records, classes)).transpose()?,
    })
}
