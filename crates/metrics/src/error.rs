//! What can be wrong with predictions.

/// Predictions that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to evaluate.
    #[error("there are no predictions to evaluate")]
    Empty,
    /// A name stands for two classes.
    #[error("class `{name}` is there twice")]
    DuplicateClass {
        /// The name.
        name: String,
    },
    /// A true class that is none of the classes.
    #[error("{path}: its class `{label}` is none of the {classes} classes")]
    UnknownLabel {
        /// The photo.
        path: String,
        /// Its true class.
        label: String,
        /// How many classes there are.
        classes: usize,
    },
    /// Another number of logits than of classes.
    #[error("{path}: {found} logits, expected {expected}, one per class")]
    LogitCount {
        /// The photo.
        path: String,
        /// Logits of its record.
        found: usize,
        /// Classes.
        expected: usize,
    },
    /// A logit that is infinite or not a number.
    #[error("{path}: the logit of class `{class}` is {logit}, expected a finite number")]
    NotFinite {
        /// The photo.
        path: String,
        /// The class of the logit.
        class: String,
        /// What was found.
        logit: f32,
    },
}
