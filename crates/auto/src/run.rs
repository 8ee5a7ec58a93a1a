//! A run of `auto`, from its first trial to the choice, and any run whose network is trained again
//! on all photos.

use std::path::Path;

use kennel_core::task::Event;
use kennel_core::{
    AutoRecord, CandidateRecord, LearningCurveRecord, Lock, PredictionRecord, RunDir, RunRecord,
    Settings, Split, Strategy, Task, files, write_metrics, write_predictions,
};
use kennel_data::{Dataset, PrepareOptions};
use kennel_infer::machine;
use kennel_metrics::evaluate;
use kennel_models::{Checkpoint, Network, read_checkpoint, write_checkpoint};
use kennel_train::{
    Told, TrainError, TrainOptions, Trained, check_same_photos, finish_run, learn_unknown,
    loses_unknown, rehearse,
};

use crate::Result;
use crate::budget::Budget;
use crate::candidates::{Bench, Candidate};
use crate::choose::{Behind, choose};
use crate::recipe::{FEWEST_EPOCHS, RESOLVABLE, UNKNOWN_SHARE, fine_tunings, probe};
use crate::refit::again;

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
    if !has_trials(settings) {
        return kennel_train::train(settings, runs, options, task);
    }
    let options = &with_photos(settings, options, task)?;
    let facts = rehearse(settings, options, task)?.facts;
    let record = RunRecord { settings: settings.clone(), facts };
    let (_, stamp) = machine::now();
    let data = photos(options);
    let (run, _lock) =
        RunDir::begin(runs, &machine::run_name(&stamp, settings), |run, changes| {
            changes.write(&run.manifest(), |path| data.manifest().write(path))?;
            changes.write(&run.config(), |path| record.write(path))
        })?;
    Auto { run, record, options }.finish(task)
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
    if !has_trials(&record.settings) || (run.is_finished() && epochs.is_none()) {
        return kennel_train::resume(run, epochs, options, task);
    }
    if epochs.is_some() {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: "its trials chose the number of epochs".into(),
            hint: None,
        });
    }
    let _lock = taken(&run)?;
    run.check_files()?;
    let options = &with_photos(&record.settings, options, task)?;
    // Trials that are yet to begin would not know other photos.
    check_same_photos(&run, &record, photos(options))?;
    Auto { run, record, options }.finish(task)
}

/// Whether a run is made of others, in one division of the photos.
fn has_trials(settings: &Settings) -> bool {
    settings.strategy().ok() == Some(Strategy::Auto) || settings.refit
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

/// A run made of trials, in progress.
struct Auto<'a> {
    run: RunDir,
    record: RunRecord,
    options: &'a TrainOptions,
}

