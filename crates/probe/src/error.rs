//! Errors of a probe.

use kennel_core::Stopped;

/// The result type of this crate.
pub type Result<T, E = ProbeError> = std::result::Result<T, E>;

/// Why a head cannot be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There are no photos, no features or no classes.
    #[error("there are no {what} to fit a head on")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A list has another length than the photos ask for.
    #[error("{found} {what}, expected {expected}")]
    Length {
        /// The list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A number that names a photo, a class or a fold is too large.
    #[error("{what} {found} of {of}, counted from 0")]
    OutOfRange {
        /// What the number names.
        what: &'static str,
        /// The number.
        found: usize,
        /// How many there are.
        of: usize,
    },
    /// A feature that is infinite or not a number.
    #[error("feature {column} of row {row} is {value}, expected a finite number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The feature.
        value: f32,
    },
    /// A weight or a strength that is negative, infinite or not a number.
    #[error("{what} is {found}, expected a finite number above 0")]
    NotPositive {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: f64,
    },
    /// All photos are in one fold.
    #[error("all photos are in one fold; a fold is judged by the photos outside it")]
    OneFold,
    /// A learning curve cannot be extrapolated that far.
    #[error("a learning curve says nothing about {photos} photos, only about 0 to {most:.0}")]
    TooFar {
        /// The number of photos.
        photos: f64,
        /// The largest number that it says something about.
        most: f64,
    },
    /// The caller stopped the job.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
