//! Finds a run by model and strategy.

use std::cell::LazyCell;
use std::path::Path;

use kennel_core::{Method, RunDir, RunFacts, RunRecord, Settings, Strategy};
use kennel_metrics::{Evaluation, ValidationScore};

use crate::best::{best_epoch, score};
use crate::finish::evaluate_run;
use crate::{Result, TrainError};

/// The run that was found, and how many matching runs it was not compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: RunDir,
    /// Finished runs on another division of the same photos.
    pub of_other_divisions: usize,
    /// Finished runs on other photos.
    pub of_other_photos: usize,
}

/// Finds the best finished run of `model` (and `strategy`) under `runs`. Only runs on the same
/// division of the same photos as the newest matching run are compared: accuracy on other
/// validation photos says nothing about these. The highest validation accuracy wins, then the
/// lowest validation loss, then the newest run. A cross-validated run has no validation photos: the
/// numbers out of fold stand for theirs.
///
/// # Errors
///
/// [`TrainError::NoSuchRun`] when no run matches; a finished run that is damaged.
pub fn find_run(runs: &Path, model: &str, strategy: Option<Strategy>) -> Result<Found> {
    let mut matching: Vec<(RunFacts, ValidationScore, RunDir)> = Vec::new();
    for run in RunDir::list(runs)? {
        if !run.is_finished() || !run.best_weights().exists() {
            continue;
        }
        let RunRecord { settings, facts } = run.read_record()?;
        let is_other = |strategy| settings.method != Method::Train(strategy);
        if settings.model != model || strategy.is_some_and(is_other) {
            continue;
        }
        let Some(score) = score_of(&run, &settings)? else { continue };
        matching.push((facts, score, run));
    }
    let (mut of_other_divisions, mut of_other_photos) = (0, 0);
    // Runs are listed oldest first.
    if let Some((newest, _, run)) = matching.last().cloned() {
        // A manifest that cannot be read says nothing; its photos count as others.
        let photos = |run: &RunDir, facts: &RunFacts| run.photos_sha256(facts).ok();
        let of_newest = LazyCell::new(|| photos(&run, &newest));
        matching.retain(|(facts, _, run)| {
            let has_same_division = facts.manifest_sha256 == newest.manifest_sha256;
            if !has_same_division {
                let digest = photos(run, facts);
                match digest.is_some() && digest == *of_newest {
                    true => of_other_divisions += 1,
                    false => of_other_photos += 1,
                }
            }
            has_same_division
        });
    }
    let mut best: Option<(ValidationScore, RunDir)> = None;
    for (_, score, run) in matching {
        // Of two equal runs, the newer one wins.
        let loses = best.as_ref().is_some_and(|(old, _)| score.compare(old).is_lt());
        if !loses {
            best = Some((score, run));
        }
    }
    best.map(|(_, run)| Found { run, of_other_divisions, of_other_photos }).ok_or_else(|| {
        TrainError::NoSuchRun {
            model: model.into(),
            strategy,
            path: runs.into(),
            is_there: runs.exists(),
        }
    })
}

/// Returns the score that a run is compared by: out of fold if it was cross-validated, else on the
/// validation photos, by its best epoch or, without epochs, by its predictions.
fn score_of(run: &RunDir, settings: &Settings) -> Result<Option<ValidationScore>> {
    let of = |all: Evaluation| ValidationScore { accuracy: all.accuracy.value, loss: all.log_loss };
    if settings.folds.is_some() {
        return Ok(evaluate_run(run)?.out_of_fold.map(of));
    }
    if run.metrics().exists() {
        return Ok(best_epoch(&run.read_metrics()?, settings.choose_by).and_then(score));
    }
    Ok(evaluate_run(run)?.val.map(of))
}
