//! How a training went, in one word.

use serde::Serialize;

/// How a training went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Both losses have settled.
    Converged,
    /// Training loss falls while validation loss rises.
    Overfitting,
    /// Validation loss rises and training loss does not fall.
    Diverging,
    /// The loss is far above that of guessing.
    Diverged,
    /// The loss is still high.
    Underfitting,
    /// The loss is low and still falling.
    StillImproving,
    /// The loss is still high because the head has hardly changed.
    HeadHardlyTrained,
    /// The training loss is that of mixed labels, and says nothing about the fit.
    MixedLabels,
}
