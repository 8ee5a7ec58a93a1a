//! The error of this crate.

use std::fmt;
use std::path::PathBuf;

use kennel_core::{Hint, Hinted, SettingsError};
use kennel_infer::NotADevice;
use kennel_models::ModelError;
use kennel_train::TrainError;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what is wrong, where, and what was found.
///
/// `Display` has the message, and `Debug` the hints as well.
pub struct Error(Box<dyn Hinted + Send + Sync>);

impl Error {
    /// Wraps an error of one of the rooms.
    pub(crate) fn of(error: impl Hinted + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// What may help, the most useful first. Empty if nothing is known to.
    pub fn hints(&self) -> Vec<Hint> {
        self.0.hints()
    }

    /// Whether the caller stopped the job.
    pub fn is_stopped(&self) -> bool {
        let error: &(dyn std::error::Error + 'static) = &*self.0;
        matches!(
            error.downcast_ref(),
            Some(TrainError::Stopped(_) | TrainError::Interrupted { .. })
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        self.hints().iter().try_for_each(|hint| write!(f, "\nhint: {hint:?}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// An error that begins in this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{path} is not a model: expected a run's directory or an .onnx file", path = kennel_core::shown(.path))]
    NotAModel { path: PathBuf },
    #[error("{path}: expected a photo, found {found}", path = kennel_core::shown(.path))]
    NotAPhoto { path: PathBuf, found: &'static str },
    #[error("the network has no class `{name}`; it knows {known}")]
    NoClass { name: String, known: String },
    #[error("device `{name}` is unknown: {reason}")]
    Device { name: String, reason: NotADevice },
    #[error("{path}: {reason}", path = kennel_core::shown(.path))]
    Config { path: PathBuf, reason: SettingsError },
    #[error("{0}; this library downloads nothing")]
    NoWeights(ModelError),
}

impl Hinted for Refusal {
    fn hints(&self) -> Vec<Hint> {
        match self {
            Refusal::Device { reason, .. } => reason.hints(),
            Refusal::Config { reason, .. } => reason.hints(),
            Refusal::NoWeights(error) => error.hints(),
            Refusal::NotAModel { .. } | Refusal::NotAPhoto { .. } | Refusal::NoClass { .. } => {
                Vec::new()
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::of(refusal)
    }
}
