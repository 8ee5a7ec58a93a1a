//! Evaluates runs: a finished run from its saved predictions, or its best epoch on other photos.

use std::collections::HashSet;
use std::path::Path;

use kennel_core::{PredictionRecord, RunDir, Split, files, write_predictions};
use kennel_data::{DataError, Dataset, DatasetPhoto};
use kennel_metrics::{Evaluation, RunEvaluation, evaluate};
use kennel_models::load_trained;

use crate::predict::predict_photos;
use crate::setup::open_data_to_judge;
use crate::{Compute, Control, Result, TrainError, best_epoch};

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
    let best_epoch = match run.metrics().exists() {
        true => best_epoch(&run.read_metrics()?).map(|record| record.epoch),
        false => None,
    };
    Ok(RunEvaluation { best_epoch, train: of(Split::Train)?, val: of(Split::Val)?, test: of(Split::Test)? })
}

/// Evaluates a run's best epoch on a split of any data set, or on all of it without a split. Saves
/// the predictions in the run as `<dataset>-<split>.jsonl` or `<dataset>-all.jsonl`. Returns None
/// when the caller said stop.
///
/// # Errors
///
/// [`TrainError::OtherClasses`] when the data set has a class that the run does not know,
/// [`TrainError::EmptySplit`] when the split has no photos.
pub fn predict_dataset(
    run: &RunDir,
    data_dir: &Path,
    split: Option<Split>,
    compute: &Compute,
    control: &mut Control,
) -> Result<Option<Evaluation>> {
    let (network, record) = load_trained(run, &compute.device)?;
    let classes = record.facts.class_names;
    let other_classes = |found: String| TrainError::OtherClasses {
        path: data_dir.into(),
        expected: classes.join(", "),
        hint: match kennel_core::hint_did_you_mean(&found, classes.iter().map(String::as_str)) {
            hint if !hint.is_empty() => hint,
            _ => format!(
                "\nhint: train a run on photos that have this class, or judge this one on a folder without `{found}`"
            ),
        },
        found,
    };
    let data = match open_data_to_judge(data_dir, &classes, control) {
        Err(TrainError::Data(DataError::UnknownClass { found, .. })) => return Err(other_classes(found)),
        opened => opened?,
    };
    let (photos, what) = match split {
        Some(split) => (data.photos(split).clone(), split.as_str()),
        None => (data.all_photos(), "all"),
    };
    if let (Some(split), true) = (split, photos.is_empty()) {
        return Err(TrainError::nothing_to_judge(data_dir, split));
    }
    let all = data.manifest().photos.len();
    if !data.is_prepared() && photos.len() < all {
        control.observer.note(&format!(
            "{} of the {all} photos are judged, the {what} part; --split all judges all of them",
            photos.len()
        ));
    }
    let learnt = photos_learnt_from(run, &data, &photos)?;
    if learnt > 0 {
        control.observer.note(&format!(
            "{learnt} of these {} photos are among those that the run was trained or chosen on: that it is right on them says little",
            photos.len()
        ));
    }
    let preprocessing = &record.settings.preprocessing;
    let Some(records) =
        predict_photos(&network, &compute.device, &photos, data.classes(), preprocessing, what, control)?
    else {
        return Ok(None);
    };
    let name = data_dir.file_name().unwrap_or(data_dir.as_os_str()).to_string_lossy();
    let path = run.predictions_dir().join(format!("{name}-{what}.jsonl"));
    // Evaluate first: predictions that cannot be evaluated are not saved.
    let evaluation = evaluate(&records, &classes)?;
    write_predictions(&path, &records)?;
    Ok(Some(evaluation))
}

/// Counts the `photos` that are byte for byte training or validation photos of the run.
fn photos_learnt_from(run: &RunDir, data: &Dataset, photos: &[DatasetPhoto]) -> Result<usize> {
    let manifest = run.read_manifest()?;
    let known: HashSet<&str> = manifest
        .photos
        .iter()
        .filter(|photo| photo.split != Split::Test)
        .map(|photo| photo.sha256.as_str())
        .collect();
    let digest = |photo: &DatasetPhoto| data.manifest().photos[photo.index].sha256.as_str();
    Ok(photos.iter().filter(|photo| known.contains(digest(photo))).count())
}
