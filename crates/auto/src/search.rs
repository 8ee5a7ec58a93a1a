//! A search, from its trials to the network that it keeps.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::task::Event;
use kennel_core::{
    AugmentationSet, Changes, EpochRecord, RunDir, SearchRecord, SearchTrial, Settings, Task,
    TrialEnd, files,
};
use kennel_metrics::RunEvaluation;
use kennel_models::read_checkpoint;
use kennel_train::{TrainError, TrainOptions, Trained, best_epoch, finish_run, learn_unknown};

use crate::Result;
use crate::adopt::{Adopted, Own, adopt};
use crate::draws::trials;
use crate::halving::{ranked, rungs};
use crate::refit::again;
use crate::trials::{begun, ended, predictions, trial};
use crate::whole::{Whole, bench};

/// Trains a new run that searches its settings in `count` trials; see [`crate::train`].
pub fn train(
    settings: &Settings,
    count: usize,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    Search { whole: Whole::begin(settings, runs, options, task)?, count }.finish(task)
}

/// Resumes a search; see [`crate::resume`].
pub fn resume(
    run: RunDir,
    count: usize,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let reason = "its search compared trials of as many epochs as it has";
    Whole::resume(run, epochs, reason, options, task, |whole| Search { whole, count }.finish(task))
}

/// A search in progress.
struct Search {
    whole: Whole,
    count: usize,
}

/// A trial, and how far it got.
struct Tried {
    settings: Settings,
    run: RunDir,
    ended: TrialEnd,
}

/// The trials, and the best of them.
struct Found {
    rungs: Vec<usize>,
    trials: Vec<Tried>,
    chosen: usize,
}

/// How a trial reached a rung.
enum Reached {
    /// With this validation loss.
    Loss(f64),
    /// Not at all: its loss was not finite any more.
    Diverged(TrainError),
}

impl Search {
    /// Trains what is missing, and evaluates the best trial's network.
    fn finish(mut self, task: Task<'_>) -> Result<Trained> {
        let evaluation = self.halve(task).and_then(|found| self.conclude(found, task));
        ended(self.whole.run, evaluation)
    }

    /// Trains the trials from rung to rung. A rung is judged by the epochs up to it alone, so that
    /// a search that was stopped decides the same.
    fn halve(&self, task: Task<'_>) -> Result<Found> {
        let settings = &self.whole.record.settings;
        let drawn = trials(settings, self.count)?;
        let mut ended = vec![TrialEnd::Halted; drawn.len()];
        let rungs = rungs(settings.epochs);
        let mut left: Vec<usize> = (0..drawn.len()).collect();
        let mut error = None;
        for until in rungs.iter().copied().chain([settings.epochs]) {
            let mut losses = Vec::new();
            for &at in &left {
                match self.reach(&drawn[at], until, task)? {
                    Reached::Loss(loss) => losses.push((at, loss)),
                    Reached::Diverged(why) => {
                        ended[at] = TrialEnd::Diverged;
                        error = Some(why);
                    }
                }
            }
            let count = left.len();
            left = ranked(&losses);
            if until < settings.epochs {
                left.truncate(count.div_ceil(2));
                let on = left.len();
                task.note(format!("{on} of {count} trials go on after {until} epochs"));
            }
        }
        let Some(&chosen) = left.first() else {
            return Err(error.expect("trials that do not go on have diverged"));
        };
        left.iter().for_each(|&at| ended[at] = TrialEnd::Finished);
        let tried = |(settings, ended): (Settings, TrialEnd)| {
            let run = begun(&self.whole.run, &settings)?;
            let run = run.expect("every trial has begun");
            Ok(Tried { settings, run, ended })
        };
        let trials = drawn.into_iter().zip(ended).map(tried).collect::<Result<_>>()?;
        Ok(Found { rungs, trials, chosen })
    }

    /// Trains a trial until it has finished this number of epochs, or all of its own, and returns
    /// the loss of its best epoch up to there.
    fn reach(&self, settings: &Settings, until: usize, task: Task<'_>) -> Result<Reached> {
        task.check()?;
        let known = begun(&self.whole.run, settings)?;
        let is_far_enough = |run: &RunDir| -> Result<bool> {
            let is_rung = until < settings.epochs;
            Ok(run.is_finished() || is_rung && epochs_of(run)?.len() >= until)
        };
        let run = match known {
            Some(run) if is_far_enough(&run)? => run,
            known => match self.train_until(known, settings, until, task) {
                Ok(run) => run,
                Err(error @ (TrainError::Diverged { .. } | TrainError::DivergedAnswer { .. })) => {
                    return Ok(Reached::Diverged(error));
                }
                Err(error) => return Err(error),
            },
        };
        let mut epochs = epochs_of(&run)?;
        epochs.truncate(until);
        let best = best_epoch(&epochs, settings.choose_by);
        Ok(Reached::Loss(best.and_then(|epoch| epoch.val_loss).unwrap_or(f64::INFINITY)))
    }

