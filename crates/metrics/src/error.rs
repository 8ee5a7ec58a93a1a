//! Errors in predictions.

/// Predictions that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to evaluate.
    #[error("there are no predictions to evaluate")]
    Empty,
    /// Two classes have the same name.
    #[error("class `{name}` is there twice")]
    DuplicateClass {
        /// The name.
        name: String,
    },
    /// The true class of a photo is not one of the classes.
    #[error("{path}: its class `{label}` is none of the {classes} classes")]
    UnknownLabel {
        /// Path of the photo.
        path: String,
        /// Its true class.
        label: String,
        /// Number of classes.
        classes: usize,
    },
    /// The number of logits differs from the number of classes.
    #[error("{path}: {found} logits, expected {expected}, one per class")]
    LogitCount {
        /// Path of the photo.
        path: String,
        /// Number of logits of the record.
        found: usize,
        /// Number of classes.
        expected: usize,
    },
    /// A logit that is infinite or not a number.
    #[error("{path}: the logit of class `{class}` is {logit}, expected a finite number")]
    NotFinite {
        /// Path of the photo.
        path: String,
        /// The class of the logit.
        class: String,
        /// The logit.
        logit: f32,
    },
}
