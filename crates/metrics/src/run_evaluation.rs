//! `evaluation.json`: the metrics of a run.

use kennel_core::Split;
use serde::{Deserialize, Serialize};

use crate::Evaluation;

/// The metrics of a run, by split; absent for a split without predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEvaluation {
    /// Selected epoch, counted from 1; absent when nothing was trained.
    pub best_epoch: Option<usize>,
    /// Metrics on training photos, if they were predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Evaluation>,
    /// Metrics on validation photos, which selected the epoch.
    pub val: Option<Evaluation>,
    /// Metrics on test photos, which are evaluated once, with the selected epoch.
    pub test: Option<Evaluation>,
    /// Metrics of a cross-validated run on all training and validation photos, each predicted by
    /// the network of its fold, which was trained without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<Evaluation>,
}

impl RunEvaluation {
    /// Returns the metrics of a split.
    pub fn of_mut(&mut self, split: Split) -> &mut Option<Evaluation> {
        match split {
            Split::Train => &mut self.train,
            Split::Val => &mut self.val,
            Split::Test => &mut self.test,
        }
    }
}
