//! What can go wrong between run directories and a report.

use std::path::PathBuf;

use kennel_core::CoreError;
use kennel_data::DataError;
use kennel_metrics::MetricsError;

/// The result of this room's functions.
pub type Result<T, E = ReportError> = std::result::Result<T, E>;

/// A report that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of a run cannot be read, written or believed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A photo that is to be shown cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Predictions that cannot be evaluated.
    #[error("{path}: {source}", path = kennel_core::shown(path))]
    Metrics {
        /// The file of predictions.
        path: PathBuf,
        /// What is wrong with them.
        #[source]
        source: MetricsError,
    },
    /// There is no finished run.
    #[error("no finished run under {path}{left_out}\nhint: {hint}", path = kennel_core::shown(path))]
    NoRuns {
        /// Where runs were looked for.
        path: PathBuf,
        /// Empty, or the runs that are there and why they do not count, each on a line of its own.
        left_out: String,
        /// The way out.
        hint: &'static str,
    },
    /// A figure could not be drawn.
    #[error("cannot draw {figure}: {reason}")]
    Figure {
        /// Which.
        figure: &'static str,
        /// What the plotting library said.
        reason: String,
    },
}
