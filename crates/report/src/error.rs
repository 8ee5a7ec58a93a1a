//! Errors between run directories and a report.

use std::path::PathBuf;

use kennel_core::{CoreError, Hint, Hinted};
use kennel_data::DataError;
use kennel_metrics::MetricsError;

/// Result of this crate's functions.
pub type Result<T, E = ReportError> = std::result::Result<T, E>;

/// A report that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of a run cannot be read, written or trusted.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A photo to show cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The predictions cannot be evaluated.
    #[error("{path}: {source}", path = kennel_core::shown(path))]
    Metrics {
        /// The file of predictions.
        path: PathBuf,
        /// What is wrong with them.
        #[source]
        source: MetricsError,
    },
    /// There is no finished run.
    #[error("no finished run under {path}{left_out}", path = kennel_core::shown(path))]
    NoRuns {
        /// Folder that was searched for runs.
        path: PathBuf,
        /// Empty, or the unusable runs with the reason, one per line.
        left_out: String,
    },
    /// A figure could not be drawn.
    #[error("cannot draw {figure}: {reason}")]
    Figure {
        /// Name of the figure.
        figure: &'static str,
        /// The plotting library's reason.
        reason: String,
    },
}

impl Hinted for ReportError {
    fn hints(&self) -> Vec<Hint> {
        match self {
            ReportError::Core(error) => error.hints(),
            ReportError::Data(error) => error.hints(),
            ReportError::NoRuns { path, .. } if path.exists() => {
                vec![Hint::Train { model: None, strategy: None }]
            }
            ReportError::NoRuns { .. } => vec![Hint::NoRunsFolder],
            ReportError::Metrics { .. } | ReportError::Figure { .. } => Vec::new(),
        }
    }
}
