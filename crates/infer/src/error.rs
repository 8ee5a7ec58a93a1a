//! Errors of inference and evaluation.

use std::path::{Path, PathBuf};

use kennel_core::{CoreError, Hint, Hinted, Split, Stopped};
use kennel_data::DataError;
use kennel_metrics::MetricsError;
use kennel_models::ModelError;
use kennel_onnx::OnnxError;

/// The result type of this crate.
pub type Result<T, E = InferError> = std::result::Result<T, E>;

/// An error when a device or photos are opened, or photos are labelled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// An error of `kennel-core`, such as a file that cannot be read.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// An error of the photos.
    #[error(transparent)]
    Data(DataError),
    /// An error of the network or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An error of the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// An error of an ONNX file or its runtime.
    #[error(transparent)]
    Onnx(OnnxError),
    /// The caller stopped the task.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A name that leads to no photo.
    #[error("{reason}")]
    NoPhoto {
        /// Why not.
        reason: String,
    },
    /// A photo's logit is not finite.
    #[error("no label: the logit of class `{class}` is {logit}, expected a finite number")]
    NotFinite {
        /// The class.
        class: String,
        /// Its logit.
        logit: f32,
    },
    /// A model that cannot explain its labels.
    #[error("an ONNX file cannot be explained: it computes labels, and no gradients")]
    NoGradients,
    /// A model that knows no features.
    #[error("an ONNX file cannot say which photos are alike: it computes labels alone")]
    NoFeatures,
    /// A run whose photos have moved.
    #[error(
        "the photos of {run} lay in {folder}, which is gone",
        run = kennel_core::shown(run), folder = kennel_core::shown(folder)
    )]
    NoPhotoFolder {
        /// The run.
        run: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// An option that is out of bounds.
    #[error("{name} is {found}, expected {expected}")]
    OutOfBounds {
        /// Its name.
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
        /// Why not.
        reason: String,
        /// What may help.
        hint: Option<Box<Hint>>,
    },
    /// A split that is needed has no photos.
    #[error("{path} has no {split} photos, and {needed_for} needs them", path = kennel_core::shown(path))]
    EmptySplit {
        /// The data set.
        path: PathBuf,
        /// The split.
        split: Split,
        /// What it is needed for.
        needed_for: &'static str,
        /// What may help.
        hint: Hint,
    },
    /// The photos have a class that the run does not know.
    #[error(
        "{path} has a class `{found}`, but the run was trained on {expected}", path = kennel_core::shown(path)
    )]
    OtherClasses {
        /// The data set.
        path: PathBuf,
        /// The class.
        found: String,
        /// The run's classes.
        expected: String,
        /// The run's class that is closest to it.
        nearest: Option<String>,
    },
}

impl InferError {
    /// The error for a split that evaluation needs.
    pub(crate) fn nothing_to_judge(data: &Path, split: Split) -> Self {
        InferError::EmptySplit {
            path: data.into(),
            split,
            needed_for: "evaluation",
            hint: Hint::EverySplit,
        }
    }

    /// The error for a split that training needs.
    pub fn nothing_to_train_on(data: &Path, split: Split, needed_for: &'static str) -> Self {
        InferError::EmptySplit { path: data.into(), split, needed_for, hint: Hint::OtherFractions }
    }
}

impl From<DataError> for InferError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Stopped(stopped) => stopped.into(),
            error => InferError::Data(error),
        }
    }
}

impl From<OnnxError> for InferError {
    fn from(error: OnnxError) -> Self {
        match error {
            OnnxError::Stopped(stopped) => stopped.into(),
            error => InferError::Onnx(error),
        }
    }
}

impl Hinted for InferError {
    fn hints(&self) -> Vec<Hint> {
        match self {
            InferError::Core(error) => error.hints(),
            InferError::Data(error) => error.hints(),
            InferError::Model(error) => error.hints(),
            InferError::Onnx(error) => error.hints(),
            InferError::Device { hint, .. } => hint.iter().map(|hint| (**hint).clone()).collect(),
            InferError::EmptySplit { hint, .. } => vec![hint.clone()],
            InferError::OtherClasses { nearest: Some(nearest), .. } => {
                vec![Hint::DidYouMean(nearest.clone())]
            }
            InferError::OtherClasses { found, .. } => vec![Hint::OtherClass(found.clone())],
            InferError::NoPhotoFolder { .. } => vec![Hint::PhotosMoved],
            InferError::NoGradients | InferError::NoFeatures => vec![Hint::OfRun],
            InferError::Metrics(_)
            | InferError::Stopped(_)
            | InferError::NoPhoto { .. }
            | InferError::NotFinite { .. }
            | InferError::OutOfBounds { .. } => Vec::new(),
        }
    }
}
