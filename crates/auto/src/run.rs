//! A run of `auto`, from its first trial to the choice.

use std::collections::HashSet;
use std::path::Path;

use kennel_core::{
    AutoRecord, CandidateRecord, Changes, CoreError, PredictionRecord, RunDir, RunRecord, Settings,
    Split, Strategy, Task, files,
};
use kennel_metrics::{RunEvaluation, evaluate};
use kennel_models::{Checkpoint, Network};
use kennel_train::{TrainError, TrainOptions, Trained, finish_run, learn_unknown};

use crate::Result;
use crate::adopt::{Adopted, Own, adopt, copy_learning_curve};
use crate::budget::Budget;
use crate::candidates::Candidate;
use crate::choose::{Behind, choose};
use crate::recipe::{FEWEST_EPOCHS, RESOLVABLE, UNKNOWN_SHARE, fine_tunings, probe};
use crate::refit::again;
use crate::trials::{begun, ended, of_run, trial};
use crate::whole::{Whole, bench, photos};

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
    if run.read_record()?.settings.strategy().ok() != Some(Strategy::Auto) {
        return kennel_train::resume(run, epochs, options, task);
    }
    let reason = "the strategy auto chose its number of epochs";
    let finish = |whole| Auto { whole, left_out: None }.finish(task);
    Whole::resume(run, epochs, reason, options, task, finish)
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

/// A run of `auto` in progress.
struct Auto {
    whole: Whole,
    /// Why it is to end with its convex head, if it is.
    left_out: Option<String>,
}

impl Auto {
    fn begin(
        settings: &Settings,
        runs: &Path,
        options: &TrainOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        Ok(Auto { whole: Whole::begin(settings, runs, options, task)?, left_out: None })
    }

    fn reopen(run: RunDir, options: &TrainOptions, task: Task<'_>) -> Result<Self> {
        Ok(Auto { whole: Whole::reopen(run, options, task)?, left_out: None })
    }

    /// Trains what is missing, chooses, and evaluates the choice.
    fn finish(mut self, task: Task<'_>) -> Result<Trained> {
        let evaluation = self.candidates(task).and_then(|found| self.conclude(found, task));
        ended(self.whole.run, evaluation)
    }

    /// Runs the first trial.
    fn fit_head(self, task: Task<'_>) -> Result<RunDir> {
        match self.probe_run(task) {
            Ok(_) => Ok(self.whole.run),
            Err(error) => Err(of_run(&self.whole.run, error)),
        }
    }

    fn probe_run(&self, task: Task<'_>) -> Result<RunDir> {
        let Whole { run, record, options, .. } = &self.whole;
        let probe = probe(&record.settings);
        trial(run, begun(run, &probe)?, &probe, options, task)
    }

    /// Runs the trials and collects their networks, from the simplest.
    fn candidates(&self, task: Task<'_>) -> Result<Found> {
        let Whole { run, record, options, .. } = &self.whole;
        let mut left_out = Vec::new();
        let head = Candidate::of_trial(&self.probe_run(task)?, None)?;
        let out_of_fold = out_of_fold(run)?;
        let mut all = vec![head];
        let (wrong, judged) = self.wrong_on_validation(&out_of_fold)?;
        if let Some(why) = &self.left_out {
            left_out.push(why.clone());
        } else if wrong < RESOLVABLE {
            left_out.push(format!(
                "fine-tuning: the convex head is wrong on {wrong} of {judged} validation photos, \
                 out of fold, and photos as few could not show that another network is better"
            ));
        } else {
            let bench = bench(run, options);
            let mut budget = self.budget()?;
            for settings in fine_tunings(&record.settings) {
                let begun = begun(run, &settings)?;
                let epochs = match &begun {
                    Some(run) => Some(run.read_record()?.settings.epochs),
                    None => budget.epochs(&settings)?,
                };
                let Some(epochs) = epochs else {
                    left_out.push(left_out_for_time(&settings));
                    continue;
                };
                let settings = Settings { epochs, ..settings };
                let trial = trial(run, begun, &settings, options, task)?;
                all.extend(Candidate::averages(&all[0], &trial, &bench, task)?);
            }
        }
        Ok(Found { all, out_of_fold, left_out })
    }

    fn budget(&self) -> Result<Budget<'_>> {
        let trials = RunDir::list(&self.whole.run.trials())?;
        let photos = self.whole.record.facts.photos;
        Budget::new(&self.whole.record.settings, photos, &trials, &self.whole.options.compute)
    }

    /// Counts the validation photos, which choose, that the convex head has wrong out of fold, and
    /// all of them.
    fn wrong_on_validation(&self, out_of_fold: &[PredictionRecord]) -> Result<(usize, usize)> {
        let val = photos(&self.whole.options).photos(Split::Val);
        let val: HashSet<&str> = val.iter().map(|photo| photo.path.as_str()).collect();
        let judged = out_of_fold.iter().filter(|record| val.contains(record.path.as_str()));
        let judged: Vec<_> = judged.cloned().collect();
        let accuracy = evaluate(&judged, &self.whole.record.facts.class_names)?.accuracy;
        Ok((accuracy.n - accuracy.correct, accuracy.n))
    }

    /// Chooses, writes the chosen network as the run's own, and evaluates it on the test photos.
    fn conclude(&mut self, found: Found, task: Task<'_>) -> Result<RunEvaluation> {
        let losses: Vec<_> = found.all.iter().map(|candidate| candidate.losses.clone()).collect();
        let (chosen, behind) = choose(&losses);
        let told = self.told(&found, chosen, &behind)?;
        let Candidate { trial, val, .. } = &found.all[chosen];
        let weights = match self.whole.record.settings.refit {
            true => self.refit(&found.all[0], &found.all[chosen], task)?,
            false => found.all[chosen].weights(&found.all[0].trial)?,
        };
        let adopted = Adopted {
            trial,
            weights,
            history: trial.read_metrics()?,
            val,
            out_of_fold: Some(&found.out_of_fold),
        };
        let Whole { run, record, options, .. } = &mut self.whole;
        let (path, head) = (run.auto(), &found.all[0].trial);
        let write = |changes: &mut Changes| -> kennel_core::Result<()> {
            changes.write(&path, |path| files::write_json(path, &told))?;
            copy_learning_curve(head, run, changes)
        };
        let Own { network, test } = adopt(&bench(run, options), record, adopted, write, task)?;
        if !self.whole.record.settings.refit {
            self.learn_unknown(&network, task)?;
        }
        finish_run(&self.whole.run, test.as_deref())
    }

    /// Trains the chosen network again on all photos: of an average, both that it is made of.
    fn refit(&self, head: &Candidate, chosen: &Candidate, task: Task<'_>) -> Result<Checkpoint> {
        let refitted =
            Candidate { trial: again(&self.whole, &chosen.trial, task)?, ..chosen.clone() };
        let base = match refitted.is_average() {
            true => again(&self.whole, &head.trial, task)?,
            false => refitted.trial.clone(),
        };
        refitted.weights(&base)
    }

    /// Learns to tell photos of none of the classes. Too few photos for that are an error only if
    /// it was asked for.
    fn learn_unknown(&self, network: &Network, task: Task<'_>) -> Result<()> {
        let settings = &self.whole.record.settings;
        let share = settings.unknown_share.unwrap_or(UNKNOWN_SHARE);
        let (data, device) = (photos(&self.whole.options), self.whole.options.compute.device());
        match learn_unknown(&self.whole.run, network, data, settings, share, device, task) {
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
