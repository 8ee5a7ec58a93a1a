//! Saves the state after each epoch, so that a killed run resumes as if it had never stopped.
//!
//! The files of an epoch are committed together ([`RunDir::changes`]). A run that is killed between
//! two of them resumes from the epoch before and writes the same bytes again.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::{
    CoreError, EpochRecord, Hint, PredictionRecord, RunDir, Settings, Split, write_metrics,
    write_predictions,
};
use kennel_models::{StateDict, is_under, read_checkpoint, write_checkpoint};
use serde::{Deserialize, Serialize};

use crate::{Optimizer, Plateau, Result, TrainError, WeightAverage, is_better};

/// Key of the progress in the safetensors header.
const KEY: &str = "kennel";
const NETWORK: &str = "network.";
const OPTIMIZER: &str = "optimizer.";
const INITIAL: &str = "initial.";
const AVERAGE: &str = "average.";

/// Progress of a run, without its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// One record per finished epoch.
    pub history: Vec<EpochRecord>,
    /// Index of the best epoch in `history`.
    pub best: usize,
    /// Steps that the optimiser has taken.
    pub optimizer_steps: u64,
    /// State of the plateau schedule.
    pub plateau: Plateau,
    /// The run's settings. Resuming requires the same ones, except for the number of epochs.
    #[serde(rename = "config")]
    pub settings: Settings,
}

impl Progress {
    /// Adds an epoch, with the state of schedule and optimiser after it. Returns whether it is the
    /// best so far.
    pub fn add(&mut self, record: EpochRecord, plateau: Plateau, optimizer_steps: u64) -> bool {
        let best = self.history.get(self.best);
        let is_best = best.is_none_or(|best| is_better(&record, best, self.settings.choose_by));
        if is_best {
            self.best = self.history.len();
        }
        self.history.push(record);
        self.optimizer_steps = optimizer_steps;
        self.plateau = plateau;
        is_best
    }

    /// Whether early stopping ends the run: no improvement in the last `early_stopping` epochs.
    pub fn is_out_of_patience(&self, settings: &Settings) -> bool {
        let finished = self.history.len();
        settings
            .early_stopping
            .is_some_and(|patience| finished > 0 && finished - 1 - self.best >= patience)
    }
}

/// The saved state of a run.
pub struct Saved {
    /// Epochs, best epoch, schedule, settings.
    pub progress: Progress,
    /// Trained tensors and their running statistics.
    pub network: StateDict,
    /// The head before the first step.
    pub initial_head: StateDict,
    /// The optimiser's state under [`OPTIMIZER_PREFIX`].
    pub optimizer: StateDict,
    /// The moving average of the trained tensors under [`AVERAGE_PREFIX`]; empty if there is none.
    pub average: StateDict,
}

/// Name prefix of the optimiser's tensors in [`Saved::optimizer`].
pub const OPTIMIZER_PREFIX: &str = OPTIMIZER;

/// Name prefix of the averages in [`Saved::average`].
pub const AVERAGE_PREFIX: &str = AVERAGE;

/// Everything that is saved after an epoch.
pub struct Epoch<'a> {
    /// The network's tensors.
    pub tensors: StateDict,
    /// The tensors that were validated, if they are not the network's own.
    pub averaged: Option<StateDict>,
    /// Name prefixes of the trained tensors.
    pub trained: &'a [String],
    /// The optimiser.
    pub optimizer: &'a Optimizer,
    /// The moving average of the trained tensors, if there is one.
    pub average: Option<&'a WeightAverage>,
    /// The head before the first step.
    pub initial_head: &'a StateDict,
    /// PyTorch's `num_batches_tracked` counters, copied from the weights file.
    pub batches_tracked: &'a BTreeMap<String, i64>,
    /// Predictions on the validation photos, if there are any.
    pub val_predictions: Option<&'a [PredictionRecord]>,
}

/// Writes the files of the last epoch of `progress`.
///
/// # Errors
///
/// A file that cannot be written. The files of the previous epoch stay valid then.
pub fn save_epoch(run: &RunDir, progress: &Progress, is_best: bool, epoch: Epoch) -> Result<()> {
    let tensors = epoch.tensors;
    let mut changes = run.changes()?;
    if is_best {
        let validated = epoch.averaged.as_ref().unwrap_or(&tensors);
        let write = |path: &Path| write_checkpoint(path, validated, epoch.batches_tracked, None);
        changes.write(&run.best_weights(), write)?;
        if let Some(records) = epoch.val_predictions {
            changes.write(&run.predictions(Split::Val), |path| write_predictions(path, records))?;
        }
    }
    let write = |path: &Path| write_checkpoint(path, &tensors, epoch.batches_tracked, None);
    changes.write(&run.last_weights(), write)?;
    changes.write(&run.metrics(), |path| write_metrics(path, &progress.history))?;

    let mut state = StateDict::new();
    for (name, value) in tensors {
        if epoch.trained.iter().any(|prefix| is_under(&name, prefix)) {
            state.insert(format!("{NETWORK}{name}"), value);
        }
    }
    for (name, value) in epoch.initial_head {
        state.insert(format!("{INITIAL}{name}"), value.clone());
    }
    epoch.optimizer.save(OPTIMIZER, &mut state);
    if let Some(average) = epoch.average {
        average.save(AVERAGE, &mut state);
    }
    let note = serde_json::to_string(progress).map_err(|error| CoreError::Malformed {
        path: run.last_state(),
        what: "training state",
        reason: error.to_string(),
    })?;
    let write = |path: &Path| write_checkpoint(path, &state, &BTreeMap::new(), Some((KEY, note)));
    changes.write(&run.last_state(), write)?;
    Ok(changes.commit()?)
}

/// Reads the state after the last finished epoch. Returns None when no epoch was finished.
///
/// # Errors
///
/// A file that is damaged, or missing although epochs were finished.
pub fn read_saved(run: &RunDir) -> Result<Option<Saved>> {
    let path = run.last_state();
    if !path.exists() {
        // Earlier versions wrote the first epoch's metrics before its state, so a process killed in
        // between left metrics without a state.
        if !run.metrics().exists() || !run.has_digests() && run.read_metrics()?.len() == 1 {
            return Ok(None);
        }
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: format!("epochs were finished, but {} is gone", path.display()),
            hint: Some(Box::new(Hint::BeginAnew { run: run.path().into(), early_stopping: None })),
        });
    }
    // Fail now rather than after the last epoch, which may need this file.
    read_checkpoint(&run.best_weights())?;
    let checkpoint = read_checkpoint(&path)?;
    let malformed = |reason: String| CoreError::Malformed {
        path: path.clone(),
        what: "training state",
        reason,
    };
    let note = checkpoint
        .metadata
        .get(KEY)
        .ok_or_else(|| malformed("its header tells no progress".into()))?;
    let progress: Progress =
        serde_json::from_str(note).map_err(|error| malformed(error.to_string()))?;
    if progress.best >= progress.history.len() {
        return Err(malformed("it holds no epoch".into()).into());
    }
    let part = |prefix: &str| -> StateDict {
        checkpoint
            .tensors
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix(prefix)?.to_string(), value.clone()))
            })
            .collect()
    };
    let prefixed = |prefix: &str| -> StateDict {
        checkpoint
            .tensors
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect()
    };
    Ok(Some(Saved {
        network: part(NETWORK),
        initial_head: part(INITIAL),
        optimizer: prefixed(OPTIMIZER),
        average: prefixed(AVERAGE),
        progress,
    }))
}
