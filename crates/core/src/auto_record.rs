//! `auto.json`: what a run of the strategy `auto` tried, and why it chose what it chose.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Result, Settings, Strategy, files};

/// Contents of `auto.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoRecord {
    /// Version of this format: 1.
    pub version: u32,
    /// Every network that could have been the result, from the simplest.
    pub candidates: Vec<CandidateRecord>,
    /// Index of the chosen one.
    pub chosen: usize,
    /// Why it was chosen, in a sentence.
    pub reason: String,
    /// What was left out, and why, in sentences.
    pub left_out: Vec<String>,
    /// Settings of the fine-tunings, in the order in which they ran.
    pub trials: Vec<Settings>,
}

/// One network that could have been the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateRecord {
    /// The strategy that trained it: `freeze` for the convex head.
    pub strategy: Strategy,
    /// Peak learning rate of the fine-tuning; 0 for the convex head.
    pub learning_rate: f64,
    /// Share of the fine-tuned weights in an average with the convex head's network (Wortsman et
    /// al. 2022, WiSE-FT). None for the convex head itself.
    pub share: Option<f64>,
    /// Validation photos that it labels correctly.
    pub val_correct: usize,
    /// Validation loss at its own temperature, in nats per photo.
    pub val_loss: f64,
    /// How much higher that is than the lowest of all, in nats per photo.
    pub difference: f64,
    /// Standard error of the difference, over the validation photos.
    pub standard_error: f64,
    /// Seconds that its training took.
    pub seconds: f64,
}

impl AutoRecord {
    /// Its file name in a run directory.
    pub const FILE_NAME: &'static str = "auto.json";

    /// Reads `auto.json`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`]; [`CoreError::Malformed`] for another format or version, or a choice that
    /// is no candidate.
    pub fn read(path: &Path) -> Result<Self> {
        let malformed =
            |reason| CoreError::Malformed { path: path.into(), what: "record of auto", reason };
        let record: Self = serde_json::from_str(&files::read_text(path)?)
            .map_err(|error| malformed(error.to_string()))?;
        if record.version != 1 {
            return Err(malformed(format!("version {} is not known, expected 1", record.version)));
        }
        if record.chosen >= record.candidates.len() {
            return Err(malformed(format!("candidate {} is not there", record.chosen)));
        }
        Ok(record)
    }

    /// The chosen candidate.
    pub fn chosen(&self) -> &CandidateRecord {
        &self.candidates[self.chosen]
    }
}

impl CandidateRecord {
    /// Its name in a table: `convex head`, `partial at 1e-3`, `0.25 of full at 1e-3`.
    pub fn name(&self) -> String {
        match self.share {
            None => "convex head".into(),
            Some(1.0) => format!("{} at {:e}", self.strategy, self.learning_rate),
            Some(share) => format!("{share} of {} at {:e}", self.strategy, self.learning_rate),
        }
    }
}