impl Auto<'_> {
    /// Trains what is missing, chooses, and evaluates the choice.
    fn finish(mut self, task: Task<'_>) -> Result<Trained> {
        let found = match self.is_auto() {
            true => self.candidates(task),
            false => self.only(task),
        };
        match found.and_then(|found| self.conclude(found, task)) {
            Err(TrainError::Stopped(_)) => {
                Err(TrainError::Interrupted { run: self.run, epochs: 0 })
            }
            Err(TrainError::Interrupted { epochs, .. }) => {
                Err(TrainError::Interrupted { run: self.run, epochs })
            }
            Err(error) => Err(error),
            Ok(evaluation) => Ok(Trained { run: self.run, evaluation }),
        }
    }

    fn is_auto(&self) -> bool {
        self.record.settings.strategy().ok() == Some(Strategy::Auto)
    }

    /// Trains the one network of another strategy.
    fn only(&self, task: Task<'_>) -> Result<Found> {
        let settings = Settings { refit: false, ..self.record.settings.clone() };
        let trial = self.trial(self.begun(&settings)?, &settings, task)?;
        let out_of_fold = match trial.out_of_fold().exists() {
            true => self.out_of_fold(&trial)?,
            false => Vec::new(),
        };
        let learning_curve = trial.read_learning_curve()?;
        let all = vec![Candidate::of_trial(&trial, None)?];
        Ok(Found { all, out_of_fold, learning_curve, left_out: Vec::new() })
    }

    /// Runs the trials and collects their networks, from the simplest.
    fn candidates(&self, task: Task<'_>) -> Result<Found> {
        let settings = &self.record.settings;
        let mut left_out = Vec::new();
        let probe = probe(settings);
        let probe_run = self.trial(self.begun(&probe)?, &probe, task)?;
        let head = Candidate::of_trial(&probe_run, None)?;
        let out_of_fold = self.out_of_fold(&probe_run)?;
        let learning_curve = probe_run.read_learning_curve()?;
        let mut all = vec![head];
        let mistakes = self.mistakes(&out_of_fold)?;
        if mistakes < RESOLVABLE {
            left_out.push(format!(
                "fine-tuning: the convex head is wrong on {mistakes} of {} photos out of fold, \
                 and photos as few could not show that another network is better",
                out_of_fold.len()
            ));
        } else {
            let bench = Bench { run: &self.run, data: photos(self.options), options: self.options };
            let mut budget = self.budget()?;
            for trial in fine_tunings(settings) {
                let begun = self.begun(&trial)?;
                let epochs = match &begun {
                    Some(run) => Some(run.read_record()?.settings.epochs),
                    None => budget.epochs(&trial)?,
                };
                let Some(epochs) = epochs else {
                    left_out.push(left_out_for_time(&trial));
                    continue;
                };
                let trial = self.trial(begun, &Settings { epochs, ..trial }, task)?;
                all.extend(Candidate::averages(&all[0], &trial, &bench, task)?);
            }
        }
        Ok(Found { all, out_of_fold, learning_curve, left_out })
    }

    fn budget(&self) -> Result<Budget<'_>> {
        let trials = RunDir::list(&self.run.trials())?;
        let photos = self.record.facts.photos;
        Budget::new(&self.record.settings, photos, &trials, &self.options.compute)
    }

    /// Finds a trial that an earlier process has begun. A budget may have cut its epochs short.
    fn begun(&self, settings: &Settings) -> Result<Option<RunDir>> {
        let is_same = |run: &RunDir| {
            run.read_record().is_ok_and(|record| {
                let epochs = record.settings.epochs;
                record.settings == Settings { epochs, ..settings.clone() }
            })
        };
        Ok(RunDir::list(&self.run.trials())?.into_iter().find(is_same))
    }

    /// Trains a trial, resumes it, or finds it finished.
    fn trial(&self, begun: Option<RunDir>, settings: &Settings, task: Task<'_>) -> Result<RunDir> {
        if let Some(run) = begun.as_ref().filter(|run| run.is_finished()) {
            return Ok(run.clone());
        }
        task.tell(Event::Trial { settings });
        let trained = match begun {
            Some(run) => kennel_train::resume(run, None, self.options, task),
            None => kennel_train::train(settings, &self.run.trials(), self.options, task),
        };
        Ok(trained?.run)
    }

    fn out_of_fold(&self, probe: &RunDir) -> Result<Vec<PredictionRecord>> {
        let classes = &self.record.facts.class_names;
        let records = probe.read_out_of_fold(classes, &probe.read_manifest()?)?;
        Ok(records.expect("a convex head leaves them"))
    }

    fn mistakes(&self, records: &[PredictionRecord]) -> Result<usize> {
        let accuracy = evaluate(records, &self.record.facts.class_names)?.accuracy;
        Ok(accuracy.n - accuracy.correct)
    }

    /// Chooses, writes the chosen network as the run's own, and evaluates it on the test photos.
    fn conclude(&mut self, found: Found, task: Task<'_>) -> Result<kennel_metrics::RunEvaluation> {
        let losses: Vec<_> = found.all.iter().map(|candidate| candidate.losses.clone()).collect();
        let (chosen, behind) = choose(&losses);
        let record = self.is_auto().then(|| self.told(&found, chosen, &behind)).transpose()?;
        let candidate = &found.all[chosen];
        let weights = match self.record.settings.refit {
            true => self.refit(&found.all[0], candidate, task)?,
            false => candidate.weights(&found.all[0].trial)?,
        };
        let Candidate { trial, val, .. } = candidate;
        // What was trained is known now.
        let facts = trial.read_record()?.facts;
        self.record.facts.trained = facts.trained;
        self.record.facts.trainable_params = facts.trainable_params;
        let history = trial.read_metrics()?;
        let run = &self.run;
        let mut changes = run.changes()?;
        changes.write(&run.config(), |path| self.record.write(path))?;
        if let Some(record) = &record {
            changes.write(&run.auto(), |path| files::write_json(path, record))?;
        }
        changes.write(&run.metrics(), |path| write_metrics(path, &history))?;
        changes.write(&run.best_weights(), |path| {
            write_checkpoint(path, &weights.tensors, &weights.batches_tracked, None)
        })?;
        changes.write(&run.predictions(Split::Val), |path| write_predictions(path, val))?;
        if !found.out_of_fold.is_empty() {
            changes
                .write(&run.out_of_fold(), |path| write_predictions(path, &found.out_of_fold))?;
        }
        if let Some(curve) = &found.learning_curve {
            changes.write(&run.learning_curve(), |path| files::write_json(path, curve))?;
        }
        changes.commit()?;
        let bench = Bench { run, data: photos(self.options), options: self.options };
        let network = bench.network(&weights.tensors)?;
        let has_test = !bench.data.photos(Split::Test).is_empty();
        let test = has_test
            .then(|| bench.predict(network.clone(), Split::Test, "test", task))
            .transpose()?;
        if self.is_auto() && !self.record.settings.refit {
            self.learn_unknown(&network, &found.all[0], &bench, task)?;
        }
        finish_run(run, test.as_deref())
    }

    /// Trains the chosen network again on training and validation photos: of an average, both that
    /// it is made of.
    fn refit(&self, head: &Candidate, chosen: &Candidate, task: Task<'_>) -> Result<Checkpoint> {
        let (data, runs) = (photos(self.options), self.run.refit());
        task.note(
            "the network is trained again on training and validation photos; what is said about \
             validation photos is that of the network before",
        );
        let again = |trial: &RunDir| again(trial, &runs, data, self.options, task);
        let refitted = Candidate { trial: again(&chosen.trial)?, ..chosen.clone() };
        let base = match refitted.is_average() {
            true => again(&head.trial)?,
            false => refitted.trial.clone(),
        };
        refitted.weights(&base)
    }

    /// Learns to tell photos of none of the classes. Too few photos for that are an error only if
    /// it was asked for.
    fn learn_unknown(
        &self,
        network: &Network,
        head: &Candidate,
        bench: &Bench<'_>,
        task: Task<'_>,
    ) -> Result<()> {
        let RunRecord { settings, facts } = &self.record;
        let start = match loses_unknown(network, &facts.trained, settings) {
            true => Some(bench.network(&read_checkpoint(&head.trial.best_weights())?.tensors)?),
            false => None,
        };
        let told = start.as_ref().map_or(Told::ByRun(network), Told::ByStart);
        let share = settings.unknown_share.unwrap_or(UNKNOWN_SHARE);
        let device = self.options.compute.device();
        match learn_unknown(&self.run, told, bench.data, settings, share, device, task) {
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
    /// None if the first trial trains more than a convex head.
    learning_curve: Option<LearningCurveRecord>,
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
