//! Evaluates a run's best epoch on photos of any data set.

use std::collections::HashSet;
use std::path::Path;

use kennel_core::{Hint, Note, RunDir, Split, Task, write_predictions};
use kennel_data::{DataError, Dataset, DatasetPhoto};
use kennel_metrics::{Evaluation, evaluate};
use kennel_models::load_trained;

use crate::predict::predict_photos;
use crate::{Compute, InferError, Predictor, Result, open_data_to_judge};

/// Evaluates a run's best epoch on a split of any data set, or on all of it without a split. Saves
/// the predictions in the run as `<dataset>-<split>.jsonl` or `<dataset>-all.jsonl`.
///
/// # Errors
///
/// - [`InferError::OtherClasses`] when the data set has a class that the run does not know.
/// - [`InferError::EmptySplit`] when the split has no photos.
/// - [`InferError::Stopped`] once the task is stopped. Nothing has been saved then.
pub fn predict_dataset(
    run: &RunDir,
    data_dir: &Path,
    split: Option<Split>,
    compute: &Compute,
    task: Task<'_>,
) -> Result<Evaluation> {
    let (network, record) = load_trained(run, compute.device())?;
    let classes = record.facts.class_names;
    let other_classes = |found: String| InferError::OtherClasses {
        path: data_dir.into(),
        expected: classes.join(", "),
        nearest: kennel_core::did_you_mean(&found, classes.iter().map(String::as_str))
            .map(String::from),
        found,
    };
    let data = match open_data_to_judge(data_dir, &classes, task) {
        Err(InferError::Data(DataError::UnknownClass { found, .. })) => {
            return Err(other_classes(found));
        }
        opened => opened?,
    };
    let (photos, what) = match split {
        Some(split) => (data.photos(split).clone(), split.as_str()),
        None => (data.all_photos(), "all"),
    };
    if let (Some(split), true) = (split, photos.is_empty()) {
        return Err(InferError::nothing_to_judge(data_dir, split));
    }
    let all = data.manifest().photos.len();
    if !data.is_prepared() && photos.len() < all {
        let text = format!("{} of the {all} photos are judged, the {what} part", photos.len());
        task.note(Note::hinted(text, Hint::JudgeEverySplit));
    }
    let learnt = photos_learnt_from(run, &data, &photos)?;
    if learnt > 0 {
        let text = format!(
            "{learnt} of these {} photos are among those that the run was trained or chosen on: \
             that it is right on them says little",
            photos.len()
        );
        task.note(text);
    }
    let view = record.settings.test_view();
    let mut predictor = Predictor::new(network, view, classes.clone(), 1.0, compute);
    let records = predict_photos(&mut predictor, &photos, data.classes(), what, task)?;
    let name = data_dir.file_name().unwrap_or(data_dir.as_os_str()).to_string_lossy();
    let path = run.predictions_dir().join(format!("{name}-{what}.jsonl"));
    // Evaluate first: predictions that cannot be evaluated are not saved.
    let evaluation = evaluate(&records, &classes)?;
    write_predictions(&path, &records)?;
    Ok(evaluation)
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
