//! Which run is meant by a model and a strategy.

use std::path::Path;

use kennel_core::{EpochRecord, RunDir, Strategy};

use crate::{Result, TrainError, best_epoch};

/// A run, and what it was not compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: RunDir,
    /// Finished runs that match too, but were trained on other photos or on another division of them.
    pub of_other_photos: usize,
}

/// The finished run of `model` (and `strategy`) under `runs` with the best validation accuracy, then the lowest
/// validation loss, then the newest; of those on the photos of the newest. What was right of other photos says nothing of these.
///
/// # Errors
///
/// [`TrainError::NoSuchRun`] when none matches; a finished run that is damaged.
pub fn find_run(runs: &Path, model: &str, strategy: Option<Strategy>) -> Result<Found> {
    let mut matching: Vec<(String, EpochRecord, RunDir)> = Vec::new();
    for run in RunDir::list(runs)? {
        if !run.is_finished() || !run.best_weights().exists() {
            continue;
        }
        let config = run.read_config()?;
        if config.model != model || strategy.is_some_and(|strategy| strategy != config.strategy) {
            continue;
        }
        let history = run.read_metrics()?;
        let Some(epoch) = best_epoch(&history).cloned() else { continue };
        let photos = config.facts(&run.config())?.manifest_sha256.clone();
        matching.push((photos, epoch, run));
    }
    let all = matching.len();
    // Runs are listed by time.
    if let Some((newest, _, _)) = matching.last().cloned() {
        matching.retain(|(photos, _, _)| *photos == newest);
    }
    let of_other_photos = all - matching.len();
    let mut best: Option<(EpochRecord, RunDir)> = None;
    for (_, epoch, run) in matching {
        // Of two that are equal the later one stays.
        let loses = best.as_ref().is_some_and(|(old, _)| {
            epoch
                .val_accuracy
                .total_cmp(&old.val_accuracy)
                .then(old.val_loss.total_cmp(&epoch.val_loss))
                .is_lt()
        });
        if !loses {
            best = Some((epoch, run));
        }
    }
    best.map(|(_, run)| Found { run, of_other_photos }).ok_or_else(|| TrainError::NoSuchRun {
        what: match strategy {
            Some(strategy) => format!("`{model}` with strategy `{strategy}`"),
            None => format!("`{model}`"),
        },
        path: runs.into(),
        is_there: runs.exists(),
        how: match strategy {
            Some(strategy) => format!("--model {model} --strategy {strategy}"),
            None => format!("--model {model}"),
        },
    })
}
