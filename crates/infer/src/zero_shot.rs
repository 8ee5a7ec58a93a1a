//! Scores the unchanged ImageNet head on photos of ImageNet classes: a baseline for every run.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::imagenet::{self, ClassMatch};
use kennel_core::{
    PredictionRecord, RunDir, RunFacts, RunRecord, Settings, Split, Task, TestView, files,
    write_predictions,
};
use kennel_data::Dataset;
use kennel_metrics::{
    Evaluation, MetricsError, Proportion, RunEvaluation, argmax, evaluate, in_top_k,
};

use crate::predict::predict_photos;
use crate::{
    BURN_VERSION, Compute, InferError, Model, Predictor, Result, machine, manifest_digest,
    tell_notes,
};

/// Results of the unchanged head.
#[derive(Clone, Debug)]
pub struct ZeroShot {
    /// The run's directory.
    pub run: RunDir,
    /// The ImageNet output that each class was matched to.
    pub classes: Vec<ClassMatch>,
    /// Evaluation among the classes of the data set.
    pub restricted: Evaluation,
    /// Top-1 accuracy among all 1000 classes.
    pub top1: Proportion,
    /// Top-5 accuracy among all 1000 classes.
    pub top5: Proportion,
}

/// Options of [`zero_shot`].
#[derive(Clone, Copy, Debug)]
pub struct ZeroShotOptions<'a> {
    /// Architecture.
    pub model: &'a str,
    /// Pretrained weights, by the name that [`locate_weights`](kennel_models::locate_weights) gives
    /// them, as in the configurations of trained runs.
    pub weights: &'a str,
    /// The data set.
    pub data: &'a Dataset,
    /// Splits to score.
    pub splits: &'a [Split],
    /// The ImageNet synset of each class whose name does not tell it.
    pub synsets: &'a BTreeMap<String, String>,
}

/// Scores the unchanged ImageNet head on some splits of a data set and saves the result as a run
/// under `runs`.
///
/// # Errors
///
/// A class that is not in ImageNet, weights without the 1000-class head, splits without photos,
/// photos that cannot be read, or a logit that is not finite; [`InferError::Stopped`] once the task
/// is stopped. Nothing has been saved then.
pub fn zero_shot(
    asked: &ZeroShotOptions,
    runs: &Path,
    compute: &Compute,
    task: Task<'_>,
) -> Result<ZeroShot> {
    let ZeroShotOptions { model, weights, data, splits, synsets } = *asked;
    let mut predictor = Predictor::of_weights(model, Some(weights), compute)?;
    if predictor.class_names().len() != imagenet::classes().len() {
        return Err(InferError::OutOfBounds {
            name: "weights",
            found: format!("a head with {} classes", predictor.class_names().len()),
            expected: "ImageNet-1k's head with 1000",
        });
    }
    tell_notes(data, task);
    let class_names = data.classes().to_vec();
    let classes = data.manifest().match_imagenet(synsets)?;
    let mut per_split = Vec::new();
    let (mut top1, mut top5, mut n) = (0, 0, 0);
    for &split in splits {
        let photos = data.photos(split);
        if photos.is_empty() {
            continue;
        }
        let what = split.as_str();
        let records = predict_photos(&mut predictor, photos, &class_names, what, task)?;
        let mut restricted = Vec::with_capacity(records.len());
        for (record, photo) in records.into_iter().zip(photos.iter()) {
            if let Some(class) = record.logits.iter().position(|logit| !logit.is_finite()) {
                let (class, logit) = (predictor.class_names()[class].clone(), record.logits[class]);
                return Err(MetricsError::NotFinite { path: record.path, class, logit }.into());
            }
            let truth = classes[photo.class_index].imagenet_index;
            top1 += usize::from(argmax(&record.logits) == truth);
            top5 += usize::from(in_top_k(&record.logits, truth, 5));
            n += 1;
            let logits = classes.iter().map(|class| record.logits[class.imagenet_index]).collect();
            restricted.push(PredictionRecord { logits, ..record });
        }
        per_split.push((split, restricted));
    }
    if n == 0 {
        let split = splits.first().copied().unwrap_or(Split::Test);
        return Err(InferError::nothing_to_judge(data.root(), split));
    }
    let facts = RunFacts {
        class_names: class_names.clone(),
        photos: data.manifest().counts(None),
        device: compute.name.clone(),
        started: machine::now().0,
        kennel_version: env!("CARGO_PKG_VERSION").into(),
        burn_version: BURN_VERSION.into(),
        manifest_sha256: manifest_digest(data)?,
        photos_sha256: Some(data.manifest().photos_sha256()),
        machine: machine::machine(),
        ..RunFacts::default()
    };
    let TestView { preprocessing, flip } = predictor.view().clone();
    let settings = Settings {
        data_dir: data.root().to_string_lossy().into_owned(),
        test_flip: flip,
        ..Settings::zero_shot(model.into(), weights.into(), preprocessing)
    };
    let record = RunRecord { settings, facts };
    let mut evaluation = RunEvaluation::default();
    for (split, records) in &per_split {
        *evaluation.of_mut(*split) = Some(evaluate(records, &class_names)?);
    }
    let name = machine::run_name(&machine::now().1, &record.settings);
    let (run, _lock) = RunDir::begin(runs, &name, |run, changes| {
        changes.write(&run.manifest(), |path| data.manifest().write(path))?;
        for (split, records) in &per_split {
            changes.write(&run.predictions(*split), |path| write_predictions(path, records))?;
        }
        changes.write(&run.evaluation(), |path| files::write_json(path, &evaluation))?;
        changes.write(&run.config(), |path| record.write(path))
    })?;
    let all: Vec<PredictionRecord> =
        per_split.into_iter().flat_map(|(_, records)| records).collect();
    Ok(ZeroShot {
        run,
        classes,
        restricted: evaluate(&all, &class_names)?,
        top1: Proportion::new(top1, n),
        top5: Proportion::new(top5, n),
    })
}
