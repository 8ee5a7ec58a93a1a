//! `search.json`: the trials of a search, how far each was trained, and which one was chosen.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{AugmentationSet, CoreError, Result, files};

/// Contents of `search.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRecord {
    /// Version of this format: 1.
    pub version: u32,
    /// Numbers of epochs after which the worse half of the trials was halted.
    pub rungs: Vec<usize>,
    /// The trials. The first has the run's own settings, the others have drawn ones.
    pub trials: Vec<SearchTrial>,
    /// Index of the chosen one.
    pub chosen: usize,
}

/// One trial of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchTrial {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Factor of the learning rate from each stage to the one below it, if used.
    pub layer_decay: Option<f64>,
    /// Set of augmentations; none if the augmentation is not one of the sets.
    pub augmentation: Option<AugmentationSet>,
    /// Stochastic depth of the last block.
    pub drop_path_rate: f64,
    /// How it ended.
    pub ended: TrialEnd,
    /// Finished epochs.
    pub epochs: usize,
    /// The best of these, counted from 1. None if it finished no epoch.
    pub best_epoch: Option<usize>,
    /// Validation loss after the best epoch, in nats per photo.
    pub val_loss: Option<f64>,
    /// Validation accuracy after the best epoch, in [0, 1].
    pub val_accuracy: Option<f64>,
    /// Seconds that its training took.
    pub seconds: f64,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialEnd {
    /// It was trained to its end.
    Finished,
    /// It was halted after its last finished epoch, among the worse half.
    Halted,
    /// Its loss was not finite any more.
    Diverged,
}

impl SearchRecord {
    /// Its file name in a run directory.
    pub const FILE_NAME: &'static str = "search.json";

    /// Reads `search.json`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`]; [`CoreError::Malformed`] for another format or version, or a choice that
    /// is no trial.
    pub fn read(path: &Path) -> Result<Self> {
        let malformed =
            |reason| CoreError::Malformed { path: path.into(), what: "record of a search", reason };
        let record: Self = serde_json::from_str(&files::read_text(path)?)
            .map_err(|error| malformed(error.to_string()))?;
        if record.version != 1 {
            return Err(malformed(format!("version {} is not known, expected 1", record.version)));
        }
        if record.chosen >= record.trials.len() {
            return Err(malformed(format!("trial {} is not there", record.chosen)));
        }
        Ok(record)
    }

    /// The chosen trial.
    pub fn chosen(&self) -> &SearchTrial {
        &self.trials[self.chosen]
    }
}
