//! A run of `auto`, from its first trial to the choice.

use std::path::Path;

use kennel_core::{
    AutoRecord, CandidateRecord, CoreError, Lock, PredictionRecord, RunDir, RunRecord, Settings,
    Split, Strategy, Task, files, write_metrics, write_predictions,
};
use kennel_data::{Dataset, PrepareOptions};
use kennel_infer::machine;
use kennel_metrics::evaluate;
use kennel_models::{Network, write_checkpoint};
use kennel_train::{
    TrainError, TrainOptions, Trained, check_same_photos, finish_run, learn_unknown, rehearse,
};

use crate::Result;
use crate::budget::Budget;
use crate::candidates::{Bench, Candidate};
use crate::choose::{Behind, choose};
use crate::recipe::{FEWEST_EPOCHS, RESOLVABLE, UNKNOWN_SHARE, fine_tunings, probe};
use crate::trials::{begun, of_run, trial};

/// Trains a new run of any strategy, in one division of the photos.
///
/// # Errors
///
/// As [`kennel_train::train`]. A run of `auto` that is stopped can be resumed, like any other.
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    settings.check()?;
    if settings.strategy()? != Strategy::Auto {
        return kennel_train::train(settings, runs, options, task);
    }
    Auto::begin(settings, runs, options, task)?.finish(task)
}

/// Resumes a run of any strategy, in one division of the photos.
///
/// # Errors
///
/// As [`kennel_train::resume`]; more epochs for a run of `auto`, whose number of epochs belongs to
/// each of its trials.
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let record = run.read_record()?;
    if record.settings.strategy().ok() != Some(Strategy::Auto)
        || (run.is_finished() && epochs.is_none())
    {
        return kennel_train::resume(run, epochs, options, task);
    }
    if epochs.is_some() {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: "the strategy auto chose its number of epochs".into(),
            hint: None,
        });
    }
    Auto::reopen(run, options, task)?.finish(task)
}

