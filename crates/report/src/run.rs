//! Reads a finished run back from its files.

use std::path::Path;

use kennel_core::hint::Describe;
use kennel_core::{
    CoreError, EpochRecord, LearningCurveRecord, Manifest, PredictionRecord, RunDir, RunFacts,
    RunRecord, Settings, Split,
};
use kennel_metrics::{Evaluation, RunEvaluation, argmax, evaluate};
use serde::Serialize;

use crate::tried::Tried;
use crate::unknown_photos::{UnknownPhotos, read_unknown_photos};
use crate::{ReportError, Result};

/// A run with an `evaluation.json`, with all data that a report uses.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// Its directory.
    pub dir: RunDir,
    /// Its settings, and the facts recorded when it began.
    pub record: RunRecord,
    /// Its photos.
    pub manifest: Manifest,
    /// A record per epoch; empty if nothing was trained.
    pub epochs: Vec<EpochRecord>,
    /// The epoch that was kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Its predictions for the validation photos.
    pub val: Option<Predictions>,
    /// Its predictions for the test photos.
    pub test: Option<Predictions>,
    /// Its predictions for all training and validation photos, if it is cross-validated.
    pub out_of_fold: Option<Predictions>,
    /// The learning curve of its convex head, if it was measured.
    pub learning_curve: Option<LearningCurveRecord>,
    /// How many known photos it calls unknown, if it can tell.
    pub unknown: Option<UnknownPhotos>,
    /// What it tried before it chose its network, if it did.
    pub tried: Option<Tried>,
}

/// Predictions for a split, and their evaluation.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// A record per photo, in the manifest's order.
    pub records: Vec<PredictionRecord>,
    /// The true class of each, as an index into the logits.
    pub true_classes: Vec<usize>,
    /// Computed again from the records.
    pub evaluation: Evaluation,
}

/// Classes and test photos of a run. Two runs are comparable when these are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSet<'a> {
    /// Class names in the order of the logits.
    pub class_names: &'a [String],
    /// Digest and label of every test photo, in the manifest's order; empty if there are no
    /// predictions.
    pub photos: Vec<(&'a str, &'a str)>,
}

/// A run that does not take part, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its directory's name.
    pub run: String,
    /// The reason, with a hint if there is one.
    pub reason: String,
    /// Whether the run is intact and only has other test photos than the compared ones.
    #[serde(skip)]
    pub is_of_other_photos: bool,
}

impl LeftOut {
    /// A run that cannot be read.
    fn unreadable(run: String, reason: String) -> Self {
        LeftOut { run, reason, is_of_other_photos: false }
    }
}

impl Predictions {
    fn of(records: Vec<PredictionRecord>, class_names: &[String], path: &Path) -> Result<Self> {
        let evaluation = evaluate(&records, class_names)
            .map_err(|source| ReportError::Metrics { path: path.into(), source })?;
        let true_classes = records
            .iter()
            .filter_map(|record| class_names.iter().position(|name| *name == record.label))
            .collect();
        Ok(Predictions { records, true_classes, evaluation })
    }

    /// Returns the logits and the true class of each photo.
    pub fn photos(&self) -> impl Iterator<Item = (&[f32], usize)> + Clone {
        self.records
            .iter()
            .map(|record| record.logits.as_slice())
            .zip(self.true_classes.iter().copied())
    }

    /// Returns whether each photo was right.
    pub fn right(&self) -> impl Iterator<Item = bool> {
        self.photos().map(|(logits, true_class)| argmax(logits) == true_class)
    }
}

impl FinishedRun {
    /// Reads a run. Computes its metrics again from its predictions.
    ///
    /// # Errors
    ///
    /// [`CoreError::Unfinished`] without `evaluation.json`; a damaged file, with its path and, in
    /// files of lines, the line; predictions for other photos than the manifest's.
    pub fn read(dir: RunDir) -> Result<Self> {
        dir.check_finished()?;
        let bytes = dir.read_file(&dir.evaluation())?;
        let evaluation: RunEvaluation =
            serde_json::from_slice(&bytes).map_err(|error| CoreError::Malformed {
                path: dir.evaluation(),
                what: "evaluation",
                reason: error.to_string(),
            })?;
        let record = dir.read_record()?;
        let class_names = &record.facts.class_names;
        let manifest = dir.read_manifest()?;
        let epochs = match dir.metrics().exists() {
            true => dir.read_metrics()?,
            false => Vec::new(),
        };
        let judged = |records: Option<Vec<PredictionRecord>>, path: &Path| {
            records.map(|records| Predictions::of(records, class_names, path)).transpose()
        };
        let of = |split: Split| {
            let records = dir.read_predictions(split, class_names, &manifest)?;
            judged(records, &dir.predictions(split))
        };
        let (val, test) = (of(Split::Val)?, of(Split::Test)?);
        let out_of_fold = match record.settings.folds {
            Some(_) => judged(dir.read_out_of_fold(class_names, &manifest)?, &dir.out_of_fold())?,
            None => None,
        };
        let tried = Tried::read(&dir)?;
        let (learning_curve, unknown) = (dir.read_learning_curve()?, read_unknown_photos(&dir)?);
        Ok(FinishedRun {
            dir,
            record,
            manifest,
            epochs,
            best_epoch: evaluation.best_epoch,
            val,
            test,
            out_of_fold,
            learning_curve,
            unknown,
            tried,
        })
    }

