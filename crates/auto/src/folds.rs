//! A cross-validated run, from its first fold to the network that is trained on all photos.

use std::collections::HashMap;
use std::path::Path;

use kennel_core::{
    EpochRecord, PredictionRecord, RunDir, RunRecord, Settings, Split, Task, write_metrics,
    write_predictions,
};
use kennel_data::Dataset;
use kennel_infer::{machine, manifest_digest};
use kennel_metrics::RunEvaluation;
use kennel_models::{read_checkpoint, write_checkpoint};
use kennel_train::{
    Rehearsal, TrainOptions, Trained, check_same_photos, evaluate_run, finish_run,
    rehearse as rehearse_one,
};

use crate::Result;
use crate::adopt::copy_learning_curve;
use crate::refit::{of_refit, part};
use crate::trials::ended;
use crate::whole::{no_more_epochs, photos, taken, with_photos};

/// Trains a new cross-validated run; see [`crate::train`].
pub fn train(
    settings: &Settings,
    count: usize,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    settings.check()?;
    let skip_test = options.skip_test;
    let options = &with_photos(settings, options, task)?;
    let data = photos(options);
    let facts = rehearse(settings, count, options, task)?.facts;
    let folds = data.folds(count, settings.seed)?;
    let record = RunRecord { settings: settings.clone(), facts };
    let (_, stamp) = machine::now();
    let (run, _lock) =
        RunDir::begin(runs, &machine::run_name(&stamp, settings), |run, changes| {
            changes.write(&run.manifest(), |path| data.manifest().write(path))?;
            changes.write(&run.config(), |path| record.write(path))
        })?;
    CrossValidation { run, record, folds, options, skip_test }.finish(task)
}

/// Resumes a cross-validated run; see [`crate::resume`].
pub fn resume(
    run: RunDir,
    count: usize,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let has_test = |run: &RunDir| -> Result<bool> {
        let photos = run.read_manifest()?.counts(None).test;
        Ok(options.skip_test || photos == 0 || run.predictions(Split::Test).exists())
    };
    if run.is_finished() && epochs.is_none() && has_test(&run)? {
        return kennel_train::resume(run, None, options, task);
    }
    if epochs.is_some() {
        return Err(no_more_epochs(&run, "its folds chose the number of epochs"));
    }
    let _lock = taken(&run)?;
    run.check_files()?;
    let record = run.read_record()?;
    let skip_test = options.skip_test;
    let options = &with_photos(&record.settings, options, task)?;
    let data = photos(options);
    check_same_photos(&run, &record, data)?;
    let folds = data.folds(count, record.settings.seed)?;
    CrossValidation { run, record, folds, options, skip_test }.finish(task)
}

/// Rehearses the first fold; see [`crate::rehearse`]. The facts are those of the whole run.
pub fn rehearse(
    settings: &Settings,
    count: usize,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Rehearsal> {
    settings.check()?;
    let options = with_photos(settings, options, task)?;
    let data = photos(&options);
    let first = data.folds(count, settings.seed)?.into_iter().next();
    let of_first = TrainOptions { data: first, ..options.clone() };
    let mut found = rehearse_one(&of_fold(settings), &of_first, task)?;
    found.facts.photos = data.manifest().counts(None);
    found.facts.manifest_sha256 = manifest_digest(data)?;
    Ok(found)
}

/// The settings of a fold.
fn of_fold(settings: &Settings) -> Settings {
    Settings { folds: None, ..settings.clone() }
}

/// A cross-validated run in progress.
struct CrossValidation<'a> {
    run: RunDir,
    record: RunRecord,
    /// The photos, divided once for each fold.
    folds: Vec<Dataset>,
    options: &'a TrainOptions,
    skip_test: bool,
}

/// What the folds leave.
struct OfFolds {
    /// A prediction of every training and validation photo, in the manifest's order.
    out_of_fold: Vec<PredictionRecord>,
    /// The best epoch of each, counted from 1.
    best_epochs: Vec<usize>,
    /// Seconds that they took.
    elapsed_s: f64,
}

impl CrossValidation<'_> {
    /// Trains what is missing and evaluates the run.
    fn finish(self, task: Task<'_>) -> Result<Trained> {
        let evaluation = self.train_folds(task).and_then(|found| self.conclude(found, task));
        ended(self.run, evaluation)
    }

    fn train_folds(&self, task: Task<'_>) -> Result<OfFolds> {
        let settings = of_fold(&self.record.settings);
        let classes = &self.record.facts.class_names;
        let mut of_photo: HashMap<String, PredictionRecord> = HashMap::new();
        let (mut best_epochs, mut elapsed_s) = (Vec::new(), 0.0);
        for (fold, data) in (1..).zip(&self.folds) {
            task.note(format!("fold {fold} of {}", self.folds.len()));
            let run = part(&self.run.folds(), &settings, data, self.options, task)?;
            best_epochs.extend(evaluate_run(&run)?.best_epoch);
            elapsed_s += run.read_metrics()?.last().map_or(0.0, |epoch| epoch.elapsed_s);
            let val = run.read_predictions(Split::Val, classes, data.manifest())?;
            let records = val.expect("a finished run has predicted its validation photos");
            of_photo.extend(records.into_iter().map(|record| (record.path.clone(), record)));
        }
        let photos = photos(self.options).manifest().photos.iter();
        let out_of_fold = photos.filter_map(|photo| of_photo.remove(&photo.path)).collect();
        Ok(OfFolds { out_of_fold, best_epochs, elapsed_s })
    }

    /// Trains the network on all photos and makes it this run's own.
    fn conclude(&self, found: OfFolds, task: Task<'_>) -> Result<RunEvaluation> {
        let data = photos(self.options).without_validation();
        let settings = of_refit(&self.record.settings, &found.best_epochs);
        let options = TrainOptions { skip_test: self.skip_test, ..self.options.clone() };
        task.note(format!(
            "the network is trained on all training and validation photos, for {} epochs: the mean \
             of the folds' best",
            settings.epochs
        ));
        let refit = part(&self.run.refit(), &settings, &data, &options, task)?;
        let weights = read_checkpoint(&refit.best_weights())?;
        let after_folds = |epoch: EpochRecord| EpochRecord {
            elapsed_s: found.elapsed_s + epoch.elapsed_s,
            ..epoch
        };
        let history: Vec<_> = refit.read_metrics()?.into_iter().map(after_folds).collect();
        let classes = &self.record.facts.class_names;
        let test = refit.read_predictions(Split::Test, classes, data.manifest())?;
        let run = &self.run;
        let mut changes = run.changes()?;
        changes.write(&run.metrics(), |path| write_metrics(path, &history))?;
        changes.write(&run.best_weights(), |path| {
            write_checkpoint(path, &weights.tensors, &weights.batches_tracked, None)
        })?;
        changes.write(&run.out_of_fold(), |path| write_predictions(path, &found.out_of_fold))?;
        copy_learning_curve(&refit, run, &mut changes)?;
        changes.commit()?;
        finish_run(run, test.as_deref())
    }
}