/// Begins a run of `auto` and fits its convex head. [`resume`] goes on from there, or
/// [`end_with_head`] ends it.
///
/// # Errors
///
/// As [`train`].
pub fn begin_with_head(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<RunDir> {
    settings.check()?;
    Auto::begin(settings, runs, options, task)?.fit_head(task)
}

/// Fits the convex head of a run of `auto` that was begun, unless it has one.
///
/// # Errors
///
/// As [`resume`].
pub fn fit_head(run: RunDir, options: &TrainOptions, task: Task<'_>) -> Result<RunDir> {
    Auto::reopen(run, options, task)?.fit_head(task)
}

/// Ends a run of `auto` that was begun with its convex head. `left_out` says why nothing is
/// fine-tuned.
///
/// # Errors
///
/// As [`resume`].
pub fn end_with_head(
    run: RunDir,
    left_out: String,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let auto = Auto::reopen(run, options, task)?;
    Auto { left_out: Some(left_out), ..auto }.finish(task)
}

/// Reads the predictions of a run's convex head: those of the run, or of its trial while the run is
/// not finished.
///
/// # Errors
///
/// A run that is damaged, or whose head is not fitted.
pub(crate) fn out_of_fold(run: &RunDir) -> Result<Vec<PredictionRecord>> {
    let RunRecord { settings, facts } = run.read_record()?;
    let holder = match run.is_finished() {
        true => run.clone(),
        false => begun(run, &probe(&settings))?.unwrap_or_else(|| run.clone()),
    };
    let records = holder.read_out_of_fold(&facts.class_names, &run.read_manifest()?)?;
    records.ok_or_else(|| {
        let reason = "it holds no predictions of its convex head".into();
        CoreError::Malformed { path: run.path().into(), what: "run of auto", reason }.into()
    })
}

pub(crate) fn taken(run: &RunDir) -> Result<Lock> {
    run.lock()?.ok_or_else(|| TrainError::InUse { path: run.path().into() })
}

/// Opens the photos once for all runs that make up one, which leave the test photos alone.
pub(crate) fn with_photos(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<TrainOptions> {
    let folder = Path::new(&settings.data_dir);
    let data = match &options.data {
        Some(data) if data.root() == folder => data.clone(),
        _ => Dataset::open_with(folder, &PrepareOptions::default(), task)?,
    };
    Ok(TrainOptions { data: Some(data), skip_test: true, ..options.clone() })
}

pub(crate) fn photos(options: &TrainOptions) -> &Dataset {
    options.data.as_ref().expect("the photos are open")
}

/// A run of `auto` in progress.
struct Auto {
    run: RunDir,
    record: RunRecord,
    options: TrainOptions,
    /// Why it is to end with its convex head, if it is.
    left_out: Option<String>,
    _lock: Option<Lock>,
}

impl Auto {
    fn begin(
        settings: &Settings,
        runs: &Path,
        options: &TrainOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        let options = with_photos(settings, options, task)?;
        let facts = rehearse(settings, &options, task)?.facts;
        let record = RunRecord { settings: settings.clone(), facts };
        let (_, stamp) = machine::now();
        let data = photos(&options);
        let (run, _lock) =
            RunDir::begin(runs, &machine::run_name(&stamp, settings), |run, changes| {
                changes.write(&run.manifest(), |path| data.manifest().write(path))?;
                changes.write(&run.config(), |path| record.write(path))
            })?;
        Ok(Auto { run, record, options, left_out: None, _lock })
    }

    /// Takes up a run that was begun. Trials that are yet to begin would not know other photos.
    fn reopen(run: RunDir, options: &TrainOptions, task: Task<'_>) -> Result<Self> {
        let lock = taken(&run)?;
        run.check_files()?;
        let record = run.read_record()?;
        let options = with_photos(&record.settings, options, task)?;
        check_same_photos(&run, &record, photos(&options))?;
        Ok(Auto { run, record, options, left_out: None, _lock: Some(lock) })
    }

    /// Trains what is missing, chooses, and evaluates the choice.
    fn finish(mut self, task: Task<'_>) -> Result<Trained> {
        match self.candidates(task).and_then(|found| self.conclude(found, task)) {
            Ok(evaluation) => Ok(Trained { run: self.run, evaluation }),
            Err(error) => Err(of_run(&self.run, error)),
        }
    }

    /// Runs the first trial.
    fn fit_head(self, task: Task<'_>) -> Result<RunDir> {
        match self.probe_run(task) {
            Ok(_) => Ok(self.run),
            Err(error) => Err(of_run(&self.run, error)),
        }
    }

    fn probe_run(&self, task: Task<'_>) -> Result<RunDir> {
        let probe = probe(&self.record.settings);
        trial(&self.run, begun(&self.run, &probe)?, &probe, &self.options, task)
    }

    /// Runs the trials and collects their networks, from the simplest.
    fn candidates(&self, task: Task<'_>) -> Result<Found> {
        let settings = &self.record.settings;
        let mut left_out = Vec::new();
        let head = Candidate::of_trial(&self.probe_run(task)?, None)?;
        let out_of_fold = out_of_fold(&self.run)?;
        let mut all = vec![head];
        let mistakes = self.mistakes(&out_of_fold)?;
        if let Some(why) = &self.left_out {
            left_out.push(why.clone());
        } else if mistakes < RESOLVABLE {
            left_out.push(format!(
                "fine-tuning: the convex head is wrong on {mistakes} of {} photos out of fold, \
                 and photos as few could not show that another network is better",
                out_of_fold.len()
            ));
        } else {
            let bench = self.bench();
            let mut budget = self.budget()?;
            for settings in fine_tunings(settings) {
                let begun = begun(&self.run, &settings)?;
                let epochs = match &begun {
                    Some(run) => Some(run.read_record()?.settings.epochs),
                    None => budget.epochs(&settings)?,
                };
                let Some(epochs) = epochs else {
                    left_out.push(left_out_for_time(&settings));
                    continue;
                };
                let settings = Settings { epochs, ..settings };
                let trial = trial(&self.run, begun, &settings, &self.options, task)?;
                all.extend(Candidate::averages(&all[0], &trial, &bench, task)?);
            }
        }
        Ok(Found { all, out_of_fold, left_out })
    }

    fn bench(&self) -> Bench<'_> {
        Bench { run: &self.run, data: photos(&self.options), options: &self.options }
    }

    fn budget(&self) -> Result<Budget<'_>> {
        let trials = RunDir::list(&self.run.trials())?;
        let photos = self.record.facts.photos;
        Budget::new(&self.record.settings, photos, &trials, &self.options.compute)
    }

    fn mistakes(&self, records: &[PredictionRecord]) -> Result<usize> {
        let accuracy = evaluate(records, &self.record.facts.class_names)?.accuracy;
        Ok(accuracy.n - accuracy.correct)
    }

    /// Chooses, writes the chosen network as the run's own, and evaluates it on the test photos.
    fn conclude(&mut self, found: Found, task: Task<'_>) -> Result<kennel_metrics::RunEvaluation> {
        let losses: Vec<_> = found.all.iter().map(|candidate| candidate.losses.clone()).collect();
        let (chosen, behind) = choose(&losses);
        let record = self.told(&found, chosen, &behind)?;
        let candidate = &found.all[chosen];
        let weights = candidate.weights(&found.all[0].trial)?;
        let Candidate { trial, val, .. } = candidate;
        // What was trained is known now.
        let facts = trial.read_record()?.facts;
        self.record.facts.trained = facts.trained;
        self.record.facts.trainable_params = facts.trainable_params;
        let history = trial.read_metrics()?;
        let run = &self.run;
        let mut changes = run.changes()?;
        changes.write(&run.config(), |path| self.record.write(path))?;
        changes.write(&run.auto(), |path| files::write_json(path, &record))?;
        changes.write(&run.metrics(), |path| write_metrics(path, &history))?;
        changes.write(&run.best_weights(), |path| {
            write_checkpoint(path, &weights.tensors, &weights.batches_tracked, None)
        })?;
        changes.write(&run.predictions(Split::Val), |path| write_predictions(path, val))?;
        changes.write(&run.out_of_fold(), |path| write_predictions(path, &found.out_of_fold))?;
        changes.commit()?;
        let bench = self.bench();
        let network = bench.network(&weights.tensors)?;
        let has_test = !bench.data.photos(Split::Test).is_empty();
        let test = has_test
            .then(|| bench.predict(network.clone(), Split::Test, "test", task))
            .transpose()?;
        self.learn_unknown(&network, task)?;
        finish_run(run, test.as_deref())
    }

    /// Learns to tell photos of none of the classes. Too few photos for that are an error only if
    /// it was asked for.
    fn learn_unknown(&self, network: &Network, task: Task<'_>) -> Result<()> {
        let settings = &self.record.settings;
        let share = settings.unknown_share.unwrap_or(UNKNOWN_SHARE);
        let (data, device) = (photos(&self.options), self.options.compute.device());
        match learn_unknown(&self.run, network, data, settings, share, device, task) {
            Err(TrainError::Unknown(reason)) if settings.unknown_share.is_none() => {
                task.note(format!("it cannot tell photos of none of the classes: {reason}"));
                Ok(())
            }
            learnt => learnt,
        }
    }

    /// The record of the trials and the choice.
    fn told(&self, found: &Found, chosen: usize, behind: &[Behind]) -> Result<AutoRecord> {
        let mut candidates = Vec::new();
        let mut trials: Vec<Settings> = Vec::new();
        for (candidate, behind) in found.all.iter().zip(behind) {
            let settings = candidate.trial.read_record()?.settings;
            let seconds =
                candidate.trial.read_metrics()?.last().map_or(0.0, |epoch| epoch.elapsed_s);
            candidates.push(CandidateRecord {
                strategy: candidate.strategy,
                learning_rate: candidate.share.map_or(0.0, |_| settings.learning_rate),
                share: candidate.share,
                val_correct: candidate.losses.correct,
                val_loss: candidate.losses.mean(),
                difference: behind.difference,
                standard_error: behind.standard_error,
                seconds,
            });
            if !trials.contains(&settings) {
                trials.push(settings);
            }
        }
        let reason = reason(&candidates, chosen);
        let left_out = found.left_out.clone();
        Ok(AutoRecord { version: 1, candidates, chosen, reason, left_out, trials })
    }
}

/// What the trials left.
struct Found {
    all: Vec<Candidate>,
    out_of_fold: Vec<PredictionRecord>,
    left_out: Vec<String>,
}

fn left_out_for_time(trial: &Settings) -> String {
    format!(
        "{} at {:e}: {FEWEST_EPOCHS} epochs of it do not fit into the time that was left",
        trial.method, trial.learning_rate
    )
}

/// Why a candidate was chosen, in a sentence.
fn reason(candidates: &[CandidateRecord], chosen: usize) -> String {
    let best = &candidates[chosen];
    let name = best.name();
    if candidates.len() == 1 {
        return format!("chosen: {name}, the only network that was tried");
    }
    if best.difference == 0.0 {
        return format!("chosen: {name}, with the lowest validation loss, {:.4}", best.val_loss);
    }
    format!(
        "chosen: {name}: its validation loss, {:.4}, is {:.4} above the lowest, within one \
         standard error ({:.4}), and it is the simplest such network",
        best.val_loss, best.difference, best.standard_error
    )
}
