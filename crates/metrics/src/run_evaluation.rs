//! `evaluation.json`: what a run's predictions come to.

use kennel_core::Split;
use serde::{Deserialize, Serialize};

use crate::Evaluation;

/// The metrics of a run, split by split; absent where there are no predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEvaluation {
    /// The epoch that was kept, counted from 1; absent where nothing was trained.
    pub best_epoch: Option<usize>,
    /// Training photos, where they were predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Evaluation>,
    /// Validation photos: the epoch was chosen on them.
    pub val: Option<Evaluation>,
    /// Test photos: read once, by the chosen epoch.
    pub test: Option<Evaluation>,
}

impl RunEvaluation {
    /// The metrics of a split.
    pub fn of_mut(&mut self, split: Split) -> &mut Option<Evaluation> {
        match split {
            Split::Train => &mut self.train,
            Split::Val => &mut self.val,
            Split::Test => &mut self.test,
        }
    }
}