    /// Trains a trial, and at a rung stops it as a user would: it has saved the epoch, and can be
    /// resumed.
    fn train_until(
        &self,
        known: Option<RunDir>,
        settings: &Settings,
        until: usize,
        task: Task<'_>,
    ) -> Result<RunDir> {
        let (stop, is_rung) = (AtomicBool::new(false), until < settings.epochs);
        let on = |event: Event<'_>| {
            task.tell(event);
            let is_there = matches!(event, Event::Epoch { record, .. } if record.epoch >= until);
            if task.is_stopped() || is_rung && is_there {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let Whole { run, options, .. } = &self.whole;
        match trial(run, known, settings, options, Task::new(&stop, &on)) {
            Err(TrainError::Interrupted { run, .. }) if !task.is_stopped() => Ok(run),
            ended => ended,
        }
    }

    /// Makes the best trial's network the run's own, and evaluates it on the test photos.
    fn conclude(&mut self, found: Found, task: Task<'_>) -> Result<RunEvaluation> {
        let record = told(&found)?;
        let best = &found.trials[found.chosen].run;
        let (val, out_of_fold) = predictions(best)?;
        let weights = match self.whole.record.settings.refit {
            true => again(&self.whole, best, task)?,
            false => best.clone(),
        };
        let adopted = Adopted {
            trial: best,
            weights: read_checkpoint(&weights.best_weights())?,
            history: after_others(&found)?,
            val: &val,
            out_of_fold: out_of_fold.as_deref(),
        };
        let Whole { run, record: of_run, options, .. } = &mut self.whole;
        let bench = bench(run, options);
        let path = run.search();
        let write = |changes: &mut Changes| -> kennel_core::Result<()> {
            changes.write(&path, |path| files::write_json(path, &record))
        };
        let Own { network, test } = adopt(&bench, of_run, adopted, write, task)?;
        if let Some(share) = of_run.settings.unknown_share {
            let (settings, device) = (&of_run.settings, options.compute.device());
            learn_unknown(run, &network, bench.data, settings, share, device, task)?;
        }
        finish_run(run, test.as_deref())
    }
}

/// The finished epochs of a trial.
fn epochs_of(trial: &RunDir) -> Result<Vec<EpochRecord>> {
    Ok(if trial.metrics().exists() { trial.read_metrics()? } else { Vec::new() })
}

fn seconds_of(epochs: &[EpochRecord]) -> f64 {
    epochs.last().map_or(0.0, |epoch| epoch.elapsed_s)
}

/// The epochs of the best trial, after the seconds that the others took.
fn after_others(found: &Found) -> Result<Vec<EpochRecord>> {
    let mut others_s = 0.0;
    for (at, tried) in found.trials.iter().enumerate() {
        if at != found.chosen {
            others_s += seconds_of(&epochs_of(&tried.run)?);
        }
    }
    let after = |epoch: EpochRecord| EpochRecord { elapsed_s: others_s + epoch.elapsed_s, ..epoch };
    Ok(epochs_of(&found.trials[found.chosen].run)?.into_iter().map(after).collect())
}

/// The record of the trials and the choice.
fn told(found: &Found) -> Result<SearchRecord> {
    let trial = |tried: &Tried| {
        let Tried { settings, run, ended } = tried;
        let epochs = epochs_of(run)?;
        let best = best_epoch(&epochs, settings.choose_by);
        let own = &settings.augmentation;
        let is_own = |set: &AugmentationSet| set.augmentation().with_policy_of(own) == *own;
        Ok(SearchTrial {
            learning_rate: settings.learning_rate,
            layer_decay: settings.layer_decay,
            augmentation: AugmentationSet::ALL.into_iter().find(is_own),
            drop_path_rate: settings.drop_path_rate,
            ended: *ended,
            epochs: epochs.len(),
            best_epoch: best.map(|epoch| epoch.epoch),
            val_loss: best.and_then(|epoch| epoch.val_loss),
            val_accuracy: best.and_then(|epoch| epoch.val_accuracy),
            seconds: seconds_of(&epochs),
        })
    };
    let trials = found.trials.iter().map(trial).collect::<Result<_>>()?;
    Ok(SearchRecord { version: 1, rungs: found.rungs.clone(), trials, chosen: found.chosen })
}
