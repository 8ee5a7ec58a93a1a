//! Errors of training and evaluation.

use std::path::{Path, PathBuf};

use kennel_core::{CoreError, OutOfBounds, Weights};
use kennel_data::DataError;
use kennel_metrics::MetricsError;
use kennel_models::ModelError;

/// The result type of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// An error when a run begins, resumes or is evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An error of `kennel-core`, such as a file that cannot be read.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// An error of the photos.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An error of the network or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An error of the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A hyperparameter that is out of bounds.
    #[error("{name} is {found}, expected {expected}")]
    Hyperparameter {
        /// Its name, as in `config.toml`.
        name: &'static str,
        /// The value.
        found: String,
        /// Which values are valid.
        expected: &'static str,
    },
    /// A device that cannot be used.
    #[error("device {name}: {reason}")]
    Device {
        /// The device that was asked for.
        name: String,
        /// Why not, and a hint.
        reason: String,
    },
    /// Class weights that do not match the classes.
    #[error("class weights: {reason}")]
    ClassWeights {
        /// What does not match.
        reason: String,
    },
    /// A new head that would not be trained.
    #[error("the new classifier `{head}` would not be trained\nhint: add it: --unfreeze {with_head}")]
    HeadNotTrained {
        /// Its prefix.
        head: String,
        /// The value of `--unfreeze` that includes it.
        with_head: String,
    },
    /// A split that is needed has no photos.
    #[error("{path} has no {split} photos, and {needed_for} needs them\nhint: {hint}", path = kennel_core::shown(path))]
    EmptySplit {
        /// The data set.
        path: PathBuf,
        /// The split.
        split: kennel_core::Split,
        /// What it is needed for.
        needed_for: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A logit is not finite before the first step.
    #[error(
        "a logit of {photo} is {logit} before the first step: weights {weights} give no finite answers\n\
         hint: every value of the file is finite, but what is computed of them is not: take other weights"
    )]
    NoFiniteAnswer {
        /// The weights that were asked for.
        weights: Weights,
        /// A training photo.
        photo: String,
        /// The logit.
        logit: f32,
    },
    /// The training loss is not finite.
    #[error(
        "the loss is {loss} in epoch {epoch}, step {step}: training has diverged\n\
         hint: lower --learning-rate, or bound the gradient with --gradient-clip 1"
    )]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1.
        step: usize,
        /// The loss.
        loss: f32,
    },
    /// A validation logit is not finite, though the training loss is.
    #[error(
        "a logit of {photo} is {logit} after epoch {epoch}: training has diverged\n\
         hint: lower --learning-rate, or bound the gradient with --gradient-clip 1"
    )]
    DivergedAnswer {
        /// Counted from 1.
        epoch: usize,
        /// The validation photo.
        photo: String,
        /// The logit.
        logit: f32,
    },
    /// A run cannot be resumed.
    #[error("{path} cannot be resumed: {reason}", path = kennel_core::shown(path))]
    CannotResume {
        /// The run.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process is training the run.
    #[error("{path} is being trained by another process\nhint: wait until it ends, or stop it first", path = kennel_core::shown(path))]
    InUse {
        /// The run.
        path: PathBuf,
    },
    /// The photos have a class that the run does not know.
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
    /// No finished run matches.
    #[error(
        "no finished run of {what} lies in {path}\nhint: {there}`kennel train {how}` makes one", path = kennel_core::shown(path),
        there = if *is_there { "" } else { "there is no such folder; --runs takes the one that your runs lie in, " }
    )]
    NoSuchRun {
        /// The model, and the strategy if given.
        what: String,
        /// The folder that was searched.
        path: PathBuf,
        /// Whether the folder exists.
        is_there: bool,
        /// Arguments of `kennel train` that make one.
        how: String,
    },
}

impl From<OutOfBounds> for TrainError {
    fn from(OutOfBounds { name, found, expected }: OutOfBounds) -> Self {
        TrainError::Hyperparameter { name, found, expected }
    }
}

impl TrainError {
    /// The error for a split that evaluation needs.
    pub(crate) fn nothing_to_judge(data: &Path, split: kennel_core::Split) -> Self {
        TrainError::EmptySplit {
            path: data.into(),
            split,
            needed_for: "evaluation",
            hint: "--split all takes the photos of every part",
        }
    }

    /// The error for a split that training needs.
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
