//! Finds a run by model and strategy.

use std::path::Path;

use kennel_core::{EpochRecord, Method, RunDir, RunRecord, Strategy};

use crate::best::{best_epoch, score};
use crate::{Result, TrainError};

/// The run that was found, and how many it was not compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: RunDir,
    /// Finished runs that also match, but were trained on other photos or another split of them.
    pub of_other_photos: usize,
}

/// Finds the best finished run of `model` (and `strategy`) under `runs`. Only runs on the same
/// photos as the newest matching run are compared: accuracy on other photos says nothing about
/// these. The highest validation accuracy wins, then the lowest validation loss, then the newest
/// run.
///
/// # Errors
///
/// [`TrainError::NoSuchRun`] when no run matches; a finished run that is damaged.
pub fn find_run(runs: &Path, model: &str, strategy: Option<Strategy>) -> Result<Found> {
    let mut matching: Vec<(String, EpochRecord, RunDir)> = Vec::new();
    for run in RunDir::list(runs)? {
        if !run.is_finished() || !run.best_weights().exists() {
            continue;
        }
        let RunRecord { settings, facts } = run.read_record()?;
        let is_other = |strategy| settings.method != Method::Train(strategy);
        if settings.model != model || strategy.is_some_and(is_other) {
            continue;
        }
        let history = run.read_metrics()?;
        let Some(epoch) = best_epoch(&history, settings.choose_by).cloned() else { continue };
        matching.push((facts.manifest_sha256, epoch, run));
    }
    let all = matching.len();
    // Runs are listed oldest first.
    if let Some((newest, _, _)) = matching.last().cloned() {
        matching.retain(|(photos, _, _)| *photos == newest);
    }
    let of_other_photos = all - matching.len();
    let mut best: Option<(EpochRecord, RunDir)> = None;
    for (_, epoch, run) in matching {
        // Of two equal runs, the newer one wins.
        let loses =
            best.as_ref().is_some_and(|(old, _)| score(&epoch).compare(&score(old)).is_lt());
        if !loses {
            best = Some((epoch, run));
        }
    }
    best.map(|(_, run)| Found { run, of_other_photos }).ok_or_else(|| TrainError::NoSuchRun {
        model: model.into(),
        strategy,
        path: runs.into(),
        is_there: runs.exists(),
    })
}