    /// Returns its directory's name.
    pub fn name(&self) -> String {
        self.dir.name()
    }

    /// Returns its settings.
    pub fn settings(&self) -> &Settings {
        &self.record.settings
    }

    /// Returns the facts recorded when it began.
    pub fn facts(&self) -> &RunFacts {
        &self.record.facts
    }

    /// Returns a sort key: newer runs compare greater.
    pub fn began(&self) -> (&str, String) {
        (&self.facts().started, self.name())
    }

    /// Returns the digest of its photos, apart from their division.
    pub fn photos_sha256(&self) -> String {
        self.facts().photos_sha256.clone().unwrap_or_else(|| self.manifest.photos_sha256())
    }

    /// Returns its classes and test photos.
    pub fn test_set(&self) -> TestSet<'_> {
        let photos = if self.test.is_some() { test_photos(&self.manifest) } else { Vec::new() };
        TestSet { class_names: &self.facts().class_names, photos }
    }
}

/// Returns the digest and label of every test photo, in the manifest's order.
pub fn test_photos(manifest: &Manifest) -> Vec<(&str, &str)> {
    let photos = manifest.photos.iter().filter(|photo| photo.split == Split::Test);
    photos.map(|photo| (photo.sha256.as_str(), photo.label.as_str())).collect()
}

/// Finds folders that were runs once: they have an evaluation but no configuration.
fn without_configuration(runs: &Path) -> Result<Vec<LeftOut>> {
    if !runs.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(runs).map_err(CoreError::io("read", runs))? {
        let folder = entry.map_err(CoreError::io("read", runs))?.path();
        let was_run = folder.join("evaluation.json").is_file()
            && !folder.join(RunRecord::FILE_NAME).is_file();
        if let (true, Some(name)) = (was_run, folder.file_name()) {
            let run = name.to_string_lossy().into_owned();
            found.push(LeftOut::unreadable(run, format!("its {} is gone", RunRecord::FILE_NAME)));
        }
    }
    found.sort_by(|a, b| a.run.cmp(&b.run));
    Ok(found)
}

/// Whether the folder of a run's photos was prepared again: its manifest differs from the run's.
/// `false` if either cannot be read.
fn was_prepared_anew(run: &RunDir) -> bool {
    let now = run.read_record().and_then(|record| {
        Manifest::read(&Path::new(&record.settings.data_dir).join(Manifest::FILE_NAME))
    });
    match (now, run.read_manifest()) {
        (Ok(now), Ok(then)) => now != then,
        _ => false,
    }
}

/// Reads every finished run under `runs`, in the order in which they began. Also returns the runs
/// that cannot be read, with the reason in the words of `describe`.
///
/// # Errors
///
/// [`ReportError::NoRuns`] when no finished run is left; a folder that cannot be listed.
pub fn read_runs(runs: &Path, describe: Describe<'_>) -> Result<(Vec<FinishedRun>, Vec<LeftOut>)> {
    let (mut finished, mut left_out) = (Vec::new(), Vec::new());
    for dir in RunDir::list(runs)? {
        match FinishedRun::read(dir.clone()) {
            Ok(run) => finished.push(run),
            Err(ReportError::Core(CoreError::Unfinished { .. })) if was_prepared_anew(&dir) => {
                let reason =
                    "it was stopped, and its photos were prepared anew since: it cannot resume";
                left_out.push(LeftOut::unreadable(dir.name(), reason.into()));
            }
            Err(error) => left_out.push(LeftOut::unreadable(dir.name(), describe(&error))),
        }
    }
    left_out.extend(without_configuration(runs)?);
    if finished.is_empty() {
        let lines =
            left_out.iter().map(|LeftOut { run, reason, .. }| format!("\n  {run}: {reason}"));
        return Err(ReportError::NoRuns { path: runs.into(), left_out: lines.collect() });
    }
    Ok((finished, left_out))
}
