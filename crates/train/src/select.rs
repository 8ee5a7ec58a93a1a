//! Which run is meant by a model and a strategy.

use std::path::Path;

use kennel_core::{EpochRecord, RunConfig, RunDir, Strategy};

use crate::{Result, TrainError, best_epoch};

/// The finished run of `model` (and `strategy`) under `runs` with the best validation accuracy, then the lowest
/// validation loss, then the newest.
///
/// # Errors
///
/// [`TrainError::NoSuchRun`] when none matches; a finished run that is damaged.
pub fn find_run(runs: &Path, model: &str, strategy: Option<Strategy>) -> Result<RunDir> {
    let mut best: Option<(EpochRecord, RunDir)> = None;
    for run in RunDir::list(runs)? {
        if !run.is_finished() || !run.best_weights().exists() {
            continue;
        }
        let config = RunConfig::read(&run.config())?;
        if config.model != model || strategy.is_some_and(|strategy| strategy != config.strategy) {
            continue;
        }
        let history = run.read_metrics()?;
        let Some(epoch) = best_epoch(&history) else { continue };
        // Runs are listed by time: of two that are equal the later one stays.
        let loses = best.as_ref().is_some_and(|(old, _)| {
            epoch
                .val_accuracy
                .total_cmp(&old.val_accuracy)
                .then(old.val_loss.total_cmp(&epoch.val_loss))
                .is_lt()
        });
        if !loses {
            best = Some((epoch.clone(), run));
        }
    }
    best.map(|(_, run)| run).ok_or_else(|| TrainError::NoSuchRun {
        what: match strategy {
            Some(strategy) => format!("`{model}` with strategy `{strategy}`"),
            None => format!("`{model}`"),
        },
        path: runs.into(),
        how: match strategy {
            Some(strategy) => format!("--model {model} --strategy {strategy}"),
            None => format!("--model {model}"),
        },
    })
}
