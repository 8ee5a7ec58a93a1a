//! What can go wrong in training and evaluation.

use std::path::{Path, PathBuf};

use kennel_core::CoreError;
use kennel_data::DataError;
use kennel_metrics::MetricsError;
use kennel_models::ModelError;

/// The result of this room's functions.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// A run that cannot begin, go on or be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A shared file failed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The photos failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network or its weights failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// There is nothing to measure.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A hyperparameter that makes no sense.
    #[error("{name} is {found}, expected {expected}")]
    Hyperparameter {
        /// Its name, as in `config.toml`.
        name: &'static str,
        /// What was given.
        found: String,
        /// What would make sense.
        expected: &'static str,
    },
    /// A device that is not there.
    #[error("device {name}: {reason}")]
    Device {
        /// What was asked for.
        name: String,
        /// Why not, and the way out.
        reason: String,
    },
    /// Class weights that do not fit the classes.
    #[error("class weights: {reason}")]
    ClassWeights {
        /// What was found.
        reason: String,
    },
    /// A new head that would stay as it was drawn.
    #[error("the new classifier `{head}` would not be trained\nhint: add it: --unfreeze {with_head}")]
    HeadNotTrained {
        /// Its prefix.
        head: String,
        /// What to ask for instead.
        with_head: String,
    },
    /// A split without photos that is needed.
    #[error("{path} has no {split} photos, and {needed_for} needs them\nhint: {hint}", path = kennel_core::shown(path))]
    EmptySplit {
        /// The data set.
        path: PathBuf,
        /// The split.
        split: kennel_core::Split,
        /// What it is needed for.
        needed_for: &'static str,
        /// The way out.
        hint: &'static str,
    },
    /// The network's answers are no numbers before anything has moved.
    #[error(
        "a logit of {photo} is {logit} before the first step: weights {weights} give no finite answers\n\
         hint: every value of the file is finite, but what is computed of them is not: take other weights"
    )]
    NoFiniteAnswer {
        /// What was asked for.
        weights: String,
        /// A training photo.
        photo: String,
        /// What was found.
        logit: f32,
    },
    /// The loss left the numbers.
    #[error(
        "the loss is {loss} in epoch {epoch}, step {step}: training has diverged\n\
         hint: lower --learning-rate, or bound the gradient with --gradient-clip 1"
    )]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1.
        step: usize,
        /// What was found.
        loss: f32,
    },
    /// The network's answers left the numbers, while the loss of the training photos did not.
    #[error(
        "a logit of {photo} is {logit} after epoch {epoch}: training has diverged\n\
         hint: lower --learning-rate, or bound the gradient with --gradient-clip 1"
    )]
    DivergedAnswer {
        /// Counted from 1.
        epoch: usize,
        /// The validation photo.
        photo: String,
        /// What was found.
        logit: f32,
    },
    /// A run that cannot be continued.
    #[error("{path} cannot be resumed: {reason}", path = kennel_core::shown(path))]
    CannotResume {
        /// The run.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A run that is at work already.
    #[error("{path} is being trained by another process\nhint: wait until it ends, or stop it first", path = kennel_core::shown(path))]
    InUse {
        /// The run.
        path: PathBuf,
    },
    /// Photos of a class that the run does not know.
    #[error(
        "{path} has a class `{found}`, but the run was trained on {expected}{hint}", path = kennel_core::shown(path)
    )]
    OtherClasses {
        /// The data set.
        path: PathBuf,
        /// The class.
        found: String,
        /// The run's classes.
        expected: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// No run matches.
    #[error(
        "no finished run of {what} lies in {path}\nhint: {there}`kennel train {how}` makes one", path = kennel_core::shown(path),
        there = if *is_there { "" } else { "there is no such folder; --runs takes the one that your runs lie in, " }
    )]
    NoSuchRun {
        /// What was asked for.
        what: String,
        /// Where.
        path: PathBuf,
        /// Whether there is such a folder.
        is_there: bool,
        /// How to make one.
        how: String,
    },
}

impl TrainError {
    /// Nothing to judge a network on.
    pub(crate) fn nothing_to_judge(data: &Path, split: kennel_core::Split) -> Self {
        TrainError::EmptySplit {
            path: data.into(),
            split,
            needed_for: "evaluation",
            hint: "--split all takes the photos of every part",
        }
    }

    /// Nothing to learn from, or to choose by.
    pub(crate) fn nothing_to_train_on(
        data: &Path,
        split: kennel_core::Split,
        needed_for: &'static str,
    ) -> Self {
        TrainError::EmptySplit {
            path: data.into(),
            split,
            needed_for,
            hint: "seven photos of a class give every part one: add photos, or divide otherwise with \
                   `kennel prepare --train-fraction 0.5 --val-fraction 0.25`",
        }
    }
}
