//! Errors of a whole study. An experiment that fails does not end it.

use std::path::PathBuf;

use kennel_core::{CoreError, Hint, Hinted, RunDir};
use kennel_models::ModelError;
use kennel_report::ReportError;

/// The result type of this crate.
pub type Result<T, E = StudyError> = std::result::Result<T, E>;

/// What ends a study.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A shared file or folder failed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A network or its weights failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The report, or the published results to compare with.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The folder of runs cannot be shared with other processes.
    #[error("{} lies on a file system without locks", kennel_core::shown(.0))]
    NoLocks(PathBuf),
    /// Stopped on request.
    #[error("stopped")]
    Stopped(Halt),
}

/// Where the caller stopped a study.
#[derive(Clone, Debug)]
pub enum Halt {
    /// While the untouched head of a network was scored.
    Baseline {
        /// Model and method.
        label: String,
    },
    /// While the photos of an experiment were checked.
    Checking {
        /// The experiment.
        label: String,
    },
    /// While another process worked on it.
    Waiting {
        /// The experiment.
        label: String,
    },
    /// While an experiment was trained.
    Training {
        /// The experiment.
        label: String,
        /// Its run, which can be resumed.
        run: RunDir,
        /// Finished epochs.
        epochs: usize,
    },
}

impl From<Halt> for StudyError {
    fn from(halt: Halt) -> Self {
        StudyError::Stopped(halt)
    }
}

impl Hinted for StudyError {
    fn hints(&self) -> Vec<Hint> {
        match self {
            StudyError::Core(error) => error.hints(),
            StudyError::Model(error) => error.hints(),
            StudyError::Report(error) => error.hints(),
            StudyError::NoLocks(_) => vec![Hint::ShareByShards],
            StudyError::Stopped(_) => Vec::new(),
        }
    }
}
