//! Errors in what an audit is given.

use kennel_metrics::MetricsError;

/// Photos that cannot be audited.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is nothing to audit.
    #[error("there are no photos to audit")]
    Empty,
    /// With one class no label can be wrong.
    #[error("an audit compares classes, and there is only one: `{class}`")]
    OneClass {
        /// The class.
        class: String,
    },
    /// Predictions that cannot be audited.
    #[error(transparent)]
    Predictions(#[from] MetricsError),
    /// The number of probabilities is not photos times classes.
    #[error("{found} probabilities, expected {photos} photos times {classes} classes")]
    ProbabilityCount {
        /// Number of probabilities.
        found: usize,
        /// Number of photos.
        photos: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The probabilities of a photo are no shares of one.
    #[error("{path}: its probabilities sum to {sum}, expected shares of 1")]
    NotProbabilities {
        /// Path of the photo.
        path: String,
        /// Their sum.
        sum: f64,
    },
    /// The label of a photo is not one of the classes.
    #[error("{path}: label {label} is not below the number of classes, {classes}")]
    UnknownLabel {
        /// Path of the photo.
        path: String,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The number of feature values is not photos times width.
    #[error("{found} feature values, expected {photos} photos times {width}")]
    FeatureCount {
        /// Number of values.
        found: usize,
        /// Number of photos.
        photos: usize,
        /// Features of a photo.
        width: usize,
    },
    /// A feature that is infinite or not a number.
    #[error("{path}: feature {feature} is {value}, expected a finite number")]
    NotFinite {
        /// Path of the photo.
        path: String,
        /// Index of the feature.
        feature: usize,
        /// Its value.
        value: f32,
    },
}
